"""Who may speak: the platforms' published vectors, and nothing that differs from a good request."""

from __future__ import annotations

import ast
import base64
import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl

import httpx
import jwt
import platforms as p
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.messaging import signatures
from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.incoming import Handshake, Ignored, RawRequest, Rejected
from bot.channels.messaging.protocol import Setup
from bot.channels.messaging.registry import CHANNELS

each = pytest.mark.parametrize("platform", p.PLATFORMS, ids=lambda platform: platform.name)
signed_time = pytest.mark.parametrize(
    "platform", [x for x in p.PLATFORMS if x.timestamp], ids=lambda platform: platform.name
)


def receive(
    name: str, headers: Mapping[str, str], body: bytes, now: float, url: str = "", **secrets: str
) -> object:
    request = RawRequest("POST", url or f"https://x.example/webhooks/{name}", headers, body)
    return CHANNELS[name](Setup()).receive(request, Secrets.of(name, **secrets), now)


# Vectors ----------------------------------------------------------------------------------------


def test_slack_vector() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
        b"G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook"
        b"-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F3977"
        b"00885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d1"
        b"0d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    secret = "8f742231b10e8888abcd99yyyzzz85a5"
    found = receive("slack", headers, body, 1531420618, SIGNING_SECRET=secret)
    assert isinstance(found, tuple)
    assert found[0].text == "help"


@pytest.mark.parametrize(
    ("secret", "key", "time", "body", "signature"),
    [
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1649367553,
            b'{"email":"test@example.com","username":"test_user"}',
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
    ],
)
def test_standard_webhooks_vectors(
    secret: str, key: str, time: int, body: bytes, signature: str
) -> None:
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(time),
        "webhook-signature": f"v1a,bm9wZQ== {signature}",
    }
    assert receive("generic", headers, body, time, SECRET=secret) == Ignored("another event")


def test_line_vector() -> None:
    headers = {"x-line-signature": "/gg9a+LvFevTH1sd7XCQycD7tsWclCsInj7MhBHxN7k="}
    found = receive("line", headers, b"bodybodybodybody", 0, CHANNEL_SECRET="channel_secret")
    assert found == Rejected("malformed")  # genuine, though no JSON
    found = receive("line", headers, b"bodybodybodybodx", 0, CHANNEL_SECRET="channel_secret")
    assert found == Rejected("signature")


@pytest.mark.parametrize(
    ("port", "signature"),
    [
        ("", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        ("", "kvajT1Ptam85bY51eRf/AJRuM3w="),
        (":443", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
        (":443", "kvajT1Ptam85bY51eRf/AJRuM3w="),
    ],
)
def test_twilio_vectors_with_and_without_port(port: str, signature: str) -> None:
    body = b"CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309"
    body += b"&To=%2B18005551212&Caller=%2B14158675309"
    url = f"https://mycompany.com{port}/myapp.php?foo=1&bar=2"
    headers = {"x-twilio-signature": signature}
    found = receive("twilio", headers, body, 0, url, AUTH_TOKEN="12345")
    assert isinstance(found, Ignored)
    other = url.replace("bar=2", "bar=3")
    assert receive("twilio", headers, body, 0, other, AUTH_TOKEN="12345") == Rejected("signature")


@pytest.mark.parametrize("name", ["whatsapp", "messenger", "instagram"])
def test_meta_vector(name: str) -> None:
    given = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": given}
    secret = "It's a Secret to Everybody"
    found = receive(name, headers, b"Hello, World!", 0, APP_SECRET=secret)
    assert found == Rejected("malformed")  # genuine, though no JSON
    found = receive(name, headers, b"Hello, World?", 0, APP_SECRET=secret)
    assert found == Rejected("signature")


def test_discord_vector() -> None:
    headers = {
        "x-signature-timestamp": "1531420618",
        "x-signature-ed25519": "5dddde0612f335c8939507612e69436c8bac6f3dbbd8101b64ddad9ac3da9b70"
        "39b46294d43c8fc973db1179e3bffba5670d9e804c9dd8d668b090d55984a305",
    }
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    found = receive("discord", headers, b'{"type":1}', 1531420618, PUBLIC_KEY=public)
    assert found == Handshake(b'{"type":1}')
    found = receive("discord", headers, b'{"type":2}', 1531420618, PUBLIC_KEY=public)
    assert found == Rejected("signature")
    assert isinstance(found, Rejected)
    assert found.status == 401


def test_teams_vector() -> None:
    headers = {"authorization": "HMAC OsI22fOxGbRqh5cP8AMgGG80vP5pVkuGv1D1ft388ls="}
    token = "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA="
    found = receive("teams", headers, b'{"type":"message","text":"hi"}', 0, TOKEN=token)
    assert found == Rejected("malformed")  # genuine, though without an id
    found = receive("teams", headers, b'{"type":"message","text":"ho"}', 0, TOKEN=token)
    assert found == Rejected("signature")


# Every single change ----------------------------------------------------------------------------


def changed(text: str, at: int, to: str) -> str:
    at %= len(text)
    return text[:at] + to + text[at + 1 :]


@pytest.mark.parametrize(
    "platform", [x for x in p.PLATFORMS if x.covers_body], ids=lambda platform: platform.name
)
@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 1 << 20), to=st.integers(0, 255))
def test_every_changed_byte_of_the_body_is_refused(platform: p.Platform, at: int, to: int) -> None:
    request = platform.sign(platform.event("What is MS? Ü", "1"))
    body = bytearray(request.body)
    body[at % len(body)] = to
    if bytes(body) == request.body:
        return
    if platform.name == "twilio":  # signed are the fields; "%2B" and "%2b" spell the same ones
        try:
            if parse_qsl(body.decode(), True) == parse_qsl(request.body.decode(), True):
                return
        except UnicodeDecodeError:
            pass
    found = platform.channel.receive(replace(request, body=bytes(body)), platform.secrets, p.NOW)
    assert found == Rejected("signature")


