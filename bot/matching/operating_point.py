"""The operating point of a knowledge: chosen by `calibrate`, kept beside its files.

The file names the model and the state of the knowledge that the choice rests on.
"""

from __future__ import annotations

import json
import os
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bot.errors import CalibrationError, KnowledgeError
from bot.knowledge.exam import Question, matches, read_exam
from bot.knowledge.knowledge import Knowledge
from bot.matching.calibration import FORM, OperatingPoint, choose_operating_point, fit_scaling
from bot.types import content_id

if TYPE_CHECKING:
    from bot.bot import Bot

FILE = "operating_point.json"
READINGS = 4  # of the questions, until the threshold they are read at is the one they choose


def matched_state(knowledge: Knowledge) -> str:
    """A digest of all that the probability rests on, and of the labelled questions: 16 hex digits.

    Titles, texts, contacts, comments and reviewers may change without a new choice.
    """
    parts = [FORM, *knowledge.subjects, *(name for alias in knowledge.aliases for name in alias)]
    for pair in knowledge.pairs:
        parts += [pair.answer, str(pair.drawn), str(len(pair.wordings)), *pair.wordings]
    parts += [prototype.question for prototype in knowledge.prototypes]
    if knowledge.calibration is not None:
        parts.append(knowledge.calibration.read_text(encoding="utf-8", errors="replace"))
    return content_id(*parts)


def save_operating_point(knowledge: Knowledge, point: OperatingPoint, model: str) -> Path:
    """Write `point` to the knowledge's folder, whole or not at all, with what it is chosen for.

    Raises KnowledgeError where that can't be.
    """
    file = knowledge.root / FILE
    chosen_for = {"model": model, "knowledge": matched_state(knowledge)}
    text = json.dumps({**asdict(point), **chosen_for}, indent=2) + "\n"
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


@dataclass(frozen=True, slots=True)
class SavedPoint:
    """An operating point as saved; `stale` says why it should be chosen anew, and how."""

    point: OperatingPoint
    stale: str | None = None


def load_operating_point(
    knowledge: Knowledge,
    model: str,
    max_wrong: float | None,
    warn: Callable[[str], None] = lambda line: None,
) -> SavedPoint | None:
    """The saved point; None where there is none, or it was chosen for another model (a warning).

    One that was chosen for another state of the knowledge is used on: it is stale, but no worse
    than the default. Raises KnowledgeError where the file is broken, or `max_wrong` asks for a
    risk that no saved point promises for this model.
    """
    file = knowledge.root / FILE
    if not file.is_file():
        if max_wrong is not None:
            raise KnowledgeError(
                f"no operating point was chosen yet for max_wrong={max_wrong}; "
                f"{_remedy(knowledge, max_wrong)}",
                file,
            )
        return None
    remedy = _remedy(knowledge, 0.02 if max_wrong is None else max_wrong)
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        made_for, made_on = values.pop("model"), values.pop("knowledge")
        point = OperatingPoint(**values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise KnowledgeError(f"is not an operating point ({error}); {remedy}", file) from error
    if max_wrong is not None and abs(point.max_wrong - max_wrong) > 1e-9:
        raise KnowledgeError(
            f"was chosen for max_wrong={point.max_wrong}, not {max_wrong}; {remedy}", file
        )
    if made_for != model:
        if max_wrong is not None:
            raise KnowledgeError(f"was chosen for another model; {remedy}", file)
        warn(f"Warning: {file} was chosen for another model and is left aside; {remedy}.")
        return None
    if made_on == matched_state(knowledge):
        return SavedPoint(point)
    return SavedPoint(
        point,
        "was chosen for another state of this knowledge, so its promise no longer holds; "
        f"{_remedy(knowledge, point.max_wrong)} to choose it anew",
    )


def _remedy(knowledge: Knowledge, share: float) -> str:
    folder = shlex.quote(str(knowledge.root))
    return f"run `python -m bot calibrate --max-wrong {share} --knowledge {folder}`"


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
    answerable = np.array([bool(question.gold) for question in questions])
    chosen: list[OperatingPoint] = []
    # How far a question is read into depends on the threshold: it must be read at the chosen one.
    for _ in range(READINGS):
        probabilities, right = _read(bot, questions, progress)
        point = choose_operating_point(probabilities, right, answerable, max_wrong)
        chosen.append(point)
        if point.threshold == bot.threshold:
            break
        bot = bot.at(point.threshold)
    else:  # it goes to and fro: the safer one
        point = max(chosen[-2:], key=lambda p: p.threshold)
    scaling = fit_scaling(probabilities, right)
    point = replace(point, slope=scaling.slope, shift=scaling.shift)
    save_operating_point(knowledge, point, bot.model_digest)
    return point


def _read(
    bot: Bot, questions: Sequence[Question], progress: Callable[[int, int], None]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Of each question: the probability of its best match, and whether that is right; both [n]."""
    probabilities = np.zeros(len(questions))
    right = np.zeros(len(questions), bool)
    for i, question in enumerate(questions):
        found = bot.consider(question.text).matches
        if found:
            probabilities[i] = found[0].probability
            right[i] = bool(question.gold) and matches(question.gold, [found[0].pair.answer])
        progress(i + 1, len(questions))
    return probabilities, right


def described(point: OperatingPoint, file: Path) -> Iterator[str]:
    """The point in words, a line each; `file` is where it is kept."""
    yield f"questions        {point.questions}"
    yield f"threshold        {point.scaling.of(point.threshold):.4f} on the confidence"
    yield f"answered right   {point.coverage:.1%} of the answerable questions"
    yield f"answered wrong   {point.wrong}, {point.wrong / point.questions:.2%} of all questions"
    yield (
        f"bound            at most {point.bound:.2%} of all questions like these are answered "
        f"wrong, with {1 - point.delta:.0%} certainty"
    )
    yield f"saved            {file}"
