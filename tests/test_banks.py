"""Figures on question banks: the arithmetic against hand-made cases, one real set where it is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.encoding.cache import EmbeddingCache
from bot.encoding.encoders import Encoder
from bot.errors import QuothError
from bot.evaluation.banks import (
    Bank,
    as_table,
    figures,
    figures_of,
    measure,
    read_bank,
    read_peer_bank,
)
from bot.matching.calibration import Scored
from bot.settings import Settings
from bot.training.fit_matching import Example, Fitted, chances, fit, thinned

SHARED = Path(__file__).resolve().parents[2] / "shared" / "eval"


def write(folder: Path, entries: list[dict[str, object]], queries: list[dict[str, object]]) -> Path:
    folder.mkdir()
    for name, rows in (("faq.jsonl", entries), ("queries.jsonl", queries)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


ENTRIES: list[dict[str, object]] = [
    {"id": "a1", "question": "How do I return a mattress?", "answer": "RETURN", "group": "RETURN"},
    {"id": "a2", "question": "Can I send my order back?", "answer": "RETURN", "group": "RETURN"},
    {"id": "b1", "question": "How long is the warranty?", "answer": "TERM", "group": "TERM"},
]
QUERIES: list[dict[str, object]] = [
    {"query": "i want to return it", "gold": ["a1", "a2"], "split": "test"},
    {"query": "is there a warranty", "gold": ["b1"], "split": "test"},
    {"query": "what is the capital of France", "gold": [], "split": "test"},
    {"query": "not in this split", "gold": ["b1"], "split": "dev"},
]


def test_right_at_a_risk_is_the_best_share_with_at_most_that_many_wrong() -> None:
    scored = [(0.9, True), (0.8, False), (0.7, True), (0.6, True)]
    found = figures("set", "method", scored, [True, False, True, True], calibrated=False)
    assert found.first == 1.0
    assert found.right == (1 / 3, 1 / 3, 1 / 3)  # one wrong of four is 25 %
    assert found.in_scope is None
    assert found.auroc == pytest.approx(1 / 3)


def test_tied_scores_stand_or_fall_together() -> None:
    """Where a right and a wrong reply have one score, no threshold lets only one of them pass."""
    found = figures("set", "method", [(0.5, True), (0.5, False)], [True, False], calibrated=True)
    assert found.right == (0.0, 0.0, 0.0)
    assert found.calibration_error == pytest.approx(0.0)


def test_entries_of_one_group_are_all_right(
    tmp_path: Path, encoder: Encoder, cache_folder: Path
) -> None:
    bank = read_bank(write(tmp_path / "shop", ENTRIES, QUERIES), "test")
    plain, ours = measure(bank, encoder, EmbeddingCache(cache_folder / "vectors", encoder))
    assert (plain.method, ours.method) == ("nearest cosine", "quoth")
    assert ours.queries == 3
    assert ours.answerable == 2
    assert ours.first == plain.first == 1.0


def test_an_entry_without_a_question_is_none(tmp_path: Path) -> None:
    blank = {"id": "z", "question": " ", "answer": "nothing"}
    asked = {"query": "is it?", "gold": ["z"], "split": "test"}
    bank = read_bank(write(tmp_path / "shop", [*ENTRIES, blank], [asked]), "test")
    assert len(bank.rows) == len(ENTRIES)
    assert bank.accepted == (frozenset(),)


def test_a_thinned_bank_accepts_what_it_still_holds() -> None:
    rows = tuple({"question": q, "answer": a, "group": a} for q, a in ("1A", "2A", "3B", "4A"))
    bank = Bank("b", rows, ("?", "!"), (frozenset("124"), frozenset("3")))
    thin = thinned(bank, 2)
    assert thin is not None
    assert [row["question"] for row in thin.rows] == ["1", "2", "3"]
    assert thin.accepted == (frozenset("12"), frozenset("3"))
    assert thinned(bank, 3) is None


def test_the_fit_to_banks_finds_what_they_were_made_with() -> None:
    random, made = np.random.default_rng(3), Fitted(3.0, 0.15, 0.1)
    examples = []
    for number, wordings in enumerate((0.0, 1.0, 2.0)):
        score, rival, out = random.uniform(0.05, 1, (3, 600)) * [[1.0], [0.6], [0.0]]
        asked = Scored(score, rival, out, score > 0, np.full(600, 1 / 600))
        example = Example(f"bank {number}", wordings, asked, score > 0)
        right = random.random(600) < chances(example, made)
        examples.append(replace(example, scored=replace(asked, right=right)))
    found = fit(examples)
    assert found.exponent == pytest.approx(made.exponent, rel=0.2)
    for wordings in (0.0, 2.0):
        floor = made.confidence(wordings).floor
        assert found.confidence(wordings).floor == pytest.approx(floor, rel=0.2)


def test_a_folder_without_sets_is_refused(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(QuothError, match="holds none of the data sets"):
        list(figures_of(tmp_path, "test", settings, lambda line: None))


def test_the_table_has_a_row_for_each_method() -> None:
    row = figures("set", "m", [(0.5, True)], [True], calibrated=True)
    assert as_table([row, row]).count("\n| set | m | 1 | 1.000 ") == 2


def test_a_peer_that_names_no_entry_has_declined(tmp_path: Path) -> None:
    (tmp_path / "x_bank.jsonl").write_text(json.dumps({"question": "q", "label": "A"}) + "\n")
    message = {"query": "?", "label": "A", "peers": {"p": ["A", 0.7], "o": ["NONE", 0.9]}}
    (tmp_path / "x.jsonl").write_text(json.dumps(message) + "\n")
    _, peers = read_peer_bank(tmp_path, "x")
    assert peers == {"p": [(0.7, True)], "o": [(0.0, False)]}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public data sets are not beside the checkout")
def test_health_questions_of_a_real_bank_are_told_apart_better_than_by_cosine(
    encoder: Encoder, cache_folder: Path
) -> None:
    bank = read_bank(SHARED / "covid_paraphrase", "test")
    plain, ours = measure(bank, encoder, EmbeddingCache(cache_folder / "vectors", encoder))
    assert ours.auroc > plain.auroc + 0.05
