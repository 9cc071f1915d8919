"""The lines of a PDF's pages, with what their look tells: size, weight, place, columns of a table.

A PDF holds letters at places, no paragraphs. PDFium finds the letters and the lines.
"""

from __future__ import annotations

import ctypes
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from bot.errors import DocumentError
from bot.sources.originals import one_line

COLUMN = 0.85  # times the size of the letters: a wider gap in a line begins another cell
REPEATED = 3  # pages that say the same at their edge; both, where there are two
HYPHEN = "\x02"  # PDFium's sign for a hyphen at the end of a line
_BROKEN = (0x02, 0xFFFE)
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st"}
_HEAVY = re.compile(r"bold|black|heavy|semib|demi", re.I)
_TYPED = re.compile(r"mono|courier|consol|cmtt|typewriter", re.I)
_LEADER = re.compile(r"(?:[ \u00a0]?[.·…]){6,}[ \u00a0]*\w{0,5}$")  # from a heading to its page
_NUMBER = re.compile(
    r"\W*(?:page\W*|p\.\W*)?(?:\d{1,4}|[ivxl]{1,6})(?:\W*(?:of|/)\W*\d{1,4})?\W*", re.I
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a line between wide gaps."""

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; measures in points (1/72 inch) from the lower left corner of its page.

    `size` is the height of its letters with what is above and below them; `typed` says that all
    letters are equally wide, as in code.
    """

    page: int
    text: str
    cells: tuple[Cell, ...]
    size: float
    bold: bool
    typed: bool
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Pages:
    """All lines of a document, page after page from 1; `title` as its properties give it."""

    count: int
    lines: tuple[Line, ...]
    title: str | None = None


def read_pages(path: Path) -> Pages:
    """Raises DocumentError without the file's name."""
    import pypdfium2
    from pypdfium2 import raw

    # PDFium puts together what is there of a file that is cut short, and doesn't say so.
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4096))
        if b"%%EOF" not in file.read():
            raise DocumentError(
                "is no PDF, or one cut short. Get it anew, or open it in a viewer and print it to "
                "a new PDF."
            )
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD:
            raise DocumentError(
                "is protected with a password. Save it without one (print it to a PDF)."
            ) from error
        raise DocumentError(
            "is a damaged PDF. Open it in a viewer and print it to a new PDF."
        ) from error
    lines: list[Line] = []
    for number in range(len(document)):
        try:
            page = document[number]
            text = page.get_textpage()
        except pypdfium2.PdfiumError as error:
            raise DocumentError(
                f"page {number + 1}: can't be read. Open the file in a viewer and print it to a "
                "new PDF."
            ) from error
        lines += _page_lines(number + 1, text, raw)
        text.close()
        page.close()
    title = one_line(document.get_metadata_dict().get("Title") or "")
    return Pages(len(document), tuple(lines), title or None)


def without_margins(pages: Pages) -> tuple[Line, ...]:
    """The lines but what pages have above and below their text again and again.

    That is up to three lines set apart at the top or the bottom, of which each says the same on
    `REPEATED` pages or has the number of its page. The lines of a table of contents go too.
    """
    margins = {id(line): line for page in _by_page(pages.lines) for line in _set_apart(page)}
    seen = _pages_of((line.text, round(line.size), line.page) for line in margins.values())
    forms = _pages_of((_form(line), round(line.size), line.page) for line in margins.values())
    shifts = Counter(shift for line in margins.values() for shift in _shifts(line))
    shift, times = max(shifts.items(), key=lambda item: item[1], default=(0, 0))
    numbered = times >= max(2, pages.count / 3)
    size = usual_size(pages.lines)
    enough = REPEATED if pages.count != 2 else 2

    def kept(line: Line) -> bool:
        if id(line) not in margins:
            return True
        # A heading with a number that happens to be its page's is large, and stands once.
        plain = line.size <= 1.1 * size or forms[_form(line), round(line.size)] > 1
        counts = numbered and shift in _shifts(line) and plain
        alone = pages.count > 1 and _NUMBER.fullmatch(line.text)
        return not (seen[line.text, round(line.size)] >= enough or counts or alone)

    return tuple(line for line in pages.lines if kept(line) and not _LEADER.search(line.text))


