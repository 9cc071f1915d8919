"""Which questions each pair wins and loses: the bot asked again, in the background, after every
edit.

Asked are the wordings of all pairs, the calibration questions (which say what is right) and what
visitors asked and got no answer to. The wordings of the pair being looked at come first.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from bot.errors import QuothError
from bot.knowledge.checking import check
from bot.knowledge.exam import matches, read_exam
from bot.knowledge.files import PAIRS
from bot.knowledge.knowledge import Knowledge
from bot.types import Answered, Clarified, Declined, QAPair
from bot.wording import normalise

if TYPE_CHECKING:
    from bot.bot import Bot

MOST_WORDINGS = 3000  # of all pairs that are asked; those looked at are asked all the same
MOST_CHANGES = 50
SHOWN_EACH = 10  # questions, after which the pages see the outcomes

log = logging.getLogger("quoth.review")

Source = Literal["wording", "calibration", "visitors"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to try; `gold` are texts that answer it (empty: nothing does, None: unknown)."""

    question: str
    source: Source
    gold: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a question comes to: the answer found, or None and the kind of reply instead.

    `pair` is the id of the pair that wins; `probability` 0..1 is of the best candidate.
    """

    asked: Asked
    kind: str
    pair: str | None
    answer: str | None
    probability: float

    @property
    def right(self) -> bool | None:
        """Whether that is right; None where nobody knows."""
        if self.asked.gold is None:
            return None
        if self.answer is None:
            return not self.asked.gold
        return bool(self.asked.gold) and matches(self.asked.gold, [self.answer])


@dataclass(frozen=True, slots=True)
class Change:
    """A question whose answer is another one since the last edit (None: it is not answered)."""

    question: str
    before: str | None
    after: str | None
    right: bool | None


@dataclass(frozen=True, slots=True)
class Board:
    """All outcomes so far, by question. `state`: the bot is being made, it is being asked, all is
    known, or it could not be made (`problem` says why)."""

    state: Literal["making", "asking", "done", "failed"] = "making"
    bot: Bot | None = None
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    of: int = 0
    changes: tuple[Change, ...] = ()
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by pair id
    problem: str = ""

    def own(self, pair: QAPair) -> list[tuple[str, Outcome | None]]:
        """The wordings of `pair` with their outcomes, None where not asked yet."""
        return [(text, self.outcomes.get(text)) for text in pair.wordings]

    def finds(self, pair: QAPair, outcome: Outcome) -> bool:
        """Whether `outcome` is `pair`'s answer."""
        return outcome.answer == pair.answer

    def won(self, pair: QAPair) -> list[Outcome]:
        """What else it wins, surest first; what is wrongly won before the rest."""
        own = {normalise(text) for text in pair.wordings}
        found = [
            o
            for o in self.outcomes.values()
            if o.pair == pair.id and normalise(o.asked.question) not in own
        ]
        return sorted(found, key=lambda o: (o.right is not False, -o.probability))

    def lost(self, pair: QAPair) -> list[Outcome]:
        """What it should answer, as the calibration questions say, and doesn't."""
        return [
            o
            for o in self.outcomes.values()
            if o.asked.gold and matches(o.asked.gold, [pair.answer]) and not o.right
        ]


