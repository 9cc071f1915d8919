"""The text of a PDF: paragraphs put together from its lines, headings by their look, its pages.

A form feed on a line of its own ends a page. A sentence that runs over a page stands whole on the
page that it begins on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from pathlib import Path
from statistics import median

from bot.documents.blocks import LIST_ITEM
from bot.documents.sentences import split_sentences
from bot.errors import DocumentError
from bot.sources.originals import Extracted, table_lines
from bot.sources.pdf_lines import (
    HYPHEN,
    Line,
    Pages,
    read_pages,
    usual_size,
    without_margins,
)

MAX_BYTES = 100 * 1024 * 1024
LARGER = 1.1  # times the size of the text: a heading
SPREAD = 0.24  # times the size of the letters, above the usual gap of lines: another paragraph

_ENDS = re.compile(r"[.!?:;…][\"'”’»)\]]*$")
_MARK = re.compile(r"(?:[-*+•◦▪‣–·○●■]|\d{1,2}[.)]|\([a-z0-9]{1,3}\))$")
_BULLET = re.compile(r"[•◦▪‣·○●■][ \u00a0]+(?=\S)")
_NO_TITLE = re.compile(r"\.\w{2,5}$|^microsoft |^untitled|^\(?anonymous|^\S+$", re.I)


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that belong together."""

    lines: tuple[Line, ...]
    kind: str = "paragraph"  # heading, item, table, code

    @property
    def page(self) -> int:
        return self.lines[0].page


