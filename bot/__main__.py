"""The command line: parses it, runs one command, turns errors into a line and an exit code.

Exit codes: 0 answered (or done), 3 not answered, 2 the command line is wrong, 1 an error,
130 broken off with Ctrl-C. Nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from bot.commands import MODULES
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


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; each command's `run` is what does it."""
    parser = argparse.ArgumentParser(
        prog="quoth",
        description=_DESCRIPTION,
        epilog=_FIRST_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")

    def command(
        name: str, summary: str, text: str, epilog: str = "", *, run: Callable[..., int]
    ) -> argparse.ArgumentParser:
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
        made.set_defaults(run=run)
        return made

    for module in MODULES:
        module.add(command)
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code."""
    parser = build_parser()
    try:
        parsed = parser.parse_args(arguments)
        if parsed.command is None:
            parser.print_help(sys.stderr)
            return USAGE
        _open_streams(as_json=getattr(parsed, "json", False))
        code: int = parsed.run(parsed)
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