class Trials:
    """Keeps a `Board` up to date with the folder; one thread of its own does the work.

    `load` makes the bot of the folder as it is now; `heard` gives what visitors asked.
    """

    def __init__(self, load: Callable[[], Bot], heard: Callable[[], Sequence[str]]) -> None:
        self._load, self._heard = load, heard
        self._stale, self._ended = threading.Event(), threading.Event()
        self._lock = threading.Lock()  # a board of files that are stale is not shown
        self._looked_at: tuple[str, ...] = ()
        self._board = Board()
        self._last: Mapping[str, Outcome] = {}  # of the last board that was complete
        self._known: tuple[object, dict[str, Outcome]] = (None, {})  # of a state of the files
        self._thread = threading.Thread(target=self._work, name="trials", daemon=True)

    def start(self) -> None:
        self._stale.set()
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._stale.set()
        self._thread.join(60)

    def again(self) -> None:
        """The folder is another one: ask anew."""
        with self._lock:
            self._board = replace(self._board, state="making")
            self._stale.set()

    def look_at(self, wordings: Sequence[str]) -> Board:
        """The board; `wordings` are asked before anything else."""
        self._looked_at = tuple(wordings)
        return self._board

    @property
    def board(self) -> Board:
        return self._board

    def _work(self) -> None:
        while True:
            self._stale.wait()
            if self._ended.is_set():
                return
            self._stale.clear()
            try:
                self._round()
            except QuothError as error:
                self._fail(str(error))
            except Exception as error:  # a defect must not leave the pages waiting
                log.error("the trials broke off: %s", type(error).__name__)
                self._fail(f"a defect of Quoth ({type(error).__name__})")

    def _fail(self, problem: str) -> None:
        with self._lock:
            if not self._stale.is_set():
                self._board = replace(self._board, state="failed", problem=problem)

    def _round(self) -> None:
        bot = self._load()
        meaning = _meaning(bot.knowledge)
        kept = self._known[1] if meaning == self._known[0] else {}
        asked = self._questions(bot.knowledge)
        board = Board(
            "asking",
            bot,
            {q: replace(kept[q], asked=a) for q, a in asked.items() if q in kept},
            len(asked),
            self._board.changes if kept else (),
            _faults(bot.knowledge),
        )
        outcomes = dict(board.outcomes)
        self._known = (meaning, outcomes)
        self._show(board, outcomes)
        for count, question in enumerate(self._in_turn(asked, outcomes), 1):
            if self._stale.is_set():
                return
            outcomes[question] = _try(bot, asked.get(question) or Asked(question, "wording"))
            if count % SHOWN_EACH == 0:
                self._show(board, outcomes)
        self._show(replace(board, state="done"), outcomes)
        self._last = dict(outcomes)

    def _show(self, board: Board, outcomes: Mapping[str, Outcome]) -> None:
        """Let the pages see `outcomes`, and what they change since all was known last."""
        changes = board.changes or tuple(_changes(self._last, outcomes))
        with self._lock:
            if not self._stale.is_set():
                self._board = replace(board, outcomes=dict(outcomes), changes=changes)

    def _in_turn(
        self, asked: Mapping[str, Asked], outcomes: Mapping[str, Outcome]
    ) -> Iterator[str]:
        """The questions with no outcome yet, those looked at before the rest."""
        waiting = iter(list(asked))
        while True:
            first = next((q for q in self._looked_at if q not in outcomes), None)
            if first is None:
                first = next((q for q in waiting if q not in outcomes), None)
            if first is None:
                return
            yield first

    def _questions(self, knowledge: Knowledge) -> dict[str, Asked]:
        """What is tried, in this order: what says most about right and wrong comes first."""
        asked: dict[str, Asked] = {}
        if knowledge.calibration is not None:
            for (question,) in read_exam(knowledge.calibration):
                asked[question.text] = Asked(question.text, "calibration", question.gold)
        for text in self._heard():
            asked.setdefault(text, Asked(text, "visitors"))
        wordings = [text for pair in knowledge.pairs for text in pair.wordings]
        for text in wordings[:MOST_WORDINGS]:
            asked.setdefault(text, Asked(text, "wording"))
        return asked


def _try(bot: Bot, asked: Asked) -> Outcome:
    try:
        finding = bot.consider(asked.question)
    except QuothError:
        return Outcome(asked, "error", None, None, 0.0)
    decision, probability = finding.decision, finding.confidence
    found: QAPair | None = None
    if isinstance(decision, Answered):
        found, probability = decision.matches[0].pair, decision.matches[0].probability
    elif isinstance(decision, Declined) and decision.reason in ("unreviewed", "out_of_date"):
        found = finding.matches[0].pair if finding.matches else None
    kind = "clarify" if isinstance(decision, Clarified) else decision.kind
    return Outcome(
        asked, kind, found.id if found else None, found.answer if found else None, probability
    )


def _meaning(knowledge: Knowledge) -> object:
    """Equal where the same questions find the same answers."""
    pairs = tuple(
        (p.id, p.wordings, p.provenance.evidence, p.subjects, p.drawn) for p in knowledge.pairs
    )
    return (pairs, knowledge.prototypes, knowledge.aliases, knowledge.subjects)


def _changes(before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> Iterator[Change]:
    """What differs between two boards, the surely wrong first."""
    found = [
        Change(question, before[question].answer, now.answer, now.right)
        for question, now in after.items()
        if question in before and before[question].answer != now.answer
    ]
    found.sort(key=lambda change: (change.right is not False, change.after is not None))
    yield from found[:MOST_CHANGES]


def _faults(knowledge: Knowledge) -> dict[str, tuple[str, ...]]:
    """What `check` says of each pair, by its id."""
    from bot.knowledge.knowledge import read_placed

    lines = sorted(
        (row.line, pair.id if isinstance(pair, QAPair) else "")
        for row, pair in read_placed(knowledge.root / PAIRS, knowledge.documents)
    )
    found: dict[str, tuple[str, ...]] = {}
    for fault in check(knowledge):
        if fault.file.name != PAIRS:
            continue
        owner = [id for line, id in lines if line <= fault.line]
        if owner and owner[-1]:
            found[owner[-1]] = (*found.get(owner[-1], ()), fault.message)
    return found
