"""Checking a knowledge as its owner reads it: every fault with its file and line.

A fault that stops loading is a KnowledgeError; what is found here loads, but
answers less, or worse, than it says.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path
from typing import Literal

from bot.documents.passages import split_sentences
from bot.documents.rows import column_names
from bot.errors import KnowledgeError
from bot.knowledge.evidence import Quarantined, place
from bot.knowledge.exam import read_lines
from bot.knowledge.files import (
    MANIFEST,
    OUT_OF_SCOPE,
    PAIRS,
    Evidence,
    PairRow,
    TopicRow,
    read_manifest,
    read_out_of_scope,
    read_pairs,
)
from bot.knowledge.knowledge import Knowledge
from bot.knowledge.standing import WARNED
from bot.knowledge.yaml_fields import Text
from bot.subjects import Subjects
from bot.types import QAPair, Span
from bot.wording import normalise

Finds = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong and where; an error is to be mended, a warning to be looked at."""

    file: Path
    line: int
    severity: Literal["error", "warning"]
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.message}"


@dataclass(frozen=True, slots=True)
class _Checked:
    """What the checks look at: rows as typed beside the pairs that come of them."""

    knowledge: Knowledge
    names: Subjects
    rows: tuple[tuple[PairRow, QAPair], ...]
    topics: tuple[TopicRow, ...]

    @property
    def pairs_file(self) -> Path:
        return self.knowledge.root / PAIRS

    @property
    def topics_file(self) -> Path:
        return self.knowledge.root / OUT_OF_SCOPE

    def key(self, text: str) -> str:
        """Equal for questions that differ in spelling only, or in the name of a subject."""
        return normalise(self.names.replace(text)) or text


def check(
    knowledge: Knowledge, finds: Finds | None = None, today: date | None = None
) -> tuple[Fault, ...]:
    """All faults of the folder that `knowledge` was loaded from, by file and line.

    `finds` gives the id of the pair that the bot answers a question with (None: it declines);
    with it, every wording of every pair must find its pair, or one with the same answer.
    `today` (default: the day it is) tells which pairs are past the date of their review.
    Raises KnowledgeError where the folder no longer loads.
    """
    file = knowledge.root / PAIRS
    placed = [(row, place(row, knowledge.documents, file)) for row in read_pairs(file)]
    checked = _Checked(
        knowledge=knowledge,
        names=Subjects(knowledge.aliases, knowledge.subjects),
        rows=tuple((row, pair) for row, pair in placed if isinstance(pair, QAPair)),
        topics=read_out_of_scope(knowledge.root / OUT_OF_SCOPE),
    )
    faults = [
        Fault(lost.file, lost.line, "error", f"{lost.question!r} is not served: {lost.why}")
        for _, lost in placed
        if isinstance(lost, Quarantined)
    ]
    faults += _evidence(checked)
    faults += _empty(checked, [row for row, _ in placed])
    faults += _repeated(checked)
    faults += _contested(checked)
    faults += _subjects(checked)
    faults += _coverage(checked)
    faults += _standing(checked, today or date.today())
    faults += _held_out(checked)
    if finds is not None:
        faults += _round_trip(checked, finds)
    return tuple(sorted(faults, key=lambda f: (str(f.file), f.line, f.severity, f.message)))


def _wordings(row: PairRow) -> Iterator[Text]:
    yield row.question
    yield from (variant for variant in row.variants if variant.value.strip())


def _evidence(checked: _Checked) -> Iterator[Fault]:
    """Evidence that points elsewhere, or into another state of the document."""
    changed: dict[str, list[PairRow]] = defaultdict(list)
    for row, pair in checked.rows:
        where = pair.provenance
        now = Evidence(where.document_id, where.document_sha256[:12], where.evidence)
        if row.evidence is None or row.evidence == now:
            continue
        if row.evidence.sha12 != now.sha12:
            changed[now.document_id].append(row)
            continue
        message = f"the answer stands elsewhere than its evidence says; put 'evidence: {now}'"
        yield Fault(checked.pairs_file, row.line, "error", message)
    for document, rows in changed.items():
        count = f"{len(rows)} pairs were" if len(rows) > 1 else "a pair was"
        message = (
            f"{document!r} has changed since {count} drawn, this one first; the answers still "
            "stand: read them again in their new surroundings"
        )
        yield Fault(checked.pairs_file, rows[0].line, "warning", message)


