"""XLSX: the same table in a spreadsheet's own file. Every cell is text, a formula never.

What XML can't hold stands in a cell as _xHHHH_ (ECMA-376, 22.9.2.19).
"""

from __future__ import annotations

import datetime
import io
import re
import zipfile
from collections.abc import Sequence

from bot.errors import DocumentError
from bot.faqs.entries import FaqEntry
from bot.faqs.tables import Row, table_of

MAX_UNPACKED = 256 * 1024 * 1024  # bytes of all parts of a file, unpacked
CELL_LIMIT = 32_767  # characters, as Excel has it
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def write_workbook(entries: Sequence[FaqEntry]) -> bytes:
    """Raises DocumentError where a text is too long for a cell."""
    return workbook_of(table_of(entries))


def read_sheets(data: bytes) -> list[list[Row]]:
    """The rows of each sheet as texts, without those that are empty. Raises DocumentError."""
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                size = f"{MAX_UNPACKED // 2**20} MiB"
                raise DocumentError(f"holds more than {size} when unpacked; split it")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        return [
            [
                (number, [_text(value) for value in row])
                for number, row in enumerate(sheet.iter_rows(values_only=True), 1)
                if any(value is not None for value in row)
            ]
            for sheet in book.worksheets
        ]
    except DocumentError:
        raise
    except Exception as error:  # openpyxl lets through whatever zip, XML and dates raise
        raise DocumentError(
            f"can't be read as XLSX ({type(error).__name__}: {error}); open it in a spreadsheet "
            "program and save it anew as .xlsx, without a password"
        ) from error


def workbook_of(rows: Sequence[Sequence[str]]) -> bytes:
    """A file of one sheet. Raises DocumentError where a text is too long for a cell."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    lines = [[_UNSAFE.sub(_escape, text) for text in cells] for cells in rows]
    for text in (text for cells in lines for text in cells):
        if len(text) > CELL_LIMIT:
            raise DocumentError(
                f"a cell of XLSX holds {CELL_LIMIT:,} characters and the text that begins "
                f"{text[:40]!r} has {len(text):,}; export to csv or jsonl"
            )
    book = Workbook(write_only=True)
    sheet = book.create_sheet("FAQ")
    for cells in lines:
        line = [WriteOnlyCell(sheet, text) for text in cells]
        for cell, text in zip(line, cells, strict=True):
            cell.data_type = "s"  # a text, whatever it begins with
            cell.quotePrefix = text[:1] in ("=", "+", "-", "@")  # and after an edit too
        sheet.append(line)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _escape(found: re.Match[str]) -> str:
    return f"_x{ord(found.group()):04X}_"


def _text(value: object) -> str:
    """What a cell shows; a number without its format, a date as ISO 8601 has it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), value)
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)
