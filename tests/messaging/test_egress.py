"""Requests go to public addresses by https, or to what the owner has set, and nowhere else."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from math import inf
from typing import Any

import httpcore
import httpx
import pytest
from platforms import APP_ID

from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.egress import Egress, trusted_addresses
from bot.channels.messaging.incoming import OutgoingRequest
from bot.channels.messaging.teams_bot import KEYS_URL
from bot.channels.messaging.tokens import AccessTokens, PublicKeys, TokenError
from bot.egress import EgressError, http_client, public

SERVICE = "https://smba.trafficmanager.net/emea/v3/conversations/a/activities/1"


class Server(HTTPServer):
    """Answers what it is told; notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.status, self.body, self.location = 200, b"{}", ""
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                server.asked.append((self.path, self.headers.get("host", "")))
                self.send_response(server.status)
                if server.location:
                    self.send_header("Location", server.location)
                self.end_headers()
                self.wfile.write(server.body)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def get(url: str) -> OutgoingRequest:
    return OutgoingRequest("GET", url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "ff02::1",
        "2001:db8::1",
        "not an address",
    ],
)
def test_no_address_but_a_public_one_is_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://example.org:8443/",
        "https://user@example.org/",
        "https://example.org@127.0.0.1/",
        "file:///etc/passwd",
        "ftp://example.org/",
        "https:///nothing",
        "https://example.org\\@127.0.0.1/",
        "https://exa mple.org/",
        "https://example.org:port/",
        "https://[fe80::1%ü]/",
        f"https://{'a' * 64}.example/",
        "",
    ],
)
def test_only_plain_https_addresses_are_allowed(url: str) -> None:
    with pytest.raises(EgressError):
        Egress().check(url)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "169.254.169.254", "0x7f.1"])
def test_a_name_that_leads_inside_is_not_connected_to(host: str) -> None:
    egress = Egress()
    with pytest.raises(EgressError, match="is not a public address"):
        egress.send(get(f"https://{host}/"))
    egress.close()


def test_letters_that_http_lacks_are_refused_without_showing_them(server: Server) -> None:
    egress = Egress([server.url])
    secret = {"Authorization": "Bearer pässword"}
    with pytest.raises(EgressError, match="letters that HTTP lacks") as raised:
        egress.send(OutgoingRequest("POST", server.url, b"{}", secret))
    assert raised.value.__cause__ is None
    assert not server.asked
    server.status, server.location = 302, "http://[fe80::1%ü]/"
    with pytest.raises(httpx.RemoteProtocolError):
        egress.send(get(server.url))
    server.location = "/elsewhere"  # the client is as good as before
    assert egress.send(get(server.url))[0] == 302
    egress.close()


