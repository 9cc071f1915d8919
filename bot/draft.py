"""A draft: what `draw` makes of an owner's files, before anyone has edited it.

A .jsonl file is a FAQ and is taken as it is; any other is a document, from which pairs are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.documents import read_document, slug
from bot.drawing import (
    FAQ_DRAWER,
    Encode,
    FaqFault,
    draw_faq,
    draw_pairs,
    keep_consistent,
    read_rows,
)
from bot.errors import DocumentError
from bot.types import Document, QAPair, content_id


@dataclass(frozen=True, slots=True)
class Draft:
    """What is ready to be written; `faults` are the rows of FAQs that could not be taken."""

    title: str
    documents: tuple[Document, ...]
    pairs: tuple[QAPair, ...]
    faults: tuple[str, ...] = ()


def make_draft(
    sources: Sequence[Path],
    encode: Callable[[], Encode],
    progress: Callable[[int, int], None] | None = None,
) -> Draft:
    """Documents and pairs of `sources`, in their order.

    `encode` gives the function that filters drawn questions; it is called only where questions
    were drawn, so that a FAQ alone loads no model. `progress(done, of)` counts sources. Raises
    DocumentError, which names the source, where one cannot be taken at all.
    """
    documents: list[Document] = []
    pairs: list[QAPair] = []
    faults: list[str] = []
    for done, source in enumerate(dict.fromkeys(sources), 1):
        taken = {document.id for document in documents}
        if source.suffix.lower() in (".jsonl", ".ndjson"):
            id = _free(slug(source.stem) or content_id(source.stem), taken)
            document, drawn, wrong = draw_faq(_faq_rows(source), id=id, title=source.stem)
            faults += (f"{source}:{fault.row}: {fault.message}" for fault in wrong)
        else:
            document = read_document(source)
            if document.id in taken:
                document = read_document(source, id=_free(document.id, taken))
            drawn = draw_pairs(document)
        documents.append(document)
        pairs += drawn
        if progress is not None:
            progress(done, len(sources))
    if any(pair.provenance.drawer != FAQ_DRAWER for pair in pairs):
        pairs = list(keep_consistent(pairs, encode()))
    titles = ", ".join(document.title for document in documents[:3])
    more = f" and {len(documents) - 3} more" if len(documents) > 3 else ""
    return Draft(titles + more, tuple(documents), tuple(pairs), tuple(faults))


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