def extract_pdf(path: Path) -> Extracted:
    """The text of the PDF at `path`, its title, and which of its pages hold none.

    Raises DocumentError without the file's name.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(f"is larger than {MAX_BYTES >> 20} MB. Split it into parts.")
    except OSError as error:
        raise DocumentError(f"cannot be read ({error.strerror}). Check its permissions.") from error
    pages = read_pages(path)
    _refuse_unreadable(pages)
    lines = without_margins(pages) or pages.lines
    size = usual_size(lines)
    blocks = _with_headings(_blocks(lines, size), size)
    unbroken = _Unbroken.of(lines)
    levels = _levels(blocks, size)
    parts: list[tuple[int, str]] = []  # page, text
    for block in _over_pages(blocks):
        parts += _written(block, levels, unbroken)
    return Extracted(
        _paged(parts, pages.count), _title(pages, blocks, unbroken), None, _without_text(pages)
    )


def _refuse_unreadable(pages: Pages) -> None:
    text = "".join(line.text for line in pages.lines)
    if not any(map(str.isalpha, text)):
        raise DocumentError(
            f"holds no text on its {pages.count} pages, only pictures. Run a text recognition "
            "(OCR) over it first."
        )
    unknown = sum(c == "\ufffd" or "\ue000" <= c <= "\uf8ff" for c in text)
    if unknown > 0.2 * len(text):
        raise DocumentError(
            "doesn't say which letters its fonts show. Run a text recognition (OCR) over it first."
        )


def _blocks(lines: Sequence[Line], size: float) -> list[_Block]:
    """Lines put together while nothing says that another paragraph begins."""
    gaps = [
        a.bottom - b.top
        for a, b in pairwise(lines)
        if a.page == b.page and abs(a.size - size) < 0.6 and b.top < a.top < b.top + 3 * size
    ]
    usual = median(gaps) if gaps else 0.0
    blocks: list[_Block] = []
    run: list[Line] = []  # of rows, or of lines of one paragraph
    for line, after in zip_longest(lines, lines[1:]):
        row = after is not None and _aligned(line, after)
        if run and _aligned(run[-1], line):
            run.append(line)
            if not row:
                blocks.append(_Block(tuple(run), "table"))
                run = []
        elif run and not row and _goes_on(run, line, usual):
            run.append(line)
        else:
            blocks += [_Block(tuple(run))] if run else []
            run = [line]
    return blocks + ([_Block(tuple(run))] if run else [])


def _aligned(a: Line, b: Line) -> bool:
    """Whether two lines are rows of one table: as many cells, under each other."""
    if not 2 <= len(a.cells) == len(b.cells) or a.page != b.page or a.typed or _item(a) or _item(b):
        return False
    if not 0 < a.bottom - b.bottom < 4 * a.size:
        return False
    return all(
        min(abs(x.left - y.left), abs(x.right - y.right), abs(x.left + x.right - y.left - y.right))
        < 0.3 * a.size
        for x, y in zip(a.cells, b.cells, strict=True)
    )


def _goes_on(block: Sequence[Line], line: Line, usual: float) -> bool:
    """Whether `line` belongs to the block before it."""
    last, first = block[-1], block[0]
    if line.page != last.page or line.bold != last.bold or (_item(line) and not line.typed):
        return False
    gap = last.bottom - line.top
    if line.typed != last.typed or abs(line.size - last.size) > 0.08 * last.size:
        # a sentence that goes on with a name in another font
        unfinished = not _ENDS.search(last.text) and not line.text[0].isupper()
        near = -line.size < gap <= usual + SPREAD * line.size
        return unfinished and near and not first.typed and line.size < LARGER * last.size
    if line.typed:
        return -line.size < gap < usual + line.size
    if gap < -1.5 * line.size:  # the next column
        return not _ENDS.search(last.text) and line.text[0].islower()
    if gap > usual + SPREAD * line.size:  # as in a heading of several lines
        lower = line.text[0].islower() or last.text.endswith(",")
        return not _ENDS.search(last.text) and lower and gap < 0.8 * line.size
    # In text without space between paragraphs, one begins with an indent, or behind a short line.
    indented = line.left - min(x.left for x in block) > 0.8 * line.size and not _item(first)
    short = last.right < max(x.right for x in block) - 0.25 * (last.right - last.left + 1)
    ended = _ENDS.search(last.text) is not None
    return not (ended and (indented or (short and len(block) > 1 and not line.text[0].islower())))


def _item(line: Line) -> bool:
    return bool(LIST_ITEM.match(line.text)) or bool(_MARK.match(line.cells[0].text))


def _with_headings(blocks: Sequence[_Block], size: float) -> list[_Block]:
    result = []
    for at, block in enumerate(blocks):
        first = block.lines[0]
        text = " ".join(line.text for line in block.lines)
        short = len(block.lines) <= 3 and len(text) <= 150 and any(map(str.isalpha, text))
        large = first.size > LARGER * size
        after = blocks[at + 1] if at + 1 < len(blocks) else None
        stands = after is not None and (not after.lines[0].bold or after.kind == "table")
        heavy = first.bold and first.size > 0.9 * size and stands and not _ENDS.search(text)
        if block.kind == "paragraph" and first.typed and not large:
            block = replace(block, kind="code")
        elif block.kind == "paragraph" and short and (large or heavy):
            block = replace(block, kind="heading")
        elif block.kind == "paragraph" and _item(first):
            block = replace(block, kind="item")
        result.append(block)
    return result


def _levels(blocks: Sequence[_Block], size: float) -> dict[float, int]:
    """Size of a heading -> its level, the largest 1; two that hardly differ are one."""
    sizes = sorted({b.lines[0].size for b in blocks if b.kind == "heading"}, reverse=True)
    levels: dict[float, int] = {}
    level, last = 0, float("inf")
    for one in sizes:
        if one < 0.96 * last:
            level, last = level + 1, one
        levels[one] = min(level, 6)
    return levels


def _over_pages(blocks: Sequence[_Block]) -> Iterator[_Block]:
    """Paragraphs that a page's end cuts are put together again."""
    held: _Block | None = None
    for block in blocks:
        if held is not None and _continues(held, block):
            held = replace(held, lines=(*held.lines, *block.lines))
            continue
        if held is not None:
            yield held
        held = block
    if held is not None:
        yield held


def _continues(held: _Block, block: _Block) -> bool:
    last, first = held.lines[-1], block.lines[0]
    return (
        first.page == last.page + 1
        and held.kind in ("paragraph", "item")
        and block.kind == "paragraph"
        and abs(first.size - last.size) < 0.08 * last.size
        and not _ENDS.search(last.text)
        and (first.text[0].islower() or last.text.endswith((HYPHEN, ",")))
    )


