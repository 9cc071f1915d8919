"""JSON lines: {"question", "answer", "variants"?, "source"?, "id"?, "metadata"?, "group"?} a line.

Rows of one "group" with one answer are other wordings of one question. Further fields are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from bot.faqs.entries import Faq, FaqEntry, FaqFault, Gathering, make_entry


def read_json_lines(data: bytes) -> Faq:
    """A line that is no UTF-8 or no JSON costs itself only."""
    return read_rows(_values(data.removeprefix(b"\xef\xbb\xbf").split(b"\n")))


def write_json_lines(entries: Iterable[FaqEntry]) -> bytes:
    return "".join(
        json.dumps(_row(entry), ensure_ascii=False, separators=(", ", ": ")) + "\n"
        for entry in entries
    ).encode("utf-8")


def read_rows(rows: Iterable[object]) -> Faq:
    """The entries of rows in order; None stands for a blank line, a FaqFault for a broken one."""
    gathering = Gathering()
    for number, row in enumerate(rows, 1):
        if row is None:
            continue
        if isinstance(row, FaqFault):
            gathering.faults.append(row)
            continue
        try:
            gathering.add(*_take(row))
        except ValueError as error:
            gathering.fault(number, str(error))
    return gathering.faq()


def _values(lines: Iterable[bytes]) -> Iterator[object]:
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            yield None
            continue
        try:
            yield json.loads(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            byte = f"byte 0x{raw[error.start]:02x} at position {error.start + 1}"
            yield FaqFault(number, f"is no UTF-8 ({byte}). Save it as UTF-8.")
        except (ValueError, RecursionError) as error:
            yield FaqFault(number, f"is no JSON ({error}). Write one object a line.")


def _take(row: object) -> tuple[FaqEntry, str]:
    """The entry of a row and its group ("" for none). Raises ValueError."""
    if not isinstance(row, dict):
        raise ValueError(f"is {type(row).__name__}, not an object with a question.")
    question, answer, group = row.get("question"), row.get("answer"), row.get("group")
    if not isinstance(question, str) or not question.strip():
        raise ValueError('has no "question" with text in it.')
    if not isinstance(answer, str):
        raise ValueError('has no "answer" of text (an empty one is allowed).')
    if group is not None and (isinstance(group, bool) or not isinstance(group, str | int)):
        raise ValueError('has a "group" that is neither text nor a whole number.')
    variants, metadata = row.get("variants"), row.get("metadata")
    entry = make_entry(
        [question, *(v for v in (variants if isinstance(variants, list) else ()) if is_text(v))],
        answer,
        source=label(row.get("source")),
        id=label(row.get("id")),
        metadata={k: label(v) for k, v in metadata.items()} if isinstance(metadata, dict) else {},
    )
    return entry, "" if group is None else str(group)


def is_text(value: object) -> bool:
    return isinstance(value, str)


def label(value: object) -> str:
    """A text or a number of JSON as text; "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def _row(entry: FaqEntry) -> dict[str, object]:
    row: dict[str, object] = {"question": entry.question, "answer": entry.answer}
    optional = {
        "variants": list(entry.variants),
        "source": entry.source,
        "id": entry.id,
        "metadata": dict(entry.metadata),
    }
    return row | {key: value for key, value in optional.items() if value}
