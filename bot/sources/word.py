"""The text of a Word document (.docx): headings, paragraphs, lists and tables, in their order."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from bot.errors import DocumentError
from bot.sources.originals import Extracted, one_line, table_lines

MAX_BYTES = 100 * 1024 * 1024
MAX_UNPACKED = 200 * 1024 * 1024
MAX_XML = 40 * 1024 * 1024  # of one part: a tree of it takes some ten times as much memory
MAX_PARTS = 10_000

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DAMAGED = (KeyError, ValueError, OSError, EOFError, NotImplementedError, zlib.error, BadZipFile)
_OLE = b"\xd0\xcf\x11\xe0"  # how an old .doc begins, and a .docx with a password
# Text that was moved away, and boxes, which hold pictures' captions and repeat what is beside them.
_WRAPPERS = {f"{_W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml")}
_SKIPPED = {f"{_W}moveFrom", f"{_W}txbxContent", f"{_W}pPr", f"{_W}rPr"}


def extract_word(path: Path) -> Extracted:
    """The text of the .docx file at `path`, and its title where it has one.

    Changes that are tracked count as accepted; headers, footers, notes, comments and a table of
    contents are left out. Raises DocumentError without the file's name.
    """
    _check_package(path)
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import LxmlError

    try:
        document = docx.Document(str(path))
        reader = _Reader(document)
        blocks = list(reader.blocks(document.element.body))
    except (*_DAMAGED, PackageNotFoundError, LxmlError) as error:
        raise DocumentError(
            f"is a damaged Word document ({one_line(str(error))[:100]}). Open it in a word "
            "processor and save it anew."
        ) from error
    text = "\n\n".join(blocks)
    if not text.strip():
        raise DocumentError("holds no text. Give a document with at least one sentence.")
    return Extracted(text + "\n", reader.title)


def _check_package(path: Path) -> None:
    """Refuse what is no .docx, or would be too large unpacked, before anything is unpacked."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(4)
        if not size:
            raise DocumentError("is empty. Give a document with at least one sentence.")
        if size > MAX_BYTES:
            raise DocumentError(f"is larger than {MAX_BYTES >> 20} MB. Split it into parts.")
        if head == _OLE:
            raise DocumentError(
                "is protected with a password, or an old .doc. Save it as .docx without a password."
            )
        with zipfile.ZipFile(path) as package:
            parts = package.infolist()
    except OSError as error:
        raise DocumentError(f"cannot be read ({error.strerror}). Check its permissions.") from error
    except BadZipFile as error:
        raise DocumentError(
            "is no Word document, or one cut short. Open it in a word processor and save it as "
            ".docx."
        ) from error
    # No more than the size that a part declares is ever unpacked of it.
    unpacked = sum(part.file_size for part in parts)
    xml = max((p.file_size for p in parts if p.filename.endswith((".xml", ".rels"))), default=0)
    if unpacked > MAX_UNPACKED or xml > MAX_XML or len(parts) > MAX_PARTS:
        raise DocumentError(
            f"unpacks to {unpacked >> 20} MB in {len(parts)} parts, more than is read (a zip bomb "
            "looks like this). Split it into parts, or take the pictures out."
        )
    if not any(part.filename == "[Content_Types].xml" for part in parts):
        raise DocumentError("is a zip archive, but no Word document. Unpack it, or save as .docx.")


