"""The command line: parses it, runs one command, turns errors into a line and an exit code.

Exit codes: 0 answered (or done), 3 not answered, 2 the command line is wrong, 1 an error,
130 broken off with Ctrl-C. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bot.errors import QuothError, UsageError
from bot.printing import one_line

DONE, FAILED, USAGE, BROKEN_OFF = 0, 1, 2, 130

_DESCRIPTION = """\
Quoth answers questions from a document, only ever with the document's own sentences, and says so
where the document has no answer."""

_FIRST_STEPS = """\
first steps:
  quoth ask "How long do people with ALS live?"    one answer from the bundled article
  quoth chat                                       a conversation
  quoth draw handbook.md --out handbook            make a knowledge of your own document
  quoth check --knowledge handbook                 see what is wrong with it
  quoth ask --knowledge handbook "..."             and ask it

`quoth COMMAND --help` explains a command. `python server.py` serves the chat to browsers."""

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

_DRAW = """\
Make a knowledge: a folder of plain files that answers at once and that you then read and edit.
  .txt .md      a document: sentences and passages become answers, questions are drawn
  .jsonl        a FAQ, taken as it is: {"question": ..., "answer": ..., "group": ...} a line;
                rows of the same group are other wordings of one question
Read pairs.yaml in the folder afterwards, change what is not how people ask, and run check."""

_CHECK = """\
Look for faults in a knowledge: answers that don't stand in their document, changed documents, one
question with two answers, questions that don't find their own answer. Each fault is a line
FILE:LINE: what is wrong. Exit code 1 if there is an error among them."""

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
are drawn as `draw` does it and asked without an edit (--drawn: these only)."""

_CALIBRATE = """\
Choose the operating point: the share of answers that may be wrong is what you say, how sure Quoth
must be follows from it. Prints the coverage, the bound and how many questions it rests on."""

_REPLAY = """\
Ask the question of a receipt again (`ask --receipt FILE` or /why FILE in a chat) and say whether
the reply is the same, and if not, what changed: the knowledge, the model or the settings."""

_BENCHMARK = """\
Measure start-up, time a question, memory and throughput on this machine, beside the bare encoder
and, where they are installed, other libraries on the same questions."""


_OUTBOX = """\
Messages that could not be delivered to a messaging platform, and events that could not be answered
(`out-...`, `in-...`). `list` shows them, `replay` lets them wait again so that a running server
tries them anew, `drop` deletes them. Nothing that a person wrote is printed."""

