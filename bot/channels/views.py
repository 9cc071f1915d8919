"""The HTML routes: the chat, the form without JavaScript, the documents, the static files."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from bot.channels.home_page import home_page
from bot.channels.markup import Markup
from bot.channels.pages import WEB, chat_page
from bot.channels.site import Site
from bot.channels.source_page import source_page
from bot.channels.topics import topics
from bot.channels.widget import load_widget
from bot.errors import QuestionError
from bot.types import Span

_FORM = "application/x-www-form-urlencoded"


def html_routes(site: Site) -> APIRouter:
    """The pages and what they load."""

    by_topic = topics(site.bot.knowledge)

    async def home(request: Request) -> Response:
        page = home_page(
            site.look,
            site.about(),
            (await site.suggestions())[:3],
            by_topic,
            load_widget(),
            f"{request.url.scheme}://{request.url.netloc}",
        )
        return _html(page)

    async def ask(request: Request) -> Response:
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

    async def source(request: Request) -> Response:
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

    async def metrics(_: Request) -> Response:
        return Response(site.metrics.text(), media_type=site.metrics.content_type)

    router = APIRouter(include_in_schema=False)
    for path, endpoint, methods in (
        ("/", home, ["GET", "HEAD"]),
        ("/ask", ask, ["GET", "HEAD", "POST"]),
        ("/source/{document}", source, ["GET", "HEAD"]),
        ("/metrics", metrics, ["GET", "HEAD"]),
    ):
        router.add_api_route(path, endpoint, methods=methods, response_model=None)
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
