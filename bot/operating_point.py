"""The operating point of a knowledge: chosen by `calibrate`, kept beside its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bot.calibration import OperatingPoint, choose_operating_point
from bot.errors import CalibrationError, KnowledgeError
from bot.exam import matches, read_exam
from bot.knowledge import Knowledge

if TYPE_CHECKING:
    from bot.bot import Bot

FILE = "operating_point.json"


def save_operating_point(knowledge: Knowledge, point: OperatingPoint, model: str) -> Path:
    """Write `point` to the knowledge's folder; it names the model and questions it rests on."""
    file = knowledge.root / FILE
    text = json.dumps({**asdict(point), "model": model}, indent=2) + "\n"
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KnowledgeError(f"can't be written: {error.strerror}", file) from error
    return file


def load_operating_point(
    knowledge: Knowledge, model: str, max_wrong: float | None
) -> OperatingPoint | None:
    """The saved point; None where there is none, or it was chosen for another model.

    Raises KnowledgeError where the file is broken, or `max_wrong` asks for another risk than the
    one it was chosen for.
    """
    file = knowledge.root / FILE
    if not file.is_file():
        if max_wrong is not None:
            raise KnowledgeError(
                f"no operating point was chosen yet for max_wrong={max_wrong}; run "
                f"`python -m bot calibrate --max-wrong {max_wrong}`",
                file,
            )
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        made_for = values.pop("model")
        point = OperatingPoint(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise KnowledgeError(
            f"is not an operating point ({error}); run `python -m bot calibrate` again", file
        ) from error
    if max_wrong is not None and abs(point.max_wrong - max_wrong) > 1e-9:
        raise KnowledgeError(
            f"was chosen for max_wrong={point.max_wrong}, not {max_wrong}; run "
            f"`python -m bot calibrate --max-wrong {max_wrong}`",
            file,
        )
    return point if made_for == model else None


def calibrate(bot: Bot, max_wrong: float) -> Iterator[str]:
    """Choose and save the operating point on the knowledge's held-out questions; lines to print.

    Questions that routing keeps from retrieval count as never answered. Raises CalibrationError
    where there are no questions, too few, or no threshold that meets the risk.
    """
    knowledge = bot.knowledge
    file = knowledge.calibration
    if file is None:
        raise CalibrationError(
            f"{knowledge.root} has no calibration.jsonl; write labelled questions into it "
            '({"id", "q", "kind", "gold": ["verbatim", …]}; an empty gold: not answered)'
        )
    questions = [question for dialogue in read_exam(file) for question in dialogue]
    probabilities = np.zeros(len(questions))
    right = np.zeros(len(questions), bool)
    for i, question in enumerate(questions):
        finding = bot.consider(question.text)
        if finding.retrieved is not None and finding.matches:
            probabilities[i] = finding.confidence
            right[i] = bool(question.gold) and matches(
                question.gold, [finding.matches[0].pair.answer]
            )
    answerable = np.array([bool(question.gold) for question in questions])
    point = choose_operating_point(probabilities, right, answerable, max_wrong)
    saved = save_operating_point(knowledge, point, bot.model_digest)
    yield f"questions        {point.questions} ({int(answerable.sum())} answerable), {file.name}"
    yield f"threshold        {point.threshold:.4f} on the calibrated probability"
    yield f"answered right   {point.coverage:.1%} of the answerable"
    yield f"answered wrong   {point.wrong} = {point.wrong / point.questions:.2%} of all"
    yield (
        f"bound            at most {point.bound:.2%} of all questions like these are answered "
        f"wrongly (holds with {1 - point.delta:.0%} confidence)"
    )
    yield f"saved            {saved}"
