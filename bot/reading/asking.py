"""What a question asks for: its words, the kind of its answer, and whether a sentence offers one.

All by rules on the surface: they are signals for a model to weigh, never a verdict.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from bot.types import Span
from bot.wording import FUNCTION_WORDS, stem, words

Kind = Literal["count", "when", "who", "where", "why", "how", "which", "what", "other"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ASKING = frozenset(  # words that say what kind of thing is asked for, not about what
    (
        *("what", "which", "who", "whom", "whose", "when", "where", "why", "how", "many", "much"),
        *("name", "did", "does", "type", "kind"),
    )
)
_COUNT = re.compile(
    r"\bhow (?:many|much|long|large|big|old|tall|high|far|fast|often|deep|wide|heavy)\b"
    r"|\b(?:percent|percentage|number|amount|population)\b"
)
_WHEN = re.compile(
    r"\bwhen\b|\bwhat (?:year|date|day|month|century|decade|time)\b"
    r"|\bwhich (?:year|century|decade|month)\b"
)
_WHERE = re.compile(
    r"\bwhere\b"
    r"|\b(?:what|which) (?:country|city|state|place|location|region|town|province|continent|area)\b"
)
_WHY = re.compile(r"\bwhy\b|\bwhat (?:caused|reason|was the reason)\b|\bfor what reason\b")
_YEAR = re.compile(
    r"\b(?:1[0-9]{3}|20[0-9]{2}|[0-9]{1,4} ?(?:BC|AD|BCE|CE)"
    r"|[0-9]{1,2}(?:st|nd|rd|th)[ -]cent\w*|[0-9]{3,4}s)\b"
)
_TIME = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|century|centuries|decade|years?|today"
    r"|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b"
)
_DIGIT = re.compile(r"\d")
_NUMERAL = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundreds?"
    r"|thousands?|million|billion|trillion|half|third|quarter|percent|several|twice|double|both"
    r"|single|first|second)\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:because|since|due|so|therefore|thus|reason|cause[ds]?|result\w*|led|lead|order"
    r"|allow\w*|make|made|to)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:in|at|from|near|on|to|through|across|around|within|between)\s+(?:the\s+)?[A-Z]"
)
_NAME = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w'’-]*")
_NEGATION = re.compile(
    r"\b(?:not|never|no|none|without|nor|neither|cannot|except|fail\w*|refus\w*|lack\w*|unable)\b"
    r"|n['’]t\b",
    re.IGNORECASE,
)


_READER = re.compile(r"\b(?:you|your|yours|yourself|we|our|us)\b", re.IGNORECASE)
_PRACTICAL = 0.3  # share of sentences that speak to the reader, from which a text is all practical


def addressing(sentences: Sequence[str]) -> float:
    """How far a text speaks to its readers ("you", "we"), 0..1: a shop's page does, an encyclopedia
    doesn't. Questions on the one are asked in other words than its own, so that words tell less."""
    spoken = sum(_READER.search(sentence) is not None for sentence in sentences)
    return min(1.0, spoken / max(1, len(sentences)) / _PRACTICAL)


@dataclass(frozen=True, slots=True)
class Asked:
    """A content word of a question, where it stands, and whether it is a name or a number."""

    word: str  # small letters
    stem: str
    named: bool
    span: Span


def asked_words(question: str) -> tuple[Asked, ...]:
    """The words that say what the question is about, in order."""
    found = []
    for place, match in enumerate(_WORD.finditer(question)):
        written = match.group()
        word = written.lower().replace("’", "'")
        if word in FUNCTION_WORDS or word in _ASKING or (len(word) < 2 and not word.isdigit()):
            continue
        named = written[0].isdigit() or (place > 0 and written[0].isupper())
        found.append(Asked(word, stem(word), named, Span(*match.span())))
    return tuple(found)


def kind_of(question: str) -> Kind:
    """The kind of answer that the question asks for."""
    plain = question.lower()
    spoken = frozenset(words(plain))
    if _COUNT.search(plain):
        return "count"
    if _WHEN.search(plain):
        return "when"
    if spoken & {"who", "whom", "whose"}:
        return "who"
    if _WHERE.search(plain):
        return "where"
    if _WHY.search(plain):
        return "why"
    for kind in ("how", "which", "what"):
        if kind in spoken:
            return kind
    return "other"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a sentence could be the answer to; `names` are stems of capitalised words within it."""

    names: frozenset[str]
    year: bool
    time: bool
    digit: bool
    numeral: bool
    cause: bool
    place: bool
    negated: bool

    @classmethod
    def of(cls, sentence: str) -> Offer:
        return cls(
            frozenset(stem(m.lower().replace("’", "'")) for m in _NAME.findall(sentence)),
            *(
                bool(pattern.search(sentence))
                for pattern in (_YEAR, _TIME, _DIGIT, _NUMERAL, _CAUSE, _PLACE, _NEGATION)
            ),
        )

    def fits(self, kind: Kind, question: frozenset[str]) -> float:
        """How well it answers a question of `kind` with the stems `question`, 0..1; .5: unknown.

        A name that the question itself holds is no answer to it.
        """
        new = bool(self.names - question)
        match kind:
            case "when":
                return 1.0 if self.year else 0.7 if self.time else 0.0
            case "count":
                return 1.0 if self.digit else 0.7 if self.numeral else 0.0
            case "who":
                return float(new)
            case "where":
                return 1.0 if new and self.place else 0.6 if new else 0.0
            case "why":
                return float(self.cause)
        return 0.5


def negated(text: str) -> bool:
    """Whether a negation stands in it."""
    return bool(_NEGATION.search(text))
