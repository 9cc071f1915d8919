"""Connections to the outside: to public addresses only, or to hosts that the owner has set.

An address can come from a message or from a page, so that whoever forges one could have this
machine call anything it can reach. Hence a name is resolved once, and the connection goes to that
address, which must be a public one, with the name still what the certificate is checked against.
Redirects are not followed: each hop is its caller's to check.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx

Host = tuple[str, int]  # name, port

MOST_TRIED = 3  # addresses of a host
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class EgressError(Exception):
    """A request that must not be sent; the message names the host at most."""


def origin_of(url: str) -> tuple[str, str, int] | None:
    """(scheme, host, port) of an http address without a user; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").rstrip(".").encode("idna")  # no name server is asked for "a..b"
        named = httpx.URL(url)  # nor for what only begins like an international name ("xn--a")
        _ = named.host, named.netloc  # nor for a zone of an IPv6 address in other letters
    except (ValueError, httpx.InvalidURL):
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


def http_client(
    trusted: frozenset[Host],
    timeout: httpx.Timeout,
    until: Callable[[], float],
    *,
    tls: ssl.SSLContext | None = None,
) -> httpx.Client:
    """A client for public addresses and for `trusted` hosts, which may be private.

    `until` says, in seconds of time.monotonic(), when the request that the calling thread is at
    must be over: every wait ends then, with a timeout, however slowly bytes drip in. Connecting
    raises EgressError where the address is not allowed.
    """
    transport = _Transport(_Backend(trusted, until), tls)
    return _Client(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)


class _Client(httpx.Client):
    """Letters that HTTP doesn't carry fail like any other fault, not with a UnicodeError."""

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        try:
            return super().build_request(*args, **kwargs)
        except UnicodeError:  # it would show the header, which can be a secret
            raise EgressError("an address or header with letters that HTTP lacks") from None

    def send(self, *args: Any, **kwargs: Any) -> httpx.Response:
        try:
            return super().send(*args, **kwargs)
        except UnicodeError:  # httpx takes a redirect apart also where it isn't followed
            raise httpx.RemoteProtocolError("a redirect to an address that is none") from None


class _Backend(httpcore.NetworkBackend):
    """Connects to public addresses, and to `trusted` hosts wherever they are."""

    def __init__(self, trusted: frozenset[Host], until: Callable[[], float]) -> None:
        self._trusted, self._until = trusted, until
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = [host]
        if (host.rstrip("."), port) not in self._trusted:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                raise httpcore.ConnectError(f"{host} has no address") from error
            addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
            # One that is not public among them is a trap or a mistake, not a choice.
            if not addresses or not all(map(public, addresses)):
                raise EgressError(f"{host} is not a public address")
        tried = addresses[:MOST_TRIED]
        share = _left(self._until, timeout) / len(tried)  # together no longer than one
        for address in tried:
            try:
                stream = self._plain.connect_tcp(
                    address, port, share, local_address, socket_options
                )
                break
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if address == tried[-1]:
                    raise
        return _Timed(stream, self._until)


def _left(until: Callable[[], float], timeout: float | None) -> float:
    left = until() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for the whole answer is over")
    return left if timeout is None else min(left, timeout)


class _Timed(httpcore.NetworkStream):
    """A connection whose every wait ends when the request must be over."""

    def __init__(self, stream: httpcore.NetworkStream, until: Callable[[], float]) -> None:
        self._stream, self._until = stream, until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._until, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._until, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(self._until, timeout)
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Transport(httpx.HTTPTransport):
    """httpx's own transport over connections that a backend of ours makes."""

    def __init__(self, backend: httpcore.NetworkBackend, tls: ssl.SSLContext | None) -> None:
        context = tls or httpx.create_ssl_context(trust_env=False)
        super().__init__(verify=context, trust_env=False)
        pool = self._pool
        assert isinstance(pool, httpcore.ConnectionPool)
        pool.close()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=64,
            max_keepalive_connections=32,
            keepalive_expiry=30.0,
            network_backend=backend,
        )
