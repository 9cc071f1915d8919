"""The files of a knowledge: their rows as typed, with line numbers.

    knowledge.yaml      title, language, domain, unreviewed, documents, subjects, texts, contact,
                        site
    pairs.yaml          question, subjects, answer, evidence, reviewed, review_by, drawer, variants
    out_of_scope.yaml   topic, says, questions

Nothing here knows whether an answer stands in its document: see `bot.knowledge.evidence`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Literal

from bot.errors import KnowledgeError
from bot.knowledge.yaml_fields import Fields, Node, Text, entries_of, read_yaml
from bot.settings import is_origin
from bot.types import Span
from bot.wording import normalise

MANIFEST, PAIRS, OUT_OF_SCOPE = "knowledge.yaml", "pairs.yaml", "out_of_scope.yaml"
CALIBRATION = "calibration.jsonl"

# In the order in which they are written.
PAIR_KEYS = (
    *("question", "subjects", "answer", "evidence"),
    *("reviewed", "review_by", "drawer", "variants"),
)
_MANIFEST_KEYS = (
    *("title", "language", "domain", "unreviewed"),
    *("documents", "subjects", "texts", "contact", "site"),
)
DOCUMENT_KEYS = ("file", "id", "title", "url", "source", "sha256")
Unreviewed = Literal["answer", "decline"]

_EVIDENCE = re.compile(r"(?P<document>.+)@(?P<sha>[0-9a-f]{12}):(?P<start>\d+)-(?P<end>\d+)")
_REVIEWED = re.compile(r"\S.* (?P<day>\d{4}-\d{2}-\d{2})")
_CONTACT = re.compile(r"https?://\S+|(?:mailto:)?[^@\s]+@[^@\s]+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where an answer stood when it was drawn: `ms-vs-als@484cce1a74c6:2811-2837`.

    `sha12` is the first 12 hex digits of the document's SHA-256 at that time.
    """

    document_id: str
    sha12: str
    span: Span

    @classmethod
    def parse(cls, text: str) -> Evidence:
        """Raises ValueError on another form."""
        found = _EVIDENCE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not DOCUMENT@12-HEX-DIGITS:START-END")
        span = Span(int(found["start"]), int(found["end"]))
        return cls(found["document"], found["sha"], span)

    def __str__(self) -> str:
        return f"{self.document_id}@{self.sha12}:{self.span.start}-{self.span.end}"


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document of the manifest; `path` is relative to the knowledge's folder.

    `source` names the file or address that it was drawn from, `digest` is the SHA-256 of what was
    read there.
    """

    id: str
    path: str
    title: str | None = None
    url: str | None = None
    source: str | None = None
    digest: str | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """knowledge.yaml. `subjects` maps canonical names to other names; `texts` overrides;
    `unreviewed` says whether pairs that nobody has reviewed may answer; `allowed_origins` and
    `max_wrong` go before the settings of the server (None: they hold)."""

    title: str
    documents: tuple[DocumentRow, ...]
    language: str = "en"
    domain: str = "general"
    subjects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    contact: str | None = None
    unreviewed: Unreviewed = "answer"
    allowed_origins: tuple[str, ...] | None = None
    max_wrong: float | None = None


@dataclass(frozen=True, slots=True)
class PairRow:
    """A pair as it stands in the file; empty variants are kept for the lint to name."""

    question: Text
    answer: Text
    line: int
    subjects: tuple[Text, ...] = ()
    evidence: Evidence | None = None
    reviewed: str | None = None
    review_by: date | None = None
    drawer: str | None = None
    variants: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic that the documents don't cover; `says` completes "The article doesn't cover …"."""

    topic: str
    says: str | None
    questions: tuple[Text, ...]
    line: int


def read_manifest(file: Path) -> Manifest:
    """Raises KnowledgeError with the line."""
    if not file.parent.is_dir():
        raise KnowledgeError(
            "there is no such folder; draw a knowledge, or name another", file.parent
        )
    fields = Fields.of(read_yaml(file), file, "the knowledge", _MANIFEST_KEYS)
    rows = tuple(_document(node, file) for node in fields.entries("documents"))
    if not rows:
        raise KnowledgeError(
            "the knowledge names no documents; list them under 'documents:' as '- file: …'",
            file,
            fields.line,
        )
    seen: dict[str, int] = {}
    for row in rows:
        if row.id in seen:
            raise KnowledgeError(
                f"two documents are called {row.id!r} (the other on line {seen[row.id]}); "
                "give one of them another 'id'",
                file,
                row.line,
            )
        seen[row.id] = row.line
    subjects = _subjects(fields.fields("subjects"))
    contact = fields.text("contact")
    if contact and not _CONTACT.fullmatch(contact.value):
        raise KnowledgeError(
            f"contact {contact.value!r} is neither a web address (https://…) nor a mail address",
            file,
            contact.line,
        )
    texts = fields.fields("texts")
    unreviewed = fields.text("unreviewed")
    if unreviewed and unreviewed.value not in ("answer", "decline"):
        message = f"unreviewed {unreviewed.value!r}: write answer or decline"
        raise KnowledgeError(message, file, unreviewed.line)
    site = fields.fields("site", ("allowed_origins", "max_wrong"))
    return Manifest(
        title=fields.required("title").value.strip(),
        documents=rows,
        language=_or(fields.text("language"), "en"),
        domain=_or(fields.text("domain"), "general"),
        subjects=subjects,
        texts={key: texts.required(key).value for key in texts.nodes} if texts else {},
        contact=contact.value if contact else None,
        unreviewed="decline" if unreviewed and unreviewed.value == "decline" else "answer",
        allowed_origins=_origins(site) if site else None,
        max_wrong=_max_wrong(site) if site else None,
    )


