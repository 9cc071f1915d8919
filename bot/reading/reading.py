"""Reading: answers that were drawn and that no person has worded questions for.

The matching head knows an answer by its wordings. A drawn answer has its own sentence and rules'
questions only, so it is read instead: words, meaning and tokens of the question against those of
the sentence and what stands around it (`signals`), weighed by a small model that was trained on
questions about other documents (`model`). Answers that a person wrote or reviewed are left to the
head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bot.documents.blocks import LIST_ITEM
from bot.documents.passages import passage_at
from bot.documents.rows import column_names, is_row, row_said
from bot.encoding.cache import Cache
from bot.encoding.encoders import Encoder, Encoding
from bot.knowledge.knowledge import Knowledge
from bot.matching.index import Answer, Index, compared
from bot.reading.asking import Kind
from bot.reading.model import FORMAT, MOST_ASKED, MOST_TOKENS, ReadingModel, leads
from bot.reading.signals import GRADED, SIGNALS, Question, Sentence, Sentences
from bot.subjects import Subjects
from bot.types import Span
from bot.wording import clean

Floats = NDArray[np.float32]

READ = 16  # sentences that are read token by token, the best by `FIRST`
# Weights of the first signals, by which those are found: of the sentence, of its passage, of the
# sentences before and after (bm25); cosines of the sentence, behind its title, of the passage.
FIRST = np.array([1.0, 0.5, 0.2, 0.0, 1.0, 0.5, 0.0], np.float32)
BATCH = 16  # sentences encoded at once
# The chance at least of the one answer of which a rule drew the very wording (the same words, in
# any order, asking for the same kind of thing): what is suggested must be answered, and so must
# the heading over a part, which is what people type first.
DRAWN = 0.9
# In ranks: a sentence of a part is quoted in its stead where it ranks nearly as high as the part,
# and the part's next sentence far behind it.
NEARLY = 1.0
FAR = 4.0


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer (position in Index.answers) and the chance that it answers, 0..1."""

    answer: int
    probability: float
    signals: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Projected tokens of n sentences: those of sentence i are rows[starts[i]:starts[i + 1]]."""

    rows: NDArray[np.float16]  # [tokens, width]
    starts: NDArray[np.int64]  # [n + 1]

    def of(self, chosen: Sequence[Sequence[int]]) -> tuple[Floats, NDArray[np.bool_]]:
        """Tokens of several sentences each, padded: ([k, t, width], real ones [k, t])."""
        spans = [[(self.starts[i], self.starts[i + 1]) for i in own] for own in chosen]
        longest = max(1, *(sum(end - start for start, end in own) for own in spans))
        found = np.zeros((len(chosen), longest, self.rows.shape[1]), np.float32)
        held = np.zeros((len(chosen), longest), np.bool_)
        for row, own in enumerate(spans):
            at = 0
            for start, end in own:
                found[row, at : at + end - start] = self.rows[start:end]
                at += end - start
            held[row, : max(1, at)] = True  # one token of zeros where there is none
        return found, held


class Reader:
    """Reads the drawn answers of one index. Threads may share it."""

    def __init__(
        self,
        answers: Sequence[int],
        spans: Sequence[Span],
        wordings: Sequence[Sequence[str]],
        sentences: Sentences,
        tokens: Tokens,
        model: ReadingModel,
        encoder: Encoder,
    ) -> None:
        """`spans` are where the answers stand, `wordings` those drawn of each, as compared."""
        self._spans = tuple(spans)
        self.answers = frozenset(answers)
        self._drawn: dict[Hashable, set[int]] = {}
        for i, own in enumerate(wordings):
            for wording in map(Question.of, own):
                for kind in {wording.kind, "what" if wording.kind == "other" else wording.kind}:
                    self._drawn.setdefault(_gist(wording, kind), set()).add(i)
        self._answers, self._sentences, self._tokens = tuple(answers), sentences, tokens
        self._model = model
        # one pass serves routing and reading: the question is asked for twice in a row
        self.encoding: Callable[[str], Encoding] = lru_cache(maxsize=8)(encoder.encode_tokens)

    @property
    def threshold(self) -> float:
        """The probability from which these answers are given, unless their owner calibrated."""
        return self._model.threshold

    def read(self, question: str) -> tuple[Reading, ...]:
        """The likeliest answers to `question` (as compared), best first; at most `READ`."""
        encoding = self.encoding(question)
        if not len(encoding.tokens):
            return ()
        asked = Question.of(question)
        first = self._sentences.first(asked, encoding.vector)
        ranked: list[int] = np.argsort(-(first @ FIRST), kind="stable")[:READ].tolist()
        same = self._drawn.get(_gist(asked, asked.kind), set()) if asked.terms else set()
        chosen = list(dict.fromkeys([*same, *ranked]))[:READ] if len(same) == 1 else ranked
        signals = self._sentences.signals(asked, first, chosen)
        own, held = self._tokens.of([[i] for i in chosen])
        around = [(self._sentences.beside(i, -1), self._sentences.beside(i, 1)) for i in chosen]
        near, held_near = self._tokens.of([[j for j in pair if j is not None] for pair in around])
        tokens = self._model.project(encoding.tokens[:MOST_ASKED])
        scores = self._model.scores(tokens, own, held, near, held_near, signals)
        ranks = self._model.ranks(signals, scores)
        places = token_places(asked, encoding.spans[:MOST_ASKED])
        words = self._model.words(tokens, places, self._sentences.rarity(asked), own, held)
        lead = leads(scores, self._sentences.passages[chosen])
        graded = np.concatenate([np.stack([scores, lead], axis=1), words], axis=1)
        chances = self._model.probabilities(signals, graded, self._sentences.addressing)
        order = np.argsort(-ranks, kind="stable")
        narrow = None if len(same) == 1 else self._narrower(asked, chosen, ranks, int(order[0]))
        if narrow is not None:
            chances[narrow] = chances[order[0]]
            order = np.array([narrow, *order[order != narrow]])
        if len(same) == 1:
            chances[0] = max(DRAWN, chances[0])
            order = np.array([0, *order[order != 0]])
        # what ranks lower is never likelier, so that everyone keeps to this order
        chances[order] = np.minimum.accumulate(chances[order])
        return tuple(
            Reading(
                self._answers[chosen[k]],
                float(chances[k]),
                (
                    ("ranking", float(ranks[k])),
                    *zip(GRADED, graded[k].tolist(), strict=True),
                    *zip(SIGNALS, signals[k].tolist(), strict=True),
                ),
            )
            for k in order.tolist()
        )

    def _narrower(
        self, question: Question, chosen: Sequence[int], ranks: Floats, best: int
    ) -> int | None:
        """The place in `chosen` of the one sentence for which the part `best` was found.

        None where there is no such sentence. One that is no item of a list (a rule, a price of
        its own) isn't taken either where the part lacks a word of the question ("Can I bring
        beer?": food is named, and alcohol in the next sentence).
        """
        part = chosen[best]
        inside = [
            k
            for k, i in enumerate(chosen)
            if i != part
            and self._sentences.passages[i] == self._sentences.passages[part]
            and self._spans[part].start <= self._spans[i].start
            and self._spans[i].end <= self._spans[part].end
        ]
        if not inside:
            return None
        first, *others = sorted(inside, key=lambda k: -ranks[k])
        item = LIST_ITEM.match(self._sentences.texts[chosen[first]]) is not None
        if not item and not self._sentences.holds(part, question):
            return None
        far = all(ranks[k] <= ranks[first] - FAR for k in others)
        return first if far and ranks[first] >= ranks[best] - NEARLY else None


def token_places(question: Question, spans: Sequence[Span]) -> list[list[int]]:
    """The tokens (positions in `spans`) of each content word of `question`, in order."""
    return [[i for i, span in enumerate(spans) if span.overlaps(a.span)] for a in question.asked]


def _gist(question: Question, kind: Kind) -> Hashable:
    """What must be the same for a question to be one that was drawn. "Opening hours", which asks
    for nothing in so many words, is also drawn for "What are your opening hours?"."""
    return frozenset(question.terms), kind, question.negated


def build_reader(
    knowledge: Knowledge,
    index: Index,
    subjects: Subjects,
    encoder: Encoder,
    *,
    cache: Cache | None = None,
    progress: Callable[[str], None] = lambda line: None,
    model: ReadingModel | None = None,
) -> Reader | None:
    """A reader of the answers of `index` that were drawn; None where there are none.

    None as well for an encoder that the model was not trained for. Cached by document.
    """
    answers = [
        a
        for a, answer in enumerate(index.answers)
        if all(knowledge.pairs[p].drawn for p in answer.pairs)
    ]
    if not answers:
        return None
    model = model or ReadingModel.load()
    if not model.suits(encoder.encode([str(model.notes["probe"])])[0]):
        return None
    sentences = sentences_of(knowledge, [index.answers[a] for a in answers], subjects)
    told = False
    parts: list[dict[str, NDArray[np.generic]]] = []
    for document in dict.fromkeys(index.answers[a].document_id for a in answers):
        own = [
            s
            for s, a in zip(sentences, answers, strict=True)
            if index.answers[a].document_id == document
        ]
        texts = [(s.text, s.named) for s in own]
        key = _key(encoder.digest, model, texts)
        found = cache.get(key) if cache is not None else None
        if found is None:
            if not told:
                progress(f"Reading {len(sentences):,} sentences …")
                told = True
            found = _encode(texts, encoder, model)
            if cache is not None:
                cache.put(key, found)
        parts.append(found)
    counts = np.concatenate([part["counts"] for part in parts]).astype(np.int64)
    of_document = {document.id: document.title for document in knowledge.documents}
    titles = [of_document[index.answers[a].document_id] for a in answers]
    return Reader(
        answers,
        [index.answers[a].evidence for a in answers],
        [
            [
                compared(wording, subjects)
                for p in index.answers[a].pairs
                for wording in knowledge.pairs[p].wordings
                if wording.endswith("?") or not _names_only(wording, about)
            ]
            for a, about in zip(answers, titles, strict=True)
        ],
        Sentences(
            sentences,
            np.concatenate([part["vectors"] for part in parts]),
            np.concatenate([part["titled"] for part in parts]),
        ),
        Tokens(
            np.concatenate([part["tokens"] for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]),
        ),
        model,
        encoder,
    )


def _names_only(wording: str, title: str) -> bool:
    """Does it say no more than the document's title ("MS: Yes.")? Then it asks for nothing."""
    return set(Question.of(wording).terms) <= set(Question.of(title).terms)


