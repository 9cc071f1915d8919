"""The HTML routes: the chat, the form without JavaScript, the documents, the static files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from bot.channels.home_page import home_page, sites_page
from bot.channels.markup import Markup
from bot.channels.pages import WEB, chat_page
from bot.channels.sites import Here, Sites
from bot.channels.source_page import source_page
from bot.channels.widget import load_widget
from bot.errors import QuestionError
from bot.types import Span

_FORM = "application/x-www-form-urlencoded"


def html_routes() -> APIRouter:
    """The pages of a site."""

    async def home(request: Request, site: Here) -> Response:
        page = home_page(
            site.look,
            site.about(),
            (await site.suggestions())[:3],
            site.topics,
            load_widget(),
            f"{request.url.scheme}://{request.url.netloc}",
        )
        return _html(page)

    async def ask(request: Request, site: Here) -> Response:
        fields = await _fields(request)
        question = fields.get("question")
        if question is None:
            return _html(chat_page(site.look, await site.suggestions()))
        try:
            reply = await site.ask(question, fields.get("conversation_id"))
        except QuestionError as error:
            page = chat_page(
                site.look,
                await site.suggestions(),
                asked=question[: site.settings.max_question_chars],
                problem=sentence(error),
            )
            return _html(page, 422)
        return _html(chat_page(site.look, asked=question, reply=reply))

    async def source(request: Request, site: Here) -> Response:
        try:
            document = site.bot.knowledge.document(request.path_params["document"])
        except KeyError:
            raise HTTPException(404, "There is no such document here.") from None
        start = _position(request.query_params, "start")
        end = _position(request.query_params, "end")
        # A link into an older state of the document still leads to the document.
        marked = None
        if start is not None and end is not None and start < end <= len(document.text):
            marked = Span(start, end)
        return _html(await site.pool.run(source_page, site.look, document, marked))

    router = APIRouter(include_in_schema=False)
    for path, endpoint, methods in (
        ("/", home, ["GET", "HEAD"]),
        ("/ask", ask, ["GET", "HEAD", "POST"]),
        ("/source/{document:path}", source, ["GET", "HEAD"]),
    ):
        router.add_api_route(path, endpoint, methods=methods, response_model=None)
    return router


def server_routes(sites: Sites) -> APIRouter:
    """What is one for all sites: metrics and static files, and a list where there are several."""

    async def metrics(_: Request) -> Response:
        return Response(sites.metrics.text(), media_type=sites.metrics.content_type)

    async def listed(_: Request) -> Response:
        shown = (
            (site.look.title, f"{site.look.base}/", len(site.bot.knowledge.pairs))
            for site in sites.all()
        )
        return _html(sites_page(sites.look, sorted(shown)))

    async def without_slash(_: Request, site: Here) -> Response:
        return RedirectResponse(f"{site.look.base}/")

    router = APIRouter(include_in_schema=False)
    routes: list[tuple[str, Callable[..., Any]]] = [("/metrics", metrics)]
    if sites.several:
        routes += [("/", listed), ("/{site}", without_slash)]
    for path, endpoint in routes:
        router.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_model=None)
    router.mount("/static", _Static(directory=WEB))
    return router


def sentence(error: Exception) -> str:
    """An error's message as a sentence for a visitor."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."


class _Static(StaticFiles):
    """Pages name these files with a digest, so a browser may keep them."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=86400"
        return response


async def _fields(request: Request) -> Mapping[str, str]:
    """The form's fields, of the address or of the body; the last value of each."""
    if request.method != "POST":
        return request.query_params
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != _FORM:
        raise HTTPException(415, f"Send the form as {_FORM}.")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        values = parse_qs(body, keep_blank_values=True, max_num_fields=20, errors="replace")
    except ValueError:
        raise HTTPException(400, "The form has too many fields.") from None
    return {name: value[-1] for name, value in values.items()}


def _position(query: Mapping[str, str], name: str) -> int | None:
    value = query.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 12):
        raise HTTPException(422, f"{name} must be a position in the document, such as 120.")
    return int(value)


def _html(page: Markup, status: int = 200) -> Response:
    return HTMLResponse(page.encode("utf-8", "replace"), status)
