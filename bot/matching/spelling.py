"""Mending typing errors against the words that the knowledge uses.

Only a word that neither the knowledge nor the language knows is mended, only to a word with the
same first letter that is one edit away (two from eight letters on, if no letter but one is
another; of four letters only two may have changed places). Of several as near, the one used most
often. To leave an error costs an answer; to mend what is none would answer a question that nobody
asked.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import lru_cache

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from bot.wording import FUNCTION_WORDS, clean

SHORTEST = 4  # letters; shorter words have too many neighbours
SWAPPED = 4  # letters up to which only two that changed places are mended: "cuer", "wiht"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


class Speller:
    """Knows the words of `uses`, small, with their counts; `mend` is a pure function.

    `is_word` tells whether a word in small letters is one of the language; it is asked only for
    words that would be mended.
    """

    def __init__(
        self, uses: Mapping[str, int], is_word: Callable[[str], bool] = lambda word: False
    ) -> None:
        self._uses = uses
        self._known = FUNCTION_WORDS | uses.keys()
        self._is_word = is_word
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for word in sorted(self._known):
            if len(word) >= SHORTEST and word.isalpha():
                self._by_start[word[0]].append(word)
        self._mended = lru_cache(maxsize=4096)(self._nearest)

    def mend(self, text: str) -> str:
        """`text` cleaned, with each unknown word replaced by its one near neighbour."""
        return _WORD.sub(lambda match: self._word(match.group()), clean(text))

    def _word(self, word: str) -> str:
        bare, owner = (word[:-2], word[-2:]) if word[-2:] in ("'s", "'S") else (word, "")
        lower = bare.casefold()
        if len(lower) < SHORTEST or lower in self._known or not lower.isalpha():
            return word  # "doesn't" too: nothing may take its "not" away
        near = self._mended(lower)
        return word if near is None else near + owner

    def _nearest(self, lower: str) -> str | None:
        edits = 1 if len(lower) < 8 else 2
        near = extract(
            lower,
            self._by_start.get(lower[0], ()),
            scorer=OSA.distance,
            score_cutoff=edits,
            limit=8,
            processor=None,
        )
        found = [(n[1], -self._uses.get(n[0], 0), n[0]) for n in near if _alike(lower, n[0], n[1])]
        if not found or (lower.endswith("nt") and lower[:-2] in FUNCTION_WORDS):
            return None
        return None if self._is_word(lower) else min(found)[2]


def _alike(typed: str, word: str, edits: int) -> bool:
    """Whether the edits are those of typing: of two at most one letter is another, none or one is
    extra; of a short word two letters changed places.

    "infected" is no typing error of "invented", and "prednisone" none of "prednisolone".
    """
    if len(typed) <= SWAPPED:
        return sorted(typed) == sorted(word)
    if edits < 2:
        return True
    one, other = Counter(typed), Counter(word)
    return (one - other).total() <= 1 and (other - one).total() <= 1
