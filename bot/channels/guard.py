"""What happens to a request before and around its route: size, rate, headers, log, last resort.

Plain ASGI, so that a refused request costs nothing: its body is not parsed, often not even read.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.channels.problems import problem
from bot.channels.sites import place_of
from bot.state.limits import RateLimit, caller_of
from bot.state.metrics import Metrics

BODY_SECONDS = 10.0  # a body that trickles in for longer is given up
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
BODIES_BYTES = 64 * 1024 * 1024  # of all bodies that are being read or worked on
_WEBHOOKS = "/webhooks/"
_UNLIMITED = ("/healthz", "/readyz", "/metrics", "/static/", "/widget", _WEBHOOKS)
_ASKING = ("/api/ask", "/api/feedback", "/ask")
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})

access_log = logging.getLogger("quoth.access")
error_log = logging.getLogger("quoth.error")


class SecurityHeaders:
    """Puts the headers above on every response that doesn't set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


@dataclass(frozen=True)
class Limits:
    """The limits of one server. `asking` guards what costs an answer, `reading` all else.

    `webhook_bytes` gives the limit of a body to a path below /webhooks/. Those aren't limited by
    caller, for a platform is one caller to many people; what they hold in memory together is.
    """

    body_bytes: int
    asking: RateLimit
    reading: RateLimit
    webhook_bytes: Callable[[str], int] | None = None

    def body_of(self, path: str) -> int:
        if self.webhook_bytes is not None and path.startswith(_WEBHOOKS):
            return self.webhook_bytes(path)
        return self.body_bytes


class _Held:
    """The bytes of one request's body, counted with those of all."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.size = 0

    def add(self, size: int) -> None:
        self.size += size
        self._guard._bodies += size


class Guard:
    """Refuses what is too much (429, 413, 408), counts and logs the rest, and turns a fault into
    a 500 that tells the visitor nothing but a number to ask about.

    A log line has the route's template, never the path, the query or a header: they can hold a
    question. Of a fault it has the class and the places in the code, never the message.
    """

    def __init__(self, app: ASGIApp, limits: Limits, metrics: Metrics) -> None:
        self._app = app
        self._limits = limits
        self._metrics = metrics
        self._bodies = 0  # bytes held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0
        held = _Held(self)

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            taken = self._refusal(scope) or await self._body(scope, receive, held)
            if isinstance(taken, Response):
                await taken(scope, receive, watched_send)
            else:
                await self._app(scope, taken, watched_send)
        except Exception as error:
            response = self._fault(scope, error)
            if status:
                raise ConnectionAbortedError("a response broke off") from None
            await response(scope, receive, watched_send)
        finally:
            self._bodies -= held.size
            self._record(scope, status, time.perf_counter() - started)

    def _refusal(self, scope: Scope) -> Response | None:
        path = place_of(scope).path
        if not path.startswith(_UNLIMITED):
            limit = self._limits.asking if path in _ASKING else self._limits.reading
            client = scope.get("client")
            wait = limit.take(caller_of(client[0] if client else None))
            if wait:
                return problem(
                    scope,
                    429,
                    f"Too many requests from here. Please try again in {wait} s.",
                    headers={"Retry-After": str(wait)},
                )
        length = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
        if len(length) > 15 or not length.isdigit() or int(length) > self._limits.body_of(path):
            return self._too_large(scope)
        return None

    async def _body(self, scope: Scope, receive: Receive, held: _Held) -> Receive | Response:
        """`receive` for the app with the whole body read; or the refusal of a body too large."""
        if scope["method"] in _BODILESS:
            return receive
        chunks: list[bytes] = []
        limit = self._limits.body_of(scope["path"])
        try:
            async with asyncio.timeout(BODY_SECONDS):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return problem(scope, 400, "The body broke off.")
                    chunk = message.get("body", b"")
                    held.add(len(chunk))
                    if held.size > limit:
                        return self._too_large(scope)
                    if self._bodies > BODIES_BYTES:
                        return problem(
                            scope,
                            503,
                            "Too much is being sent at once. Please try again in a moment.",
                            headers={"Retry-After": "1", "Connection": "close"},
                        )
                    chunks.append(chunk)
                    more = message.get("more_body", False)
        except TimeoutError:
            return problem(scope, 408, "The request's body took too long to arrive.")
        return _replay(b"".join(chunks), receive)

    def _too_large(self, scope: Scope) -> Response:
        return problem(
            scope,
            413,
            f"The request's body has more than {self._limits.body_of(scope['path'])} bytes.",
            headers={"Connection": "close"},
        )

    def _fault(self, scope: Scope, error: Exception) -> Response:
        number = uuid.uuid4()
        frames = traceback.extract_tb(error.__traceback__)
        places = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames[-8:]))
        error_log.error("fault %s: %s at %s", number, type(error).__name__, places)
        return problem(
            scope,
            500,
            "Something went wrong on our side. Please try again; if it stays, tell us the number "
            f"{number}.",
            instance=number.urn,
        )

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "none"
        if scope["path"].startswith("/static/"):
            route = "/static"
        method = scope["method"] if scope["method"] in _BODILESS | {"POST", "DELETE"} else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        access_log.info("%s %s %d %.1f ms", method, route, status, seconds * 1000)


def _replay(body: bytes, receive: Receive) -> Receive:
    first = True

    async def replayed() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed
