"""The two models that read: a net that tells whether a sentence answers, a line that ranks."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import torch

from bot.reading.model import CLIP
from bot.training.examples import Examples
from bot.training.pages import PAGE
from bot.training.reading_net import WIDTH, ReadingNet, loss

CHANGED_WEIGHT = 0.5  # of questions changed by rule: some of them are answerable still
REDUCED = 160  # numbers of a token that training sees, of the encoder's 384
MOST = 100  # questions of an article in an epoch, unless people asked some that have no answer
PAGES = 3  # times that a page is learnt from in an epoch: there are few
CHUNK = 12  # questions in a step, of one article


def fit(
    articles: list[Examples], epochs: int, rate: float = 2e-3, seed: int = 0, say: bool = True
) -> ReadingNet:
    """Train a net. The same articles and seed give the same net on the same machine."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, spread = moments(articles)
    most = {id(e): len(e.usable) if (e.kinds == "unanswerable").any() else MOST for e in articles}
    kinds: Counter[str] = Counter()
    for e in articles:
        share = min(1.0, most[id(e)] / max(1, len(e.usable)))
        for kind, count in Counter(e.kinds[e.usable].tolist()).items():
            kinds[kind] += round(share * count)
    # questions with an answer and without one weigh the same together, however many there are
    rare = kinds["answerable"] - CHANGED_WEIGHT * kinds["changed"]
    weights = {
        "answerable": 1.0,
        "changed": CHANGED_WEIGHT,
        "unanswerable": max(1.0, rare / max(1, kinds["unanswerable"])),
    }
    net = ReadingNet(REDUCED, torch.from_numpy(mean), torch.from_numpy(spread))
    net.project.weight.data.copy_(1.5 * torch.eye(WIDTH, REDUCED))
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=0.02)
    steps = [
        (e, n)
        for e in articles
        for _ in range(PAGES if e.source.startswith(PAGE) else 1)
        for n in range(-(-min(most[id(e)], len(e.usable)) // CHUNK))
    ]
    done, total = 0, epochs * len(steps)
    for epoch in range(epochs):
        orders = {id(e): rng.permutation(e.usable)[: most[id(e)]] for e in articles}
        began, lost = time.process_time(), 0.0
        for step in rng.permutation(len(steps)):
            examples, n = steps[step]
            rows = orders[id(examples)][n * CHUNK : (n + 1) * CHUNK]
            chosen, values, gold = examples.some(rows, rng)
            scores = net(*examples.batch(rows, chosen, net.tokens), torch.from_numpy(values))
            scores = scores.masked_fill(torch.from_numpy(chosen == examples.size), -9.0)
            weight = np.array([weights[kind] for kind in examples.kinds[rows]], np.float32)
            value = loss(scores, torch.from_numpy(gold), torch.from_numpy(weight))
            optimiser.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            for group in optimiser.param_groups:
                group["lr"] = rate * min(1.0, (done + 1) / 50) * (1 - done / total)
            optimiser.step()
            done, lost = done + 1, lost + value.item()
        if say:
            took = time.process_time() - began
            print(f"epoch {epoch + 1}: loss {lost / len(steps):.4f}, {took:.0f} s", flush=True)
    return net.eval()


@torch.no_grad()
def scores_of(net: ReadingNet, examples: Examples) -> np.ndarray:
    """Of all that is read for every question, [questions, READ]."""
    found = []
    for begin in range(0, len(examples.kinds), CHUNK):
        rows = np.arange(begin, min(begin + CHUNK, len(examples.kinds)))
        signals = torch.from_numpy(examples.signals[rows])
        scores = net(*examples.batch(rows, examples.chosen[rows], net.tokens), signals).numpy()
        found.append(np.where(examples.chosen[rows] < examples.size, scores, -50.0))
    return np.concatenate(found)


def fit_ranking(articles: list[Examples]) -> np.ndarray:
    """Weights of the standardised signals by which the right sentence is told from the others."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = moments(articles)
    x, y = [], []
    for e in articles:
        rows = (e.kinds == "answerable") & e.gold.any(1)
        real = e.chosen[rows] < e.size
        x.append(np.clip((e.signals[rows] - mean) / spread, -CLIP, CLIP)[real])
        y.append(e.gold[rows][real])
    found = LogisticRegression(max_iter=2000).fit(np.concatenate(x), np.concatenate(y))
    weights: np.ndarray = found.coef_[0].astype(np.float32)
    return weights


def moments(articles: list[Examples]) -> tuple[np.ndarray, np.ndarray]:
    """(mean, spread) of every signal."""
    signals = np.concatenate([e.signals[e.chosen < e.size] for e in articles])
    return signals.mean(0), signals.std(0) + 1e-4
