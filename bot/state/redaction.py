"""What identifies a person, taken out of a question before it is kept for review.

A question can hold a name, an address or a number that its asker typed without thinking. Rules, not
a model: they are predictable, and what they miss is stated. Missed: names with no "my name is"
before them, postal addresses, and what the question itself says about its asker's health.
"""

from __future__ import annotations

import re

_NAME_STOP = r"(?!(?:and|but|i|i'm|my|so|who|what|is|are|can|do|does|how|with|from)\b)"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[^\s@<>()\[\]]+@[^\s@<>()\[\]]+\.[^\W\d_]{2,}", re.I), "[email]"),
    (re.compile(r"\b(?:[a-z][a-z0-9+.-]*://|www\.)[^\s<>\"]+", re.I), "[link]"),
    (re.compile(r"(?<!\w)@\w{2,}"), "[handle]"),
    # Phone, insurance and card numbers, dates of birth: six or more digits with the separators
    # people write between them. The comma is no separator, so "400,000 people" stays.
    (re.compile(r"\+?\(?\d(?:[\s()./\-‐-―  ]{0,3}\d){5,}"), "[number]"),
    (
        re.compile(
            rf"\b(my\s+(?:full\s+)?name(?:\s+is|['’]s)|i\s+am\s+called|i['’]m\s+called|call\s+me)"
            rf"\s+{_NAME_STOP}[^\W\d_][\w'’.-]*(?:\s+{_NAME_STOP}[^\W\d_][\w'’.-]*)?"
            r"(?-i:(?:\s+[A-Z][\w'’.-]*){0,2})",
            re.I,
        ),
        r"\1 [name]",
    ),
)


def redact(text: str) -> str:
    """`text` with e-mail addresses, links, handles, long numbers and told names put in brackets.

    Nothing else changes; what has no such part comes back as it is.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
