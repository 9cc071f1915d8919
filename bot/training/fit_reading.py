"""Train the reading model.

    python -m bot.training.fit_reading pairs.jsonl.gz --out bot/data/reading.npz

The file is that of `answerability_articles`. Everything else is the product's own: documents are
drawn and sentences are read as they are when served. Encoding takes most of the time (a second
for each 30 sentences on one core); it is kept in --work and goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import pickle
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bot.documents.documents import document_from_text
from bot.documents.passages import split_passages
from bot.drawing.drawing import draw_pairs
from bot.encoding.encoders import Encoder, load_encoder
from bot.knowledge.knowledge import Knowledge
from bot.matching.index import compared, group_answers
from bot.reading.model import CLIP, MOST_ASKED, MOST_TOKENS
from bot.reading.reading import BATCH, FIRST, READ, sentences_of
from bot.reading.signals import SIGNALS, Question, Sentence, Sentences
from bot.subjects import Subjects
from bot.training.answerability_articles import Article, read_articles
from bot.training.reading_net import WIDTH, ReadingNet, arrays_of, export, loss, principal

PROBE = "What does the sentence say, and about whom?"
CHANGED_WEIGHT = 0.5  # of questions changed by rule: some of them are answerable still
NEGATIVES, RANDOM = 5, 2  # sentences beside the right one: the best of the others, and any
REDUCED = 160  # numbers of a token that training sees, of the encoder's 384
CHUNK = 12  # questions in a step, of one article


@dataclass
class Prepared:
    """One article's sentences and questions, encoded. `gold` [questions, sentences]."""

    title: str
    source: str
    sentences: list[Sentence]
    vectors: np.ndarray
    titled: np.ndarray
    tokens: list[np.ndarray]
    questions: list[str]
    kinds: list[str]
    asked_vectors: np.ndarray
    asked_tokens: list[np.ndarray]
    gold: np.ndarray


def prepare(article: Article, encoder: Encoder, rng: random.Random, most: int) -> Prepared:
    """Draw the article and encode it; at most about `most` questions of each kind."""
    text = "\n\n".join(article.paragraphs)
    document = document_from_text(text, id="article", title=article.title, source="article")
    knowledge = Knowledge(
        Path("."), article.title, "en", "general", (document,), split_passages(document),
        draw_pairs(document), (), (), document.aliases, document.subjects, "",
    )  # fmt: skip
    subjects = Subjects(knowledge.aliases, knowledge.subjects)
    sentences = sentences_of(knowledge, group_answers(knowledge), subjects)
    by_kind = defaultdict(list)
    for question in article.questions:
        by_kind[question.kind].append(question)
    for own in by_kind.values():
        rng.shuffle(own)
    more = bool(by_kind["unanswerable"])  # rare, so such articles give more of all
    kept = by_kind["answerable"][: int(most * (1.6 if more else 1))]
    kept += by_kind["changed"][: int(most * (0.6 if more else 0.4))] + by_kind["unanswerable"]
    plain = [" ".join(s.text.split()) for s in sentences]
    questions = [compared(q.text, subjects) for q in kept]
    vectors, tokens = encode([s.text for s in sentences], encoder)
    asked_vectors, asked_tokens = encode(questions, encoder)
    return Prepared(
        article.title,
        article.source,
        list(sentences),
        vectors,
        encoder.encode([s.named for s in sentences]),
        tokens,
        questions,
        [q.kind for q in kept],
        asked_vectors,
        asked_tokens,
        np.array([[any(g in text for g in q.gold) for text in plain] for q in kept], bool),
    )


def encode(texts: list[str], encoder: Encoder) -> tuple[np.ndarray, list[np.ndarray]]:
    """(vectors, tokens of each text in float16)."""
    vectors = np.zeros((len(texts), encoder.dim), np.float32)
    tokens: list[np.ndarray] = [np.zeros((0, encoder.dim), np.float16)] * len(texts)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for begin in range(0, len(order), BATCH):
        batch = order[begin : begin + BATCH]
        for i, found in zip(batch, encoder.encode_each([texts[i] for i in batch]), strict=True):
            vectors[i], tokens[i] = found.vector, found.tokens[:MOST_TOKENS].astype(np.float16)
    return vectors, tokens


