"""Drawing pairs from a document: what can be quoted, and the questions that ask for it.

The flow is that of PAQ (Lewis et al. 2021): passages, answers, questions, and a filter that keeps
a question only if it finds its own answer again (round trip: Alberti et al. 2019). The answers
are the document's own sentences, so nothing is lost where no question can be drawn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bot.documents.blocks import LIST_ITEM, plain_text
from bot.documents.passages import split_passages, split_sentences
from bot.documents.rows import column_names, is_row, row_name, row_said
from bot.drawing.capitals import Capitals
from bot.drawing.clauses import mid_sentence
from bot.drawing.phrases import (
    LAST_RESORT,
    about,
    begins_unresolved,
    heading_questions,
    key_phrases,
    statement_of,
)
from bot.drawing.questions import questions_of, subject_of
from bot.faqs.as_documents import DRAWER as FAQ_DRAWER
from bot.faqs.as_documents import first_quote
from bot.types import QUOTE_LIMIT, Document, Passage, Provenance, QAPair, Span, content_id
from bot.wording import normalise, stem, words

DRAWER = "rules-2"  # changes when the rules draw other pairs from the same document
MARGIN = 0.2  # in cosine: measured on eight articles, see `keep_consistent`
SHOWN = 0.1
_DEFINES = re.compile(r"(?:What|Who) (?:is|are|was|were) [^?]{1,40}\?$")
Encode = Callable[[Sequence[str]], NDArray[np.float32]]  # texts -> [n, dim], L2-normalised

_CLAUSE_END = re.compile(
    r"(?:[;:]|,(?= (?:and|but|or|so|which|who|where|while|whereas|although|because|with)\b)|"
    r" [–—-](?= ))\s*"
)
_COMMA = re.compile(r",\s+")
_NAMED_ITEM = re.compile(r"[-*•] ([^:.?!]{2,50}): \S")  # "- Adults: £5.20"


@dataclass(frozen=True, slots=True)
class Unit:
    """What one pair quotes.

    `evidence` is what is quoted; a sentence that leans on those before it is quoted with them.
    `said` is that last sentence alone, as plain text, `standing_for` what a pronoun at its
    beginning stands for, `lead` the line that leads into the list it is an item of, `row` what a
    row of a table is about: its first cell.
    """

    evidence: Span
    said: str
    passage: Passage
    standing_for: str = ""
    lead: str = ""
    row: str = ""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A pair before its questions; `heading` where it stands for the part under one."""

    evidence: Span
    units: list[Unit]
    heading: str | None = None


def draw_pairs(document: Document) -> tuple[QAPair, ...]:
    """The pairs of `document`, in the order of its text; every one quotes it verbatim.

    There is a pair for each sentence, and one for the first passage under each heading. The
    wordings of a pair: the questions that the rules draw, the sentence itself, and the sentence
    behind the document's title and heading. A question drawn from two sentences stays with the
    first. Pure and deterministic; linear in the length of the document.
    """
    capitals = Capitals.of(document.text)
    common = capitals.common
    frequency = Counter(stem(w) for w in words(document.text))
    taken: set[str] = set()
    pairs: list[QAPair] = []
    for draft in _drafts(document):
        spoken = [u.said for u in draft.units] or [plain_text(draft.evidence.of(document.text))]
        questions: list[str] = []
        statements: list[str] = []
        for unit in draft.units:
            questions += questions_of(unit.said, common=common, standing_for=unit.standing_for)
            statements += _statements(document, unit)
        if draft.heading is not None:
            asked = heading_questions(capitals.heading(draft.heading), document.title, common)
            # the owner's own question is the best; one made of a heading comes behind the drawn
            front = draft.heading.endswith("?")
            questions = [*asked, *questions] if front else [*questions, *asked]
            statements += [draft.heading, f"{document.title}: {draft.heading}"]
        rows = [u.row for u in draft.units if u.row]
        phrases = rows[-1:] or key_phrases(spoken[-1], frequency)
        by_name = _asked_by_name(draft.units[-1], capitals) if draft.units else ""
        questions += [by_name] if by_name else []
        fresh = _fresh(questions, taken)
        if (draft.heading is None and not by_name) or not fresh:
            fresh += _fresh([about(phrases, common)], taken)
        question = fresh[0] if fresh else _unshared(spoken[-1], taken)
        variants = [*fresh[1:], *_fresh(statements, set())]
        pairs.append(_pair(document, draft.evidence, question, variants, spoken))
    return tuple(pairs)


