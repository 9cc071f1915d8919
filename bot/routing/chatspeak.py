"""How people type in a chat, brought to one plain form that patterns can be written against.

"I'm gonna OD, plz" and "im going to od please" get the same words. Nothing here is shown to a
person, and offsets lead back into the cleaned text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import yaml

from bot.wording import clean

WORD_LIMIT = 40  # letters kept of one word: nothing longer is a word, and patterns stay linear

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")  # "pleeease", "heyyyy"


@dataclass(frozen=True, slots=True)
class Token:
    """One plain word; `start:end` is where its original stands in `clean(text)`.

    An abbreviation that stands for several words gives several tokens with the same place.
    """

    word: str
    start: int
    end: int


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it


def load_yaml(name: str) -> object:
    """The parsed file `bot/data/<name>`."""
    text = (files("bot") / "data" / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=_LOADER)


@lru_cache(maxsize=1)
def _abbreviations() -> dict[str, tuple[str, ...]]:
    table = load_yaml("chatspeak.yaml")
    assert isinstance(table, dict)
    return {str(short): tuple(str(long).split()) for short, long in table.items()}


def fold(word: str) -> str:
    """`word` in lower case without accents and apostrophes: "Can't" -> "cant"."""
    if word.isascii():
        return word.lower().replace("'", "")
    letters = unicodedata.normalize("NFD", word.casefold())
    return "".join(c for c in letters if c != "'" and unicodedata.category(c) != "Mn")


@lru_cache(maxsize=256)
def tokens(cleaned: str) -> tuple[Token, ...]:
    """The plain words of a text that went through `clean`, in order."""
    return tuple(_tokens(cleaned))


def _tokens(cleaned: str) -> Iterator[Token]:
    table = _abbreviations()
    for match in _WORD.finditer(cleaned):
        word = fold(match.group())[:WORD_LIMIT]
        if word not in table:
            word = _STRETCHED.sub(r"\1\1", word)
        for written_out in table.get(word, (word,)):
            yield Token(written_out, match.start(), match.end())


@lru_cache(maxsize=256)  # a question is looked at by several rules in a row
def plain(text: str) -> str:
    """The plain words of `text`, joined by single spaces; "" where it has no word.

    The same for any case, white space and punctuation of the same words.
    """
    return " ".join(token.word for token in tokens(clean(text)))
