"""What each part buys: the steps' figures as slow definitions give them, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shops import make_shop

from bot.__main__ import main
from bot.evaluation.ablation import RISK, step
from bot.evaluation.measures import auroc
from bot.knowledge.exam import Question

ANSWER = "The shop is open from nine to five."
ROW = st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans(), st.booleans())


@given(st.lists(ROW, min_size=1, max_size=30))
def test_each_figure_is_the_best_of_all_thresholds(rows: list[tuple[float, bool, bool]]) -> None:
    questions = [
        Question(str(i), "q", "answerable", (ANSWER,) if answerable else ())
        for i, (_, answerable, _) in enumerate(rows)
    ]
    candidates = [((ANSWER if good else "Something else.",), score) for score, _, good in rows]
    found = step("all", questions, candidates)
    right = [answerable and good for _, answerable, good in rows]
    asked = sum(answerable for _, answerable, _ in rows)
    balanced, at_risk = [], []
    for threshold in (0.1, 0.2, 0.5, 0.9, 2.0):
        given_ = [score >= threshold for score, _, _ in rows]
        answered = sum(g and r for g, r in zip(given_, right, strict=True)) / max(1, asked)
        false = sum(g and not a for g, (_, a, _) in zip(given_, rows, strict=True))
        balanced.append((answered + 1 - false / max(1, len(rows) - asked)) / 2)
        if sum(g and not r for g, r in zip(given_, right, strict=True)) <= RISK * len(rows):
            at_risk.append(answered)
    assert found.balanced == pytest.approx(max(balanced))
    assert found.right == pytest.approx(max(at_risk))
    pairs = [(score, r) for (score, _, _), r in zip(rows, right, strict=True)]
    assert found.auroc == (auroc(pairs) or 0.0)


def test_the_command_prints_a_row_a_step(
    tmp_path: Path,
    cache_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("QUOTH_CACHE_DIR", str(cache_folder))
    shop = make_shop(tmp_path / "shop")
    exam = tmp_path / "exam.jsonl"
    rows = [
        {"id": "1", "q": "what are your opening hours", "kind": "answerable",
         "gold": ["The shop is open from nine to five on working days."]},
        {"id": "2", "q": "who founded the shop", "kind": "unanswerable_near", "gold": []},
    ]  # fmt: skip
    exam.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    asked = ["evaluate", str(exam), "--ablate", "--knowledge", str(shop)]
    assert main([*asked, "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)
    assert len(steps) == 7
    assert steps[-1]["balanced"] == 1.0
    assert main([*asked, "--report", str(tmp_path / "report")]) == 2
