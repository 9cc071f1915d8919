"""What came in from the messaging platforms, kept from its receipt until it is answered."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from bot.state.database import Database, inserting
from bot.state.lanes import Direction, Lease, expire_lanes, touch
from bot.state.outbox import add_requests
from bot.state.tables import INBOX, OUTBOX

REMEMBERED_DAYS = 8  # how long an event sent again is known; platforms resend for up to seven


@dataclass(frozen=True, slots=True)
class Event:
    """One event to keep. `message` is what is to be answered, JSON values only; None where the
    event needs nothing but `requests` to be sent."""

    channel: str
    key: str
    conversation: str
    message: Mapping[str, object] | None = field(default=None, repr=False)
    requests: Sequence[Mapping[str, object]] = field(default=(), repr=False)

    @property
    def known_as(self) -> str:
        """The platform's own id, hashed: some of them hold a telephone number."""
        joined = f"{self.channel}\0{self.key}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(joined).hexdigest()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message to answer; `received` in Unix seconds."""

    message: Mapping[str, Any] = field(repr=False)
    received: float


class Inbox:
    """Events, each kept once. Every method raises StoreError where the database fails."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def accept(self, events: Sequence[Event], patience: float | None = None) -> int:
        """Keep the events that are new, all or none; returns how many they are.

        When it returns they are on the disk: the platform may be told so. Waits `patience`
        seconds at most.
        """
        now = self._clock()
        lanes: set[tuple[Direction, str, str]] = {
            ("out" if event.message is None else "in", event.conversation, event.channel)
            for event in events
        }
        new = 0
        with self._database.transaction(write=True, durable=True, patience=patience) as db:
            for direction, conversation, channel in sorted(lanes):
                touch(db, direction, conversation, channel, now)
            for event in events:
                number = self._insert(db, event, now)
                new += number is not None
                if number is not None and event.requests:
                    add_requests(db, event.channel, event.conversation, number, event.requests, now)
        return new

    def waiting(self, lease: Lease) -> Waiting | None:
        """The message that `lease` is for; None where it was done with or deleted meanwhile."""
        query = sa.select(INBOX.c.message, INBOX.c.received).where(
            INBOX.c.number == lease.number, INBOX.c.state == "waiting"
        )
        with self._database.transaction() as db:
            found = db.execute(query).first()
        if found is None or found.message is None:
            return None
        return Waiting(json.loads(found.message), found.received)

    def done(self, db: sa.Connection, number: int) -> None:
        """It is answered: what was written is forgotten, that it was there is remembered."""
        _set(db, INBOX.c.number == number, state="done", message=None, error=None)

    def dead(self, db: sa.Connection, number: int, error: str) -> None:
        """It can't be answered; kept for the owner to look at, with what failed."""
        _set(db, INBOX.c.number == number, state="dead", error=error[:100])

    def answer_given(self, event: Event) -> Mapping[str, Any] | None:
        """The request that answered `event` in the response to it, where that is still kept."""
        query = (
            sa.select(OUTBOX.c.request)
            .join(INBOX, INBOX.c.number == OUTBOX.c.event)
            .where(
                INBOX.c.channel == event.channel,
                INBOX.c.event_key == event.known_as,
                OUTBOX.c.state == "sent",
                OUTBOX.c.request.is_not(None),
            )
            .order_by(OUTBOX.c.number)
            .limit(1)
        )
        with self._database.transaction() as db:
            found = db.scalar(query)
        return None if found is None else dict(json.loads(found))

    def known_done(self, event: Event) -> bool:
        """Whether `event` is known and waits no longer."""
        query = sa.select(INBOX.c.state).where(
            INBOX.c.channel == event.channel, INBOX.c.event_key == event.known_as
        )
        with self._database.transaction() as db:
            return db.scalar(query) in ("done", "dead")

    def expire(self, days: float) -> int:
        """Delete events that need not be known again and, after `days`, what never was answered;
        returns how many."""
        now = self._clock()
        remembered = now - REMEMBERED_DAYS * 86400
        dead = now - max(days, REMEMBERED_DAYS) * 86400
        with self._database.transaction(write=True) as db:
            # What was written goes at its time, also where the event must still be known.
            _set(
                db,
                sa.and_(INBOX.c.state == "dead", INBOX.c.received < now - days * 86400),
                message=None,
            )
            gone = sa.or_(
                sa.and_(INBOX.c.state == "done", INBOX.c.received < remembered),
                sa.and_(INBOX.c.state == "dead", INBOX.c.received < dead),
            )
            count = db.execute(sa.delete(INBOX).where(gone)).rowcount
            return count + expire_lanes(db, now - 86400)

    def _insert(self, db: sa.Connection, event: Event, now: float) -> int | None:
        """The number of the event's new row; None where it is known."""
        message = event.message
        row = inserting(db, INBOX).values(
            channel=event.channel,
            event_key=event.known_as,
            conversation=event.conversation,
            received=now,
            state="done" if message is None else "waiting",
            attempts=0,
            message=None if message is None else json.dumps(message),
        )
        new = row.on_conflict_do_nothing(index_elements=["channel", "event_key"])
        number = db.scalar(new.returning(INBOX.c.number))
        return None if number is None else int(number)


def forget(db: sa.Connection, conversation: str) -> None:
    """Delete what was written in a conversation and its answers, sent or not; what came in after
    it and still waits is kept."""
    _set(
        db,
        sa.and_(INBOX.c.conversation == conversation, INBOX.c.state == "dead"),
        state="done",
        message=None,
        error=None,
    )
    db.execute(sa.delete(OUTBOX).where(OUTBOX.c.conversation == conversation))


def _set(db: sa.Connection, where: sa.ColumnElement[bool], **values: object) -> None:
    db.execute(sa.update(INBOX).where(where).values(**values))
