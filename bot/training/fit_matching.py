"""Fit the shipped confidence: the numbers of `bot.matching.calibration.shipped`.

    python -m bot.training.fit_matching FOLDER

FOLDER holds the question banks of `bot.evaluation.banks`; their development halves are used. Each
bank with several wordings an answer is taken with one and with three of them too, so that how the
floor grows with the wordings is not mistaken for what else tells the banks apart. Every bank counts
the same, and so do its answerable queries (`ANSWERABLE` of all), for shares differ by how a bank
was made. What is printed for a bank is by a fit to the others: what a knowledge never seen gets.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bot.encoding.cache import EmbeddingCache
from bot.encoding.encoders import Encoder, load_encoder
from bot.evaluation.banks import SETS, Bank, ask, figures, read_bank
from bot.matching.calibration import Confidence, Doubles, Scored
from bot.settings import Settings

ANSWERABLE = 0.65  # of what is asked: the mean of the banks
THINNED = (1, 3)  # wordings an answer


@dataclass(frozen=True)
class Example:
    """The queries of a bank as scored; `name` is that of the whole bank where it is thinned."""

    name: str
    wordings: float
    scored: Scored
    answerable: np.ndarray


@dataclass(frozen=True)
class Fitted:
    """floor = least + growth * wordings."""

    exponent: float
    least: float
    growth: float

    def confidence(self, wordings: float) -> Confidence:
        return Confidence(self.exponent, self.least + self.growth * wordings)


def thinned(bank: Bank, most: int) -> Bank | None:
    """`bank` with the first `most` wordings of each answer; None where no answer has more."""
    seen: Counter[str] = Counter()
    rows = []
    for row in bank.rows:
        seen[row["answer"]] += 1
        if seen[row["answer"]] <= most:
            rows.append(row)
    if len(rows) == len(bank.rows):
        return None
    left = {row["question"] for row in rows}
    return replace(bank, rows=tuple(rows), accepted=tuple(gold & left for gold in bank.accepted))


def examples_of(bank: Bank, encoder: Encoder, vectors: EmbeddingCache) -> Iterator[Example]:
    """Of the bank and its thinned forms."""
    for form in (bank, *(thinned(bank, most) for most in THINNED)):
        if form is not None:
            asked, wordings = ask(form, encoder, vectors)
            answerable = np.array([a.answerable for a in asked])
            share = answerable.mean()
            weights = np.where(answerable, ANSWERABLE / share, (1 - ANSWERABLE) / (1 - share))
            right = np.array([a.right for a in asked])
            score, margin, out = (
                np.array([getattr(a.signals, name) for a in asked])
                for name in ("score", "margin", "out")
            )
            scored = Scored(score, score - margin, out, right, weights / len(asked))
            yield Example(bank.name, wordings, scored, answerable)


def chances(example: Example, fitted: Fitted) -> Doubles:
    """Of the best candidate of each query."""
    of = fitted.confidence(example.wordings).of
    scored = example.scored
    rows = zip(scored.score.tolist(), scored.rival.tolist(), scored.out.tolist(), strict=True)
    return np.array([of(*row) for row in rows])


def fit(examples: Sequence[Example]) -> Fitted:
    """The likeliest exponent, least floor and its growth. Deterministic."""
    from scipy.optimize import minimize

    forms = Counter(e.name for e in examples)

    def loss(beta: np.ndarray) -> float:
        total = 0.0
        for e in examples:
            p = chances(e, Fitted(*beta))
            likely = np.log(np.clip(np.where(e.scored.right, p, 1 - p), 1e-12, 1))
            total -= float((e.scored.weights * likely).sum()) / forms[e.name]
        return total

    found = minimize(
        loss, (3.0, 0.2, 0.05), method="L-BFGS-B", bounds=[(0.1, None), (0.01, None), (0, None)]
    )
    return Fitted(*map(float, found.x))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args(arguments)
    settings = Settings()
    encoder = load_encoder(settings.model, settings.cache_dir, threads=settings.threads)
    vectors = EmbeddingCache(settings.cache_dir / "vectors", encoder)
    examples = [
        example
        for name in SETS
        for example in examples_of(read_bank(chosen.folder / name, "dev"), encoder, vectors)
    ]
    for name in SETS:
        fitted = fit([e for e in examples if e.name != name])
        whole = next(e for e in examples if e.name == name)
        p, right = chances(whole, fitted), whole.scored.right
        scored = list(zip(p.tolist(), right.tolist(), strict=True))
        row = figures(name, "held out", scored, whole.answerable.tolist(), calibrated=True)
        loss = -np.log(np.where(right, p, 1 - p)).mean()
        print(f"{name}: AUROC {row.auroc:.3f}, ECE {row.calibration_error:.3f}, loss {loss:.3f}")
    print(fit(examples))


if __name__ == "__main__":
    main()
