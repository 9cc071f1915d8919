"""Personal medical questions and emergencies, recognised by rules that a reviewer can read.

The rules are data (`data/safety_rules.yaml`), each with a reason. They are precise rather than
complete: wordings they don't know are left to `bot.routing.safety_head`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bot.routing.chatspeak import load_yaml

UrgentRoute = Literal["emergency", "self_harm"]
_QUESTION_WORDS = "what whats which who whos whose why when where how hows is are does do did can"
_BEFORE = "so and but ok okay then well oh god omg wow hm hmm also now right yes no hey"
_VERBS_FIRST = "could would will has have was were should"
_OPENING = frozenset(_BEFORE.split())  # of a question
_THING = re.compile(r"(?:(?:the|an?|any|and|about) )*[a-z]+(?<!ing)(?<!ed)")
_ASKING = frozenset([*_QUESTION_WORDS.split(), *_VERBS_FIRST.split(), "any"])
HEALTH = "health"  # the domain in which personal questions are medical ones


@dataclass(frozen=True, slots=True)
class Rules:
    """One compiled pattern for each route, and for what only looks like one."""

    self_harm: re.Pattern[str]
    emergency: re.Pattern[str]
    denied: re.Pattern[str]
    prognosis: re.Pattern[str]
    told: re.Pattern[str]
    sorrow: re.Pattern[str]
    wanting: re.Pattern[str]
    idiom: re.Pattern[str]
    advice: re.Pattern[str]
    general: re.Pattern[str]
    person: re.Pattern[str]


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The shipped rules, compiled."""
    data = load_yaml("safety_rules.yaml")
    assert isinstance(data, dict)
    macros: dict[str, str] = {}
    for name, pattern in data.pop("macros").items():
        macros[name] = _expand(pattern, macros)
    return Rules(**{name: _compile(entries, macros) for name, entries in data.items()})


def urgent_route(plain_text: str) -> UrgentRoute | None:
    """The route of an emergency in `plain_text` (see `bot.routing.chatspeak.plain`), in any domain.

    Words of self-harm outrank those of an emergency: its text names both helps.
    """
    known = rules()
    if known.self_harm.search(plain_text):
        return "self_harm"
    if known.emergency.search(plain_text):
        return "emergency"
    return None


def denies_self_harm(plain_text: str) -> bool:
    """Whether `plain_text` says that there is no wish to die, and takes nothing of it back."""
    return rules().denied.search(plain_text) is not None


def asks_prognosis(plain_text: str) -> bool:
    """Whether `plain_text` only asks what an illness will do: "am I going to die of ALS"."""
    return rules().prognosis.search(plain_text) is not None


def tells_illness(sentences: Sequence[str]) -> bool:
    """Whether plain `sentences` say who has an illness, and ask for nothing.

    "My brother was diagnosed with MS. We are all in shock."
    """
    known = rules()
    told = any(known.told.search(sentence) for sentence in sentences)
    return told and not any(known.wanting.search(sentence) for sentence in sentences)


def tells_sorrow(sentences: Sequence[str]) -> bool:
    """Whether plain `sentences` say who has died of an illness, or that there is nobody to talk to,
    and ask for nothing else."""
    known = rules()
    told = any(known.sorrow.search(sentence) for sentence in sentences)
    return told and not any(
        known.wanting.search(s) for s in sentences if not known.sorrow.search(s)
    )


def is_idiom(plain_text: str) -> bool:
    """Whether `plain_text` is nothing but an idiom of death, such as "dying to know"."""
    return rules().idiom.search(plain_text) is not None


def asks_for_advice(plain_text: str) -> bool:
    """Whether `plain_text` surely asks for personal medical advice (health domain only)."""
    return rules().advice.search(plain_text) is not None


def asks_in_general(plain_text: str) -> bool:
    """Whether `plain_text` only looks personal: about the source itself, or the odds to inherit."""
    return rules().general.search(plain_text) is not None


def is_impersonal(plain_text: str) -> bool:
    """Whether `plain_text` is a question about the world that names no person who could be ill.

    So is a thing named alone ("the bladder"), but not what happens ("choking").
    """
    first = next((word for word in plain_text.split() if word not in _OPENING), "")
    asking = first in _ASKING or _THING.fullmatch(plain_text) is not None
    return asking and names_nobody(plain_text)


def names_nobody(plain_text: str) -> bool:
    """Whether `plain_text` names no person who could be ill or in need."""
    return rules().person.search(plain_text) is None


def _expand(pattern: str, macros: dict[str, str]) -> str:
    for name, body in macros.items():
        pattern = pattern.replace("{" + name + "}", body)
    return pattern


def _compile(entries: list[dict[str, object]], macros: dict[str, str]) -> re.Pattern[str]:
    """All patterns as one, so that a word boundary is looked for once and not for each."""
    patterns, whole = (
        [
            _expand(str(pattern), macros)
            for entry in entries
            for pattern in _listed(entry.get(kind, []))
        ]
        for kind in ("patterns", "whole")
    )
    patterns += [f"^(?:{pattern})$" for pattern in whole]
    return re.compile(r"\b(?:" + "|".join(patterns) + r")\b")


def _listed(entries: object) -> list[object]:
    assert isinstance(entries, list)
    return entries
