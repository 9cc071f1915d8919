"""Messaging channels: their configuration, and what they could not deliver."""

from __future__ import annotations

import argparse

from bot.commands.parts import (
    Add,
)

_OUTBOX = """\
Messages that could not be delivered to a messaging platform, and events that could not be answered
(`out-...`, `in-...`). `list` shows them, `replay` lets them wait again so that a running server
tries them anew, `drop` deletes them. Nothing that a person wrote is printed."""

_CHANNEL = """\
Say what is missing or wrong in the configuration of a messaging channel, show the address to enter
in the platform's console, ask the platform whether the credentials are right, and on request send a
test message:
  quoth channel check telegram --send-to chat=123456"""


def add(command: Add) -> None:
    """Declare the commands of this module."""
    made = command(
        "outbox", "see, replay or drop messages that could not be sent", _OUTBOX, run=outbox
    )
    made.add_argument("action", choices=("list", "replay", "drop"))
    made.add_argument("letters", nargs="*", metavar="LETTER", help="an id that `list` shows")
    made.add_argument("--all", action="store_true", help="all of them")
    made.add_argument("--channel", metavar="NAME", help="those of one channel")
    made.add_argument("--json", action="store_true", help="list as lines of JSON")

    made = command("channel", "check a messaging channel's configuration", _CHANNEL, run=channel)
    made.add_argument("action", choices=("check",))
    made.add_argument("name", metavar="NAME", help="the channel, such as slack")
    made.add_argument(
        "--send-to",
        action="append",
        metavar="KEY=VALUE",
        help="send a test message there; may be given several times",
    )


def outbox(parsed: argparse.Namespace) -> int:
    """Dead letters of the messaging channels."""
    from bot.channels.messaging.operations import outbox as run

    return run(parsed)


def channel(parsed: argparse.Namespace) -> int:
    """Check a messaging channel's configuration."""
    from bot.channels.messaging.operations import channel as run

    return run(parsed)
