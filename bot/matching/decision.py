"""From candidates and probabilities to one decision: answer, clarify or decline with a reason."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bot.knowledge.knowledge import Knowledge
from bot.knowledge.standing import Withheld
from bot.matching.calibration import Confidence
from bot.matching.index import Index
from bot.matching.numbers import lacks_number, long_numbers
from bot.matching.retrieval import Candidate, Retrieved
from bot.subjects import Subjects
from bot.types import (
    QUOTE_LIMIT,
    Answered,
    Cause,
    Clarified,
    Decision,
    Declined,
    Match,
    QAPair,
)
from bot.wording import stem, stems, words

# A second quote beside a good first one (one a subject) may be less sure than the first.
SECOND = 0.6
# Topics of prototypes that have nothing to do with the documents.
OFF_TOPIC = frozenset({"far_off", "off_topic", "adversarial"})
FAR_OFF = ""  # all of these as one topic
RECOGNISED = 0.6  # cosine to a prototype from which its topic may be named
AGREED = 0.7  # share of the nearest prototypes that must be of a topic, weighed by nearness
# How much a nearer prototype weighs. By leave-one-out on the article's prototypes the topic of the
# nearest one is right in 51 %; what is named with this and AGREED (27 %) is right in 86 %.
NEARNESS = 5.0
STRANGE = 0.35  # cosine to everything known, below which a question is off topic
MOST_MISSING = 5
_POINTS = re.compile(r"\b(?:that|those|this|these|such|its|whether|how|what|where|which)\b", re.I)
UNSURE = 0.3  # probability of the best answer from which a decline says that it isn't sure


def withhold(
    decision: Decision, reason: Callable[[QAPair], Withheld | None], probability: float = 0.0
) -> Decision:
    """`decision` without the pairs that may not answer now; declined where that leaves none.

    They stay candidates all the same: what they would have answered is not left to the next best.
    A question back stays whole as long as one of its options may answer. `probability` is that of
    the best candidate.
    """
    match decision:
        case Answered():
            if (why := reason(decision.matches[0].pair)) is not None:
                return Declined(why, probability=probability)
            return Answered(tuple(m for m in decision.matches if reason(m.pair) is None))
        case Clarified():
            reasons = [reason(option.pair) for option in decision.options]
            if None in reasons:
                return decision
            return Declined(next(why for why in reasons if why), probability=probability)
    return decision


def beside(match: Match, given: Sequence[Match]) -> Match:
    """`match` as likely as it is where `given` are set aside: it has no share to yield to them.

    What remains keeps its odds among itself (Luce's axiom); an answer that is read has no share.
    """
    left = 1 - sum(m.probability for m in given if not m.pair.drawn)
    if match.pair.drawn or left <= 0:
        return match
    return replace(match, probability=min(1.0, match.probability / left))


@dataclass(frozen=True)
class Decider:
    """Decides by the calibrated probability and a threshold, within the subjects asked about.

    `drawn_threshold` is that of answers that were drawn and are read: nobody has vouched for them.
    """

    knowledge: Knowledge
    index: Index
    subjects: Subjects
    confidence: Confidence
    threshold: float
    drawn_threshold: float

    def bar(self, match: Match) -> float:
        """The probability from which `match` is given."""
        return self.drawn_threshold if match.pair.drawn else self.threshold

    def matches(self, retrieved: Retrieved) -> tuple[Match, ...]:
        """The candidates with their probabilities, best first."""
        found = [(self._probability(c), c) for c in retrieved.candidates]
        found.sort(key=lambda pc: -pc[0])
        return tuple(
            Match(self.knowledge.pairs[c.pair], c.matched_text, rank, p, c.as_items())
            for rank, (p, c) in enumerate(found, 1)
        )

    def _probability(self, candidate: Candidate) -> float:
        """By reading where the answer was drawn, else by its wordings."""
        if candidate.reading is not None:
            return candidate.reading.probability
        return self.confidence.probability(candidate.signals)

    def decide(self, retrieved: Retrieved, matches: Sequence[Match]) -> Decision:
        if not matches:
            return Declined("not_covered")
        best = matches[0]
        asked = retrieved.subjects
        if not asked and (options := self._ambiguous(retrieved, matches)):
            return Clarified(options)
        if best.probability >= self.bar(best):
            if lacks_number(retrieved.question, best.pair.answer):
                return Declined("not_covered", probability=best.probability)
            if self._other_number(retrieved.question, best):
                return self._decline(retrieved, best)
            second = self._other_half(retrieved, matches)
            return Answered((best, second) if second else (best,))
        return self._decline(retrieved, best)

    def _other_number(self, question: str, match: Match) -> bool:
        """Does `question` have a number that stands nowhere ("error 5010") where the wording it
        came near has another ("error 4021")? By meaning alone the two are one question."""
        asked = long_numbers(question)
        if not asked or not long_numbers(match.matched_text) - asked:
            return False
        known = (*match.pair.wordings, *(d.text for d in self.knowledge.documents))
        return not asked <= long_numbers("\n".join(known))

    def _about(self, match: Match) -> frozenset[str]:
        return frozenset(match.pair.subjects)

    def _other_half(self, retrieved: Retrieved, matches: Sequence[Match]) -> Match | None:
        """The other subject's sentence, where the question asks about both and one was found."""
        best = matches[0]
        about = self._about(best)
        wide = len(retrieved.subjects) > 1 or (
            not retrieved.subjects and self.subjects.both(retrieved.question)
        )
        if not wide or len(about) != 1:
            return None
        for match in matches[1:]:
            other = self._about(match)
            apart = len(other) == 1 and other != about
            sure = beside(match, [best]).probability >= SECOND * self.bar(match)
            if apart and sure and self._fit(best, match):
                return match
        return None

    @staticmethod
    def _fit(first: Match, second: Match) -> bool:
        return len(first.pair.answer) + len(second.pair.answer) <= QUOTE_LIMIT

    def _ambiguous(self, retrieved: Retrieved, matches: Sequence[Match]) -> tuple[Match, ...]:
        """The options where no subject is named, and the best answers speak of one each."""
        best = matches[0]
        if len(self._about(best)) != 1 or self.subjects.both(retrieved.question):
            return ()
        options = [best]
        for match in matches[1:]:
            about = self._about(match)
            if len(about) != 1 or any(about == self._about(o) for o in options):
                continue
            options.append(match)
        close = [o for o in options if o.probability >= SECOND * best.probability]
        together = sum(o.probability for o in close)
        if len(close) < 2 or together < self.bar(best):
            return ()
        return tuple(close[:4])

    def _decline(self, retrieved: Retrieved, best: Match) -> Declined:
        candidate = next(
            c for c in retrieved.candidates if self.knowledge.pairs[c.pair].id == best.pair.id
        )
        topic, share = self._topic(retrieved)
        outside, inside = retrieved.prototype_cosine, candidate.signals.cosine
        reason: Cause = "not_covered"
        says = None
        far = topic == FAR_OFF and not retrieved.subjects and outside >= inside
        named = self._named(retrieved.question)
        unheard = stems(retrieved.question) <= set(map(stem, candidate.missing))
        if unheard and (far or max(outside, inside) < STRANGE):
            reason = "off_topic"
        elif named:
            says = named
        elif topic and outside >= max(inside, RECOGNISED) and share >= AGREED:
            says = topic
        elif best.probability >= UNSURE:
            reason = "unsure"
        missing = tuple(_typed(w, retrieved.question) for w in candidate.missing[:MOST_MISSING])
        return Declined(reason, says, missing, best.probability)

    def _named(self, question: str) -> str | None:
        """The topic, in fewest words, that says all that `question` does beside its subjects:
        "treatment of MS", of "treatments"."""
        names = frozenset(stem(w) for name in self.subjects.canonical for w in words(name))
        asked = stems(question) - names
        fitting = (says for says, said in self._sayings if asked and asked <= said)
        return min(fitting, key=len, default=None)

    @cached_property
    def _sayings(self) -> tuple[tuple[str, frozenset[str]], ...]:
        """What prototypes say is not covered, with its stems; not "that symptom", which points."""
        near = (p.says for p in self.knowledge.prototypes if p.topic not in OFF_TOPIC)
        names = (says for says in dict.fromkeys(near) if says and not _POINTS.search(says))
        return tuple((says, stems(says)) for says in names)

    def _topic(self, retrieved: Retrieved) -> tuple[str | None, float]:
        """What the nearest prototypes say that is not covered, and how far they agree, 0..1."""
        votes: dict[str | None, float] = defaultdict(float)
        for number, cosine in retrieved.prototypes:
            prototype = self.knowledge.prototypes[number]
            about = FAR_OFF if prototype.topic in OFF_TOPIC else prototype.says
            votes[about] += math.exp(NEARNESS * (cosine - 1))
        if not votes:
            return None, 0.0
        topic = max(votes, key=lambda about: votes[about])
        return topic, votes[topic] / sum(votes.values())


def _typed(word: str, question: str) -> str:
    """`word` (lower case) as it was typed in `question`: "Canada"."""
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", question, re.IGNORECASE)
    return found[0] if found else word
