"""The state between two questions: conversations, feedback and questions for review.

SQLAlchemy Core over SQLite (one file, WAL) or PostgreSQL, the same code for both. A turn is a row
that is only ever added, so two messages sent to one conversation at once both stay. What is kept,
in which form and for how long is said by `Keeping`; `expire` deletes the rest.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import sqlalchemy as sa

from bot.state.database import Database, Duplicate, StoreError, upsert
from bot.state.figures import count_reply, forget_counts
from bot.state.redaction import redact
from bot.state.tables import CONVERSATIONS, FEEDBACK, QUESTIONS, TURNS
from bot.types import Conversation, Turn

__all__ = ["Feedback", "Keeping", "ReviewMode", "ReviewedQuestion", "Store", "StoreError"]

ReviewMode = Literal["off", "redacted", "full"]


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept and for how long: the owner's choice, from the settings."""

    turns: int = 20
    minutes: float = 60
    questions: ReviewMode = "redacted"
    days: float = 30

    def for_review(self, text: str) -> str | None:
        """`text` as it may be kept for review; None where nothing may."""
        if self.questions == "off":
            return None
        # PostgreSQL's text holds neither NUL nor lone surrogates; nothing is reviewed in them.
        text = text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
        return redact(text) if self.questions == "redacted" else text


@dataclass(frozen=True, slots=True)
class ReviewedQuestion:
    """A question that was not answered, as kept for the owner; `asked` in Unix seconds."""

    asked: float
    question: str
    kind: str
    reason: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Feedback:
    """A visitor's verdict on one reply; `question` is kept where the reply did not help."""

    turn_id: str
    given: float
    helpful: bool
    comment: str | None
    question: str | None
    kind: str


