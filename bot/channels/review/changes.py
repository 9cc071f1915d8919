"""What a reviewer does to a pair or a gap, as changed texts of the knowledge's files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.channels.review.workspace import Entry, Snapshot
from bot.errors import KnowledgeError
from bot.knowledge.editing import Listed, pairs_of, topics_of
from bot.knowledge.evidence import find_answer
from bot.knowledge.files import OUT_OF_SCOPE, PAIRS, Evidence, PairRow, read_out_of_scope
from bot.knowledge.rejected import REJECTED, Rejected, with_rejected
from bot.knowledge.writing import pair_lines
from bot.knowledge.yaml_fields import Text
from bot.knowledge.yaml_scalars import entry as yaml_entry
from bot.knowledge.yaml_scalars import listing, scalar
from bot.types import QUOTE_LIMIT, Document, QAPair, Span
from bot.wording import normalise

VISITORS = "visitors"  # the drawer of a pair that a visitor's question led to
MOST_CHARS = 500  # of a question, a topic


@dataclass(frozen=True, slots=True)
class Reviewer:
    """Who reviews, and on which day."""

    name: str
    day: date

    def __str__(self) -> str:
        return f"{self.name} {self.day}"

    @property
    def learnt(self) -> str:
        """The comment behind what was learnt from visitors."""
        return f"learnt from {self.asked}"

    @property
    def asked(self) -> str:
        """Where a question that was put aside came from."""
        return f"visitors {self.day}, {self.name}"


def accept(snapshot: Snapshot, entry: Entry, reviewer: Reviewer) -> dict[str, str | None]:
    """The pair reviewed: its evidence as it stands now, a past `review_by` moved on by a year."""
    return {PAIRS: _accepted(_pairs(snapshot), entry, reviewer).text}


def accept_together(
    snapshot: Snapshot, entries: Sequence[Entry], reviewer: Reviewer
) -> dict[str, str | None]:
    """All of `entries` reviewed, as `accept` does it. Raises KnowledgeError where there is none,
    or they were not all to be read on one passage."""
    if not entries:
        raise KnowledgeError("tick the pairs to accept")
    passage = entries[0].passage
    for entry in entries:
        if entry.pair is None or entry.passage != passage:
            raise KnowledgeError("accept the pairs of one passage together, and then the next")
    file = _pairs(snapshot)
    for entry in entries:
        file = _accepted(file, entry, reviewer)
    return {PAIRS: file.text}


def _accepted(file: Listed, entry: Entry, reviewer: Reviewer) -> Listed:
    file = file.put(entry.at, "reviewed", str(reviewer))
    if entry.pair is not None and entry.row.evidence is not None:
        now = _evidence(entry.pair)
        if now != entry.row.evidence:
            file = file.put(entry.at, "evidence", str(now))
    if entry.row.review_by is not None and entry.row.review_by < reviewer.day:
        file = file.put(entry.at, "review_by", _in_a_year(reviewer.day).isoformat())
    return file


def change_question(snapshot: Snapshot, entry: Entry, question: str) -> dict[str, str | None]:
    """Raises KnowledgeError where it is empty or too long."""
    return {PAIRS: _pairs(snapshot).put(entry.at, "question", one_line(question)).text}


def change_review_by(snapshot: Snapshot, entry: Entry, day: str) -> dict[str, str | None]:
    """`day` empty: no end. Raises KnowledgeError where it is no day."""
    file = _pairs(snapshot)
    if not day.strip():
        return {PAIRS: file.drop(entry.at, "review_by").text}
    try:
        parsed = date.fromisoformat(day.strip())
    except ValueError:
        raise KnowledgeError(f"{day!r} is not a day such as 2027-01-31") from None
    return {PAIRS: file.put(entry.at, "review_by", parsed.isoformat()).text}


def change_answer(
    snapshot: Snapshot, entry: Entry, document: Document, span: Span
) -> dict[str, str | None]:
    """The answer is what stands in `document` at `span`, without white space at its ends."""
    placed = _answer_at(document, span)
    file = _pairs(snapshot).put(entry.at, "answer", placed.of(document.text))
    evidence = Evidence(document.id, document.sha256[:12], placed)
    return {PAIRS: file.put(entry.at, "evidence", str(evidence)).text}


def add_variants(
    snapshot: Snapshot, entry: Entry, texts: Sequence[str], comment: str = ""
) -> dict[str, str | None]:
    """Raises KnowledgeError where one stands there already."""
    file = _pairs(snapshot)
    known = {normalise(text) for text in (entry.question, *entry.variants)}
    for text in map(one_line, texts):
        if normalise(text) in known:
            raise KnowledgeError(f"{text!r} is a wording of this pair already")
        known.add(normalise(text))
        file = file.add(entry.at, "variants", text, comment)
    return {PAIRS: file.text}


def take_variant(snapshot: Snapshot, entry: Entry, number: int) -> dict[str, str | None]:
    """The pair without its `number`-th variant, from 0."""
    if not 0 <= number < len(entry.variants):
        raise KnowledgeError("there is no such wording any more")
    return {PAIRS: _pairs(snapshot).take(entry.at, "variants", number).text}


def reject(snapshot: Snapshot, entry: Entry) -> dict[str, str | None]:
    """Without the pair, which is remembered as not wanted."""
    if len(snapshot.entries) == 1:
        raise KnowledgeError("this is the only pair; a knowledge needs one")
    where = entry.pair.provenance.document_id if entry.pair else _named_document(entry, snapshot)
    answer = entry.pair.answer if entry.pair else entry.row.answer.value
    unwanted = Rejected(where, answer, entry.question)
    return {
        PAIRS: _pairs(snapshot).remove(entry.at).text,
        REJECTED: with_rejected(snapshot.texts[REJECTED], [unwanted]),
    }


def add_pair(
    snapshot: Snapshot,
    document: Document,
    span: Span,
    question: str,
    variants: Sequence[str],
    reviewer: Reviewer,
) -> dict[str, str | None]:
    """A reviewed pair more, in the place of its answer among the others."""
    placed = _answer_at(document, span)
    row = PairRow(
        question=Text(one_line(question), 0),
        answer=Text(placed.of(document.text), 0),
        line=0,
        evidence=Evidence(document.id, document.sha256[:12], placed),
        reviewed=str(reviewer),
        drawer=VISITORS,
        variants=tuple(Text(one_line(text), 0) for text in variants),
    )
    before = [
        e.at
        for e in snapshot.entries
        if e.pair is not None
        and e.pair.provenance.document_id == document.id
        and e.pair.provenance.evidence.start <= placed.start
    ]
    at = max(before) + 1 if before else len(snapshot.entries)
    return {PAIRS: _pairs(snapshot).insert(at, pair_lines(row)).text}


def add_gap(
    snapshot: Snapshot, topic: str, says: str, texts: Sequence[str], reviewer: Reviewer
) -> dict[str, str | None]:
    """The questions `texts` as known gaps of `topic`; `says` is written where the topic is new."""
    topic = one_line(topic)
    raw = snapshot.texts[OUT_OF_SCOPE]
    file = topics_of(raw if raw is not None and raw.strip() else "# Known gaps.\n[]\n")
    rows = read_out_of_scope(snapshot.knowledge.root / OUT_OF_SCOPE)
    at = next((n for n, row in enumerate(rows) if row.topic == topic), None)
    known = {normalise(text.value) for row in rows for text in row.questions}
    new = [text for text in map(one_line, texts) if normalise(text) not in known]
    if not new:
        raise KnowledgeError("these questions are known gaps already")
    if at is not None:
        for text in new:
            file = file.add(at, "questions", text, reviewer.learnt)
        return {OUT_OF_SCOPE: file.text}
    lines = [
        *yaml_entry("topic", topic),
        *(yaml_entry("says", one_line(says)) if says.strip() else ()),
    ]
    asked = list(listing("questions", new))
    noted = [asked[0], *(f"{line}  # {reviewer.learnt}" for line in asked[1:])]
    return {OUT_OF_SCOPE: file.insert(len(rows), [*lines, *noted]).text}


def _pairs(snapshot: Snapshot) -> Listed:
    return pairs_of(snapshot.texts[PAIRS] or "")


def _evidence(pair: QAPair) -> Evidence:
    where = pair.provenance
    return Evidence(where.document_id, where.document_sha256[:12], where.evidence)


def _named_document(entry: Entry, snapshot: Snapshot) -> str:
    named = entry.row.evidence
    return named.document_id if named else snapshot.knowledge.documents[0].id


def _answer_at(document: Document, span: Span) -> Span:
    """`span` without white space at its ends. Raises KnowledgeError where it is no answer."""
    text = document.text[span.start : span.end]
    start = span.start + len(text) - len(text.lstrip())
    end = start + len(text.strip())
    if span.end > len(document.text) or start >= end:
        raise KnowledgeError("that is no text of the document; choose a sentence")
    if end - start > QUOTE_LIMIT:
        raise KnowledgeError(
            f"that has {end - start} characters and a quote at most {QUOTE_LIMIT}; choose less"
        )
    found = Span(start, end)
    if find_answer(found.of(document.text), document.text, found) != found:
        raise KnowledgeError("that begins or ends inside a word; choose whole words")
    return found


def one_line(text: str) -> str:
    """`text` on one line. Raises KnowledgeError where it is empty or too long."""
    one = " ".join(text.split())
    if not one:
        raise KnowledgeError("there is nothing written; write it, or press Escape to leave it")
    if len(one) > MOST_CHARS:
        raise KnowledgeError(f"that has {len(one)} characters; {MOST_CHARS} are enough")
    scalar(one)  # refuses what can't be written
    return one


def _in_a_year(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 1, day=28)
