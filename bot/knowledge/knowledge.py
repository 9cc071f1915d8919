"""What a bot knows: documents, the pairs whose answers stand in them, known gaps, names.

    knowledge.yaml  pairs.yaml  out_of_scope.yaml  calibration.jsonl  documents/

Answers are verbatim, always: a pair whose answer no longer stands in its document is put in
quarantine, named, and the rest is served.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from bot.documents.documents import read_document
from bot.documents.passages import split_passages
from bot.errors import KnowledgeError
from bot.knowledge.evidence import Quarantined, place
from bot.knowledge.files import (
    CALIBRATION,
    MANIFEST,
    OUT_OF_SCOPE,
    PAIRS,
    Manifest,
    PairRow,
    Unreviewed,
    read_manifest,
    read_out_of_scope,
    read_pairs,
)
from bot.knowledge.writing import write_knowledge
from bot.types import Document, Passage, Prototype, QAPair
from bot.wording import normalise

__all__ = ["Knowledge", "Quarantined", "load_knowledge", "write_knowledge"]


@dataclass(frozen=True)
class Knowledge:
    """One loaded folder. `digest` is of all its files, so equal digests answer equally.

    `aliases` are (other name, canonical name): the owner's, and the documents' own abbreviations.
    `texts` overrides fixed texts by key. `unreviewed` says whether pairs that nobody has reviewed
    may answer. `allowed_origins` and `max_wrong` go before the settings of the server.
    `calibration` is the path of held-out labelled questions.
    """

    root: Path
    title: str
    language: str
    domain: str
    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    pairs: tuple[QAPair, ...]
    quarantined: tuple[Quarantined, ...]
    prototypes: tuple[Prototype, ...]
    aliases: tuple[tuple[str, str], ...]
    subjects: tuple[str, ...]
    digest: str
    texts: Mapping[str, str] = field(default_factory=dict)
    contact: str | None = None
    calibration: Path | None = None
    unreviewed: Unreviewed = "answer"
    allowed_origins: tuple[str, ...] | None = None
    max_wrong: float | None = None

    def document(self, id: str) -> Document:
        """Raises KeyError where there is none."""
        for document in self.documents:
            if document.id == id:
                return document
        raise KeyError(id)

    @cached_property
    def passages_of(self) -> Mapping[str, tuple[Passage, ...]]:
        """Each document's passages by its id, in order."""
        found: dict[str, list[Passage]] = {document.id: [] for document in self.documents}
        for passage in self.passages:
            found[passage.document_id].append(passage)
        return {id: tuple(own) for id, own in found.items()}


def load_knowledge(root: Path) -> Knowledge:
    """Reads the folder `root`.

    Raises KnowledgeError (file, line, remedy) on a missing or broken file and on a pair that
    names no evidence and whose answer stands nowhere or in several places; DocumentError on a
    document that cannot be read.
    """
    manifest = read_manifest(root / MANIFEST)
    documents = tuple(
        replace(
            read_document(root / row.path, id=row.id, title=row.title, url=row.url),
            source=row.source or PurePosixPath(row.path).name,
            digest=row.digest,
        )
        for row in manifest.documents
    )
    placed = [pair for _, pair in read_placed(root / PAIRS, documents)]
    pairs = tuple(pair for pair in placed if isinstance(pair, QAPair))
    aliases, subjects = _names(manifest, documents)
    calibration = root / CALIBRATION
    return Knowledge(
        root=root,
        title=manifest.title,
        language=manifest.language,
        domain=manifest.domain,
        documents=documents,
        passages=tuple(p for document in documents for p in split_passages(document)),
        pairs=pairs,
        quarantined=tuple(pair for pair in placed if isinstance(pair, Quarantined)),
        prototypes=tuple(
            Prototype(text.value, row.topic, row.says)
            for row in read_out_of_scope(root / OUT_OF_SCOPE)
            for text in row.questions
            if text.value.strip()
        ),
        aliases=aliases,
        subjects=subjects,
        digest=_digest(root, documents),
        texts=manifest.texts,
        contact=manifest.contact,
        unreviewed=manifest.unreviewed,
        allowed_origins=manifest.allowed_origins,
        max_wrong=manifest.max_wrong,
        calibration=calibration if calibration.is_file() else None,
    )


def read_placed(
    file: Path, documents: Sequence[Document]
) -> tuple[tuple[PairRow, QAPair | Quarantined], ...]:
    """The rows of a pairs.yaml, each with the pair that comes of it; raises KnowledgeError."""
    placed = tuple((row, place(row, documents, file)) for row in read_pairs(file))
    first: dict[str, int] = {}
    for row, pair in placed:
        if isinstance(pair, Quarantined):
            continue
        if pair.id in first:
            raise KnowledgeError(
                f"the pair {pair.question!r} stands twice, first on line {first[pair.id]}; "
                "delete one",
                file,
                row.line,
            )
        first[pair.id] = row.line
    return placed


def _names(
    manifest: Manifest, documents: Sequence[Document]
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """All aliases and canonical names; the owner's name for a thing wins over a document's."""
    canonical = {normalise(name): name for name in manifest.subjects}
    surfaces: dict[str, tuple[str, str]] = {}
    for name, others in manifest.subjects.items():
        for other in others:
            canonical.setdefault(normalise(other), name)
            surfaces.setdefault(normalise(other), (other, name))
    subjects = dict.fromkeys(manifest.subjects)
    for document in documents:
        known = dict(canonical)
        for other, own in document.aliases:
            name = known.get(normalise(own)) or known.get(normalise(other)) or own
            known.setdefault(normalise(own), name)
            for surface in (other, own):
                if normalise(surface) != normalise(name):
                    surfaces.setdefault(normalise(surface), (surface, name))
        subjects |= dict.fromkeys(known.get(normalise(s), s) for s in document.subjects)
    return tuple(surfaces.values()), tuple(subjects)


def _digest(root: Path, documents: Sequence[Document]) -> str:
    """SHA-256 over the names and contents of all files."""
    total = hashlib.sha256()
    for name in (MANIFEST, PAIRS, OUT_OF_SCOPE, CALIBRATION):
        file = root / name
        data = file.read_bytes() if file.is_file() else b""
        total.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\0".encode())
    for document in documents:
        total.update(f"{document.id}\0{document.sha256}\0".encode())
    return total.hexdigest()
