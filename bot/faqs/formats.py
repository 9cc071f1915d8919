"""The formats by name: how each is written, read back, and what it can hold of an entry."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.errors import DocumentError, NoFaqError
from bot.faqs.azure import (
    faq_of_azure,
    held_by_azure_json,
    held_by_azure_table,
    is_azure_json,
    is_azure_table,
    is_azure_tsv,
    read_azure_table,
    read_azure_tsv,
    write_azure_json,
    write_azure_tsv,
    write_azure_workbook,
)
from bot.faqs.delimited import decoded, read_delimited, write_csv, write_tsv
from bot.faqs.entries import Faq, FaqEntry
from bot.faqs.json_lines import read_json_lines, read_rows, write_json_lines
from bot.faqs.qnabot import faq_of_qnabot, held_by_qnabot, is_qnabot, write_qnabot
from bot.faqs.schema_org import (
    faq_of,
    find_json_ld,
    held_by_json_ld,
    read_html,
    write_json_ld,
)
from bot.faqs.tables import is_header, read_table
from bot.faqs.workbooks import read_sheets, write_workbook

MAX_BYTES = 64 * 1024 * 1024
_PAGES = (".html", ".htm")


def _all(entry: FaqEntry) -> FaqEntry:
    return entry


@dataclass(frozen=True, slots=True)
class Format:
    """`held` is what is read back of an entry; None where the format can't hold it at all."""

    name: str
    suffix: str
    write: Callable[[Sequence[FaqEntry]], bytes]
    held: Callable[[FaqEntry], FaqEntry | None] = _all


FORMATS = (
    Format("csv", ".csv", write_csv),
    Format("tsv", ".tsv", write_tsv),
    Format("xlsx", ".xlsx", write_workbook),
    Format("jsonl", ".jsonl", write_json_lines),
    Format("faqpage", ".jsonld", write_json_ld, held_by_json_ld),
    Format("azure-tsv", ".tsv", write_azure_tsv, held_by_azure_table),
    Format("azure-xlsx", ".xlsx", write_azure_workbook, held_by_azure_table),
    Format("azure-json", ".json", write_azure_json, held_by_azure_json),
    Format("qnabot", ".json", write_qnabot, held_by_qnabot),
)


def is_faq(path: Path) -> bool:
    """Whether a file is a FAQ and no document: by its suffix, a page by what it holds."""
    suffix = path.suffix.lower()
    if suffix not in _PAGES:
        return suffix in _READERS
    try:
        return bool(find_json_ld(decoded(_bytes(path))))
    except DocumentError:
        return False  # said by whoever reads it as a document


def read_faq(path: Path) -> Faq:
    """The entries of a file, in its order, and the rows that could not be taken.

    Raises DocumentError, which names the file and what to do; NoFaqError where it may well be
    meant for something else.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DocumentError(f"{path}: is of no known format. Known: {', '.join(_READERS)}")
    data = _bytes(path)
    try:
        faq = reader(data)
    except DocumentError as error:
        raise type(error)(f"{path}: {error}") from error
    if not faq.entries:
        first = f" Row {faq.faults[0].row} {faq.faults[0].message}" if faq.faults else ""
        raise DocumentError(f"{path}: holds no question with an answer.{first}")
    return faq


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DocumentError(f"{path}: is larger than {MAX_BYTES // 2**20} MiB; split it")
        return path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path}: can't be read: {error.strerror or error}") from error


def _read_tsv(data: bytes) -> Faq:
    return read_azure_tsv(data) if is_azure_tsv(data) else read_delimited(data)


def _read_workbook(data: bytes) -> Faq:
    """Every sheet whose first row names questions and answers; others are passed over."""
    faqs = []
    for rows in read_sheets(data):
        if rows and is_azure_table(rows[0][1]):
            faqs.append(read_azure_table(rows[0][1], rows[1:]))
        elif rows and is_header(rows[0][1]):
            faqs.append(read_table(rows))
    if not faqs:
        raise NoFaqError(
            "no sheet names columns 'question' and 'answer' in its first row; add such a row"
        )
    return Faq(
        tuple(entry for faq in faqs for entry in faq.entries),
        tuple(fault for faq in faqs for fault in faq.faults),
    )


def _read_json(data: bytes) -> Faq:
    """An export of a service, a FAQPage, or a list of the objects that JSON lines have."""
    try:
        value = json.loads(decoded(data))
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"is no JSON ({error}); mend it there") from error
    if is_qnabot(value):
        return faq_of_qnabot(value)
    if is_azure_json(value):
        return faq_of_azure(value)
    if isinstance(value, list) and any(
        isinstance(row, dict) and "question" in row for row in value
    ):
        return read_rows(value)
    try:
        return faq_of(value)
    except DocumentError:
        raise NoFaqError(
            "is JSON of an unknown form; known are exports of QnABot, QnA Maker and Azure custom "
            'question answering, FAQPage JSON-LD, and lists of {"question", "answer"}'
        ) from None


_READERS: dict[str, Callable[[bytes], Faq]] = {
    ".csv": read_delimited,
    ".tsv": _read_tsv,
    ".xlsx": _read_workbook,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": _read_json,
    ".jsonld": _read_json,
    **dict.fromkeys(_PAGES, read_html),
}
SUFFIXES = tuple(_READERS)  # of the files that may be a FAQ