def test_one_inner_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(host: str, port: int, **_: Any) -> list[Any]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("8.8.8.8", port)), (*kind, ("10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    egress = Egress()
    with pytest.raises(EgressError):
        egress.send(get("https://rebinding.example.org/"))
    egress.close()


def test_the_next_address_is_tried_where_one_does_not_connect(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host with two addresses, of which this machine reaches the second, is reached."""
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    port = server.server_port

    def lead_to(*addresses: str) -> None:
        found = [(*entry, (address, port)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    monkeypatch.setattr("bot.egress.public", lambda address: True)  # loopback stands in for both
    with http_client(frozenset(), httpx.Timeout(5), lambda: inf) as client:
        lead_to("127.0.0.2", "127.0.0.1")
        assert client.get(f"http://two.example:{port}/").status_code == 200
        lead_to("127.0.0.2", "127.0.0.3")
        with pytest.raises(httpx.ConnectError):
            client.get(f"http://none.example:{port}/")
    assert [host for _, host in server.asked] == [f"two.example:{port}"]


def test_many_addresses_hold_it_up_no_longer_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names fifty addresses that never answer gets the time of one."""
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    found = [(*entry, (f"8.8.8.{n}", 80)) for n in range(50)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    waits: list[float] = []

    def silent(backend: object, host: str, port: int, timeout: float, *_: object) -> None:
        waits.append(timeout)
        raise httpcore.ConnectTimeout

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", silent)
    client = http_client(frozenset(), httpx.Timeout(6), lambda: inf)
    with client, pytest.raises(httpx.ConnectTimeout):
        client.get("http://many.example/")
    assert waits == [2.0, 2.0, 2.0]


def test_loopback_is_reached_where_the_owner_has_set_it_and_only_there(server: Server) -> None:
    egress = Egress()
    with pytest.raises(EgressError):
        egress.send(get(server.url))
    egress.close()
    egress = Egress([f"{server.url}/api"])
    assert egress.send(get(f"{server.url}/api/x"))[0] == 200
    with pytest.raises(EgressError):
        egress.send(get(f"http://127.0.0.1:{server.server_port + 1}/"))
    egress.close()


def test_redirects_are_not_followed(server: Server) -> None:
    server.status, server.location = 302, f"{server.url}/elsewhere"
    egress = Egress([server.url])
    assert egress.send(get(f"{server.url}/first"))[0] == 302
    assert [path for path, _ in server.asked] == ["/first"]
    egress.close()


def test_a_long_answer_is_not_read_to_its_end(server: Server) -> None:
    server.body = b"x" * 3_000_000
    egress = Egress([server.url])
    assert len(egress.send(get(server.url))[2]) == 1_000_000
    egress.close()


class Dripping(socketserver.ThreadingTCPServer):
    """Answers each request with `answer`, the last `slow` bytes one by one over `seconds`."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self) -> None:
        self.answer, self.slow, self.seconds, self.connections = b"", 0, 3.0, 0
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                server.connections += 1
                with suppress(OSError):  # the asker has gone
                    while self.request.recv(65536):
                        at = len(server.answer) - server.slow
                        self.request.sendall(server.answer[:at])
                        for place in range(at, len(server.answer)):
                            time.sleep(server.seconds / server.slow)
                            self.request.sendall(server.answer[place : place + 1])

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def dripping() -> Iterator[Dripping]:
    with Dripping() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


ANSWER = b"HTTP/1.1 200 OK\r\nX-Long: " + b"h" * 60 + b"\r\nContent-Length: 60\r\n\r\n" + b"b" * 60


@pytest.mark.parametrize("slow", [60, 140, len(ANSWER)], ids=["body", "headers", "all"])
def test_an_answer_that_drips_in_is_given_up_as_a_whole(dripping: Dripping, slow: int) -> None:
    dripping.answer, dripping.slow = ANSWER, slow
    egress = Egress([dripping.url], seconds=0.3)
    started = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        egress.send(get(dripping.url))
    assert 0.25 < time.monotonic() - started < 1.5  # the whole answer would take three seconds
    egress.close()


def test_each_request_has_its_own_time_on_one_connection(dripping: Dripping) -> None:
    dripping.answer, dripping.slow, dripping.seconds = ANSWER, 20, 0.2
    egress = Egress([dripping.url], seconds=0.6)
    answers = [egress.send(get(dripping.url)) for _ in range(4)]  # together longer than one may
    assert [(status, len(body)) for status, _, body in answers] == [(200, 60)] * 4
    assert dripping.connections == 1
    egress.close()


def test_the_requests_of_other_threads_give_a_slow_one_no_more_time(
    dripping: Dripping, server: Server
) -> None:
    dripping.answer, dripping.slow = ANSWER, 60
    egress = Egress([dripping.url, server.url], seconds=0.4)
    given_up: list[float] = []

    def ask() -> None:
        with pytest.raises(httpx.ReadTimeout):
            egress.send(get(dripping.url))
        given_up.append(time.monotonic())

    slow = threading.Thread(target=ask)
    started = time.monotonic()
    slow.start()
    while not given_up and time.monotonic() < started + 2:
        assert egress.send(get(server.url))[0] == 200
        time.sleep(0.05)
    slow.join()
    assert given_up[0] - started < 1.5
    egress.close()


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.org/v3/conversations/a",
        "https://evil.trafficmanager.net/v3/conversations/a",
        "https://smba.trafficmanager.net.evil.org/v3",
        "https://notbotframework.com/v3",
        "https://teams.microsoft.com.evil.org/",
    ],
)
def test_teams_token_goes_to_teams_alone(url: str) -> None:
    with pytest.raises(EgressError, match="none of Teams"):
        Egress().check(url, "teams_bot")


@pytest.mark.parametrize(
    "url",
    [
        SERVICE,
        "https://smba.infra.gcc.teams.microsoft.com/teams/v3",
        "https://smba.infra.gov.teams.microsoft.us/teams/v3",
        "https://webchat.botframework.com/",
    ],
)
def test_teams_own_addresses_are_allowed(url: str) -> None:
    Egress().check(url, "teams_bot")


def test_the_owners_addresses_are_read_from_the_environment() -> None:
    environ = {
        "QUOTH_SLACK_API_URL": "http://127.0.0.1:1/slack",
        "QUOTH_MATRIX_HOMESERVER": "http://matrix:8008",
        "QUOTH_GENERIC_REPLY_URL": "http://10.0.0.1/in",
        "QUOTH_PUBLIC_URL": "https://quoth.example.org",
        "QUOTH_DATABASE_URL": "postgresql://db/quoth",
        "OTHER_URL": "http://127.0.0.1",
    }
    assert trusted_addresses(environ) == list(environ.values())[:3]


def test_public_keys_are_fetched_once_and_looked_up_anew_once_a_minute(server: Server) -> None:
    now = [1000.0]
    server.body = b'{"keys": [{"kid": "1"}]}'
    egress = Egress([server.url])
    keys = PublicKeys(egress, {"QUOTH_TEAMS_BOT_KEYS_URL": server.url}, lambda: now[0])
    for _ in range(5):
        assert keys(KEYS_URL, False) == {"keys": [{"kid": "1"}]}
        keys(KEYS_URL, True)  # a token with an unknown key: anybody can send one
    assert len(server.asked) == 1
    now[0] += 61
    keys(KEYS_URL, True)
    assert len(server.asked) == 2
    server.status = 500  # the old keys stay
    now[0] += 7 * 3600
    assert keys(KEYS_URL, False) == {"keys": [{"kid": "1"}]}
    egress.close()


def test_keys_that_can_not_be_had_are_none(server: Server) -> None:
    server.body = b"no JSON"
    egress = Egress([server.url])
    assert PublicKeys(egress, {"QUOTH_TEAMS_BOT_KEYS_URL": server.url})(KEYS_URL, False) is None
    egress.close()


def test_an_access_token_is_fetched_before_the_old_one_ends(server: Server) -> None:
    now = [1000.0]
    server.body = b'{"access_token": "t1", "expires_in": 3600}'
    egress = Egress([server.url])
    tokens = AccessTokens(egress, {"QUOTH_TEAMS_BOT_TOKEN_URL": server.url}, lambda: now[0])
    secrets = Secrets.of("teams_bot", APP_ID=APP_ID, APP_PASSWORD="password")
    assert [tokens.get(secrets, "microsoft") for _ in range(3)] == ["t1"] * 3
    assert len(server.asked) == 1
    now[0] += 3500
    server.body = b'{"access_token": "t2", "expires_in": 3600}'
    assert tokens.get(secrets, "microsoft") == "t2"
    tokens.forget("teams_bot")
    server.status = 401
    with pytest.raises(TokenError, match="HTTP 401"):
        tokens.get(secrets, "microsoft")
    egress.close()


@pytest.mark.parametrize(
    ("says", "after"),
    [(b"", 121), (b', "expires_in": NaN', 121), (b', "expires_in": 1e400', 86_400)],
)
def test_no_access_token_is_kept_for_ever_or_fetched_with_every_message(
    server: Server, says: bytes, after: float
) -> None:
    now = [1000.0]
    server.body = b'{"access_token": "t1"' + says + b"}"
    egress = Egress([server.url])
    tokens = AccessTokens(egress, {"QUOTH_TEAMS_BOT_TOKEN_URL": server.url}, lambda: now[0])
    secrets = Secrets.of("teams_bot", APP_ID=APP_ID, APP_PASSWORD="password")
    for fetched in (1, 2):
        for _ in range(3):
            assert tokens.get(secrets, "microsoft") == "t1"
        assert len(server.asked) == fetched
        now[0] += after
    egress.close()
