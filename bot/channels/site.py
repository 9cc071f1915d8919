"""The parts that the routes of one server share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.channels.desk import Desk
from bot.channels.pages import Look
from bot.errors import QuestionError
from bot.state.limits import WorkPool
from bot.state.metrics import Metrics
from bot.state.store import Store

if TYPE_CHECKING:
    from bot.bot import Bot
    from bot.settings import Settings

PREFIX_CHARS = 200  # of a question begun; what comes after can't change what it may become


@dataclass(frozen=True)
class Site:
    """Bot, store and limits of one server; its methods run the synchronous core in the pool."""

    bot: Bot
    store: Store
    settings: Settings
    metrics: Metrics
    pool: WorkPool
    desk: Desk
    look: Look

    @classmethod
    def of(cls, bot: Bot, store: Store, settings: Settings) -> Site:
        metrics = Metrics()
        pool = WorkPool()
        metrics.under_way.set_function(lambda: pool.under_way)
        knowledge = bot.knowledge
        sources = ((d.title, f"/source/{quote(d.id, safe='')}") for d in knowledge.documents)
        look = Look(
            title=knowledge.title,
            language=knowledge.language,
            max_question_chars=settings.max_question_chars,
            privacy=privacy_notice(settings),
            sources=tuple(sources),
        )
        return cls(bot, store, settings, metrics, pool, Desk(bot, store, metrics), look)

    async def ask(
        self, question: str, conversation_id: str | None, client_id: str | None = None
    ) -> dict[str, Any]:
        """The reply as JSON. Raises QuestionError, Overloaded."""
        if len(question) > self.settings.max_question_chars:
            raise QuestionError(
                f"the question has {len(question)} characters; "
                f"at most {self.settings.max_question_chars} are taken"
            )
        return await self.pool.run(self.desk.ask, question, conversation_id, client_id)

    async def suggestions(self, prefix: str = "") -> Sequence[str]:
        """Questions that begin like `prefix`; the first ones to show where it is empty."""
        return await self.pool.run(self.bot.suggestions, prefix[:PREFIX_CHARS])

    def about(self) -> dict[str, Any]:
        """What a chat shows before the first question, as JSON."""
        knowledge = self.bot.knowledge
        documents = [
            {
                "id": document.id,
                "title": document.title,
                "url": document.url,
                "disclaimer": document.disclaimer.of(document.text)
                if document.disclaimer
                else None,
            }
            for document in knowledge.documents
        ]
        return {
            "title": knowledge.title,
            "language": knowledge.language,
            "privacy": self.look.privacy,
            "contact": knowledge.contact,
            "max_question_chars": self.settings.max_question_chars,
            "documents": documents,
        }


def privacy_notice(settings: Settings) -> str:
    """One line for the visitor on what becomes of a question, true to the settings."""
    kept = {
        "off": "no question is kept for longer.",
        "redacted": f"questions without an answer are kept for {settings.retention_days} days, "
        "without the names, addresses and numbers found in them.",
        "full": f"questions without an answer are kept for {settings.retention_days} days.",
    }[settings.store_questions]
    return (
        "Please don't enter personal details. A conversation is forgotten after "
        f"{settings.conversation_minutes} minutes without a question; {kept}"
    )
