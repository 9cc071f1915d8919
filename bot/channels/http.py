"""The web server's application: routes, limits, errors and upkeep put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.channels.api import api_routes, state_routes
from bot.channels.embedding import Embedding, SharedWithOrigins
from bot.channels.guard import Guard, Limits, SecurityHeaders
from bot.channels.problems import problem
from bot.channels.sites import Placing, Sites, named
from bot.channels.views import html_routes, sentence, server_routes
from bot.channels.widget import widget_routes
from bot.channels.wire import ProblemModel
from bot.errors import QuestionError
from bot.state.inbox import Inbox
from bot.state.limits import Overloaded, RateLimit
from bot.state.metrics import Metrics
from bot.state.outbox import Outbox
from bot.state.store import StoreError

if TYPE_CHECKING:
    from bot.channels.messaging.runtime import Connections, Messaging

UPKEEP_SECONDS = 300.0
READING_FACTOR = 10  # pages and typeahead cost little: as many times the rate of questions

_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    400: "The request can't be read.",
}

log = logging.getLogger("quoth.http")


def create_app(sites: Sites, connections: Connections | None = None) -> FastAPI:
    """The ASGI application that serves `sites`.

    `connections` are the messaging channels that it serves besides, each for its site, which must
    be served. It ends its own threads when it shuts down, with what was begun; bots and stores
    stay the caller's.
    """
    settings = sites.settings
    messaging: list[Messaging] = []
    webhook_bytes = None
    if connections is not None and connections.channels:
        # Imported where needed: who has no such channel need not wait for their libraries.
        from bot.channels.messaging.runtime import Messaging
        from bot.channels.messaging.webhooks import body_limit, webhook_routes

        for name in connections.sites:
            site, store = partial(sites.named, name), sites.named(name).store
            messaging.append(
                Messaging(connections.of_site(name), site, store, settings, sites.metrics)
            )
        webhook_bytes = body_limit

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        upkeep = asyncio.create_task(_upkeep(sites))
        for one in messaging:
            one.start()
        yield
        upkeep.cancel()
        await asyncio.gather(*(asyncio.to_thread(one.drain) for one in messaging))
        sites.pool.close()

    app = FastAPI(
        title="Quoth" if sites.several else f"Quoth: {sites.first.bot.knowledge.title}",
        summary="Answers from a document, in the document's own words.",
        version="1",
        docs_url=None,  # both would load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        # A trace or an exported log could carry a question to wherever the environment says.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.include_router(state_routes(sites))
    app.include_router(server_routes(sites))
    if messaging:
        app.include_router(webhook_routes(messaging))
    for routes in (api_routes(), html_routes(), widget_routes()):
        if sites.several:
            app.include_router(routes, prefix="/{site}", dependencies=[Depends(named)])
        else:
            app.include_router(routes)
    _handle_errors(app, sites.metrics)
    _describe(app)
    # The last one added is the outermost.
    app.add_middleware(
        Guard,
        limits=Limits(
            settings.max_body_bytes,
            RateLimit(settings.rate_per_minute),
            RateLimit(settings.rate_per_minute * READING_FACTOR),
            webhook_bytes,
        ),
        metrics=sites.metrics,
    )
    app.add_middleware(Embedding)
    app.add_middleware(SharedWithOrigins)
    app.add_middleware(Placing, sites=sites)
    app.add_middleware(SecurityHeaders)
    return app


async def _upkeep(sites: Sites) -> None:
    """Delete what has outlived its time, at the start and every few minutes."""
    settings = sites.settings
    days, minutes = settings.retention_days, settings.conversation_minutes
    while True:
        for store in sites.stores():
            try:
                await asyncio.to_thread(store.expire)
                # Also where no platform is connected any more: what people wrote must go.
                await asyncio.to_thread(Inbox(store.database).expire, days)
                await asyncio.to_thread(Outbox(store.database).expire, days, minutes)
            except StoreError as error:
                sites.metrics.store_errors.inc()
                log.warning("what is old could not be deleted: %s", error)
            except Exception:
                log.exception("what is old could not be deleted")
        await asyncio.sleep(UPKEEP_SECONDS)


def _handle_errors(app: FastAPI, metrics: Metrics) -> None:
    def respond(
        request: Request,
        status: int,
        detail: str,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        return problem(request.scope, status, detail, errors=errors, headers=headers)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        # Starlette's own details repeat the status; ours say more.
        detail = error.detail
        if error.status_code in _DETAILS and len(detail.split()) <= 3:
            detail = _DETAILS[error.status_code]
        return respond(request, error.status_code, detail, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if request.method == "POST" and kind != "application/json":
            return respond(request, 415, "Send the body as application/json.")
        found = error.errors()
        if any(one["type"] == "json_invalid" for one in found):
            return respond(request, 400, "The body is not JSON.")
        # Only where and what: pydantic's `input` would repeat what the visitor wrote.
        errors = [{"field": _field(one["loc"]), "detail": str(one["msg"])} for one in found]
        named = "; ".join(f"{one['field']}: {one['detail']}" for one in errors)
        return respond(request, 422, named, errors)

    @app.exception_handler(QuestionError)
    async def unusable(request: Request, error: QuestionError) -> Response:
        detail = sentence(error)
        return respond(request, 422, detail, [{"field": "question", "detail": detail}])

    @app.exception_handler(Overloaded)
    async def overloaded(request: Request, error: Overloaded) -> Response:
        return respond(
            request,
            503,
            "Too many questions at once. Please try again in a moment.",
            headers={"Retry-After": str(error.retry_after)},
        )

    @app.exception_handler(StoreError)
    async def unstored(request: Request, error: StoreError) -> Response:
        metrics.store_errors.inc()
        log.warning("%s", error)
        return respond(
            request,
            503,
            "This can't be kept at the moment. Please try again later.",
            headers={"Retry-After": "10"},
        )


def _field(place: Sequence[int | str]) -> str:
    """The dotted name of a field, without the part of the request it stands in."""
    return ".".join(str(part) for part in place[1:]) or str(place[0] if place else "body")


def _describe(app: FastAPI) -> None:
    """Let /openapi.json know the schema of problems, which no route returns by itself."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes
            )
            described = ProblemModel.model_json_schema(ref_template="#/components/schemas/{model}")
            definitions = described.pop("$defs", {})
            schema["components"]["schemas"] |= {"ProblemModel": described, **definitions}
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
