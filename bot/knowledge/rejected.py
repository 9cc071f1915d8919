"""What a reviewer has rejected, so that drawing anew doesn't bring it back.

    rejected.yaml       document, answer, question

An entry without a question rejects every pair on its answer; one with a question that pair alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.knowledge.yaml_fields import Fields, entries_of, read_text, read_yaml
from bot.knowledge.yaml_scalars import entry, item

REJECTED = "rejected.yaml"

_HEAD = """\
# Pairs that a reviewer has rejected: drawing anew leaves them out. An entry without a question
# rejects every pair on its answer. Delete an entry to let it be drawn again.
"""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A pair that is not wanted; `question` None: no pair on this answer is.

    What it covers when a document is drawn anew: see `bot.drawing.merging`.
    """

    document: str
    answer: str
    question: str | None = None


def read_rejected(file: Path) -> tuple[Rejected, ...]:
    """() where there is no such file, or no entry in it; raises KnowledgeError with the line."""
    if not file.exists() or _says_nothing(read_text(file)):
        return ()
    rows = []
    for node in entries_of(read_yaml(file), file, "the file"):
        fields = Fields.of(node, file, "a rejected pair", ("document", "answer", "question"))
        question = fields.text("question")
        rows.append(
            Rejected(
                fields.required("document").value,
                fields.required("answer").value,
                question.value if question else None,
            )
        )
    return tuple(rows)


def with_rejected(text: str | None, entries: Iterable[Rejected]) -> str:
    """The file's `text` (None: there is no file yet) with `entries` added at its end."""
    before = _HEAD if text is None or _says_nothing(text) else text.rstrip("\n") + "\n"
    return before + "".join("\n" + "\n".join(item(_fields(one))) + "\n" for one in entries)


def _says_nothing(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return not any(line and not line.startswith("#") and line != "[]" for line in lines)


def _fields(rejected: Rejected) -> Iterator[str]:
    yield from entry("document", rejected.document)
    yield from entry("answer", rejected.answer)
    if rejected.question is not None:
        yield from entry("question", rejected.question)
