"""How good and how fast it is, and how sure is sure enough."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.parts import (
    DONE,
    FAILED,
    Add,
    load,
    passing,
    progress,
    say,
    settings_of,
)
from bot.errors import UsageError

if TYPE_CHECKING:
    from bot.knowledge.exam import Dialogue
    from bot.replying.receipts import Receipt
    from bot.types import Reply

_EVALUATE = """\
Ask a whole exam and print how much was right, what the confidence is worth, and the worst mistakes
(the surest wrong answers first). An exam is JSON lines:
  {"id": "1", "q": "...", "kind": "answerable", "gold": ["a text the quote must hold"]}
gold [] means that it must not be answered. With --dialogues:
  {"id": "1", "turns": [{"q": "...", "gold": [...], "expect": "answer"}, ...]}
--report writes figures.json, replies.jsonl, mistakes.txt, reliability.png and risk_coverage.png."""

_SETS = """\
Match the queries of public question banks and print a table: the share found, how well right and
wrong are told apart, the share answered right at 2, 5 and 10 % wrong replies, beside the nearest
question by cosine and, where the set has them, the answers of other systems. Articles of SQuAD 2
and practical pages are drawn as `draw` does it and asked without an edit (--drawn: these only;
those of the repository: evaluate-sets tests/data --drawn)."""

_CALIBRATE = """\
Choose the operating point: the share of answers that may be wrong is what you say, how sure Quoth
must be follows from it. Prints the coverage, the bound and how many questions it rests on."""

_BENCHMARK = """\
Measure start-up, time a question, memory and throughput on this machine, beside the bare encoder
and, where they are installed, other libraries on the same questions."""


def add(command: Add) -> None:
    """Declare the commands of this module."""
    made = command("evaluate", "ask an exam and print the figures", _EVALUATE, run=evaluate)
    made.add_argument("exam", type=Path, metavar="EXAM", help="JSON lines")
    made.add_argument("--dialogues", action="store_true", help="the rows hold turns")
    made.add_argument("--report", type=Path, metavar="DIR", help="write figures and plots")
    made.add_argument("--ablate", action="store_true", help="a table of what each part buys")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")
    made.add_argument(
        "--worst", type=int, default=10, metavar="N", help="mistakes to list (default 10)"
    )

    made = command("evaluate-sets", "figures on public question banks", _SETS, run=evaluate_sets)
    made.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of the data sets")
    made.add_argument("--drawn", action="store_true", help="only the articles drawn by rules")
    made.add_argument("--banks", action="store_true", help="only the question banks")
    made.add_argument("--split", choices=("dev", "test"), default="test", help="default: test")
    made.add_argument("--report", type=Path, metavar="DIR", help="draw a plot of each bank there")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")

    made = command("calibrate", "choose how sure is sure enough", _CALIBRATE, run=calibrate)
    made.add_argument(
        "--max-wrong", type=_share, default=0.02, metavar="SHARE", help="0..1 (default 0.02)"
    )

    made = command("benchmark", "measure speed and memory here", _BENCHMARK, run=benchmark)
    made.add_argument("cases", nargs="*", metavar="CASE", help="what to measure (default: all)")
    made.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    made.add_argument("--one-thread", action="store_true", help="no library uses more")
    made.add_argument("--json", action="store_true", help="print the figures as JSON")


def evaluate(parsed: argparse.Namespace) -> int:
    """Ask an exam; print figures and mistakes, write a report."""
    from bot.channels.batch import converse
    from bot.evaluation.measures import figures, worst
    from bot.evaluation.report import figure_lines, mistake_line, write_report
    from bot.knowledge.exam import examine, read_exam

    exam = read_exam(parsed.exam, dialogues=parsed.dialogues)
    if parsed.ablate:
        return _ablate(parsed, exam)
    if parsed.report:
        _make_folder(parsed.report)
    bot = load(parsed)

    defects: list[str] = []

    def hold(questions: Sequence[str]) -> Iterator[tuple[Reply, tuple[str, ...]]]:
        for reply, receipt in converse(bot.ask, questions, defects.append):
            yield reply, _candidate(reply, receipt)

    total = sum(map(len, exam))
    with progress("asking") as advance:
        outcomes = examine(exam, hold, lambda done: advance(done, total))
    found = figures(outcomes)
    if parsed.json:
        print(json.dumps(found.to_json(), ensure_ascii=True))
    else:
        print("\n".join(figure_lines(found.to_json())))
        mistakes = worst(outcomes, max(0, parsed.worst))
        if mistakes:
            print("\nthe worst mistakes, the surest first:")
        print("".join(mistake_line(mistake) + "\n" for mistake in mistakes), end="")
    if parsed.report:
        write_report(parsed.report, outcomes)
        say(f"report written to {parsed.report}")
    for defect in dict.fromkeys(defects):
        say(defect)
    return FAILED if defects else DONE  # figures that rest on a defect are no figures


def _ablate(parsed: argparse.Namespace, exam: Sequence[Dialogue]) -> int:
    from bot.evaluation.ablation import ablation, as_table

    if parsed.dialogues or parsed.report:
        raise UsageError("--ablate takes an exam of single questions and writes no report")
    with passing() as tell:
        steps = list(ablation(exam, settings_of(parsed), tell))
    print(json.dumps([asdict(s) for s in steps]) if parsed.json else as_table(steps))
    return DONE


def _candidate(reply: Reply, receipt: Receipt | None) -> tuple[str, ...]:
    """The text that the reply's confidence speaks of: quoted, or what came nearest."""
    if reply.citations or receipt is None:
        return tuple(citation.quote for citation in reply.citations)
    best = receipt.to_json().get("best")
    answer = best.get("answer") if isinstance(best, Mapping) else None
    return (answer,) if isinstance(answer, str) else ()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} can't be made: {error.strerror or error}") from error


