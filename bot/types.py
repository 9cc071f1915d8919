"""The values that travel from a document to a reply. All are frozen; invalid ones can't be built.

Offsets are Python string indices into `Document.text`, half-open. Scores are higher-is-better,
in 0..1 unless a field says otherwise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

QUOTE_LIMIT = 450  # characters of one quote; more would be pasting the document

Reason = Literal[
    "not_covered",
    "off_topic",
    "personal_advice",
    "emergency",
    "ambiguous",
    "language",
    "not_understood",
    "error",
]
# Why nothing is quoted, as the owner is told it: four things more than the reply contract names.
Cause = Reason | Literal["nothing_asked", "unsure", "unreviewed", "out_of_date"]


def content_id(*parts: str) -> str:
    """A short stable id of `parts`: 16 hex digits of SHA-256 over their UTF-8, NUL-separated."""
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:16]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a document's text: `text[start:end]`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, not {self.start}..{self.end}")

    def of(self, text: str) -> str:
        return text[self.start : self.end]

    def within(self, other: Span) -> bool:
        return other.start <= self.start and self.end <= other.end

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Document:
    """One source, its text unchanged. `sha256` is of the UTF-8 text; `subjects` are canonical
    names.

    `source` names what it was read from, a file or an address; `digest` is the SHA-256 of what
    was read there, None where nothing else than the text was. A form feed begins a page.
    """

    id: str
    title: str
    source: str
    text: str
    sha256: str
    url: str | None = None
    disclaimer: Span | None = None
    aliases: tuple[tuple[str, str], ...] = ()  # (another name, canonical name)
    subjects: tuple[str, ...] = ()
    digest: str | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError(f"document {self.id!r} has no text")
        if self.disclaimer is not None and self.disclaimer.end > len(self.text):
            raise ValueError(f"the disclaimer of {self.id!r} ends behind its text")

    def page_at(self, place: int) -> int | None:
        """The page, from 1, on which the character at `place` stands; None without pages."""
        return self.text.count("\f", 0, place) + 1 if "\f" in self.text else None


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph of a document with the heading it stands under; text == document.text[span]."""

    id: str
    document_id: str
    span: Span
    text: str
    heading: str | None = None

    def __post_init__(self) -> None:
        if len(self.text) != self.span.end - self.span.start:
            raise ValueError("a passage's text must be as long as its span")


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an answer stands, in which state of the document, and who drew it."""

    document_id: str
    evidence: Span
    document_sha256: str
    drawer: str = "owner"


@dataclass(frozen=True, slots=True)
class QAPair:
    """A question, other wordings of it, and the document's verbatim answer.

    `subjects` names what the answer speaks of (empty: of no one subject). `answer` equals
    `document.text[provenance.evidence]`; the knowledge checks that when it loads.
    """

    id: str
    question: str
    variants: tuple[str, ...]
    answer: str
    provenance: Provenance
    subjects: tuple[str, ...] = ()
    reviewed: str | None = None  # "NAME YYYY-MM-DD"
    review_by: date | None = None  # the last day on which it answers; None: no end

    def __post_init__(self) -> None:
        if not self.question.strip() or not self.answer.strip():
            raise ValueError("a pair needs a question and an answer")

    @property
    def wordings(self) -> tuple[str, ...]:
        """The question and its variants: every text that should find this pair."""
        return (self.question, *self.variants)

    @property
    def drawn(self) -> bool:
        """Whether rules drew it from a document and no person has reviewed it since."""
        return self.provenance.drawer.startswith("rules") and self.reviewed is None


@dataclass(frozen=True, slots=True)
class Prototype:
    """A known question that the documents do not answer (an out-of-scope prototype)."""

    question: str
    topic: str
    says: str | None = None  # completes "The article doesn't cover …"


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate pair for a question, with the wording of the pair that came nearest.

    `signals` are the named features behind `probability`, each in its documented range;
    `probability` is the calibrated chance that the pair answers the question, 0..1.
    """

    pair: QAPair
    matched_text: str
    rank: int
    probability: float
    signals: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if self.rank < 1 or not 0.0 <= self.probability <= 1.0:
            raise ValueError("a match needs rank >= 1 and a probability in 0..1")


@dataclass(frozen=True, slots=True)
class Answered:
    """One match, or two where the question has two parts (one a subject)."""

    matches: tuple[Match, ...]
    kind: Literal["answer"] = "answer"

    def __post_init__(self) -> None:
        if not 1 <= len(self.matches) <= 2:
            raise ValueError("an answer rests on one or two matches")


@dataclass(frozen=True, slots=True)
class Clarified:
    """Two to four options with distinct answers; one question settles it."""

    options: tuple[Match, ...]
    kind: Literal["clarify"] = "clarify"

    def __post_init__(self) -> None:
        if not 2 <= len(self.options) <= 4:
            raise ValueError("a clarifying question offers two to four options")


