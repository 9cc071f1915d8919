"""The routes that the platforms call: /webhooks/{channel}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.channels.messaging.incoming import RawRequest
from bot.channels.messaging.reception import NotNow, NotTaken

if TYPE_CHECKING:
    from bot.channels.messaging.runtime import Messaging

PATH = "/webhooks/"
BODY_BYTES = 256_000
LARGE_BODY_BYTES = 3_000_000  # Meta gathers events
LARGE = ("whatsapp", "messenger", "instagram")


def body_limit(path: str) -> int:
    """The most bytes that a body sent to `path`, one below PATH, may have."""
    return LARGE_BODY_BYTES if path.removeprefix(PATH).split("/")[0] in LARGE else BODY_BYTES


def webhook_routes(served: Sequence[Messaging]) -> APIRouter:
    """The routes of the enabled channels, each of one of `served`."""
    by_channel = {channel: messaging for messaging in served for channel in messaging.enabled}

    async def webhook(request: Request) -> Response:
        channel = request.path_params["channel"]
        messaging = by_channel.get(channel)
        if messaging is None:
            raise HTTPException(404, "This channel is not enabled here.")
        raw = await raw_request(request, messaging.public_url)
        try:
            taken = await messaging.pool.run(messaging.reception.take, channel, raw)
        except NotTaken as refusal:
            headers = {"Retry-After": "30"} if refusal.status == 503 else None
            raise HTTPException(refusal.status, refusal.detail, headers) from None
        except NotNow:
            raise HTTPException(
                503, "The answer takes too long. Please try again.", {"Retry-After": "5"}
            ) from None
        return Response(taken.body, taken.status, media_type=taken.content_type)

    router = APIRouter(include_in_schema=False)
    for path in (f"{PATH}{{channel}}", f"{PATH}{{channel}}/{{rest:path}}"):
        router.add_api_route(path, webhook, methods=["GET", "POST", "PUT"], response_model=None)
    return router


async def raw_request(request: Request, public_url: str) -> RawRequest:
    """The request as the platform sent it, at the address that it was sent to."""
    path = request.scope.get("raw_path") or request.scope["path"].encode()
    query = request.scope["query_string"]
    target = path.split(b"?")[0] + (b"?" + query if query else b"")
    return RawRequest(
        method=request.method,
        url=public_url + target.decode("latin-1"),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.body(),
    )
