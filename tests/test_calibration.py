"""The promise holds: exact bounds, a risk that is kept in simulation, a fit that has an oracle."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import binom, binomtest

from bot.bot import Bot
from bot.errors import CalibrationError
from bot.knowledge.exam import matches, read_exam
from bot.matching.calibration import (
    Confidence,
    OperatingPoint,
    Scaling,
    Scored,
    choose_operating_point,
    fit_confidence,
    fit_scaling,
    leave_one_out,
    shipped,
    upper_bound,
)
from bot.matching.retrieval import Signals

SHIPPED = shipped(0.0)
UNIT = st.floats(0, 1, allow_nan=False)
ROUNDS = 300  # of each simulation


SCORE = st.floats(-0.2, 1.2, allow_nan=False)


@given(SCORE, SCORE, SCORE, UNIT)
def test_more_evidence_never_lowers_the_probability(
    score: float, rival: float, out: float, more: float
) -> None:
    p = SHIPPED.of(score, rival, out)
    assert 0 < p < 1
    assert SHIPPED.of(score + more, rival, out) >= p - 1e-12
    assert SHIPPED.of(score, rival + more, out) <= p + 1e-12
    assert SHIPPED.of(score, rival, out + more) <= p + 1e-12
    assert p + SHIPPED.of(rival, score, out) < 1


def test_the_rival_is_told_by_the_margin() -> None:
    signals = Signals(0.5, 0.1, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5)
    assert SHIPPED.probability(signals) == pytest.approx(SHIPPED.of(0.5, 0.3, 0.1))


def test_the_probability_is_its_formula_and_never_overflows() -> None:
    confidence = Confidence(2.0, 0.2)
    assert confidence.of(0.5, 0.3, 0.1) == pytest.approx(0.25 / (0.25 + 0.09 + 0.01 + 0.04))
    assert confidence.of(0.2, -1.0, -1.0) == pytest.approx(0.5, abs=1e-4)  # the floor
    assert Confidence(400.0, 0.2).of(1e9, 0.0, 0.0) == 1.0
    assert confidence.of(-1e9, 0.0, 0.0) == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(("exponent", "floor"), [(-0.1, 0.2), (2.0, 0.0), (2.0, math.nan)])
def test_a_confidence_that_punishes_evidence_or_has_no_floor_is_refused(
    exponent: float, floor: float
) -> None:
    with pytest.raises(ValueError, match=r"never lower|above 0"):
        Confidence(exponent, floor)


def asked(confidence: Confidence, count: int, seed: int = 1) -> Scored:
    """Questions that are answered right as often as `confidence` has it."""
    random = np.random.default_rng(seed)
    score, rival, out = random.uniform(0.05, 1, (3, count)) * [[1.0], [0.6], [0.6]]
    nothing = np.zeros(count, bool)
    right = random.random(count) < chances(
        confidence, Scored(score, rival, out, nothing, 1.0 * nothing)
    )
    return Scored(score, rival, out, right, np.ones(count))


def chances(confidence: Confidence, scored: Scored) -> np.ndarray:
    rows = zip(scored.score.tolist(), scored.rival.tolist(), scored.out.tolist(), strict=True)
    return np.array([confidence.of(*row) for row in rows])


def alone(scores: np.ndarray, right: np.ndarray) -> Scored:
    """Questions with one candidate each, and no known gap near."""
    return Scored(scores, 0 * scores, 0 * scores, right, np.ones(len(scores)))


def test_the_fit_finds_what_the_questions_were_made_with() -> None:
    made = Confidence(2.5, 0.3)
    found = fit_confidence(asked(made, 20_000), SHIPPED)
    assert found.exponent == pytest.approx(made.exponent, rel=0.05)
    assert found.floor == pytest.approx(made.floor, rel=0.05)


def test_the_fit_is_the_least_of_its_loss() -> None:
    scored, prior, strength = asked(Confidence(2.5, 0.3), 300), Confidence(4.0, 0.2), 3.0
    scored = replace(scored, weights=np.random.default_rng(2).uniform(0.2, 2, 300))

    def loss(beta: np.ndarray) -> float:
        confidence = Confidence(beta[0], math.exp(beta[1] / beta[0]))
        p = chances(confidence, scored)
        likely = np.log(np.where(scored.right, p, 1 - p))
        pull = (beta[0] - 4.0) ** 2 + (beta[1] - 4.0 * math.log(0.2)) ** 2
        return float(-(scored.weights * likely).sum() + strength / 2 * pull)

    oracle = minimize(loss, (3.0, -4.0), method="Nelder-Mead", options={"xatol": 1e-7})
    found = fit_confidence(scored, prior, strength)
    assert found.exponent == pytest.approx(oracle.x[0], abs=1e-3)
    assert found.exponent * math.log(found.floor) == pytest.approx(oracle.x[1], abs=1e-3)


def test_without_examples_the_fit_is_the_prior_and_with_none_that_tell_it_stays_near() -> None:
    nothing = np.zeros(0)
    none = fit_confidence(alone(nothing, nothing > 0), SHIPPED)
    assert (none.exponent, none.floor) == pytest.approx((SHIPPED.exponent, SHIPPED.floor))
    ones = np.ones(50)
    always = fit_confidence(alone(ones, ones > 0), SHIPPED)
    assert 0 < always.floor <= SHIPPED.floor


def test_scores_that_mislead_count_for_nothing() -> None:
    score = np.linspace(0.01, 1, 2000)
    found = fit_confidence(alone(score, score < 0.5), SHIPPED)
    assert found.exponent < SHIPPED.exponent / 20
    certain = fit_confidence(alone(score, score < 0), SHIPPED, strength=1e-6)
    assert 0 < certain.floor < math.inf


def test_the_fit_comes_to_rest_from_far_away() -> None:
    """A whole Newton step from a prior that is all too sure leads ever further off."""
    made = asked(Confidence(4.0, 0.3), 3000)
    near = fit_confidence(made, Confidence(4.0, 0.3))
    far = fit_confidence(made, Confidence(60.0, 2.0), strength=1e-6)
    assert (far.exponent, far.floor) == pytest.approx((near.exponent, near.floor), rel=0.1)


def test_many_wordings_of_an_answer_make_the_same_evidence_less() -> None:
    found = [shipped(wordings).of(0.6, 0.4, 0.0) for wordings in (3.0, 1.0, 0.0)]
    assert found == sorted(found)
    assert found[0] < found[-1]


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


def test_a_risk_next_to_nothing_needs_more_questions_than_there_are() -> None:
    right = np.ones(9, bool)
    with pytest.raises(CalibrationError, match=r"at least \d{21} are needed"):
        choose_operating_point(right * 0.9, right, right, 1e-20)


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


def test_leave_one_out_is_read_off_the_held_scores() -> None:
    held = np.array([[0.9, 0.2, 0.1], [0.3, 0.4, 0.6], [0.1, 0.5, 0.0]], np.float32)
    owners = np.array([0, 2, 0], np.int32)
    found = leave_one_out(held, owners)
    assert np.allclose(found.score, [0.9, 0.4, 0.5])
    assert np.allclose(found.rival, [0.2, 0.3, 0.1])
    assert np.allclose(found.out, [0.1, 0.6, 0.0])
    assert found.right.tolist() == [True, False, False]
    assert np.allclose(found.weights, [0.75, 1.5, 0.75])  # both sorts weigh half of all
    assert found.weights.sum() == pytest.approx(3)


CHANCES = st.floats(0, 1)


@given(st.floats(0.05, 20), st.floats(-5, 5), CHANCES, CHANCES)
def test_a_scaling_keeps_the_order_of_probabilities(
    slope: float, shift: float, one: float, other: float
) -> None:
    scaling = Scaling(slope, shift)
    low, high = scaling.of(min(one, other)), scaling.of(max(one, other))
    assert 0 <= low <= high <= 1
    assert Scaling().of(one) == pytest.approx(one, abs=1e-9)


@pytest.mark.parametrize(("slope", "shift"), [(0, 0), (-1, 0), (math.inf, 0), (1, math.nan)])
def test_a_scaling_that_could_turn_the_order_is_refused(slope: float, shift: float) -> None:
    with pytest.raises(ValueError, match="keeps the order"):
        Scaling(slope, shift)


@pytest.mark.parametrize(("slope", "shift"), [(1.0, 0.0), (2.5, 0.2), (0.5, -1.0)])
def test_the_scaling_of_timid_and_of_rash_probabilities_is_found(
    slope: float, shift: float
) -> None:
    rng = np.random.default_rng(5)
    told = rng.uniform(0.01, 0.99, 20_000)
    true = np.array([Scaling(slope, shift).of(p) for p in told.tolist()])
    right = rng.uniform(size=len(true)) < true
    found = fit_scaling(told, right)
    assert (found.slope, found.shift) == pytest.approx((slope, shift), rel=0.1, abs=0.1)
    assert fit_scaling(told, right) == found


def test_without_questions_nothing_is_scaled() -> None:
    none = np.array([])
    assert fit_scaling(none, none.astype(bool)) == Scaling()
    assert fit_scaling(np.array([0.0, 1.0]), np.array([True, False])) == Scaling()
    one = fit_scaling(np.array([0.4]), np.array([True]))
    assert 0.4 < one.of(0.4) < 0.7
