"""Verdicts as the exam's judge gives them, and figures as slow definitions give them."""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import sys
from itertools import accumulate, permutations
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from tiny_bot import PAIRS, TEXT, TinyBot

from bot.channels.batch import converse
from bot.errors import QuothError
from bot.evaluation.measures import (
    area_under_risk_coverage,
    auroc,
    calibration_error,
    coverage_at,
    figures,
    reliability,
    risk_coverage,
    weighed,
    worst,
)
from bot.evaluation.plots import plot_reliability, plot_risk_coverage, plot_systems
from bot.knowledge.exam import Outcome, Question, examine, judge, matches, read_exam
from bot.printing import json_line
from bot.types import Answered, Citation, Declined, Match, Provenance, QAPair, Reply, Span

JUDGE = Path(__file__).parents[2] / "shared" / "eval" / "judge.py"
ONE = st.tuples(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.7, 0.95, 1.0]), st.booleans())
SCORED = st.lists(ONE)


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    if not JUDGE.is_file():
        pytest.skip(f"the exam's judge is not at {JUDGE}")
    spec = importlib.util.spec_from_file_location("judge", JUDGE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reply(*quotes: str, confidence: float = 0.5) -> Reply:
    """An answer that quotes `quotes`, or a decline."""
    cited = tuple(
        Citation("d", "D", None, None, q, q, Span(i * 1000, i * 1000 + len(q)))
        for i, q in enumerate(quotes)
    )
    pair = QAPair("p", "Q?", (), "A.", Provenance("d", Span(0, 2), "0"))
    decision = Answered((Match(pair, "Q?", 1, 0.5),)) if quotes else Declined("not_covered")
    return Reply("text", decision, "Q?", "c", "t", citations=cited, confidence=confidence)


def outcome(kind: str, gold: str, *quotes: str, confidence: float = 0.5) -> Outcome:
    question = Question("1", "Q?", kind, (gold,) if gold else ())
    return Outcome(question, reply(*quotes, confidence=confidence), quotes or ("nearest",))


pieces = st.text(st.sampled_from("aB ’'“\"\u00a0\n."), max_size=25)
longer = st.builds(lambda s, n: (s * n)[:450], pieces, st.integers(1, 40))


@given(
    gold=st.lists(pieces | longer, max_size=3),
    quotes=st.lists((pieces | longer).filter(bool), max_size=3),
)
def test_a_verdict_is_the_judges(oracle: ModuleType, gold: list[str], quotes: list[str]) -> None:
    given_reply = reply(*quotes)
    assert judge(gold, given_reply) == oracle.verdict(gold, given_reply.to_json())


def test_figures_are_the_judges(oracle: ModuleType, tmp_path: Path) -> None:
    exam_rows = [
        {"id": "1", "q": "Is ALS fatal?", "kind": "answerable", "gold": ["ALS is fatal."]},
        {"id": "2", "q": "Is MS fatal?", "kind": "partial", "gold": ["Multiple sclerosis is"]},
        {"id": "3", "q": "Is it?", "kind": "answerable", "gold": ["ALS is fatal."]},
        {"id": "4", "q": "Is MS fatal?", "kind": "unanswerable_near", "gold": []},
        {"id": "5", "q": "Is Canada cold?", "kind": "unanswerable_near", "gold": []},
        {"id": "6", "q": "", "kind": "gibberish", "gold": []},
        {"id": "7", "q": "How many people have MS?", "kind": "adversarial", "gold": ["400,000"]},
    ]
    rows, replies = tmp_path / "exam.jsonl", tmp_path / "replies.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in exam_rows), encoding="utf-8")
    outcomes = run(rows)
    replies.write_text("".join(json_line(o.reply) + "\n" for o in outcomes), encoding="utf-8")
    judged = subprocess.run(
        [sys.executable, JUDGE, rows, replies, "--json"], capture_output=True, check=True
    )
    expected = json.loads(judged.stdout)
    assert {k: v for k, v in figures(outcomes).to_json().items() if k in expected} == expected


def test_figures_of_dialogues_are_the_judges(oracle: ModuleType, tmp_path: Path) -> None:
    turns = [
        {"q": "Is MS fatal?", "gold": ["MS is not a fatal disease."], "expect": "answer"},
        {"q": "and ALS?", "gold": ["ALS is fatal."], "expect": "answer"},
        {"q": "and in Canada?", "gold": [], "expect": "decline"},
    ]
    rows, replies = tmp_path / "exam.jsonl", tmp_path / "replies.jsonl"
    rows.write_text(json.dumps({"id": "d", "turns": turns}), encoding="utf-8")
    outcomes = run(rows, dialogues=True)
    assert [o.question.id for o in outcomes] == ["d.1", "d.2", "d.3"]
    assert [o.verdict for o in outcomes] == ["right", "right", "right"]
    replies.write_text("".join(json_line(o.reply) + "\n" for o in outcomes), encoding="utf-8")
    judged = subprocess.run(
        [sys.executable, JUDGE, "--dialogues", rows, replies, "--json"],
        capture_output=True,
        check=True,
    )
    expected = json.loads(judged.stdout)
    assert {k: v for k, v in figures(outcomes).to_json().items() if k in expected} == expected


def run(file: Path, *, dialogues: bool = False) -> tuple[Outcome, ...]:
    def hold(questions):  # type: ignore[no-untyped-def]
        for found, _ in converse(TinyBot().ask, questions):
            yield found, tuple(c.quote for c in found.citations)

    return examine(read_exam(file, dialogues=dialogues), hold)


def test_a_short_quote_is_no_answer_because_gold_holds_it() -> None:
    assert not matches(["MS is not a fatal disease."], ["MS is"])
    assert matches(["MS is not a fatal disease, they say."], ["MS is not a fatal disease"])


def test_two_quotes_longer_together_than_a_quote_may_be_are_wrong() -> None:
    assert judge(["a"], reply("a" * 300, "b" * 200)) == "wrong"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{", "exam.jsonl:2: not a row"),
        ("[]", "a JSON object is needed"),
        ('{"q": "a", "kind": "b"}', "field 'gold' is missing"),
        ('{"q": "a", "kind": "b", "gold": "c"}', '"gold" must be a list'),
        ('{"turns": []}', "add --dialogues"),
    ],
)
def test_a_broken_exam_names_file_line_and_what_to_do(tmp_path: Path, row: str, says: str) -> None:
    file = tmp_path / "exam.jsonl"
    file.write_text('{"q": "a", "kind": "b", "gold": []}\n' + row, encoding="utf-8")
    with pytest.raises(QuothError, match=r"exam\.jsonl:2") as caught:
        read_exam(file)
    assert says in str(caught.value)


