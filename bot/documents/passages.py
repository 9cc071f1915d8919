"""Passages: the paragraphs of a document, each under its heading.

A list, a table or a code block belongs to the paragraph that leads into it with a colon. Offsets
are into the document's text as it stands, marks and all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from bot.documents.blocks import PLAIN, Block, split_blocks
from bot.documents.sentences import split_sentences
from bot.types import Document, Passage, Span, content_id

__all__ = ["passage_at", "split_passages", "split_sentences"]


def split_passages(document: Document) -> tuple[Passage, ...]:
    """The passages of `document`: ordered, disjoint, covering all text but headings and asides.

    The disclaimer is a passage as well. A heading that repeats the document's title names no
    part of it, so it is left out. A document of headings alone has them as its passages.
    """
    blocks = split_blocks(document.text)
    passages: list[Passage] = []
    heading: Block | None = None
    wider = 0  # a gap of more blank lines than this ends the part under a heading in plain text
    joined = -1
    for i, block in enumerate(blocks):
        if block.kind == "heading":
            heading = block
            wider = max(1, blocks[i + 1].gap if i + 1 < len(blocks) else 1)
            continue
        if block.kind == "aside" or i == joined:
            continue
        if heading is not None and heading.level == PLAIN and block.gap > wider:
            heading = None
        end = block.span.end
        if _leads_in(document.text, blocks, i):
            end, joined = blocks[i + 1].span.end, i + 1
        named = heading.title if heading is not None and heading.title != document.title else None
        passages.append(_passage(document, Span(block.span.start, end), named))
    if not passages:
        passages = [_passage(document, block.span, None) for block in blocks]
    return tuple(passages)


def passage_at(passages: Sequence[Passage], span: Span) -> Passage:
    """The passage in which `span` begins, of the passages of one document, in order.

    A span that lies in a heading gets the passage under it, at the end the last one. Raises
    ValueError where there are no passages.
    """
    if not passages:
        raise ValueError("there is no passage to choose from")
    at = max(0, bisect_right(passages, span.start, key=lambda p: p.span.start) - 1)
    while at + 1 < len(passages) and passages[at].span.end <= span.start:
        at += 1
    return passages[at]


def _leads_in(text: str, blocks: Sequence[Block], i: int) -> bool:
    if blocks[i].kind != "paragraph" or i + 1 == len(blocks):
        return False
    colon = blocks[i].span.of(text).rstrip("*_ ").endswith(":")
    return colon and blocks[i + 1].kind in ("list", "table", "code")


def _passage(document: Document, span: Span, heading: str | None) -> Passage:
    text = span.of(document.text)
    return Passage(content_id(document.id, str(span.start), text), document.id, span, text, heading)
