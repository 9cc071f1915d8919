"""A table with a row of names: what CSV, TSV and XLSX have in common.

    question  variants  answer  source  id  ...every other column is metadata under its name

`variants` holds one wording a line; columns question1, question2 ... are wordings too, and rows of
the same `group` with the same answer are one entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.errors import NoFaqError
from bot.faqs.entries import Faq, FaqEntry, Gathering, make_entry, one_line

_ROLES = {
    "answer": ("answer", "answers", "a", "response", "reply"),
    "variants": ("variants", "variations", "alternatives", "other wordings", "alternate questions"),
    "source": ("source", "url", "link"),
    "id": ("id", "qid"),
    "group": ("group",),
}
_QUESTION = re.compile(r"(?:questions?|q)\s*\d*")
_MARK = "metadata:"  # before a key that would else be taken for a column of another meaning

Row = tuple[int, Sequence[str]]  # its line or row in the file, its cells


def is_header(cells: Iterable[str]) -> bool:
    """Whether `cells` name a column of questions and one of answers."""
    names = [one_line(cell).casefold() for cell in cells]
    return any(map(_QUESTION.fullmatch, names)) and any(n in _ROLES["answer"] for n in names)


def read_table(rows: Iterable[Row]) -> Faq:
    """Raises NoFaqError where the first row that isn't blank names no questions and answers."""
    rest = iter(rows)
    header: Sequence[str] = next((c for _, c in rest if any(map(str.strip, c))), ())
    if not is_header(header):
        found = f"; it holds {' | '.join(one_line(c) for c in header)[:60]!r}" if header else ""
        raise NoFaqError(
            "the first row must name the columns, 'question' and 'answer' among them" + found
        )
    columns = _columns(header)
    gathering = Gathering()
    for number, cells in rest:
        if not any(map(str.strip, cells)):
            continue
        if len(cells) > len(header) and any(map(str.strip, cells[len(header) :])):
            gathering.fault(
                number,
                f"has {len(cells)} cells, but only {len(header)} columns have a name. Put a text "
                "with a separator in it in double quotes.",
            )
            continue
        try:
            gathering.add(*_take(cells, columns))
        except ValueError as error:
            gathering.fault(number, str(error))
    return gathering.faq()


def table_of(entries: Sequence[FaqEntry]) -> list[list[str]]:
    """The rows that `read_table` reads back, the names of the columns first."""
    keys = sorted({key for entry in entries for key, _ in entry.metadata})
    rows = [["question", "variants", "answer", "source", "id", *map(_column_name, keys)]]
    for entry in entries:
        metadata = dict(entry.metadata)
        rows.append(
            [
                entry.question,
                "\n".join(entry.variants),
                entry.answer,
                entry.source,
                entry.id,
                *(metadata.get(key, "") for key in keys),
            ]
        )
    return rows


def _columns(header: Sequence[str]) -> list[tuple[str, str]]:
    """For each column its role and, where that is metadata, its key."""
    columns: list[tuple[str, str]] = []
    for cell in header:
        name = one_line(cell)
        role = _role(name)
        if role != "question" and any(role == taken for taken, _ in columns):
            role = "metadata"
        key = name[len(_MARK) :] if name.casefold().startswith(_MARK) else name
        columns.append((role, key) if role == "metadata" else (role, ""))
    return columns


def _role(name: str) -> str:
    folded = name.casefold()
    if _QUESTION.fullmatch(folded):
        return "question"
    found = (role for role, names in _ROLES.items() if folded in names)
    return next(found, "metadata")


def _column_name(key: str) -> str:
    marked = _role(key) != "metadata" or key.casefold().startswith(_MARK)
    return _MARK + key if marked else key


def _take(cells: Sequence[str], columns: Sequence[tuple[str, str]]) -> tuple[FaqEntry, str]:
    """The entry of a row and its group. Raises ValueError."""
    wordings: list[str] = []
    texts = {"answer": "", "variants": "", "source": "", "id": "", "group": ""}
    metadata: dict[str, str] = {}
    for (role, key), cell in zip(columns, cells, strict=False):
        if role == "question":
            wordings.append(cell)
        elif role == "metadata":
            metadata.setdefault(key, cell)
        else:
            texts[role] = cell
    if not any(map(str.strip, wordings)):
        raise ValueError("has no question. Write one, or delete the row.")
    wordings += re.split(r"[\r\n]+", texts["variants"])
    entry = make_entry(
        wordings, texts["answer"], source=texts["source"], id=texts["id"], metadata=metadata
    )
    return entry, one_line(texts["group"])