def evaluate_sets(parsed: argparse.Namespace) -> int:
    """Figures on public question banks and drawn articles, beside cosine and other systems."""
    from bot.evaluation import drawn_sets
    from bot.evaluation.banks import as_table, figures_of
    from bot.evaluation.plots import plot_systems

    settings = settings_of(parsed)
    with passing() as tell:
        drawn = (
            ()
            if parsed.banks
            else drawn_sets.drawn_figures(parsed.folder, parsed.split, settings, tell)
        )
        found = () if parsed.drawn else figures_of(parsed.folder, parsed.split, settings, tell)
        banks = list(found)
    if parsed.json:
        figures = [row.to_json() for row in banks] + [row.to_json() for row in drawn]
        print(json.dumps(figures))
        return DONE
    if parsed.report:
        _make_folder(parsed.report)
        for name in dict.fromkeys(row.name for row in banks):
            curves = {row.method: row.curve for row in banks if row.name == name}
            plot_systems(name, curves, parsed.report / f"{name.replace('/', '_')}.png")
        say(f"plots written to {parsed.report}")
    tables = [as_table(banks)] if banks else []
    tables += [drawn_sets.as_table(drawn)] if drawn else []
    print("\n\n".join(tables))
    return DONE


def calibrate(parsed: argparse.Namespace) -> int:
    """Choose the operating point of a knowledge on its labelled questions, and save it."""
    from bot.matching.operating_point import FILE, described
    from bot.matching.operating_point import calibrate as choose

    bot = load(parsed, calibrated=False)
    with progress("asking") as advance:
        point = choose(bot, parsed.max_wrong, advance)
    print("\n".join(described(point, bot.knowledge.root / FILE)))
    return DONE


def benchmark(parsed: argparse.Namespace) -> int:
    """Measure speed and memory."""
    from bot.evaluation.benchmark import run

    chosen = {"cases": parsed.cases} if parsed.cases else {}
    run(
        settings_of(parsed),
        as_json=parsed.json,
        rounds=parsed.rounds,
        one_thread=parsed.one_thread,
        **chosen,
    )
    return DONE


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 < share < 1.0:
        raise argparse.ArgumentTypeError(f"a share between 0 and 1, for example 0.02, not {text!r}")
    return share
