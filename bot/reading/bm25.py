"""BM25 over short texts, scaled so that texts and questions of any length compare.

Scores are those of Robertson & Zaragoza 2009 (k1 = 1.2, b = 0.75) with the idf that can't be
negative (ln(1 + (n - df + .5) / (df + .5))), divided by the sum of the question's idf: 0..2.2.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Bm25:
    """An inverted index: of each term the texts that hold it and its weight in them."""

    postings: dict[str, tuple[NDArray[np.int64], Doubles]]
    size: int

    @classmethod
    def build(cls, texts: Sequence[Sequence[str]]) -> Bm25:
        """Of texts given as their terms."""
        mean = sum(map(len, texts)) / max(1, len(texts)) or 1.0
        held: dict[str, tuple[list[int], list[float]]] = {}
        for place, terms in enumerate(texts):
            norm = K1 * (1 - B + B * len(terms) / mean)
            for term, count in Counter(terms).items():
                rows, weights = held.setdefault(term, ([], []))
                rows.append(place)
                weights.append(count * (K1 + 1) / (count + norm))
        return cls(
            {t: (np.array(rows, np.int64), np.array(w)) for t, (rows, w) in held.items()},
            len(texts),
        )

    def idf(self, term: str) -> float:
        """> 0; the largest for a term that stands in no text."""
        held = self.postings.get(term)
        df = len(held[0]) if held else 0
        return math.log(1 + (self.size - df + 0.5) / (df + 0.5))

    def scores(self, terms: Sequence[str]) -> Doubles:
        """Of each text, [size], for a question of the distinct `terms`."""
        found = np.zeros(self.size)
        total = 0.0
        for term in terms:
            idf = self.idf(term)
            total += idf
            if term in self.postings:
                rows, weights = self.postings[term]
                found[rows] += idf * weights
        return found / total if total else found
