"""A server with its platforms on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from platform_fake import PlatformFake
from senders import SENDERS, environment
from served_world import World
from small_bot import SmallBot, serving

from bot.channels.http import create_app
from bot.channels.messaging.runtime import Connections
from bot.channels.sites import Sites
from bot.settings import Settings
from bot.state.store import Keeping, Store

Start = Callable[..., World]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server: `start(*channels, bot=..., fake=..., url=..., **settings)`."""
    with ExitStack() as stack:

        def start(
            *channels: str,
            bot: Any = None,
            fake: PlatformFake | None = None,
            url: str | None = None,
            **settings: Any,
        ) -> World:
            if fake is None or not fake.running:
                fake = (fake or PlatformFake()).start()
                stack.callback(fake.stop)
            store = Store(url or f"sqlite:///{tmp_path}/quoth.db", Keeping())
            stack.callback(store.close)
            quick = {"delivery_wait": 0.05, "lease_seconds": 2.0, "rate_per_minute": 6000}
            connections = Connections.of(environment(fake.address, channels or tuple(SENDERS)))
            sites = Sites.single(bot or SmallBot(), store, Settings(**{**quick, **settings}))
            app = create_app(sites, connections)
            address = stack.enter_context(serving(app))
            client = stack.enter_context(
                httpx.Client(base_url=address, timeout=20, trust_env=False)
            )
            return World(client, fake, store)

        yield start
