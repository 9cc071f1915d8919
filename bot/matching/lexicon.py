"""The wording side of matching: TF-IDF over stems and pairs of stems, as an inverted index.

Weights are (1 + ln tf) * idf, idf = ln((1 + n) / (1 + df)) + 1, rows scaled to length 1
(Salton & Buckley 1988), so that similarities are cosines in 0..1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bot.wording import stem, words

Floats = NDArray[np.float32]


def terms(text: str) -> list[str]:
    """The stems of `text` in order, then its pairs of neighbouring stems."""
    stems = [stem(w) for w in words(text)]
    return stems + [f"{a} {b}" for a, b in pairwise(stems)]


@dataclass(frozen=True, eq=False)
class Lexicon:
    """An inverted index of n texts: the postings of term t are rows[starts[t]:starts[t + 1]]."""

    numbers: Mapping[str, int]
    idf: Floats  # [terms]
    starts: NDArray[np.int64]  # [terms + 1]
    rows: NDArray[np.int32]
    weights: Floats
    size: int

    @classmethod
    def build(cls, texts: Sequence[str]) -> Lexicon:
        numbers: dict[str, int] = {}
        counted = [Counter(terms(text)) for text in texts]
        frequency: Counter[str] = Counter()
        for counts in counted:
            frequency.update(counts.keys())
        for term in sorted(frequency):
            numbers[term] = len(numbers)
        df = np.array([frequency[t] for t in numbers], np.float32)
        idf = (np.log((1 + len(texts)) / (1 + df)) + 1).astype(np.float32)
        columns: list[int] = []
        rows: list[int] = []
        weights: list[float] = []
        for row, counts in enumerate(counted):
            own = [numbers[t] for t in counts]
            values = (1 + np.log(np.array(list(counts.values()), np.float32))) * idf[own]
            length = float(np.linalg.norm(values)) or 1.0
            columns += own
            rows += [row] * len(own)
            weights += (values / length).tolist()
        order = np.argsort(np.array(columns, np.int64), kind="stable")
        starts = np.zeros(len(numbers) + 1, np.int64)
        np.cumsum(df.astype(np.int64), out=starts[1:])
        return cls(
            numbers,
            idf,
            starts,
            np.array(rows, np.int32)[order],
            np.array(weights, np.float32)[order],
            len(texts),
        )

    def vector(self, text: str) -> dict[int, float]:
        """The known terms of `text` with their weights; the whole text scales to length 1.

        Unknown terms count towards the length, as if they stood in one text: a question of
        unknown words is similar to nothing.
        """
        counts = Counter(terms(text))
        values = {t: (1 + math.log(c)) * self.rarity(t) for t, c in counts.items()}
        length = math.hypot(*values.values()) or 1.0
        return {self.numbers[t]: v / length for t, v in values.items() if t in self.numbers}

    def similarities(self, text: str) -> Floats:
        """Cosine of `text` to each indexed text, float32 [n], 0..1."""
        found = np.zeros(self.size, np.float32)
        for term, weight in self.vector(text).items():
            start, end = self.starts[term], self.starts[term + 1]
            found[self.rows[start:end]] += weight * self.weights[start:end]
        return found

    def gram(self) -> Floats:
        """Cosines among all indexed texts, float32 [n, n]; for build time (imports scipy)."""
        from scipy.sparse import csc_matrix

        matrix = csc_matrix(
            (self.weights, self.rows, self.starts), shape=(self.size, len(self.numbers))
        )
        product: Floats = (matrix @ matrix.T).toarray()
        return product

    def gram_of(self, chosen: NDArray[np.int64]) -> Floats:
        """Cosines among the texts `chosen` [k], float32 [k, k]."""
        starts, columns, weights = self._by_text
        slices = [np.arange(starts[row], starts[row + 1]) for row in chosen.tolist()]
        taken = np.concatenate(slices) if slices else np.zeros(0, np.int64)
        _, places = np.unique(columns[taken], return_inverse=True)
        dense = np.zeros((len(chosen), int(places.max(initial=-1)) + 1), np.float32)
        dense[np.repeat(np.arange(len(chosen)), [len(s) for s in slices]), places] = weights[taken]
        return dense @ dense.T

    @cached_property
    def _by_text(self) -> tuple[NDArray[np.int64], NDArray[np.int32], Floats]:
        """(starts [n + 1], terms, weights): the postings again, text by text."""
        terms = np.repeat(np.arange(len(self.idf), dtype=np.int32), np.diff(self.starts))
        order = np.argsort(self.rows, kind="stable")
        starts = np.zeros(self.size + 1, np.int64)
        np.cumsum(np.bincount(self.rows, minlength=self.size), out=starts[1:])
        return starts, terms[order], self.weights[order]

    def rarity(self, term: str) -> float:
        """The idf of a term, >= 1; that of one seen once where it is unknown."""
        number = self.numbers.get(term)
        return math.log((1 + self.size) / 2) + 1 if number is None else self._idf[number]

    @cached_property
    def _idf(self) -> list[float]:
        """`idf`, quicker to read one by one."""
        return list(map(float, self.idf))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What `from_arrays` needs, for the cache."""
        joined = "\n".join(self.numbers).encode("utf-8")
        return {
            "terms": np.frombuffer(joined, np.uint8),
            "idf": self.idf,
            "starts": self.starts,
            "rows": self.rows,
            "weights": self.weights,
            "size": np.array([self.size]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Lexicon:
        joined = arrays["terms"].tobytes().decode("utf-8")
        numbers = {t: i for i, t in enumerate(joined.split("\n"))} if joined else {}
        return cls(
            numbers,
            arrays["idf"].astype(np.float32, copy=False),
            arrays["starts"].astype(np.int64, copy=False),
            arrays["rows"].astype(np.int32, copy=False),
            arrays["weights"].astype(np.float32, copy=False),
            int(arrays["size"][0]),
        )
