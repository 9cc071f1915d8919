"""Sentences, by their place in the text.

Libraries were weighed: pysbd has had no release since 2021 and finds offsets by searching for its
own output; syntok has had none since 2022 and knows neither lists nor tables; the tokenisers of
spaCy and NLTK fetch models. The rules below are few, give offsets by construction, and are held
by tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.documents.blocks import trimmed
from bot.types import Span

_LINE = (  # a new line that begins a list item, a table row, a heading or a fence
    r"[\r\n](?=[ \t]*(?:(?:[-*+•◦▪‣]|\d{1,2}[.)]|\([a-z0-9]{1,3}\))[ \t\u00a0]+\S|"
    r"\||#{1,6}\s|```|~~~))"
)
_STRUCTURE = re.compile(rf"(?:\r\n|\r|\n)[ \t\u00a0]*(?:\r\n|\r|\n)|{_LINE}")
_STOP = re.compile(
    r"(?P<stop>[.!?…]+|[。！？])"
    r"(?P<after>[\"'”’»)\]*_]*(?::\d+)?(?:\[[^\[\]\n]{1,40}\](?!\())*(?::\d+)?)"
)
_OPENERS = "\"'“‘«([*_ "
_GLUED = re.compile(
    r"(?:[A-Z][a-z]{3,}|The|It|In|He|She|We|You|For|But|And|An?)[ ,]"
)  # "stories.Political geographers"
_TITLES = frozenset(
    "Mr Mrs Ms Dr Prof St Rev Gen Col Lt Sgt Capt Gov Sen Rep Hon Pres Mt Ft Messrs Fr".split()
)
_NEVER = frozenset("e.g i.e eg ie viz cf vs".split())
_BEFORE_NUMBER = frozenset(
    "no nos p pp pg vol vols fig figs eq sec ch chap art para op ca c approx est max min v "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_MAYBE = frozenset("inc ltd co corp jr sr al dept bros univ ave blvd rd ph.d approx est".split())
_DOTTED = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]$|[A-Z]$")
# Words that begin sentences and hardly ever follow an abbreviation inside one.
_STARTERS = frozenset(
    "a after all also although among an and another as at because before between both but by "
    "despite during each even every for from he her his how however i if in it its like many more "
    "most no not of on one only or other our over several she since so some such that the their "
    "then there these they this those though thus to two under unlike until we what when where "
    "which while who why with yet you your".split()
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def split_sentences(text: str) -> tuple[Span, ...]:
    """The sentences of `text` as spans in it: ordered, disjoint, covering all non-space text.

    Blank lines, list items and table rows end a sentence as well; a single new line doesn't.
    `text[span]` neither begins nor ends with white space. Linear in the length of `text`.
    """
    spans: list[Span] = []
    start = 0
    for end in (*_cuts(text), len(text)):
        span = trimmed(text, start, end)
        start = end
        if span is None:
            continue
        if spans and not any(c.isalnum() for c in span.of(text)):
            spans[-1] = Span(spans[-1].start, span.end)  # a stray mark is no sentence
        else:
            spans.append(span)
    return tuple(spans)


def _cuts(text: str) -> Iterator[int]:
    """The places where a sentence ends, in order."""
    structure = [m.end() for m in _STRUCTURE.finditer(text)]
    structure.append(len(text) + 1)
    next_break = 0
    start = 0
    for match in _STOP.finditer(text):
        while structure[next_break] <= match.start():
            start = structure[next_break]
            yield start
            next_break += 1
        if _ends(text, start, match):
            start = match.end()
            yield start
    yield from structure[next_break:-1]


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Does the stop end the sentence that begins at `start`?"""
    end = match.end()
    if match["stop"] in "。！？":
        return True
    token = _token(text, start, match.start())
    if end < len(text) and not text[end].isspace():
        return (
            token.isalpha()
            and token.islower()
            and len(token) > 2
            and (match["stop"] in ".!?" and _GLUED.match(text, end) is not None)
        )
    head = text[end : end + 60].lstrip().lstrip(_OPENERS)
    if not head or head[0].islower() or _inside_parenthesis(text, start, end):
        return not head
    if match["stop"] != "." or match["after"].strip("*_"):
        return True
    if token.isdigit() and len(token) <= 2 and not text[start : match.start()].strip(token + " \n"):
        return False  # "1. First"
    return _ends_after(token, head)


def _ends_after(token: str, head: str) -> bool:
    """Does a full stop behind `token` end a sentence, where `head` comes next?"""
    lower = token.lower()
    word = _WORD.match(head)
    initial = word is not None and len(word[0]) == 1 and head[1:2] == "."
    starter = word is not None and word[0].lower() in _STARTERS and not initial
    if token in _TITLES or lower in _NEVER:
        return False
    if lower in _BEFORE_NUMBER and head[0].isdigit():
        return False
    if lower in _MAYBE or lower in ("a.m", "p.m") or _DOTTED.match(token):
        return starter
    return True


def _token(text: str, start: int, end: int) -> str:
    """The word that ends at `end`, brackets and quotes before it left out."""
    piece = text[max(start, end - 30) : end]
    return piece.split()[-1].lstrip("\"'“‘«([*_-–—") if piece.split() else ""


def _inside_parenthesis(text: str, start: int, end: int) -> bool:
    piece = text[max(start, end - 300) : end]
    return piece.count("(") > piece.count(")") and ")" in text[end : end + 200]
