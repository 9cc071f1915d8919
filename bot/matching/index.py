"""The index: every wording as a vector and as words, with the answer it belongs to.

Rows are the wordings of all pairs, the sentences of the answers, then the out-of-scope prototypes.
Pairs with the same evidence share one answer (a class); the class after the last answer is "not
answered".
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.documents.passages import split_sentences
from bot.encoding.cache import Cache
from bot.encoding.encoders import Encoder, Vectors
from bot.knowledge.knowledge import Knowledge
from bot.matching import answerability
from bot.matching.lexicon import Lexicon
from bot.subjects import Subjects
from bot.types import Span
from bot.wording import clean, normalise, words

FORMAT = 2  # of the cached arrays: raise it when anything they hold is made differently


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
    vocabulary: Mapping[str, int]  # the words of all rows and answers, with their uses
    lexicon: Lexicon
    head: Vectors | None  # [n, m + 1], None where the head is solved for each question
    held: Vectors | None  # [n, m + 1], each row's scores from a head that never saw it

    @property
    def out(self) -> int:
        """The class "not answered"."""
        return len(self.answers)

    @property
    def wordings(self) -> float:
        """The mean natural logarithm of how many wordings an answer has, >= 0."""
        counts = np.bincount(self.owners, minlength=len(self.answers))[: len(self.answers)]
        return float(np.log(np.maximum(counts, 1)).mean()) if len(counts) else 0.0


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
    key = _key(knowledge, answers, encoder)
    arrays = cache.get(key) if cache is not None else None
    if arrays is None:
        arrays = _rows(knowledge, answers, subjects)
        texts = _split(arrays["texts"])
        progress(f"Indexing {len(texts):,} questions …")
        embed = embed or encoder.encode
        arrays["vectors"] = embed(texts)
        arrays["answer_vectors"] = embed([compared(a.text, subjects) for a in answers])
        lexicon = Lexicon.build(texts)
        arrays |= {f"lexicon.{name}": array for name, array in lexicon.arrays().items()}
        if len(texts) and answerability.fits_whole(len(texts), len(answers)):
            arrays["head"], arrays["held"] = answerability.fit_head(
                arrays["vectors"], lexicon, arrays["owners"], len(answers)
            )
        if cache is not None:
            cache.put(key, arrays)
    found = {k.removeprefix("lexicon."): v for k, v in arrays.items() if k.startswith("lexicon.")}
    return Index(
        answers=answers,
        texts=tuple(_split(arrays["texts"])),
        owners=arrays["owners"],
        pairs=arrays["pairs"],
        prototypes=arrays["prototypes"],
        vectors=arrays["vectors"],
        answer_vectors=arrays["answer_vectors"],
        vocabulary=dict(zip(_split(arrays["words"]), arrays["uses"].tolist(), strict=True)),
        lexicon=Lexicon.from_arrays(found),
        head=arrays.get("head"),
        held=arrays.get("held"),
    )


def _key(knowledge: Knowledge, answers: Sequence[Answer], encoder: Encoder) -> str:
    """Of everything that the arrays are made of."""
    parts = [str(FORMAT), answerability.SETTINGS, encoder.digest, *knowledge.subjects]
    parts += [name for alias in knowledge.aliases for name in alias]
    for pair in knowledge.pairs:
        parts += [str(len(pair.wordings)), *pair.wordings]
    parts += [f"{a.text} {a.pairs}" for a in answers]
    parts += [prototype.question for prototype in knowledge.prototypes]
    joined = "\0".join(parts).encode("utf-8", "surrogatepass")
    return f"index/{hashlib.sha256(joined).hexdigest()}"


def _rows(
    knowledge: Knowledge, answers: Sequence[Answer], subjects: Subjects
) -> dict[str, NDArray[Any]]:
    """What each row is: its text, answer, pair and prototype; and the words of all, counted."""
    owner_of = {p: a for a, answer in enumerate(answers) for p in answer.pairs}
    rows: list[tuple[str, int, int, int]] = []
    for p, pair in enumerate(knowledge.pairs):
        texts = unique(compared(w, subjects) for w in pair.wordings)
        rows += [(text, owner_of[p], p, -1) for text in texts]
    said = {normalise(text) for text, *_ in rows}
    # What an answer says is an example of what it answers; among very many it isn't worth its time.
    for a, answer in enumerate(answers if len(rows) <= answerability.WHOLE // 2 else ()):
        for sentence in split_sentences(answer.text)[:STATEMENTS]:
            text = compared(sentence.of(answer.text), subjects)
            if normalise(text) not in said:
                rows.append((text, a, answer.pairs[0], -1))
    for o, prototype in enumerate(knowledge.prototypes):
        rows.append((compared(prototype.question, subjects), len(answers), -1, o))
    uses = Counter(word for text, *_ in rows for word in words(text))
    uses.update(word for answer in answers for word in words(answer.text))
    return {
        "texts": _joined(text for text, *_ in rows),
        "owners": np.array([owner for _, owner, _, _ in rows], np.int32),
        "pairs": np.array([pair for _, _, pair, _ in rows], np.int32),
        "prototypes": np.array([prototype for *_, prototype in rows], np.int32),
        "words": _joined(uses),
        "uses": np.array(list(uses.values()), np.int32),
    }


def _joined(texts: Iterable[str]) -> NDArray[np.uint8]:
    """Texts without line breaks (`clean` leaves none) as one array of bytes."""
    return np.frombuffer("".join(f"{t}\n" for t in texts).encode("utf-8"), np.uint8)


def _split(joined: NDArray[Any]) -> list[str]:
    return joined.tobytes().decode("utf-8").split("\n")[:-1]


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
