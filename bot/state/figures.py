"""What was asked and how it was answered, counted by day: no text, nobody's.

Days are UTC. Counts are kept as long as questions for review are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from bot.state.database import Database, inserting
from bot.state.tables import COUNTS, FEEDBACK

TENTHS = 10


@dataclass(frozen=True, slots=True)
class ReplyCount:
    """`count` replies of one sort on one day; `tenth` 0..9 is that of their confidence."""

    day: date
    kind: str
    reason: str
    tenth: int
    count: int


@dataclass(frozen=True, slots=True)
class VerdictCount:
    """How many replies helped, and how many did not, by the day of the verdict."""

    day: date
    helpful: int
    unhelpful: int


def day_of(seconds: float) -> date:
    """The day, UTC, of a time in Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC).date()


def count_reply(db: sa.Connection, now: float, reply: Mapping[str, object], kind: str) -> None:
    """Count one reply, as a part of the caller's transaction."""
    confidence = reply.get("confidence", 0.0)
    share = float(confidence) if isinstance(confidence, int | float) else 0.0
    key = {
        "day": day_of(now).isoformat(),
        "kind": kind,
        "reason": str(reply.get("cause") or ""),
        "tenth": min(TENTHS - 1, int(share * TENTHS)),
    }
    statement = inserting(db, COUNTS).values({**key, "count": 1})
    more = {"count": COUNTS.c["count"] + 1}
    db.execute(statement.on_conflict_do_update(index_elements=list(key), set_=more))


def forget_counts(db: sa.Connection, before: float) -> int:
    """Delete the days that ended before the time `before`; returns how many rows went."""
    oldest = day_of(before).isoformat()
    return db.execute(sa.delete(COUNTS).where(COUNTS.c.day < oldest)).rowcount


def reply_counts(database: Database, first: date, last: date) -> tuple[ReplyCount, ...]:
    """The counts from `first` to `last`, both included, in order of days. Raises StoreError."""
    query = (
        sa.select(*COUNTS.c)
        .where(COUNTS.c.day >= first.isoformat(), COUNTS.c.day <= last.isoformat())
        .order_by(COUNTS.c.day, COUNTS.c.kind, COUNTS.c.reason, COUNTS.c.tenth)
    )
    with database.transaction() as db:
        return tuple(
            ReplyCount(date.fromisoformat(day), kind, reason, tenth, count)
            for day, kind, reason, tenth, count in db.execute(query)
        )


def verdict_counts(database: Database, first: date, last: date) -> tuple[VerdictCount, ...]:
    """The verdicts from `first` to `last`, both included, by day. Raises StoreError."""
    start = datetime.combine(first, time(), UTC).timestamp()
    end = datetime.combine(last + timedelta(days=1), time(), UTC).timestamp()
    query = sa.select(FEEDBACK.c.given, FEEDBACK.c.helpful).where(
        FEEDBACK.c.given >= start, FEEDBACK.c.given < end
    )
    days: dict[date, list[int]] = {}
    with database.transaction() as db:
        for given, helpful in db.execute(query):
            days.setdefault(day_of(given), [0, 0])[0 if helpful else 1] += 1
    return tuple(VerdictCount(day, *days[day]) for day in sorted(days))
