"""Which websites may embed the chat: those named for its site, and the bot's own pages."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.channels.problems import problem
from bot.channels.sites import place_of


class Embedding:
    """Refuses (403) what a page of another website asks of the API, unless its origin is allowed.

    Without it, a browser would only keep the page from reading the reply; the question would
    still be answered, and counted.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and place_of(scope).path.startswith("/api/"):
            origin = _foreign(Headers(scope=scope), allowed_origins(scope))
            if origin is not None:
                refusal = problem(
                    scope,
                    403,
                    "Pages of this website may not ask here. Its origin must be one of "
                    "QUOTH_ALLOWED_ORIGINS, or of the knowledge's own.",
                    # So that the widget can tell why; there is nothing else to read in it.
                    headers={"Access-Control-Allow-Origin": origin},
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class SharedWithOrigins:
    """Lets pages of the allowed websites read the replies (CORS), for each site its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._by_origins: dict[tuple[str, ...], CORSMiddleware] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origins = allowed_origins(scope) if scope["type"] == "http" else ()
        app = self._sharing(origins) if origins else self._app
        await app(scope, receive, send)

    def _sharing(self, origins: tuple[str, ...]) -> CORSMiddleware:
        if origins not in self._by_origins:
            self._by_origins[origins] = CORSMiddleware(
                self._app,
                allow_origins=list(origins),
                allow_methods=["GET", "POST", "DELETE"],
                allow_headers=["Content-Type"],
                expose_headers=["Retry-After"],
                allow_credentials=False,
                max_age=3600,
            )
        return self._by_origins[origins]


def allowed_origins(scope: Scope) -> tuple[str, ...]:
    """The websites whose pages may ask where the request goes; none above the sites."""
    site = place_of(scope).site
    return site.allowed_origins if site is not None else ()


def _foreign(headers: Headers, allowed: Collection[str]) -> str | None:
    """The request's origin where it is another website's that isn't allowed."""
    origin = headers.get("origin")
    if origin is None or origin in allowed or "*" in allowed:
        return None
    # Behind a proxy the Host header may be another; the browser knows.
    if headers.get("sec-fetch-site") == "same-origin":
        return None
    try:
        own = urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        own = False
    return None if own else origin
