"""From candidates and probabilities to one decision: answer, clarify or decline with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.calibration import Confidence
from bot.index import Index
from bot.knowledge import Knowledge
from bot.retrieval import Candidate, Retrieved
from bot.subjects import Subjects
from bot.types import (
    QUOTE_LIMIT,
    Answered,
    Clarified,
    Decision,
    Declined,
    Match,
    Reason,
)

# A second quote beside a good first one (one a subject) may be less sure than the first.
SECOND = 0.6
# Topics of prototypes that have nothing to do with the documents.
OFF_TOPIC = frozenset({"far_off", "off_topic", "adversarial"})


@dataclass(frozen=True, slots=True)
class Decider:
    """Decides by the calibrated probability and a threshold, within the subjects asked about."""

    knowledge: Knowledge
    index: Index
    subjects: Subjects
    confidence: Confidence
    threshold: float

    def matches(self, retrieved: Retrieved) -> tuple[Match, ...]:
        """The candidates with their probabilities, best first."""
        found = [(self.confidence.probability(c.signals), c) for c in retrieved.candidates]
        found.sort(key=lambda pc: -pc[0])
        return tuple(
            Match(self.knowledge.pairs[c.pair], c.matched_text, rank, p, c.as_items())
            for rank, (p, c) in enumerate(found, 1)
        )

    def decide(self, retrieved: Retrieved, matches: Sequence[Match]) -> Decision:
        if not matches:
            return Declined("not_covered")
        best = matches[0]
        asked = retrieved.subjects
        if not asked and (options := self._ambiguous(retrieved, matches)):
            return Clarified(options)
        if best.probability >= self.threshold:
            second = self._other_half(retrieved, matches)
            return Answered((best, second) if second else (best,))
        return self._decline(retrieved, best)

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
            if apart and match.probability >= SECOND * self.threshold and self._fit(best, match):
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
        if len(close) < 2 or together < self.threshold:
            return ()
        return tuple(close[:4])

    def _decline(self, retrieved: Retrieved, best: Match) -> Declined:
        prototype = (
            None if retrieved.prototype is None else self.knowledge.prototypes[retrieved.prototype]
        )
        candidate = retrieved.candidates[0]
        nearer_out = retrieved.prototype_cosine >= candidate.signals.cosine
        reason: Reason = "not_covered"
        topic = None
        if prototype is not None and nearer_out:
            if prototype.topic in OFF_TOPIC and not retrieved.subjects:
                reason = "off_topic"
            elif retrieved.prototype_cosine >= RECOGNISED:
                topic = prototype.says
        if max(retrieved.prototype_cosine, candidate.signals.cosine) < STRANGE:
            reason, topic = "off_topic", None
        return Declined(reason, topic, _missing(candidate), best.probability)


RECOGNISED = 0.6  # cosine to a prototype from which its topic may be named
STRANGE = 0.35  # cosine to everything known, below which a question is off topic


def _missing(candidate: Candidate) -> tuple[str, ...]:
    return candidate.missing[:5]
