"""A knowledge as the entries of a FAQ, to be taken elsewhere."""

from __future__ import annotations

from bot.faqs.as_documents import DRAWER
from bot.faqs.entries import FaqEntry, make_entry
from bot.knowledge.knowledge import Knowledge
from bot.types import Document, QAPair

_QUESTION, _ANSWER, _NEXT = "Q: ", "\nA: ", "\n\nQ: "  # how `bot.faqs.as_documents` writes an entry


def entries_of(knowledge: Knowledge) -> tuple[FaqEntry, ...]:
    """An entry for each pair that is served, in the order of the file.

    Of what was drawn and not reviewed, wordings that ask nothing stay behind: they serve the
    matching only. The answer of an imported FAQ is given whole, where the pair quotes its
    beginning.
    """
    documents = {document.id: document for document in knowledge.documents}
    return tuple(_entry(pair, documents[pair.provenance.document_id]) for pair in knowledge.pairs)


def _entry(pair: QAPair, document: Document) -> FaqEntry:
    variants = (v for v in pair.variants if not pair.drawn or v.endswith("?"))
    answer = _whole(pair, document) if pair.provenance.drawer == DRAWER else pair.answer
    return make_entry([pair.question, *variants], answer, source=document.url or "")


def _whole(pair: QAPair, document: Document) -> str:
    """The answer of a FAQ to its end; "" where the list holds none."""
    text, start = document.text, pair.provenance.evidence.start
    if text[:start].endswith(_ANSWER):
        return text[start:].partition(_NEXT)[0]
    return "" if text[:start].endswith(_QUESTION) else pair.answer
