"""TF-IDF by an inverted index gives what scikit-learn gives by matrices."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from bot.matching.lexicon import Lexicon, terms
from bot.wording import stem

WORDS = ["is", "ms", "als", "fatal", "fatally", "diseases", "disease", "the", "25", "don't", "é"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=1, max_size=8)
QUESTION = st.lists(st.sampled_from([*WORDS, "unknown", "weather"]), max_size=6).map(" ".join)
ARTICLE = ["Is MS fatal?", "Is ALS a fatal disease?", "is als is als", "What is the cure?", ""]


def oracle(texts: list[str]) -> TfidfVectorizer:
    return TfidfVectorizer(analyzer=terms, sublinear_tf=True, smooth_idf=True).fit(texts)


def test_terms_are_stems_and_pairs_of_neighbouring_stems() -> None:
    assert terms("Fatal diseases, fatal!") == [
        *("fatal", stem("diseases"), "fatal"),
        *(f"fatal {stem('diseases')}", f"{stem('diseases')} fatal"),
    ]


@settings(max_examples=40, deadline=None)
@given(TEXTS.filter(lambda texts: any(map(terms, texts))), st.data())
def test_similarities_are_cosines_of_scikit_learn(texts: list[str], data: st.DataObject) -> None:
    lexicon, known = Lexicon.build(texts), oracle(texts)
    question = data.draw(st.sampled_from(texts))
    rows = known.transform(texts).toarray()
    expected = rows @ known.transform([question]).toarray()[0]
    assert np.allclose(lexicon.similarities(question), expected, atol=1e-5)
    assert np.allclose(lexicon.gram(), rows @ rows.T, atol=1e-5)


@given(TEXTS, QUESTION)
def test_unknown_terms_count_towards_the_length_only(texts: list[str], question: str) -> None:
    lexicon = Lexicon.build(texts)
    counted = [Counter(terms(text)) for text in texts]
    frequency = Counter(term for counts in counted for term in counts)

    def weight(term: str, count: int) -> float:
        idf = math.log((1 + len(texts)) / (1 + frequency.get(term, 1))) + 1
        return (1 + math.log(count)) * idf

    def row(counts: Counter[str]) -> dict[str, float]:
        values = {t: weight(t, c) for t, c in counts.items()}
        length = math.sqrt(sum(v * v for v in values.values())) or 1.0
        return {t: v / length for t, v in values.items()}

    asked = row(Counter(terms(question)))
    expected = [sum(asked.get(t, 0.0) * v for t, v in row(c).items()) for c in counted]
    found = lexicon.similarities(question)
    assert np.allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    assert (found <= 1 + 1e-5).all()


@given(TEXTS, st.data())
def test_the_cosines_among_some_texts_are_those_of_all(
    texts: list[str], data: st.DataObject
) -> None:
    lexicon = Lexicon.build(texts)
    chosen = data.draw(st.permutations(range(len(texts))))[: data.draw(st.integers(1, len(texts)))]
    some = np.array(chosen, np.int64)
    expected = np.array([lexicon.similarities(texts[i])[some] for i in chosen])
    assert np.allclose(lexicon.gram_of(some), expected, atol=1e-5)


@given(TEXTS, QUESTION)
def test_what_a_cache_keeps_is_the_same_lexicon(texts: list[str], question: str) -> None:
    lexicon = Lexicon.build(texts)
    kept = Lexicon.from_arrays({name: np.copy(a) for name, a in lexicon.arrays().items()})
    assert (kept.similarities(question) == lexicon.similarities(question)).all()
    assert kept.size == lexicon.size
    assert kept.rarity("fatal") == lexicon.rarity("fatal")


def test_a_rarer_word_weighs_more() -> None:
    lexicon = Lexicon.build(ARTICLE)
    assert 1 <= lexicon.rarity("is") < lexicon.rarity("fatal") < lexicon.rarity("cure")
    assert lexicon.rarity("unknown") == pytest.approx(lexicon.rarity("cure"))


def test_a_question_without_words_is_similar_to_nothing() -> None:
    lexicon = Lexicon.build(ARTICLE)
    for question in ("", "?!", "unknown weather"):
        assert not lexicon.similarities(question).any()
    assert not lexicon.similarities("fatal")[-1]