def read_pairs(file: Path) -> tuple[PairRow, ...]:
    """Raises KnowledgeError with the line, also where there is not one pair."""
    rows = tuple(_pair(node, file) for node in entries_of(read_yaml(file), file, "the file"))
    if not rows:
        raise KnowledgeError("has no pairs; write one, or draw them anew", file, 1)
    return rows


def read_out_of_scope(file: Path) -> tuple[TopicRow, ...]:
    """() where there is no such file; raises KnowledgeError with the line."""
    if not file.exists():
        return ()
    return tuple(_topic(node, file) for node in entries_of(read_yaml(file), file, "the file"))


def _document(node: Node, file: Path) -> DocumentRow:
    fields = Fields.of(node, file, "a document", DOCUMENT_KEYS)
    path = fields.required("file")
    pure = PurePosixPath(path.value)
    if pure.is_absolute() or ".." in pure.parts or "\\" in path.value:
        raise KnowledgeError(
            f"{path.value!r} must lie in the knowledge's folder, written as documents/name.txt",
            file,
            path.line,
        )
    title, url, source, digest = (fields.text(key) for key in DOCUMENT_KEYS[2:])
    return DocumentRow(
        id=_or(fields.text("id"), pure.stem),
        path=path.value,
        title=title.value if title else None,
        url=url.value if url else None,
        source=source.value if source else None,
        digest=digest.value if digest else None,
        line=path.line,
    )


def _origins(site: Fields) -> tuple[str, ...] | None:
    texts = site.texts("allowed_origins")
    for text in texts:
        if not is_origin(text.value):
            message = f"{text.value!r} is not an origin; write https://www.example.org, or *"
            raise KnowledgeError(message, site.file, text.line)
    return tuple(text.value for text in texts) if "allowed_origins" in site.nodes else None


def _max_wrong(site: Fields) -> float | None:
    text = site.text("max_wrong")
    if text is None:
        return None
    try:
        share = float(text.value)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        message = f"max_wrong {text.value!r} is no number above 0 and below 1, such as 0.02"
        raise KnowledgeError(message, site.file, text.line)
    return share


def _subjects(fields: Fields | None) -> dict[str, tuple[str, ...]]:
    """Canonical names and their other names; no name may mean two things."""
    if fields is None:
        return {}
    subjects: dict[str, tuple[str, ...]] = {}
    meant = {normalise(name): name for name in fields.nodes}
    for name in fields.nodes:
        others = [text for text in fields.texts(name) if text.value.strip()]
        for text in others:
            other = meant.setdefault(normalise(text.value), name)
            if other != name:
                message = f"{text.value!r} is a name of both {other!r} and {name!r}; delete one"
                raise KnowledgeError(message, fields.file, text.line)
        subjects[name] = tuple(text.value.strip() for text in others)
    return subjects


def _pair(node: Node, file: Path) -> PairRow:
    fields = Fields.of(node, file, "a pair", PAIR_KEYS)
    evidence, reviewed, drawer = (fields.text(k) for k in ("evidence", "reviewed", "drawer"))
    try:
        parsed = Evidence.parse(evidence.value) if evidence else None
    except ValueError as error:
        message = f"evidence: {error}; delete the line to have the answer looked up"
        raise KnowledgeError(message, file, evidence.line if evidence else None) from error
    if reviewed and not _is_review(reviewed.value):
        message = f"reviewed: {reviewed.value!r} is not NAME YYYY-MM-DD"
        raise KnowledgeError(message, file, reviewed.line)
    return PairRow(
        question=fields.required("question"),
        answer=fields.required("answer"),
        line=fields.line,
        subjects=fields.texts("subjects"),
        evidence=parsed,
        reviewed=reviewed.value if reviewed else None,
        review_by=_day(fields.text("review_by"), file),
        drawer=drawer.value if drawer else None,
        variants=fields.texts("variants"),
    )


def _topic(node: Node, file: Path) -> TopicRow:
    fields = Fields.of(node, file, "a topic", ("topic", "says", "questions"))
    says = fields.text("says")
    return TopicRow(
        topic=fields.required("topic").value.strip(),
        says=says.value.strip() or None if says else None,
        questions=fields.texts("questions"),
        line=fields.line,
    )


def _day(text: Text | None, file: Path) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text.value)
    except ValueError:
        message = f"review_by: {text.value!r} is not YYYY-MM-DD"
        raise KnowledgeError(message, file, text.line) from None
    if text.value != day.isoformat():  # 20250101 and 2025-W01-3 are ISO's too, and seldom meant
        message = f"review_by: {text.value!r} is not YYYY-MM-DD; write {day} if that is the day"
        raise KnowledgeError(message, file, text.line)
    return day


def _is_review(text: str) -> bool:
    found = _REVIEWED.fullmatch(text)
    if found is None:
        return False
    try:
        date.fromisoformat(found["day"])
    except ValueError:
        return False
    return True


def _or(text: Text | None, default: str) -> str:
    return text.value.strip() or default if text else default
