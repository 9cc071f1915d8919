"""Conversations as text: a line of the visitor, a line of the bot, as `tests/golden_bot/*.txt` has.

`python tests/golden_bot.py FILE` prints the conversation of FILE as the bot holds it now.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bot.bot import Bot
from bot.types import Answered, Clarified, Conversation, Declined, Reply, Safety, SmallTalk

FOLDER = Path(__file__).with_suffix("")
VISITOR, BOT = "visitor: ", "bot: "
QUOTED = 60  # characters of a quote that are shown


def visitor_lines(file: Path) -> list[str]:
    """What the visitor says in a golden conversation."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(VISITOR) for line in lines if line.startswith(VISITOR)]


def held(bot: Bot, questions: Sequence[str]) -> Iterator[str]:
    """The conversation as the bot holds it, line by line."""
    conversation: Conversation | None = None
    for question in questions:
        exchange = bot.ask(question, conversation)
        conversation = exchange.conversation
        yield VISITOR + question
        yield BOT + in_short(exchange.reply)


def in_short(reply: Reply) -> str:
    """The kind of a reply and what it shows: quotes, options, or why there are none."""
    match reply.decision:
        case Answered():
            shown = " + ".join(f"“{_begun(c.quote)}”" for c in reply.citations)
        case Clarified():
            shown = " | ".join(reply.suggestions)
        case Declined():
            shown = str(reply.cause)
        case Safety():
            shown = reply.decision.route
        case SmallTalk():
            shown = reply.decision.intent
    return f"{reply.decision.kind} {shown}"


def _begun(quote: str) -> str:
    quote = " ".join(quote.split())
    return quote if len(quote) <= QUOTED else quote[:QUOTED].rstrip() + "…"


if __name__ == "__main__":
    from bot.settings import load_settings

    file = Path(sys.argv[1])
    title = file.read_text(encoding="utf-8").splitlines()[0]
    print(title, *held(Bot.load(load_settings()), visitor_lines(file)), sep="\n")
