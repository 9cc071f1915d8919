"""Commands such as /start as the words that the bot understands."""

from __future__ import annotations

_WORDS = {
    "start": "hello",
    "help": "help",
    "delete": "delete my data",
    "forget": "delete my data",
}


def spoken(text: str) -> str:
    """What a message asks for: a command's words, or the text itself; "help" for an empty one."""
    text = text.strip()
    if text.startswith("/"):
        name, _, rest = text[1:].partition(" ")
        return from_command(name.partition("@")[0], rest)
    return text or "help"


def from_command(name: str, rest: str) -> str:
    """What the command `name` with the text `rest` asks for."""
    return spoken(rest) if rest.strip() else _WORDS.get(name.lower(), "help")
