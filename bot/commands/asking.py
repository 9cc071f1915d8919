"""Ask, converse, ask again."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from bot.commands.parts import (
    DONE,
    FAILED,
    NOT_ANSWERED,
    Add,
    load,
    say,
)
from bot.errors import QuothError, UsageError

_ASK = """\
Ask one question. The answer is a quote; below it stand the passage around it, its place in the
document and the document's disclaimer. Where nothing answers, Quoth says so and lists questions
that it can answer.

With --batch many questions are read from a file or a pipe, a question a line, or JSON lines:
  {"q": "How long do people live with it?"}
  {"turns": [{"q": "Is MS fatal?"}, {"q": "and ALS?"}]}     one conversation, one reply a turn
Other fields are ignored. There is one reply for each line (each turn), in order and at once: a
line that can't be taken, a blank one too, gets a reply with the reason "error" that says why."""

_CODES = """\
exit codes: 0 answered (--batch: every line was replied to), 3 not answered, 2 the command line is
wrong, 1 an error."""

_CHAT = """\
Hold a conversation. Follow-ups ("and ALS?", "why?") are understood; a number picks one of the
questions listed last; Tab completes a question. /source shows the passage with the quote marked,
/why how it was decided, /help the rest. Ctrl-C clears the line, Ctrl-D quits.

From a pipe it takes a question a line. NO_COLOR=1 and TERM=dumb turn styles off."""

_REPLAY = """\
Ask the question of a receipt again (`ask --receipt FILE` or /why FILE in a chat) and say whether
the reply is the same, and if not, what changed: the knowledge, the model or the settings."""


def add(command: Add) -> None:
    """Declare the commands of this module."""
    made = command("ask", "ask a question, or a file of them", _ASK, _CODES, run=ask)
    made.add_argument("question", nargs="*", metavar="QUESTION", help="the question")
    made.add_argument("--batch", metavar="FILE", help="questions from FILE, or - for a pipe")
    made.add_argument("--json", action="store_true", help="print each reply as a line of JSON")
    made.add_argument("--receipt", type=Path, metavar="FILE", help="save how it was decided")

    made = command("chat", "hold a conversation", _CHAT, run=chat)
    made.add_argument(
        "--no-history",
        action="store_true",
        help="keep no file of the lines typed (so does QUOTH_HISTORY=off)",
    )

    made = command("replay", "check that a receipt still holds", _REPLAY, run=replay)
    made.add_argument("receipt", type=Path, metavar="RECEIPT", help="a saved receipt")


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

    bot = load(parsed)
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
        bot = load(parsed)
        for reply in answer_rows(stream, bot.ask, say):
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

    bot = load(parsed)
    return terminal.chat(
        bot,
        stdin=sys.stdin,
        stdout=sys.stdout,
        environ=os.environ,
        welcome=f"{bot.knowledge.title}\nAsk in your own words; /help lists commands.",
        history=None if parsed.no_history else terminal.history_file(os.environ),
        complain=say,
    )


def replay(parsed: argparse.Namespace) -> int:
    """Ask a receipt's question again and compare."""
    from bot.bot import replay as compare

    try:
        receipt = json.loads(parsed.receipt.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{parsed.receipt} is not a receipt: {error}") from error
    if not isinstance(receipt, dict):
        raise UsageError(f"{parsed.receipt} is not a receipt: a JSON object is needed")
    found = list(compare(load(parsed), receipt))
    print("\n".join(found) if found else "the same reply")
    return FAILED if found else DONE
