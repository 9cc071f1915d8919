"""What was drawn last, before any edit: from it a redraw tells what an owner has taken away.

drawn.jsonl         {"document", "answer", "wordings", "drawer"} a line; only `draw` uses it
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from bot.errors import KnowledgeError
from bot.knowledge.yaml_fields import read_text
from bot.types import QAPair
from bot.wording import clean

DRAWN = "drawn.jsonl"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A pair as it was drawn, the question first; with wordings of earlier draws at the end."""

    document: str
    answer: str
    wordings: tuple[str, ...]
    drawer: str

    @classmethod
    def of(cls, pair: QAPair) -> Drawn:
        where = pair.provenance
        return cls(where.document_id, pair.answer, pair.wordings, where.drawer)

    @property
    def key(self) -> tuple[str, str]:
        return self.document, flat(self.answer)


def flat(answer: str) -> str:
    """What is compared of an answer: no difference in white space or the form of quotes."""
    return clean(answer)


def read_drawn(file: Path) -> tuple[Drawn, ...] | None:
    """None where there is no such file. Raises KnowledgeError with the line."""
    if not file.exists():
        return None
    rows = []
    for number, line in enumerate(read_text(file).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            wordings = tuple(map(str, row["wordings"]))
            rows.append(
                Drawn(str(row["document"]), str(row["answer"]), wordings, str(row["drawer"]))
            )
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            message = "is no record of a draw; restore the file, or delete it"
            raise KnowledgeError(message, file, number) from error
    return tuple(rows)


def drawn_text(rows: Iterable[Drawn]) -> str:
    """The file of `rows`, in an order of its own, so that it differs where they differ."""
    ordered = sorted(rows, key=lambda row: (row.document, row.answer, row.wordings[:1]))
    return "".join(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in ordered)
