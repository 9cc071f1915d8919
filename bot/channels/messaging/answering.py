"""From a message that waits in the inbox to its answer in the outbox, in one transaction."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from bot.channels.batch import error_reply
from bot.channels.desk import turn_of
from bot.channels.messaging.incoming import OutgoingRequest
from bot.channels.messaging.options import chosen
from bot.channels.messaging.registry import Enabled
from bot.errors import QuestionError
from bot.knowledge.files import MANIFEST
from bot.replying.texts import load_texts
from bot.state.inbox import Inbox, Waiting, forget
from bot.state.lanes import Lanes, Lease, LeaseLost, touch
from bot.state.metrics import Metrics
from bot.state.outbox import add_requests
from bot.state.store import Store, StoreError
from bot.types import Conversation, Reply, SmallTalk, Turn

if TYPE_CHECKING:
    from bot.channels.site import Site

DEFECT_ATTEMPTS = 3  # after so many failures a message is told that it can't be answered
CRASH_ATTEMPTS = 50  # a message taken up so often has been ending the process
_WAIT = 1.0  # seconds before a message that failed is taken up again, times the attempt

_DELETE = re.compile(
    r"(?:please\s+)?(?:(?:delete|erase|remove|forget)\s+(?:all\s+(?:of\s+)?)?(?:me|my"
    r"\s+(?:data|messages|conversations?|chats?|history|questions))|forget\s+me)"
    r"(?:[\s,]+please)?\s*[.!]*",
    re.IGNORECASE,
)

log = logging.getLogger("quoth.messaging")


@dataclass(frozen=True)
class _Answer:
    """A reply with the turn to remember (None: none), and whether all before is to be deleted."""

    reply: Reply
    turn: Turn | None = None
    deletes: bool = False
    failed: str | None = None


class Answerer:
    """Answers the message that a lease is for. Synchronous; many threads may use it.

    `site` gives the one that is asked, as it is now.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        store: Store,
        inbox: Inbox,
        lanes: Lanes,
        channels: Mapping[str, Enabled],
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._site = site
        self._store = store
        self._inbox = inbox
        self._lanes = lanes
        self._channels = channels
        self._metrics = metrics
        self._clock = clock

    def work(self, lease: Lease) -> None:
        """Answer it and end the lease. Raises StoreError, after which nothing is written and the
        message waits on."""
        try:
            self._work(lease)
        except LeaseLost:
            self._metrics.messaging.lost_leases.labels(lease.channel).inc()

    def _work(self, lease: Lease) -> None:
        waiting = self._inbox.waiting(lease)
        if waiting is None:
            self._release(lease, 0.0)
            return
        if lease.attempt > CRASH_ATTEMPTS:
            self._give_up(lease, "taken up again and again, never finished")
            return
        try:
            answer = self._answer(lease, waiting.message)
            requests = self._render(lease, waiting.message, answer.reply)
        except StoreError:
            raise
        except Exception as error:
            # The class alone: the message of an error can hold the question.
            what = type(error).__name__
            log.error("a message of %s could not be answered (%s)", lease.channel, what)
            if lease.attempt < DEFECT_ATTEMPTS:
                self._release(lease, _WAIT * lease.attempt)
                return
            answer = _Answer(self._failure(lease), failed=what)
            try:
                requests = self._render(lease, waiting.message, answer.reply)
            except Exception:
                self._give_up(lease, what)
                return
        self._write(lease, answer, requests)
        self._count(lease, answer, waiting)

    def _answer(self, lease: Lease, message: Mapping[str, Any]) -> _Answer:
        conversation = lease.conversation
        known = self._store.conversation(conversation) or Conversation(conversation)
        picked = message["picked"]
        text = (chosen(picked, known) if picked else None) or message["text"]
        if _DELETE.fullmatch(text.strip()):
            return _Answer(self._said(lease, "conversation.deleted"), deletes=True)
        site, started = self._site(), time.perf_counter()
        try:
            exchange = site.bot.ask(text, known)
        except QuestionError as error:
            return _Answer(error_reply(str(error), conversation_id=conversation))
        self._metrics.answered(time.perf_counter() - started, site.name)
        return _Answer(exchange.reply, turn_of(exchange, text))

    def _render(
        self, lease: Lease, message: Mapping[str, Any], reply: Reply
    ) -> tuple[OutgoingRequest, ...]:
        return self._channels[lease.channel].channel.render(reply, message["reply_to"])

    def _write(self, lease: Lease, answer: _Answer, requests: tuple[OutgoingRequest, ...]) -> None:
        now = self._clock()
        id, channel = lease.conversation, lease.channel
        with self._transaction(lease) as db:
            touch(db, "out", id, channel, now)
            if answer.deletes:
                self._store.drop_conversation(db, id)
                forget(db, id)
            if answer.turn is not None:
                self._store.put_turn(db, id, answer.turn, answer.reply.to_json())
            kept = [request.to_json() for request in requests]
            add_requests(db, channel, id, lease.number, kept, now)
            if answer.failed:
                self._inbox.dead(db, lease.number, answer.failed)
            else:
                self._inbox.done(db, lease.number)
            self._lanes.release(db, lease)

    def _release(self, lease: Lease, after: float) -> None:
        with self._transaction(lease) as db:
            self._lanes.release(db, lease, after)

    def _give_up(self, lease: Lease, error: str) -> None:
        with self._transaction(lease) as db:
            self._inbox.dead(db, lease.number, error)
            self._lanes.release(db, lease)
        self._metrics.messaging.dead.labels(lease.channel, "in").inc()

    @contextmanager
    def _transaction(self, lease: Lease) -> Iterator[sa.Connection]:
        """A durable transaction in which the lease is known to stand."""
        with self._store.database.transaction(write=True, durable=True) as db:
            self._lanes.check(db, lease)
            yield db

    def _failure(self, lease: Lease) -> Reply:
        return error_reply(self._text("conversation.failed"), conversation_id=lease.conversation)

    def _said(self, lease: Lease, text: str) -> Reply:
        """A fixed text as a reply; its turn's name is the lease's, which no other turn has."""
        return Reply(
            text=self._text(text),
            decision=SmallTalk("ack"),
            question="",
            conversation_id=lease.conversation,
            turn_id=lease.owner,
        )

    def _text(self, key: str) -> str:
        knowledge = self._site().bot.knowledge
        return load_texts(knowledge.texts, knowledge.root / MANIFEST)[key]

    def _count(self, lease: Lease, answer: _Answer, waiting: Waiting) -> None:
        metrics, channel, reply = self._metrics.messaging, lease.channel, answer.reply
        self._metrics.replied(reply.decision.kind, reply.cause, self._site().name)
        if answer.deletes:
            metrics.deleted.labels(channel).inc()
        if answer.failed:
            metrics.dead.labels(channel, "in").inc()
        if reply.decision.kind == "decline":
            metrics.declined.labels(channel, reply.cause or "").inc()
        else:
            metrics.answered.labels(channel, reply.decision.kind).inc()
        metrics.answering.labels(channel).observe(max(0.0, self._clock() - waiting.received))
