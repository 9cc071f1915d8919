"""A real, tiny bot for the tests of the channels: it looks two pairs up by their keywords."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from bot.channels.http import create_app
from bot.channels.sites import Sites
from bot.documents.documents import document_from_text
from bot.documents.passages import passage_at, split_passages
from bot.errors import QuestionError
from bot.knowledge.knowledge import Knowledge
from bot.settings import Settings
from bot.state.store import Store
from bot.types import (
    Answered,
    Citation,
    Clarified,
    Conversation,
    Decision,
    Declined,
    Document,
    Match,
    Provenance,
    QAPair,
    Reply,
    Safety,
    SmallTalk,
    Span,
    Turn,
    content_id,
)

ARTICLE = Path(__file__).resolve().parent.parent / "knowledge/documents/ms-vs-als.txt"
ANSWERS = {
    "Is MS fatal?": "MS is not a fatal disease. The majority of patients are expected to have a "
    "normal or near-normal lifespan.",
    "Is ALS fatal?": "In contrast, ALS is a fatal disease with an average life expectancy of about "
    "three to five years post-diagnosis.",
}


def article() -> Document:
    text = ARTICLE.read_text(encoding="utf-8")
    return document_from_text(text, id="ms-vs-als", title="MS vs. ALS", source="ms-vs-als.txt")


def small_knowledge(*more: Document) -> Knowledge:
    document = article()
    pairs = []
    for question, answer in ANSWERS.items():
        # The article has no-break spaces where these lines have plain ones.
        found = re.search(r"\s".join(map(re.escape, answer.split())), document.text)
        assert found is not None
        place = Provenance(document.id, Span(*found.span()), document.sha256)
        pairs.append(QAPair(content_id(question), question, (), found.group(), place))
    return Knowledge(
        root=ARTICLE.parent.parent,
        title="Multiple sclerosis and ALS",
        language="en",
        domain="health",
        documents=(document, *more),
        passages=split_passages(document),
        pairs=tuple(pairs),
        quarantined=(),
        prototypes=(),
        aliases=(),
        subjects=("MS", "ALS"),
        digest="small",
    )


@dataclass(frozen=True)
class SmallReceipt:
    def to_json(self) -> dict[str, object]:
        return {}


@dataclass(frozen=True)
class SmallExchange:
    reply: Reply
    conversation: Conversation
    receipt: SmallReceipt


class SmallBot:
    """`fatal` is answered for one disease and clarified for none; "and ..." follows up."""

    def __init__(self, knowledge: Knowledge | None = None) -> None:
        self.knowledge = knowledge or small_knowledge()
        self.asked = 0

    def ask(self, question: str, conversation: Conversation | None = None) -> SmallExchange:
        if not question.strip():
            raise QuestionError("the question is empty; write one")
        self.asked += 1
        conversation = conversation or Conversation("made-by-the-bot")
        understood = question
        if question.startswith("and ") and conversation.turns:
            understood = f"Is {question[4:].strip(' ?')} fatal?"
        words = understood.casefold().replace("?", " ").split()
        matches = tuple(
            Match(pair, pair.question, rank, 0.9)
            for rank, pair in enumerate(self.knowledge.pairs, 1)
            if pair.question.split()[1].casefold() in words
        )
        turn_id = content_id(conversation.id, str(len(conversation.turns)), str(time.time_ns()))
        suggestions: tuple[str, ...] = ()
        decision: Decision
        text = "The article doesn't cover this."
        if "hello" in words:
            decision, text = SmallTalk("greeting"), "Hello! What would you like to know?"
        elif "my" in words:
            decision, text = Safety("advice"), "Please talk to your physician."
        elif "fatal" not in words:
            decision, suggestions = Declined("not_covered"), self.suggestions("")
            text = "The article doesn't cover this. You can ask:\n1. Is MS fatal?\n2. Is ALS fatal?"
        elif not matches:
            options = tuple(
                Match(p, p.question, i, 0.5) for i, p in enumerate(self.knowledge.pairs, 1)
            )
            decision, suggestions = Clarified(options), self.suggestions("")
            text = "Which do you mean?\n1. Is MS fatal?\n2. Is ALS fatal?"
        else:
            decision = Answered(matches)
        citations = tuple(self._cite(m.pair) for m in matches) if decision.kind == "answer" else ()
        document = self.knowledge.documents[0]
        disclaimer = (
            document.disclaimer.of(document.text) if citations and document.disclaimer else None
        )
        reply = Reply(
            text="\n\n".join(c.quote for c in citations) or text,
            decision=decision,
            question=understood,
            conversation_id=conversation.id,
            turn_id=turn_id,
            citations=citations,
            disclaimer=disclaimer,
            confidence=0.9 if citations else 0.1,
            cause=getattr(decision, "reason", None),
            missing=("weather",) if "weather" in words else (),
            suggestions=suggestions,
        )
        turn = Turn(turn_id, question, understood, decision.kind, (), suggestions)
        after = replace(conversation, turns=(*conversation.turns, turn))
        return SmallExchange(reply, after, SmallReceipt())

    def suggestions(self, prefix: str, limit: int = 5) -> tuple[str, ...]:
        begun = prefix.casefold()
        return tuple(q for q in ANSWERS if q.casefold().startswith(begun))[:limit]

    def _cite(self, pair: QAPair) -> Citation:
        document = self.knowledge.documents[0]
        span = pair.provenance.evidence
        passage = passage_at(self.knowledge.passages, span)
        return Citation(
            document.id,
            document.title,
            document.url,
            passage.heading,
            pair.answer,
            passage.text,
            span,
            document.page_at(span.start),
        )


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """`app` served by uvicorn on a free port of loopback, as server.py serves it; its address."""
    config = uvicorn.Config(app, port=0, access_log=False, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def small_site(
    folder: Path, bot: SmallBot | None = None, **settings: Any
) -> Iterator[httpx.Client]:
    """A client of a served small bot with its store in `folder`."""
    store = Store(f"sqlite:///{folder}/quoth.db")
    settings = {"rate_per_minute": 6000, **settings}
    served: Any = bot or SmallBot()
    app = create_app(Sites.single(served, store, Settings(**settings)))
    with serving(app) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client
    store.close()
