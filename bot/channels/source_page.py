"""A document as a page to read, with the quoted stretch marked."""

from __future__ import annotations

from collections.abc import Iterator

from bot.channels.markup import Markup, element, safe_link
from bot.channels.pages import Look, page_with
from bot.documents.blocks import PLAIN, Block, split_blocks
from bot.readable import readable
from bot.types import Document, Span


def source_page(look: Look, document: Document, marked: Span | None) -> Markup:
    """All of `document`'s text under its title, page by page; `marked` may lie anywhere in it.

    The mark's id is "START-END", so that a link to #START-END goes to it.
    """
    own = safe_link(document.url)
    return page_with(
        look,
        document.title,
        element(
            "header",
            element("h1", document.title),
            element("a", "Ask a question", href=f"{look.base}/", class_="quiet"),
        ),
        element(
            "main",
            element("p", element("a", "The original", href=own, rel="noopener")) if own else None,
            *_blocks(document, marked),
            class_="document",
        ),
        script="source.js",
    )


def _blocks(document: Document, marked: Span | None) -> Iterator[Markup]:
    begun = False  # only the first piece of a mark over several blocks has the id
    shown = None
    for block in split_blocks(document.text):
        if block.kind == "aside":
            continue
        page = document.page_at(block.span.start)
        if page != shown:
            yield element("p", f"Page {page}", class_="page", id=f"page-{page}")
            shown = page
        cited = marked if marked is not None and marked.overlaps(block.span) else None
        if cited is not None:
            content = _marked(document.text, block, cited, with_id=not begun)
            begun = True
        else:
            content = (block.title or _shown(block, block.span.of(document.text)),)
        class_ = "cited" if cited is not None else None
        if document.disclaimer is not None and block.span.overlaps(document.disclaimer):
            yield element("aside", element("p", *content, class_=class_), class_="note")
        else:
            yield element(_element_of(block), *content, class_=class_)


def _element_of(block: Block) -> str:
    if block.kind == "heading":
        return f"h{min(max(block.level, 2), 4) if block.level < PLAIN else 2}"
    return "pre" if block.kind in ("table", "code") else "p"


def _shown(block: Block, text: str) -> str:
    return text if block.kind in ("table", "code") else readable(text)  # those stand as typed


def _marked(text: str, block: Block, marked: Span, with_id: bool) -> tuple[str, ...]:
    """The text of `block`, the part of it that `marked` covers in a <mark>."""
    span = block.span
    start, end = max(span.start, marked.start), min(span.end, marked.end)
    before, found, after = (
        _shown(block, piece)
        for piece in (text[span.start : start], text[start:end], text[end : span.end])
    )
    id = f"{marked.start}-{marked.end}" if with_id else None
    return before, element("mark", found, id=id), after
