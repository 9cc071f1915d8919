"""Candidates for a question, and what speaks for each: features in stated ranges, no verdict.

Meaning (cosines of sentence vectors, the head's scores) and wording (rapidfuzz, coverage of the
question's words) stay separate features; the calibrated probability weighs them later. The fuzzy
scorer is token_set_ratio: WRatio's partial branch gives 85 to nearly anything sharing a word.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from bot.encoding.cosines import cosines
from bot.encoding.encoders import Encoder, Vectors
from bot.matching import answerability
from bot.matching.index import Index, compared
from bot.matching.spelling import Speller
from bot.subjects import Subjects
from bot.wording import content_words, normalise, stem, words

if TYPE_CHECKING:
    from bot.reading.reading import Reader, Reading

CANDIDATES = 4
NEIGHBOURS = 5  # prototypes that tell together what an unanswered question is about


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for one answer to one question. Higher is better but for the two `out` ones."""

    score: float  # the head's score of this answer, about 0..1
    out: float  # the head's score of "not answered", about 0..1
    margin: float  # score less the best score of another answer, about -1..1
    cosine: float  # best cosine to a wording of this answer, -1..1
    out_cosine: float  # best cosine to an out-of-scope prototype, -1..1 (0: there is none)
    answer_cosine: float  # cosine to the answer's own text, -1..1
    fuzzy: float  # best token_set_ratio to a wording near by, 0..1
    covered: float  # share of the question's content, weighed by rarity, that the answer's
    # wordings or text hold too, 0..1


SIGNALS = tuple(field.name for field in fields(Signals))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer, the pair of it that fits the question best, and that pair's nearest wording."""

    answer: int
    pair: int
    matched_text: str
    signals: Signals
    missing: tuple[str, ...]  # content words that no wording of it, answer or heading has
    reading: Reading | None = None  # of an answer that was drawn

    def as_items(self) -> tuple[tuple[str, float], ...]:
        own = tuple((name, getattr(self.signals, name)) for name in SIGNALS)
        return own + (self.reading.signals if self.reading else ())


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The best candidates, and the nearest known questions that aren't answered; best first."""

    question: str  # as compared
    subjects: frozenset[str]
    candidates: tuple[Candidate, ...]
    out: float
    prototypes: tuple[tuple[int, float], ...]  # (position in Knowledge.prototypes, cosine)
    nearest: tuple[tuple[int, float], ...] = ()  # (position in Knowledge.pairs, cosine), by wording

    @property
    def prototype(self) -> int | None:
        """The nearest one."""
        return self.prototypes[0][0] if self.prototypes else None

    @property
    def prototype_cosine(self) -> float:
        """Its cosine, -1..1; 0 where there is none."""
        return self.prototypes[0][1] if self.prototypes else 0.0


def fits(asked: frozenset[str], about: frozenset[str]) -> bool:
    """Whether an answer about `about` may answer a question about `asked`; empty fits all."""
    return not asked or not about or bool(asked & about)


