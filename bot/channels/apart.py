"""Loading a knowledge in a process of its own, which leaves in the cache what took long.

Solving the head of a large knowledge takes seconds in which no other thread of its process runs,
and much memory: a server has it done here before it loads a new state itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bot.errors import QuothError
from bot.knowledge.knowledge import load_knowledge
from bot.settings import Settings

_LOOK_SECONDS = 0.2
_CODE = Path(__file__).resolve().parents[2]  # of the package


def load_apart(folder: Path, settings: Settings, given_up: Callable[[], bool]) -> None:
    """Load `folder` there; the process is ended where `given_up` says so.

    Raises QuothError with what is wrong with the folder, or with the process.
    """
    load_knowledge(folder)  # what is broken shows at once
    paths = [str(_CODE), *filter(None, [os.environ.get("PYTHONPATH")])]
    with subprocess.Popen(
        [sys.executable, "-m", "bot.channels.apart", str(folder), str(settings.cache_dir)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        said = ""
        while process.returncode is None:
            try:
                said, _ = process.communicate(timeout=_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if given_up():
                    process.kill()
    if process.returncode:
        ended = f"the process that loads it ended with {process.returncode}"
        raise QuothError(said.strip() or ended)


def main(folder: str, cache: str) -> int:
    """Load `folder` with the environment's settings; 1 where that can't be, with a line of why."""
    from bot.bot import Bot
    from bot.settings import load_settings

    if hasattr(os, "nice"):
        os.nice(10)  # what is asked meanwhile goes first
    try:
        Bot.load(load_settings(knowledge=Path(folder), cache_dir=Path(cache)))
    except QuothError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