def _drafts(document: Document) -> list[_Draft]:
    """What there is to quote, in the order of the text, each stretch once."""
    drafts: dict[Span, _Draft] = {}
    headings: set[str] = set()
    for passage in split_passages(document):
        units = _units(passage, document)
        if passage.heading and units and passage.heading not in headings:
            # the part under a heading is answered with its first sentences that fit a quote
            headings.add(passage.heading)
            start = passage.span.start
            whole = Span(start, start + first_quote(passage.text))
            drafts[whole] = _Draft(whole, [], passage.heading)
        for unit in units:
            drafts.setdefault(unit.evidence, _Draft(unit.evidence, [])).units.append(unit)
    return list(drafts.values())


def keep_consistent(pairs: Sequence[QAPair], encode: Encode) -> tuple[QAPair, ...]:
    """The pairs with those questions only that find their own pair again, and no other.

    A question is compared (cosine) with what each pair says: its answer and its wordings that
    are no questions. Its margin is the score of its own pair less the best of the pairs that
    quote another part of the document. As a variant a question needs `MARGIN`, for one that
    could be asked of many sentences draws visitors' questions to the wrong one; what asks for a
    definition only has to come out first. The shown
    question is the first of these, else the one with the widest margin from `SHOWN` on that a rule
    drew, else the widest of all: a pair needs one, and its sentences find it anyway. Pairs from a
    list of questions (`bot.faqs`) are left as their owner wrote them.

    `encode` takes n texts and gives float32 [n, dim], L2-normalised.
    """
    if not pairs:
        return ()
    asked = [(i, text) for i, pair in enumerate(pairs) for text in pair.wordings if _asks(text)]
    margins = _margins(pairs, asked, encode)
    return tuple(
        pair if pair.provenance.drawer == FAQ_DRAWER or not found else _kept(pair, found)
        for pair, found in zip(pairs, margins, strict=True)
    )


def add_consistent(
    pairs: Sequence[QAPair], proposed: Mapping[str, Sequence[str]], encode: Encode
) -> tuple[QAPair, ...]:
    """The pairs with those of the `proposed` questions, by pair id, as further variants that find
    their own pair by `MARGIN`, as drawn ones must, and that no pair has yet.

    That is strict: of people's own questions on two articles one in eight passed. With half the
    margin more was answered, but right and wrong were told apart much worse.
    """
    taken = {normalise(text) for pair in pairs for text in pair.wordings}
    asked = [
        (i, text)
        for i, pair in enumerate(pairs)
        for text in _fresh(filter(_asks, proposed.get(pair.id, ())), taken)
    ]
    margins = _margins(pairs, asked, encode)
    return tuple(
        replace(pair, variants=(*pair.variants, *(q for q in found if found[q] >= MARGIN)))
        for pair, found in zip(pairs, margins, strict=True)
    )


def _margins(
    pairs: Sequence[QAPair], asked: Sequence[tuple[int, str]], encode: Encode
) -> list[dict[str, float]]:
    """For each pair its questions, of `asked` (number of the pair, question), with their margin."""
    margins: list[dict[str, float]] = [{} for _ in pairs]
    if not asked:
        return margins
    said = [(i, text) for i, pair in enumerate(pairs) for text in _said(pair)]
    first = np.flatnonzero(np.diff(np.array([i for i, _ in said]), prepend=-1))
    statements = encode([text for _, text in said])
    questions = encode([text for _, text in asked])
    rivals = _Rivals(pairs)
    for begin in range(0, len(asked), 512):
        scores = questions[begin : begin + 512] @ statements.T
        by_pair = np.maximum.reduceat(scores, first, axis=1)
        for (i, text), row in zip(asked[begin : begin + 512], by_pair, strict=True):
            margins[i][text] = float(row[i]) - rivals.best(i, row)
    return margins


