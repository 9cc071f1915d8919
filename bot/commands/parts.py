"""What several commands need: the bot loaded, and what takes long told on stderr."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from bot.bot import Bot
    from bot.settings import Settings

DONE, FAILED, NOT_ANSWERED = 0, 1, 3

Add = Callable[..., argparse.ArgumentParser]  # (name, summary, text, epilog="", *, run)


def settings_of(parsed: argparse.Namespace) -> Settings:
    from bot.settings import load_settings

    return load_settings(knowledge=parsed.knowledge)


def load(parsed: argparse.Namespace, *, faults: bool = True, calibrated: bool = True) -> Bot:
    """The bot; what it does that takes long, and with `faults` its faults, are told on stderr."""
    from bot.bot import Bot

    settings = settings_of(parsed)
    with passing() as tell:
        bot = Bot.load(settings, progress=tell, calibrated=calibrated)
    if faults:
        for fault in bot.faults():
            say(fault)
    return bot


def say(message: str) -> None:
    from bot.printing import one_line

    print(f"quoth: {one_line(message)}", file=sys.stderr, flush=True)


@contextmanager
def passing() -> Iterator[Callable[[str], None]]:
    """Tells what is going on: on a terminal what goes on ("…") gives way to what is next."""
    if not _draws_on(sys.stderr):
        yield say
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
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
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


def count_of(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
