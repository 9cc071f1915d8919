"""The head solves its system, knows each wording without having seen it, and is the same twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.matching import answerability
from bot.matching.answerability import (
    RIDGE,
    Floats,
    Ints,
    fit_head,
    fits_whole,
    kernel,
    local_scores,
)
from bot.matching.lexicon import Lexicon

WORDS = ("ms", "als", "fatal", "cure", "memory", "heat", "men", "women", "genes", "age")
DIM = 12


def examples(seed: int, count: int, classes: int) -> tuple[Floats, Lexicon, Ints]:
    """Random unit vectors, texts and owners; the last class is "not answered"."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [" ".join(random.choice(WORDS, 4)) for _ in range(count)]
    return vectors, Lexicon.build(texts), random.integers(0, classes + 1, count).astype(np.int32)


def exact(vectors: Floats, gram: Floats, owners: Ints, classes: int) -> np.ndarray:
    """The weights [n, classes + 1], straight from the definition, in double precision."""
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    system = np.exp(answerability.SHARPNESS * (cosines - 1)) + answerability.WORDING * gram
    return np.linalg.solve(system + RIDGE * np.eye(len(owners)), np.eye(classes + 1)[owners])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 5))
def test_the_weights_solve_the_system(seed: int, count: int, classes: int) -> None:
    vectors, lexicon, owners = examples(seed, count, classes)
    weights, _ = fit_head(vectors, lexicon, owners, classes)
    assert weights.dtype == np.float32
    assert np.allclose(weights, exact(vectors, lexicon.gram(), owners, classes), atol=2e-4)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 25), st.integers(1, 4))
def test_held_scores_are_those_of_a_head_that_never_saw_the_row(
    seed: int, count: int, classes: int
) -> None:
    vectors, lexicon, owners = examples(seed, count, classes)
    _, held = fit_head(vectors, lexicon, owners, classes)
    gram = lexicon.gram()
    for left in range(count):
        rest = np.delete(np.arange(count), left)
        weights = exact(vectors[rest], gram[np.ix_(rest, rest)], owners[rest], classes)
        near = kernel(vectors[rest] @ vectors[left], gram[rest, left])
        assert np.allclose(held[left], near @ weights, atol=2e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(0, 5))
def test_with_all_wordings_near_the_local_head_is_the_whole(
    seed: int, count: int, classes: int
) -> None:
    vectors, lexicon, owners = examples(seed, count, classes)
    assert count <= answerability.NEAREST
    near = kernel(vectors @ vectors[0], lexicon.similarities("fatal memory heat"))
    weights, _ = fit_head(vectors, lexicon, owners, classes)
    found = local_scores(near, vectors, lexicon, owners, classes)
    assert found.shape == (classes + 1,)
    assert np.allclose(found, near @ weights, atol=2e-3)


def test_a_local_head_agrees_with_the_whole_on_what_matters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a fraction of the wordings, a question like one of them still has its class on top."""
    vectors, lexicon, owners = examples(1, 400, 30)
    weights, _ = fit_head(vectors, lexicon, owners, 30)
    random = np.random.default_rng(2)
    agreed = 0
    for row in range(0, 400, 10):
        asked = vectors[row] + random.normal(scale=0.05, size=DIM).astype(np.float32)
        near = kernel(vectors @ (asked / np.linalg.norm(asked)), lexicon.gram()[row])
        local = local_scores(near, vectors, lexicon, owners, 30)
        agreed += int(local.argmax() == (near @ weights).argmax() == owners[row])
    assert agreed >= 38


def test_with_one_wording_an_answer_the_best_is_the_nearest() -> None:
    """Where the wordings are far apart, the head adds nothing to the nearest neighbour."""
    vectors = np.eye(DIM, dtype=np.float32)
    lexicon = Lexicon.build([*WORDS, "x", "y"])
    owners = np.arange(DIM, dtype=np.int32)
    weights, _ = fit_head(vectors, lexicon, owners, DIM)
    random = np.random.default_rng(0)
    for _ in range(50):
        asked = random.normal(size=DIM).astype(np.float32)
        near = kernel(vectors @ (asked / np.linalg.norm(asked)), np.zeros(DIM, np.float32))
        scores = near @ weights
        assert (np.argsort(-scores[:-1]) == np.argsort(-near)).all()
        assert scores[-1] == 0.0


def test_a_question_far_from_everything_scores_low_everywhere() -> None:
    vectors = np.abs(examples(3, 30, 4)[0])
    _, lexicon, owners = examples(3, 30, 4)
    weights, _ = fit_head(vectors, lexicon, owners, 4)
    far = kernel(np.full(30, -1.0, np.float32), np.zeros(30, np.float32))
    assert np.abs(far @ weights).max() < 0.1


def test_the_same_examples_give_the_same_head_to_the_last_bit() -> None:
    vectors, lexicon, owners = examples(4, 200, 9)
    first, second = (fit_head(vectors, lexicon, owners, 9) for _ in range(2))
    assert (first[0] == second[0]).all()
    assert (first[1] == second[1]).all()


def test_vectors_that_are_not_finite_are_told() -> None:
    vectors, lexicon, owners = examples(5, 5, 2)
    vectors[2, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        fit_head(vectors, lexicon, owners, 2)


def test_a_large_bank_is_solved_for_each_question() -> None:
    assert fits_whole(answerability.WHOLE, answerability.WHOLE_CLASSES)
    assert not fits_whole(answerability.WHOLE + 1, 2)
    assert not fits_whole(2, answerability.WHOLE_CLASSES + 1)
