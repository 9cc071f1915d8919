"""Questions with the sentences that are read for each, as when served: what training sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from bot.documents.documents import document_from_text
from bot.documents.passages import split_passages
from bot.drawing.drawing import draw_pairs
from bot.encoding.encoders import Encoder
from bot.knowledge.knowledge import Knowledge
from bot.matching.index import compared, group_answers
from bot.reading.model import MOST_ASKED, MOST_TOKENS
from bot.reading.reading import BATCH, FIRST, READ, sentences_of, token_places
from bot.reading.signals import SIGNALS, Question, Sentence, Sentences
from bot.subjects import Subjects
from bot.training.answerability_articles import Article
from bot.types import Span

NEGATIVES, RANDOM = 5, 2  # sentences beside the right one: the best of the others, and any


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
    places: list[list[list[int]]]  # tokens of each content word of each question
    gold: np.ndarray


def prepare(article: Article, encoder: Encoder) -> Prepared:
    """Draw the article and encode it and its questions."""
    text = "\n\n".join(article.paragraphs)
    document = document_from_text(text, id="article", title=article.title, source="article")
    knowledge = Knowledge(
        Path("."), article.title, "en", "general", (document,), split_passages(document),
        draw_pairs(document), (), (), document.aliases, document.subjects, "",
    )  # fmt: skip
    subjects = Subjects(knowledge.aliases, knowledge.subjects)
    sentences = sentences_of(knowledge, group_answers(knowledge), subjects)
    kept = article.questions
    plain = [" ".join(s.text.split()) for s in sentences]
    questions = [compared(q.text, subjects) for q in kept]
    vectors, tokens, _ = encode([s.text for s in sentences], encoder)
    asked_vectors, asked_tokens, spans = encode(questions, encoder)
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
        [
            token_places(Question.of(text), own[:MOST_ASKED])
            for text, own in zip(questions, spans, strict=True)
        ],
        np.array([[any(g in text for g in q.gold) for text in plain] for q in kept], bool),
    )


def encode(
    texts: list[str], encoder: Encoder
) -> tuple[np.ndarray, list[np.ndarray], list[tuple[Span, ...]]]:
    """(vectors, tokens of each text in float16, where those stand)."""
    vectors = np.zeros((len(texts), encoder.dim), np.float32)
    tokens: list[np.ndarray] = [np.zeros((0, encoder.dim), np.float16)] * len(texts)
    spans: list[tuple[Span, ...]] = [()] * len(texts)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    for begin in range(0, len(order), BATCH):
        batch = order[begin : begin + BATCH]
        for i, found in zip(batch, encoder.encode_each([texts[i] for i in batch]), strict=True):
            vectors[i], tokens[i] = found.vector, found.tokens[:MOST_TOKENS].astype(np.float16)
            spans[i] = found.spans
    return vectors, tokens, spans


class Examples:
    """An article's questions with the sentences that are read for each, as when served."""

    def __init__(self, made: Prepared) -> None:
        self.title, self.source, self.kinds = made.title, made.source, np.array(made.kinds)
        table = Sentences(made.sentences, made.vectors, made.titled)
        n, self.size, self.addressing = len(made.questions), table.size, table.addressing
        self.tokens, self.passages = made.tokens, table.passages
        self.places = made.places
        self.rarity: list[np.ndarray] = []
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
            self.rarity.append(table.rarity(question))
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

    def batch(
        self, rows: np.ndarray, chosen: np.ndarray, project: Callable[[torch.Tensor], torch.Tensor]
    ) -> tuple[torch.Tensor, ...]:
        """What the net takes but the signals, of questions `rows` and sentences `chosen`.

        `project` is the net's `tokens`: each sentence goes through it once, however often it is
        chosen.
        """
        own = torch.from_numpy(chosen)
        before, after = self._beside[0][own], self._beside[1][own]
        some, places = torch.unique(torch.stack([own, before, after]), return_inverse=True)
        longest = max(1, int(self._held[some].sum(1).max()))
        tokens = project(self._tokens[some, :longest])
        held = self._held[some, :longest]

        def picked(values: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
            found = values.index_select(0, which.flatten())
            return found.reshape(*which.shape, *values.shape[1:])

        near = torch.cat([picked(tokens, places[1]), picked(tokens, places[2])], 2)
        held_near = torch.cat([picked(held, places[1]), picked(held, places[2])], 2)
        held_near[..., 0] |= ~held_near.any(-1)
        held_own = picked(held, places[0])
        held_own[..., 0] |= ~held_own.any(-1)
        asked = self._real[rows]
        words = int(asked.sum(1).max())
        question = project(self._asked[rows, :words])
        return question, asked[:, :words], picked(tokens, places[0]), held_own, near, held_near

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