class _Rivals:
    """Which pairs quote another part of the document than a given one."""

    def __init__(self, pairs: Sequence[QAPair]) -> None:
        documents = {p.provenance.document_id: n for n, p in enumerate(pairs)}
        self.document = np.array([documents[p.provenance.document_id] for p in pairs])
        self.start = np.array([p.provenance.evidence.start for p in pairs])
        self.end = np.array([p.provenance.evidence.end for p in pairs])

    def best(self, i: int, scores: NDArray[np.float32]) -> float:
        """The best score of a pair that doesn't overlap pair `i`; -1 where there is none."""
        same = self.document == self.document[i]
        apart = ~(same & (self.start < self.end[i]) & (self.start[i] < self.end))
        return float(scores[apart].max()) if apart.any() else -1.0


def _kept(pair: QAPair, margins: Mapping[str, float]) -> QAPair:
    ruled = {q: m for q, m in margins.items() if not q.startswith(LAST_RESORT)}
    # in the order of preference; "What is MS?" is short, but the first thing that people ask
    clear = [q for q in ruled if ruled[q] >= (0.0 if _DEFINES.match(q) else MARGIN)]
    showable = {q: m for q, m in ruled.items() if m >= SHOWN} or margins
    question = clear[0] if clear else max(showable, key=lambda q: showable[q])
    variants = (v for v in pair.wordings if v != question and (v in clear or not _asks(v)))
    return replace(pair, question=question, variants=tuple(variants))


def _said(pair: QAPair) -> tuple[str, ...]:
    return (pair.answer, *(v for v in pair.variants if not _asks(v)))


def _asks(text: str) -> bool:
    return text.endswith("?")


def _units(passage: Passage, document: Document) -> list[Unit]:
    """A unit for each sentence, row or item of the passage, in order.

    In a document of several subjects a sentence that names none leans on the one before it.
    """
    sentences = split_sentences(passage.text)
    result: list[Unit] = []
    columns: tuple[str, ...] = ()
    pieces: list[Span] = []  # of the passage so far, none longer than a quote
    standing_for = lead = ""
    leading: Span | None = None
    for sentence in sentences:
        for piece in _cut(passage.text, sentence):
            said = plain_text(piece.of(passage.text)).strip("| ")
            if not any(c.isalnum() for c in said) or re.fullmatch(r"[-|:\s]+", said):
                continue
            if (names := column_names(piece.of(passage.text))) is not None:
                columns = names  # says nothing without a row; the rows are told by it
                continue
            row = ""
            if is_row(piece.of(passage.text)):
                row = row_name(piece.of(passage.text))
                said = row_said(piece.of(passage.text), columns)
            else:
                columns = ()
            start = piece.start
            item = leading is not None and LIST_ITEM.match(passage.text, piece.start) is not None
            if item and leading is not None and piece.end - leading.start <= QUOTE_LIMIT:
                start = leading.start
            elif (not row and begins_unresolved(said)) or _unnamed(document, said):
                start = _reach(document, passage.text, pieces, piece)
            evidence = Span(passage.span.start + start, passage.span.start + piece.end)
            if not (said.endswith(":") and _lists(passage.text[piece.end :])):
                leads = lead if item else ""
                result.append(Unit(evidence, said, passage, standing_for, leads, row))
            standing_for = subject_of(said, standing_for=standing_for)
            pieces.append(piece)
            if said.endswith(":"):
                lead, leading = said.rstrip(":"), piece
    return result


def _lists(text: str) -> bool:
    """Does `text` begin with a list or a table? A line that leads into one is no answer alone."""
    return LIST_ITEM.match(text.lstrip("\r\n")) is not None or text.lstrip().startswith("|")


