"""A list of questions and answers as a document with pairs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.documents.documents import find_aliases
from bot.documents.sentences import split_sentences
from bot.errors import DocumentError
from bot.types import QUOTE_LIMIT, Document, Provenance, QAPair, Span, content_id
from bot.wording import normalise

DRAWER = "faq"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FaqFault:
    """A row that cannot be taken; `row` counts from 1, blank lines of a file included."""

    row: int
    message: str


@dataclass(slots=True)
class _Entry:
    """One answer while the rows are read, with every question that leads to it."""

    answer: str
    questions: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def add(self, question: str) -> None:
        key = normalise(question) or question
        if key not in self.known:
            self.known.add(key)
            self.questions.append(question)


def read_rows(lines: Iterable[str]) -> Iterator[object]:
    """One object per JSON line: its value, a FaqFault for broken JSON, None for a blank line."""
    for row, line in enumerate(lines, start=1):
        if not line.strip():
            yield None
            continue
        try:
            yield json.loads(line.removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            yield FaqFault(row, f"is no JSON ({error}). Write one object a line.")


def draw_faq(
    rows: Iterable[object], *, id: str, title: str
) -> tuple[Document, tuple[QAPair, ...], tuple[FaqFault, ...]]:
    """A document that holds the list readably, its pairs, and the rows that could not be taken.

    A row is {"question": str, "answer": str, "group"?: str | int}; other fields are ignored.
    The same answer in one group is one pair with the questions as variants; another answer in
    that group is a pair of its own, so that no answer is lost. Without a group a row is a pair
    of its own, except where question and answer repeat. The same question on two answers is
    kept: the check of the knowledge names it.

    A pair quotes its answer; of one longer than a quote may be, the first sentences that fit.
    An empty answer is allowed where the list is one of questions only: then the question is what
    the pair quotes, for the list says no more.

    Linear in the number of rows. Raises DocumentError where no row can be taken.
    """
    entries: dict[tuple[str, ...], _Entry] = {}
    faults: list[FaqFault] = []
    for number, row in enumerate(rows, start=1):
        if row is None:
            continue
        taken = row if isinstance(row, FaqFault) else _take(number, row)
        if isinstance(taken, FaqFault):
            faults.append(taken)
            continue
        question, answer, group = taken
        key = (group, answer) if group else ("", answer, normalise(question) or question)
        entries.setdefault(key, _Entry(answer)).add(question)
    if not entries:
        first = f" Row {faults[0].row} {faults[0].message}" if faults else ""
        raise DocumentError(f"{title}: holds no question with an answer.{first}")
    return *_document(list(entries.values()), id=id, title=title), tuple(faults)


def first_quote(answer: str) -> int:
    """Length of the longest beginning of `answer` that may be a quote: whole sentences, else
    whole words, else as many characters as fit."""
    if len(answer) <= QUOTE_LIMIT:
        return len(answer)
    head = answer[: QUOTE_LIMIT + 1]
    for start in (QUOTE_LIMIT - 200, 0):  # the last stop is mostly near the end: look there first
        near = answer[start : QUOTE_LIMIT + 60]
        ends = [start + s.end for s in split_sentences(near) if start + s.end <= QUOTE_LIMIT]
        if ends:
            return ends[-1]
    cut = max(head.rfind(c) for c in " \n\t\u00a0")
    return len(answer[:cut].rstrip()) if cut > 0 else QUOTE_LIMIT


def _take(number: int, row: object) -> tuple[str, str, str] | FaqFault:
    """Question, answer and group ("" for none) of a row, or what is wrong with it."""
    if not isinstance(row, dict):
        return FaqFault(number, f"is {type(row).__name__}, not an object with a question.")
    question, answer, group = row.get("question"), row.get("answer"), row.get("group")
    if not isinstance(question, str) or not question.strip():
        return FaqFault(number, 'has no "question" with text in it.')
    if not isinstance(answer, str):
        return FaqFault(number, 'has no "answer" of text (an empty one is allowed).')
    if group is not None and (isinstance(group, bool) or not isinstance(group, str | int)):
        return FaqFault(number, 'has a "group" that is neither text nor a whole number.')
    if _SURROGATE.search(question) or _SURROGATE.search(answer):
        return FaqFault(number, "holds half a character (a lone surrogate). Save it as UTF-8.")
    return " ".join(question.split()), answer.strip(), "" if group is None else str(group)


def _document(entries: list[_Entry], *, id: str, title: str) -> tuple[Document, tuple[QAPair, ...]]:
    """ "Q: ...\\nA: ...\\n\\n" for each entry, and a pair for each with its place in that text."""
    parts: list[str] = []
    spans: list[Span] = []
    place = 0
    for entry in entries:
        question = entry.questions[0]
        part = f"Q: {question}\nA: {entry.answer}".rstrip() + "\n\n"
        start = place + (len(question) + 7 if entry.answer else 3)
        length = first_quote(entry.answer or question)
        spans.append(Span(start, start + length))
        parts.append(part)
        place += len(part)
    text = "".join(parts).rstrip() + "\n"
    document = Document(
        id=id,
        title=title,
        source=id,
        text=text,
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        aliases=find_aliases(text),
    )
    pairs = [
        QAPair(
            id=content_id(id, "faq", entry.questions[0], str(span.start), span.of(text)),
            question=entry.questions[0],
            variants=tuple(entry.questions[1:]),
            answer=span.of(text),
            provenance=Provenance(id, span, document.sha256, DRAWER),
        )
        for entry, span in zip(entries, spans, strict=True)
    ]
    return document, tuple(pairs)