def _empty(checked: _Checked, rows: Sequence[PairRow]) -> Iterator[Fault]:
    for row in rows:
        for variant in row.variants:
            if not variant.value.strip():
                message = "an empty variant; delete the line"
                yield Fault(checked.pairs_file, variant.line, "error", message)
    for topic in checked.topics:
        for question in topic.questions:
            if not question.value.strip():
                message = "an empty question; delete the line"
                yield Fault(checked.topics_file, question.line, "error", message)
        if not topic.questions:
            message = f"topic {topic.topic!r} has no questions; add some, or delete it"
            yield Fault(checked.topics_file, topic.line, "warning", message)


def _repeated(checked: _Checked) -> Iterator[Fault]:
    """The same wording twice in one pair, or twice out of scope."""

    def twice(texts: Iterator[Text], file: Path) -> Iterator[Fault]:
        first: dict[str, Text] = {}
        for text in texts:
            seen = first.setdefault(normalise(text.value) or text.value, text)
            if seen is not text:
                message = f"{text.value!r} stands on line {seen.line} already; delete one"
                yield Fault(file, text.line, "warning", message)

    for row, _ in checked.rows:
        yield from twice(_wordings(row), checked.pairs_file)
    asked = (text for topic in checked.topics for text in topic.questions if text.value.strip())
    yield from twice(asked, checked.topics_file)


def _contested(checked: _Checked) -> Iterator[Fault]:
    """One question for two pairs, or for a pair and for what is out of scope."""
    owners: dict[str, tuple[Text, QAPair]] = {}
    for row, pair in checked.rows:
        for text in _wordings(row):
            other, owner = owners.setdefault(checked.key(text.value), (text, pair))
            if owner is pair:
                continue
            if owner.answer == pair.answer:
                message = f"{text.value!r} is also on line {other.line}, on the same answer"
                yield Fault(checked.pairs_file, text.line, "warning", message)
                continue
            message = (
                f"{text.value!r} is also asked on line {other.line}, of the pair "
                f"{owner.question!r} with another answer; delete one"
            )
            yield Fault(checked.pairs_file, text.line, "error", message)
    for topic in checked.topics:
        for text in topic.questions:
            found = owners.get(checked.key(text.value))
            if found is not None and text.value.strip():
                message = (
                    f"{text.value!r} is out of scope here, but line {found[0].line} of {PAIRS} "
                    f"answers it ({found[1].question!r}); delete one"
                )
                yield Fault(checked.topics_file, text.line, "error", message)


def _subjects(checked: _Checked) -> Iterator[Fault]:
    """Subjects nobody knows, and answers that don't name theirs."""
    known = frozenset(checked.knowledge.subjects)
    for row, pair in checked.rows:
        for subject in row.subjects:
            if subject.value not in known:
                message = (
                    f"unknown subject {subject.value!r}; known are "
                    f"{', '.join(sorted(known)) or 'none'}: add it to {MANIFEST}, or correct it"
                )
                yield Fault(checked.pairs_file, subject.line, "error", message)
        named = checked.names.mentioned(pair.answer)
        missing = [s for s in pair.subjects if s in known and s not in named]
        if missing and not checked.names.both(pair.answer):
            message = (
                f"the answer speaks of {' and '.join(missing)}, it is said, but doesn't name it; "
                "quote more, or correct 'subjects'"
            )
            yield Fault(checked.pairs_file, row.answer.line, "warning", message)


