"""The main text of a web page: what trafilatura finds between menus, banners and footers.

A. Barbaresi: Trafilatura: a web scraping library and command-line tool for text discovery and
extraction. ACL 2021 (system demonstrations), pages 122 to 131.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import unescape
from pathlib import Path
from typing import Any

from bot.errors import DocumentError
from bot.sources.originals import Extracted, one_line, read_bytes, table_lines

MAX_BYTES = 20 * 1024 * 1024

_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w:.-]{2,40})", re.I)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,500})</title", re.I)
_HEADING = re.compile(r"<h[1-6][ >]", re.I)
_BODY = re.compile(r"<body(?: [^>]{0,2000})?>", re.I)
_XML = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w:.-]{2,40})", re.I)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Browsers read what calls itself ASCII or Latin-1 as Windows' code page (WHATWG Encoding).
_WINDOWS = {"ascii", "iso8859-1"}
_BREAK = "\v"  # a new line in the source is no more than a space
_INLINE = {"hi", "ref", "lb", "graphic", "del", "span", "a"}
_NO_CHARSETS = {"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}


def extract_page(path: Path, charset: str | None = None) -> Extracted:
    """The main text of the HTML file at `path`, its title and the address it gives as its own.

    `charset` is what the server said. Raises DocumentError without the file's name.
    """
    html = _decoded(read_bytes(path, MAX_BYTES), charset)
    try:
        found = _main_part(html)
    except RecursionError as error:
        raise DocumentError("its elements stand too deep in each other. Simplify it.") from error
    empty = found is None or found.body is None
    text = "" if empty else "\n\n".join(_unlinked(list(_blocks(found.body))))
    if not text.strip():
        raise DocumentError(
            "holds no main text; a page that a script builds in the browser looks like this. Open "
            "it in a browser and save it as text or PDF."
        )
    if "\ufffd" in text:
        near = text[max(0, text.index("\ufffd") - 30) : text.index("\ufffd") + 10]
        raise DocumentError(
            f"has characters that can't be read, near {one_line(near)!r}. Save it as UTF-8, and "
            "have it say so: <meta charset=utf-8>."
        )
    url = found.url if re.match(r"https?://[^/]", found.url or "") else None
    return Extracted(text + "\n", _title(html, found), url)


def _main_part(html: str) -> Any:
    """What trafilatura finds; None where that is nothing.

    In a page that marks no part as the main one it takes paragraphs alone, without headings and
    lists. Such a page is read again as one whole article; what is around that is still left out.
    """
    import trafilatura

    found = trafilatura.bare_extraction(html, include_comments=False, with_metadata=True)
    if _has_headings(found) or not _HEADING.search(html) or not _BODY.search(html):
        return found
    article = _BODY.sub(r"\g<0><article>", html, count=1)
    whole = trafilatura.bare_extraction(article, include_comments=False, with_metadata=True)
    return whole if _has_headings(whole) else found


def _has_headings(found: Any) -> bool:
    return found is not None and found.body is not None and found.body.find(".//head") is not None


def _title(html: str, found: Any) -> str | None:
    """The first heading, where the page's title has it too, or what trafilatura takes for one."""
    named = _TITLE.search(html)
    whole = one_line(unescape(named[1])) if named else ""
    first = next(found.body.iter("head"), None)
    heading = "" if first is None else one_line(_inline(first))
    if heading and heading.casefold() in whole.casefold():
        return heading
    title = one_line(found.title or "")
    return title if title and title.casefold() in whole.casefold() else whole or title or None