@each
@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, 1 << 20), to=st.characters(max_codepoint=255))
def test_every_changed_character_of_the_signature_is_refused(
    platform: p.Platform, at: int, to: str
) -> None:
    request = platform.sign(platform.event("What is MS?", "1"))
    given_ = request.headers[platform.signature]
    wrong = changed(given_, at, to)
    if wrong == given_:
        return
    headers = {**request.headers, platform.signature: wrong}
    found = platform.channel.receive(replace(request, headers=headers), platform.secrets, p.NOW)
    assert isinstance(found, Rejected)
    assert found.status == 401


@signed_time
@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 30), to=st.characters(max_codepoint=255))
def test_every_changed_character_of_the_time_is_refused(
    platform: p.Platform, at: int, to: str
) -> None:
    request = platform.sign(platform.event("What is MS?", "1"))
    time = request.headers[platform.timestamp]
    wrong = changed(time, at, to)
    if wrong == time:
        return
    headers = {**request.headers, platform.timestamp: wrong}
    found = platform.channel.receive(replace(request, headers=headers), platform.secrets, p.NOW)
    assert found == Rejected("signature")


@each
@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 1000), to=st.characters(min_codepoint=33, max_codepoint=126))
def test_every_changed_character_of_the_secret_is_refused(
    platform: p.Platform, at: int, to: str
) -> None:
    secret = platform.secrets.get(platform.secret)
    wrong = changed(secret, at, to)
    if wrong == secret or (platform.name == "generic" and at % len(secret) < len("whsec_")):
        return
    if platform.name == "teams" and wrong == secret.replace("=", "A"):
        return  # one zero byte more, and HMAC fills its keys up with zeros
    others = {name: platform.secrets.get(name) for name in ("ACCOUNT_SID", "TOKEN", "USER_ID")}
    secrets = Secrets.of(platform.name, **{**others, platform.secret: wrong})
    request = platform.sign(platform.event("What is MS?", "1"))
    assert platform.channel.receive(request, secrets, p.NOW) == Rejected("signature")


@each
def test_without_any_secret_all_is_refused(platform: p.Platform) -> None:
    request = platform.sign(platform.event("What is MS?", "1"))
    none = Secrets(platform.name, {})
    assert platform.channel.receive(request, none, p.NOW) == Rejected("signature")
    empty = replace(request, headers={**request.headers, platform.signature: ""})
    assert platform.channel.receive(empty, none, p.NOW) == Rejected("signature")


