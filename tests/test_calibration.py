"""The promise holds: exact bounds, a risk that is kept in simulation, a fit that has an oracle."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from sklearn.linear_model import LogisticRegression

from bot.bot import Bot
from bot.errors import CalibrationError
from bot.knowledge.exam import matches, read_exam
from bot.matching.calibration import (
    Confidence,
    OperatingPoint,
    choose_operating_point,
    expected_calibration_error,
    fit_confidence,
    leave_one_out_signals,
    shipped,
    upper_bound,
)
from bot.matching.retrieval import Signals

SHIPPED = shipped(0.0)
UNIT = st.floats(0, 1, allow_nan=False)
ROUNDS = 300  # of each simulation


def signals(score: float, out: float, margin: float) -> Signals:
    return Signals(score, out, margin, 0.5, 0.5, 0.5, 0.5, 0.5)


@given(UNIT, UNIT, st.floats(-1, 1), st.floats(0, 1))
def test_more_evidence_never_lowers_the_probability(
    score: float, out: float, margin: float, more: float
) -> None:
    p = SHIPPED.probability(signals(score, out, margin))
    assert 0 < p < 1
    assert SHIPPED.probability(signals(score + more, out, margin)) >= p
    assert SHIPPED.probability(signals(score, out, margin + more)) >= p
    assert SHIPPED.probability(signals(score, out + more, margin)) <= p


def test_the_probability_is_its_formula_and_never_overflows() -> None:
    confidence = Confidence(2.0, 3.0, -1.0)
    assert confidence.of(0.5, 0.2) == pytest.approx(1 / (1 + math.exp(-(1.0 + 0.6 - 1.0))))
    assert confidence.of(1e9, 0) == 1.0
    assert confidence.of(-1e9, 0) == 0.0


@pytest.mark.parametrize("weights", [(-0.1, 1.0), (1.0, -0.1)])
def test_a_weight_that_punishes_evidence_is_refused(weights: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="never lower"):
        Confidence(*weights, 0.0)


def test_the_fit_is_that_of_scikit_learn() -> None:
    """With a prior of zero and an intercept that is held too, it is plain ridge regression."""
    random = np.random.default_rng(0)
    x = np.stack([random.normal(size=400), random.normal(size=400), np.ones(400)], axis=1)
    right = random.random(400) < 1 / (1 + np.exp(-(2 * x[:, 0] + x[:, 1] - 0.5)))
    weights = random.uniform(0.2, 2, 400)
    found = fit_confidence(x[:, 0], x[:, 1], right, weights, Confidence(0, 0, 0), strength=0.7)
    oracle = LogisticRegression(C=1 / 0.7, fit_intercept=False, tol=1e-10, max_iter=1000)
    oracle.fit(x, right, sample_weight=weights)
    assert np.allclose([found.evidence, found.margin, found.intercept], oracle.coef_[0], atol=1e-4)


def test_without_examples_the_fit_is_the_prior_and_with_none_that_tell_it_stays_near() -> None:
    nothing = np.zeros(0)
    assert fit_confidence(nothing, nothing, nothing.astype(bool), nothing, SHIPPED) == SHIPPED
    ones = np.ones(50)
    always = fit_confidence(ones, ones, ones.astype(bool), ones, SHIPPED)
    assert always.evidence >= SHIPPED.evidence
    assert math.isfinite(always.intercept)


def test_a_signal_that_misleads_gets_no_weight() -> None:
    evidence = np.linspace(-1, 1, 2000)
    found = fit_confidence(evidence, np.zeros(2000), evidence < 0, np.ones(2000), SHIPPED)
    assert found.evidence == 0.0


def test_the_fit_comes_to_rest_from_far_away() -> None:
    """A whole Newton step from a prior that is all too sure leads ever further off."""
    random = np.random.default_rng(1)
    evidence, margin = random.normal(0.5, 0.3, 3000), random.normal(0.3, 0.2, 3000)
    right = random.random(3000) < 1 / (1 + np.exp(-(4 * evidence + margin - 2)))
    ones = np.ones(3000)
    near = fit_confidence(evidence, margin, right, ones, Confidence(4, 1, -2))
    far = fit_confidence(evidence, margin, right, ones, Confidence(60, 40, 30), strength=1e-6)
    assert np.allclose([far.evidence, far.margin], [near.evidence, near.margin], atol=0.3)


def test_many_wordings_of_an_answer_make_the_same_evidence_less() -> None:
    assert shipped(3.0).of(0.6, 0.2) < shipped(1.0).of(0.6, 0.2) < shipped(0.0).of(0.6, 0.2)


@pytest.mark.parametrize(
    ("wrong", "questions", "delta", "bound"),
    [
        (0, 50, 0.01, 0.0880),  # 1 - 0.01 ** (1 / 50)
        (0, 149, 0.05, 0.0199),  # the "rule of three": 3 / n
        (1, 100, 0.05, 0.0466),
        (5, 100, 0.025, 0.1128),
        (10, 1000, 0.025, 0.0183),
    ],
)
def test_bounds_are_those_of_the_tables(
    wrong: int, questions: int, delta: float, bound: float
) -> None:
    assert upper_bound(wrong, questions, delta) == pytest.approx(bound, abs=1e-4)


@given(st.integers(1, 400), st.data(), st.sampled_from([0.01, 0.05, 0.2]))
def test_a_bound_is_where_the_binomial_tail_is_delta(
    questions: int, data: st.DataObject, delta: float
) -> None:
    wrong = data.draw(st.integers(0, questions))
    bound = upper_bound(wrong, questions, delta)
    interval = binomtest(wrong, questions).proportion_ci(1 - 2 * delta, method="exact")
    assert bound == pytest.approx(interval.high, abs=1e-6)
    if wrong < questions:
        assert binom.cdf(wrong, questions, bound) == pytest.approx(delta, abs=1e-6)


def exam(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Synthetic replies: probabilities, rightness that follows them loosely, answerability."""
    answerable = random.random(count) < 0.6
    p = np.where(answerable, random.beta(5, 1.6, count), random.beta(1.3, 6, count))
    right = answerable & (random.random(count) < 0.75 + 0.25 * p)
    return p, right, answerable


