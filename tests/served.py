"""What a served bot is to the tests."""

from __future__ import annotations

from dataclasses import dataclass

from bot.state.store import Store


@dataclass(frozen=True)
class Served:
    """A server's address and what it keeps."""

    address: str
    store: Store
