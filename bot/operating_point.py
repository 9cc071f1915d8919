"""The operating point of a knowledge: chosen by `calibrate`, kept beside its files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from bot.calibration import OperatingPoint
from bot.errors import KnowledgeError
from bot.knowledge import Knowledge

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