def test_an_exam_that_is_missing_empty_or_no_utf8_says_so(tmp_path: Path) -> None:
    file = tmp_path / "exam.jsonl"
    with pytest.raises(QuothError, match="can't be read"):
        read_exam(file)
    file.write_bytes(b"\n\n")
    with pytest.raises(QuothError, match="no questions"):
        read_exam(file)
    file.write_bytes(b"\xff")
    with pytest.raises(QuothError, match="not UTF-8"):
        read_exam(file)


@given(SCORED)
def test_auroc_is_sklearns(scored: list[tuple[float, bool]]) -> None:
    labels = [label for _, label in scored]
    assume(len(set(labels)) == 2)
    expected = roc_auc_score(labels, [score for score, _ in scored])
    found = auroc(scored)
    assert found is not None
    assert math.isclose(found, expected, abs_tol=1e-9)


def test_auroc_of_one_class_is_unknown() -> None:
    assert auroc([(0.5, True)]) is None
    assert auroc([]) is None


@given(SCORED)
def test_calibration_error_is_its_definition(scored: list[tuple[float, bool]]) -> None:
    assume(scored)
    expected = 0.0
    for b in range(10):
        inside = [x for x in scored if b / 10 <= x[0] < (b + 1) / 10 or (b == 9 and x[0] == 1.0)]
        if inside:
            gap = sum(label for _, label in inside) - sum(score for score, _ in inside)
            expected += abs(gap) / len(scored)
    found = calibration_error(scored)
    assert found is not None
    assert math.isclose(found, expected, abs_tol=1e-9)
    assert sum(b.count for b in reliability(scored)) == len(scored)