def sentences_of(
    knowledge: Knowledge, answers: Sequence[Answer], subjects: Subjects
) -> tuple[Sentence, ...]:
    """The quotes of `answers`, subjects by their canonical names, and where they stand."""
    numbers = {passage.id: n for n, passage in enumerate(knowledge.passages)}
    titles = {document.id: document.title for document in knowledge.documents}
    found = []
    for answer in answers:
        passage = passage_at(knowledge.passages_of[answer.document_id], answer.evidence)
        about = ", ".join(filter(None, (titles[answer.document_id], passage.heading)))
        said = clean(subjects.replace(clean(_spoken(answer.text, passage.text))))
        found.append(Sentence(said, f"{about}: {said}", numbers[passage.id], about))
    return tuple(found)


def _spoken(quote: str, passage: str) -> str:
    """A row of a table with the names of its columns; any other quote as it is."""
    if not is_row(quote) or "\n" in quote:
        return quote
    header = "\n".join(passage[max(0, passage.find("|")) :].splitlines()[:2])
    return row_said(quote, column_names(header) or ())


def _encode(
    texts: Sequence[tuple[str, str]], encoder: Encoder, model: ReadingModel
) -> dict[str, NDArray[np.generic]]:
    encoded: dict[int, Encoding] = {}
    order = sorted(range(len(texts)), key=lambda i: len(texts[i][0]))  # of like length together
    for begin in range(0, len(order), BATCH):
        batch = order[begin : begin + BATCH]
        own = encoder.encode_each([texts[i][0] for i in batch])
        encoded |= dict(zip(batch, own, strict=True))
    tokens = [model.project(encoded[i].tokens[:MOST_TOKENS]) for i in range(len(texts))]
    return {
        "vectors": np.stack([encoded[i].vector for i in range(len(texts))]),
        "titled": encoder.encode([named for _, named in texts]),
        "tokens": np.concatenate(tokens).astype(np.float16),
        "counts": np.array([len(t) for t in tokens], np.int64),
    }


def _key(digest: str, model: ReadingModel, texts: Sequence[tuple[str, str]]) -> str:
    projection = hashlib.sha256(model.weights["project"].tobytes()).hexdigest()
    parts = ["reading", str(FORMAT), digest, projection, *(t for pair in texts for t in pair)]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
