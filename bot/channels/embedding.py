"""Which websites may embed the chat: those named, and the bot's own pages."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.channels.pages import Look
from bot.channels.problems import problem


class Embedding:
    """Refuses (403) what a page of another website asks of the API, unless its origin is allowed.

    Without it, a browser would only keep the page from reading the reply; the question would
    still be answered, and counted.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str], look: Look) -> None:
        self._app = app
        self._allowed = frozenset(allowed)
        self._look = look

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            origin = self._foreign(Headers(scope=scope))
            if origin is not None:
                refusal = problem(
                    scope,
                    self._look,
                    403,
                    "Pages of this website may not ask here. Its origin must be one of "
                    "QUOTH_ALLOWED_ORIGINS.",
                    # So that the widget can tell why; there is nothing else to read in it.
                    headers={"Access-Control-Allow-Origin": origin},
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _foreign(self, headers: Headers) -> str | None:
        """The request's origin where it is another website's that isn't allowed."""
        origin = headers.get("origin")
        if origin is None or origin in self._allowed or "*" in self._allowed:
            return None
        # Behind a proxy the Host header may be another; the browser knows.
        if headers.get("sec-fetch-site") == "same-origin":
            return None
        try:
            own = urlsplit(origin).netloc == headers.get("host")
        except ValueError:
            own = False
        return None if own else origin