@given(st.lists(ONE, min_size=1, max_size=5))
def test_risk_coverage_is_the_mean_over_the_orders_of_ties(
    scored: list[tuple[float, bool]],
) -> None:
    area = area_under_risk_coverage(scored)
    coverage, risk = risk_coverage(scored)[-1]
    assert coverage == 1.0
    assert risk == pytest.approx(1 - sum(label for _, label in scored) / len(scored))
    areas: list[float] = []
    for order in permutations(scored):
        assert area == pytest.approx(area_under_risk_coverage(order))
        ordered = sorted(order, key=lambda pair: -pair[0])
        wrong = accumulate(not label for _, label in ordered)
        areas.append(sum(w / k for k, w in enumerate(wrong, 1)) / len(ordered))
    assert area == pytest.approx(sum(areas) / len(areas))


@given(SCORED.filter(bool), st.sampled_from([0.0, 0.02, 0.1, 0.5]))
def test_coverage_at_a_risk_is_the_best_threshold(
    scored: list[tuple[float, bool]], risk: float
) -> None:
    best = 0.0
    for threshold, _ in scored:
        above = [label for score, label in scored if score >= threshold]
        if above.count(False) <= risk * len(above) + 1e-9:
            best = max(best, len(above) / len(scored))
    assert coverage_at(scored, risk) == pytest.approx(best)


def test_the_worst_mistake_is_the_surest_wrong_answer() -> None:
    mistakes = [
        outcome("answerable", "gold", confidence=0.4),
        outcome("answerable", "gold", "other", confidence=0.6),
        outcome("unanswerable_near", "", "other", confidence=0.9),
        outcome("answerable", "gold", confidence=0.1),
        outcome("answerable", "gold", "gold", confidence=0.99),
    ]
    ordered = worst(mistakes)
    assert [(o.verdict, o.score) for o in ordered] == [
        ("false", 0.9),
        ("wrong", 0.6),
        ("missed", 0.1),
        ("missed", 0.4),
    ]
    assert worst(mistakes, 1) == ordered[:1]


def test_a_decline_is_scored_by_what_came_nearest() -> None:
    question = Question("1", "Q?", "answerable", ("gold",))
    assert Outcome(question, reply(), ("gold",)).candidate_right
    assert not Outcome(question, reply(), ("other",)).candidate_right
    assert not Outcome(Question("1", "Q?", "x", ()), reply(), ("gold",)).candidate_right


def test_an_exam_without_answerable_questions_has_no_share_of_them() -> None:
    found = figures([outcome("unanswerable_far", "")])
    assert found.answered_right is None
    assert found.balanced is None
    assert found.declined_right == 1.0
    with pytest.raises(ValueError, match="no figures"):
        figures([])


def test_plots_are_png_files(tmp_path: Path) -> None:
    outcomes = [outcome("answerable", "gold", "gold", confidence=c / 10) for c in range(11)]
    plot_reliability(weighed(outcomes), tmp_path / "a.png")
    plot_risk_coverage(weighed(outcomes), tmp_path / "b.png", (0.5, 0.1))
    plot_reliability([], tmp_path / "c.png")
    plot_systems("a bank", {"quoth": [(0.0, 0.4), (0.1, 0.8)], "other": []}, tmp_path / "d.png")
    for name in ("a.png", "b.png", "c.png", "d.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_the_tiny_bot_quotes_its_text() -> None:
    assert all(answer in TEXT for answer in PAIRS.values())