@dataclass(frozen=True, slots=True)
class _Unbroken:
    """The words of the document, to tell a hyphen that divides a word from one that belongs."""

    words: frozenset[str]

    @classmethod
    def of(cls, lines: Sequence[Line]) -> _Unbroken:
        return cls(frozenset(w for line in lines for w in re.findall(r"[\w-]+", line.text.lower())))

    def join(self, texts: Sequence[str]) -> str:
        """Lines as one: words that are broken over lines are put together."""
        whole = ""
        for text in texts:
            if whole.endswith((HYPHEN, "-")) and re.search(r"\w.$", whole):
                whole = self._unbroken(whole[:-1], text)
            elif whole:
                whole += " " + text
            else:
                whole = text
        return whole.removesuffix(HYPHEN) + ("-" if whole.endswith(HYPHEN) else "")

    def _unbroken(self, before: str, after: str) -> str:
        start = re.findall(r"[\w-]+$", before)
        end = re.match(r"[\w-]+", after)
        if not start or not end or not after[0].islower():
            return f"{before}-{after}"
        parts = start[0].lower(), end[0].rstrip("-").lower()
        divided = "".join(parts) in self.words or "-".join(parts) not in self.words
        return before + after if divided else f"{before}-{after}"


def _written(block: _Block, levels: dict[float, int], unbroken: _Unbroken) -> list[tuple[int, str]]:
    """The block with Markdown's marks, and its page; one over pages is cut behind sentences."""
    if block.kind == "table":
        cells = [[cell.text for cell in line.cells] for line in block.lines]
        return [(block.page, table_lines(cells).replace(HYPHEN, "-"))]
    if block.kind == "code" and len(block.lines) > 1:
        code = "\n".join(line.text for line in block.lines).replace(HYPHEN, "-")
        return [(block.page, f"```\n{code}\n```")]
    text = unbroken.join([line.text for line in block.lines])
    if block.kind == "heading":
        return [(block.page, f"{'#' * levels[block.lines[0].size]} {text}")]
    if block.kind == "item":
        text = _BULLET.sub("- ", text)
    ends = [span.end for span in split_sentences(text)]
    pages = sorted({line.page for line in block.lines})
    pieces = []
    start = 0
    for page in pages[:-1]:
        seam = len(unbroken.join([line.text for line in block.lines if line.page <= page]))
        end = next((end for end in ends if end >= seam), len(text))
        pieces.append((page, text[start:end].strip()))
        start = end
    return [*pieces, (pages[-1], text[start:].strip())]


def _paged(parts: Sequence[tuple[int, str]], count: int) -> str:
    """The text with a form feed between pages; items of a list follow each other."""
    pieces: list[str] = []
    page = 1
    for number, text in parts:
        if number > page:
            pieces.append(("\n" if pieces else "") + "\f\n" * (number - page))
            page = number
        elif pieces and not pieces[-1].endswith("\f\n"):
            together = LIST_ITEM.match(text) and LIST_ITEM.match(pieces[-1])
            pieces.append("\n" if together else "\n\n")
        if text:
            pieces.append(text)
    return "".join(pieces) + "\n" + "\f\n" * (count - page)


def _title(pages: Pages, blocks: Sequence[_Block], unbroken: _Unbroken) -> str | None:
    """As its properties say, where that reads as a title, else the largest heading of page 1."""
    if pages.title and not _NO_TITLE.search(pages.title):
        return pages.title
    first = [b for b in blocks if b.kind == "heading" and b.page == 1]
    if not first:
        return None
    largest = max(first, key=lambda block: round(block.lines[0].size, 1))
    return unbroken.join([line.text for line in largest.lines])


def _without_text(pages: Pages) -> tuple[str, ...]:
    empty = sorted(set(range(1, pages.count + 1)) - {line.page for line in pages.lines})
    if not empty:
        return ()
    shown = ", ".join(map(str, empty[:8])) + (" …" if len(empty) > 8 else "")
    noun = f"page {shown} holds" if len(empty) == 1 else f"pages {shown} hold"
    return (f"{noun} no text (pictures are not read)",)