# Replay and rotation ----------------------------------------------------------------------------


@signed_time
@pytest.mark.parametrize("off", [-301, -86_400, 301, 86_400])
def test_a_replay_is_refused(platform: p.Platform, off: int) -> None:
    request = platform.sign(platform.event("What is MS?", "1"))
    assert platform.channel.receive(request, platform.secrets, p.NOW + off) == Rejected("stale")


@signed_time
@pytest.mark.parametrize("off", [-300, 0, 300])
def test_a_clock_may_be_five_minutes_off(platform: p.Platform, off: int) -> None:
    request = platform.sign(platform.event("What is MS?", "1"))
    assert isinstance(platform.channel.receive(request, platform.secrets, p.NOW + off), tuple)


@each
@pytest.mark.parametrize("order", [0, 1])
def test_old_and_new_secret_are_both_good(platform: p.Platform, order: int) -> None:
    setting = next(s for s in platform.channel.describe().settings if s.name == platform.secret)
    if not setting.rotates:
        assert platform.name == "teams_bot"  # its app id never changes; Microsoft holds the keys
        return
    right = platform.secrets.get(platform.secret)
    other = {"PUBLIC_KEY": "0" * 64, "AUDIENCE": "999"}.get(platform.secret, "other")
    both = (right, other) if order else (other, right)
    values = {s.name: platform.secrets.active(s.name) for s in platform.channel.describe().settings}
    secrets = Secrets(platform.name, {**values, platform.secret: both})
    request = platform.sign(platform.event("What is MS?", "1"))
    assert isinstance(platform.channel.receive(request, secrets, p.NOW), tuple)


# JSON Web Tokens --------------------------------------------------------------------------------

TEAMS = p.BY_NAME["teams_bot"]
CHAT = p.BY_NAME["googlechat"]
OLD = p.NOW - 7200


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "signature"),
        ({"aud": "99999999-2222-3333-4444-555555555555"}, "signature"),
        ({"aud": [p.APP_ID, "other"]}, "signature"),  # the Bot Framework names one
        ({"serviceurl": "https://evil.example/"}, "signature"),
        ({"exp": int(OLD)}, "stale"),
        ({"exp": int(p.NOW) - 299}, None),
        ({"nbf": int(p.NOW) + 400}, "stale"),
        ({"exp": None}, "stale"),
        ({"exp": "soon"}, "stale"),
    ],
)
def test_the_claims_of_a_teams_token_count(claims: dict[str, object], reason: str | None) -> None:
    request = p.teams_bot_sign(p.teams_bot_event("Hi", "1"), **claims)
    found = TEAMS.channel.receive(request, TEAMS.secrets, p.NOW)
    if reason is None:
        assert isinstance(found, tuple)
    else:
        assert isinstance(found, Rejected)
        assert found.reason == reason


def test_a_teams_activity_of_another_channel_is_refused() -> None:
    """The key says which channels it may sign for."""
    request = p.teams_bot_sign(p.teams_bot_body(text="Hi", channelId="emulator"))
    assert TEAMS.channel.receive(request, TEAMS.secrets, p.NOW) == Rejected("signature")


@pytest.mark.parametrize(
    "service",
    [
        "http://smba.trafficmanager.net/emea/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://user@smba.trafficmanager.net/",
        "https://smba.trafficmanager.net:8443/",
        "",
    ],
)
def test_a_service_url_that_is_no_public_host_is_refused(service: str) -> None:
    body = p.teams_bot_body(text="Hi", serviceUrl=service)
    found = TEAMS.channel.receive(p.teams_bot_sign(body, service), TEAMS.secrets, p.NOW)
    assert isinstance(found, Rejected)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://accounts.google.com"},
        {"aud": "654321"},
        {"exp": int(OLD)},
        {"iss": "evil"},
    ],
)
def test_the_claims_of_a_google_token_count(claims: dict[str, object]) -> None:
    request = p.googlechat_sign(p.googlechat_event("Hi", "1"), **claims)
    assert isinstance(CHAT.channel.receive(request, CHAT.secrets, p.NOW), Rejected)


