"""A bot small enough to read at a glance: it knows its pairs word for word and nothing else.

`python tests/tiny_bot.py` holds a conversation with it in the terminal.
"""

from __future__ import annotations

import os
import sys
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from bot.channels.terminal import chat
from bot.errors import QuestionError
from bot.types import (
    Answered,
    Citation,
    Conversation,
    Declined,
    Match,
    Provenance,
    QAPair,
    Reply,
    Span,
    Turn,
    content_id,
)
from bot.wording import normalise

TEXT = (
    "Multiple sclerosis is called MS. ALS is fatal. MS is not a fatal disease. "
    "About\xa0400,000 people live with MS."
)
NOTE = "This is not medical advice."
PAIRS = {
    "Is ALS fatal?": "ALS is fatal.",
    "Is MS fatal?": "MS is not a fatal disease.",
    "How many people have MS?": "About\xa0400,000 people live with MS.",
}


@dataclass(frozen=True)
class Receipt:
    best: str
    probability: float

    def to_json(self) -> dict[str, object]:
        return {
            "best": {"answer": self.best, "signals": {"wording": self.probability}},
            "runner_up": {"answer": TEXT[:32], "signals": {"wording": 0.25}},
            "knowledge": "0123abcd",
        }


@dataclass(frozen=True)
class Exchange:
    reply: Reply
    conversation: Conversation
    receipt: Receipt


class TinyBot:
    """Answers a question it knows, takes a number as a pick, "and ALS?" as a follow-up."""

    def ask(self, question: str, conversation: Conversation | None = None) -> Exchange:
        if not question.strip():
            raise QuestionError("The question is empty.")
        if len(question) > 2000:
            raise QuestionError("The question is longer than 2,000 characters.")
        if question == "crash":
            raise RuntimeError("a defect")
        conversation = conversation or Conversation(uuid.uuid4().hex)
        understood = question
        if question.isdigit() and conversation.turns:
            understood = conversation.turns[-1].offered[int(question) - 1]
        if normalise(question) == "and als" and conversation.turns:
            understood = "Is ALS fatal?"
        known = {normalise(q): a for q, a in PAIRS.items()}
        answer = known.get(normalise(understood))
        turn = f"{conversation.id}.{len(conversation.turns)}"
        if answer is None:
            reply = Reply(
                text="The document doesn't say.\n- " + "\n- ".join(PAIRS),
                decision=Declined("not_covered", missing=("Canada",), probability=0.2),
                question=understood,
                conversation_id=conversation.id,
                turn_id=turn,
                confidence=0.2,
                cause="not_covered",
                missing=("Canada",),
                suggestions=tuple(PAIRS),
            )
        else:
            reply = self._answer(understood, answer, conversation, turn)
        kept = Turn(turn, question, understood, reply.decision.kind, (), reply.suggestions)
        after = replace(conversation, turns=(*conversation.turns, kept))
        return Exchange(reply, after, Receipt(answer or "ALS is fatal.", reply.confidence))

    def suggestions(self, prefix: str, limit: int) -> tuple[str, ...]:
        return tuple(q for q in PAIRS if q.casefold().startswith(prefix.casefold()))[:limit]

    @staticmethod
    def _answer(question: str, answer: str, conversation: Conversation, turn: str) -> Reply:
        at = TEXT.index(answer)
        span = Span(at, at + len(answer))
        pair = QAPair(content_id(question), question, (), answer, Provenance("d", span, "0"))
        cited = Citation("d", "MS and \x1b[31mALS", None, "Outlook", answer, TEXT, span)
        return Reply(
            text=f"{answer}\n\n{NOTE}",
            decision=Answered((Match(pair, question, 1, 0.9),)),
            question=question,
            conversation_id=conversation.id,
            turn_id=turn,
            citations=(cited,),
            disclaimer=NOTE,
            confidence=0.9,
        )


if __name__ == "__main__":
    history = os.environ.get("TINY_HISTORY")
    sys.exit(
        chat(
            TinyBot(),
            stdin=sys.stdin,
            stdout=sys.stdout,
            environ=os.environ,
            welcome="Tiny",
            history=Path(history) if history else None,
            complain=lambda message: print(message, file=sys.stderr),
        )
    )