class Store:
    """All state, behind one object that many threads share.

    `url` is an SQLAlchemy URL (sqlite:///FILE or postgresql://...). Opening raises SettingsError
    where it can't be used or was written by a newer version; every method raises StoreError where
    the database fails later. Stores of different `site`s at one `url` share nothing.
    """

    def __init__(
        self,
        url: str,
        keeping: Keeping | None = None,
        clock: Callable[[], float] = time.time,
        *,
        site: str = "",
    ) -> None:
        self._keeping = keeping or Keeping()
        self._clock = clock
        self.database = Database(url, site)

    def conversation(self, conversation_id: str) -> Conversation | None:
        """The last turns of a conversation; None where it is unknown, deleted or too old."""
        with self.database.transaction() as db:
            updated = db.scalar(
                sa.select(CONVERSATIONS.c.updated).where(
                    CONVERSATIONS.c.id == conversation_id,
                    CONVERSATIONS.c.updated >= self._oldest_conversation(),
                )
            )
            if updated is None:
                return None
            rows = db.scalars(
                sa.select(TURNS.c.turn)
                .where(TURNS.c.conversation_id == conversation_id)
                .order_by(TURNS.c.number.desc())
                .limit(self._keeping.turns)
            ).all()
        turns = tuple(Turn.from_json(json.loads(row)) for row in reversed(rows))
        return Conversation(conversation_id, turns, updated)

    def earlier_reply(self, conversation_id: str, client_id: str) -> dict[str, Any] | None:
        """The reply already given to the message `client_id`; None where it is new."""
        with self.database.transaction() as db:
            row = db.scalar(
                sa.select(TURNS.c.reply).where(
                    TURNS.c.conversation_id == conversation_id, TURNS.c.client_id == client_id
                )
            )
        return None if row is None else dict(json.loads(row))

    def add_turn(
        self,
        conversation_id: str,
        turn: Turn,
        reply: dict[str, object],
        client_id: str | None = None,
    ) -> dict[str, Any]:
        """Add a turn, and the question for review where it was not answered.

        Returns the reply that stands: `reply`, or, where another request with the same
        `client_id` came first, the one that it was given.
        """
        try:
            with self.database.transaction(write=True) as db:
                self.put_turn(db, conversation_id, turn, reply, client_id)
        except Duplicate:
            earlier = self.earlier_reply(conversation_id, client_id or "")
            if earlier is None:  # deleted between the two statements
                raise StoreError("the conversation was deleted while it was answered") from None
            return earlier
        return reply

    def put_turn(
        self,
        db: sa.Connection,
        conversation_id: str,
        turn: Turn,
        reply: dict[str, object],
        client_id: str | None = None,
    ) -> None:
        """`add_turn` as a part of the caller's transaction."""
        now = self._clock()
        # The row's lock also orders the writers of one conversation.
        upsert(db, CONVERSATIONS, {"id": conversation_id}, {"updated": now})
        db.execute(
            sa.insert(TURNS).values(
                conversation_id=conversation_id,
                turn_id=turn.turn_id,
                client_id=client_id,
                turn=json.dumps(asdict(turn)),
                reply=json.dumps(reply),
            )
        )
        self._trim(db, conversation_id)
        count_reply(db, now, reply, turn.kind)
        self._keep_question(db, conversation_id, turn, reply, now)

    def add_feedback(self, turn_id: str, helpful: bool, comment: str | None = None) -> bool:
        """Keep a verdict on a turn, in place of an earlier one; False where the turn is unknown."""
        with self.database.transaction(write=True) as db:
            row = db.execute(
                sa.select(TURNS.c.conversation_id, TURNS.c.turn)
                .where(TURNS.c.turn_id == turn_id)
                .order_by(TURNS.c.number.desc())
                .limit(1)
            ).first()
            if row is None:
                return False
            turn = Turn.from_json(json.loads(row.turn))
            review = self._keeping.for_review
            verdict = {
                "conversation_id": row.conversation_id,
                "given": self._clock(),
                "helpful": helpful,
                "comment": review(comment) if comment else None,
                # A safety question is about its asker: it is never kept.
                "question": None if helpful or turn.kind == "safety" else review(turn.asked),
                "kind": turn.kind,
            }
            upsert(db, FEEDBACK, {"turn_id": turn_id}, verdict)
        return True

    def questions(self, limit: int = 1000) -> tuple[ReviewedQuestion, ...]:
        """The questions kept for review, newest first."""
        columns = [QUESTIONS.c[name] for name in ReviewedQuestion.__dataclass_fields__]
        query = sa.select(*columns).order_by(QUESTIONS.c.number.desc()).limit(limit)
        with self.database.transaction() as db:
            return tuple(ReviewedQuestion(*row) for row in db.execute(query))

    def feedback(self, limit: int = 1000) -> tuple[Feedback, ...]:
        """The verdicts, newest first."""
        columns = [FEEDBACK.c[name] for name in Feedback.__dataclass_fields__]
        query = sa.select(*columns).order_by(FEEDBACK.c.given.desc()).limit(limit)
        with self.database.transaction() as db:
            return tuple(Feedback(*row) for row in db.execute(query))

    def delete_conversation(self, conversation_id: str) -> bool:
        """Delete a conversation with all that came of it; False where there was nothing."""
        with self.database.transaction(write=True) as db:
            return self.drop_conversation(db, conversation_id)

    def drop_conversation(self, db: sa.Connection, conversation_id: str) -> bool:
        """`delete_conversation` as a part of the caller's transaction."""
        gone = sum(
            db.execute(sa.delete(table).where(table.c.conversation_id == conversation_id)).rowcount
            for table in (TURNS, QUESTIONS, FEEDBACK)
        )
        gone += db.execute(
            sa.delete(CONVERSATIONS).where(CONVERSATIONS.c.id == conversation_id)
        ).rowcount
        return gone > 0

    def expire(self) -> int:
        """Delete what has outlived its time; returns how many rows went."""
        oldest_kept = self._clock() - self._keeping.days * 86400
        old = sa.select(CONVERSATIONS.c.id).where(
            CONVERSATIONS.c.updated < self._oldest_conversation()
        )
        with self.database.transaction(write=True) as db:
            return forget_counts(db, oldest_kept) + sum(
                db.execute(statement).rowcount
                for statement in (
                    sa.delete(TURNS).where(TURNS.c.conversation_id.in_(old)),
                    sa.delete(CONVERSATIONS).where(
                        CONVERSATIONS.c.updated < self._oldest_conversation()
                    ),
                    sa.delete(QUESTIONS).where(QUESTIONS.c.asked < oldest_kept),
                    sa.delete(FEEDBACK).where(FEEDBACK.c.given < oldest_kept),
                )
            )

    def check(self) -> None:
        """Raise StoreError unless the database answers."""
        with self.database.transaction() as db:
            db.execute(sa.select(sa.literal(1)))

    def close(self) -> None:
        self.database.close()

    def _oldest_conversation(self) -> float:
        return self._clock() - self._keeping.minutes * 60

    def _trim(self, db: sa.Connection, conversation_id: str) -> None:
        kept = (
            sa.select(TURNS.c.number)
            .where(TURNS.c.conversation_id == conversation_id)
            .order_by(TURNS.c.number.desc())
            .limit(self._keeping.turns)
        )
        db.execute(
            sa.delete(TURNS).where(
                TURNS.c.conversation_id == conversation_id, TURNS.c.number.not_in(kept)
            )
        )

    def _keep_question(
        self,
        db: sa.Connection,
        conversation_id: str,
        turn: Turn,
        reply: dict[str, object],
        now: float,
    ) -> None:
        """Keep what the documents should perhaps answer: never small talk, never a safety case."""
        question = self._keeping.for_review(turn.asked)
        if question is None or turn.kind not in ("decline", "clarify"):
            return
        db.execute(
            sa.insert(QUESTIONS).values(
                conversation_id=conversation_id,
                asked=now,
                question=question,
                kind=turn.kind,
                reason=reply.get("cause"),
                confidence=reply.get("confidence", 0.0),
            )
        )
