"""The owner's pages as they are served, on a folder and a store of their own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from small_bot import serving

from bot.bot import Bot
from bot.channels.review.app import create_review_app
from bot.channels.review.service import Service
from bot.channels.review.workspace import Workspace
from bot.state.store import Keeping, Store
from bot.types import Turn

TOKEN = "a-token-for-tests"


@dataclass(frozen=True)
class Desk:
    """`address` ends with the token."""

    address: str
    service: Service
    store: Store
    folder: Path


@contextmanager
def reviewing(
    folder: Path, store: Store, load: Callable[[], Bot], reviewer: str = "Ann"
) -> Iterator[Desk]:
    """The pages of the knowledge in `folder`, as `quoth review` serves them."""
    workspace = Workspace(folder)
    service = Service(workspace, store, load, reviewer)
    title = workspace.snapshot().knowledge.title
    with serving(create_review_app(service, title, TOKEN)) as address:
        yield Desk(f"{address}/{TOKEN}", service, store, folder)


def kept_questions(file: Path, asked: dict[str, int], days: int = 28, replies: int = 30) -> Store:
    """A store in which visitors asked in vain as often as `asked` says, over the last days, and
    got about `replies` answers a day besides."""
    import time

    now = time.time()
    at = [now]
    store = Store(f"sqlite:///{file}", Keeping(), lambda: at[0])
    dice = random.Random(7)
    number = 0

    def put(question: str, kind: str, reason: str | None, confidence: float) -> None:
        nonlocal number
        number += 1
        turn = Turn(f"t{number}", question, question, kind)
        reply = {"cause": reason, "confidence": confidence}
        store.add_turn(f"c{number}", turn, reply)

    for day in reversed(range(days)):
        at[0] = now - day * 86400 - 1
        busy = dice.randint(replies // 2, replies)
        for _ in range(busy):
            put("answered", "answer", None, min(1.0, dice.betavariate(8, 2)))
            if dice.random() < 0.12:
                store.add_feedback(f"t{number}", dice.random() < 0.8)
        for _ in range(busy // 8):
            put("is it fatal", "clarify", "ambiguous", dice.random() * 0.6)
            at[0] += 0.001
    for question, often in asked.items():
        for _ in range(often):
            at[0] = now - dice.random() * days * 86400
            reason = dice.choice(["not_covered", "not_covered", "off_topic"])
            put(question, "decline", reason, dice.betavariate(2, 6))
    at[0] = now
    return store
