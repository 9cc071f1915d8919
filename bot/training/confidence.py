"""How sure reading is told to be, fitted on articles that its net never saw.

In each of `FOLDS` rounds a net learns from the other articles and scores these. On those scores a
logistic model learns the chance that the best sentence answers; a second round, article by article,
gives each question the chance by a model that was fitted to the others. The threshold is chosen on
these so that it holds for the next document: articles differ more than chance would have it, and an
owner has one document, not the mean of many.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bot.errors import CalibrationError
from bot.reading.model import CLIP, ReadingModel, leads
from bot.reading.signals import GRADED, SIGNALS
from bot.training.examples import Examples
from bot.training.fitting import CHANGED_WEIGHT, fit, fit_ranking, moments, scores_of
from bot.training.pages import PAGE
from bot.training.reading_net import ReadingNet, arrays_of

FOLDS = 4
MAX_WRONG, DELTA = 0.04, 0.05  # of the replies on a document; the chance that it is more
BLENDS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.4)
STRENGTH = 20.0  # of the pull of the weights towards 0
# What may not lower the chance, and what may not raise it. Unheld, the first kind gets negative
# weights: where people asked what has no answer, they kept to the words of the text.
RAISES = frozenset(
    "score lead words_matched worst_word second_worst_word offers bm25 passage_bm25 cosine "
    "titled_cosine passage_cosine covered passage_covered near_covered pairs fuzzy density "
    "echo".split()
)
LOWERS = frozenset(
    {
        "contrary",
        "other_number",
        "numbers_missing",
        "denial",
        "modifiers_missing",
        "negation_lost",
    }
    | {"passage_names_missing", "names_missing"}
)

# What is asked for says little about how sure to be, and the few articles mislead.
UNUSED = frozenset(name for name in SIGNALS if name.startswith("asks_"))


@dataclass(frozen=True)
class HeldOut:
    """What a net that never saw `article` makes of it; arrays are [questions, READ]."""

    article: Examples
    fold: int
    linear: np.ndarray  # ranks by the signals alone
    scores: np.ndarray
    words: np.ndarray  # [questions, READ, 3]


@dataclass(frozen=True)
class Sure:
    """P(a sentence answers) = 1 / (1 + exp(-(clip((x - mean) / spread) w + b))), where w and b are
    those for documents that don't speak to their readers and for those that do, `weights`
    [2, values] and `bias` [2], in the shares 1 - addressing and addressing."""

    mean: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def of(self, x: np.ndarray, addressing: np.ndarray) -> np.ndarray:
        z = np.clip((x - self.mean) / self.spread, -CLIP, CLIP)
        shares = np.stack([1 - addressing, addressing], axis=1)
        odds = ((z @ self.weights.T + self.bias) * shares).sum(1)
        return np.asarray(1 / (1 + np.exp(-odds)))


def asked_both(article: Examples) -> bool:
    """Whether people asked what has an answer and what has none, about as often."""
    return bool((article.kinds == "unanswerable").any())


def folds_of(articles: Sequence[Examples]) -> list[int]:
    """The fold of each article; those with questions people wrote to have no answer are spread,
    and pages of one author stay together: one knows one's own questions again."""
    pages = [i for i, e in enumerate(articles) if e.source.startswith(PAGE)]
    asked = [i for i, e in enumerate(articles) if asked_both(e) and i not in pages]
    others = [i for i in range(len(articles)) if i not in (*pages, *asked)]
    folds = [0] * len(articles)
    for own in (asked, others):
        for n, i in enumerate(own):
            folds[i] = n % FOLDS
    authors = sorted({articles[i].source for i in pages})
    for i in pages:
        folds[i] = authors.index(articles[i].source) % FOLDS
    return folds


def hold_out(articles: Sequence[Examples], epochs: int, work: Path) -> list[HeldOut]:
    """Every article, as a net and a ranking see it that learnt from the other folds.

    What a fold gives is kept in `work` under the digest of all that it was made of but the code.
    """
    folds = folds_of(articles)
    digest = hashlib.sha256(f"{epochs} {folds}".encode())
    for e in articles:
        digest.update(e.signals.tobytes())
    found: dict[int, HeldOut] = {}
    for fold in range(FOLDS):
        own = [i for i in range(len(articles)) if folds[i] == fold]
        file = work / f"fold-{fold}-{digest.hexdigest()[:16]}.pickle"
        if not file.is_file():
            rest = [e for e, other in zip(articles, folds, strict=True) if other != fold]
            net, ranking, (mean, spread) = fit(rest, epochs), fit_ranking(rest), moments(rest)
            made = []
            for e in (articles[i] for i in own):
                linear = np.clip((e.signals - mean) / spread, -CLIP, CLIP) @ ranking
                made.append((linear, scores_of(net, e), words_of(net, e)))
            file.write_bytes(pickle.dumps(made))
            print(f"fold {fold + 1} of {FOLDS}", flush=True)
        kept = pickle.loads(file.read_bytes())
        found |= {i: HeldOut(articles[i], fold, *k) for i, k in zip(own, kept, strict=True)}
    return [found[i] for i in range(len(articles))]


@torch.no_grad()
def words_of(net: ReadingNet, examples: Examples) -> np.ndarray:
    """`ReadingModel.words` of all that is read for every question, [questions, READ, 3]."""
    model = ReadingModel(arrays_of(net), {})
    found = np.zeros((*examples.chosen.shape, 3), np.float32)
    if not asked_both(examples):
        return found  # no chance is learnt there
    for row in range(len(examples.kinds)):
        question, real, own, held, _, _ = examples.batch(
            np.array([row]), examples.chosen[row][None], net.tokens
        )
        found[row] = model.words(
            question[0][real[0]].numpy(),
            examples.places[row],
            examples.rarity[row],
            own[0].numpy(),
            held[0].numpy(),
        )
    return found


def choose_blend(held: Sequence[HeldOut]) -> tuple[float, float]:
    """(how much the scores count in the ranking, the share of right sentences that come first)."""

    def first(blend: float) -> float:
        right = []
        for h in held:
            rows = (h.article.kinds == "answerable") & h.article.findable
            right.append(h.article.gold[np.arange(len(rows)), best(h, blend)][rows])
        return float(np.concatenate(right).mean())

    found = max(BLENDS, key=first)
    return found, first(found)


def best(held: HeldOut, blend: float) -> np.ndarray:
    """The place of the sentence that ranks first, for each question."""
    ranks = held.linear + blend * held.scores
    return np.asarray(np.where(held.article.chosen < held.article.size, ranks, -99.0).argmax(1))


def values_of(held: HeldOut, blend: float) -> tuple[np.ndarray, np.ndarray]:
    """(what the chance rests on [questions, values], whether the sentence answers)."""
    e, rows, top = held.article, np.arange(len(held.scores)), best(held, blend)
    passages = np.append(e.passages, -1)[e.chosen]
    lead = np.array(
        [leads(s, p)[t] for s, p, t in zip(held.scores, passages, top, strict=True)], np.float32
    )
    graded = np.stack([held.scores[rows, top], lead], axis=1)
    x = np.concatenate([e.signals[rows, top], graded, held.words[rows, top]], axis=1)
    return x, e.gold[rows, top] & (e.kinds == "answerable")


def fit_sure(x: np.ndarray, right: np.ndarray, weights: np.ndarray, addressing: np.ndarray) -> Sure:
    """Logistic regression, its signs held to `RAISES` and `LOWERS`. Deterministic.

    Arrays are [questions, values] and [questions].
    """
    from scipy.optimize import minimize

    mean, spread = x.mean(0), x.std(0) + 1e-4
    z = np.clip((x - mean) / spread, -CLIP, CLIP)
    shares = np.stack([1 - addressing, addressing], axis=1)
    columns = np.concatenate([z * shares[:, :1], z * shares[:, 1:], shares], axis=1)
    count = z.shape[1]

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        logits = columns @ beta
        p = 1 / (1 + np.exp(-logits))
        value = (weights * (np.logaddexp(0, logits) - right * logits)).sum()
        gradient = columns.T @ (weights * (p - right))
        gradient[: 2 * count] += STRENGTH * beta[: 2 * count]
        return float(value + STRENGTH / 2 * (beta[: 2 * count] ** 2).sum()), gradient

    names = (*SIGNALS, *GRADED)
    bounds = [
        (0.0 if n in RAISES or n in UNUSED else None, 0.0 if n in LOWERS or n in UNUSED else None)
        for n in names
    ]
    free = [(None, None)] * 2
    start = np.zeros(2 * count + 2)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, *bounds, *free])
    return Sure(mean, spread, found.x[: 2 * count].reshape(2, count), found.x[2 * count :])


