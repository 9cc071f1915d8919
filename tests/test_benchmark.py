"""The benchmark: figures of real processes, ratios the right way round, gaps named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.encoding.encoders import Encoder
from bot.errors import UsageError
from bot.evaluation import benchmark
from bot.evaluation.benchmark import Figures, as_lines, as_object, comparisons, measure, ratio, run
from bot.evaluation.cases import CASES, Ready, questions, write_large_bank
from bot.knowledge.knowledge import load_knowledge
from bot.settings import load_settings

QUICK = Figures(0.5, 8.0, 120.0, 240.0, 4.0, 130.0, 140.0)
SLOW = Figures(5.0, 24.0, 40.0, 40.0, 24.0, 520.0, 520.0)


def test_questions_are_different_and_enough() -> None:
    asked = list(questions())
    assert len(asked) == len(set(asked)) == 160


def test_measuring_asks_every_question_once() -> None:
    seen: list[str] = []
    figures = measure(Ready(seen.append), list(questions()))
    assert sorted(seen) == sorted(questions())
    assert figures.cpu_ms >= 0
    assert 1 < figures.rss_mb <= figures.rss_mb_threads


def test_an_error_in_a_thread_is_an_error() -> None:
    def fail(question: str) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        benchmark._ask_from_threads(Ready(fail), ["a", "b"])


def test_ratios_above_one_favour_the_case() -> None:
    found = {"encoder": [QUICK, QUICK], "sentence-transformers": [SLOW, SLOW]}
    assert ratio(found, "encoder", "sentence-transformers", "cpu_ms") == 3
    (row,) = comparisons(found)
    assert row == {
        "case": "encoder",
        "rival": "sentence-transformers",
        "start_cpu": 10,
        "cpu": 3,
        "questions": 3,
        "questions_threads": 6,
        "rss": 4,
    }


def test_the_table_names_what_is_left_out() -> None:
    lines = as_lines({"bot": [QUICK], "bot-10000": [SLOW]}, {"txtai": "it isn't installed"})
    assert any("8.00" in line and "the whole bot" in line for line in lines)
    assert "10,000 pairs cost 16.0 CPU ms a question more" in lines
    assert lines[-1] == "txtai, same questions: left out, for it isn't installed"
    json.dumps(as_object({"bot": [QUICK]}, {}))


def test_every_rival_is_a_case() -> None:
    assert all(rival in CASES for case in CASES.values() for rival in case.rivals)


def test_an_unknown_case_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="unknown case"):
        run(load_settings(), cases=["nonsense"])
    with pytest.raises(UsageError, match="at least one round is needed, not 0"):
        run(load_settings(), rounds=0)


@pytest.mark.usefixtures("encoder")
def test_the_encoder_is_measured_in_a_process_of_its_own(
    cache_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(load_settings(cache_dir=cache_folder), as_json=True, cases=["encoder"], rounds=1)
    (figures,) = json.loads(capsys.readouterr().out)["cases"]["encoder"]
    assert figures["start_cpu_s"] < 2
    assert figures["rss_mb"] < 170


def test_the_large_bank_is_a_knowledge_without_faults(tmp_path: Path) -> None:
    write_large_bank(tmp_path / "large", pairs=200)
    knowledge = load_knowledge(tmp_path / "large")
    assert len(knowledge.pairs) == 200
    assert not knowledge.quarantined


def test_the_real_encoder_is_measured_in_this_process(encoder: Encoder) -> None:
    figures = measure(Ready(lambda q: encoder.encode([q])), list(questions()))
    assert figures.questions_s > 0
