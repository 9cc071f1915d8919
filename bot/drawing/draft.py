"""A draft: what `draw` makes of an owner's files, before anyone has edited it.

A .jsonl file is a FAQ and is taken as it is; any other is a document, from which pairs are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.documents.documents import read_document, slug
from bot.drawing.drawing import (
    FAQ_DRAWER,
    Encode,
    FaqFault,
    draw_faq,
    draw_pairs,
    keep_consistent,
    read_rows,
)
from bot.drawing.prototypes import (
    GENERAL,
    guess_domain,
    instantiate,
    keep_unanswered,
    main_subjects,
)
from bot.errors import DocumentError
from bot.subjects import Subjects
from bot.types import Document, Prototype, QAPair, content_id
from bot.wording import normalise

# Domains whose prototypes are written unasked, and the share of them that a document must leave
# open: where that was measured to help, see `bot.drawing.prototypes`.
WRITTEN = frozenset({"health"})
MOSTLY = 0.8


@dataclass(frozen=True, slots=True)
class Draft:
    """What is ready to be written; `faults` are the rows of FAQs that could not be taken."""

    title: str
    documents: tuple[Document, ...]
    pairs: tuple[QAPair, ...]
    faults: tuple[str, ...] = ()
    domain: str = GENERAL
    prototypes: tuple[Prototype, ...] = ()


def make_draft(
    sources: Sequence[Path],
    encode: Callable[[], Encode],
    progress: Callable[[int, int], None] | None = None,
    *,
    domain: str | None = None,
) -> Draft:
    """Documents and pairs of `sources`, in their order, and what is known not to be answered.

    `domain` None is guessed from each document. Where it is named, its prototypes are written for
    every source; where it is guessed, only for documents of the domains `WRITTEN`, and only if
    these leave open at least `MOSTLY` of them. A FAQ is of no guessed domain: its list is its
    owner's.

    `encode` gives the function that filters drawn questions; it is called only where questions
    were drawn, so that a FAQ alone loads no model. `progress(done, of)` counts sources. Raises
    DocumentError, which names the source, where one cannot be taken at all.
    """
    documents: list[Document] = []
    pairs: list[QAPair] = []
    faults: list[str] = []
    kinds: list[str] = []
    for done, source in enumerate(dict.fromkeys(sources), 1):
        taken = {document.id for document in documents}
        if source.suffix.lower() in (".jsonl", ".ndjson"):
            id = _free(slug(source.stem) or content_id(source.stem), taken)
            document, drawn, wrong = draw_faq(_faq_rows(source), id=id, title=source.stem)
            faults += (f"{source}:{fault.row}: {fault.message}" for fault in wrong)
            kinds.append(domain or GENERAL)
        else:
            document = read_document(source)
            if document.id in taken:
                document = read_document(source, id=_free(document.id, taken))
            drawn = draw_pairs(document)
            kinds.append(domain or guess_domain(document))
        documents.append(document)
        pairs += drawn
        if progress is not None:
            progress(done, len(sources))
    if any(pair.provenance.drawer != FAQ_DRAWER for pair in pairs):
        pairs = list(keep_consistent(pairs, encode()))
    wanted = [kind if domain or kind in WRITTEN else GENERAL for kind in kinds]
    prototypes = _prototypes(documents, wanted, pairs, encode, least=0.0 if domain else MOSTLY)
    titles = ", ".join(document.title for document in documents[:3])
    more = f" and {len(documents) - 3} more" if len(documents) > 3 else ""
    return Draft(
        titles + more,
        tuple(documents),
        tuple(pairs),
        tuple(faults),
        kinds[0] if len(set(kinds)) == 1 else GENERAL,
        prototypes,
    )


def _prototypes(
    documents: Sequence[Document],
    domains: Sequence[str],
    pairs: Sequence[QAPair],
    encode: Callable[[], Encode],
    *,
    least: float,
) -> tuple[Prototype, ...]:
    """The prototypes of each document's domain that no pair answers, each question once.

    None where less than the share `least` is left.
    """
    text = "\n".join(document.text for document in documents)
    made: dict[str, Prototype] = {}
    for document, domain in zip(documents, domains, strict=True):
        subjects = main_subjects(document)
        for prototype in instantiate(domain, subjects, document.aliases, text=text):
            made.setdefault(normalise(prototype.question), prototype)
    if not made:
        return ()
    names = Subjects(
        (alias for document in documents for alias in document.aliases),
        (subject for document in documents for subject in document.subjects),
    )
    kept = keep_unanswered(tuple(made.values()), pairs, encode(), names)
    return kept if len(kept) >= least * len(made) else ()


def _free(id: str, taken: set[str]) -> str:
    """`id`, or `id` with the first number that makes it one of its own."""
    number, free = 1, id
    while free in taken:
        number += 1
        free = f"{id}-{number}"
    return free


def _faq_rows(source: Path) -> Iterator[object]:
    """The rows of a FAQ; one that is no UTF-8 or no JSON costs itself only."""
    try:
        with source.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                try:
                    line = raw.decode("utf-8")
                except UnicodeDecodeError as error:
                    byte = f"byte 0x{raw[error.start]:02x} at position {error.start + 1}"
                    yield FaqFault(number, f"is no UTF-8 ({byte}). Save it as UTF-8.")
                    continue
                for row in read_rows([line]):
                    yield FaqFault(number, row.message) if isinstance(row, FaqFault) else row
    except OSError as error:
        raise DocumentError(f"{source}: can't be read: {error.strerror or error}") from error
