"""The questions that an owner may learn from: declined, or with a reply that did not help."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from bot.state.database import Database
from bot.state.tables import FEEDBACK, QUESTIONS

Handled = Literal["variant", "pair", "out_of_scope", "calibration", "dismissed"]
_NUMBERED = re.compile(r"q([0-9]{1,15})")  # the ref of a row of questions
_LEARNT = ("decline", "clarify")  # kinds of reply after which a thumb down adds nothing


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question as it was kept; `asked` in Unix seconds, `ref` names its row."""

    ref: str
    asked: float
    question: str
    kind: str
    reason: str | None
    handled: Handled | None


def unanswered(
    database: Database, *, handled: bool = False, limit: int = 2000
) -> tuple[Unanswered, ...]:
    """The questions kept, newest first; those already `handled` too where asked for.

    A question that was declined and then got a thumb down counts once. Raises StoreError.
    """
    declined = sa.select(
        QUESTIONS.c.number,
        QUESTIONS.c.asked,
        QUESTIONS.c.question,
        QUESTIONS.c.kind,
        QUESTIONS.c.reason,
        QUESTIONS.c.handled,
    )
    disliked = sa.select(
        FEEDBACK.c.turn_id,
        FEEDBACK.c.given,
        FEEDBACK.c.question,
        FEEDBACK.c.kind,
        sa.literal("unhelpful"),
        FEEDBACK.c.handled,
    ).where(FEEDBACK.c.question.is_not(None), FEEDBACK.c.kind.not_in(_LEARNT))
    if not handled:
        declined = declined.where(QUESTIONS.c.handled.is_(None))
        disliked = disliked.where(FEEDBACK.c.handled.is_(None))
    declined = declined.order_by(QUESTIONS.c.asked.desc()).limit(limit)
    disliked = disliked.order_by(FEEDBACK.c.given.desc()).limit(limit)
    with database.transaction() as db:
        found = [
            Unanswered(f"{sort}{row[0]}", *row[1:])
            for sort, query in (("q", declined), ("f", disliked))
            for row in db.execute(query)
        ]
    return tuple(sorted(found, key=lambda one: -one.asked)[:limit])


def mark(database: Database, refs: Iterable[str], handled: Handled | None) -> int:
    """Say what was done about the questions `refs` (None: nothing); how many there were.

    What was deleted meanwhile is passed over. Raises StoreError.
    """
    named = list(refs)
    numbers = [int(found[1]) for ref in named if (found := _NUMBERED.fullmatch(ref))]
    turns = [ref[1:] for ref in named if ref.startswith("f")]
    with database.transaction(write=True) as db:
        return sum(
            db.execute(sa.update(table).where(column.in_(keys)).values(handled=handled)).rowcount
            for table, column, keys in (
                (QUESTIONS, QUESTIONS.c.number, numbers),
                (FEEDBACK, FEEDBACK.c.turn_id, turns),
            )
            if keys
        )
