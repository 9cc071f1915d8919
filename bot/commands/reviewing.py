"""Review the pairs and learn from visitors, in the browser."""

from __future__ import annotations

import argparse
import getpass
import secrets
import socket
import subprocess
from datetime import date
from pathlib import Path

from bot.commands.parts import DONE, Add, say, settings_of
from bot.errors import UsageError

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
        "--reviewer", metavar="NAME", help="who reviews (default: git's user.name, else yours)"
    )


def review(parsed: argparse.Namespace) -> int:
    """Serve the owner's pages until Ctrl-C."""
    import uvicorn

    from bot.bot import Bot
    from bot.channels.review.app import create_review_app
    from bot.channels.review.service import Service
    from bot.channels.review.workspace import Workspace
    from bot.state.store import Keeping, Store

    settings = settings_of(parsed)
    workspace = Workspace(settings.knowledge, date.today)
    title = workspace.snapshot().knowledge.title  # a broken folder is told before anything opens
    name = _reviewer(parsed.reviewer, settings.knowledge)
    listening = _listening(parsed.port)
    keeping = Keeping(questions=settings.store_questions, days=settings.retention_days)
    store = Store(settings.database_url, keeping)
    try:
        token = secrets.token_urlsafe(24)
        service = Service(workspace, store, lambda: Bot.load(settings), name)
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


def _listening(port: int) -> socket.socket:
    """A socket on loopback, whatever QUOTH_HOST says: these pages write files."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
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
