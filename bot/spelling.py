"""Mending typing errors against the words that the knowledge uses.

Only a word that the knowledge doesn't know is mended, only to a word with the same first letter
that is one edit away (two from eight letters on). Of several as near, the one used most often.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from bot.wording import FUNCTION_WORDS, clean, words

SHORTEST = 5  # letters; shorter words have too many neighbours
_WORD = re.compile(r"[^\W\d_]+")


class Speller:
    """Knows the words of `texts`; `mend` is a pure function of its argument."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._uses = Counter(word for text in texts for word in words(text))
        self._known = FUNCTION_WORDS | self._uses.keys()
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for word in sorted(self._known):
            if len(word) >= SHORTEST - 1 and word.isalpha():
                self._by_start[word[0]].append(word)

    def mend(self, text: str) -> str:
        """`text` cleaned, with each unknown word replaced by its one near neighbour."""
        return _WORD.sub(lambda match: self._word(match.group()), clean(text))

    def _word(self, word: str) -> str:
        lower = word.casefold()
        if len(lower) < SHORTEST or lower in self._known:
            return word
        edits = 1 if len(lower) < 8 else 2
        near = extract(
            lower,
            self._by_start.get(lower[0], ()),
            scorer=OSA.distance,
            score_cutoff=edits,
            limit=8,
            processor=None,
        )
        if not near:
            return word
        return str(min(near, key=lambda found: (found[1], -self._uses[found[0]]))[0])
