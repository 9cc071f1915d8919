"""The index: which text belongs to which answer; made once, kept by content, mended if damaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.bot import Bot
from bot.encoding.cache import Cache, EmbeddingCache
from bot.encoding.encoders import Encoder, Vectors
from bot.knowledge.knowledge import Knowledge
from bot.matching.index import Index, build_index, compared, group_answers, unique
from bot.subjects import Subjects


class Counting:
    """The real encoder; it remembers the texts that it was asked for."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.digest, self.dim = encoder.digest, encoder.dim
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.seen += texts
        return self._encoder.encode(texts)


@pytest.fixture(scope="module")
def knowledge(bot: Bot) -> Knowledge:
    """A few pairs and prototypes of the shipped knowledge, with few variants."""
    pairs = tuple(replace(p, variants=p.variants[:2]) for p in bot.knowledge.pairs[:8])
    return replace(bot.knowledge, pairs=pairs, prototypes=bot.knowledge.prototypes[:5])


@pytest.fixture(scope="module")
def subjects(knowledge: Knowledge) -> Subjects:
    return Subjects(knowledge.aliases, knowledge.subjects)


@pytest.fixture(scope="module")
def index(knowledge: Knowledge, subjects: Subjects, encoder: Encoder) -> Index:
    return build_index(knowledge, subjects, encoder)


def same(one: Index, other: Index) -> bool:
    """Equal; vectors to 1e-5, which is how far the texts encoded beside a text may move it."""
    arrays = ("owners", "pairs", "prototypes", "vectors", "answer_vectors", "head", "held")
    return (
        one.texts == other.texts
        and one.answers == other.answers
        and dict(one.vocabulary) == dict(other.vocabulary)
        and all(np.allclose(getattr(one, n), getattr(other, n), atol=1e-3) for n in arrays)
        and np.array_equal(one.lexicon.similarities("ms"), other.lexicon.similarities("ms"))
    )


def test_every_wording_belongs_to_its_answer_and_every_prototype_to_none(
    index: Index, knowledge: Knowledge, subjects: Subjects
) -> None:
    rows = dict(zip(index.texts, zip(index.owners, index.pairs, strict=True), strict=True))
    for number, pair in enumerate(knowledge.pairs):
        for wording in pair.wordings:
            owner, own = rows[compared(wording, subjects)]
            assert index.answers[owner].text == pair.answer
            assert own == number
    for prototype in knowledge.prototypes:
        assert rows[compared(prototype.question, subjects)][0] == index.out == len(index.answers)
    assert (index.pairs[index.owners == index.out] == -1).all()
    assert (index.prototypes[index.owners < index.out] == -1).all()
    assert len(index.texts) == len(index.owners) == len(index.vectors) == index.lexicon.size


def test_pairs_with_the_same_evidence_share_an_answer(knowledge: Knowledge) -> None:
    answers = group_answers(knowledge)
    assert sorted(p for answer in answers for p in answer.pairs) == list(
        range(len(knowledge.pairs))
    )
    places = [(answer.document_id, answer.evidence) for answer in answers]
    assert places == sorted(set(places))
    for answer in answers:
        assert {knowledge.pairs[p].answer for p in answer.pairs} == {answer.text}
        assert answer.subjects == tuple(
            frozenset(knowledge.pairs[p].subjects) for p in answer.pairs
        )
    assert len(answers) < len(knowledge.pairs)


def test_a_text_is_compared_clean_and_by_its_canonical_names(subjects: Subjects) -> None:
    assert compared("Is “Lou Gehrig’s disease” fatal??", subjects) == 'Is "ALS" fatal'
    assert compared(" multiple  sclerosis! ", subjects) == "MS"
    assert compared("???", subjects) == "???"  # nothing left would be nothing to compare


def test_wordings_that_differ_in_case_or_punctuation_count_once() -> None:
    assert unique(["Is MS fatal?", "is ms fatal", "Is ALS fatal?", "IS MS FATAL!"]) == [
        "Is MS fatal?",
        "Is ALS fatal?",
    ]


