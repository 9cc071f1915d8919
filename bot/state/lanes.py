"""Who works on which conversation: one lane each way, leased to one worker at a time.

A lane is due while rows wait in it, and its first row is the one to work on: so one message of a
conversation is in flight at most, and order is kept. A lease that its worker no longer renews is
anyone's again; an owner's mark then keeps the late worker from writing what another has done.

Locks are always taken lanes first, "in" before "out", so that no two transactions wait for each
other.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from bot.errors import QuothError
from bot.state.database import Database, inserting
from bot.state.tables import INBOX, LANES, OUTBOX, PACES

Direction = Literal["in", "out"]
_ROWS: Mapping[str, sa.Table] = {"in": INBOX, "out": OUTBOX}


class LeaseLost(QuothError):
    """Another worker has taken the lane over; what was done for it must not be written."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one lane. `number` is its first waiting row, `attempt` counts from 1
    how often that row was taken up; `owner` is of this lease alone."""

    direction: Direction
    conversation: str
    channel: str
    owner: str
    number: int
    attempt: int


class Lanes:
    """The lanes of one direction, of all channels or of `channels`.

    `paces`: messages a second for each channel that has a limit, counted over all servers that
    share the database.
    """

    def __init__(
        self,
        database: Database,
        direction: Direction,
        *,
        lease_seconds: float = 30.0,
        paces: Mapping[str, float] | None = None,
        channels: Collection[str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lease_seconds = lease_seconds
        self._database = database
        self._direction: Direction = direction
        self._rows = _ROWS[direction]
        self._paces = dict(paces or {})
        self._channels = None if channels is None else sorted(channels)
        self._clock = clock

    def next_due(self, held: Collection[str] = (), full: Collection[str] = ()) -> float | None:
        """When the next lane can be claimed, in Unix seconds; None where nothing waits."""
        at = sa.case((LANES.c.due > LANES.c.leased_until, LANES.c.due), else_=LANES.c.leased_until)
        with self._database.transaction() as db:
            due = db.scalar(sa.select(sa.func.min(at)).where(*self._open(held, full)))
        return None if due is None else float(due)

    def claim(
        self, limit: int, held: Collection[str] = (), full: Collection[str] = ()
    ) -> list[Lease]:
        """Up to `limit` lanes that are due, none of the conversations `held` and channels `full`.

        Those that their channel's pace doesn't let through yet are put off.
        """
        now = self._clock()
        query = (
            sa.select(LANES.c.conversation, LANES.c.channel)
            .where(*self._open(held, full), LANES.c.due <= now, LANES.c.leased_until <= now)
            .order_by(LANES.c.due)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._database.transaction(write=True) as db:
            return self._lease(db, [(r.conversation, r.channel) for r in db.execute(query)], now)

    def claim_one(self, conversation: str) -> Lease | None:
        """The lane of this conversation now, whenever it is due; None where it is taken or idle."""
        now = self._clock()
        query = (
            sa.select(LANES.c.conversation, LANES.c.channel)
            .where(
                LANES.c.direction == self._direction,
                LANES.c.conversation == conversation,
                LANES.c.due.is_not(None),
                LANES.c.leased_until <= now,
            )
            .with_for_update(skip_locked=True)
        )
        with self._database.transaction(write=True) as db:
            found = self._lease(db, [(r.conversation, r.channel) for r in db.execute(query)], now)
        return found[0] if found else None

    def renew(self, leases: Collection[Lease]) -> int:
        """Hold `leases` for another `lease_seconds`; returns how many are still held."""
        until = self._clock() + self.lease_seconds
        owners = [lease.owner for lease in leases]
        with self._database.transaction(write=True) as db:
            return db.execute(
                sa.update(LANES).where(LANES.c.owner.in_(owners)).values(leased_until=until)
            ).rowcount

    def check(self, db: sa.Connection, lease: Lease) -> None:
        """Lock the lane; raises LeaseLost unless the lease still stands."""
        owner = db.scalar(sa.select(LANES.c.owner).where(*_lane(lease)).with_for_update())
        if owner != lease.owner:
            raise LeaseLost(f"a lane of {lease.channel} was taken over")

    def release(self, db: sa.Connection, lease: Lease, after: float = 0.0) -> None:
        """End the lease; the lane's next row, if there is one, is due in `after` seconds."""
        now = self._clock()
        db.execute(
            sa.update(LANES)
            .where(*_lane(lease))
            .values(
                owner=None,
                leased_until=0.0,
                due=now + after if self._first(db, lease.conversation) else None,
                touched=now,
            )
        )

    def _open(self, held: Collection[str], full: Collection[str]) -> list[sa.ColumnElement[bool]]:
        found = [LANES.c.direction == self._direction, LANES.c.due.is_not(None)]
        if held:
            found.append(LANES.c.conversation.not_in(sorted(held)))
        if self._channels is not None:
            found.append(LANES.c.channel.in_(self._channels))
        if full:
            found.append(LANES.c.channel.not_in(sorted(full)))
        return found

    def _lease(self, db: sa.Connection, lanes: list[tuple[str, str]], now: float) -> list[Lease]:
        leases = []
        waits = _Paces(db, self._paces, sorted({channel for _, channel in lanes}), now)
        for conversation, channel in lanes:
            first = self._first(db, conversation)
            change: dict[str, object]
            if first is None:
                change = {"due": None}
            elif wait := waits.take(channel):
                change = {"due": now + wait}
            else:
                number, attempts = first
                lease = Lease(
                    self._direction, conversation, channel, str(uuid.uuid4()), number, attempts + 1
                )
                leases.append(lease)
                change = {"owner": lease.owner, "leased_until": now + self.lease_seconds}
                db.execute(
                    sa.update(self._rows)
                    .where(self._rows.c.number == number)
                    .values(attempts=lease.attempt)
                )
            db.execute(
                sa.update(LANES)
                .where(LANES.c.direction == self._direction, LANES.c.conversation == conversation)
                .values(**change)
            )
        waits.write()
        return leases

    def _first(self, db: sa.Connection, conversation: str) -> tuple[int, int] | None:
        """(number, attempts) of the first row that waits."""
        rows = self._rows.c
        found = db.execute(
            sa.select(rows.number, rows.attempts)
            .where(rows.conversation == conversation, rows.state == "waiting")
            .order_by(rows.number)
            .limit(1)
        ).first()
        return None if found is None else (found.number, found.attempts)