@dataclass(frozen=True)
class Point:
    """The threshold, and what it rests on: `wrong` of the `questions` on `documents` held out.

    `bound` is the share of wrong replies that the next document stays below, with the chance
    1 - DELTA; `coverage` is the share of the answerable questions answered right.
    """

    threshold: float
    documents: int
    questions: int
    wrong: int
    bound: float
    coverage: float


@dataclass(frozen=True)
class Fitted:
    """How scores are used; `first` is the share of right sentences that come first, held out."""

    blend: float
    first: float
    sure: Sure
    point: Point


def next_document(shares: np.ndarray, sizes: np.ndarray) -> float:
    """What the share of one more document stays below with the chance 1 - DELTA (normal shares).

    The prediction bound mean + t sqrt(v + s^2 / n) of the `shares` of n documents: s^2 their
    variance, v what of it is more than chance among so few questions, `sizes`, would give.
    """
    from scipy.stats import t

    n, mean, spread = len(shares), float(shares.mean()), float(shares.var(ddof=1))
    between = max(0.0, spread - float((mean * (1 - mean) / sizes).mean()))
    return mean + float(t.ppf(1 - DELTA, n - 1)) * (between + spread / n) ** 0.5


def choose_point(
    chances: np.ndarray, right: np.ndarray, answerable: np.ndarray, owner: np.ndarray
) -> Point:
    """The lowest threshold from which on upwards the next document stays within `MAX_WRONG`.

    All arrays are [questions]; `owner` is the document of each. CalibrationError where none does.
    """
    documents, sizes = np.unique(owner, return_counts=True)

    def point(threshold: float) -> Point:
        given = chances >= threshold
        wrong = given & ~right
        shares = np.array([wrong[owner == d].mean() for d in documents])
        coverage = float((given & right).sum() / max(1, answerable.sum()))
        bound = next_document(shares, sizes)
        return Point(threshold, len(documents), len(right), int(wrong.sum()), bound, coverage)

    found = None
    for threshold in np.arange(0.99, 0.3, -0.01).round(2).tolist():
        tried = point(threshold)
        if tried.bound > MAX_WRONG:
            break
        found = tried
    if found is None:
        raise CalibrationError("no threshold keeps the wrong replies on held-out articles low")
    return found


def fit_confidence(held: Sequence[HeldOut]) -> Fitted:
    """All that turns scores into answers. Raises CalibrationError where no threshold will do."""
    blend, first = choose_blend(held)
    x, right, owners, kinds, spoken = [], [], [], [], []
    for number, h in enumerate(held):
        values, correct = values_of(h, blend)
        e = h.article
        if not asked_both(e):
            continue
        # an answer that no quote holds whole can't be judged
        rows = (e.kinds != "answerable") | e.findable
        x.append(values[rows])
        right.append(correct[rows])
        kinds.append(e.kinds[rows])
        spoken.append(np.full(int(rows.sum()), e.addressing))
        owners.append(np.full(int(rows.sum()), number))
    values, correct = np.concatenate(x), np.concatenate(right)
    owner, kind = np.concatenate(owners), np.concatenate(kinds)
    addressing = np.concatenate(spoken)
    weights = np.where(kind == "changed", CHANGED_WEIGHT, 1.0)
    judged = np.isin(kind, ("answerable", "unanswerable"))
    chances = np.zeros(len(values))
    for own in np.unique(owner):
        rest = owner != own
        sure = fit_sure(values[rest], correct[rest], weights[rest], addressing[rest])
        chances[~rest] = sure.of(values[~rest], addressing[~rest])
    point = choose_point(
        chances[judged], correct[judged], kind[judged] == "answerable", owner[judged]
    )
    return Fitted(blend, first, fit_sure(values, correct, weights, addressing), point)