def _standing(checked: _Checked, today: date) -> Iterator[Fault]:
    """Pairs that don't answer for want of a review, or soon won't."""
    waiting = [row for row, pair in checked.rows if pair.reviewed is None]
    if waiting and checked.knowledge.unreviewed == "decline":
        count = f"{len(waiting)} pairs are" if len(waiting) > 1 else "a pair is"
        message = f"{count} not reviewed and answer nothing, this one first (unreviewed: decline)"
        yield Fault(checked.pairs_file, waiting[0].line, "warning", message)
    for row, pair in checked.rows:
        if pair.review_by is None:
            continue
        left = (pair.review_by - today).days
        remedy = "review it and put a later 'review_by'"
        if left < 0:
            message = f"answers nothing since its review_by {pair.review_by}; {remedy}"
            yield Fault(checked.pairs_file, row.line, "warning", message)
        elif left <= WARNED:
            days = "1 day" if left == 1 else f"{left} days"
            message = f"answers for {days} more, until {pair.review_by}; {remedy}"
            yield Fault(checked.pairs_file, row.line, "warning", message)


def _held_out(checked: _Checked) -> Iterator[Fault]:
    """Calibration questions that are wordings or known gaps as well."""
    file = checked.knowledge.calibration
    if file is None:
        return
    learnt: dict[str, str] = {}
    for topic in checked.topics:
        for text in topic.questions:
            learnt[checked.key(text.value)] = f"on line {text.line} of {OUT_OF_SCOPE}"
    for row, _ in checked.rows:
        for text in _wordings(row):
            learnt[checked.key(text.value)] = f"on line {text.line} of {PAIRS}"
    try:
        questions = [(line, question) for line, (question,) in read_lines(file)]
    except KnowledgeError as error:
        yield Fault(file, error.line or 1, "error", error.message)
        return
    found = [(line, learnt[key]) for line, q in questions if (key := checked.key(q.text)) in learnt]
    if found:
        lines = ", ".join(str(line) for line, _ in found)
        message = (
            f"{len(found)} of {len(questions)} questions are learnt too, this one {found[0][1]}: "
            f"they make calibrate promise too much; delete them here (line {lines})"
        )
        yield Fault(file, found[0][0], "warning", message)


def _coverage(checked: _Checked) -> Iterator[Fault]:
    """Documents, and sentences of documents, that no pair quotes."""
    files = {
        row.id: checked.knowledge.root / row.path
        for row in read_manifest(checked.knowledge.root / MANIFEST).documents
    }
    spans: dict[str, list[Span]] = {}
    for _, pair in checked.rows:
        spans.setdefault(pair.provenance.document_id, []).append(pair.provenance.evidence)
    for document in checked.knowledge.documents:
        quoted = spans.get(document.id)
        if quoted is None:
            yield Fault(files[document.id], 1, "warning", "no pair quotes this document")
            continue
        quoted.sort(key=lambda span: span.start)
        reached = list(accumulate((span.end for span in quoted), max))
        for passage in checked.knowledge.passages_of[document.id]:
            for span in split_sentences(passage.text):
                start, end = passage.span.start + span.start, passage.span.start + span.end
                before = bisect_left(quoted, end, key=lambda span: span.start)
                if before and reached[before - 1] > start:
                    continue
                if column_names(document.text[start:end]) is not None:
                    continue  # names of columns answer nothing without a row
                line = document.text.count("\n", 0, start) + 1
                shown = " ".join(document.text[start:end].split())[:80]
                message = f"no pair quotes this sentence: {shown!r}"
                yield Fault(files[document.id], line, "warning", message)


def _round_trip(checked: _Checked, finds: Finds) -> Iterator[Fault]:
    """Wordings that the bot answers with something else, or not at all."""
    pairs = {pair.id: pair for _, pair in checked.rows}
    for row, pair in checked.rows:
        for text in _wordings(row):
            found = finds(text.value)
            if found == pair.id:
                continue
            other = pairs.get(found) if found is not None else None
            if other is not None and other.answer == pair.answer:
                continue
            got = f"finds {other.question!r}" if other is not None else "is not answered"
            own = text is row.question
            message = f"{'its own question' if own else repr(text.value)} {got}"
            yield Fault(checked.pairs_file, text.line, "error" if own else "warning", message)
