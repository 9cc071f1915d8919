"""Requests to the outside: where they may go, how long they may take, how much is read.

An address can come from a message (Teams' serviceUrl, Slack's response_url), so that whoever
forges one could have this server call anything it can reach. Hence: https on port 443 alone, the
name is resolved once, and the connection goes to that address, which must be a public one, with
the name still what the certificate is checked against. Redirects are not followed. Origins that
the owner has set in the environment (another API address, a homeserver, a test's loopback) are
trusted instead, and they alone may be plain http or private.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

from bot.channels.messaging.incoming import OutgoingRequest

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
ANSWER_BYTES = 1_000_000  # of an answer, more is not read

# Teams' own connectors; its bot token goes nowhere else.
_TEAMS = re.compile(
    r"smba\.trafficmanager\.net|(?:[a-z0-9-]+\.)+teams\.microsoft\.(?:com|us)"
    r"|(?:[a-z0-9-]+\.)*botframework\.(?:com|us|azure\.us|azure\.cn)"
)
_ADDRESSES = re.compile(r"QUOTH_[A-Z_]+_(?:URL|HOMESERVER)")


class EgressError(Exception):
    """A request that must not be sent; the message names the host at most."""


class Egress:
    """An HTTP client that keeps to the rule above; many threads may use it."""

    def __init__(self, trusted: Iterable[str] = (), timeout: httpx.Timeout = TIMEOUT) -> None:
        """`trusted`: addresses whose origins the owner has set."""
        self._trusted = frozenset(filter(None, map(_origin, trusted)))
        hosts = frozenset((host, port) for _, host, port in self._trusted)
        self._client = httpx.Client(
            transport=_Transport(hosts), timeout=timeout, follow_redirects=False, trust_env=False
        )

    def send(
        self, request: OutgoingRequest, channel: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """(status, headers with lower-case names, the answer's first bytes).

        Raises EgressError where the address is not allowed, httpx.HTTPError where it can't be
        reached or doesn't answer in time.
        """
        self.check(request.url, channel)
        with self._client.stream(
            request.method, request.url, content=request.body, headers=dict(request.headers)
        ) as answer:
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) >= ANSWER_BYTES:
                    break
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status_code, headers, body[:ANSWER_BYTES]

    def check(self, url: str, channel: str = "") -> None:
        """Raise EgressError unless a request of `channel` may go to `url`, as far as the name
        tells; which machine it is, is checked when it is connected to."""
        origin = _origin(url)
        if origin is None:
            raise EgressError("the address is not one of http or https")
        if origin in self._trusted:
            return
        scheme, host, port = origin
        if scheme != "https" or port != 443:
            raise EgressError(f"{host} may be called by https on port 443 only")
        if channel == "teams_bot" and not _TEAMS.fullmatch(host):
            raise EgressError(f"{host} is none of Teams")

    def close(self) -> None:
        self._client.close()


def trusted_addresses(environ: Mapping[str, str]) -> list[str]:
    """The addresses that the owner has set: QUOTH_<CHANNEL>_API_URL, _REPLY_URL, _HOMESERVER,
    _KEYS_URL and _TOKEN_URL."""
    return [
        value.strip()
        for name, value in environ.items()
        if _ADDRESSES.fullmatch(name) and name not in ("QUOTH_PUBLIC_URL", "QUOTH_DATABASE_URL")
    ]


def _origin(url: str) -> tuple[str, str, int] | None:
    """(scheme, host, port) of an http address without a user; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc:
        return None
    if any(letter.isspace() or not letter.isprintable() for letter in url) or "\\" in url:
        return None
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80)


def public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    try:
        found = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found.teredo is not None or found in _NAT64:
            return False
        if inner is not None:
            found = inner
    # CGNAT (100.64.0.0/10), link-local and the like are not global either.
    return found.is_global and not found.is_multicast and not found.is_reserved


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class _Backend(httpcore.NetworkBackend):
    """Connects to public addresses, and to `trusted` (host, port) pairs wherever they are."""

    def __init__(self, trusted: frozenset[tuple[str, int]]) -> None:
        self._trusted = trusted
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        options = {"timeout": timeout, "local_address": local_address}
        if (host.rstrip("."), port) in self._trusted:
            return self._plain.connect_tcp(host, port, socket_options=socket_options, **options)  # type: ignore[arg-type]
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} has no address") from error
        addresses = [str(entry[4][0]) for entry in found]
        # One that is not public among them is a trap or a mistake, not a choice.
        if not addresses or not all(map(public, addresses)):
            raise EgressError(f"{host} is not a public address")
        return self._plain.connect_tcp(
            addresses[0],
            port,
            socket_options=socket_options,
            **options,  # type: ignore[arg-type]
        )


class _Transport(httpx.HTTPTransport):
    """httpx's own transport over connections that `_Backend` makes."""

    def __init__(self, trusted: frozenset[tuple[str, int]]) -> None:
        super().__init__(trust_env=False)
        pool = self._pool
        assert isinstance(pool, httpcore.ConnectionPool)
        pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=64,
            max_keepalive_connections=32,
            keepalive_expiry=30.0,
            network_backend=_Backend(trusted),
        )
