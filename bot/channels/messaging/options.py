"""Options to pick from: what a button carries, says, and means when it comes back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.messaging.splitting import Size, shorten
from bot.types import Conversation, Reply, content_id

_PAYLOAD = re.compile(
    r"(?P<key>q[0-9a-f]{16}:(?P<number>[1-9][0-9]?))(?::(?P<text>.*))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a reply: its number from 1, its words, and its key (at most 20 characters)."""

    number: int
    text: str
    key: str

    def payload(self, limit: int, size: Size = len) -> str:
        """The key, with the option's words behind it where `limit` allows."""
        full = f"{self.key}:{self.text}"
        return full if size(full) <= limit else self.key


@dataclass(frozen=True, slots=True)
class Pick:
    """A payload that came back. `text` is what it said of the option, else its number."""

    key: str
    text: str


def options_of(reply: Reply) -> tuple[Option, ...]:
    turn = content_id(reply.turn_id)
    return tuple(
        Option(number, " ".join(text.split()), f"q{turn}:{number}")
        for number, text in enumerate(reply.suggestions, 1)
    )


def labels(options: Sequence[Option], limit: int, size: Size = len) -> tuple[tuple[str, ...], bool]:
    """(what the buttons say, whether each says its option whole).

    Where one is too long, all get their numbers, so that they match the numbered lines.
    """
    whole = tuple(option.text for option in options)
    if all(size(text) <= limit for text in whole) and len(set(whole)) == len(whole):
        return whole, True
    return tuple(shorten(f"{o.number}. {o.text}", limit, size) for o in options), False


def read_pick(payload: str, shown: str = "") -> Pick | None:
    """The pick that `payload` stands for, None where it is none of ours.

    `shown` is what the platform tells of the button, used where the payload has no words.
    """
    found = _PAYLOAD.fullmatch(payload)
    if found is None:
        return None
    shown = shown.removeprefix(f"{found['number']}. ")
    words = found["text"] or ("" if shown.endswith("…") else shown)
    return Pick(found["key"], words or found["number"])


def chosen(picked: str, conversation: Conversation) -> str | None:
    """The words of the option that `picked` (IncomingMessage.picked) stands for.

    None where the conversation remembers no such turn; the message's own text is then the best.
    """
    for turn in reversed(conversation.turns):
        key = f"q{content_id(turn.turn_id)}:"
        if picked.startswith(key) and picked[len(key) :].isdecimal():
            number = int(picked[len(key) :])
            return turn.offered[number - 1] if 1 <= number <= len(turn.offered) else None
    return None
