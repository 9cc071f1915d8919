"""Errors on the wire: RFC 9457 problem details, or a page where a browser asked for one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from bot.channels.pages import error_page
from bot.channels.sites import place_of

PROBLEM_JSON = "application/problem+json"


def problem(
    scope: Scope,
    status: int,
    detail: str,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response for `status`: `detail` says what was wrong and what to do.

    `errors` are {"field", "detail"} of a request's fields, `instance` a URI of this occurrence.
    Nothing of the request is repeated in it.
    """
    title = HTTPStatus(status).phrase
    kept = {k: v for k, v in (headers or {}).items() if k.lower() != "content-type"}
    place = place_of(scope)
    if _wants_page(scope, place.path):
        return HTMLResponse(
            error_page(place.look, status, title, detail).encode("utf-8", "replace"), status, kept
        )
    body: dict[str, object] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    if instance:
        body["instance"] = instance
    return Response(json.dumps(body), status, kept, PROBLEM_JSON)


def _wants_page(scope: Scope, path: str) -> bool:
    """A browser that navigates names text/html; a program that calls the API does not."""
    if path.startswith("/api/"):
        return False
    accepted = (value for name, value in scope["headers"] if name == b"accept")
    return any(b"text/html" in value for value in accepted)