def _asked_by_name(unit: Unit, capitals: Capitals) -> str:
    """What asks for a row or an item that has a name, under a heading: "What are the opening hours
    for Sunday?", "Admission: what about adults?"; "" where there is no name or heading."""
    heading = capitals.heading(unit.passage.heading or "").rstrip(".:")
    named = _NAMED_ITEM.match(unit.said)
    name = unit.row or (named[1] if named else "")
    if not name or not heading or heading.endswith("?"):
        return ""
    asked = heading_questions(heading, "", capitals.common)[0]
    if asked.startswith("What are"):
        return f"{asked[:-1]} for {mid_sentence(name, capitals.common)}?"
    return f"{heading}: what about {mid_sentence(name, capitals.common)}?"


def _unnamed(document: Document, said: str) -> bool:
    return len(document.subjects) > 1 and not _subjects(document, said)


def _reach(document: Document, text: str, before: Sequence[Span], piece: Span) -> int:
    """Where a quote must begin that makes `piece` clear, within the limit of a quote."""
    start = piece.start
    for earlier in reversed(before):
        if piece.end - earlier.start > QUOTE_LIMIT:
            break
        start = earlier.start
        said = plain_text(earlier.of(text))
        if not begins_unresolved(said) and not _unnamed(document, said):
            break
    return start


def _cut(text: str, sentence: Span) -> Iterable[Span]:
    """The sentence, or pieces of it that end with a clause where it is longer than a quote."""
    start, end = sentence.start, sentence.end
    while end - start > QUOTE_LIMIT:
        window = text[start : start + QUOTE_LIMIT]
        ends = [m.end() for m in _CLAUSE_END.finditer(window) if m.end() > 60]
        ends = ends or [m.end() for m in _COMMA.finditer(window) if m.end() > 60]
        ends = ends or [m.end() for m in re.finditer(r"\s+", window) if m.end() > 1]
        piece = window[: ends[-1] if ends else QUOTE_LIMIT].rstrip()
        yield Span(start, start + len(piece))
        start += len(piece)
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        yield Span(start, end)


def _statements(document: Document, unit: Unit) -> list[str]:
    """The declarative wordings of a unit: what sentence embeddings match best."""
    said = statement_of(unit.said, standing_for=unit.standing_for)
    if unit.lead:
        said = f"{unit.lead}: {said}"
    named = [document.title]
    heading = unit.passage.heading
    if heading and normalise(heading) != normalise(document.title):
        named.append(heading)
    return [said, f"{', '.join(named)}: {said}"]


def _fresh(texts: Iterable[str], taken: set[str]) -> list[str]:
    """Those of `texts` whose normal form is not taken yet; takes them."""
    fresh = []
    for text in texts:
        key = normalise(text)
        if key and key not in taken:
            taken.add(key)
            fresh.append(text)
    return fresh


def _unshared(said: str, taken: set[str]) -> str:
    """A question of last resort that no other pair has: it names more and more of the sentence."""
    spoken = said.split()
    for size in range(6, len(spoken) + 1):
        question = about(["“" + " ".join(spoken[:size]).strip(' .,;:"“”') + "”"])
        if _fresh([question], taken):
            return question
    return about(["“" + said + "”"])


def _pair(
    document: Document, span: Span, question: str, variants: Sequence[str], spoken: Sequence[str]
) -> QAPair:
    answer = span.of(document.text)
    own = _subjects(document, " ".join(spoken))
    return QAPair(
        id=content_id(document.id, DRAWER, str(span.start), answer),
        question=question,
        variants=tuple(v for v in variants if v != question),
        answer=answer,
        provenance=Provenance(document.id, span, document.sha256, DRAWER),
        subjects=own or _subjects(document, answer),
    )


def _subjects(document: Document, text: str) -> tuple[str, ...]:
    """The subjects of the document that `text` names, by any of their names."""
    text = re.sub(r"^Unlike [^,]*, ", "", text)  # what is set apart is not spoken of
    names = {name: [name] for name in document.subjects}
    for other, canonical in document.aliases:
        if canonical in names:
            names[canonical].append(other)
    return tuple(
        subject
        for subject, known in names.items()
        if any(re.search(rf"(?<!\w){re.escape(n)}(?!\w)", text, re.I) for n in known)
    )
