"""What goes out to the messaging platforms, kept until it has arrived."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from bot.state.database import Database
from bot.state.lanes import Lanes, Lease, touch
from bot.state.tables import INBOX, OUTBOX

RESPOND = "RESPOND"  # the method of a request that is the response to the platform's own
_NOTE_SECONDS = 5.0  # to wait for the database with the news that something has arrived
SENT_DAYS = 1  # how long it is known that something was sent


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to send; `received` is when the event came in that it answers."""

    request: Mapping[str, Any] = field(repr=False)
    received: float


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter: an event that could not be answered ("in") or an answer that could not be
    sent ("out"). Nothing that anybody wrote is in it."""

    box: Literal["in", "out"]
    number: int
    channel: str
    conversation: str
    since: float
    attempts: int
    error: str

    @property
    def id(self) -> str:
        return f"{self.box}-{self.number}"


class Outbox:
    """Requests in the order of their conversation. Raises StoreError where the database fails."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def outgoing(self, lease: Lease) -> Outgoing | None:
        """The request that `lease` is for; None where it was sent or deleted meanwhile."""
        query = (
            sa.select(OUTBOX.c.request, OUTBOX.c.created, INBOX.c.received)
            .join(INBOX, INBOX.c.number == OUTBOX.c.event, isouter=True)
            .where(OUTBOX.c.number == lease.number, OUTBOX.c.state == "waiting")
        )
        with self._database.transaction() as db:
            row = db.execute(query).first()
        if row is None or row.request is None:
            return None
        received = row.created if row.received is None else row.received
        return Outgoing(json.loads(row.request), received)

    def sent(self, lanes: Lanes, lease: Lease, pause: float) -> None:
        """It has arrived: its text is forgotten. The next may go in `pause` seconds.

        This and the next two raise LeaseLost where another worker has the lane now.
        """
        # Ahead of other work: what is killed before it is noted is sent, and seen, again.
        with self._database.transaction(write=True, patience=_NOTE_SECONDS) as db:
            lanes.check(db, lease)
            self._set(db, OUTBOX.c.number == lease.number, state="sent", request=None, error=None)
            lanes.release(db, lease, pause)

    def retry(self, lanes: Lanes, lease: Lease, after: float, error: str) -> None:
        """It is to be tried again in `after` seconds."""
        with self._database.transaction(write=True) as db:
            lanes.check(db, lease)
            self._set(db, OUTBOX.c.number == lease.number, error=error[:100])
            lanes.release(db, lease, after)

    def dead(self, lanes: Lanes, lease: Lease, error: str) -> int:
        """It is given up, with the rest of its answer, which would make no sense alone; returns
        how many messages that are."""
        with self._database.transaction(write=True) as db:
            lanes.check(db, lease)
            answer = sa.select(OUTBOX.c.event).where(OUTBOX.c.number == lease.number)
            event = db.scalar(answer)
            rest = sa.and_(
                OUTBOX.c.event == event,
                OUTBOX.c.conversation == lease.conversation,
                OUTBOX.c.state == "waiting",
            )
            self._set(db, OUTBOX.c.number == lease.number, state="dead", error=error[:100])
            count = self._set(db, rest, state="dead", error="an earlier part failed")
            lanes.release(db, lease)
        return count + 1

    def letters(self, channel: str | None = None, limit: int = 1000) -> list[Letter]:
        """The dead letters, oldest first."""
        found: list[Letter] = []
        with self._database.transaction() as db:
            for box, table, since in (
                ("in", INBOX, INBOX.c.received),
                ("out", OUTBOX, OUTBOX.c.created),
            ):
                query = sa.select(table, since.label("since")).where(table.c.state == "dead")
                if channel is not None:
                    query = query.where(table.c.channel == channel)
                found += [
                    Letter(
                        box,  # type: ignore[arg-type]
                        row.number,
                        row.channel,
                        row.conversation,
                        row.since,
                        row.attempts,
                        row.error or "",
                    )
                    for row in db.execute(query.order_by(table.c.number).limit(limit))
                ]
        return sorted(found, key=lambda letter: letter.since)[:limit]

    def counts(self) -> dict[tuple[str, str, str], int]:
        """(box, channel, state) -> how many, of what waits or is dead."""
        found = {}
        with self._database.transaction() as db:
            for box, table in (("in", INBOX), ("out", OUTBOX)):
                query = (
                    sa.select(table.c.channel, table.c.state, sa.func.count())
                    .where(table.c.state.in_(("waiting", "dead")))
                    .group_by(table.c.channel, table.c.state)
                )
                for channel, state, count in db.execute(query):
                    found[box, channel, state] = int(count)
        return found

    def replay(self, letters: Sequence[Letter]) -> int:
        """Let dead letters wait again, in their old order; returns how many there still were.

        Those whose text is deleted already stay dead.
        """
        count = 0
        now = self._clock()
        with self._database.transaction(write=True, durable=True) as db:
            lanes = sorted({(one.box, one.conversation, one.channel) for one in letters})
            for box, conversation, channel in lanes:
                touch(db, box, conversation, channel, now)
            for one in letters:
                table, text = _BOXES[one.box]
                dead = (table.c.number == one.number, table.c.state == "dead", text.is_not(None))
                count += db.execute(
                    sa.update(table).where(*dead).values(state="waiting", attempts=0, error=None)
                ).rowcount
        return count

    def drop(self, letters: Sequence[Letter]) -> int:
        """Delete dead letters; returns how many there still were."""
        count = 0
        with self._database.transaction(write=True) as db:
            for one in letters:
                table, _ = _BOXES[one.box]
                dead = (table.c.number == one.number, table.c.state == "dead")
                if one.box == "in":  # the event must still be known when it is sent again
                    change = sa.update(table).values(state="done", message=None, error=None)
                    count += db.execute(change.where(*dead)).rowcount
                else:
                    count += db.execute(sa.delete(table).where(*dead)).rowcount
        return count

    def expire(self, days: float, minutes: float) -> int:
        """Delete what was sent, and after `days` what could not be; returns how many.

        A response is kept for `minutes`, in case the platform sends its request again.
        """
        now = self._clock()
        with self._database.transaction(write=True) as db:
            answered = sa.and_(
                OUTBOX.c.state == "sent",
                OUTBOX.c.request.is_not(None),
                OUTBOX.c.changed < now - minutes * 60,
            )
            self._set(db, answered, request=None)
            gone = sa.or_(
                sa.and_(OUTBOX.c.state == "sent", OUTBOX.c.changed < now - SENT_DAYS * 86400),
                sa.and_(OUTBOX.c.state == "dead", OUTBOX.c.changed < now - days * 86400),
            )
            return db.execute(sa.delete(OUTBOX).where(gone)).rowcount

    def _set(self, db: sa.Connection, where: sa.ColumnElement[bool], **values: object) -> int:
        change = sa.update(OUTBOX).where(where).values(changed=self._clock(), **values)
        return db.execute(change).rowcount


def add_requests(
    db: sa.Connection,
    channel: str,
    conversation: str,
    event: int,
    requests: Sequence[Mapping[str, object]],
    now: float,
) -> None:
    """Add the requests that answer `event`, in order, as a part of the caller's transaction.

    The lane "out" of the conversation must be touched (see `bot.state.lanes.touch`) before.
    """
    for request in requests:
        sent = request["method"] == RESPOND
        db.execute(
            sa.insert(OUTBOX).values(
                channel=channel,
                conversation=conversation,
                event=event,
                created=now,
                changed=now,
                state="sent" if sent else "waiting",
                attempts=0,
                request=json.dumps(request),
            )
        )


_BOXES = {"in": (INBOX, INBOX.c.message), "out": (OUTBOX, OUTBOX.c.request)}
