"""An exam's report: figures and mistakes as lines, and a folder with both and the plots."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bot.errors import QuothError
from bot.evaluation.measures import figures, weighed, worst
from bot.evaluation.plots import plot_reliability, plot_risk_coverage
from bot.knowledge.exam import Outcome
from bot.printing import json_line, one_line


def figure_lines(found: Mapping[str, object]) -> Iterator[str]:
    """`Figures.to_json()` as lines, a name and a value each; the classes indented below."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield name
            for key, inner in value.items():
                cells = inner.items() if isinstance(inner, Mapping) else ()
                shown = "  ".join(f"{k} {v}" for k, v in cells) if cells else str(inner)
                yield f"  {key:26}{shown}"
        else:
            yield f"{name:28}{'–' if value is None else value}"


def mistake_line(outcome: Outcome) -> str:
    """Verdict, confidence, class, id, the question, and what was (or would have been) quoted."""
    quoted = " / ".join(outcome.candidate) or outcome.reply.decision.kind
    question = one_line(outcome.question.text)[:100]
    return (
        f"{outcome.verdict:7}{outcome.score:6.3f}  {outcome.question.kind:18} "
        f"{outcome.question.id:8} {question!r} -> {one_line(quoted)[:100]!r}"
    )


def write_report(folder: Path, outcomes: Sequence[Outcome]) -> None:
    """Write figures.json, replies.jsonl (in the exam's order), mistakes.txt and two plots.

    Raises QuothError where a file can't be written, or matplotlib is not installed (then the
    other files are there).
    """
    found = figures(outcomes)
    precision = found.precision_when_answering
    _write(folder / "figures.json", json.dumps(found.to_json(), indent=2) + "\n")
    _write(folder / "replies.jsonl", "".join(json_line(o.reply) + "\n" for o in outcomes))
    _write(folder / "mistakes.txt", "".join(mistake_line(o) + "\n" for o in worst(outcomes)))
    plot_reliability(weighed(outcomes), folder / "reliability.png")
    plot_risk_coverage(
        [(o.score, o.candidate_right) for o in outcomes],
        folder / "risk_coverage.png",
        None if precision is None else (found.coverage, 1 - precision),
    )


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise QuothError(f"{file} can't be written: {error.strerror or error}") from error
