"""A FAQ as documents with pairs: the answers become text that can be quoted, word by word."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.documents.documents import find_aliases, has_sentence, slug
from bot.documents.sentences import split_sentences
from bot.faqs.entries import FaqEntry, united
from bot.types import QUOTE_LIMIT, Document, Provenance, QAPair, Span, content_id
from bot.wording import normalise

DRAWER = "faq"


def faq_documents(
    entries: Sequence[FaqEntry], *, id: str, title: str
) -> tuple[tuple[Document, tuple[QAPair, ...]], ...]:
    """`faq_document` of the entries from each web address, for a citation to lead there, and of
    those from none.

    The id of a document depends on its address only, so that a list that grows keeps its ids.
    """
    by_url: dict[str, list[FaqEntry]] = {}
    for entry in entries:
        url = entry.source if _is_address(entry.source) else ""
        by_url.setdefault(url, []).append(entry)
    made: dict[str, tuple[Document, tuple[QAPair, ...]]] = {}
    rest = by_url.pop("", [])
    for url, group in by_url.items():
        name = f"{id}-{slug(url.partition('://')[2])[:60]}"
        while name in made:
            name += "-"
        document, pairs = faq_document(group, id=name, title=title, url=url)
        if has_sentence(document.text):
            made[name] = (document, pairs)
        else:  # too little for a document of its own
            rest += group
    if rest:
        made = {id: faq_document(rest, id=id, title=title), **made}
    return tuple(made.values())


def faq_document(
    entries: Sequence[FaqEntry], *, id: str, title: str, url: str | None = None
) -> tuple[Document, tuple[QAPair, ...]]:
    """A document that holds the entries, one at least, readably; and a pair for each.

    Entries with the same question and answer are one pair. The same question on two answers is
    kept: the check of the knowledge names it. A pair quotes its answer; of one longer than a quote
    may be, the first sentences that fit. Where an answer is empty, the question is what the pair
    quotes, for the list says no more. Linear in the number of entries.
    """
    alike: dict[tuple[str, str], list[FaqEntry]] = {}
    for entry in entries:
        key = (entry.answer, normalise(entry.question) or entry.question)
        alike.setdefault(key, []).append(entry)
    merged = [group[0] if len(group) == 1 else united(group) for group in alike.values()]
    parts: list[str] = []
    spans: list[Span] = []
    place = 0
    for entry in merged:
        part = f"Q: {entry.question}\nA: {entry.answer}".rstrip() + "\n\n"
        start = place + (len(entry.question) + 7 if entry.answer else 3)
        spans.append(Span(start, start + first_quote(entry.answer or entry.question)))
        parts.append(part)
        place += len(part)
    text = "".join(parts).rstrip() + "\n"
    document = Document(
        id=id,
        title=title,
        source=id,
        text=text,
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        url=url,
        aliases=find_aliases(text),
    )
    pairs = (
        QAPair(
            id=content_id(id, "faq", entry.question, str(span.start), span.of(text)),
            question=entry.question,
            variants=entry.variants,
            answer=span.of(text),
            provenance=Provenance(id, span, document.sha256, DRAWER),
        )
        for entry, span in zip(merged, spans, strict=True)
    )
    return document, tuple(pairs)


def first_quote(answer: str) -> int:
    """Length of the longest beginning of `answer` that may be a quote: whole sentences, else
    whole words, else as many characters as fit."""
    if len(answer) <= QUOTE_LIMIT:
        return len(answer)
    head = answer[: QUOTE_LIMIT + 1]
    for start in (QUOTE_LIMIT - 200, 0):  # the last stop is mostly near the end: look there first
        near = answer[start : QUOTE_LIMIT + 60]
        ends = [start + s.end for s in split_sentences(near) if start + s.end <= QUOTE_LIMIT]
        if ends:
            return ends[-1]
    cut = max(head.rfind(c) for c in " \n\t\u00a0")
    return len(answer[:cut].rstrip()) if cut > 0 else QUOTE_LIMIT


def _is_address(source: str) -> bool:
    try:
        parts = urlsplit(source)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # brackets that hold no IPv6 address
        return False