@dataclass(slots=True)
class _Reader:
    """Reads the body of a document with the styles and the numbering at hand."""

    document: Any
    title: str | None = None
    styles: dict[str, Any] = field(default_factory=dict)
    formats: dict[tuple[str, int], str] = field(default_factory=dict)
    counted: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for style in self.document.styles.element.iterchildren(f"{_W}style"):
            self.styles[style.get(f"{_W}styleId") or ""] = style
        self.formats = _list_formats(self.document)

    def blocks(self, parent: Any) -> Iterator[str]:
        """The blocks inside an element; items of a list that follow each other are one block."""
        items: list[str] = []
        for kind, text in self._pieces(parent):
            other = items and text[0] != " " and text[0].isdigit() != items[0][0].isdigit()
            if items and (kind != "item" or other):
                yield "\n".join(items)
                items = []
            if kind == "item":
                items.append(text)
            else:
                yield text
        if items:
            yield "\n".join(items)

    def _pieces(self, parent: Any) -> Iterator[tuple[str, str]]:
        for child in parent:
            if child.tag == f"{_W}p":
                yield from self._paragraph(child)
            elif child.tag == f"{_W}tbl":
                yield from self._table(child)
            elif child.tag in _WRAPPERS:
                yield from self._pieces(child)

    def _paragraph(self, paragraph: Any) -> Iterator[tuple[str, str]]:
        lines = [one_line(line) for line in _text(paragraph).split("\n")]
        text = "\n".join(line for line in lines if line)
        if not text:
            return
        chain = self._chain(paragraph)
        names = [_value(style, "name").lower() for style in chain if style.tag == f"{_W}style"]
        if any(re.match(r"toc \d|toc heading|table of figures", name) for name in names):
            return
        level = _heading_level(chain, names)
        if level is not None:
            title = one_line(text)
            if "title" in names and self.title is None:
                self.title = title
            yield "heading", f"{'#' * level} {title}"
            return
        place = _list_place(chain, names)
        format = self._format(place)
        if place is None or format == "none":
            yield "paragraph", text
            return
        yield "item", f"{'   ' * place[1]}{self._mark(place, format)} {one_line(text)}"

    def _format(self, place: tuple[str, int] | None) -> str:
        """How items are numbered; a style names a depth that its list may not define."""
        if place is None:
            return "none"
        return self.formats.get(place) or self.formats.get((place[0], 0), "bullet")

    def _mark(self, place: tuple[str, int], format: str) -> str:
        if format == "bullet":
            return "-"
        number = self.counted[place] = self.counted.get(place, 0) + 1
        for other in [o for o in self.counted if o[0] == place[0] and o[1] > place[1]]:
            del self.counted[other]  # lists inside the item before this one
        return f"{number}."

    def _chain(self, paragraph: Any) -> list[Any]:
        """The paragraph, its style, and those that it is based on."""
        chain = [paragraph]
        id = _value(paragraph.find(f"{_W}pPr"), "pStyle")
        while id in self.styles and self.styles[id] not in chain and len(chain) < 20:
            chain.append(self.styles[id])
            id = _value(chain[-1], "basedOn")
        return chain

    def _table(self, table: Any) -> Iterator[tuple[str, str]]:
        rows = [
            [self._cell(cell) for cell in row.iter(f"{_W}tc") if _table_of(cell) is table]
            for row in table.iter(f"{_W}tr")
            if _table_of(row) is table
        ]
        rows = [row for row in rows if any(row)]
        if rows and max(map(len, rows)) > 1:
            yield "table", table_lines(rows)
        else:  # a single column was made for the layout
            for cell in table.iter(f"{_W}tc"):
                if _table_of(cell) is table:
                    yield from self._pieces(cell)

    def _cell(self, cell: Any) -> str:
        return one_line(" ".join(_text(p) for p in cell.iter(f"{_W}p")))


def _table_of(element: Any) -> Any:
    return next(element.iterancestors(f"{_W}tbl"), None)


def _text(paragraph: Any) -> str:
    """The words of a paragraph as they read with all changes accepted."""
    parts: list[str] = []
    stack = list(reversed(paragraph))
    while stack:
        element = stack.pop()
        if element.tag == f"{_W}t":
            parts.append(element.text or "")
        elif element.tag in (f"{_W}tab", f"{_W}ptab"):
            parts.append(" ")
        elif element.tag in (f"{_W}br", f"{_W}cr"):
            parts.append("\n")
        elif element.tag == f"{_W}noBreakHyphen":
            parts.append("-")
        elif element.tag not in _SKIPPED and not str(element.tag).endswith("}Fallback"):
            stack.extend(reversed(element))
    return "".join(parts)


def _value(parent: Any, name: str) -> str:
    """The w:val of the child `name`; "" where there is none."""
    child = None if parent is None else parent.find(f"{_W}{name}")
    return "" if child is None else child.get(f"{_W}val") or ""


def _heading_level(chain: list[Any], names: list[str]) -> int | None:
    if "title" in names:
        return 1
    for name in names:
        if found := re.fullmatch(r"heading (\d)", name):
            return min(int(found[1]), 6)
    for element in chain:
        outline = _value(element.find(f"{_W}pPr"), "outlineLvl")
        if outline.isdecimal():
            return min(int(outline) + 1, 6) if int(outline) < 9 else None
    return None


def _list_place(chain: list[Any], names: list[str]) -> tuple[str, int] | None:
    """The list that a paragraph belongs to, and how deep in it; None for no list."""
    named = next((int(n[-1]) - 1 for n in names if re.fullmatch(r"list \w+ [2-9]", n)), 0)
    for element in chain:
        properties = element.find(f"{_W}pPr")
        numbered = None if properties is None else properties.find(f"{_W}numPr")
        if numbered is not None:
            id, depth = _value(numbered, "numId"), _value(numbered, "ilvl")
            if id == "0":  # says that it is in none, whatever its style says
                return None
            if id:
                return id, max(named, min(int(depth), 8) if depth.isdecimal() else 0)
    return None


def _list_formats(document: Any) -> dict[tuple[str, int], str]:
    """(list, depth) -> "bullet", "decimal" …, of the part that defines the lists."""
    try:
        part = document.part.numbering_part.element
    except (KeyError, NotImplementedError):  # no part, or python-docx would have to make one
        return {}
    abstract = {a.get(f"{_W}abstractNumId"): a for a in part.iterchildren(f"{_W}abstractNum")}
    formats: dict[tuple[str, int], str] = {}
    for number in part.iterchildren(f"{_W}num"):
        defined = abstract.get(_value(number, "abstractNumId"))
        for level in () if defined is None else defined.iterchildren(f"{_W}lvl"):
            depth = level.get(f"{_W}ilvl") or ""
            if depth.isdecimal():
                formats[number.get(f"{_W}numId") or "", int(depth)] = _value(level, "numFmt")
    return formats
