"""One served bot and the platforms that it talks to, as a test sees them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
from platform_fake import Arrival, PlatformFake
from senders import SENDERS

from bot.state.outbox import Outbox
from bot.state.store import Store


class World:
    """One served bot and the platforms that it talks to."""

    def __init__(self, client: httpx.Client, fake: PlatformFake, store: Store) -> None:
        self.client, self.fake, self.store = client, fake, store
        self.outbox = Outbox(store.database)

    def send(
        self,
        channel: str,
        text: str,
        number: int = 1,
        conversation: int = 1,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """What the platform sends; `number` tells one message of a conversation from another."""
        hook = SENDERS[channel].event(conversation, number, text, self.fake.address)
        return self.client.request(
            hook.method, hook.path, content=hook.body, headers=hook.headers() | (headers or {})
        )

    def shown(self, channel: str | None = None) -> list[str]:
        """The texts that readers see, in order."""
        return [a.seen.text for a in self.arrivals(channel) if not a.repeated]

    def arrivals(self, channel: str | None = None) -> list[Arrival]:
        return [a for a in self.fake.log.arrivals if channel in (None, a.channel)]

    def wait(self, done: Callable[[], Any], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, (self.shown(), self.outbox.counts())
            time.sleep(0.02)

    def metric(self, name: str, **labels: str) -> float:
        """A counter's value."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(f"quoth_messaging_{name}_total{{") and all(
                one in line for one in wanted
            ):
                return float(line.rsplit(" ", 1)[1])
        return 0.0
