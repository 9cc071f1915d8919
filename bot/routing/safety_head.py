"""A small linear model over sentence vectors, for wordings that no rule knows.

Multinomial logistic regression on the encoder's vector of a text beside its words and word pairs
(the vectors know what is spoken of, the words who speaks: "should i", "my mum", "right now").
It is fitted at build time from the shipped prototypes and is nothing but arrays afterwards, so
that a cache can keep it.
"""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.encoding.cosines import cosines
from bot.routing.chatspeak import plain

PASS, SMALLTALK, DISTRESS = "pass", "smalltalk", "distress"
URGENT = frozenset({"emergency", "self_harm"})
WORD_WEIGHT = 0.3  # of one word against a vector of length 1
LEAST_COUNT = 4  # prototypes that a word or pair must stand in
STRENGTH = 5.0  # inverse regularisation of the logistic regression
ROUNDS = 60  # steps of L-BFGS: more change no figure
FORMAT = 2  # of a kept head
SETTINGS = f"{FORMAT}/{WORD_WEIGHT}/{LEAST_COUNT}/{STRENGTH}/{ROUNDS}"  # what a kept head rests on


class Encoding(Protocol):
    """What the head needs of an encoder."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 [n, dim], L2-normalised."""
        ...


@dataclass(frozen=True, slots=True)
class Prototypes:
    """Wordings of known route: `labels[i]` belongs to `texts[i]`; the texts are plain.

    A label is "pass", "advice", "distress", "emergency", "self_harm" or "smalltalk"; `intents[i]`
    is the small-talk intent, "" for other labels.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    intents: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.texts) == len(self.labels) == len(self.intents):
            raise ValueError("prototypes need as many labels and intents as texts")
        if not {PASS, SMALLTALK} < set(self.labels):
            raise ValueError("prototypes need texts that pass, small talk and one route more")

    def with_passes(self, questions: Iterable[str]) -> Prototypes:
        """The same and `questions` that must pass, such as those a knowledge answers itself."""
        known = set(self.texts)
        new = tuple(dict.fromkeys(t for t in map(plain, questions) if t and t not in known))
        labels, intents = (PASS,) * len(new), ("",) * len(new)
        return Prototypes(self.texts + new, self.labels + labels, self.intents + intents)


def prototypes_text() -> str:
    """The shipped prototypes as they stand in `data/safety_prototypes.jsonl`."""
    return (files("bot") / "data" / "safety_prototypes.jsonl").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def load_prototypes() -> Prototypes:
    """The shipped prototypes."""
    rows = [json.loads(line) for line in prototypes_text().splitlines()]
    return Prototypes(
        texts=tuple(plain(row["q"]) for row in rows),
        labels=tuple(row["route"] for row in rows),
        intents=tuple(row.get("intent", "") for row in rows),
    )


@dataclass(frozen=True, slots=True, eq=False)
class SafetyHead:
    """A fitted head; all arrays, so that it can be stored as one .npz file.

    `classes` [k] and `words` [w] are unicode arrays, `weights` float32 [k, dim + w],
    `bias` float32 [k]. `anchors` float32 [m, dim] are the vectors of the urgent, the distressed and
    the small-talk prototypes, `kinds` [m] their labels in order, small
    talk as its intent.
    """

    classes: NDArray[np.str_]
    words: NDArray[np.str_]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    kinds: NDArray[np.str_]
    anchors: NDArray[np.float32]
    places: dict[str, int] = field(init=False, repr=False)
    meaning: NDArray[np.float32] = field(init=False, repr=False)  # [k, dim]
    wording: NDArray[np.float32] = field(init=False, repr=False)  # [w, k]
    groups: tuple[tuple[str, ...], NDArray[np.intp]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        fits = self.weights.shape[0] == len(self.classes) == len(self.bias)
        if not fits or self.anchors.shape != (len(self.kinds), self.dim):
            raise ValueError("the head's weights don't fit its classes")
        object.__setattr__(self, "places", {str(w): i for i, w in enumerate(self.words)})
        object.__setattr__(self, "meaning", np.ascontiguousarray(self.weights[:, : self.dim]))
        wording = np.ascontiguousarray(WORD_WEIGHT * self.weights[:, self.dim :].T)
        object.__setattr__(self, "wording", wording)
        if (self.kinds[1:] < self.kinds[:-1]).any():
            raise ValueError("the anchors of a kind stand together, in the kinds' order")
        kinds, starts = np.unique(self.kinds, return_index=True)
        object.__setattr__(self, "groups", (tuple(kinds.tolist()), starts))

    @property
    def dim(self) -> int:
        """Dimensions of the sentence vectors it was fitted on."""
        return int(self.weights.shape[1]) - len(self.words)

    def probabilities(self, plain_text: str, vector: NDArray[np.float32]) -> dict[str, float]:
        """Probability by label for one text and its vector, float32 [dim], L2-normalised."""
        if vector.shape != (self.dim,):
            raise ValueError(f"the head needs a vector of {self.dim} numbers, not {vector.shape}")
        found = {self.places[gram] for gram in _grams(plain_text) if gram in self.places}
        scores = self.meaning @ vector + self.bias + self.wording[sorted(found)].sum(axis=0)
        scores = np.exp(scores - scores.max())
        return dict(zip(map(str, self.classes), (scores / scores.sum()).tolist(), strict=True))

    def nearest(self, vector: NDArray[np.float32]) -> dict[str, float]:
        """The greatest cosine by kind to a prototype of that kind, -1..1.

        The line of a linear model reaches far beyond what it was shown: a text that is near no
        prototype at all is no alarm, whatever side it falls on.
        """
        if not len(self.anchors):
            return {}
        kinds, starts = self.groups
        best = np.maximum.reduceat(cosines(self.anchors, vector), starts)
        return dict(zip(kinds, best.tolist(), strict=True))


def fit(prototypes: Prototypes, vectors: NDArray[np.float32]) -> SafetyHead:
    """Fit a head to `prototypes` and their `vectors`, float32 [n, dim]; deterministic.

    Minimises the regularised log loss with L-BFGS from zero.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if len(vectors) != len(prototypes.texts):
        raise ValueError(f"{len(prototypes.texts)} prototypes, but {len(vectors)} vectors")
    grams = [set(_grams(text)) for text in prototypes.texts]
    counts = Counter(gram for found in grams for gram in found)
    words = sorted(gram for gram, count in counts.items() if count >= LEAST_COUNT)
    places = {word: at for at, word in enumerate(words)}
    features = np.zeros((len(grams), vectors.shape[1] + len(words)), dtype=np.float32)
    features[:, : vectors.shape[1]] = vectors
    for row, found in zip(features, grams, strict=True):
        row[[vectors.shape[1] + places[gram] for gram in found if gram in places]] = WORD_WEIGHT
    model = LogisticRegression(C=STRENGTH, max_iter=ROUNDS, tol=1e-3)
    with warnings.catch_warnings():
        # Stopping after a fixed number of steps is meant, converged or not.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, np.array(prototypes.labels))
    kinds = [
        intent or (label if label in URGENT or label == DISTRESS else "")
        for label, intent in zip(prototypes.labels, prototypes.intents, strict=True)
    ]
    # The anchors of a kind together: their greatest cosine is that of a stretch.
    anchored = sorted((i for i, kind in enumerate(kinds) if kind), key=lambda i: kinds[i])
    return SafetyHead(
        classes=np.array(model.classes_, dtype=np.str_),
        words=np.array(words, dtype=np.str_),
        weights=np.ascontiguousarray(model.coef_, dtype=np.float32),
        bias=np.asarray(model.intercept_, dtype=np.float32),
        kinds=np.array(kinds, dtype=np.str_)[anchored],
        anchors=np.ascontiguousarray(vectors[anchored], dtype=np.float32),
    )


def _grams(plain_text: str) -> Iterable[str]:
    """The words and word pairs of a text; its start and end count as words."""
    words = ["^", *plain_text.split()[:120], "$"]
    yield from words[1:-1]
    yield from (f"{a} {b}" for a, b in pairwise(words))