class Examples:
    """An article's questions with the sentences that are read for each, as when served."""

    def __init__(self, made: Prepared) -> None:
        self.title, self.kinds = made.title, np.array(made.kinds)
        table = Sentences(made.sentences, made.vectors, made.titled)
        n, self.size = len(made.questions), table.size
        self.tokens = made.tokens
        self.chosen = np.full((n, READ), self.size)
        self.signals = np.zeros((n, READ, len(SIGNALS)), np.float32)
        self.gold = np.zeros((n, READ), bool)
        for row, text in enumerate(made.questions):
            question = Question.of(text)
            first = table.first(question, made.asked_vectors[row])
            chosen = np.argsort(-(first @ FIRST), kind="stable")[:READ]
            self.chosen[row, : len(chosen)] = chosen
            self.signals[row, : len(chosen)] = table.signals(question, first, chosen.tolist())
            self.gold[row, : len(chosen)] = made.gold[row, chosen]
        answerable = self.kinds == "answerable"
        self.findable = made.gold.any(1)  # of those answerable, whose gold stands in one quote
        self.usable = np.flatnonzero(~answerable | self.gold.any(1))
        dim = made.vectors.shape[1]
        self._tokens, self._held = padded([*made.tokens, np.zeros((0, dim))], MOST_TOKENS)
        self._asked, self._real = padded(made.asked_tokens, MOST_ASKED)
        beside = [[table.beside(i, step) for i in range(table.size)] for step in (-1, 1)]
        none = self.size
        self._beside = torch.tensor(
            [[none if j is None else j for j in [*b, None]] for b in beside]
        )

    def reduce(self, basis: torch.Tensor) -> None:
        """Keep of each token its numbers along `basis` [d, dim]: training is quicker by far."""
        self._tokens = self._tokens.float() @ basis.T
        self._asked = self._asked.float() @ basis.T

    def batch(self, rows: np.ndarray, chosen: np.ndarray) -> tuple[torch.Tensor, ...]:
        """What the net takes but the signals, of questions `rows` and sentences `chosen`."""
        own = torch.from_numpy(chosen)
        before, after = self._beside[0][own], self._beside[1][own]
        beside = torch.cat([self._tokens[before], self._tokens[after]], 2)
        held = torch.cat([self._held[before], self._held[after]], 2).clone()
        held[..., 0] |= ~held.any(-1)
        held_own = self._held[own].clone()
        held_own[..., 0] |= ~held_own.any(-1)
        asked = self._real[rows]
        longest = int(asked.sum(1).max())
        return (
            self._asked[rows, :longest],
            asked[:, :longest],
            self._tokens[own],
            held_own,
            beside,
            held,
        )

    def some(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """(chosen, signals, gold) of a step: the right ones, the best others and a few more."""
        picks = []
        for row in rows:
            right = np.flatnonzero(self.gold[row])[:2]
            others = np.flatnonzero(~self.gold[row])
            best = NEGATIVES + 2 - len(right) - 1
            rest = rng.permutation(others[best:])[:RANDOM]
            picks.append(np.concatenate([right, others[:best], rest]))
        chosen, at = np.array(picks), rows[:, None]
        return self.chosen[at, chosen], self.signals[at, chosen], self.gold[at, chosen]


def padded(tokens: list[np.ndarray], most: int) -> tuple[torch.Tensor, torch.Tensor]:
    found = torch.zeros(len(tokens), most, tokens[0].shape[1], dtype=torch.float16)
    held = torch.zeros(len(tokens), most, dtype=torch.bool)
    for i, own in enumerate(tokens):
        length = min(most, len(own))
        found[i, :length] = torch.from_numpy(own[:length].astype(np.float16))
        held[i, :length] = True
    return found, held


def fit(
    articles: list[Examples], epochs: int, rate: float = 2e-3, seed: int = 0, say: bool = True
) -> ReadingNet:
    """Train a net. The same articles and seed give the same net on the same machine."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, spread = moments(articles)
    kinds = Counter(kind for e in articles for kind in e.kinds[e.usable].tolist())
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
    steps = [(e, n) for e in articles for n in range(-(-len(e.usable) // CHUNK))]
    done, total = 0, epochs * len(steps)
    for epoch in range(epochs):
        orders = {id(e): rng.permutation(e.usable) for e in articles}
        began, lost = time.process_time(), 0.0
        for step in rng.permutation(len(steps)):
            examples, n = steps[step]
            rows = orders[id(examples)][n * CHUNK : (n + 1) * CHUNK]
            chosen, values, gold = examples.some(rows, rng)
            scores = net(*examples.batch(rows, chosen), torch.from_numpy(values))
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
        scores = net(*examples.batch(rows, examples.chosen[rows]), signals).numpy()
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


@dataclass
class Tuned:
    """How scores are used: `blend` of them into the ranking, slope and shift to a probability.

    `first` is the share of held-out answerable questions whose right sentence comes first.
    """

    blend: float
    slope: float
    shift: float
    first: float


def tune(
    held: list[Examples], scores: list[np.ndarray], ranking: np.ndarray, used: list[Examples]
) -> Tuned:
    """On articles `held` out, with their `scores` by a net that was fitted to those `used`."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = moments(used)
    linear = [np.clip((e.signals - mean) / spread, -CLIP, CLIP) @ ranking for e in held]

    def best(blend: float) -> list[np.ndarray]:
        ranks = [u + blend * s for u, s in zip(linear, scores, strict=True)]
        return [
            np.where(e.chosen < e.size, r, -99.0).argmax(1)
            for e, r in zip(held, ranks, strict=True)
        ]

    def first(blend: float) -> float:
        right = []
        for e, j in zip(held, best(blend), strict=True):
            right.append(e.gold[np.arange(len(j)), j][(e.kinds == "answerable") & e.findable])
        return float(np.concatenate(right).mean())

    blend = max((0.5, 0.7, 1.0, 1.4, 2.0), key=first)
    x, y = [], []
    for e, s, j in zip(held, scores, best(blend), strict=True):
        if not (e.kinds == "unanswerable").any():
            continue  # only where people asked both in about the proportion to be expected
        own = (e.kinds == "unanswerable") | ((e.kinds == "answerable") & e.findable)
        rows = np.arange(len(j))
        x.append(s[rows, j][own])
        y.append(e.gold[rows, j][own])
    sure = LogisticRegression(C=10.0).fit(np.concatenate(x)[:, None], np.concatenate(y))
    return Tuned(blend, float(sure.coef_[0, 0]), float(sure.intercept_[0]), first(blend))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--out", type=Path, default=Path("bot/data/reading.npz"))
    parser.add_argument("--work", type=Path, default=Path("build/reading"))
    parser.add_argument("--questions", type=int, default=90, help="an article and kind")
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument(
        "--sure",
        type=float,
        nargs=2,
        metavar=("SLOPE", "SHIFT"),
        help="of the probability, instead of what the articles held out give: those nets saw fewer "
        "unanswerable questions, and are too careful (the shipped model: 0.38 -1.3, fitted on the "
        "dev articles of evaluate-sets)",
    )
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.work.mkdir(parents=True, exist_ok=True)
    encoder = load_encoder(None, chosen.work)
    articles = sorted(
        read_articles(chosen.rows),
        key=lambda a: -sum(q.kind == "unanswerable" for q in a.questions),
    )[: chosen.articles]
    examples = []
    for number, article in enumerate(articles):
        kept = chosen.work / f"{article.source}-{number:03d}.pickle"
        if kept.is_file():
            made = pickle.loads(kept.read_bytes())
        else:
            made = prepare(article, encoder, random.Random(number), chosen.questions)
            kept.write_bytes(pickle.dumps(made))
            print(f"{number + 1} of {len(articles)}: {made.title}", flush=True)
        examples.append(Examples(made))
    basis = principal([t for e in examples for t in e.tokens], REDUCED)
    for one in examples:
        one.reduce(basis)
    finish(examples, basis, encoder.encode([PROBE])[0], chosen.epochs, chosen.out, chosen.sure)


def finish(
    examples: list[Examples],
    basis: torch.Tensor,
    probe: np.ndarray,
    epochs: int,
    out: Path,
    sure: Sequence[float] | None = None,
) -> ReadingNet:
    """Tune on articles held out, train on all, write the model."""
    asked = [i for i, e in enumerate(examples) if (e.kinds == "unanswerable").any()]
    others = [i for i in range(len(examples)) if i not in asked]
    apart = {*asked[::2], *others[::5]}
    rest = [e for i, e in enumerate(examples) if i not in apart]
    held = [examples[i] for i in sorted(apart)]
    net = fit(rest, epochs)
    tuned = tune(held, [scores_of(net, e) for e in held], fit_ranking(rest), rest)
    print(tuned, flush=True)
    slope, shift = sure or (tuned.slope, tuned.shift)
    net = fit(examples, epochs)
    notes = {
        "probe": PROBE,
        "articles": len(examples),
        "questions": int(sum(len(e.usable) for e in examples)),
        "held_out_first": round(tuned.first, 4),
        "data": "SQuAD 1.1 and 2.0 (CC BY-SA 4.0), SQuADShifts new Wikipedia (CC BY 4.0)",
        "parameters": int(sum(a.size for a in arrays_of(net).values())),
    }
    more = {
        "rank": fit_ranking(examples),
        "blend": np.float32(tuned.blend),
        "slope": np.float32(slope),
        "shift": np.float32(shift),
        "probe": probe,
    }
    export(net, basis, more, notes, out)
    return net


if __name__ == "__main__":
    main()
