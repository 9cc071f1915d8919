"""The sites of one server: a knowledge each, each in a folder of its name, or one at the root."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Path
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.channels.pages import Look
from bot.channels.site import Site, privacy_notice
from bot.errors import SettingsError
from bot.knowledge.files import MANIFEST
from bot.state.limits import WorkPool
from bot.state.metrics import Metrics
from bot.state.store import Store

if TYPE_CHECKING:
    from bot.bot import Bot
    from bot.settings import Settings

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_OWN = frozenset(
    {"api", "ask", "healthz", "metrics", "readyz", "source", "static", "webhooks", "widget"}
)
_PLACE = "quoth.place"


def folders_in(root: pathlib.Path) -> dict[str, pathlib.Path]:
    """The knowledges of a server by site: `root` itself as "", or else each folder in it.

    Raises SettingsError for a folder whose name can't be an address.
    """
    if (root / MANIFEST).is_file() or not root.is_dir():
        return {"": root}
    found = {path.parent.name: path.parent for path in sorted(root.glob(f"*/{MANIFEST}"))}
    for name, folder in found.items():
        if not _NAME.fullmatch(name) or name in _OWN:
            raise SettingsError(
                f"{folder} can't be a site: its name would be its address; take small letters, "
                f"digits and hyphens, and none of {', '.join(sorted(_OWN))}"
            )
    return found or {"": root}


def site_of(root: pathlib.Path, folder: pathlib.Path) -> str:
    """The name that `folder` has as a site of a server of `root`; "" where it is none."""
    place = folder.resolve()
    several = place.parent == root.resolve() and "" not in folders_in(root)
    return place.name if several else ""


class Sites:
    """The sites that are served, by name; and why the newest state of one is not.

    A site is put in place as a whole: whoever holds the one before goes on with it to the end.
    `several` sites have a part of the address each; a single one is "" and has all of it.
    """

    def __init__(
        self, settings: Settings, open_store: Callable[[str], Store], names: Iterable[str]
    ) -> None:
        """`open_store` gives the store of a site, by its name; those of `names` are opened now."""
        self._open = open_store
        self._stores = {name: open_store(name) for name in names}
        self.settings, self.several = settings, "" not in self._stores
        self.metrics = Metrics(by_site=self.several)
        self.pool = WorkPool()
        self.metrics.under_way.set_function(lambda: self.pool.under_way)
        privacy = privacy_notice(settings)
        self.look = Look("Quoth", "en", settings.max_question_chars, privacy)
        self.faults: dict[str, str] = {}
        self._sites: dict[str, Site] = {}

    @classmethod
    def single(cls, bot: Bot, store: Store, settings: Settings) -> Sites:
        """A server of one knowledge, whose store stays the caller's."""
        sites = cls(settings, lambda name: store, [""])
        sites.serve("", bot)
        return sites

    def serve(self, name: str, bot: Bot) -> None:
        """From now on `bot` answers at the site `name`. Raises SettingsError, StoreError."""
        if name not in self._stores:
            self._stores[name] = self._open(name)
        store = self._stores[name]
        site = Site.of(name, bot, store, self.settings, self.metrics, self.pool)
        self._sites = {**self._sites, name: site}
        self.faults.pop(name, None)
        knowledge = bot.knowledge
        self.metrics.serves(name, len(knowledge.pairs), len(knowledge.quarantined))

    def drop(self, name: str) -> None:
        """Nothing answers at the site `name` any more; what was kept there goes in its time."""
        self._sites = {other: site for other, site in self._sites.items() if other != name}
        self.faults.pop(name, None)
        self.metrics.ended(name)

    def refuse(self, name: str, why: str) -> None:
        """The newest state of `name` can't be served: what was there before goes on."""
        self.faults[name] = why
        self.metrics.refused(name)

    def all(self) -> tuple[Site, ...]:
        return tuple(self._sites.values())

    def stores(self) -> tuple[Store, ...]:
        """Those of all sites, also of one that can't be served, or no longer is."""
        return tuple(self._stores.values())

    @property
    def first(self) -> Site:
        """The only site, or the first by name. Raises LookupError where there is none."""
        if not self._sites:
            raise LookupError("no site is served")
        return self._sites[min(self._sites)]

    def named(self, name: str) -> Site:
        """As it is served now. Raises KeyError."""
        return self._sites[name]

    def place(self, path: str) -> Place:
        """Where a request for `path` goes."""
        if not self.several:
            site = self.first
            return Place(site, path, site.look)
        name, slash, rest = path[1:].partition("/")
        if site_there := self._sites.get(name):
            return Place(site_there, slash + rest, site_there.look)
        return Place(None, path, self.look, broken=name in self.faults)


@dataclass(frozen=True, slots=True)
class Place:
    """A site as it was when the request came, and the path within it.

    `site` is None above all sites, where `path` is the whole; `broken`: there should be one.
    """

    site: Site | None
    path: str
    look: Look
    broken: bool = False


def place_of(scope: Scope) -> Place:
    """The place of a request below `Placing`."""
    place: Place = scope[_PLACE]
    return place


class Placing:
    """Finds the place of each request once, for all that handles it."""

    def __init__(self, app: ASGIApp, sites: Sites) -> None:
        self._app, self._sites = app, sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[_PLACE] = self._sites.place(scope["path"])
        await self._app(scope, receive, send)


def _here(request: Request) -> Site:
    place = place_of(request.scope)
    if place.site is not None:
        return place.site
    if place.broken:
        raise HTTPException(503, "This site can't be served at the moment.", {"Retry-After": "30"})
    raise HTTPException(404, "There is no such site here.")


def named(site: Annotated[str, Path(description="The site's name.")]) -> None:
    """The part of the address that names the site, for the description of the routes."""


Here = Annotated[Site, Depends(_here)]  # of a route: the site that it is called at
