"""Questions held out for `calibrate`: put aside here, and kept out of all that is learnt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.review.changes import Reviewer, one_line
from bot.channels.review.workspace import Entry, Snapshot
from bot.errors import KnowledgeError
from bot.knowledge.exam import Question, read_exam
from bot.knowledge.files import CALIBRATION
from bot.matching.calibration import questions_needed
from bot.wording import normalise

NOTHING = "-"  # in a form, in place of a pair: the documents don't answer it
MAX_WRONG = 0.05  # the risk that is spoken of where the knowledge names none


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How many calibration questions there are, and `needed` for the risk `max_wrong`."""

    count: int
    needed: int
    max_wrong: float

    def __str__(self) -> str:
        many = f"{self.count:,} calibration question{'' if self.count == 1 else 's'}"
        return f"{many}; calibrate --max-wrong {self.max_wrong:g} needs at least {self.needed:,}"


def held_out(snapshot: Snapshot) -> HeldOut:
    """Raises QuothError with file and line where calibration.jsonl can't be read."""
    share = snapshot.knowledge.max_wrong
    share = MAX_WRONG if share is None else share
    return HeldOut(len(_questions(snapshot)), questions_needed(share), share)


def refuse_held_out(snapshot: Snapshot, texts: Sequence[str]) -> None:
    """Raises KnowledgeError where one of `texts` is a calibration question: what is learnt would
    no longer be held out, and calibrating on it would promise too much."""
    known = {normalise(question.text) for question in _questions(snapshot)}
    for text in texts:
        if normalise(text) in known:
            raise KnowledgeError(
                f"{text!r} is held out as a calibration question and can't be learnt too; take it "
                f"out of {CALIBRATION} first"
            )


def put_aside(
    snapshot: Snapshot, entry: Entry | None, texts: Sequence[str], reviewer: Reviewer
) -> dict[str, str | None]:
    """`texts` behind the calibration questions: the pair of `entry` answers them; None: nothing
    in the documents does. Raises KnowledgeError where one is there already, or learnt."""
    if entry is not None and entry.pair is None:
        raise KnowledgeError("the answer of this pair no longer stands in its document")
    kind = "unanswerable" if entry is None else "answerable"
    gold = [] if entry is None or entry.pair is None else [entry.pair.answer]
    learnt = _learnt(snapshot)
    known = {normalise(question.text) for question in _questions(snapshot)}
    before = snapshot.texts[CALIBRATION] or ""
    end = "\r\n" if "\r\n" in before else "\n"
    rows = []
    for text in map(one_line, texts):
        said = normalise(text)
        if said in known:
            raise KnowledgeError(f"{text!r} is a calibration question already")
        if said in learnt:
            raise KnowledgeError(
                f"{text!r} is learnt already, {learnt[said]}: such a question is not held out"
            )
        known.add(said)
        row = {"q": text, "kind": kind, "gold": gold, "from": reviewer.asked}
        rows.append(json.dumps(row, ensure_ascii=False) + end)
    gap = end if before and not before.endswith("\n") else ""
    return {CALIBRATION: before + gap + "".join(rows)}


def _questions(snapshot: Snapshot) -> list[Question]:
    if not (snapshot.texts[CALIBRATION] or "").strip():
        return []
    exam = read_exam(snapshot.knowledge.root / CALIBRATION)
    return [question for dialogue in exam for question in dialogue]


def _learnt(snapshot: Snapshot) -> dict[str, str]:
    """Where each text that the bot has learnt stands, in words."""
    found = {normalise(p.question): "as a known gap" for p in snapshot.knowledge.prototypes}
    for entry in snapshot.entries:
        for text in (entry.question, *entry.variants):
            found[normalise(text)] = f"as a wording of “{entry.question}”"
    return found
