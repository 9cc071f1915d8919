"""Pictures as PNG files: of an exam its reliability and its risk against coverage; of a question
bank what several systems answer right at each share of wrong replies.

Needs matplotlib, which comes with the extra `evaluation`; without it QuothError says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.errors import QuothError
from bot.evaluation.measures import Scored, calibration_error, reliability, risk_coverage

_INK, _GREY = "#1f5fa8", "#8a8a8a"


def plot_reliability(scored: Scored, file: Path) -> None:
    """Accuracy in each bin of confidence (bars, with the number of questions) against its mean."""
    figure, axes = _blank()
    axes.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1, label="calibrated")
    bins = reliability(scored)
    axes.bar(
        [b.low for b in bins],
        [b.accuracy for b in bins],
        width=[b.high - b.low for b in bins],
        align="edge",
        color=_INK,
        alpha=0.55,
        edgecolor="white",
        label="share right",
    )
    axes.plot([b.confidence for b in bins], [b.accuracy for b in bins], "o", color=_INK, ms=4)
    for b in bins:
        axes.annotate(
            str(b.count),
            ((b.low + b.high) / 2, min(b.accuracy, 0.93)),
            textcoords="offset points",
            xytext=(0, 3),
            ha="center",
            fontsize=7,
        )
    error = calibration_error(scored)
    title = "Reliability of the confidence"
    axes.set_title(title if error is None else f"{title} (expected error {error:.3f})", fontsize=10)
    axes.set(xlabel="confidence", ylabel="share of candidates that are right", ylim=(0, 1))
    axes.set_xlim(0, 1)
    # Under the plot: bars stand wherever there is room in it.
    axes.legend(frameon=False, fontsize=8, ncol=2, loc="upper right", bbox_to_anchor=(1, -0.13))
    figure.savefig(file, dpi=150)


def plot_risk_coverage(scored: Scored, file: Path, operating: tuple[float, float] | None) -> None:
    """Share wrong among the surest questions, over the share answered; `operating` is the point
    (coverage, risk) at which the bot worked in this exam."""
    figure, axes = _blank()
    points = risk_coverage(scored)
    axes.plot([c for c, _ in points], [r for _, r in points], color=_INK, label="by confidence")
    if operating is not None:
        axes.plot(*operating, "o", color="#c0392b", label="as it decided")
    axes.set_title("Risk and coverage", fontsize=10)
    axes.set(xlabel="share of questions answered", ylabel="share of answers wrong", xlim=(0, 1))
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    figure.savefig(file, dpi=150)


def plot_systems(
    title: str, curves: Mapping[str, Sequence[tuple[float, float]]], file: Path, own: str = "quoth"
) -> None:
    """Share of answerable questions answered right over the share of all answered wrong, a line
    for each system; `own` stands out."""
    figure, axes = _blank()
    for name, points in curves.items():
        steps = [(0.0, 0.0), *points]
        style: dict[str, Any] = {"linewidth": 1.0, "linestyle": "--"}
        if name == own:
            style = {"linewidth": 2.2, "color": _INK, "zorder": 3}
        x, y = [w for w, _ in steps], [r for _, r in steps]
        axes.plot(x, y, label=name, drawstyle="steps-post", **style)
    axes.set_title(title, fontsize=10)
    axes.set(xlabel="share of all questions answered wrong", xlim=(0, 0.2), ylim=(0, 1))
    axes.set_ylabel("share of answerable questions answered right")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    figure.savefig(file, dpi=150)


def _blank() -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise QuothError(
            "plots need matplotlib: pip install 'quoth[evaluation]', or leave --report out"
        ) from error
    figure = Figure(figsize=(5, 4), layout="constrained")  # no pyplot: no global state, no display
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure, axes
