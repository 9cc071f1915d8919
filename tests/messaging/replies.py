"""Replies with any text, written as the bot writes them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.readable import readable
from bot.types import (
    QUOTE_LIMIT,
    Answered,
    Citation,
    Clarified,
    Declined,
    Match,
    Provenance,
    QAPair,
    Reply,
    Span,
    content_id,
)


def _match(question: str, answer: str) -> Match:
    place = Provenance("article", Span(0, len(answer)), "0" * 64)
    pair = QAPair(content_id(question, answer), question, (), answer, place)
    return Match(pair, question, 1, 0.9)


def answered(
    *quotes: str,
    title: str = "MS vs. ALS",
    url: str | None = "https://example.org/ms-vs-als",
    note: str | None = "Note: this is no medical advice. Ask your physician.",
    lead: str | None = None,
    turn: str = "turn-1",
) -> Reply:
    """An answer that quotes `quotes` of one document."""
    citations = tuple(
        Citation("article", title, url, None, q[:QUOTE_LIMIT], q, Span(0, len(q[:QUOTE_LIMIT])))
        for q in quotes
    )
    source = f"Source: {title}" + (f" — {url}" if url else "")
    parts = [*([lead] if lead else []), *(f"“{readable(c.quote)}”" for c in citations), source]
    if note and not any(c.quote in note for c in citations):
        parts.append(note)
    return Reply(
        text="\n\n".join(parts),
        decision=Answered(tuple(_match("Is it?", c.quote) for c in citations)),
        question="Is it?",
        conversation_id="conversation",
        turn_id=turn,
        citations=citations,
        disclaimer=note,
        confidence=0.9,
    )


def clarified(options: Sequence[str], turn: str = "turn-1") -> Reply:
    """A clarifying question with two to four options."""
    lines = [f"{n}. {option}" for n, option in enumerate(options, 1)]
    return Reply(
        text="\n".join(["Which do you mean?", "", *lines]),
        decision=Clarified(tuple(_match(option, "It is.") for option in options)),
        question="Is it fatal?",
        conversation_id="conversation",
        turn_id=turn,
        cause="ambiguous",
        suggestions=tuple(options),
    )


def declined(text: str, options: Sequence[str] = (), turn: str = "turn-1") -> Reply:
    """No answer, with questions that could be answered."""
    lines = [f"{n}. {option}" for n, option in enumerate(options, 1)]
    offer = ["", "I can answer, for example:", *lines] if options else []
    return Reply(
        text="\n".join([text, *offer]),
        decision=Declined("not_covered"),
        question="What?",
        conversation_id="conversation",
        turn_id=turn,
        cause="not_covered",
        suggestions=tuple(options),
        disclaimer="Note: this is no medical advice.",
    )
