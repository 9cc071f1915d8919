"""Cutting a text into messages, each within a platform's limit in the platform's own unit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

import regex

from bot.documents.sentences import split_sentences

Size = Callable[[str], int]

_GRAPHEME = regex.compile(r"\X")
_PARAGRAPH = regex.compile(r"\n[ \t]*\n\s*")
_LINE = regex.compile(r"\n\s*")
_WORD = regex.compile(r"\s+")


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def utf8_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def split(
    text: str, limit: int, size: Size = len, whole: Sequence[tuple[int, int]] = ()
) -> tuple[str, ...]:
    """`text` in pieces of `size` 1..`limit`, in order; () for a blank text.

    A cut falls behind a paragraph where one fits, else behind a line, a sentence, a word, and only
    in a longer word inside it, but never inside a grapheme that fits. The spans of `text` in
    `whole` are not cut where they fit. Nothing is lost but white space at the cuts. `size` must
    be at least 1 a character, and not shrink when text is added.
    """
    if not text.strip():
        return ()
    if size(text.strip()) <= limit:
        return (text.strip(),)
    whole = [(a, b) for a, b in whole if size(text[a:b].strip()) <= limit]
    levels = [
        [m.end() for m in _PARAGRAPH.finditer(text)],
        [m.end() for m in _LINE.finditer(text)],
        sorted({s.end for s in split_sentences(text)} | {edge for span in whole for edge in span}),
        [m.end() for m in _WORD.finditer(text)],
    ]
    pieces = []
    start = 0
    while start < len(text):
        if text[start].isspace():
            start += 1
            continue
        end = _end(text, start, limit, size, levels, whole)
        pieces.append(text[start:end].strip())
        start = end
    return tuple(pieces)


def shorten(text: str, limit: int, size: Size = len) -> str:
    """`text`, or as much of its beginning as fits `limit` with an ellipsis behind it."""
    if size(text) <= limit:
        return text
    first = split(text, limit - size("…"), size)
    return (first[0] if first else "") + "…"


def _end(
    text: str,
    start: int,
    limit: int,
    size: Size,
    levels: Sequence[Sequence[int]],
    whole: Sequence[tuple[int, int]],
) -> int:
    """Where the piece that begins at `start` ends."""
    reach = _reach(text, start, limit, size)
    if reach == len(text):
        return reach
    for cuts in levels:
        for cut in reversed(cuts[bisect_right(cuts, start) : bisect_right(cuts, reach)]):
            if _may_cut(text, cut, whole) and size(text[start:cut].strip()) <= limit:
                return cut
    end = start
    for found in _GRAPHEME.finditer(text, start, reach + 1):
        if found.end() > reach:
            break
        if not _inside(found.end(), whole):
            end = found.end()
    return end if end > start else reach


def _reach(text: str, start: int, limit: int, size: Size) -> int:
    """The greatest end for which text[start:end] fits, at least one character on."""
    low, high = start + 1, min(len(text), start + limit)
    while low < high:
        middle = (low + high + 1) // 2
        if size(text[start:middle].strip()) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


def _may_cut(text: str, cut: int, whole: Sequence[tuple[int, int]]) -> bool:
    if _inside(cut, whole):
        return False
    return not 0 < cut < len(text) or _GRAPHEME.fullmatch(text, cut - 1, cut + 1) is None


def _inside(cut: int, whole: Sequence[tuple[int, int]]) -> bool:
    return any(start < cut < end for start, end in whole)
