"""Questions the bot can really answer: completions while typing, and offers beside a decline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

from rapidfuzz import fuzz

from bot.drawing.phrases import LAST_RESORT, asks_openly
from bot.knowledge.knowledge import Knowledge
from bot.matching.index import Index
from bot.matching.retrieval import Retrieved, fits
from bot.subjects import Subjects
from bot.types import Match, QAPair
from bot.wording import normalise, stems

OFFERS = 3
NEAR = 0.4  # cosine to a pair's wording from which its question is offered
LIKELY = 0.1  # probability of an answer from which its question is offered before what is near


class Suggester:
    """Suggests the pairs' own questions, one an answer; of the pairs that `may` answer only."""

    def __init__(
        self,
        knowledge: Knowledge,
        index: Index,
        subjects: Subjects,
        may: Callable[[QAPair], bool] = lambda pair: True,
    ) -> None:
        self._pairs, self._subjects, self._may = knowledge.pairs, subjects, may
        self._openers = _spread(knowledge.pairs, index)
        self._questions = [
            (pair, plain, stems(plain))
            for pair in knowledge.pairs
            for plain in (normalise(subjects.replace(pair.question)),)
        ]

    def openers(self, limit: int = OFFERS, about: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """A few questions from all over the documents, or those about the subjects `about`."""
        fitting = [p for p in self._openers if fits(about, frozenset(p.subjects))]
        if about:  # what is of these alone comes first
            fitting.sort(key=lambda pair: frozenset(pair.subjects) != about)
        return tuple(pair.question for pair in islice(filter(self._may, fitting), limit))

    def near(self, retrieved: Retrieved | None, matches: Sequence[Match]) -> tuple[str, ...]:
        """Up to three questions near a declined one, about the subjects it names, else openers."""
        asked = retrieved.subjects if retrieved else frozenset()
        # What comes near by nothing but chance is no help; an opener is. Small probabilities tell
        # how surely none answers, not which is nearest.
        likely = [m.pair for m in matches if m.probability >= LIKELY]
        near = retrieved.nearest if retrieved else ()
        close = (*likely, *(self._pairs[n] for n, cosine in near if cosine >= NEAR))
        fitting = (
            p
            for p in (*close, *self._openers)
            if fits(asked, frozenset(p.subjects)) and self._may(p)
        )
        found: dict[str, str] = {}
        for pair in fitting:
            found.setdefault(pair.answer, pair.question)
            if len(found) == OFFERS:
                break
        return tuple(found.values())

    def complete(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Questions that begin with, or share words with, what was typed so far."""
        typed = normalise(self._subjects.replace(prefix))
        if not typed:
            return self.openers(limit)
        known = stems(typed)
        ranked = []
        for pair, plain, own in self._questions:
            if plain.startswith(typed):
                score = 200.0 - len(plain) / 1000
            else:
                shared = known & own
                partial = fuzz.partial_ratio(typed, plain)
                if not shared and partial < 80:
                    continue
                score = partial + 20 * len(shared)
            ranked.append((-score, pair.question, pair))
        ranked.sort(key=lambda found: found[:2])
        fitting = (pair for *_, pair in ranked if self._may(pair))
        return tuple(pair.question for pair in islice(fitting, limit))


def _spread(pairs: Sequence[QAPair], index: Index) -> tuple[QAPair, ...]:
    """One pair an answer: first a few evenly over the documents, then all in order.

    Those with a question of their own come first: what could only be asked by naming its words
    ("What should I know about …?") makes a poor beginning, and so does what a rule made of a
    sentence by turning it round ("Do you charge 20p a day?").
    """
    everything = [pairs[answer.pairs[0]] for answer in index.answers]
    own = [p for p in everything if not p.drawn or not p.question.startswith(LAST_RESORT)]
    first = [p for p in own if not p.drawn or asks_openly(p.question)] or own or everything
    step = max(1, len(first) // OFFERS)
    ordered = (*first[step // 2 :: step], *first, *own, *everything)
    return tuple({pair.id: pair for pair in ordered}.values())
