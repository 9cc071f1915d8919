"""One probability from the signals, and an operating point chosen by the risk an owner accepts.

An answer shares the probability with what else the question may be, each by a power of its score
(Luce 1959, the choice rule):

    P(right) = score^k / (score^k + rival^k + out^k + floor^k)

    score   the head's score of the answer
    rival   that of the best other answer
    out     that of "not answered"
    floor   a score that a question gets which is about nothing here; an answer with that score and
            no rival is as likely right as wrong

So a higher score never lowers the probability, and a stronger rival or known gap never raises it.
Odds follow a power of the score, not its exponential: what counts is how many times the rival's or
the floor's it is, for long messages score low all over.

The shipped exponent and floor come from the development parts of unlike public data sets
(bot.training.fit_matching). A knowledge adjusts them on its own wordings (leave-one-out scores),
and chooses its threshold on held-out labelled questions that nothing was fitted to. What a person
is told as the confidence is that probability scaled on the same questions, which changes no order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.errors import CalibrationError
from bot.matching.retrieval import Signals

Doubles = NDArray[np.float64]

DELTA = 0.01  # chance, over calibration questions, that the promised risk does not hold
SMALL = 1e-4  # step of the fit that ends it
LEAST = 1e-3  # a score below it counts as this much: scores may be negative
FORM = "power of scores"  # of the probability: thresholds chosen on another mean something else


@dataclass(frozen=True, slots=True)
class Confidence:
    """P(the answer is right), see the module. `floor` is a score, above 0."""

    exponent: float
    floor: float

    def __post_init__(self) -> None:
        if not self.exponent >= 0:
            raise ValueError("more evidence must never lower the probability")
        if not self.floor > 0:
            raise ValueError(f"the floor is a score above 0, not {self.floor!r}")

    def probability(self, signals: Signals) -> float:
        """Of one candidate, 0..1. A question nearer to a known gap than to the answer's every
        wording is not helped by its margin over other answers."""
        return self.of(signals.score, signals.score - signals.margin, signals.out)

    def of(self, score: float, rival: float, out: float) -> float:
        own = max(score, LEAST)
        against = (max(rival, LEAST), max(out, LEAST), self.floor)
        highest = max(own, *against)
        rest = sum(math.pow(other / highest, self.exponent) for other in against)
        power = math.pow(own / highest, self.exponent)
        return power / (power + rest)


def shipped(wordings: float) -> Confidence:
    """The shipped one for a knowledge whose answers have so many wordings: the mean natural
    logarithm of their numbers. Where there are many, one comes near a strange question by chance.
    """
    return Confidence(exponent=3.52, floor=0.144 + 0.0883 * wordings)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Scores of n questions, whether the best answer was right, and how much each counts; [n]."""

    score: Doubles
    rival: Doubles
    out: Doubles
    right: NDArray[np.bool_]
    weights: Doubles


def fit_confidence(scored: Scored, prior: Confidence, strength: float = 1.0) -> Confidence:
    """The likeliest exponent and floor, pulled towards `prior`, by Fisher scoring. Deterministic.

    The pull is a Gaussian of variance 1 / strength on the exponent and on exponent * ln(floor).
    """
    own, rival, out = (
        np.log(np.maximum(s, LEAST)) for s in (scored.score, scored.rival, scored.out)
    )
    right, weights = scored.right.astype(np.float64), scored.weights
    centre = np.array([prior.exponent, prior.exponent * math.log(prior.floor)])

    def logit(beta: Doubles) -> tuple[Doubles, Doubles]:
        """The log odds [n], and their derivatives [n, 2]."""
        others = np.stack([beta[0] * rival, beta[0] * out, np.full_like(own, beta[1])], axis=1)
        highest = others.max(axis=1)
        share = np.exp(others - highest[:, None])
        total = share.sum(axis=1)
        against = highest + np.log(total)
        share /= total[:, None]
        slope = own - share[:, 0] * rival - share[:, 1] * out
        return beta[0] * own - against, np.stack([slope, -share[:, 2]], axis=1)

    def loss(beta: Doubles) -> float:
        z, _ = logit(beta)
        pull = 0.5 * strength * float(((beta - centre) ** 2).sum())
        return float((weights * (np.logaddexp(0, z) - right * z)).sum()) + pull

    beta = centre.copy()
    for _ in range(100):
        z, slopes = logit(beta)
        p = 1 / (1 + np.exp(-np.clip(z, -30, 30)))
        gradient = slopes.T @ (weights * (right - p)) - strength * (beta - centre)
        hessian = (slopes * (weights * p * (1 - p))[:, None]).T @ slopes + strength * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        # A whole step often goes too far: to and fro about the least, or away where p is 0 or 1.
        whole = loss(beta + step)
        while float(np.abs(step).max()) >= SMALL and (half := loss(beta + step / 2)) < whole:
            step, whole = step / 2, half
        beta += step
        if float(np.abs(step).max()) < SMALL:
            break
    exponent = max(LEAST, float(beta[0]))
    floor = float(np.exp(np.clip(beta[1] / exponent, math.log(LEAST), -math.log(LEAST))))
    return Confidence(exponent, floor)