@pytest.mark.parametrize(
    ("email", "verified", "good"),
    [
        ("chat@system.gserviceaccount.com", True, True),
        ("chat@system.gserviceaccount.com", False, False),
        ("evil@example.org", True, False),
    ],
)
def test_google_tokens_for_an_address_name_its_chat_account(
    email: str, verified: bool, good: bool
) -> None:
    secrets = Secrets.of("googlechat", AUDIENCE=f"{p.PUBLIC}/webhooks/googlechat")
    request = p.googlechat_sign(
        p.googlechat_event("Hi", "1"),
        iss="https://accounts.google.com",
        aud=f"{p.PUBLIC}/webhooks/googlechat",
        email=email,
        email_verified=verified,
    )
    found = CHAT.channel.receive(request, secrets, p.NOW)
    assert isinstance(found, tuple) if good else found == Rejected("signature")


def test_tokens_signed_in_another_way_are_refused() -> None:
    claims = {"iss": "https://api.botframework.com", "aud": p.APP_ID, "exp": p.NOW + 99}
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": "key-1"})
    shared = jwt.encode(claims, "k" * 64, algorithm="HS256", headers={"kid": "key-1"})
    nameless = jwt.encode(claims, p.RSA_PEM, algorithm="RS256")
    unknown = p.token(claims, kid="key-2")
    for token in (unsigned, shared, nameless, unknown, "a.b.c", "..", "", "x" * 9000):
        request = p.request("teams_bot", b"{}", {"authorization": f"Bearer {token}"})
        found = TEAMS.channel.receive(request, TEAMS.secrets, p.NOW)
        assert found == Rejected("signature")


def test_keys_that_cannot_be_had_are_no_verdict_on_the_request() -> None:
    channel = CHANNELS["teams_bot"](Setup())
    found = channel.receive(p.teams_bot_sign(p.teams_bot_body(text="Hi")), TEAMS.secrets, p.NOW)
    assert found == Rejected("unavailable")
    assert isinstance(found, Rejected)
    assert found.status == 503


class _Jwks(BaseHTTPRequestHandler):
    served: ClassVar[list[dict[str, object]]] = []

    def do_GET(self) -> None:
        body = json.dumps(self.served[0] if len(self.served) == 1 else self.served.pop(0)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_new_key_is_fetched_over_http_when_an_unknown_one_signs() -> None:
    old = {"keys": [{**p.jwks()["keys"][0], "kid": "key-0"}]}  # type: ignore[index]
    _Jwks.served = [old, p.jwks()]
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Jwks)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    asked = []
    cache: dict[str, Mapping[str, object]] = {}

    def fetch(url: str, anew: bool) -> Mapping[str, object]:
        asked.append((url, anew))
        if anew or url not in cache:
            cache[url] = httpx.get(f"http://127.0.0.1:{server.server_port}/keys").json()
        return cache[url]

    try:
        channel = CHANNELS["teams_bot"](Setup(None, None, fetch))
        for _ in range(2):
            request = p.teams_bot_sign(p.teams_bot_event("Hi", "1"))
            assert isinstance(channel.receive(request, TEAMS.secrets, p.NOW), tuple)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    url = "https://login.botframework.com/v1/.well-known/keys"
    assert asked == [(url, False), (url, True), (url, False)]


# Constant time ----------------------------------------------------------------------------------


def test_proofs_are_compared_in_constant_time_only() -> None:
    """The one comparison is `hmac.compare_digest`; nothing else in the module compares texts."""
    tree = ast.parse(Path(signatures.__file__).read_text(encoding="utf-8"))
    checks = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and node.name in ("same", "token_matches", "hmac_matches", "ed25519_matches")
    ]
    assert len(checks) == 4
    for check in checks:
        assert not [n for n in ast.walk(check) if isinstance(n, ast.Compare)]
    assert "hmac.compare_digest" in ast.unparse(checks[0])


def test_base64_secrets_have_one_spelling() -> None:
    raw = bytes(range(32))
    spelled = base64.b64encode(raw).decode()
    assert signatures.base64_secret(spelled) == raw
    assert signatures.base64_secret(spelled.rstrip("=")) == raw
    assert signatures.base64_secret(spelled[:-2] + "9=") != raw
