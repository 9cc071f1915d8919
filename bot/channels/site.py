"""One site: a knowledge as it is served at one moment, and the parts that its routes share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.channels.desk import Desk
from bot.channels.pages import Look
from bot.channels.topics import Topic, topics
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
    """Bot, store and limits of one site; its methods run the synchronous core in the pool.

    Another state of the knowledge makes another Site: a request that holds one is answered by it
    from beginning to end. `name` is "" for the only site of a server, which is at its root.
    """

    name: str
    bot: Bot
    store: Store
    settings: Settings
    metrics: Metrics
    pool: WorkPool
    desk: Desk
    look: Look
    topics: tuple[Topic, ...]

    @classmethod
    def of(
        cls,
        name: str,
        bot: Bot,
        store: Store,
        settings: Settings,
        metrics: Metrics,
        pool: WorkPool,
    ) -> Site:
        knowledge = bot.knowledge
        base = f"/{name}" if name else ""
        sources = ((d.title, f"{base}/source/{quote(d.id, safe='')}") for d in knowledge.documents)
        look = Look(
            title=knowledge.title,
            language=knowledge.language,
            max_question_chars=settings.max_question_chars,
            privacy=privacy_notice(settings),
            sources=tuple(sources),
            base=base,
        )
        desk = Desk(bot, store, metrics, name)
        return cls(name, bot, store, settings, metrics, pool, desk, look, topics(knowledge))

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The websites whose pages may ask: the knowledge's own, else the server's."""
        own = self.bot.knowledge.allowed_origins
        return self.settings.allowed_origins if own is None else own

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
