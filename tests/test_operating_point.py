"""The operating point is kept whole, believed only where it holds, and mended by choosing anew."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bot.bot import DEFAULT_THRESHOLD, Bot
from bot.errors import CalibrationError, KnowledgeError
from bot.knowledge.files import CALIBRATION, MANIFEST, OUT_OF_SCOPE, PAIRS
from bot.knowledge.knowledge import Knowledge
from bot.matching.calibration import OperatingPoint, Scaling
from bot.matching.operating_point import (
    FILE,
    SavedPoint,
    calibrate,
    described,
    load_operating_point,
    save_operating_point,
)
from bot.settings import Settings

POINT = OperatingPoint(0.6, 0.02, 0.01, 500, 2, 0.0167, 0.9)
HALVES = dict.fromkeys(POINT.__slots__, 0.5)


@pytest.fixture
def knowledge(bot: Bot, tmp_path: Path) -> Knowledge:
    """The shipped knowledge in a folder of its own."""
    shutil.copytree(bot.knowledge.root, tmp_path / "knowledge")
    return replace(bot.knowledge, root=tmp_path / "knowledge")


def test_what_was_saved_is_loaded(knowledge: Knowledge) -> None:
    file = save_operating_point(knowledge, POINT, "model")
    assert load_operating_point(knowledge, "model", None) == SavedPoint(POINT)
    assert load_operating_point(knowledge, "model", 0.02) == SavedPoint(POINT)
    assert [f.name for f in file.parent.iterdir() if f.name.startswith(f".{FILE}")] == []


def test_a_point_that_cant_be_written_is_told_with_its_file(knowledge: Knowledge) -> None:
    (knowledge.root / FILE).unlink()
    (knowledge.root / FILE).mkdir()
    with pytest.raises(KnowledgeError, match=f"{FILE}: can't be written"):
        save_operating_point(knowledge, POINT, "model")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        "{}",
        '{"threshold": 0.5, "model": "model", "knowledge": "k"}',
        json.dumps({**HALVES, "model": "model"}),
        json.dumps({**HALVES, "threshold": "0.5", "model": "model", "knowledge": "k"}),
        json.dumps({**HALVES, "threshold": float("nan"), "model": "m", "knowledge": "k"}),
        json.dumps({**HALVES, "threshold": 7, "model": "model", "knowledge": "k"}),
    ],
)
def test_a_broken_file_is_named_with_its_remedy(knowledge: Knowledge, text: str) -> None:
    (knowledge.root / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(KnowledgeError, match=rf"{FILE}: is not .*bot calibrate --max-wrong"):
        load_operating_point(knowledge, "model", None)


def test_a_risk_that_no_point_was_chosen_for_is_refused(knowledge: Knowledge) -> None:
    (knowledge.root / FILE).unlink()
    assert load_operating_point(knowledge, "model", None) is None
    with pytest.raises(KnowledgeError, match="no operating point was chosen yet"):
        load_operating_point(knowledge, "model", 0.02)
    save_operating_point(knowledge, POINT, "model")
    with pytest.raises(KnowledgeError, match=r"chosen for max_wrong=0\.02, not 0\.05"):
        load_operating_point(knowledge, "model", 0.05)


def test_a_point_of_another_model_is_left_aside_aloud_and_never_promises(
    knowledge: Knowledge,
) -> None:
    save_operating_point(knowledge, POINT, "another")
    told: list[str] = []
    assert load_operating_point(knowledge, "model", None, told.append) is None
    assert len(told) == 1
    assert "another model" in told[0]
    with pytest.raises(KnowledgeError, match="chosen for another model"):
        load_operating_point(knowledge, "model", 0.02)


def test_the_shipped_point_is_of_the_shipped_knowledge(bot: Bot) -> None:
    assert bot.stale is None
    assert list(bot.faults()) == []


def test_a_point_of_another_state_serves_on_and_says_how_to_choose_anew(
    bot: Bot, knowledge: Knowledge, settings: Settings
) -> None:
    for file in (PAIRS, OUT_OF_SCOPE, CALIBRATION, MANIFEST):
        path = knowledge.root / file
        path.write_text("# read again\n" * (path.suffix == ".yaml") + path.read_text("utf-8"))
    assert Bot.load(settings.model_copy(update={"knowledge": knowledge.root})).stale is None
    pairs = knowledge.root / PAIRS
    text = pairs.read_text(encoding="utf-8")
    pairs.write_text(text.replace("Is MS a fatal disease?", "Is MS deadly?", 1), "utf-8")
    edited = Bot.load(settings.model_copy(update={"knowledge": knowledge.root}))
    assert edited.threshold == bot.threshold
    (told,) = edited.faults()
    assert told.startswith(f"Warning: {knowledge.root / FILE} was chosen for another state of this")
    assert f"run `python -m bot calibrate --max-wrong 0.05 --knowledge {knowledge.root}`" in told


def test_the_scaling_changes_what_is_told_and_no_decision(
    bot: Bot, knowledge: Knowledge, settings: Settings
) -> None:
    file = knowledge.root / FILE
    saved = json.loads(file.read_text(encoding="utf-8"))
    n = saved["questions"]
    scaling = Scaling(saved["slope"], saved["shift"], (n + 1) / (n + 2))
    assert scaling.slope > 1  # the wordings of pairs make it timid
    file.write_text(
        json.dumps(saved | {"slope": 1.0, "shift": 0.0, "questions": 10**9}), encoding="utf-8"
    )
    unscaled = Bot.load(settings.model_copy(update={"knowledge": knowledge.root}))
    for question in ("Is ALS fatal?", "memory trouble with ms?", "how many in Canada have MS"):
        told, before = bot.ask(question), unscaled.ask(question)
        assert told.reply.decision == before.reply.decision
        expected = scaling.of(before.reply.confidence)
        assert told.reply.confidence == pytest.approx(expected, abs=1e-6)
        shown = told.receipt.to_json()
        assert shown["threshold"] == pytest.approx(scaling.of(unscaled.threshold), abs=1e-5)
        best = shown["best"]
        assert isinstance(best, dict)
        assert best["probability"] == pytest.approx(told.reply.confidence, abs=1e-4)


def test_calibrate_mends_a_broken_file(
    knowledge: Knowledge, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (knowledge.root / FILE).write_text("broken", encoding="utf-8")
    here = settings.model_copy(update={"knowledge": knowledge.root})
    with pytest.raises(KnowledgeError):
        Bot.load(here)
    bot = Bot.load(here, calibrated=False)
    assert bot.threshold == DEFAULT_THRESHOLD
    assert bot.knowledge.calibration is not None
    lines = bot.knowledge.calibration.read_text(encoding="utf-8").splitlines()
    few = knowledge.root / "few.jsonl"
    few.write_text("\n".join(lines[:: len(lines) // 50]), encoding="utf-8")
    asked = len(few.read_text(encoding="utf-8").splitlines())
    assert asked >= 44  # the least for one in ten
    bot.knowledge = replace(bot.knowledge, calibration=few)
    done: list[tuple[int, int]] = []
    point = calibrate(bot, 0.1, lambda *of: done.append(of))
    assert done[-1] == (asked, asked)
    assert point.questions == asked
    saved = load_operating_point(bot.knowledge, bot.model_digest, 0.1)
    assert saved == SavedPoint(point)
    with pytest.raises(CalibrationError, match="at least 459"):
        calibrate(bot, 0.01)
    # Nothing was lost, and it rests on itself: read at its own threshold, the choice is the same.
    assert load_operating_point(bot.knowledge, bot.model_digest, 0.1) == saved
    assert calibrate(bot.at(point.threshold), 0.1) == point


def test_a_knowledge_without_labelled_questions_says_how_to_write_them(bot: Bot) -> None:
    bare = Bot.__new__(Bot)
    bare.knowledge = replace(bot.knowledge, calibration=None)
    with pytest.raises(CalibrationError, match=r'there is no calibration\.jsonl; .*"gold"'):
        calibrate(bare, 0.05)


def test_the_point_is_told_in_words() -> None:
    lines = list(described(POINT, Path("knowledge") / FILE))
    assert lines[1].startswith("threshold        0.6000")
    assert lines[2] == "answered right   90.0% of the answerable questions"
    assert lines[3] == "answered wrong   2, 0.40% of all questions"
    assert "at most 1.67%" in lines[4]
    assert "99% certainty" in lines[4]
