"""The way of one message through store and bot, the same for every channel that keeps state."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from bot.state.metrics import Metrics
from bot.state.store import Store, StoreError
from bot.types import Conversation, Turn

if TYPE_CHECKING:
    from bot.bot import Bot, Exchange

UNGUESSABLE = 32  # characters of a client's id: as many hex digits are 128 bits
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

log = logging.getLogger("quoth.desk")


class Desk:
    """Takes a message, gives the reply as JSON. Synchronous; many threads may use it.

    Where the database fails the question is answered all the same, without its conversation: a
    full disk must not silence a bot whose answers are in memory.
    """

    def __init__(self, bot: Bot, store: Store, metrics: Metrics, site: str = "") -> None:
        self._bot = bot
        self._store = store
        self._metrics = metrics
        self._site = site

    def ask(
        self, question: str, conversation_id: str | None = None, client_id: str | None = None
    ) -> dict[str, Any]:
        """The reply to `question`, or the earlier one to the same `client_id`.

        An id that no conversation has, however it was made, starts a new conversation. Raises
        QuestionError for a question that can't be taken.
        """
        conversation = self._conversation(conversation_id, client_id)
        if client_id is not None and conversation.turns:
            earlier = self._earlier(conversation.id, client_id)
            if earlier is not None:
                return earlier
        started = time.perf_counter()
        exchange = self._bot.ask(question, conversation)
        self._metrics.answered(time.perf_counter() - started, self._site)
        reply = exchange.reply.to_json() | {"conversation_id": conversation.id}
        self._metrics.replied(exchange.reply.decision.kind, exchange.reply.cause, self._site)
        try:
            return self._store.add_turn(
                conversation.id, turn_of(exchange, question), reply, client_id
            )
        except StoreError as error:
            self._failed(error)
            return reply

    def _conversation(self, id: str | None, client_id: str | None) -> Conversation:
        known = None
        begun = id is None and client_id is not None and len(client_id) >= UNGUESSABLE
        if begun:
            # A first message sent again, because its reply was lost, finds what it began.
            id = hashlib.sha256(f"conversation {client_id}".encode()).hexdigest()
        if id is not None and _ID.fullmatch(id):
            try:
                known = self._store.conversation(id)
            except StoreError as error:
                self._failed(error)
        new = id if begun and id is not None else secrets.token_urlsafe(24)
        return known or Conversation(new)

    def _earlier(self, conversation_id: str, client_id: str) -> dict[str, Any] | None:
        try:
            return self._store.earlier_reply(conversation_id, client_id)
        except StoreError as error:
            self._failed(error)
            return None

    def _failed(self, error: StoreError) -> None:
        self._metrics.store_errors.inc()
        log.warning("answering without the store: %s", error)


def turn_of(exchange: Exchange, question: str) -> Turn:
    """The turn the bot added; where it added none, what is known of it."""
    reply = exchange.reply
    for turn in reversed(exchange.conversation.turns):
        if turn.turn_id == reply.turn_id:
            return turn
    return Turn(reply.turn_id, question, reply.question, reply.decision.kind)