def usual_size(lines: Sequence[Line]) -> float:
    """The size of most letters."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[round(line.size, 1)] += len(line.text)
    return sizes.most_common(1)[0][0]


def _pages_of(found: Iterable[tuple[str, int, int]]) -> Counter[tuple[str, int]]:
    """On how many pages a text stands in a size."""
    return Counter((text, size) for text, size, _ in set(found))


def _form(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text)


def _by_page(lines: Sequence[Line]) -> Iterator[list[Line]]:
    for _, group in groupby(lines, key=lambda line: line.page):
        yield list(group)


def _set_apart(page: Sequence[Line]) -> Iterator[Line]:
    """The lines above the first gap from the top, and below the first from the bottom."""
    down = sorted(page, key=lambda line: -line.top)
    for ordered in (down, down[::-1]):
        group = ordered[:1]
        for line in ordered[1:]:
            last = group[-1]
            if max(last.bottom - line.top, line.bottom - last.top) > 0.9 * last.size:
                if len(group) <= 3:
                    yield from group
                break
            group.append(line)


def _shifts(line: Line) -> set[int]:
    """How far the numbers of a line are from the number of its page."""
    return {int(n) - line.page for n in re.findall(r"\b\d{1,4}\b", line.text)}


def _page_lines(number: int, page: Any, raw: Any) -> Iterator[Line]:
    """The lines of a page in the order of its content."""
    letters: list[tuple[str, tuple[float, float, float, float] | None, int]] = []
    box = raw.FS_RECTF()
    for index in range(page.count_chars()):
        code = raw.FPDFText_GetUnicode(page, index)
        if code in (10, 13, *_BROKEN):
            if code in _BROKEN:  # PDFium goes on with the next line without a sign
                letters.append((HYPHEN, None, index))
            if letters and (line := _line(number, letters, page, raw)):
                yield line
            letters = []
            continue
        letter = _LIGATURES.get(code) or chr(code)
        place = None
        if not letter.isspace() and raw.FPDFText_GetLooseCharBox(page, index, box):
            place = (box.left, box.right, box.top, box.bottom)
        letters.append((letter, place, index))
    if letters and (line := _line(number, letters, page, raw)):
        yield line


def _line(number: int, letters: Sequence[tuple[str, Any, int]], page: Any, raw: Any) -> Line | None:
    placed = [(place, index) for _, place, index in letters if place is not None]
    if not placed:
        return None
    sizes = sorted(top - bottom for (_, _, top, bottom), _ in placed)
    size = sizes[len(sizes) // 2]
    cells: list[Cell] = []
    text, start, end = "", placed[0][0][0], placed[0][0][1]
    for letter, place, _ in letters:
        if place is not None:
            if place[0] - end > COLUMN * size:
                cells.append(Cell(_cleaned(text), start, end))
                text, start = "", place[0]
            end = place[1]
        text += letter
    cells.append(Cell(_cleaned(text), start, end))
    cells = [cell for cell in cells if cell.text]
    if not cells:
        return None
    looks = [
        _look(page, index, raw) for _, index in (placed[0], placed[len(placed) // 2], placed[-1])
    ]
    return Line(
        page=number,
        text=" ".join(cell.text for cell in cells),
        cells=tuple(cells),
        size=size,
        bold=all(bold for bold, _ in looks),
        typed=all(typed for _, typed in looks),
        left=min(place[0] for place, _ in placed),
        right=max(place[1] for place, _ in placed),
        top=max(place[2] for place, _ in placed),
        bottom=min(place[3] for place, _ in placed),
    )


def _look(page: Any, index: int, raw: Any) -> tuple[bool, bool]:
    """Whether a letter is bold, and whether its font has letters of one width."""
    buffer = ctypes.create_string_buffer(128)
    flags = ctypes.c_int()
    raw.FPDFText_GetFontInfo(page, index, buffer, 128, flags)
    name = buffer.value.decode("utf-8", "replace")
    heavy = _HEAVY.search(name) or raw.FPDFText_GetFontWeight(page, index) >= 600
    return bool(heavy), bool(flags.value & 1 or _TYPED.search(name))


def _cleaned(text: str) -> str:
    """`text` on one line; halves of a character are put together, a broken word keeps its sign."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    broken = whole.rstrip().endswith((HYPHEN, "\u00ad"))
    cleaned = one_line(whole).replace("\u00ad", "")
    return cleaned + HYPHEN if broken else cleaned
