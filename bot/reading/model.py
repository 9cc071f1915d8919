"""The reading model: a question held against a sentence token by token, as plain arrays.

Decomposable attention (Parikh et al. 2016) over the tokens that the sentence encoder gives, which
are not trained any further, so that those of the document are worked out once (as in ColBERT,
Khattab & Zaharia 2020): every token of the question looks for its counterpart in the sentence and
in the sentences beside it; what it finds is compared with it and summed up; with the `SIGNALS` this
gives one score a sentence, above 0 where it is likelier to answer than none. That tells whether;
which one is told better by the signals alone, linearly, as training has few hard choices to show.

Trained by `bot/training/fit_reading.py`; `data/reading.npz` names its data and its figures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.reading.signals import GRADED, OF_QUESTION, SIGNALS

Floats = NDArray[np.float32]

FORMAT = 3
MOST_TOKENS = 56  # of a sentence; the rest is not read
MOST_ASKED = 32  # tokens of a question
CLIP = 4.0  # standard deviations from the mean beyond which a signal counts no further
_FAR = np.float32(-9.0)


@dataclass(frozen=True, slots=True, eq=False)
class ReadingModel:
    """The weights by name, all float32, and what was noted when they were trained."""

    weights: Mapping[str, Floats]
    notes: Mapping[str, Any]

    @classmethod
    def load(cls) -> ReadingModel:
        """The shipped model. Raises ValueError where it was trained for other signals."""
        return cls.read((files("bot") / "data" / "reading.npz").read_bytes())

    @classmethod
    def read(cls, data: bytes) -> ReadingModel:
        with np.load(BytesIO(data), allow_pickle=False) as arrays:
            notes = json.loads(arrays["notes"].tobytes().decode("utf-8"))
            weights = {n: arrays[n].astype(np.float32) for n in arrays.files if n != "notes"}
        known = (notes.get("format"), *notes.get("signals", ()))
        if known != (FORMAT, *SIGNALS, *GRADED):
            raise ValueError("data/reading.npz was trained for other signals; train it again")
        return cls(weights, notes)

    @property
    def width(self) -> int:
        """Numbers of one projected token."""
        return int(self.weights["project"].shape[0])

    def project(self, tokens: Floats) -> Floats:
        """Tokens of the encoder [t, dim] as the model compares them, [t, width]."""
        return tokens @ self.weights["project"].T

    def suits(self, probe: Floats) -> bool:
        """Whether `probe`, the encoder's vector of `notes["probe"]`, is that of training.

        The same model in other numbers (8 bits, full weights) suits as well.
        """
        known = self.weights["probe"]
        return probe.shape == known.shape and float(probe @ known) > 0.99

    def scores(
        self,
        question: Floats,
        sentences: Floats,
        held: NDArray[np.bool_],
        beside: Floats,
        held_beside: NDArray[np.bool_],
        signals: Floats,
    ) -> Floats:
        """Of k sentences, [k]: above 0 where one is likelier than "none of these".

        All tokens are projected: `question` [m, width], `sentences` [k, t, width] padded, with
        `held` [k, t] true for real ones; `beside` [k, u, width] those of the sentences before and
        after. `signals` [k, signals] in the order of `SIGNALS`.
        """
        w = self.weights
        z = self._standard(signals)
        unit_question = _unit(question)
        own, found = _look_up(unit_question, sentences, held, float(w["sharpness"]))
        near, found_near = _look_up(
            unit_question, beside, held_beside, float(w["sharpness_beside"])
        )
        both = np.broadcast_to(question, own.shape)
        agree = (unit_question * _unit(own)).sum(-1)
        nearest = np.maximum(found, found_near)
        scalars = np.stack([found, nearest, agree], axis=-1)
        parts = (both, own, np.abs(both - own), both * own, both * near, scalars)
        hidden = _relu(np.concatenate(parts, axis=-1) @ w["compare"].T + w["compare_bias"])
        hidden = _relu(hidden @ w["compare2"].T + w["compare2_bias"])
        weight = _softmax(question @ w["weigh"])
        pooled = (np.einsum("kmh,m->kh", hidden, weight), hidden.mean(1), hidden.max(1), z)
        last = _relu(np.concatenate(pooled, axis=-1) @ w["join"].T + w["join_bias"])
        scores: Floats = last @ w["score"] + z @ w["linear"] + w["score_bias"]
        none = float(z[0] @ (w["none"] * _OF_QUESTION) + w["none_bias"])
        found_scores: Floats = scores - np.float32(none)
        return found_scores

    def words(
        self,
        question: Floats,
        places: Sequence[Sequence[int]],
        rarity: Floats,
        sentences: Floats,
        held: NDArray[np.bool_],
    ) -> Floats:
        """How well k sentences match the words of a question, [k, 3], -1..1, higher is better.

        The mean by `rarity` [n], the worst word and the second worst. `places[i]` are the tokens of
        word i; the other arguments are those of `scores`.
        """
        read = [(p, r) for p, r in zip(places, rarity, strict=True) if len(p)]
        if not read:
            return np.zeros((len(sentences), 3), np.float32)
        _, found = _look_up(_unit(question), sentences, held, 1.0)
        each = np.stack([found[:, list(p)].mean(1) for p, _ in read], axis=1)
        weights = np.array([r for _, r in read], np.float32)
        worst = np.sort(each, axis=1)[:, : min(2, len(read))]
        mean = each @ (weights / weights.sum())
        words: Floats = np.stack([mean, worst[:, 0], worst[:, -1]], axis=1)
        return words

    def ranks(self, signals: Floats, scores: Floats) -> Floats:
        """By which of k sentences is the best, [k]: linear in signals and `scores` (any scale)."""
        found: Floats = self._standard(signals) @ self.weights["rank"]
        return found + self.weights["blend"] * scores

    def probabilities(self, signals: Floats, graded: Floats, addressing: float) -> Floats:
        """The chance that each of k sentences answers, [k], 0..1: logistic in what speaks for it.

        `signals` in the order of `SIGNALS`, `graded` in that of `GRADED`. What speaks for it weighs
        otherwise where a document speaks to its readers (`addressing`, 0..1), linearly between.
        """
        w = self.weights
        values = np.concatenate([signals, graded], axis=1)
        z = np.clip((values - w["sure_mean"]) / w["sure_spread"], -CLIP, CLIP)
        shares = np.array([1 - addressing, addressing], np.float32)
        odds = z @ (shares @ w["sure"]) + shares @ w["sure_bias"]
        chances: Floats = 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
        return chances

    @property
    def threshold(self) -> float:
        """The probability from which a drawn answer is given, unless its owner calibrated."""
        return float(self.weights["threshold"])

    def _standard(self, signals: Floats) -> Floats:
        found: Floats = np.clip(
            (signals - self.weights["mean"]) / self.weights["spread"], -CLIP, CLIP
        )
        return found


def leads(scores: Floats, passages: NDArray[np.int64]) -> Floats:
    """What each of k scores is ahead of the best of another passage, [k]; at most `CLIP`."""
    other = np.where(passages[:, None] == passages, -np.inf, scores).max(1)
    found: Floats = np.clip(scores - other, -CLIP, CLIP).astype(np.float32)
    return found


_OF_QUESTION = np.array([name in OF_QUESTION for name in SIGNALS], np.float32)


def _look_up(
    question: Floats, tokens: Floats, held: NDArray[np.bool_], sharpness: float
) -> tuple[Floats, Floats]:
    """(what each token of the question finds [k, m, width], its best cosine [k, m], -1..1)."""
    cosines = np.einsum("md,ktd->kmt", question, _unit(tokens), optimize=True)
    cosines = np.where(held[:, None, :], cosines, _FAR)
    found = np.maximum(cosines.max(-1), -1)
    return _softmax(cosines * np.float32(sharpness)) @ tokens, found


def _unit(vectors: Floats) -> Floats:
    lengths = np.sqrt(np.einsum("...d,...d->...", vectors, vectors))[..., None]
    found: Floats = vectors / np.maximum(lengths, np.float32(1e-12))
    return found


def _softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(-1, keepdims=True))
    found: Floats = e / e.sum(-1, keepdims=True)
    return found


def _relu(x: Floats) -> Floats:
    found: Floats = np.maximum(x, np.float32(0))
    return found
