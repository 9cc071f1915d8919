"""The operating point of a knowledge: chosen by `calibrate`, kept beside its files."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bot.errors import CalibrationError, KnowledgeError
from bot.knowledge.exam import matches, read_exam
from bot.knowledge.knowledge import Knowledge
from bot.matching.calibration import OperatingPoint, choose_operating_point

if TYPE_CHECKING:
    from bot.bot import Bot

FILE = "operating_point.json"


def save_operating_point(knowledge: Knowledge, point: OperatingPoint, model: str) -> Path:
    """Write `point` to the knowledge's folder, whole or not at all; it names the model it is for.

    Raises KnowledgeError where that can't be.
    """
    file = knowledge.root / FILE
    text = json.dumps({**asdict(point), "model": model}, indent=2) + "\n"
    try:
        handle, name = tempfile.mkstemp(prefix=f".{FILE}-", dir=file.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as written:
                written.write(text)
            os.chmod(name, 0o644)
            os.replace(name, file)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise KnowledgeError(f"can't be written: {error.strerror}", file) from error
    return file


def load_operating_point(
    knowledge: Knowledge,
    model: str,
    max_wrong: float | None,
    warn: Callable[[str], None] = lambda line: None,
) -> OperatingPoint | None:
    """The saved point; None where there is none, or it was chosen for another model (a warning).

    Raises KnowledgeError where the file is broken, or `max_wrong` asks for a risk that no saved
    point promises for this model.
    """
    file = knowledge.root / FILE
    share = 0.02 if max_wrong is None else max_wrong
    remedy = f"run `python -m bot calibrate --max-wrong {share}`"
    if not file.is_file():
        if max_wrong is not None:
            raise KnowledgeError(
                f"no operating point was chosen yet for max_wrong={max_wrong}; {remedy}", file
            )
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        made_for = values.pop("model")
        point = OperatingPoint(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise KnowledgeError(f"is not an operating point ({error}); {remedy}", file) from error
    if max_wrong is not None and abs(point.max_wrong - max_wrong) > 1e-9:
        raise KnowledgeError(
            f"was chosen for max_wrong={point.max_wrong}, not {max_wrong}; {remedy}", file
        )
    if made_for == model:
        return point
    if max_wrong is not None:
        raise KnowledgeError(f"was chosen for another model; {remedy}", file)
    warn(f"Warning: {file} was chosen for another model and is left aside; {remedy}.")
    return None


def calibrate(
    bot: Bot, max_wrong: float, progress: Callable[[int, int], None] = lambda done, of: None
) -> OperatingPoint:
    """Choose the operating point of `bot` on its knowledge's held-out questions, and save it.

    `bot` is loaded without a point (`Bot.load(..., calibrated=False)`), so that the choice rests
    on no earlier one. Questions that routing keeps from retrieval count as never answered.
    `progress(done, of)` counts the questions. Raises CalibrationError where there are none, too
    few, or no threshold that meets the risk.
    """
    knowledge = bot.knowledge
    file = knowledge.calibration
    if file is None:
        raise CalibrationError(
            f"{knowledge.root}: there is no calibration.jsonl; write labelled questions into it, a "
            'line each: {"q": ..., "kind": "answerable", "gold": ["text of the answer"]} (an empty '
            '"gold": it must not be answered)'
        )
    questions = [question for dialogue in read_exam(file) for question in dialogue]
    probabilities = np.zeros(len(questions))
    right = np.zeros(len(questions), bool)
    for i, question in enumerate(questions):
        found = bot.consider(question.text).matches
        if found:
            probabilities[i] = found[0].probability
            right[i] = bool(question.gold) and matches(question.gold, [found[0].pair.answer])
        progress(i + 1, len(questions))
    answerable = np.array([bool(question.gold) for question in questions])
    point = choose_operating_point(probabilities, right, answerable, max_wrong)
    save_operating_point(knowledge, point, bot.model_digest)
    return point


def described(point: OperatingPoint, file: Path) -> Iterator[str]:
    """The point in words, a line each; `file` is where it is kept."""
    yield f"questions        {point.questions}"
    yield f"threshold        {point.threshold:.4f} on the calibrated probability"
    yield f"answered right   {point.coverage:.1%} of the answerable questions"
    yield f"answered wrong   {point.wrong}, {point.wrong / point.questions:.2%} of all questions"
    yield (
        f"bound            at most {point.bound:.2%} of all questions like these are answered "
        f"wrong, with {1 - point.delta:.0%} certainty"
    )
    yield f"saved            {file}"
