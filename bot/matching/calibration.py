"""One probability from the signals, and an operating point chosen by the risk an owner accepts.

The probability is logistic in two signals, with weights that can't be negative:

    evidence   the head's score of the answer less its score of "not answered"
    margin     the answer's score less that of the best other answer

The shipped weights come from the development parts of unlike public data sets. A knowledge
adjusts them on its own wordings (leave-one-out scores, Platt 1999), and chooses its threshold on
held-out labelled questions that nothing was fitted to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.errors import CalibrationError
from bot.matching.retrieval import Signals

Doubles = NDArray[np.float64]

DELTA = 0.01  # chance, over calibration questions, that the promised risk does not hold


@dataclass(frozen=True, slots=True)
class Confidence:
    """P(the answer is right) = 1 / (1 + exp(-(evidence e + margin m + intercept)))."""

    evidence: float
    margin: float
    intercept: float

    def __post_init__(self) -> None:
        if self.evidence < 0 or self.margin < 0:
            raise ValueError("more evidence must never lower the probability")

    def probability(self, signals: Signals) -> float:
        """Of one candidate, 0..1. A question nearer to a known gap than to the answer's every
        wording is not helped by its margin over other answers."""
        return self.of(signals.score - signals.out, signals.margin)

    def of(self, evidence: float, margin: float) -> float:
        x = self.evidence * evidence + self.margin * margin + self.intercept
        return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def shipped(wordings: float) -> Confidence:
    """The shipped weights for a knowledge whose answers have so many wordings: the mean natural
    logarithm of their numbers. Where there are many, one comes near a strange question by chance.
    """
    return Confidence(evidence=6.47, margin=4.09, intercept=-2.20 - 0.544 * wordings)


def fit_confidence(
    evidence: Doubles,
    margin: Doubles,
    right: NDArray[np.bool_],
    weights: Doubles,
    prior: Confidence,
    strength: float = 1.0,
) -> Confidence:
    """Logistic regression pulled towards `prior` (Gaussian, variance 1 / strength), by Newton.

    All arrays are [n]; `weights` >= 0 count each example. Deterministic.
    """
    x = np.stack([evidence, margin, np.ones_like(evidence)], axis=1)
    centre = np.array([prior.evidence, prior.margin, prior.intercept], np.float64)

    def loss(beta: Doubles) -> float:
        z = x @ beta
        pull = 0.5 * strength * float(((beta - centre) ** 2).sum())
        return float((weights * (np.logaddexp(0, z) - right * z)).sum()) + pull

    beta, now = centre.copy(), loss(centre)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weights * (right - p)) - strength * (beta - centre)
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x + strength * np.eye(3)
        step = np.linalg.solve(hessian, gradient)
        while loss(beta + step) > now and float(np.abs(step).max()) >= 1e-8:
            step /= 2  # where p is near 0 or 1 a whole step goes too far
        beta += step
        now = loss(beta)
        if float(np.abs(step).max()) < 1e-8:
            break
    return Confidence(max(0.0, float(beta[0])), max(0.0, float(beta[1])), float(beta[2]))


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold on the probability, and what it rests on.

    With probability at least 1 - delta over the `questions`, at most `max_wrong` of all questions
    like them get a wrong reply (a wrong passage, or a quote where none answers).
    """

    threshold: float
    max_wrong: float
    delta: float
    questions: int
    wrong: int  # of the calibration questions, at this threshold
    bound: float  # upper confidence bound of the wrong share, <= max_wrong
    coverage: float  # share of the answerable calibration questions answered right

    def __post_init__(self) -> None:
        shares = ("threshold", "max_wrong", "delta", "bound", "coverage")
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:  # NaN too
                raise ValueError(f"{name} is in 0..1, not {getattr(self, name)!r}")
        if not 0 <= self.wrong <= self.questions:
            raise ValueError(f"{self.wrong!r} of {self.questions!r} questions can't be wrong")


