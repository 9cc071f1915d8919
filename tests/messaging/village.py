"""A tiny knowledge whose answers tell which question they answer, and in which order they come."""

from __future__ import annotations

import re
from pathlib import Path

# (question, the answer's words); answer n carries the sign Knn.
FACTS = (
    ("When does the bakery open?", "The bakery opens at seven in the morning"),
    ("Who repairs the old clock?", "The old clock is repaired by Mr Brandt"),
    ("Where is the swimming pool?", "The swimming pool lies behind the school"),
    ("How deep is the lake?", "The lake is forty metres deep"),
    ("What does the ferry cost?", "The ferry costs three coins"),
    ("Which train goes to the mountains?", "The green train goes to the mountains"),
    ("How many bells hang in the tower?", "Five bells hang in the tower"),
    ("What colour is the library?", "The library is painted yellow"),
    ("Who feeds the ducks?", "The ducks are fed by the gardener"),
    ("How old is the stone bridge?", "The stone bridge is three hundred years old"),
)
QUESTIONS = tuple(question for question, _ in FACTS)
NOTES = 14  # sentences of the disclaimer, so long that some platforms need several messages
_MARK = re.compile(r"\b[KN]\d\d\b")


def write_village(folder: Path) -> Path:
    """Write the knowledge into `folder`; returns it."""
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    answers = [f"{said}, says sign K{n:02}." for n, (_, said) in enumerate(FACTS)]
    notes = [
        f"Point N{n:02}: this is for information only and is no advice to rely on without a look "
        "at the sign itself."
        for n in range(NOTES)
    ]
    text = "\n\n".join(["# The village", *answers, "## Disclaimer", " ".join(notes)])
    (folder / "documents/village.md").write_text(text + "\n", encoding="utf-8")
    (folder / "knowledge.yaml").write_text(
        "title: The village\nlanguage: en\ndomain: general\n"
        "documents:\n  - file: documents/village.md\n    title: The village\n",
        encoding="utf-8",
    )
    pairs = zip(QUESTIONS, answers, strict=True)
    (folder / "pairs.yaml").write_text(
        "".join(f'- question: "{q}"\n  answer: "{a}"\n' for q, a in pairs), encoding="utf-8"
    )
    return folder


def marks(text: str) -> list[str]:
    """The signs and points that a message shows, in order."""
    return _MARK.findall(text)


def answer_marks(question: int) -> list[str]:
    """The marks of the whole answer to question `question`."""
    return [f"K{question:02}", *(f"N{n:02}" for n in range(NOTES))]
