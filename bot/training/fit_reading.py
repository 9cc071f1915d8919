"""Train the reading model: this command makes the shipped file.

    python -m bot.training.fit_reading pairs.jsonl.gz --out bot/data/reading.npz

The file is that of `answerability_articles`; the practical pages beside this module join them.
Everything else is the product's own: documents are drawn and sentences are read as they are when
served. Encoding takes most of the time (a second for each 30 sentences on one core); it is kept in
--work and goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from bot.encoding.encoders import load_encoder
from bot.training.answerability_articles import Article, read_articles
from bot.training.confidence import MAX_WRONG, fit_confidence, hold_out
from bot.training.examples import Examples, prepare
from bot.training.fitting import REDUCED, fit, fit_ranking
from bot.training.pages import read_pages
from bot.training.reading_net import ReadingNet, arrays_of, export, principal

PAGES = Path(__file__).parent / "pages.jsonl"
PROBE = "What does the sentence say, and about whom?"
EPOCHS = 3


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--out", type=Path, default=Path("bot/data/reading.npz"))
    parser.add_argument("--work", type=Path, default=Path("build/reading"))
    parser.add_argument("--articles", type=int, help="the first only, for a trial")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    chosen.work.mkdir(parents=True, exist_ok=True)
    encoder = load_encoder(None, chosen.work)
    examples = []
    known = [*chosen_articles(chosen.rows)[: chosen.articles], *read_pages(PAGES)]
    for number, article in enumerate(known):
        kept = chosen.work / f"{number:03d}.pickle"
        if kept.is_file():
            made = pickle.loads(kept.read_bytes())
        else:
            made = prepare(article, encoder)
            kept.write_bytes(pickle.dumps(made))
            print(f"{number + 1}: {made.title}", flush=True)
        examples.append(Examples(made))
    basis = principal([t for e in examples for t in e.tokens], REDUCED)
    for one in examples:
        one.reduce(basis)
    probe = encoder.encode([PROBE])[0]
    finish(examples, basis, probe, chosen.epochs, chosen.work, chosen.out)


def chosen_articles(file: Path) -> list[Article]:
    """All, those with questions people wrote to have no answer before the others."""
    articles = read_articles(file)
    asked = [a for a in articles if any(q.kind == "unanswerable" for q in a.questions)]
    return asked + [a for a in articles if a not in asked]


def finish(
    examples: list[Examples],
    basis: torch.Tensor,
    probe: np.ndarray,
    epochs: int,
    work: Path,
    out: Path,
) -> ReadingNet:
    """Learn how sure to be on articles held out, train on all, write the model."""
    fitted = fit_confidence(hold_out(examples, epochs, work))
    print(fitted.point, f"blend {fitted.blend}, first {fitted.first:.4f}", flush=True)
    net = fit(examples, epochs)
    point, sure = fitted.point, fitted.sure
    notes = {
        "probe": PROBE,
        "articles": len(examples),
        "questions": int(sum(len(e.usable) for e in examples)),
        "held_out": {
            "first": round(fitted.first, 4),
            "documents": point.documents,
            "questions": point.questions,
            "max_wrong": MAX_WRONG,
            "wrong": point.wrong,
            "bound": round(point.bound, 4),
            "answered_right": round(point.coverage, 4),
        },
        "data": "SQuAD 1.1 and 2.0 (CC BY-SA 4.0), SQuADShifts new Wikipedia (CC BY 4.0), "
        "practical pages written for it (Apache-2.0)",
        "parameters": int(sum(a.size for a in arrays_of(net).values())),
    }
    more = {
        "rank": fit_ranking(examples),
        "blend": np.float32(fitted.blend),
        "sure_mean": sure.mean,
        "sure_spread": sure.spread,
        "sure": sure.weights,
        "sure_bias": sure.bias,
        "threshold": np.float32(point.threshold),
        "probe": probe,
    }
    export(net, basis, more, notes, out)
    print(out, hashlib.sha256(out.read_bytes()).hexdigest(), flush=True)
    return net


if __name__ == "__main__":
    main()