@dataclass(frozen=True, slots=True)
class Scaling:
    """A probability as it is told: its log odds times `slope`, plus `shift` (Platt 1999).

    At most `most`: no surer than the questions it rests on can tell.
    """

    slope: float = 1.0
    shift: float = 0.0
    most: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.slope < math.inf and math.isfinite(self.shift)):
            raise ValueError(f"a scaling keeps the order of probabilities, not {self!r}")

    def of(self, probability: float) -> float:
        """0..1; impossible stays impossible."""
        if not 0 < probability < 1:
            return min(probability, self.most)
        odds = self.slope * math.log(probability / (1 - probability)) + self.shift
        return min(1 / (1 + math.exp(-odds)), self.most) if odds > -700 else 0.0


def fit_scaling(probabilities: Doubles, right: NDArray[np.bool_]) -> Scaling:
    """The likeliest scaling, with a Gaussian of variance 1 about none on ln(slope) and shift.

    Both arrays are [n]; a probability of 0 or 1 tells nothing here. Deterministic.
    """
    from scipy.optimize import minimize

    told = (probabilities > 0) & (probabilities < 1)
    odds = np.log(probabilities[told]) - np.log1p(-probabilities[told])
    hits = right[told].astype(np.float64)

    def loss(beta: Doubles) -> float:
        z = np.exp(beta[0]) * odds + beta[1]
        return float((np.logaddexp(0, z) - hits * z).sum() + 0.5 * (beta**2).sum())

    stretch, shift = minimize(loss, np.zeros(2)).x
    return Scaling(round(math.exp(stretch), 3), round(float(shift), 3))


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold on the probability, how that is told, and what both rest on.

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
    slope: float = 1.0
    shift: float = 0.0

    def __post_init__(self) -> None:
        Scaling(self.slope, self.shift)
        shares = ("threshold", "max_wrong", "delta", "bound", "coverage")
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:  # NaN too
                raise ValueError(f"{name} is in 0..1, not {getattr(self, name)!r}")
        if not 0 <= self.wrong <= self.questions:
            raise ValueError(f"{self.wrong!r} of {self.questions!r} questions can't be wrong")

    @property
    def scaling(self) -> Scaling:
        """Of the probability into the confidence that a reply names. The surest is that of as
        many questions all answered right, by Laplace's rule of succession."""
        return Scaling(self.slope, self.shift, (self.questions + 1) / (self.questions + 2))


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
    needed = questions_needed(max_wrong, delta)
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


def questions_needed(max_wrong: float, delta: float = DELTA) -> int:
    """How many questions can prove `max_wrong`, above 0 and below 1, at all: so many of which none
    is answered wrong."""
    return math.ceil(math.log(delta) / math.log1p(-max_wrong))


def upper_bound(wrong: int, questions: int, delta: float) -> float:
    """The exact upper confidence bound of a share: P(share > bound) <= delta."""
    from scipy.stats import beta

    if wrong >= questions:
        return 1.0
    return float(beta.ppf(1 - delta, wrong + 1, questions - wrong))


def leave_one_out(held: NDArray[np.float32], owners: NDArray[np.int32]) -> Scored:
    """Every wording as a question, by the scores of a head without it.

    Wordings of pairs and out-of-scope prototypes weigh half each, for visitors ask answerable and
    unanswerable questions in unknown proportion, and the knowledge's own lists don't tell it.
    """
    scores = held.astype(np.float64)
    answers = scores[:, :-1]
    best = answers.argmax(axis=1)
    top = answers[np.arange(len(best)), best]
    rest = answers.copy()
    rest[np.arange(len(best)), best] = 0.0
    inside = owners < answers.shape[1]
    share = float(inside.mean())
    weights = np.where(inside, 0.5 / max(share, 1e-9), 0.5 / max(1 - share, 1e-9))
    return Scored(top, rest.max(axis=1), scores[:, -1], best == owners, weights)
