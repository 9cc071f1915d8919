"""A draft: what `draw` makes of an owner's files, before anyone has edited it.

A FAQ (`bot.faqs.formats`) is taken as it is; from any other document pairs are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.documents.documents import slug
from bot.drawing.drafter import Drafter
from bot.drawing.drawing import Encode, add_consistent, draw_pairs, keep_consistent
from bot.drawing.prototypes import (
    GENERAL,
    guess_domain,
    instantiate,
    keep_unanswered,
    main_subjects,
    speaks_for_a_house,
)
from bot.errors import DocumentError, NoFaqError
from bot.faqs.as_documents import DRAWER as FAQ_DRAWER
from bot.faqs.as_documents import faq_documents
from bot.faqs.formats import SUFFIXES, is_faq, read_faq
from bot.sources.originals import Original
from bot.sources.sources import LIMIT, Refused, Sources, free_id
from bot.subjects import Subjects
from bot.types import Document, Prototype, QAPair, content_id
from bot.wording import normalise

# Domains whose prototypes are written unasked, and the share of them that a document must leave
# open: where that was measured to help, see `bot.drawing.prototypes`.
WRITTEN = frozenset({"health"})
MOSTLY = 0.8


@dataclass(frozen=True, slots=True)
class Draft:
    """What is ready to be written; `faults` are the rows of FAQs that could not be taken,
    `refused` the sources."""

    title: str
    documents: tuple[Document, ...]
    pairs: tuple[QAPair, ...]
    faults: tuple[str, ...] = ()
    domain: str = GENERAL
    prototypes: tuple[Prototype, ...] = ()
    refused: tuple[Refused, ...] = ()
    drafted: str = ""


def make_draft(
    sources: Sequence[str | Path],
    encode: Callable[[], Encode],
    progress: Callable[[int, int], None] | None = None,
    *,
    domain: str | None = None,
    allow_private: bool = False,
    limit: int = LIMIT,
    drafter: Drafter | None = None,
) -> Draft:
    """Documents and pairs of `sources`, in their order, and what is known not to be answered.

    `domain` None is guessed from each document. Where it is named, its prototypes are written for
    every source; where it is guessed, only for documents of the domains `WRITTEN` in which no
    house speaks of itself, and only if these leave open at least `MOSTLY` of them. A FAQ is of no
    guessed domain: its list is its owner's.

    `encode` gives the function that filters drawn questions; it is called only where questions
    were drawn, so that a FAQ alone loads no model. `progress(done, of)` counts sources as they
    become known. `allow_private` and `limit`: see `Sources`. A `drafter` proposes further
    questions for what was drawn; `drafted` tells how that went. Raises DocumentError, which names
    each source, where none can be taken.
    """
    documents: list[Document] = []
    pairs: list[QAPair] = []
    faults: list[str] = []
    refused: list[Refused] = []
    kinds: list[str] = []
    named = frozenset(map(str, sources))
    with Sources(sources, others=SUFFIXES, allow_private=allow_private, limit=limit) as opened:
        for done, source in enumerate(opened, 1):
            taken = {document.id for document in documents}
            if isinstance(source, Refused):
                refused.append(source)
                continue
            try:
                if is_faq(source.path):
                    for document, drawn in _taken_faq(source, taken, faults):
                        documents.append(document)
                        pairs += drawn
                        kinds.append(domain or GENERAL)
                else:
                    document, notes = opened.document(source, taken)
                    refused += (Refused(source.name, note, wanted=False) for note in notes)
                    twin = next((d for d in documents if d.sha256 == document.sha256), None)
                    if twin is not None:
                        why = f"holds the same text as {twin.source}, and is left out."
                        refused.append(Refused(source.name, why, wanted=False))
                        continue
                    documents.append(document)
                    pairs += draw_pairs(document)
                    kinds.append(domain or guess_domain(document))
            except NoFaqError as error:  # other data in a folder is no failure
                refused.append(Refused(source.name, str(error), wanted=source.name in named))
            except DocumentError as error:
                refused.append(Refused(source.name, str(error)))
            if progress is not None:
                progress(done, done + opened.waiting)
    if not documents:
        raise DocumentError("\n".join(map(str, refused)))
    if any(pair.provenance.drawer != FAQ_DRAWER for pair in pairs):
        pairs = list(keep_consistent(pairs, encode()))
    drafted = ""
    if drafter is not None:
        drawn_now = [pair for pair in pairs if pair.provenance.drawer != FAQ_DRAWER]
        proposals = drafter.propose(drawn_now, documents, progress)
        before = sum(len(pair.wordings) for pair in pairs)
        if proposals.count:
            pairs = list(add_consistent(pairs, proposals.questions, encode()))
        kept = sum(len(pair.wordings) for pair in pairs) - before
        drafted = f"{proposals}; {kept:,} find their own answer and were kept"
    wanted = [
        kind if domain or (kind in WRITTEN and not speaks_for_a_house(document)) else GENERAL
        for kind, document in zip(kinds, documents, strict=True)
    ]
    prototypes = _prototypes(documents, wanted, pairs, encode, least=0.0 if domain else MOSTLY)
    titles = tuple(dict.fromkeys(document.title for document in documents))
    more = f" and {len(titles) - 3} more" if len(titles) > 3 else ""
    return Draft(
        ", ".join(titles[:3]) + more,
        tuple(documents),
        tuple(pairs),
        tuple(faults),
        kinds[0] if len(set(kinds)) == 1 else GENERAL,
        prototypes,
        tuple(refused),
        drafted,
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


def _taken_faq(
    source: Original, taken: set[str], faults: list[str]
) -> Iterator[tuple[Document, tuple[QAPair, ...]]]:
    """The documents of a FAQ with their pairs; rows that can't be taken go to `faults`."""
    try:
        faq = read_faq(source.path)
    except DocumentError as error:
        raise type(error)(str(error).removeprefix(f"{source.path}: ")) from error
    faults += (f"{source.name}:{fault.row}: {fault.message}" for fault in faq.faults)
    id = free_id(slug(source.stem) or content_id(source.stem), taken)
    for document, drawn in faq_documents(faq.entries, id=id, title=source.stem):
        own = replace(document, source=source.called, digest=source.digest())
        yield replace(own, url=own.url or source.url), drawn