class _Paces:
    """The token buckets of some channels: a second's worth at once, then evenly.

    The generic cell rate algorithm, as in `bot.state.limits`.
    """

    def __init__(
        self, db: sa.Connection, paces: Mapping[str, float], channels: list[str], now: float
    ) -> None:
        self._db, self._now = db, now
        self._intervals = {c: 1.0 / paces[c] for c in channels if paces.get(c)}
        for channel in self._intervals:
            new = inserting(db, PACES).values(channel=channel, due=now)
            db.execute(new.on_conflict_do_nothing())
        rows = db.execute(
            sa.select(PACES)
            .where(PACES.c.channel.in_(list(self._intervals)))
            .order_by(PACES.c.channel)
            .with_for_update()
        )
        self._due = {row.channel: max(row.due, now) for row in rows}
        self._put_off = dict.fromkeys(self._intervals, 0)

    def take(self, channel: str) -> float:
        """0 where a message may go; else in how many seconds it may."""
        interval = self._intervals.get(channel)
        if interval is None:
            return 0.0
        wait: float = self._due[channel] - max(0.0, 1.0 - interval) - self._now
        if wait > 1e-6:
            self._put_off[channel] += 1
            return wait + (self._put_off[channel] - 1) * interval
        self._due[channel] += interval
        return 0.0

    def write(self) -> None:
        for channel, due in self._due.items():
            self._db.execute(sa.update(PACES).where(PACES.c.channel == channel).values(due=due))


def touch(
    db: sa.Connection, direction: Direction, conversation: str, channel: str, now: float
) -> None:
    """Make a lane due now, unless it is due at some time already (it may wait for a retry).

    To be called before a row is added: the lane's lock gives the rows of a conversation the order
    in which their transactions end.
    """
    new = inserting(db, LANES).values(
        direction=direction, conversation=conversation, channel=channel, due=now, touched=now
    )
    db.execute(
        new.on_conflict_do_update(
            index_elements=["direction", "conversation"],
            set_={"due": sa.func.coalesce(LANES.c.due, now), "touched": now},
        )
    )


def expire_lanes(db: sa.Connection, before: float) -> int:
    """Delete lanes in which nothing has happened since `before`."""
    idle = sa.and_(LANES.c.due.is_(None), LANES.c.leased_until < before, LANES.c.touched < before)
    return db.execute(sa.delete(LANES).where(idle)).rowcount


def _lane(lease: Lease) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return LANES.c.direction == lease.direction, LANES.c.conversation == lease.conversation
