"""Abbreviations that a text defines itself, by the algorithm of Schwartz and Hearst.

A. S. Schwartz, M. A. Hearst: A simple algorithm for identifying abbreviation definitions in
biomedical text. Pacific Symposium on Biocomputing 8, 2003, pages 451 to 462. One rule is added
for texts of any field: a short form holds a capital letter, so that "(see below)" is none.
"""

from __future__ import annotations

import re

_PARENTHESIS = re.compile(r"\(([^()\n]{1,200})\)")
_BREAK = re.compile(r"[.!?;:]\s|[()\n]\s*\n")  # a long form stands in the sentence of its short one
_WORD = re.compile(r"\S+")
_PARTS = re.compile(r"[\s\-]+")


def find_abbreviations(text: str) -> tuple[tuple[str, str], ...]:
    """The pairs (short form, long form) that `text` defines, in order, each once.

    Both orders count: "multiple sclerosis (MS)" and "MS (multiple sclerosis)". White space
    inside a form is made single spaces. Linear in the length of the text.
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for match in _PARENTHESIS.finditer(text):
        inside = re.split(r"[,;]\s", match[1].strip())[0].strip(" \"'“”‘’*_")
        before = _same_sentence(text[max(0, match.start() - 400) : match.start()])
        if not inside or not before:
            continue
        if is_short_form(inside):
            short, long = inside, best_long_form(inside, before)
        else:
            short = _WORD.findall(before)[-1].strip("\"'“”‘’*_,")
            long = best_long_form(short, inside) if is_short_form(short) else None
        if long is not None:
            pair = (" ".join(short.split()), " ".join(long.split()))
            found.setdefault((pair[0], pair[1].casefold()), pair)
    return tuple(found.values())


def is_short_form(text: str) -> bool:
    """At most two words, two to ten characters, an alphanumeric first one, a capital letter."""
    return (
        2 <= len(text) <= 10
        and len(text.split()) <= 2
        and text[0].isalnum()
        and any(c.isupper() for c in text)
    )


def best_long_form(short: str, before: str) -> str | None:
    """The shortest end of `before` that spells out `short`; None where there is none.

    Every letter and digit of the short form is matched from right to left, the first one at the
    beginning of a word. A long form has at most min(|A| + 5, 2 |A|) words, where |A| counts the
    letters and digits of the short form, and does not hold the short form itself.
    """
    size = sum(c.isalnum() for c in short)
    limit = min(size + 5, size * 2)
    window = [m.start() for m in _WORD.finditer(before)][-limit:]
    if not window:
        return None
    text = before[window[0] :].rstrip().strip("\"'“”‘’*_")
    place = len(text) - 1
    for index in range(len(short) - 1, -1, -1):
        wanted = short[index].lower()
        if not wanted.isalnum():
            continue
        while place >= 0 and (
            text[place].lower() != wanted
            or (index == 0 and place > 0 and text[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return None
        place -= 1
    long = text[place + 1 :]
    parts = [p for p in _PARTS.split(long) if p]
    repeats = re.search(rf"(?<!\w){re.escape(short)}(?!\w)", long) is not None
    if len(long) <= len(short) or len(parts) > limit or repeats:
        return None
    return long


def _same_sentence(before: str) -> str:
    """What stands between the last sentence break and the parenthesis."""
    cut = 0
    for match in _BREAK.finditer(before):
        cut = match.end()
    return before[cut:].strip()
