"""The JSON routes: /api/..., and what a platform asks of a service."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.channels.problems import PROBLEM_JSON
from bot.channels.site import Site
from bot.channels.sites import Here, Sites
from bot.channels.wire import (
    AboutModel,
    AskRequest,
    FeedbackRequest,
    HealthModel,
    ReadyModel,
    ReplyModel,
    SitesReadyModel,
    SuggestionsModel,
)
from bot.state.store import StoreError


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    meanings = {
        404: "Nothing is known by this id",
        422: "A field is wrong; `errors` names it",
        429: "Too many requests; `Retry-After` says when to come back",
        503: "Not now; `Retry-After` says when to come back",
    }
    schema = {"$ref": "#/components/schemas/ProblemModel"}
    return {
        status: {
            "description": meanings[status],
            "content": {PROBLEM_JSON: {"schema": schema}},
        }
        for status in statuses
    }


def api_routes() -> APIRouter:
    """The routes of a site that /openapi.json describes."""
    router = APIRouter()

    @router.post(
        "/api/ask",
        response_model=ReplyModel,
        responses=_problems(422, 429, 503),
        summary="Ask a question",
        operation_id="ask",
    )
    async def ask(request: AskRequest, site: Here) -> Response:
        return _json(await site.ask(request.question, request.conversation_id, request.client_id))

    @router.get(
        "/api/suggestions",
        response_model=SuggestionsModel,
        responses=_problems(422, 429, 503),
        summary="Questions it can answer, for a question begun",
        operation_id="suggestions",
    )
    async def suggestions(site: Here, q: Annotated[str, Query(max_length=2000)] = "") -> Response:
        return _json({"suggestions": list(await site.suggestions(q))})

    @router.get(
        "/api/about",
        response_model=AboutModel,
        responses=_problems(429, 503),
        summary="Whose questions it answers, and from which documents",
        operation_id="about",
    )
    async def about(site: Here) -> Response:
        return _json(site.about())

    @router.post(
        "/api/feedback",
        status_code=204,
        response_class=Response,
        responses=_problems(404, 422, 429, 503),
        summary="Say whether a reply helped",
        operation_id="feedback",
    )
    async def feedback(request: FeedbackRequest, site: Here) -> None:
        if not _is_id(request.turn_id) or not await site.pool.run(
            site.store.add_feedback, request.turn_id, request.helpful, request.comment
        ):
            raise HTTPException(404, "No reply has this turn_id, or it is too long ago.")
        site.metrics.judged(request.helpful, site.name)

    @router.delete(
        "/api/conversations/{conversation_id}",
        status_code=204,
        response_class=Response,
        responses=_problems(404, 422, 429, 503),
        summary="Delete a conversation and all that came of it",
        operation_id="delete_conversation",
    )
    async def delete(conversation_id: str, site: Here) -> None:
        if not _is_id(conversation_id) or not await site.pool.run(
            site.store.delete_conversation, conversation_id
        ):
            raise HTTPException(404, "There is no such conversation.")

    return router


def _is_id(text: str) -> bool:
    """Whether it may be an id of ours; what is none, a database may not even take."""
    return text.isascii() and text.isprintable()


def state_routes(sites: Sites) -> APIRouter:
    """What a platform asks of the whole service."""
    router = APIRouter()

    @router.get("/healthz", response_model=HealthModel, summary="The process is alive")
    async def healthz() -> Response:
        return _json({"status": "ok"})

    @router.get(
        "/readyz",
        response_model=SitesReadyModel if sites.several else ReadyModel,
        responses=_problems(503),
        summary="Questions can be answered",
    )
    async def readyz() -> Response:
        served = {site.name: site for site in sites.all()}
        if not any(site.bot.knowledge.pairs for site in served.values()):
            raise HTTPException(503, "The knowledge has no pair to serve.", {"Retry-After": "30"})
        store = "ok"
        for site in served.values():
            try:
                await sites.pool.run(site.store.check)
            except StoreError:
                sites.metrics.store_errors.inc()
                store = "failing"
        faults = dict(sites.faults)
        states = {
            name: _state(served.get(name), faults.get(name))
            for name in sorted(served.keys() | faults.keys())
        }
        if not sites.several:
            return _json({**states[""], "store": store})
        status = "degraded" if faults else "ready"
        return _json({"status": status, "store": store, "sites": states})

    return router


def _state(site: Site | None, fault: str | None) -> dict[str, Any]:
    """How a site is: `fault` says why its newest state is not served."""
    knowledge = site.bot.knowledge if site is not None else None
    return {
        "status": "degraded" if fault else "ready",
        "pairs": len(knowledge.pairs) if knowledge else 0,
        "quarantined": len(knowledge.quarantined) if knowledge else 0,
        "fault": fault,
    }


def _json(value: dict[str, Any]) -> Response:
    # ASCII, so that whatever a person typed, half a surrogate pair too, can be sent.
    return Response(json.dumps(value), media_type="application/json")
