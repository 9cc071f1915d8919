"""The figures of an exam: how much was right, and what the confidence is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from bot.knowledge.exam import Outcome

BINS = 10  # of the calibration error
RISKS = (0.02, 0.05, 0.10)
_ANSWERABLE = frozenset({"answerable", "partial", "answer"})


@dataclass(frozen=True, slots=True)
class Figures:
    """What an exam comes to. Shares are 0..1; None where no question bears on it."""

    questions: int
    answered_right: float | None  # of the answerable
    declined_right: float | None  # of those that must not be answered
    near_miss_declined: float | None
    wrong_of_all: float
    precision_when_answering: float | None
    balanced: float | None  # mean of answered_right and declined_right
    coverage: float  # share of all questions that were answered
    auroc: float | None
    calibration_error: float | None
    area_under_risk_coverage: float | None
    coverage_at_wrong: tuple[tuple[float, float], ...]
    by_kind: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]

    def to_json(self) -> dict[str, object]:
        values: dict[str, object] = {
            name: round(value, 4) if isinstance(value, float) else value
            for name in self.__slots__
            if name not in ("coverage_at_wrong", "by_kind")
            for value in (getattr(self, name),)
        }
        values["coverage_at_wrong"] = {f"{r:g}": round(c, 4) for r, c in self.coverage_at_wrong}
        values["by_kind"] = {kind: dict(counts) for kind, counts in self.by_kind}
        return values


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """The figures of a whole exam; ValueError where it is empty."""
    if not outcomes:
        raise ValueError("an exam without questions has no figures")
    by_kind: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        by_kind.setdefault(outcome.question.kind, Counter())[outcome.verdict] += 1
    every = sum(by_kind.values(), Counter[str]())
    n = len(outcomes)
    answerable = sum(sum(c.values()) for kind, c in by_kind.items() if kind in _ANSWERABLE)
    right = sum(c["right"] for kind, c in by_kind.items() if kind in _ANSWERABLE)
    wrong, false = every["wrong"], every["false"]
    answered_right = right / answerable if answerable else None
    declined_right = 1 - false / (n - answerable) if n > answerable else None
    near = by_kind.get("unanswerable_near")
    given = right + wrong + false
    balanced = None
    if answered_right is not None and declined_right is not None:
        balanced = (answered_right + declined_right) / 2
    scored, ranked = weighed(outcomes), [(o.score, o.candidate_right) for o in outcomes]
    return Figures(
        questions=n,
        answered_right=answered_right,
        declined_right=declined_right,
        near_miss_declined=near["right"] / near.total() if near else None,
        wrong_of_all=(wrong + false) / n,
        precision_when_answering=right / given if given else None,
        balanced=balanced,
        coverage=sum(o.reply.decision.kind == "answer" for o in outcomes) / n,
        auroc=auroc(ranked),
        calibration_error=calibration_error(scored),
        area_under_risk_coverage=area_under_risk_coverage(ranked),
        coverage_at_wrong=tuple((risk, coverage_at(ranked, risk)) for risk in RISKS),
        by_kind=tuple(
            (kind, tuple(sorted(counts.items())))
            for kind, counts in sorted([*by_kind.items(), ("all", every)])
        ),
    )


Scored = Sequence[tuple[float, bool]]  # (confidence 0..1, whether the candidate is right)


def weighed(outcomes: Iterable[Outcome]) -> list[tuple[float, bool]]:
    """The confidences of the replies that weighed a candidate."""
    return [(o.score, o.candidate_right) for o in outcomes if o.scored]


def auroc(scored: Scored) -> float | None:
    """The chance that a right candidate is surer than a wrong one, ties half (Mann-Whitney)."""
    wins = 0.0
    wrong_below = right = 0
    for _, tied in groupby(sorted(scored), key=lambda pair: pair[0]):
        labels = [label for _, label in tied]
        here = sum(labels)
        wins += here * (wrong_below + (len(labels) - here) / 2)
        right += here
        wrong_below += len(labels) - here
    return wins / (right * wrong_below) if right and wrong_below else None


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of the reliability diagram; `confidence` and `accuracy` are means over `count`."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability(scored: Scored) -> tuple[Bin, ...]:
    """The ten equal bins of confidence that hold anything, low to high; 1.0 is in the last."""
    cells: dict[int, list[tuple[float, bool]]] = {}
    for score, label in scored:
        cells.setdefault(min(int(score * BINS), BINS - 1), []).append((score, label))
    return tuple(
        Bin(
            cell / BINS,
            (cell + 1) / BINS,
            len(inside),
            sum(score for score, _ in inside) / len(inside),
            sum(label for _, label in inside) / len(inside),
        )
        for cell, inside in sorted(cells.items())
    )


def calibration_error(scored: Scored) -> float | None:
    """Expected calibration error: Σ n_b / n · |accuracy_b - confidence_b| (Naeini et al. 2015)."""
    bins = reliability(scored)
    total = sum(b.count for b in bins)
    return sum(b.count * abs(b.accuracy - b.confidence) for b in bins) / total if total else None


def risk_coverage(scored: Scored) -> tuple[tuple[float, float], ...]:
    """Points (coverage, risk) from the surest k of n questions, k = 1..n.

    Risk is the share of wrong candidates among those k; within a tie it is the expectation over
    the orders of the tie.
    """
    n, done, errors = len(scored), 0, 0.0
    points = []
    for _, tied in groupby(sorted(scored, key=lambda pair: -pair[0]), key=lambda pair: pair[0]):
        labels = [label for _, label in tied]
        rate = 1 - sum(labels) / len(labels)
        for _ in labels:
            done, errors = done + 1, errors + rate
            points.append((done / n, errors / done))
    return tuple(points)


def area_under_risk_coverage(scored: Scored) -> float | None:
    """Mean risk over all coverages, lower is better (AURC; Geifman et al. 2019)."""
    points = risk_coverage(scored)
    return sum(risk for _, risk in points) / len(points) if points else None


def coverage_at(scored: Scored, risk: float) -> float:
    """The largest share of questions that a threshold answers with at most `risk` of them wrong.

    The threshold is chosen in hindsight: this is what the confidence allows at best.
    """
    n, done, errors, best = len(scored), 0, 0, 0.0
    for _, tied in groupby(sorted(scored, key=lambda pair: -pair[0]), key=lambda pair: pair[0]):
        labels = [label for _, label in tied]
        done, errors = done + len(labels), errors + len(labels) - sum(labels)
        if errors <= risk * done + 1e-9:
            best = done / n
    return best


def worst(outcomes: Iterable[Outcome], limit: int | None = None) -> tuple[Outcome, ...]:
    """The mistakes, worst first: wrong and false answers, the surest before the rest; then what
    was missed, the surest refusals (lowest confidence) first."""
    mistakes = [outcome for outcome in outcomes if outcome.verdict != "right"]
    mistakes.sort(
        key=lambda o: (o.verdict == "missed", o.score if o.verdict == "missed" else -o.score)
    )
    return tuple(mistakes[:limit])
