"""The index: every wording as a vector and as words, with the answer it belongs to.

Rows are the wordings of all pairs, the sentences of the answers, then the out-of-scope prototypes.
Pairs with the same evidence share one answer (a class); the class after the last answer is "not
answered".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot import answerability
from bot.cache import Cache
from bot.encoders import Encoder, Vectors
from bot.knowledge import Knowledge
from bot.lexicon import Lexicon
from bot.passages import split_sentences
from bot.subjects import Subjects
from bot.types import Span
from bot.wording import clean, normalise

FORMAT = 1  # of the cached arrays: raise it when anything they hold is made differently


STATEMENTS = 3  # sentences of an answer that stand beside the wordings of its pairs

Embed = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class Answer:
    """A stretch of a document that pairs give as their answer, and the pairs that give it."""

    document_id: str
    evidence: Span
    text: str
    pairs: tuple[int, ...]  # positions in Knowledge.pairs
    subjects: tuple[frozenset[str], ...]  # of each of those pairs


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """n rows of wordings; m answers. `owners[i]` is the answer of row i, m for a prototype."""

    answers: tuple[Answer, ...]
    texts: tuple[str, ...]  # as compared: subjects by their canonical names
    owners: NDArray[np.int32]  # [n]
    pairs: NDArray[np.int32]  # [n], position in Knowledge.pairs, -1 for a prototype
    prototypes: NDArray[np.int32]  # [n], position in Knowledge.prototypes, -1 for a wording
    vectors: Vectors  # [n, dim]
    answer_vectors: Vectors  # [m, dim]
    lexicon: Lexicon
    head: Vectors | None  # [n, m + 1], None where the head is solved for each question
    held: Vectors | None  # [n, m + 1], each row's scores from a head that never saw it

    @property
    def out(self) -> int:
        """The class "not answered"."""
        return len(self.answers)


def compared(text: str, subjects: Subjects) -> str:
    """The form of a text that is embedded: clean, canonical names, no closing punctuation."""
    return clean(subjects.replace(clean(text))).strip(" .!?;:,") or clean(text)


def build_index(
    knowledge: Knowledge,
    subjects: Subjects,
    encoder: Encoder,
    *,
    embed: Embed | None = None,
    cache: Cache | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Index:
    """The index of `knowledge`. Deterministic; cached whole by knowledge and model digest.

    `embed` may be a cached form of `encoder.encode`, so that editing one pair re-embeds that
    pair only.
    """
    answers = group_answers(knowledge)
    owner_of = {p: a for a, answer in enumerate(answers) for p in answer.pairs}
    texts: list[str] = []
    owners: list[int] = []
    pairs: list[int] = []
    prototypes: list[int] = []
    for p, pair in enumerate(knowledge.pairs):
        for text in unique(compared(w, subjects) for w in pair.wordings):
            texts.append(text)
            owners.append(owner_of[p])
            pairs.append(p)
            prototypes.append(-1)
    said = set(map(normalise, texts))
    # What an answer says is an example of what it answers; among very many it isn't worth its time.
    for a, answer in enumerate(answers if len(texts) <= answerability.WHOLE // 2 else ()):
        for sentence in split_sentences(answer.text)[:STATEMENTS]:
            text = compared(sentence.of(answer.text), subjects)
            if normalise(text) not in said:
                texts.append(text)
                owners.append(a)
                pairs.append(answer.pairs[0])
                prototypes.append(-1)
    for o, prototype in enumerate(knowledge.prototypes):
        texts.append(compared(prototype.question, subjects))
        owners.append(len(answers))
        pairs.append(-1)
        prototypes.append(o)
    key = hashlib.sha256(
        "\0".join(
            [str(FORMAT), encoder.digest, answerability.SETTINGS, *texts]
            + [f"{o}" for o in owners]
            + [a.text for a in answers]
        ).encode("utf-8", "surrogatepass")
    ).hexdigest()
    arrays = cache.get(key) if cache is not None else None
    if arrays is None:
        progress(f"Indexing {len(texts):,} questions …")
        embed = embed or encoder.encode
        arrays = _solve(
            embed(texts),
            embed([compared(a.text, subjects) for a in answers]),
            Lexicon.build(texts),
            np.array(owners, np.int32),
            len(answers),
        )
        if cache is not None:
            cache.put(key, arrays)
    lexicon = {k.removeprefix("lexicon."): v for k, v in arrays.items() if k.startswith("lexicon.")}
    return Index(
        answers=answers,
        texts=tuple(texts),
        owners=np.array(owners, np.int32),
        pairs=np.array(pairs, np.int32),
        prototypes=np.array(prototypes, np.int32),
        vectors=arrays["vectors"],
        answer_vectors=arrays["answer_vectors"],
        lexicon=Lexicon.from_arrays(lexicon),
        head=arrays.get("head"),
        held=arrays.get("held"),
    )


def group_answers(knowledge: Knowledge) -> tuple[Answer, ...]:
    """The distinct answers in the order of the documents, each with its pairs."""
    places: dict[tuple[str, Span], list[int]] = {}
    for p, pair in enumerate(knowledge.pairs):
        places.setdefault((pair.provenance.document_id, pair.provenance.evidence), []).append(p)
    return tuple(
        Answer(
            document_id,
            evidence,
            knowledge.pairs[own[0]].answer,
            tuple(own),
            tuple(frozenset(knowledge.pairs[p].subjects) for p in own),
        )
        for (document_id, evidence), own in sorted(places.items())
    )


def unique(texts: Iterable[str]) -> list[str]:
    """The texts in order, those that differ only in case or closing punctuation once."""
    seen: dict[str, str] = {}
    for text in texts:
        seen.setdefault(normalise(text), text)
    return list(seen.values())


def _solve(
    vectors: Vectors,
    answer_vectors: Vectors,
    lexicon: Lexicon,
    owners: NDArray[np.int32],
    classes: int,
) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {"vectors": vectors, "answer_vectors": answer_vectors}
    arrays |= {f"lexicon.{k}": v for k, v in lexicon.arrays().items()}
    if len(owners) and answerability.fits_whole(len(owners), classes):
        arrays["head"], arrays["held"] = answerability.fit_head(vectors, lexicon, owners, classes)
    return arrays
