"""The fixed texts: all that Quoth says in its own voice before or instead of a quote.

They are shipped in `data/texts.yaml`, reviewed as data. A knowledge may override any of them by
key; a key that doesn't exist is a fault, for a mistyped override would silently do nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Literal

from bot.errors import KnowledgeError
from bot.routing.chatspeak import load_yaml
from bot.types import Safety, SmallTalk


@dataclass(frozen=True, slots=True)
class Texts(Mapping[str, str]):
    """Fixed texts by key, such as "safety.emergency" or "smalltalk.greeting"; read-only."""

    lines: tuple[tuple[str, str], ...]

    def __getitem__(self, key: str) -> str:
        for name, text in self.lines:
            if name == key:
                return text
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def safety(self, decision: Safety) -> str:
        return self[f"safety.{decision.route}"]

    def smalltalk(self, decision: SmallTalk) -> str:
        return self[f"smalltalk.{decision.intent}"]

    def declined(self, reason: Literal["language", "not_understood", "nothing_asked"]) -> str:
        return self[f"decline.{reason}"]


def load_texts(overrides: Mapping[str, str] | None = None, file: Path | None = None) -> Texts:
    """The shipped texts with `overrides` put in; `file` is where the overrides stand.

    Raises KnowledgeError where an override's key is unknown, its text is empty or has another
    {placeholder} than the shipped text.
    """
    shipped = load_yaml("texts.yaml")
    assert isinstance(shipped, dict)
    lines = {
        f"{group}.{name}": " ".join(str(text).split())
        for group, texts in shipped.items()
        for name, text in texts.items()
    }
    for key, text in (overrides or {}).items():
        if key not in lines:
            known = ", ".join(sorted(lines))
            raise KnowledgeError(f"there is no text {key!r} to override; known: {known}", file)
        if not isinstance(text, str) or not text.strip():
            raise KnowledgeError(f"the text {key!r} is empty; write one or leave the key out", file)
        _refuse_placeholders(key, text, _placeholders(lines[key]), file)
        lines[key] = text.strip()
    return Texts(tuple(lines.items()))


def _placeholders(text: str) -> frozenset[str]:
    """What stands in braces in `text`; ValueError where a brace has no counterpart."""
    found = set()
    for _, name, spec, conversion in Formatter().parse(text):
        if name is not None:
            found.add(
                name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            )
    return frozenset(found)


def _refuse_placeholders(key: str, text: str, known: frozenset[str], file: Path | None) -> None:
    allowed = ", ".join(f"{{{name}}}" for name in sorted(known)) or "no placeholder"
    try:
        unknown = _placeholders(text) - known
    except ValueError as error:
        raise KnowledgeError(
            f"the text {key!r} has a lone brace ({error}); it may have {allowed}",
            file,
        ) from error
    if unknown:
        raise KnowledgeError(
            f"the text {key!r} has {{{min(unknown)}}}, which nothing fills; it may have {allowed}",
            file,
        )