def test_a_kept_index_is_read_and_not_made_again(
    index: Index, knowledge: Knowledge, subjects: Subjects, encoder: Encoder, tmp_path: Path
) -> None:
    cache, told = Cache(tmp_path), list[str]()
    counting = Counting(encoder)
    for _ in range(2):
        found = build_index(
            knowledge,
            subjects,
            encoder,
            embed=counting.encode,
            cache=cache,
            progress=told.append,
        )
        assert same(found, index)
    assert len(counting.seen) == len(index.texts) + len(index.answers)
    assert len(told) == 1


def test_a_changed_pair_embeds_that_pair_only(
    knowledge: Knowledge, subjects: Subjects, encoder: Encoder, tmp_path: Path
) -> None:
    counting = Counting(encoder)
    vectors = EmbeddingCache(tmp_path / "vectors", counting)
    cache = Cache(tmp_path / "index")

    def build(of: Knowledge) -> Index:
        return build_index(of, subjects, encoder, embed=vectors.encode, cache=cache)

    build(knowledge)
    counting.seen.clear()
    first, *rest = knowledge.pairs
    changed = replace(knowledge, pairs=(replace(first, variants=("brand new words",)), *rest))
    found = build(changed)
    assert counting.seen == ["brand new words"]
    assert same(found, build_index(changed, subjects, encoder))
    counting.seen.clear()
    build(replace(knowledge, pairs=tuple(rest)))
    assert counting.seen == []


def test_an_index_of_other_answers_names_or_owners_is_another(
    knowledge: Knowledge, subjects: Subjects, encoder: Encoder, tmp_path: Path
) -> None:
    """What a kept array rests on is in its key: nothing stale is ever served."""
    cache, told = Cache(tmp_path), list[str]()
    vectors = EmbeddingCache(tmp_path / "vectors", encoder)
    first, second, *rest = knowledge.pairs
    swapped = (
        replace(first, question=second.question),
        replace(second, question=first.question),
        *rest,
    )
    for changed in (
        knowledge,
        replace(knowledge, pairs=swapped),
        replace(knowledge, prototypes=knowledge.prototypes[1:]),
        replace(knowledge, pairs=knowledge.pairs[::-1]),
    ):
        found = build_index(
            changed,
            subjects,
            encoder,
            embed=vectors.encode,
            cache=cache,
            progress=told.append,
        )
        assert same(found, build_index(changed, subjects, encoder, embed=vectors.encode))
    assert len(told) == 4


@pytest.mark.parametrize("harm", ["cut", "foreign", "empty", "flipped"])
def test_a_damaged_cache_is_made_again(
    index: Index,
    knowledge: Knowledge,
    subjects: Subjects,
    encoder: Encoder,
    tmp_path: Path,
    harm: str,
) -> None:
    cache, told = Cache(tmp_path), list[str]()
    vectors = EmbeddingCache(tmp_path / "vectors", encoder).encode
    build_index(knowledge, subjects, encoder, embed=vectors, cache=cache)
    (entry,) = tmp_path.glob("*.entry")
    data = entry.read_bytes()
    middle = len(data) // 2
    entry.write_bytes(
        {
            "cut": data[:middle],
            "foreign": b"another program's file" * 100,
            "empty": b"",
            "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        }[harm]
    )
    found = build_index(
        knowledge, subjects, encoder, embed=vectors, cache=Cache(tmp_path), progress=told.append
    )
    assert len(told) == 1
    assert same(found, index)


def test_a_knowledge_without_pairs_or_prototypes_has_an_index(
    knowledge: Knowledge, subjects: Subjects, encoder: Encoder
) -> None:
    empty = build_index(replace(knowledge, pairs=(), prototypes=()), subjects, encoder)
    assert empty.texts == ()
    assert empty.out == 0
    gaps = build_index(replace(knowledge, pairs=()), subjects, encoder)
    assert set(gaps.owners) == {0}
    served = build_index(replace(knowledge, prototypes=()), subjects, encoder)
    assert served.out not in served.owners
