"""What speaks for a sentence as the answer to a question that nobody foresaw: named features.

A sentence drawn from a document has no wordings of people to be matched with. What is left: the
words and names that it shares with the question and those that it lacks, in itself, beside it
and in its passage; the meaning of each; and whether it offers the kind of answer asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from bot.reading.asking import (
    KINDS,
    Asked,
    Kind,
    Offer,
    addressing,
    asked_words,
    kind_of,
    negated,
)
from bot.reading.bm25 import Bm25
from bot.reading.contrasts import (
    Number,
    Said,
    contrary,
    denial,
    modifiers_missing,
    numbers_missing,
    other_number,
)
from bot.wording import content_words, stem, words

Floats = NDArray[np.float32]

SIGNALS = (
    "bm25",  # of the sentence; the next three of its passage, and of the sentences beside it
    "passage_bm25",
    "before_bm25",
    "after_bm25",
    "cosine",  # of the question to the sentence, to it behind the title, to its passage
    "titled_cosine",
    "passage_cosine",
    "covered",  # share of the question's words, by rarity, that the sentence holds; its passage;
    "passage_covered",
    "near_covered",  # ... it, the title and the sentences beside it
    "pairs",  # share of the question's word pairs that stand together in the sentence
    "missing_rarity",  # of the rarest word that the passage lacks, 0..1
    "passage_names_missing",  # names and numbers of the question that the passage lacks
    "names_missing",  # ... that the sentence lacks
    "unknown",  # share of the question's words, by rarity, that stand nowhere
    "offers",  # whether the sentence offers the kind of answer asked for, 0..1
    "news",  # ln(1 + content words that the question doesn't hold)
    "echo",  # share of its content words that the question holds
    "fuzzy",  # token_set_ratio, 0..1
    "negation_lost",  # the question is negated, the sentence isn't
    "negated",  # the question is
    "length",  # ln(1 + words of the sentence)
    "asked",  # ln(1 + content words of the question)
    "density",  # how close together the shared words stand, 0..1
    "contrary",  # words whose opposite the sentence says; 0..2
    "other_number",  # numbers in whose place the sentence has another; 0..2
    "numbers_missing",  # numbers that the passage lacks; 0..2
    "modifiers_missing",  # words such as "first" and "former" that the sentence lacks; 0..2
    "denial",  # share of the shared words that only one of the two denies
    *(f"asks_{kind}" for kind in KINDS),
)
# What the answer's probability rests on besides: the model's own score, its lead over the best of
# another passage, and how well the sentence matches the question's words by meaning, -1..1.
GRADED = ("score", "lead", "words_matched", "worst_word", "second_worst_word")
OF_QUESTION = frozenset({"unknown", "negated", "asked", *(f"asks_{kind}" for kind in KINDS)})


@dataclass(frozen=True, slots=True)
class Sentence:
    """A quotable stretch of a document and where it stands."""

    text: str
    named: str  # the same behind the document's title and heading
    passage: int  # number of its passage
    about: str = ""  # title and heading


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is compared."""

    text: str
    asked: tuple[Asked, ...]
    terms: tuple[str, ...]  # distinct stems of its content words
    stems: frozenset[str]  # of all its words
    kind: Kind
    negated: bool
    said: Said

    @classmethod
    def of(cls, text: str) -> Question:
        asked = asked_words(text)
        return cls(
            text,
            asked,
            tuple(dict.fromkeys(a.stem for a in asked)),
            frozenset(stem(w) for w in words(text)),
            kind_of(text),
            negated(text),
            Said.of(text),
        )


