"""Who may come in: this machine, by the address with the token, from these pages.

Plain ASGI. A page of another website can send a browser here, or name this machine by a host name
of its own; it knows no token, its Host is refused, and what writes must come from our own pages.
"""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.channels.guard import SECURITY_HEADERS

MOST_BYTES = 256 * 1024  # of a form
_READING = ("GET", "HEAD")
# The token is in the address, which no other site is told; our own forms name their origin.
HEADERS = {**SECURITY_HEADERS, "Referrer-Policy": "same-origin"}


class Gate:
    """Lets in what is for `/TOKEN/...` on a loopback host name, and takes the token off."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            status, text = refusal
            await PlainTextResponse(text, status)(scope, receive, with_headers)
            return
        prefix = f"/{self._token}"
        inside = {**scope, "path": scope["path"].removeprefix(prefix) or "/", "root_path": ""}
        inside.pop("raw_path", None)
        await self._app(inside, receive, with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        port = scope["server"][1] if scope.get("server") else None
        if host not in (f"127.0.0.1:{port}", f"localhost:{port}"):
            return 421, "This is for the machine it runs on: open the address it printed."
        given = scope["path"].split("/")[1]
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return 404, "Open the address that `quoth review` printed, with all its signs."
        if scope["method"] in _READING:
            return None
        site = headers.get("sec-fetch-site")
        own = f"http://{host}"
        if headers.get("origin") != own or site not in (None, "same-origin"):
            return 403, "Changes are taken from these pages only."
        length = headers.get("content-length", "")
        if not length.isdigit() or len(length) > 9 or int(length) > MOST_BYTES:
            return 413, "The form is too large."
        return None
