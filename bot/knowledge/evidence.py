"""Where answers stand in documents: found again after an edit, never bent to fit.

Answers are verbatim. One that no longer stands in its document puts its pair in quarantine.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import KnowledgeError
from bot.knowledge.files import Evidence, PairRow
from bot.types import QUOTE_LIMIT, Document, Provenance, QAPair, Span, content_id

BETWEEN = 3  # characters between a sentence and the next, at most
_WINDOW = 2_000  # characters around the old place that are searched before the whole document
_SINGLE, _DOUBLE = "['‘’ʼ]", '["“”]'


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A pair that is not served, where it is written, and why."""

    question: str
    file: Path
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.question!r} is not served: {self.why}"


def place(row: PairRow, documents: Sequence[Document], file: Path) -> QAPair | Quarantined:
    """The pair of `row` with its answer in the document's own characters, or why there is none.

    An answer is first sought where its evidence says, then anywhere in that document (the
    occurrence nearest to the old place is taken). Without evidence it must stand exactly once in
    all documents, else KnowledgeError.
    """
    if row.evidence is None:
        document, span = _look_up(row, documents, file)
    else:
        named = next((d for d in documents if d.id == row.evidence.document_id), None)
        if named is None:
            known = ", ".join(d.id for d in documents)
            why = f"there is no document {row.evidence.document_id!r}; there are: {known}"
            return Quarantined(row.question.value, file, row.line, why)
        found = _as_drawn(row, named) or find_answer(
            row.answer.value, named.text, row.evidence.span
        )
        if found is None:
            return Quarantined(row.question.value, file, row.answer.line, _lost(row, named))
        document, span = named, found
    answer = span.of(document.text)
    if len(answer) > QUOTE_LIMIT:
        why = (
            f"its answer has {len(answer)} characters and a quote at most {QUOTE_LIMIT}; "
            "make it several pairs of a sentence or two each"
        )
        return Quarantined(row.question.value, file, row.answer.line, why)
    return QAPair(
        id=content_id(document.id, answer, row.question.value),
        question=row.question.value,
        variants=tuple(text.value for text in row.variants if text.value.strip()),
        answer=answer,
        provenance=Provenance(document.id, span, document.sha256, row.drawer or "owner"),
        subjects=tuple(text.value for text in row.subjects),
        reviewed=row.reviewed,
        review_by=row.review_by,
    )


def _as_drawn(row: PairRow, document: Document) -> Span | None:
    """The place of an answer in a document that is as it was when it was drawn: there it may end
    inside a word that is longer than a quote."""
    if row.evidence is None or not document.sha256.startswith(row.evidence.sha12):
        return None
    span = row.evidence.span
    return span if span.of(document.text) == row.answer.value else None


def find_answer(answer: str, text: str, near: Span) -> Span | None:
    """Where `answer` stands in `text`: at `near`, else at the occurrence nearest to it.

    An edit may leave it in place and yet grow a word together with it; then it stands there no
    more.
    """
    if near.of(text) == answer and not _grown(near, text):
        return near
    # The old place may lie far behind the end: it is what a file or a form says.
    around = (max(0, min(near.start, len(text)) - _WINDOW), min(len(text), near.end + _WINDOW))
    found = occurrences(answer, text, *around) or occurrences(answer, text)
    return min(found, key=lambda span: abs(span.start - near.start), default=None)


def _grown(span: Span, text: str) -> bool:
    """Whether the words at the ends of `span` go on outside it."""
    edges = (text[max(0, span.start - 1) : span.start + 1], text[span.end - 1 : span.end + 1])
    return any(re.fullmatch(r"\w\w", edge) for edge in edges)


def goes_on(said: QAPair, pair: QAPair) -> bool:
    """Whether the answer of `pair` goes on where that of `said` ends, on the same subjects."""
    one, other = said.provenance.evidence, pair.provenance.evidence
    on = one.start <= other.start <= one.end + BETWEEN and other.end > one.end
    same = said.provenance.document_id == pair.provenance.document_id
    return on and same and said.subjects == pair.subjects


def occurrences(answer: str, text: str, start: int = 0, end: int | None = None) -> tuple[Span, ...]:
    """The places of `answer` in `text[start:end]`, whole words only.

    Straight and curly quotes count as equal, and so do all runs of white space.
    """
    pieces = re.findall(rf"\s+|(?:(?!{_SINGLE})\w)+|\S", answer.strip())
    if not pieces:
        return ()
    first, *others = map(_looser, pieces)
    # Behind the first word: a search for what begins with plain letters is ten times as fast.
    before = rf"(?<!\w{first})" if re.match(r"\w", pieces[0]) else ""
    after = r"(?!\w)" if re.match(r"\w", pieces[-1]) else ""
    pattern = re.compile(first + before + "".join(others) + after)
    last = len(text) if end is None else end
    found = (Span(*match.span()) for match in pattern.finditer(text, start, last))
    # A match that ends where the search does may go on as a longer word.
    return tuple(span for span in found if span.end < last or last == len(text))


def _look_up(row: PairRow, documents: Sequence[Document], file: Path) -> tuple[Document, Span]:
    found = [(d, span) for d in documents for span in occurrences(row.answer.value, d.text)]
    if not found:
        raise KnowledgeError(
            "the answer stands in no document; copy it from there word by word",
            file,
            row.answer.line,
        )
    if len(found) > 1:
        places = "; ".join(str(Evidence(d.id, d.sha256[:12], span)) for d, span in found[:3])
        raise KnowledgeError(
            f"the answer stands in {len(found)} places; say which by 'evidence: …' ({places})",
            file,
            row.answer.line,
        )
    return found[0]


def _lost(row: PairRow, document: Document) -> str:
    if row.evidence and document.sha256.startswith(row.evidence.sha12):
        return f"its answer doesn't stand in {document.id!r}; copy it from there word by word"
    return (
        f"{document.id!r} has changed and its answer no longer stands there; "
        "put the new wording, or delete the pair"
    )


def _looser(piece: str) -> str:
    if piece.isspace():
        return r"\s+"
    if re.fullmatch(_SINGLE, piece):
        return _SINGLE
    return _DOUBLE if re.fullmatch(_DOUBLE, piece) else re.escape(piece)
