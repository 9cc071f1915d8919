"""QnA Maker and Azure custom question answering: their exports, TSV, XLSX and JSON.

    Question  Answer  Source  Metadata  SuggestedQuestions  IsContextOnly  Prompts  QnaId  ...

The tables have a row a question; rows of one QnaId are wordings of one answer. A TSV cell is
written bare: a quote is a quote, and a new line is the two characters \\n. Metadata reads
`key:value | key:value`. JSON is {"qnaDocuments": [...]} (QnA Maker) or {"assets": {"qnas": [...]}}
(custom question answering). Follow-up prompts and suggested questions are not taken; what is shown
only after another answer is named and left out, for it answers no first question.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bot.errors import DocumentError
from bot.faqs.delimited import decoded
from bot.faqs.entries import Faq, FaqEntry, Gathering, make_entry, one_line, unified
from bot.faqs.json_lines import label
from bot.faqs.tables import Row
from bot.faqs.workbooks import workbook_of

COLUMNS = (
    "Question Answer Source Metadata SuggestedQuestions IsContextOnly Prompts QnaId".split()
)  # the newer service adds SourceDisplayName, and reads these
_LISTS = ("SuggestedQuestions", "Prompts")
_FIRST = ("Question", "Answer", "Source", "Metadata")
_CONTEXT_ONLY = (
    "is shown only after another answer, which Quoth doesn't do. Make its question one that "
    "stands alone, and set IsContextOnly to false."
)
_ESCAPE = re.compile(r"\\([\\ntr])")
_ESCAPES = {"\\": "\\", "n": "\n", "t": "\t", "r": "\n"}


def is_azure_table(header: Sequence[str]) -> bool:
    """Whether `header` names the columns as these services do, and not as others would."""
    return all(name in map(one_line, header) for name in _FIRST)


def is_azure_tsv(data: bytes) -> bool:
    return is_azure_table(unified(decoded(data[:4096])).partition("\n")[0].split("\t"))


def read_azure_tsv(data: bytes) -> Faq:
    """Raises DocumentError on one that a spreadsheet has written, for its quotes mean more."""
    lines = unified(decoded(data)).split("\n")
    rows = ((n, line.split("\t")) for n, line in enumerate(lines, 1) if line.strip())
    header = next(rows)[1]
    listed = [i for i, name in enumerate(header) if one_line(name) in _LISTS]
    body = list(rows)
    if any(cells[i].startswith('"[') for _, cells in body for i in listed if i < len(cells)):
        raise DocumentError(
            "was saved by a spreadsheet program, which quotes cells that the service writes "
            "bare; save it as .xlsx"
        )
    return read_azure_table(header, ((n, list(map(_unescaped, cells))) for n, cells in body))


def is_azure_json(value: object) -> bool:
    return _qnas(value) is not None


def faq_of_azure(value: object) -> Faq:
    """The entries of a JSON export, which `is_azure_json` knows."""
    gathering = Gathering()
    for number, item in enumerate(_qnas(value) or (), 1):
        try:
            gathering.add(_take(item))
        except ValueError as error:
            gathering.fault(number, str(error))
    return gathering.faq()


def write_azure_tsv(entries: Sequence[FaqEntry]) -> bytes:
    lines = ("\t".join(map(_escaped, row)) for row in _rows(entries))
    return ("\r\n".join(("\t".join(COLUMNS), *lines)) + "\r\n").encode("utf-8")


def write_azure_workbook(entries: Sequence[FaqEntry]) -> bytes:
    return workbook_of([COLUMNS, *_rows(entries)])


def write_azure_json(entries: Sequence[FaqEntry]) -> bytes:
    """For "import a project" of custom question answering."""
    qnas = [
        {
            "id": number,
            "answer": entry.answer,
            "source": entry.source,
            "questions": list(entry.wordings),
            "metadata": dict(entry.metadata),
            "dialog": {"isContextOnly": False, "prompts": []},
            "activeLearningSuggestions": [],
        }
        for number, entry in enumerate(entries, 1)
    ]
    text = json.dumps({"assets": {"synonyms": [], "qnas": qnas}}, ensure_ascii=False, indent=2)
    return (text + "\n").encode("utf-8")


def held_by_azure_json(entry: FaqEntry) -> FaqEntry:
    """`entry` without its id: an import replaces all that is there, and numbers it anew."""
    return replace(entry, id="")


def held_by_azure_table(entry: FaqEntry) -> FaqEntry:
    """Also without metadata that has a sign of its own form in it."""
    fine = (
        (key, text)
        for key, text in entry.metadata
        if ":" not in key and "|" not in key and "|" not in text
    )
    return replace(held_by_azure_json(entry), metadata=tuple(fine))


def read_azure_table(header: Sequence[str], rows: Iterable[Row]) -> Faq:
    names = [one_line(name) for name in header]
    gathering = Gathering()
    for number, cells in rows:
        if len(cells) < 2 or len(cells) > len(names):
            gathering.fault(
                number,
                f"has {len(cells)} cells and not {len(names)}. Write a new line as \\n, a tab as "
                "\\t, and one row a line.",
            )
            continue
        row = dict(zip(names, cells, strict=False))
        try:
            if row.get("IsContextOnly", "").strip().lower() == "true":
                raise ValueError(_CONTEXT_ONLY)
            pairs = (part.partition(":") for part in row.get("Metadata", "").split("|"))
            entry = make_entry(
                [row.get("Question", "")],
                row.get("Answer", ""),
                source=row.get("Source", ""),
                metadata=[(key, value) for key, _, value in pairs],
            )
            gathering.add(entry, one_line(row.get("QnaId", "")))
        except ValueError as error:
            gathering.fault(number, str(error))
    return gathering.faq()


def _rows(entries: Sequence[FaqEntry]) -> Iterator[list[str]]:
    for number, entry in enumerate(entries, 1):
        held = held_by_azure_table(entry)
        metadata = " | ".join(f"{key}:{text}" for key, text in held.metadata)
        for wording in entry.wordings:
            yield [wording, entry.answer, entry.source, metadata, "[]", "False", "[]", str(number)]


def _qnas(value: object) -> list[object] | None:
    if not isinstance(value, dict):
        return None
    assets = value.get("assets")
    found = assets.get("qnas") if isinstance(assets, dict) else value.get("qnaDocuments")
    return found if isinstance(found, list) else None


def _take(item: object) -> FaqEntry:
    """Raises ValueError."""
    if not isinstance(item, dict):
        raise ValueError("is no object with questions and an answer.")
    questions, answer = item.get("questions"), item.get("answer")
    if not isinstance(questions, list) or not isinstance(answer, str):
        raise ValueError('has no "questions" (a list) or no "answer" (a text).')
    context = item.get("dialog") or item.get("context")
    if isinstance(context, dict) and context.get("isContextOnly") is True:
        raise ValueError(_CONTEXT_ONLY)
    given = item.get("metadata")
    if isinstance(given, list):  # QnA Maker
        pairs = [(label(m.get("name")), label(m.get("value"))) for m in given if type(m) is dict]
    else:
        pairs = [(k, label(v)) for k, v in given.items()] if isinstance(given, dict) else []
    return make_entry(
        [question for question in questions if isinstance(question, str)],
        answer,
        source=label(item.get("source")),
        metadata=pairs,
    )


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")


def _unescaped(cell: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPES[found.group(1)], cell)