_CHANNEL = """\
Say what is missing or wrong in the configuration of a messaging channel, show the address to enter
in the platform's console, ask the platform whether the credentials are right, and on request send a
test message:
  quoth channel check telegram --send-to chat=123456"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; each command's `run` is the name of a function in bot.commands."""
    parser = argparse.ArgumentParser(
        prog="quoth",
        description=_DESCRIPTION,
        epilog=_FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")

    def command(name: str, summary: str, text: str, epilog: str = "") -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            help=summary,
            description=text,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.add_argument(
            "--knowledge",
            type=Path,
            metavar="DIR",
            help="the knowledge to use (default: QUOTH_KNOWLEDGE, else the bundled article)",
        )
        return made

    ask = command("ask", "ask a question, or a file of them", _ASK, _CODES)
    ask.add_argument("question", nargs="*", metavar="QUESTION", help="the question")
    ask.add_argument("--batch", metavar="FILE", help="questions from FILE, or - for a pipe")
    ask.add_argument("--json", action="store_true", help="print each reply as a line of JSON")
    ask.add_argument("--receipt", type=Path, metavar="FILE", help="save how it was decided")

    chat = command("chat", "hold a conversation", _CHAT)
    chat.add_argument(
        "--no-history",
        action="store_true",
        help="keep no file of the lines typed (so does QUOTH_HISTORY=off)",
    )

    draw = command("draw", "make a knowledge of documents or a FAQ", _DRAW)
    draw.add_argument("sources", nargs="+", type=Path, metavar="SOURCE", help="a file")
    draw.add_argument("--out", type=Path, metavar="DIR", help="the folder to make")
    draw.add_argument("--title", help="what the knowledge is called (default: the document's)")
    draw.add_argument(
        "--domain",
        metavar="NAME",
        help="what it is about: health, history, organisation, person, place, shop, software, or "
        "general (default: guessed); known questions it leaves open are written beside the pairs",
    )
    draw.add_argument(
        "--force", action="store_true", help="overwrite a knowledge, your edits in it included"
    )

    command("check", "find faults in a knowledge", _CHECK)

    evaluate = command("evaluate", "ask an exam and print the figures", _EVALUATE)
    evaluate.add_argument("exam", type=Path, metavar="EXAM", help="JSON lines")
    evaluate.add_argument("--dialogues", action="store_true", help="the rows hold turns")
    evaluate.add_argument("--report", type=Path, metavar="DIR", help="write figures and plots")
    evaluate.add_argument("--json", action="store_true", help="print the figures as JSON")
    evaluate.add_argument(
        "--worst", type=int, default=10, metavar="N", help="mistakes to list (default 10)"
    )

    sets = command("evaluate-sets", "figures on public question banks", _SETS)
    sets.add_argument("folder", type=Path, metavar="FOLDER", help="the folder of the data sets")
    sets.add_argument("--drawn", action="store_true", help="only the articles drawn by rules")
    sets.add_argument("--split", choices=("dev", "test"), default="test", help="default: test")
    sets.add_argument("--json", action="store_true", help="print the figures as JSON")

    calibrate = command("calibrate", "choose how sure is sure enough", _CALIBRATE)
    calibrate.add_argument(
        "--max-wrong", type=_share, default=0.02, metavar="SHARE", help="0..1 (default 0.02)"
    )

    replay = command("replay", "check that a receipt still holds", _REPLAY)
    replay.add_argument("receipt", type=Path, metavar="RECEIPT", help="a saved receipt")

    benchmark = command("benchmark", "measure speed and memory here", _BENCHMARK)
    benchmark.add_argument(
        "cases", nargs="*", metavar="CASE", help="what to measure (default: all)"
    )
    benchmark.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    benchmark.add_argument("--one-thread", action="store_true", help="no library uses more")
    benchmark.add_argument("--json", action="store_true", help="print the figures as JSON")

    outbox = command("outbox", "see, replay or drop messages that could not be sent", _OUTBOX)
    outbox.add_argument("action", choices=("list", "replay", "drop"))
    outbox.add_argument("letters", nargs="*", metavar="LETTER", help="an id that `list` shows")
    outbox.add_argument("--all", action="store_true", help="all of them")
    outbox.add_argument("--channel", metavar="NAME", help="those of one channel")
    outbox.add_argument("--json", action="store_true", help="list as lines of JSON")

    channel = command("channel", "check a messaging channel's configuration", _CHANNEL)
    channel.add_argument("action", choices=("check",))
    channel.add_argument("name", metavar="NAME", help="the channel, such as slack")
    channel.add_argument(
        "--send-to",
        action="append",
        metavar="KEY=VALUE",
        help="send a test message there; may be given several times",
    )
    return parser


class _Version(argparse.Action):
    """Prints the version; looked up only when asked for, as that reads the installation."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"quoth {version('quoth')}")
        except PackageNotFoundError:  # run from a checkout that is not installed
            print("quoth (not installed)")
        parser.exit()


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 < share < 1.0:
        raise argparse.ArgumentTypeError(f"a share between 0 and 1, for example 0.02, not {text!r}")
    return share


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    parser = build_parser()
    try:
        parsed = parser.parse_args(arguments)
        if parsed.command is None:
            parser.print_help(sys.stderr)
            return USAGE
        _open_streams(as_json=getattr(parsed, "json", False))
        from bot import commands

        code = commands.COMMANDS[parsed.command](parsed)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return BROKEN_OFF
    except BrokenPipeError:  # the reader left (`| head`): nothing more to say, to anyone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except UsageError as error:
        _complain(str(error))
        return USAGE
    except QuothError as error:
        _complain(str(error))
        return FAILED
    except Exception as error:
        if os.environ.get("QUOTH_DEBUG"):
            raise
        _complain(f"{type(error).__name__}: {error} (QUOTH_DEBUG=1 shows where)")
        return FAILED


def _open_streams(*, as_json: bool) -> None:
    """No letter may stop the output: JSON is UTF-8, and text does without what can't be shown."""
    for stream in (sys.stdout, sys.stderr, sys.stdin):
        reconfigure = getattr(stream, "reconfigure", None)  # absent where a test captures
        if reconfigure is not None:
            reconfigure(errors="replace")
    if as_json and (reconfigure := getattr(sys.stdout, "reconfigure", None)) is not None:
        reconfigure(encoding="utf-8")


def _complain(message: str) -> None:
    print(f"quoth: {one_line(message)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
