"""Whether a question points at what was spoken of before it, or at the source and its pages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.conversation.rewriting import EMPTY_IT, first_word
from bot.subjects import Subjects
from bot.wording import content_words, words

# Words that point back. "That" does so behind a verb or preposition or at the end, elsewhere it
# joins clauses ("is it true that ...").
_POINTS = re.compile(
    r"\b(?:it|its|it's|they|them|their|theirs|those|these|this|he|she|him|his|her|hers)\b"
    r"|\b(?:is|was|are|does|did|do|can|could|will|would|of|for|from|to|with|by|about|like|than|in"
    r"|at|on|after|before|during|has|had|means?|causes?) that\b|\bthat$",
    re.IGNORECASE,
)
# What is here points at nothing said before: "is this medical advice", "who runs this site".
_SOURCE = re.compile(
    r"\b(?:this|the|your) (?:web ?)?(?:site|page|article|text|source|document|chat|bot)\b"
    r"|\bthis medical advice\b",
    re.IGNORECASE,
)
# Of who is ill with what was spoken of: "will I lose my hair".
_OF_ONE = re.compile(
    r"^(?:(?:what|how|when|why|where)(?: \w+)? )?(?:will|would|could|might|may|am) (?:i|we)\b"
    r"|^(?:will|would|could|might|may|do|does|can|is|are) (?:my|our)\b",
    re.IGNORECASE,
)
_OF_SOURCE = re.compile(  # "is it reliable", behind any answer
    r"^(?:is|are|was|how) (?:it|this|that|all this) (?:really |still )?(?:reliable|accurate"
    r"|up to date|recent|current|trustworthy|trusted|official|peer.?reviewed|legit|credible"
    r"|fake|made up)$"
    r"|^how (?:reliable|accurate|recent|current|trustworthy|old|official|credible) is"
    r" (?:this|that|all this|this information)$",
    re.IGNORECASE,
)
_NEITHER = re.compile(r"neither(?: (?:one|of (?:them|these|those|the two)))?", re.IGNORECASE)
_ORDER = re.compile(
    r"(?:the )?(?:(?P<first>first|former|1st)|second|latter|last|2nd)"
    r"(?: (?:one|disease|illness|condition))?(?: (?:please|i mean|i meant))?",
    re.IGNORECASE,
)
_SAME_AS = re.compile(
    r"(?:is|are|isn't|was) (?:it|this|that|they|\w+) (?:really |just |exactly )?(?:the )?"
    r"(?:(?:(?:same|other|another)(?: \w+)?|different|similar) (?:as|to|from|than)|like|unlike)"
    r" (?!(?:with|for|in|that|this|it|what|how|when)\b)",
    re.IGNORECASE,
)
_THIN = frozenset(
    words(
        "worse better bad good many long often soon early earlier late later likely common rare "
        "sure case cases one ones which how what when why similar different same severe serious"
    )
)
# Of the illness; "is that common" is of what was said.
_HOW_COMMON = re.compile(r"\b(?:common|rare)\b.*\bit\b|\bit\b.*\b(?:common|rare)\b", re.I)


def points_back(body: str) -> bool:
    """Whether `body`, plain text, is about what was spoken of: "is it rare", "will I go blind"."""
    own = _SOURCE.sub(" ", EMPTY_IT.sub(" ", body))
    return _POINTS.search(own) is not None or _OF_ONE.search(body) is not None


def of_source(body: str) -> bool:
    """Whether `body`, plain text, asks about the source itself: "is it up to date"."""
    return _OF_SOURCE.search(body) is not None or (
        _SOURCE.search(body) is not None and not points_back(body)
    )


def is_neither(body: str) -> bool:
    """Whether `body` is nothing but "neither": of two that were named, none is meant."""
    return _NEITHER.fullmatch(body) is not None


def by_order(body: str, base: str, topic: Sequence[str], subjects: Subjects) -> str | None:
    """The subject that "the former", "the second one" means behind a question on two."""
    place = _ORDER.fullmatch(body)
    if place is None or len(topic) != 2:
        return None
    held = list(dict.fromkeys(m.subject for m in subjects.mentions(base))) or list(topic)
    return held[0 if place["first"] else -1]


def same_as(body: str) -> bool:
    """Whether `body` asks if "it" is what it names: "is it the same as ALS", not "as in ALS"."""
    return _SAME_AS.match(body) is not None


def is_thin(body: str) -> bool:
    """Whether `body` says of what it asks only how much: "which is worse"."""
    return all(w in _THIN for w in content_words(body))


def of_the_illness(body: str) -> bool:
    """Whether `body` asks of the illness, whatever was asked of it before: "how rare is it"."""
    whose = first_word(body) in ("who", "whom", "whose")
    return whose or _HOW_COMMON.search(body) is not None