def choose_operating_point(
    probabilities: Doubles,
    right: NDArray[np.bool_],
    answerable: NDArray[np.bool_],
    max_wrong: float,
    delta: float = DELTA,
) -> OperatingPoint:
    """The lowest threshold whose wrong share is proven to be at most `max_wrong`.

    Fixed-sequence testing from the safest threshold down (Learn then Test, Angelopoulos et al.
    2021), each tested with the exact binomial bound (Clopper & Pearson 1934), so the promise holds
    for any distribution the questions are drawn from. Arrays are [n]; `right[i]` says whether the
    quote that question i would get is right. Raises CalibrationError where no threshold passes.
    """
    if not 0 < max_wrong < 1:
        raise CalibrationError(f"the accepted share of wrong replies is in 0..1, not {max_wrong}")
    n = len(probabilities)
    needed = math.ceil(math.log(delta) / math.log(1 - max_wrong))
    if n < needed:
        raise CalibrationError(
            f"{n} labelled questions can't prove a wrong share of {max_wrong:.1%}: at least "
            f"{needed} are needed. Add questions to calibration.jsonl or accept a larger share."
        )
    # The tests differ in the number of wrong replies only, which grows as the threshold falls: all
    # down to the last number that passes do.
    allowed = 0
    while upper_bound(allowed + 1, n, delta) <= max_wrong:
        allowed += 1
    thresholds = np.unique(probabilities)
    mistakes = np.sort(probabilities[~right])
    wrong = len(mistakes) - np.searchsorted(mistakes, thresholds)
    passing = np.flatnonzero(wrong <= allowed)
    if not len(passing):
        raise CalibrationError(
            f"the most confident replies are already wrong too often for {max_wrong:.1%}; "
            "mend the pairs behind them (python -m bot evaluate shows which) and try again"
        )
    lowest = passing[0]
    given = probabilities >= thresholds[lowest]
    return OperatingPoint(
        threshold=float(thresholds[lowest]),
        max_wrong=max_wrong,
        delta=delta,
        questions=n,
        wrong=int(wrong[lowest]),
        bound=upper_bound(int(wrong[lowest]), n, delta),
        coverage=float((given & right).sum() / max(1, answerable.sum())),
    )


def upper_bound(wrong: int, questions: int, delta: float) -> float:
    """The exact upper confidence bound of a share: P(share > bound) <= delta."""
    from scipy.stats import beta

    if wrong >= questions:
        return 1.0
    return float(beta.ppf(1 - delta, wrong + 1, questions - wrong))


def leave_one_out_signals(
    held: NDArray[np.float32], owners: NDArray[np.int32]
) -> tuple[Doubles, Doubles, NDArray[np.bool_], Doubles]:
    """(evidence, margin, right, weights), each [n], of every wording from a head without it.

    Wordings of pairs and out-of-scope prototypes weigh half each, for visitors ask answerable and
    unanswerable questions in unknown proportion, and the knowledge's own lists don't tell it.
    """
    scores = held.astype(np.float64)
    answers = scores[:, :-1]
    best = answers.argmax(axis=1)
    top = answers[np.arange(len(best)), best]
    rest = answers.copy()
    rest[np.arange(len(best)), best] = 0.0
    margin = top - rest.max(axis=1)
    inside = owners < answers.shape[1]
    share = float(inside.mean())
    weights = np.where(inside, 0.5 / max(share, 1e-9), 0.5 / max(1 - share, 1e-9))
    return top - scores[:, -1], margin, best == owners, weights


def expected_calibration_error(
    probabilities: Sequence[float], outcomes: Sequence[bool], bins: int = 10
) -> float:
    """Mean |confidence - accuracy| over equal-width bins, weighed by size (Naeini et al. 2015)."""
    p, y = np.asarray(probabilities, float), np.asarray(outcomes, float)
    if not len(p):
        return 0.0
    which = np.minimum((p * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(p[which == b].mean() - y[which == b].mean()) * (which == b).mean()
            for b in range(bins)
            if (which == b).any()
        )
    )
