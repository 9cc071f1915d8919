"""Questions the bot can really answer: completions while typing, and offers beside a decline."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz

from bot.index import Index
from bot.knowledge import Knowledge
from bot.retrieval import Retrieved, fits
from bot.subjects import Subjects
from bot.types import Match
from bot.wording import content_words, normalise, stem

OFFERS = 3


class Suggester:
    """Suggests the pairs' own questions, one an answer."""

    def __init__(self, knowledge: Knowledge, index: Index, subjects: Subjects) -> None:
        self._subjects = subjects
        self._pairs = knowledge.pairs
        self._openers = self._spread(index)
        self._questions = [(pair.question, normalise(subjects.replace(pair.question))) for pair in knowledge.pairs]

    def openers(self, limit: int = OFFERS) -> tuple[str, ...]:
        """A few questions from all over the documents."""
        return self._openers[:limit]

    def near(self, retrieved: Retrieved | None, matches: Sequence[Match]) -> tuple[str, ...]:
        """Up to three questions near a declined one, about the subjects it names, else openers."""
        found: list[str] = []
        answers: set[str] = set()
        asked = retrieved.subjects if retrieved else frozenset()
        for match in matches:
            if match.pair.answer not in answers and fits(asked, frozenset(match.pair.subjects)):
                answers.add(match.pair.answer)
                found.append(match.pair.question)
        for opener in self._openers:
            if len(found) >= OFFERS:
                break
            if opener not in found:
                found.append(opener)
        return tuple(found[:OFFERS])

    def complete(self, prefix: str, limit: int) -> tuple[str, ...]:
        """Questions that begin with, or share words with, what was typed so far."""
        typed = normalise(self._subjects.replace(prefix))
        if not typed:
            return self.openers(limit)
        stems = {stem(w) for w in content_words(typed)}
        ranked = []
        for question, plain in self._questions:
            if plain.startswith(typed):
                score = 200.0 - len(plain) / 1000
            else:
                shared = stems & {stem(w) for w in content_words(plain)}
                partial = fuzz.partial_ratio(typed, plain)
                if not shared and partial < 80:
                    continue
                score = partial + 20 * len(shared)
            ranked.append((-score, question))
        return tuple(question for _, question in sorted(ranked)[:limit])

    def _spread(self, index: Index) -> tuple[str, ...]:
        """One question an answer, taken evenly over the documents."""
        own = [self._pairs[answer.pairs[0]].question for answer in index.answers]
        step = max(1, len(own) // OFFERS)
        return tuple(dict.fromkeys([*own[step // 2 :: step], *own]))
