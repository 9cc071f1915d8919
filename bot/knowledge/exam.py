"""An exam: questions with known answers, and the verdict on each reply.

A reply answers when its kind is "answer"; what it puts forward is its quotes. It is right when
the first quote holds a gold text (or lies within one), or the second does; wrong when no quote
does or the quotes are longer than a quote may be. Where gold is empty nothing must be answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bot.errors import KnowledgeError
from bot.types import QUOTE_LIMIT, Reply

Verdict = Literal["right", "wrong", "missed", "false"]

LEAST_WITHIN = 20  # characters: a shorter quote is no answer just because gold holds it
_SCORED_KINDS = frozenset({"answer", "clarify", "decline"})
_STRAIGHT = str.maketrans({"\u00a0": " ", "’": "'", "‘": "'", "“": '"', "”": '"'})


@dataclass(frozen=True, slots=True)
class Question:
    """One question (or turn) of an exam; `gold` empty: it must not be answered."""

    id: str
    text: str
    kind: str
    gold: tuple[str, ...]


Dialogue = tuple[Question, ...]  # asked in one conversation; a single question is one of length 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question, its reply and the verdict.

    `candidate` is the verbatim text the confidence speaks of: what was quoted, or, under a
    decline, what came nearest; empty where none is known.
    """

    question: Question
    reply: Reply
    candidate: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return judge(self.question.gold, self.reply)

    @property
    def scored(self) -> bool:
        """Whether the reply weighed a candidate at all: small talk and safety replies don't."""
        return self.reply.decision.kind in _SCORED_KINDS

    @property
    def score(self) -> float:
        """The confidence that the candidate answers, 0..1; 0 where none was weighed."""
        return self.reply.confidence if self.scored else 0.0

    @property
    def candidate_right(self) -> bool:
        """Whether putting the candidate forward would have been right."""
        return bool(self.question.gold) and matches(self.question.gold, self.candidate)


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.translate(_STRAIGHT)).strip().lower()


def matches(gold: Sequence[str], quotes: Sequence[str]) -> bool:
    """Whether `quotes` (the first two that are not empty count) put a text of `gold` forward."""
    shown = [quote for quote in map(_plain, quotes) if quote][:2]
    if not shown or sum(map(len, shown)) > QUOTE_LIMIT:
        return False
    first = shown[0]
    for wanted in map(_plain, gold):
        if wanted in first or (len(first) >= LEAST_WITHIN and first in wanted):
            return True
        if len(shown) > 1 and wanted in shown[1]:
            return True
    return False


def judge(gold: Sequence[str], reply: Reply) -> Verdict:
    """right | wrong | missed (declined though answerable) | false (answered though not)."""
    answered = reply.decision.kind == "answer"
    if not gold:
        return "false" if answered else "right"
    if not answered:
        return "missed"
    return "right" if matches(gold, [c.quote for c in reply.citations]) else "wrong"


def read_exam(file: Path, *, dialogues: bool = False) -> tuple[Dialogue, ...]:
    """Read an exam: JSON lines {"id", "q", "kind", "gold"}, or with `dialogues` {"id", "turns":
    [{"q", "gold", "expect"}]}. Raises KnowledgeError with file and line."""
    return tuple(dialogue for _, dialogue in read_lines(file, dialogues=dialogues))


def read_lines(file: Path, *, dialogues: bool = False) -> tuple[tuple[int, Dialogue], ...]:
    """The same, each with the line it stands on, from 1."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise KnowledgeError(f"can't be read: {error.strerror or error}", file) from error
    except UnicodeDecodeError as error:
        message = f"not UTF-8 at byte {error.start}; save it as UTF-8"
        raise KnowledgeError(message, file) from error
    exam = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            exam.append((number, tuple(_questions(json.loads(line), number, dialogues))))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            what = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
            raise KnowledgeError(f"not a row of an exam: {what}", file, number) from error
    if not exam:
        raise KnowledgeError("the exam has no questions", file)
    return tuple(exam)


def _questions(row: object, number: int, dialogues: bool) -> Iterator[Question]:
    if not isinstance(row, dict):
        raise TypeError("a JSON object is needed")
    if ("turns" in row) != dialogues:
        hint = "leave --dialogues out" if dialogues else "add --dialogues"
        raise ValueError(f"{'no turns' if dialogues else 'it has turns'}: {hint}")
    name = str(row.get("id", number))
    if not dialogues:
        yield _question(row, name, "kind")
        return
    if not isinstance(row["turns"], list) or not row["turns"]:
        raise TypeError('"turns" must be a list with at least one turn')
    for turn, fields in enumerate(row["turns"], 1):
        yield _question(fields, f"{name}.{turn}", "expect")


def _question(fields: object, name: str, kind: str) -> Question:
    if not isinstance(fields, dict):
        raise TypeError("a turn must be a JSON object")
    gold = fields["gold"]
    if not isinstance(gold, list) or not all(isinstance(text, str) for text in gold):
        raise TypeError('"gold" must be a list of texts')
    if not isinstance(fields["q"], str):
        raise TypeError('"q" must be a text')
    return Question(name, fields["q"], str(fields[kind]), tuple(gold))


def examine(
    exam: Iterable[Dialogue],
    converse: Callable[[Sequence[str]], Iterable[tuple[Reply, tuple[str, ...]]]],
    progress: Callable[[int], None] | None = None,
) -> tuple[Outcome, ...]:
    """Ask the whole exam. `converse` holds one conversation and gives, for each question, the
    reply and its candidate; `progress` is told the number of questions done."""
    outcomes: list[Outcome] = []
    for dialogue in exam:
        replies = converse([question.text for question in dialogue])
        for question, (reply, candidate) in zip(dialogue, replies, strict=True):
            outcomes.append(Outcome(question, reply, candidate))
            if progress is not None:
                progress(len(outcomes))
    return tuple(outcomes)
