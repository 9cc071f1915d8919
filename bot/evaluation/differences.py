"""What an edit of the knowledge changes for those who ask: the same questions to two bots.

The questions are those of exams, the labelled ones, the pairs' own wordings and what visitors asked
in vain. Two answers are the same where the same words are quoted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bot.channels.batch import converse
from bot.knowledge.exam import read_exam
from bot.types import Answered, QAPair, Reply
from bot.wording import normalise

if TYPE_CHECKING:
    from bot.bot import Bot
    from bot.knowledge.knowledge import Knowledge

Change = Literal["changed", "stopped", "started", "otherwise"]

THREADS = 4  # conversations at once: their questions share passes of the encoder
# Changes of an answer; "otherwise" is another reply without one, such as another reason.
COUNTED: tuple[Change, ...] = ("changed", "stopped", "started")


@dataclass(frozen=True, slots=True)
class Held:
    """One conversation to hold: its questions in order, and where they come from."""

    questions: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question got: the quotes where it was answered, by which pair; else why not."""

    kind: str
    reason: str | None
    quotes: tuple[str, ...] = ()
    pair: str | None = None  # its question

    @classmethod
    def of(cls, reply: Reply) -> Outcome:
        decision = reply.decision
        pair = decision.matches[0].pair.question if isinstance(decision, Answered) else None
        quotes = tuple(citation.quote for citation in reply.citations)
        return cls(decision.kind, reply.cause, quotes, pair)

    def to_json(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "reason": self.reason,
            "quotes": list(self.quotes),
            "pair": self.pair,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """A question that gets another reply than before; `source` says where it comes from."""

    question: str
    source: str
    before: Outcome
    after: Outcome

    @property
    def change(self) -> Change:
        if self.before.quotes and self.after.quotes:
            return "changed"
        if self.before.quotes or self.after.quotes:
            return "stopped" if self.before.quotes else "started"
        return "otherwise"

    def to_json(self) -> dict[str, object]:
        return {
            "change": self.change,
            "question": self.question,
            "source": self.source,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Edit:
    """A pair that stands in both versions, and which of its parts are different."""

    question: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`asked` counts the questions by source; `lost` are new wordings that miss their own pair.

    `new` counts the wordings that only the new version has. They are no part of `asked`: that
    they are answered now is what they were written for.
    """

    asked: Mapping[str, int]
    differences: tuple[Difference, ...]
    new: int
    lost: tuple[Difference, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    edited: tuple[Edit, ...]

    @property
    def questions(self) -> int:
        return sum(self.asked.values())

    def of(self, change: Change) -> tuple[Difference, ...]:
        return tuple(d for d in self.differences if d.change == change)

    @property
    def share(self) -> float:
        """Questions whose answer changed, began or ended, of all asked; 0..1."""
        return sum(len(self.of(change)) for change in COUNTED) / max(1, self.questions)

    def to_json(self) -> dict[str, object]:
        return {
            "asked": dict(self.asked),
            "questions": self.questions,
            "share": self.share,
            "differences": [difference.to_json() for difference in self.differences],
            "new_wordings": self.new,
            "new_wordings_lost": [difference.to_json() for difference in self.lost],
            "pairs": {
                "added": list(self.added),
                "removed": list(self.removed),
                "edited": [{"question": e.question, "parts": list(e.parts)} for e in self.edited],
            },
        }


def compare(
    old: Bot,
    new: Bot,
    more: Iterable[Held] = (),
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Comparison:
    """Asks both bots what their knowledges hold and the conversations of `more`.

    A question that stands in several places is asked once, for the first of them.
    `progress(done, of)` counts conversations.
    """
    unique: dict[tuple[str, ...], Held] = {}
    for held in (*more, *_own(old.knowledge), *_own(new.knowledge)):
        unique.setdefault(tuple(normalise(q) or q for q in held.questions), held)
    before = {normalise(w) for pair in old.knowledge.pairs for w in pair.wordings}
    owners = {normalise(w): pair for pair in new.knowledge.pairs for w in pair.wordings}
    asked: Counter[str] = Counter()
    differences: list[Difference] = []
    lost: list[Difference] = []
    count = 0
    found = _replies(old, new, list(unique.values()), progress)
    for held, pairs in zip(unique.values(), found, strict=True):
        for question, (was, now) in zip(held.questions, pairs, strict=True):
            difference = Difference(question, held.source, was, now)
            key = normalise(question)
            if held.source == "wordings" and key not in before:
                count += 1
                if owners[key].answer not in now.quotes:
                    lost.append(difference)
                continue
            asked[held.source] += 1
            if (was.quotes, was.kind, was.reason) != (now.quotes, now.kind, now.reason):
                differences.append(difference)
    added, removed, edited = _pairs(old.knowledge, new.knowledge)
    return Comparison(asked, tuple(differences), count, tuple(lost), added, removed, edited)


def _own(knowledge: Knowledge) -> Iterator[Held]:
    """The questions that a knowledge holds itself."""
    if knowledge.calibration is not None:
        for dialogue in read_exam(knowledge.calibration):
            yield Held(tuple(question.text for question in dialogue), "calibration")
    for pair in knowledge.pairs:
        for wording in pair.wordings:
            yield Held((wording,), "wordings")


def _replies(
    old: Bot, new: Bot, conversations: Sequence[Held], progress: Callable[[int, int], None]
) -> Iterator[list[tuple[Outcome, Outcome]]]:
    """Of each conversation the outcomes of its questions, before and after; in order."""

    def hold(held: Held) -> list[tuple[Outcome, Outcome]]:
        sides = (
            [Outcome.of(reply) for reply, _ in converse(bot.ask, held.questions)]
            for bot in (old, new)
        )
        return list(zip(*sides, strict=True))

    with ThreadPoolExecutor(THREADS) as pool:
        for done, outcomes in enumerate(pool.map(hold, conversations), 1):
            yield outcomes
            progress(done, len(conversations))


def _pairs(
    old: Knowledge, new: Knowledge
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Edit, ...]]:
    """Pairs added, removed and edited. A pair stays itself under another question to its answer."""
    before = {normalise(pair.question): pair for pair in old.pairs}
    after = {normalise(pair.question): pair for pair in new.pairs}
    edited = [Edit(after[q].question, _parts(before[q], after[q])) for q in after if q in before]
    gone = {(p.provenance.document_id, p.answer): p for q, p in before.items() if q not in after}
    added = []
    for question, pair in after.items():
        if question in before:
            continue
        other = gone.pop((pair.provenance.document_id, pair.answer), None)
        if other is None:
            added.append(pair.question)
        else:
            edited.append(Edit(pair.question, ("question", *_parts(other, pair))))
    kept = {normalise(pair.question) for pair in gone.values()}
    removed = [p.question for q, p in before.items() if q not in after and q in kept]
    return tuple(added), tuple(removed), tuple(edit for edit in edited if edit.parts)


def _parts(before: QAPair, after: QAPair) -> tuple[str, ...]:
    parts = {
        "answer": before.answer != after.answer,
        "wordings": set(before.variants) != set(after.variants),
        "subjects": before.subjects != after.subjects,
        "review": (before.reviewed, before.review_by) != (after.reviewed, after.review_by),
    }
    return tuple(name for name, differs in parts.items() if differs)
