"""What each command does: parts put together, figures printed. `COMMANDS` is by name.

Every import of a part stands in the command that needs it, so that no command pays for another.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from bot.errors import QuothError, UsageError

if TYPE_CHECKING:
    from bot.bot import Bot
    from bot.replying.receipts import Receipt
    from bot.settings import Settings
    from bot.types import Reply

DONE, FAILED, NOT_ANSWERED = 0, 1, 3

Command = Callable[[argparse.Namespace], int]


def ask(parsed: argparse.Namespace) -> int:
    """One question, or with --batch a stream of them."""
    question = " ".join(parsed.question)
    if parsed.batch is not None:
        if parsed.question or parsed.receipt:
            raise UsageError("--batch takes its questions from the file; leave the rest out")
        return _ask_batch(parsed)
    if not parsed.question:
        raise UsageError('what is the question? quoth ask "..." or quoth ask --batch FILE')
    from bot.channels.batch import error_reply
    from bot.channels.terminal import save_receipt
    from bot.printing import json_line, screen_for

    bot = _load(parsed)
    try:
        exchange = bot.ask(question)
    except QuothError as error:
        if parsed.json:
            print(json_line(error_reply(str(error), question)))
        raise
    if parsed.json:
        print(json_line(exchange.reply))
    else:
        screen_for(sys.stdout, os.environ).reply(exchange.reply)
    if parsed.receipt:
        try:
            save_receipt(exchange.receipt, parsed.receipt)
        except OSError as error:
            raise QuothError(f"{parsed.receipt} can't be written: {error.strerror}") from error
    return DONE if exchange.reply.decision.kind == "answer" else NOT_ANSWERED


def _ask_batch(parsed: argparse.Namespace) -> int:
    from bot.channels.batch import answer_rows
    from bot.printing import json_line, one_line

    with _open_batch(parsed.batch) as stream:  # before the bot is loaded: a wrong path is told soon
        bot = _load(parsed)
        for reply in answer_rows(stream, bot.ask, _say):
            print(json_line(reply) if parsed.json else one_line(reply.text), flush=True)
    return DONE


@contextmanager
def _open_batch(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = open(name, "rb")  # noqa: SIM115  (closed below; only opening is guarded)
    except OSError as error:
        raise UsageError(f"{name} can't be read: {error.strerror or error}") from error
    with stream:
        yield stream


def chat(parsed: argparse.Namespace) -> int:
    """The conversation in a terminal."""
    from bot.channels import terminal

    bot = _load(parsed)
    return terminal.chat(
        bot,
        stdin=sys.stdin,
        stdout=sys.stdout,
        environ=os.environ,
        welcome=f"{bot.knowledge.title}\nAsk in your own words; /help lists commands.",
        history=None if parsed.no_history else terminal.history_file(os.environ),
        complain=_say,
    )


def draw(parsed: argparse.Namespace) -> int:
    """Make a knowledge folder of documents and FAQs."""
    from bot.drawing.draft import make_draft
    from bot.drawing.drawing import Encode
    from bot.knowledge.knowledge import load_knowledge, write_knowledge

    if parsed.domain is not None:
        _known_domain(parsed.domain)
    settings = _settings(parsed)
    out: Path = parsed.out or settings.knowledge
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not parsed.force:
        raise UsageError(
            f"{out} is there already; name a new folder with --out, or overwrite it, edits "
            "included, with --force"
        )
    with _progress("comparing questions") as advance:

        def encode() -> Encode:
            from bot.encoding.cache import EmbeddingCache
            from bot.encoding.encoders import load_encoder

            encoder = load_encoder(settings.model, settings.cache_dir, progress=_say)
            vectors = EmbeddingCache(settings.cache_dir / "vectors", encoder, warn=_say)
            return lambda texts: vectors.encode(texts, advance)

        made = make_draft(parsed.sources, encode, domain=parsed.domain)
    write_knowledge(
        out,
        title=parsed.title or made.title,
        documents=made.documents,
        pairs=made.pairs,
        prototypes=made.prototypes,
        domain=made.domain,
        overwrite=parsed.force,
    )
    for fault in made.faults:
        _say(fault)
    if made.faults:
        _say(f"{len(made.faults)} rows were not taken, all others were")
    served = len(load_knowledge(out).pairs)
    print(f"{out}: {_count(len(made.documents), 'document')}, {_count(served, 'pair')}")
    if made.prototypes:
        known = _count(len(made.prototypes), "question")
        print(f"{known} that it doesn't answer ({made.domain}): read out_of_scope.yaml too")
    print("Try it:", shlex.join(["quoth", "ask", "--knowledge", str(out), made.pairs[0].question]))
    return DONE


def _known_domain(name: str) -> None:
    from bot.drawing.prototypes import GENERAL, library

    domains = (GENERAL, *library())
    if name not in domains:
        raise UsageError(f"there is no domain {name!r}; choose one of {', '.join(domains)}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def check(parsed: argparse.Namespace) -> int:
    """Print the faults of a knowledge; 1 where one is an error."""
    from bot.knowledge.checking import check as find_faults

    bot = _load(parsed, quarantine=False)
    total = sum(len(pair.wordings) for pair in bot.knowledge.pairs)
    asked = count(1)
    with _progress("asking its own questions") as advance:

        def finds(question: str) -> str | None:
            advance(next(asked), total)
            return bot.finds(question)

        faults = find_faults(bot.knowledge, finds)
    for fault in faults:
        print(fault)
    errors = sum(fault.severity == "error" for fault in faults)
    warnings = len(faults) - errors
    print(
        f"{_count(len(bot.knowledge.pairs), 'pair')}, {_count(errors, 'error')}, "
        f"{_count(warnings, 'warning')}"
    )
    return FAILED if errors else DONE


def evaluate(parsed: argparse.Namespace) -> int:
    """Ask an exam; print figures and mistakes, write a report."""
    from bot.channels.batch import converse
    from bot.evaluation.measures import figures, worst
    from bot.evaluation.report import figure_lines, mistake_line, write_report
    from bot.knowledge.exam import examine, read_exam

    exam = read_exam(parsed.exam, dialogues=parsed.dialogues)
    if parsed.report:
        _make_folder(parsed.report)
    bot = _load(parsed)

    defects: list[str] = []

    def hold(questions: Sequence[str]) -> Iterator[tuple[Reply, tuple[str, ...]]]:
        for reply, receipt in converse(bot.ask, questions, defects.append):
            yield reply, _candidate(reply, receipt)

    total = sum(map(len, exam))
    with _progress("asking") as advance:
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
        _say(f"report written to {parsed.report}")
    for defect in dict.fromkeys(defects):
        _say(defect)
    return FAILED if defects else DONE  # figures that rest on a defect are no figures


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


def calibrate(parsed: argparse.Namespace) -> int:
    """Choose the operating point of a knowledge on its labelled questions, and save it."""
    from bot.matching.operating_point import FILE, described
    from bot.matching.operating_point import calibrate as choose

    bot = _load(parsed, calibrated=False)
    with _progress("asking") as advance:
        point = choose(bot, parsed.max_wrong, advance)
    print("\n".join(described(point, bot.knowledge.root / FILE)))
    return DONE


def replay(parsed: argparse.Namespace) -> int:
    """Ask a receipt's question again and compare."""
    from bot.bot import replay as compare

    try:
        receipt = json.loads(parsed.receipt.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{parsed.receipt} is not a receipt: {error}") from error
    if not isinstance(receipt, dict):
        raise UsageError(f"{parsed.receipt} is not a receipt: a JSON object is needed")
    found = list(compare(_load(parsed), receipt))
    print("\n".join(found) if found else "the same reply")
    return FAILED if found else DONE


def evaluate_sets(parsed: argparse.Namespace) -> int:
    """Figures on public question banks and drawn articles, beside cosine and other systems."""
    from bot.evaluation import drawn_sets
    from bot.evaluation.banks import as_table, figures_of

    settings = _settings(parsed)
    with _passing() as tell:
        drawn = drawn_sets.drawn_figures(parsed.folder, parsed.split, settings, tell)
        found = () if parsed.drawn else figures_of(parsed.folder, parsed.split, settings, tell)
        banks = list(found)
    if parsed.json:
        figures = [row.to_json() for row in banks] + [row.to_json() for row in drawn]
        print(json.dumps(figures))
        return DONE
    tables = [as_table(banks)] if banks else []
    tables += [drawn_sets.as_table(drawn)] if drawn else []
    print("\n\n".join(tables))
    return DONE


def benchmark(parsed: argparse.Namespace) -> int:
    """Measure speed and memory."""
    from bot.evaluation.benchmark import run

    chosen = {"cases": parsed.cases} if parsed.cases else {}
    run(
        _settings(parsed),
        as_json=parsed.json,
        rounds=parsed.rounds,
        one_thread=parsed.one_thread,
        **chosen,
    )
    return DONE


def outbox(parsed: argparse.Namespace) -> int:
    """Dead letters of the messaging channels."""
    from bot.channels.messaging.operations import outbox as run

    return run(parsed)


def channel(parsed: argparse.Namespace) -> int:
    """Check a messaging channel's configuration."""
    from bot.channels.messaging.operations import channel as run

    return run(parsed)


COMMANDS: Mapping[str, Command] = {
    "ask": ask,
    "chat": chat,
    "draw": draw,
    "check": check,
    "evaluate": evaluate,
    "evaluate-sets": evaluate_sets,
    "calibrate": calibrate,
    "replay": replay,
    "benchmark": benchmark,
    "outbox": outbox,
    "channel": channel,
}


def _settings(parsed: argparse.Namespace) -> Settings:
    from bot.settings import load_settings

    return load_settings(knowledge=parsed.knowledge)


def _load(parsed: argparse.Namespace, *, quarantine: bool = True, calibrated: bool = True) -> Bot:
    """The bot; what it does that takes long, and what it can't serve, is told on stderr."""
    from bot.bot import Bot

    settings = _settings(parsed)
    with _passing() as tell:
        bot = Bot.load(settings, progress=tell, calibrated=calibrated)
    if quarantine and bot.knowledge.quarantined:
        for pair in bot.knowledge.quarantined:
            _say(str(pair))
    return bot


def _say(message: str) -> None:
    from bot.printing import one_line

    print(f"quoth: {one_line(message)}", file=sys.stderr, flush=True)


@contextmanager
def _passing() -> Iterator[Callable[[str], None]]:
    """Tells what is going on: on a terminal what goes on ("…") gives way to what is next."""
    if not _draws_on(sys.stderr):
        yield _say
        return
    from bot.printing import one_line

    def tell(message: str) -> None:
        passing = message.endswith("…")  # anything else, a warning say, is to stay
        end = "" if passing else "\n"
        print(f"\r\x1b[K{one_line(message)}", end=end, file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _draws_on(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr where that is a terminal; the function takes (done, of)."""
    if not _draws_on(sys.stderr):
        yield lambda done, of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