class Sentences:
    """n sentences, in the order of their documents, ready to be compared with questions.

    `vectors` and `titled` are float32 [n, dim], L2-normalised: of each text, and of `named`.
    """

    def __init__(self, sentences: Sequence[Sentence], vectors: Floats, titled: Floats) -> None:
        self.size = len(sentences)
        self.texts = tuple(s.text for s in sentences)
        self.addressing = addressing([s.text for s in sentences])
        self._vectors, self._titled = vectors, titled
        self.passages = np.array([s.passage for s in sentences], np.int64)
        self._lists = [[stem(w) for w in words(s.text)] for s in sentences]
        self._sets = [frozenset(stems) for stems in self._lists]
        self._content = [frozenset(stem(w) for w in content_words(s.text)) for s in sentences]
        self._about = [frozenset(stem(w) for w in words(s.about)) for s in sentences]
        self._offers = [Offer.of(s.text) for s in sentences]
        self._said = [Said.of(s.text) for s in sentences]
        self._bm25 = Bm25.build(self._lists)
        # a passage is the sentences drawn from it; one that leads into the next counts once
        count = int(self.passages.max(initial=-1)) + 1
        spoken: list[list[str]] = [[] for _ in range(count)]
        held: list[set[str]] = [set() for _ in range(count)]
        self._numbers: list[set[Number]] = [set() for _ in range(count)]
        told: list[list[str]] = [[] for _ in range(count)]
        for s, stems, about, said in zip(
            sentences, self._lists, self._about, self._said, strict=True
        ):
            if not any(s.text in earlier for earlier in told[s.passage]):
                spoken[s.passage] += stems
                told[s.passage].append(s.text)
            held[s.passage] |= {*stems, *about}
            self._numbers[s.passage] |= said.numbers
        self._passage_sets = held
        self._passage_bm25 = Bm25.build(spoken)
        sums = np.zeros((count, vectors.shape[1]), np.float32)
        np.add.at(sums, self.passages, vectors)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        self._passage_vectors = sums / np.maximum(lengths, 1e-9)
        self._rarest = math.log(1 + (self.size + 0.5) / 0.5)

    def rarity(self, question: Question) -> NDArray[np.float32]:
        """How rare each content word of `question` is, in order; > 0."""
        return np.array([self._bm25.idf(a.stem) for a in question.asked], np.float32)

    def beside(self, i: int, step: int) -> int | None:
        """The sentence before (-1) or after (1) in the same passage."""
        j = i + step
        inside = 0 <= j < self.size and self.passages[j] == self.passages[i]
        return j if inside else None

    def holds(self, i: int, question: Question) -> bool:
        """Does the passage of sentence i, with title and heading, hold all that is asked about?"""
        return set(question.terms) <= self._passage_sets[int(self.passages[i])]

    def first(self, question: Question, vector: Floats) -> Floats:
        """The first seven signals of every sentence, [n, 7]."""
        own = self._bm25.scores(question.terms)
        passage = self._passage_bm25.scores(question.terms)[self.passages]
        joined = self.passages[1:] == self.passages[:-1]
        before, after = np.zeros_like(own), np.zeros_like(own)
        before[1:] = np.where(joined, own[:-1], 0)
        after[:-1] = np.where(joined, own[1:], 0)
        wide = (self._passage_vectors @ vector)[self.passages]
        near = (self._vectors @ vector, self._titled @ vector, wide)
        return np.stack([own, passage, before, after, *near], axis=1).astype(np.float32)

    def signals(self, question: Question, first: Floats, chosen: Sequence[int]) -> Floats:
        """All signals of the sentences `chosen` [k], in the order of `SIGNALS`: [k, signals]."""
        rarity = {t: self._bm25.idf(t) for t in question.terms}
        total = sum(rarity.values()) or 1.0
        known = self._bm25.postings
        rows = []
        for i in chosen:
            own = self._sets[i]
            passage = self._passage_sets[self.passages[i]]
            near = own | self._about[i]
            for j in (self.beside(i, -1), self.beside(i, 1)):
                near = near if j is None else near | self._sets[j]
            lacking = [rarity[t] for t in question.terms if t not in passage]
            offer = self._offers[i]
            content = self._content[i]
            unknown = (t for t in question.terms if t not in known and t not in self._about[i])
            together, density = self._places(question, i)
            rows.append(
                (
                    *first[i],
                    sum(rarity[t] for t in question.terms if t in own) / total,
                    sum(rarity[t] for t in question.terms if t in passage) / total,
                    sum(rarity[t] for t in question.terms if t in near) / total,
                    together,
                    max(lacking, default=0.0) / self._rarest,
                    sum(a.named and a.stem not in passage for a in question.asked),
                    sum(a.named and a.stem not in own for a in question.asked),
                    sum(rarity[t] for t in unknown) / total,
                    offer.fits(question.kind, question.stems),
                    math.log1p(len(content - question.stems)),
                    len(content & question.stems) / max(1, len(content)),
                    fuzz.token_set_ratio(" ".join(question.terms), " ".join(self._lists[i])) / 100,
                    float(question.negated and not offer.negated),
                    float(question.negated),
                    math.log1p(len(self._lists[i])),
                    math.log1p(len(question.terms)),
                    density,
                    contrary(question.said, self._said[i]),
                    other_number(question.said, self._said[i]),
                    numbers_missing(question.said, self._numbers[self.passages[i]]),
                    modifiers_missing(question.said, self._said[i]),
                    denial(question.said, self._said[i], question.terms),
                    *(float(question.kind == kind) for kind in KINDS),
                )
            )
        return np.array(rows, np.float32).reshape(len(rows), len(SIGNALS))

    def _places(self, question: Question, i: int) -> tuple[float, float]:
        """(share of the question's word pairs that stand together, density), 0..1 each."""
        places: dict[str, list[int]] = {}
        for place, term in enumerate(self._lists[i]):
            places.setdefault(term, []).append(place)
        asked = list(pairwise(a.stem for a in question.asked))
        together = sum(
            any(0 < y - x <= 3 for x in places.get(a, ()) for y in places.get(b, ()))
            for a, b in asked
        )
        shared = sorted(p for t in question.terms for p in places.get(t, ()))
        distinct = len({self._lists[i][p] for p in shared})
        density = distinct / (1 + shared[-1] - shared[0]) if shared else 0.0
        return together / len(asked) if asked else 0.0, density