@dataclass(frozen=True, slots=True)
class Declined:
    """No answer, and why. `topic` is what was recognised, `missing` the words not covered."""

    reason: Cause
    topic: str | None = None
    missing: tuple[str, ...] = ()
    probability: float = 0.0  # of the best candidate, for the record
    kind: Literal["decline"] = "decline"


@dataclass(frozen=True, slots=True)
class SmallTalk:
    """A greeting, thanks, goodbye ...: `intent` chooses the fixed line."""

    intent: str
    kind: Literal["smalltalk"] = "smalltalk"


@dataclass(frozen=True, slots=True)
class Safety:
    """A personal medical question, an emergency or fear: fixed, reviewed text, never a quote."""

    route: Literal["advice", "distress", "emergency", "self_harm"]
    kind: Literal["safety"] = "safety"

    @property
    def reason(self) -> Reason:
        return "emergency" if self.urgent else "personal_advice"

    @property
    def urgent(self) -> bool:
        """Whether someone may be in danger now."""
        return self.route in ("emergency", "self_harm")


Decision = Answered | Clarified | Declined | SmallTalk | Safety


@dataclass(frozen=True, slots=True)
class Citation:
    """What a reply quotes and where it stands: document.text[span] == quote."""

    document: str
    title: str
    url: str | None
    heading: str | None
    quote: str
    passage: str
    span: Span
    page: int | None = None  # from 1; None where the document has no pages
    row: str | None = None  # a quoted row of a table with the names of its columns

    def __post_init__(self) -> None:
        if not self.quote or len(self.quote) > QUOTE_LIMIT:
            raise ValueError(f"a quote has 1..{QUOTE_LIMIT} characters, not {len(self.quote)}")
        if len(self.quote) != self.span.end - self.span.start:
            raise ValueError("a quote must be as long as its span")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person gets. `text` is complete and plain; the rest is the same in fields."""

    text: str
    decision: Decision
    question: str
    conversation_id: str
    turn_id: str
    citations: tuple[Citation, ...] = ()
    disclaimer: str | None = None
    confidence: float = 0.0
    cause: Cause | None = None
    missing: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError("confidence is in 0..1")
        if (self.decision.kind == "answer") != bool(self.citations):
            raise ValueError("an answer has a citation, and nothing else has one")
        if not self.text.strip():
            raise ValueError("a reply has a text")

    @property
    def reason(self) -> Reason | None:
        """The cause as one of the contract's reasons."""
        match self.cause:
            case "nothing_asked":
                return "not_understood"
            case "unsure" | "unreviewed" | "out_of_date":
                return "not_covered"
            case told:
                return told

    @property
    def answer(self) -> str | None:
        """The quotes put forward, verbatim; None where nothing is answered."""
        return "\n\n".join(c.quote for c in self.citations) or None

    def to_json(self) -> dict[str, object]:
        """The reply contract: one JSON object, the same on the command line and over HTTP."""
        return {
            "kind": self.decision.kind,
            "text": self.text,
            "answer": self.answer,
            "citations": [
                {
                    "document": c.document,
                    "title": c.title,
                    "url": c.url,
                    "heading": c.heading,
                    "page": c.page,
                    "row": c.row,
                    "quote": c.quote,
                    "passage": c.passage,
                    "start": c.span.start,
                    "end": c.span.end,
                }
                for c in self.citations
            ],
            "disclaimer": self.disclaimer,
            "confidence": round(self.confidence, 4),
            "reason": self.reason,
            "cause": self.cause,
            "missing": list(self.missing),
            "suggestions": list(self.suggestions),
            "question": self.question,
            "conversation_id": self.conversation_id,
            "turn_id": self.turn_id,
        }


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange, as later turns need it."""

    turn_id: str
    asked: str
    understood: str
    kind: str
    pair_ids: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()  # suggestions or options, in the order shown

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Turn:
        """A turn from `asdict` as JSON; fields this version doesn't know are passed over.

        Raises TypeError where a field is missing or holds anything but text.
        """
        known: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in fields.items()
            if name in cls.__dataclass_fields__
        }
        lists = (known.get("pair_ids", ()), known.get("offered", ()))
        texts = (value for name, value in known.items() if name not in ("pair_ids", "offered"))
        if not all(isinstance(text, str) for text in (*texts, *lists[0], *lists[1])):
            raise TypeError("a turn holds texts")
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns so far, oldest first, bounded by the caller; `updated` in Unix seconds."""

    id: str
    turns: tuple[Turn, ...] = field(default=())
    updated: float = 0.0
