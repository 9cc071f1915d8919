"""Of several sites each channel is answered from its own, and keeps its state with it."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from platform_fake import PlatformFake
from senders import environment
from served_world import World
from small_bot import SmallBot, serving

from bot.channels.http import create_app
from bot.channels.messaging.runtime import Connections
from bot.channels.sites import Sites
from bot.settings import Settings
from bot.state.store import Store

ASKED = "Is MS fatal?"


def test_each_channel_is_answered_from_its_own_site(tmp_path: Path) -> None:
    with ExitStack() as stack:
        fake = PlatformFake().start()
        stack.callback(fake.stop)
        names = ("clinic", "shop")
        stores = {
            name: stack.enter_context(closing(Store(f"sqlite:///{tmp_path}/q.db", site=name)))
            for name in names
        }
        sites = Sites(Settings(rate_per_minute=6000), stores.__getitem__, names)
        bots: dict[str, Any] = {name: SmallBot() for name in names}
        for name, bot in bots.items():
            sites.serve(name, bot)
        environ = environment(fake.address, ("generic", "line", "teams"))
        environ["QUOTH_LINE_SITE"] = environ["QUOTH_TEAMS_SITE"] = "shop"
        app = create_app(sites, Connections.of(environ, names))
        client = stack.enter_context(httpx.Client(base_url=stack.enter_context(serving(app))))
        world = World(client, fake, stores["clinic"])
        world.send("generic", ASKED)
        world.send("line", ASKED)
        answered = world.send("teams", ASKED)  # in the response
        world.wait(lambda: len(world.shown()) == 2)
        assert (bots["clinic"].asked, bots["shop"].asked) == (1, 2)
        assert "/clinic/source/ms-vs-als" in world.shown("generic")[0]
        assert "/shop/source/ms-vs-als" in world.shown("line")[0]
        assert "/shop/source/ms-vs-als" in answered.text
        assert world.send("slack", ASKED).status_code == 404


def test_a_channel_of_a_site_that_is_not_served_is_no_app(tmp_path: Path) -> None:
    environ = environment("http://127.0.0.1:9", ("generic",)) | {"QUOTH_GENERIC_SITE": "shop"}
    with closing(Store(f"sqlite:///{tmp_path}/q.db")) as store:
        sites = Sites(Settings(), lambda name: store, ("clinic", "shop"))
        small: Any = SmallBot()
        sites.serve("clinic", small)
        with pytest.raises(KeyError, match="shop"):
            create_app(sites, Connections.of(environ, ("clinic", "shop")))
