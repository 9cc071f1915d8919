"""CSV and TSV, as spreadsheets write and read them (RFC 4180).

A cell that a spreadsheet would take for a formula gets an apostrophe in front, which is taken away
again when it is read (OWASP, "CSV injection"); so does one that begins with apostrophes before
such a sign, so that every text comes back as it was.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence

from bot.faqs.entries import Faq, FaqEntry, FaqFault, unified
from bot.faqs.tables import Row, is_header, read_table, table_of

_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
_GUARDED = re.compile(r"'+[=+\-@\t\r＝＋－＠]")
_SEPARATOR = re.compile(r"\Asep=.\n", re.I)  # a line of its own, by which Excel knows it
_STRAY = 100  # rows with a quote that nothing closes, after which the rest is given up


def read_delimited(data: bytes) -> Faq:
    """The separator is that of the row of names: a comma, a semicolon or a tab.

    Raises DocumentError where that row names no questions and answers. A row that is no UTF-8
    costs itself only.
    """
    text = unified(decoded(data))
    text = _SEPARATOR.sub("\n", text)
    head = text.lstrip("\n").partition("\n")[0]
    separators = (s for s in ",;\t" if is_header(_cells(head, s)))
    faults: list[FaqFault] = []
    faq = read_table(_rows(text, next(separators, ","), faults))
    return Faq(faq.entries, tuple(sorted((*faq.faults, *faults), key=lambda f: f.row)))


def write_delimited(entries: Sequence[FaqEntry], separator: str) -> bytes:
    """With a byte order mark, by which spreadsheets know UTF-8, and lines that end with CR LF."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator="\r\n")
    writer.writerows([guarded(cell) for cell in row] for row in table_of(entries))
    return codecs.BOM_UTF8 + stream.getvalue().encode("utf-8")


def decoded(data: bytes) -> str:
    """UTF-8, or UTF-16 where a mark says so; a byte that is neither becomes half a character."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    return data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")


def _cells(line: str, separator: str) -> list[str]:
    """The cells of one line; none where it can't be a row of names."""
    try:
        return [_plain(cell) for cell in next(csv.reader([line], delimiter=separator))]
    except csv.Error:  # a text of 128 kB without a separator
        return []


def _rows(text: str, separator: str, faults: list[FaqFault]) -> Iterator[Row]:
    """The rows with the lines they begin on; a row with a stray quote costs that line only."""
    lines = text.split("\n")
    lines = [line + "\n" for line in lines[:-1]] + lines[-1:]
    begin = 0
    while begin < len(lines):
        reader = csv.reader(lines[begin:], delimiter=separator, strict=True)
        read = 0
        try:
            for cells in reader:
                yield begin + read + 1, [_plain(cell) for cell in cells]
                read = reader.line_num
            return
        except csv.Error as error:
            line = begin + read + 1
            remedy = "Double every quote inside a quoted text."
            faults.append(FaqFault(line, f"is no row of a table ({error}). {remedy}"))
            if len(faults) == _STRAY:
                faults.append(FaqFault(line + 1, "and all after it are not read: see those above."))
                return
            begin += read + 1


def guarded(cell: str) -> str:
    """`cell` so that no spreadsheet takes it for a formula."""
    return "'" + cell if _FORMULA.match(cell) else cell


def _plain(cell: str) -> str:
    return cell[1:] if _GUARDED.match(cell) else cell


def write_csv(entries: Sequence[FaqEntry]) -> bytes:
    return write_delimited(entries, ",")


def write_tsv(entries: Sequence[FaqEntry]) -> bytes:
    return write_delimited(entries, "\t")
