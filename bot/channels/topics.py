"""The questions a knowledge answers, by topic, for people to look through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from bot.documents.passages import passage_at
from bot.knowledge.knowledge import Knowledge
from bot.knowledge.standing import withheld
from bot.types import QAPair

MOST_TOPICS = 24
MOST_QUESTIONS = 60  # of one topic


@dataclass(frozen=True, slots=True)
class Topic:
    """Questions under one name, in the documents' order; `more` were left out."""

    name: str
    questions: tuple[str, ...]
    more: int = 0


def topics(knowledge: Knowledge, today: date | None = None) -> tuple[Topic, ...]:
    """All questions that may be answered `today` once, under the documents' headings where most
    answers have one, else under the subjects they are about."""
    day = today or date.today()
    pairs = [p for p in knowledge.pairs if withheld(p, knowledge.unreviewed, day) is None]
    headings = _headings(knowledge)
    named = sum(headings[pair.id] is not None for pair in pairs)
    by_heading = 2 * named >= len(pairs)
    name: Callable[[QAPair], str] = (
        (lambda pair: headings[pair.id] or "") if by_heading else _subjects
    )
    found: dict[str, list[str]] = {}
    order = {document.id: number for number, document in enumerate(knowledge.documents)}
    at = [(order[p.provenance.document_id], p.provenance.evidence.start) for p in pairs]
    for _, pair in sorted(zip(at, pairs, strict=True), key=lambda placed: placed[0]):
        found.setdefault(name(pair), []).append(pair.question)
    rest = found.pop("", [])
    if not by_heading:  # what is said of one thing before what is said of several
        found = dict(sorted(found.items(), key=lambda item: (item[0].count(" and "), item[0])))
    if rest:
        found["Other questions" if found else knowledge.title] = rest
    return tuple(
        Topic(key, tuple(questions[:MOST_QUESTIONS]), max(0, len(questions) - MOST_QUESTIONS))
        for key, questions in list(found.items())[:MOST_TOPICS]
    )


def _headings(knowledge: Knowledge) -> dict[str, str | None]:
    """Each pair's heading."""
    passages = knowledge.passages_of
    return {
        pair.id: passage_at(passages[pair.provenance.document_id], pair.provenance.evidence).heading
        if passages[pair.provenance.document_id]
        else None
        for pair in knowledge.pairs
    }


def _subjects(pair: QAPair) -> str:
    return " and ".join(pair.subjects)