@pytest.mark.parametrize("risk", [0.02, 0.05])
def test_the_promised_risk_is_kept_on_synthetic_questions(risk: float) -> None:
    """Chosen on one sample, the true risk (of a very large one) is higher in at most 5 %."""
    random = np.random.default_rng(7)
    p_all, right_all, _ = exam(np.random.default_rng(8), 200_000)
    broken = 0
    for _ in range(ROUNDS):
        p, right, answerable = exam(random, 600)
        try:
            point = choose_operating_point(p, right, answerable, risk)
        except CalibrationError:
            continue  # nothing is promised
        realised = float(((p_all >= point.threshold) & ~right_all).mean())
        broken += realised > risk
    assert broken / ROUNDS <= 0.05


@pytest.fixture(scope="module")
def held_out(bot: Bot) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the bot is sure of, and right in, on the shipped held-out questions."""
    assert bot.knowledge.calibration is not None
    questions = [q for dialogue in read_exam(bot.knowledge.calibration) for q in dialogue][::3]
    p, right = np.zeros(len(questions)), np.zeros(len(questions), bool)
    for i, question in enumerate(questions):
        if found := bot.consider(question.text).matches:
            p[i] = found[0].probability
            right[i] = bool(question.gold) and matches(question.gold, [found[0].pair.answer])
    return p, right, np.array([bool(q.gold) for q in questions])


@pytest.mark.parametrize(("risk", "size"), [(0.02, 300), (0.05, 200)])
def test_the_promised_risk_is_kept_on_the_held_out_questions(
    held_out: tuple[np.ndarray, np.ndarray, np.ndarray], risk: float, size: int
) -> None:
    """Samples of the real replies; the whole set is the truth that they are drawn from."""
    p, right, answerable = held_out
    random = np.random.default_rng(3)
    broken = promised = 0
    for _ in range(ROUNDS):
        drawn = random.integers(0, len(p), size)
        try:
            point = choose_operating_point(p[drawn], right[drawn], answerable[drawn], risk)
        except CalibrationError:
            continue
        promised += 1
        broken += float(((p >= point.threshold) & ~right).mean()) > risk
    assert promised > ROUNDS / 2
    assert broken / ROUNDS <= 0.05


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.05, 0.1, 0.3]))
def test_the_threshold_is_the_lowest_that_passes_all_tests_above_it(seed: int, risk: float) -> None:
    p, right, answerable = exam(np.random.default_rng(seed), 150)
    passing = []
    for threshold in sorted(set(p.tolist()), reverse=True):
        given = p >= threshold
        if upper_bound(int((given & ~right).sum()), len(p), 0.01) > risk:
            break
        passing.append(threshold)
    if not passing:
        with pytest.raises(CalibrationError, match="too often"):
            choose_operating_point(p, right, answerable, risk)
        return
    point = choose_operating_point(p, right, answerable, risk)
    assert point.threshold == passing[-1]
    assert point.bound <= risk
    assert point.wrong == int(((p >= point.threshold) & ~right).sum())
    assert point.coverage == pytest.approx(
        ((p >= point.threshold) & right).sum() / answerable.sum()
    )


def test_a_greater_risk_never_answers_less() -> None:
    p, right, answerable = exam(np.random.default_rng(1), 600)
    points = [choose_operating_point(p, right, answerable, r) for r in (0.02, 0.05, 0.1, 0.2)]
    assert [pt.threshold for pt in points] == sorted((pt.threshold for pt in points), reverse=True)


@pytest.mark.parametrize(("risk", "needed"), [(0.05, 90), (0.02, 228), (0.01, 459)])
def test_too_few_questions_are_refused_with_the_number_needed(risk: float, needed: int) -> None:
    right = np.ones(needed, bool)
    point = choose_operating_point(right * 0.9, right, right, risk)
    assert point.bound <= risk
    few = right[1:]
    with pytest.raises(CalibrationError, match=f"at least {needed} are needed"):
        choose_operating_point(few * 0.9, few, few, risk)


@pytest.mark.parametrize("risk", [0.0, 1.0, -1.0, float("nan")])
def test_a_risk_that_is_no_share_is_refused(risk: float) -> None:
    with pytest.raises(CalibrationError, match=r"in 0\.\.1"):
        choose_operating_point(np.ones(9), np.ones(9, bool), np.ones(9, bool), risk)


def test_replies_that_are_wrong_at_their_surest_cant_be_promised() -> None:
    sure = np.ones(500)
    with pytest.raises(CalibrationError, match="too often"):
        choose_operating_point(sure, sure > 1, sure > 0, 0.02)


@pytest.mark.parametrize(
    "changed",
    [{"threshold": 1.2}, {"bound": float("nan")}, {"wrong": -1}, {"wrong": 501}, {"coverage": 2}],
)
def test_an_impossible_operating_point_cant_be_built(changed: dict[str, float]) -> None:
    point = OperatingPoint(0.6, 0.02, 0.01, 500, 2, 0.0167, 0.9)
    with pytest.raises(ValueError, match=r"in 0\.\.1|can't be wrong"):
        replace(point, **changed)  # type: ignore[arg-type]


def test_leave_one_out_signals_are_read_off_the_held_scores() -> None:
    held = np.array([[0.9, 0.2, 0.1], [0.3, 0.4, 0.6], [0.1, 0.5, 0.0]], np.float32)
    owners = np.array([0, 2, 0], np.int32)
    evidence, margin, right, weights = leave_one_out_signals(held, owners)
    assert np.allclose(evidence, [0.8, -0.2, 0.5])
    assert np.allclose(margin, [0.7, 0.1, 0.4])
    assert right.tolist() == [True, False, False]
    assert np.allclose(weights, [0.75, 1.5, 0.75])  # both sorts weigh half of all
    assert weights.sum() == pytest.approx(3)


def test_the_calibration_error_is_its_definition() -> None:
    p, y = [0.05, 0.15, 0.15, 0.95, 1.0], [False, False, True, True, True]
    assert expected_calibration_error(p, y) == pytest.approx((0.05 + 2 * 0.35 + 2 * 0.025) / 5)
    assert expected_calibration_error([], []) == 0.0