def _decoded(data: bytes, charset: str | None) -> str:
    """The page as text, by its byte order mark, the server, its own words, or UTF-8."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    head = data[:4096]
    if b"\0" in head:
        raise DocumentError("is no web page (it has NUL bytes). Check what it is.")
    said = _META.search(head) or _XML.search(head)
    for name in (charset, said[1].decode("ascii") if said else None):
        if name and (known := _codec(name)):
            return data.decode(known, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DocumentError(
            f"line {line}: is no UTF-8 (byte 0x{data[error.start]:02x}), and it doesn't say what "
            "it is. Save it as UTF-8."
        ) from error


def _codec(name: str) -> str | None:
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    if codec.name in _NO_CHARSETS or not getattr(codec, "_is_text_encoding", True):
        return None
    return "cp1252" if codec.name in _WINDOWS else codec.name


def _blocks(parent: Any, level: int = 1) -> Iterator[str]:
    """The blocks inside an element of trafilatura's tree; loose text between them is paragraphs.

    `level` is that of the last heading with one.
    """
    loose: list[str] = [parent.text or ""]
    for child in parent:
        if _inside_a_line(child):
            loose.append(_inline(child))
        else:
            if paragraph := _paragraph("".join(loose)):
                yield paragraph
            loose = []
            if child.tag == "head":
                rend = child.get("rend") or ""
                own = int(rend[1:]) if re.fullmatch("h[1-6]", rend) else min(level + 1, 6)
                level = own if rend else level
                if title := one_line(_inline(child)):
                    yield f"{'#' * own} {title}"
            elif child.tag == "list":
                if lines := "\n".join(_items(child)):
                    yield lines
            elif child.tag == "table":
                yield from _table(child, level)
            elif child.tag == "code":
                yield "```\n" + "".join(child.itertext()).strip("\n") + "\n```"
            else:
                yield from _blocks(child, level)
        loose.append(child.tail or "")
    if paragraph := _paragraph("".join(loose)):
        yield paragraph


def _unlinked(blocks: Sequence[str]) -> Iterator[str]:
    """The blocks; headings without the sign of a link to themselves."""
    ends = Counter(block[-1] for block in blocks if block[0] == "#")
    signs = "¶§🔗#" if ends["#"] > max(2, ends.total() / 2) else "¶§🔗"  # a single one is C#
    for block in blocks:
        if block[0] == "#":
            block = re.sub(r"(?<=#) [¶§🔗]+ *", " ", block).rstrip(f"{signs} \u00a0")
        yield block


def _inside_a_line(element: Any) -> bool:
    """Whether an element goes on with the text before it; code does, where it is one line."""
    if element.tag == "code":
        return "\n" not in "".join(element.itertext()).strip()
    return element.tag in _INLINE


def _inline(element: Any) -> str:
    """The text of an element, `_BREAK` for a line break; what is struck out is left out."""
    if element.tag == "del":
        return ""
    if element.tag == "lb":
        return _BREAK
    parts = [element.text or ""]
    for child in element:
        parts += (_inline(child), child.tail or "")
    return "".join(parts)


def _paragraph(text: str) -> str:
    lines = map(one_line, text.split(_BREAK))
    return "\n".join(line for line in lines if line)


def _items(element: Any, indent: str = "") -> Iterator[str]:
    """The lines of a list; a list inside an item is indented under its text."""
    number = 0
    ordered = element.get("rend") == "ol"
    for item in element:
        if item.tag != "item":
            continue
        if (item.get("rend") or "").startswith("dd"):  # what a term means stands under the term
            if text := one_line(_flat(item)):
                yield f"{indent}  {text}"
            continue
        number += 1
        mark = f"{number}. " if ordered else "- "
        if text := one_line(_flat(item)):
            yield f"{indent}{mark}{text}"
        for inner in item.iterchildren("list"):
            yield from _items(inner, indent + " " * len(mark))


def _flat(item: Any) -> str:
    """The text of a list's item, without the lists in it, or of a table's cell."""
    parts = [item.text or ""]
    for child in item:
        if _inside_a_line(child):
            parts.append(_inline(child))
        elif child.tag != "list" or item.tag == "cell":
            parts += (" ", _flat(child), " ")
        parts.append(child.tail or "")
    return "".join(parts)


def _table(element: Any, level: int) -> Iterator[str]:
    """A table; one that has a single column was made for the layout, and is its paragraphs."""
    rows = [
        [one_line(_flat(cell)) for cell in row.iterchildren("cell")] for row in element.iter("row")
    ]
    rows = [row for row in rows if any(row)]
    if rows and max(map(len, rows)) > 1:
        yield table_lines(rows)
    else:
        for cell in element.iter("cell"):
            yield from _blocks(cell, level)
