"""The owner's pages over HTTP, for one browser on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bot.channels.markup import Markup, element
from bot.channels.pages import WEB
from bot.channels.review.conflict_page import conflict_page
from bot.channels.review.dashboard_page import dashboard_page
from bot.channels.review.figures import replies_csv, stretch, unanswered_csv
from bot.channels.review.gate import Gate
from bot.channels.review.held_out import NOTHING
from bot.channels.review.layout import Desk, page
from bot.channels.review.learning_page import learning_page
from bot.channels.review.passage_page import beside, next_passage, passage_page
from bot.channels.review.review_page import review_page
from bot.channels.review.service import Fields, Service, Told
from bot.channels.review.view import Filter, View
from bot.channels.review.workspace import Conflict, Snapshot
from bot.errors import QuothError

MOST_FIELDS = 400


class _Pages:
    """The routes' endpoints; one notice waits for the next page that is shown."""

    def __init__(self, service: Service, look: Desk, keeping: str, days: int) -> None:
        self.service, self.look = service, look
        self.keeping, self.days = keeping, days
        self.notice: str | None = None

    def told(self) -> str | None:
        notice, self.notice = self.notice, None
        return notice

    def review(self, request: Request, problem: str | None = None, pair: str = "") -> Response:
        snapshot = self.service.workspace.snapshot()
        query = request.query_params
        chosen = Filter(query.get("status", ""), query.get("topic", ""))
        wanted = snapshot.find(pair or query.get("pair", ""))
        board = self.service.trials.look_at(_wordings(snapshot, wanted))
        listed = [
            entry
            for entry in snapshot.entries
            if chosen.takes(entry, board) or (wanted is not None and entry.id == wanted.id)
        ]
        waiting = (entry for entry in listed if entry.status != "reviewed")
        entry = wanted or next(waiting, listed[0] if listed else None)
        if entry is not wanted:
            board = self.service.trials.look_at(_wordings(snapshot, entry))
        view = View(
            self.look,
            snapshot,
            board,
            chosen,
            listed,
            entry,
            self.service.workspace.undoable,
        )
        return _html(review_page(view, self.told(), problem), 422 if problem else 200)

    def passage(self, request: Request, problem: str | None = None, of: str = "") -> Response:
        snapshot = self.service.workspace.snapshot()
        entry = snapshot.find(of or request.query_params.get("pair", ""))
        together = beside(snapshot, entry) if entry is not None else ()
        if entry is None or not together:
            return self.review(request, problem)
        wordings = [text for one in together for text in _wordings(snapshot, one)]
        board = self.service.trials.look_at(wordings)
        undoable = self.service.workspace.undoable
        view = View(self.look, snapshot, board, Filter(), together, entry, undoable)
        return _html(passage_page(view, entry, self.told(), problem), 422 if problem else 200)

    def learn(self, request: Request, problem: str | None = None) -> Response:
        made = learning_page(
            self.look,
            self.service.workspace.snapshot(),
            self.service.clusters(),
            keeping=self.keeping,
            days=self.days,
            undoable=self.service.workspace.undoable,
            notice=self.told(),
            problem=problem,
        )
        return _html(made, 422 if problem else 200)

    def dashboard(self, request: Request) -> Response:
        query, today = request.query_params, self.service.workspace.today()
        first, last = stretch(query.get("from", ""), query.get("to", ""), today)
        figures = self.service.figures(first, last)
        return _html(dashboard_page(self.look, figures, self.service.clusters(), today))

    def figures_file(self, request: Request) -> Response:
        query, today = request.query_params, self.service.workspace.today()
        first, last = stretch(query.get("from", ""), query.get("to", ""), today)
        name = request.path_params["name"]
        if name == "replies":
            text = replies_csv(self.service.figures(first, last))
        elif name == "unanswered":
            text = unanswered_csv(self.service.clusters() or ())
        else:
            return _html(_fault(self.look, "There is no such file."), 404)
        headers = {"Content-Disposition": f'attachment; filename="quoth-{name}-{first}-{last}.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    def on_pair(self, request: Request, fields: Fields) -> Response:
        id, action = request.path_params["id"], request.path_params["action"]
        chosen = _chosen(fields)
        # Where the list goes on, as long as the pair is still in it.
        after = self._next(id, chosen) if action in ("accept", "reject") else None
        told = self.service.on_pair(id, action, fields)
        return self._shown(told, chosen, after or told.pair)

    def accept_together(self, request: Request, fields: Fields) -> Response:
        told = self.service.accept_together(fields)
        snapshot = self.service.workspace.snapshot()
        entry = snapshot.find(told.pair or "")
        after = next_passage(snapshot, entry) if entry is not None else None
        if after is None:  # the last one; what was passed over is on the list
            return self._shown(told, Filter("open"), None)
        self.notice = told.notice
        return _see(self.look.at("passage", pair=after.id) + "#pair")

    def undo(self, request: Request, fields: Fields) -> Response:
        self.notice = self.service.undo()
        if _last(fields, "back") == "passage":
            return _see(self.look.at("passage", pair=_last(fields, "pair")) + "#pair")
        if _last(fields, "back") == "learn":
            return _see(self.look.at("learn"))
        query = _chosen(fields).query(_last(fields, "pair") or None)
        return _see(f"{self.look.base}/review?{query}#pair")

    def learnt(self, request: Request, fields: Fields) -> Response:
        self.notice = self.service.learn(request.path_params["action"], fields).notice
        return _see(self.look.at("learn") + "#q1")

    def _next(self, id: str, chosen: Filter) -> str | None:
        """The id that comes after `id` in the list, else the one before."""
        snapshot = self.service.workspace.snapshot()
        board = self.service.trials.board
        ids = [e.id for e in snapshot.entries if e.id == id or chosen.takes(e, board)]
        if id not in ids:
            return None
        at = ids.index(id)
        near = ids[at + 1 : at + 2] or ids[max(0, at - 1) : at]
        return near[0] if near else None

    def _shown(self, told: Told, chosen: Filter, pair: str | None) -> Response:
        self.notice = told.notice
        return _see(f"{self.look.base}/review?{chosen.query(pair)}#{told.part}")

    async def write(self, request: Request, act: Callable[[Request, Fields], Response]) -> Response:
        """Do `act` with the form's fields; a conflict and a fault get pages of their own."""
        body = (await request.body()).decode("utf-8", "replace")
        try:
            sent = parse_qsl(body, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            return _html(_fault(self.look, "The form has too many fields."), 400)
        # A form's lines end with CR LF on the way; no field here has several.
        pairs = [(name, value.replace("\r\n", "\n")) for name, value in sent]
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        try:
            return await run_in_threadpool(act, request, fields)
        except Conflict as error:
            return await run_in_threadpool(self._conflict, request, error, fields, pairs)
        except QuothError as error:
            problem = _sentence(str(error))
            if request.url.path.startswith("/learn"):
                return await run_in_threadpool(self.learn, request, problem)
            if request.url.path.startswith("/passage"):
                of = _last(fields, "of")
                return await run_in_threadpool(self.passage, request, problem, of)
            id = request.path_params.get("id", "")
            return await run_in_threadpool(self.review, request, problem, id)

    def _conflict(
        self,
        request: Request,
        error: Conflict,
        fields: Fields,
        pairs: Sequence[tuple[str, str]],
    ) -> Response:
        now = error.now or self.service.workspace.snapshot()
        self.service.trials.again()
        own = request.path_params.get("id")
        ids = [own] if own else [id for id in fields.get("pair", ()) if id and id != NOTHING]
        path = request.url.path.strip("/")
        found = [entry for id in ids if (entry := now.find(id)) is not None]
        again = path != "undo" and len(found) == len(ids)
        seen = self.service.workspace.shown(_last(fields, "revision"))
        about = "; ".join(entry.question for entry in found) or None
        made = conflict_page(self.look, now, seen, path, pairs, again, str(error), about)
        return _html(made, 409)


def create_review_app(
    service: Service, title: str, token: str, *, keeping: str = "redacted", days: int = 30
) -> Gate:
    """The pages below `/TOKEN/`; `keeping` and `days` are what the store keeps, to be told.

    The service's trials run as long as the app does; store and workspace stay the caller's.
    """
    look = Desk(title, "en", 0, "", base=f"/{token}")
    pages = _Pages(service, look, keeping, days)

    def shown(make: Callable[[Request], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                return await run_in_threadpool(make, request)
            except QuothError as error:
                return _html(_fault(look, _sentence(str(error))), 500)

        return endpoint

    def done(act: Callable[[Request, Fields], Response]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                return await pages.write(request, act)
            except QuothError as error:
                return _html(_fault(look, _sentence(str(error))), 500)

        return endpoint

    async def first(request: Request) -> Response:
        return _see(look.at("review"))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.trials.start()
        yield
        await run_in_threadpool(service.trials.stop)

    routes = [
        Route("/", first),
        Route("/review", shown(pages.review)),
        Route("/learn", shown(pages.learn)),
        Route("/passage", shown(pages.passage)),
        Route("/passage/accept", done(pages.accept_together), methods=["POST"]),
        Route("/dashboard", shown(pages.dashboard)),
        Route("/dashboard/{name}.csv", shown(pages.figures_file)),
        Route("/pairs/{id}/{action}", done(pages.on_pair), methods=["POST"]),
        Route("/learn/{action}", done(pages.learnt), methods=["POST"]),
        Route("/undo", done(pages.undo), methods=["POST"]),
        Mount("/static", StaticFiles(directory=WEB)),
    ]
    return Gate(Starlette(routes=routes, lifespan=lifespan), token)


def _wordings(snapshot: Snapshot, entry: Any) -> tuple[str, ...]:
    return entry.pair.wordings if entry is not None and entry.pair is not None else ()


def _fault(look: Desk, text: str) -> Markup:
    return page(
        look,
        "review",
        "A fault",
        element(
            "section",
            element("h1", "This can’t be shown", id="pair", tabindex="-1"),
            element("p", text),
            element("p", element("a", "Try again", href=look.at("review"))),
            class_="pair",
        ),
    )


def _chosen(fields: Fields) -> Filter:
    return Filter(_last(fields, "status"), _last(fields, "topic"))


def _last(fields: Mapping[str, Sequence[str]], name: str) -> str:
    values = fields.get(name, ())
    return values[-1] if values else ""


def _see(address: str) -> Response:
    return RedirectResponse(address, 303)


def _html(made: Markup, status: int = 200) -> Response:
    return HTMLResponse(made.encode("utf-8", "replace"), status)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."