class Retriever:
    """Finds candidates. Threads may share one; a question's result depends on nothing else."""

    def __init__(
        self,
        index: Index,
        encoder: Encoder,
        subjects: Subjects,
        reader: Reader | None = None,
        headings: Iterable[str] = (),
    ) -> None:
        """`headings` are those of the documents: what they say is not missing."""
        self.index, self._encoder, self._subjects = index, encoder, subjects
        self._reader = reader
        self._headings = tuple(headings)
        read = reader.answers if reader else ()
        self._matched = np.array([a not in read for a in range(index.out)], np.bool_)
        self._normal = lru_cache(maxsize=4096)(lambda row: normalise(index.texts[row]))
        self._speller = Speller(index.vocabulary, self._is_word)
        self._prototypes = np.flatnonzero(index.owners == index.out)
        self._rows = _rows_by_subjects(index)
        self._about = {
            p: s for a in index.answers for p, s in zip(a.pairs, a.subjects, strict=True)
        }
        self._stems = lru_cache(maxsize=4096)(self._stems_of)
        self._asked = threading.local()

    def compare(self, question: str) -> str:
        """The form of `question` that is embedded: canonical names, typing errors mended."""
        return compared(self._speller.mend(self._subjects.replace(question)), self._subjects)

    def begin(self) -> None:
        """A new question in this thread. Its readings are often the same text once compared, so
        their vectors are kept until the next one begins, and no longer."""
        self._asked.vectors = {}

    def encode(self, text: str) -> Vectors:
        """The vector of a text, encoded once a question (see `begin`)."""
        kept: dict[str, Vectors] = getattr(self._asked, "vectors", {})
        if text not in kept:
            kept[text] = self._encode(text)
        return kept[text]

    def _encode(self, text: str) -> Vectors:
        """The vector of a text; with a reader, from the pass that reading needs as well."""
        vector: Vectors = (
            self._encoder.encode([text])[0]
            if self._reader is None
            else self._reader.encoding(text).vector
        )
        return vector

    def retrieve(self, question: str, vector: Vectors | None = None) -> Retrieved:
        """Candidates for `question`; `vector` is that of `compare(question)` where it is known."""
        text = self.compare(question)
        if vector is None:
            vector = self.encode(text)
        return self._retrieve(text, vector, self._subjects.mentioned(text))

    def _retrieve(self, text: str, vector: Vectors, asked: frozenset[str]) -> Retrieved:
        index = self.index
        if not len(index.owners):
            return Retrieved(text, asked, (), 0.0, ())
        similar = cosines(index.vectors, vector)
        wording = index.lexicon.similarities(text)
        near = answerability.kernel(similar, wording)
        if index.head is not None:
            scores = near @ index.head
        else:
            scores = answerability.local_scores(
                near, index.vectors, index.lexicon, index.owners, index.out
            )
        order = [
            int(a)
            for a in _best(np.where(self._matched, scores[:-1], -np.inf), 4 * CANDIDATES)
            if self._matched[a] and any(fits(asked, about) for about in index.answers[a].subjects)
        ][:CANDIDATES]
        outside = similar[self._prototypes]
        nearest = tuple(
            (int(index.prototypes[self._prototypes[p]]), float(outside[p]))
            for p in _best(outside, NEIGHBOURS)
        )
        best_out = nearest[0][1] if nearest else 0.0
        candidates = tuple(
            self._candidate(text, vector, asked, a, scores, similar, order, best_out) for a in order
        )
        for reading in self._read(text, asked):
            a = reading.answer
            found = self._candidate(text, vector, asked, a, scores, similar, order, best_out)
            candidates += (replace(found, reading=reading),)
        closest = self._closest(asked, similar)
        return Retrieved(text, asked, candidates, float(scores[-1]), nearest, closest)

    def _closest(self, asked: frozenset[str], similar: Vectors) -> tuple[tuple[int, float], ...]:
        """The nearest pairs by a wording, one an answer."""
        index = self.index
        found: dict[int, tuple[int, float]] = {}
        for row in _best(np.where(index.pairs >= 0, similar, -np.inf), 32 * CANDIDATES).tolist():
            a, pair = int(index.owners[row]), int(index.pairs[row])
            if pair < 0 or len(found) == CANDIDATES:
                break
            if self._matched[a] and fits(asked, self._about[pair]):
                found.setdefault(a, (pair, float(similar[row])))
        return tuple(found.values())

    def _read(self, text: str, asked: frozenset[str]) -> list[Reading]:
        """The drawn answers that are likeliest by reading them, best first."""
        if self._reader is None:
            return []
        readings = (
            r
            for r in self._reader.read(text)
            if any(fits(asked, about) for about in self.index.answers[r.answer].subjects)
        )
        return list(islice(readings, CANDIDATES))

    def _candidate(
        self,
        text: str,
        vector: Vectors,
        asked: frozenset[str],
        a: int,
        scores: Vectors,
        similar: Vectors,
        order: Sequence[int],
        best_out: float,
    ) -> Candidate:
        index = self.index
        fitting = [rows for about, rows in self._rows[a].items() if fits(asked, about)]
        rows = fitting[0] if len(fitting) == 1 else np.concatenate(fitting)
        ranked = rows[np.argsort(-similar[rows], kind="stable")[:4]]
        others = [float(scores[o]) for o in order if o != a]
        missing, covered = self._coverage(text, a)
        plain = normalise(text)
        signals = Signals(
            score=float(scores[a]),
            out=float(scores[-1]),
            margin=float(scores[a]) - max(others, default=0.0),
            cosine=float(similar[ranked[0]]),
            out_cosine=best_out,
            answer_cosine=float(index.answer_vectors[a] @ vector),
            fuzzy=max(fuzz.token_set_ratio(plain, self._normal(r)) for r in ranked.tolist()) / 100,
            covered=covered,
        )
        return Candidate(a, int(index.pairs[ranked[0]]), index.texts[ranked[0]], signals, missing)

    def _is_word(self, word: str) -> bool:
        """Whether the model knows `word` as a whole: then it is a common one, and no error."""
        return len(self._encoder.encode_tokens(word).spans) == 1

    def _stems_of(self, a: int) -> frozenset[str]:
        rows = [r for own in self._rows[a].values() for r in own]
        texts = [self.index.texts[r] for r in rows] + [self.index.answers[a].text]
        return frozenset(stem(w) for text in texts for w in content_words(text))

    def _coverage(self, text: str, a: int) -> tuple[tuple[str, ...], float]:
        known = self._stems(a)
        asked = {stem(w): w for w in content_words(text)}
        weights = {s: self.index.lexicon.rarity(s) for s in asked}
        missing = tuple(w for s, w in asked.items() if s not in known and s not in self._said)
        total = sum(weights.values())
        held = sum(v for s, v in weights.items() if s in known)
        return missing, held / total if total else 0.0

    @cached_property
    def _said(self) -> frozenset[str]:
        """The stems of every word that an answer or a heading says."""
        texts = (*(a.text for a in self.index.answers), *self._headings)
        return frozenset(map(stem, {w for text in texts for w in words(text)}))


def _best(scores: Vectors, count: int) -> NDArray[np.intp]:
    """The places of the `count` highest scores, best first, ties in order."""
    if len(scores) <= 8 * count:
        return np.argsort(-scores, kind="stable")[:count]
    top = np.sort(np.argpartition(-scores, count)[:count])
    return top[np.argsort(-scores[top], kind="stable")]


def _rows_by_subjects(index: Index) -> list[dict[frozenset[str], NDArray[np.intp]]]:
    """The rows of each answer, by the subjects of the pair that they belong to."""
    about = {p: s for a in index.answers for p, s in zip(a.pairs, a.subjects, strict=True)}
    rows: list[dict[frozenset[str], list[int]]] = [{} for _ in index.answers]
    for row, (owner, pair) in enumerate(
        zip(index.owners.tolist(), index.pairs.tolist(), strict=True)
    ):
        if pair >= 0:
            rows[owner].setdefault(about[pair], []).append(row)
    return [{s: np.array(r, np.intp) for s, r in own.items()} for own in rows]
