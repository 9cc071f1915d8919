"""Review the pairs and learn from visitors, in the browser."""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import socket
import subprocess
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bot.commands.parts import DONE, Add, say, settings_of
from bot.errors import UsageError

if TYPE_CHECKING:
    from bot.settings import Settings

MOST_CORES = 4

_REVIEW = """\
Open pages for the owner on this machine alone: accept, edit and reject pairs beside the passage
they quote, see which questions each wins and loses, learn from what visitors asked in vain, and
see the figures. Everything is written into the files of the knowledge, as you would by hand.

The address it prints holds a token; it is good until you stop it with Ctrl-C."""


def add(command: Add) -> None:
    """Declare the commands of this module."""
    made = command("review", "review pairs in the browser", _REVIEW, run=review)
    made.add_argument(
        "--port", type=int, default=0, metavar="PORT", help="default: any that is free"
    )
    made.add_argument(
        "--site", metavar="NAME", help="which knowledge, where the folder holds several"
    )
    made.add_argument(
        "--reviewer", metavar="NAME", help="who reviews (default: git's user.name, else yours)"
    )


def review(parsed: argparse.Namespace) -> int:
    """Serve the owner's pages until Ctrl-C."""
    import uvicorn

    from bot.bot import Bot, Engine
    from bot.channels.review.app import create_review_app
    from bot.channels.review.service import Service
    from bot.channels.review.workspace import Workspace
    from bot.state.store import Keeping, Store

    settings = _of_one_site(settings_of(parsed), parsed.site)
    # Nobody else is waiting for this machine: making the bot anew may take all of it.
    cores = min(MOST_CORES, os.cpu_count() or 1)
    settings = settings.model_copy(update={"threads": max(settings.threads, cores)})
    workspace = Workspace(settings.knowledge, date.today)
    title = workspace.snapshot().knowledge.title  # a broken folder is told before anything opens
    name = _reviewer(parsed.reviewer, settings.knowledge)
    listening = _listening(parsed.port)
    keeping = Keeping(questions=settings.store_questions, days=settings.retention_days)
    store = Store(settings.database_url, keeping, site=parsed.site or "")
    try:
        token = secrets.token_urlsafe(24)
        engine = lru_cache(lambda: Engine(settings))  # loaded once, by the first that needs it
        service = Service(workspace, store, lambda: Bot.load(settings, engine=engine()), name)
        app = create_review_app(
            service,
            title,
            token,
            keeping=settings.store_questions,
            days=settings.retention_days,
        )
        port = listening.getsockname()[1]
        print(f"Review on http://127.0.0.1:{port}/{token}/ as {name}. Ctrl-C ends it.", flush=True)
        config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listening])
    finally:
        store.close()
        say("the review has ended")
    return DONE


def _of_one_site(settings: Settings, site: str | None) -> Settings:
    """The settings with the folder of `site`, where the folder holds several knowledges."""
    from bot.channels.sites import folders_in

    folders = folders_in(settings.knowledge)
    if (site or "") not in folders:
        known = ", ".join(sorted(folders))
        raise UsageError(
            f"{settings.knowledge} is one knowledge; leave --site out"
            if "" in folders
            else f"which knowledge? Name it with --site; there are: {known}"
        )
    return settings.model_copy(update={"knowledge": folders[site or ""]})


def _listening(port: int) -> socket.socket:
    """A socket on loopback, whatever QUOTH_HOST says: these pages write files."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()  # from here on a browser waits instead of being refused
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(f"port {port} can't be used: {error}; name another one") from error
    return listening


def _reviewer(given: str | None, folder: Path) -> str:
    """The name that goes into the files, on one line."""
    name = given or _git_name(folder) or _own_name()
    return " ".join(name.split()) or "owner"


def _git_name(folder: Path) -> str:
    command = ["git", "-C", str(folder), "config", "user.name"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def _own_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "owner"
