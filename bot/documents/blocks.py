"""The blocks of a text: headings, paragraphs, lists, tables, code, and what is no content.

Plain text and Markdown are read by the same rules, by lines. This is not a Markdown parser: a
parser gives a tree of new text, while a quote needs the place of each block in the text as it
stands. Every stretch of non-space text lies in exactly one block.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from bot.types import Span

Kind = Literal["heading", "paragraph", "list", "table", "code", "aside"]

PLAIN = 7  # level of a heading without markup, under Markdown's 1 to 6
WRAPPED = 200  # characters; no one wraps by hand at more: such a line is a paragraph of its own

_LIST_MARK = r"(?:[-*+•◦▪‣–]|\d{1,2}[.)]|\([a-z0-9]{1,3}\))"
LIST_ITEM = re.compile(rf"[ \t\u00a0]*{_LIST_MARK}[ \t\u00a0]+(?=\S)")
_LINE_MARK = re.compile(  # of an item, or the number of a clause: "3.2 Courts are booked"
    rf"^(?:{LIST_ITEM.pattern}|[ \t\u00a0]*\d{{1,2}}(?:\.\d{{1,2}}){{1,3}}\.?[ \t\u00a0]+"
    r"(?=[A-Z](?:[a-z]|[ \t])))",
    re.M,
)
_PICTURE = re.compile(r"[ \t]*(?:!\[[^\[\]]*\]\([^()\n]*\)[ \t]*)+$")
_FIRST_ITEM = re.compile(r"[ \t]*(?:[-*+•◦▪‣]|1[.)]|\([a1]\))[ \t]+\S")
_NUMBERED = re.compile(r"\d{1,2}[.)]\s+")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_SETEXT = re.compile(r" {0,3}(={3,}|-{3,})[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,}|={3,})$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_CLOSING = re.compile(r"\s*(`{3,}|~{3,})\s*")
DELIMITER_ROW = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$")

_MARKUP = (  # each looks no further than a bound for its end, which may not come
    (re.compile(r"<!--.{0,2000}?-->|</?[a-zA-Z][^<>\n]{0,200}>", re.S), " "),
    (re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)"), r"\1"),
    (re.compile(r"\[(?:\d{1,3}|[a-z]|[a-z ]{2,30}(?:needed|\?))\]|\[(?:who|when|by whom)\?\]"), ""),
    (re.compile(r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)(.{1,500}?)(?<=\S)\1(?![\w*])", re.S), r"\2"),
    (re.compile(r"(?<!`)`+([^`]+)`+"), r"\1"),
    (re.compile(r"^[ \t]*>[ \t]?", re.M), ""),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of text of one kind.

    `title` and `level` (1 to 6, `PLAIN`) belong to a heading. `gap` is the number of blank lines
    before the block. An "aside" is a rule, front matter, a picture or an HTML comment.
    """

    kind: Kind
    span: Span
    gap: int = 0
    title: str = ""
    level: int = 0


def plain_text(text: str) -> str:
    """`text` as a person reads it: no Markdown or HTML marks, no footnote marks, no marks or
    numbers at the beginning of an item or a clause, single spaces.

    A derived text for wordings and headings; quotes are never taken from it.
    """
    for pattern, substitute in _MARKUP:
        text = pattern.sub(substitute, text)
    return " ".join(_LINE_MARK.sub("", text).split())


def trimmed(text: str, start: int, end: int) -> Span | None:
    """The span start..end without the white space at its ends; None if nothing else is there."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None


def split_blocks(text: str) -> tuple[Block, ...]:
    """The blocks of `text`: ordered, disjoint, covering all of its non-space text.

    Linear in the length of `text`.
    """
    return _plain_headings(text, _Scanner(text).scan())


class _Scanner:
    """One pass over the lines; `lines` holds the ends of each line, its newline left out."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = _lines(text)
        self.blocks: list[Block] = []
        self.gap = 0
        self.last_comment = text.rfind("-->")  # where the last one ends
        # What may close a code fence, by its signs. Looked for once: there may be as many fences
        # that nothing closes as there are lines.
        self.closing: dict[str, list[int]] = defaultdict(list)
        for i in range(len(self.lines)):
            if closing := _CLOSING.fullmatch(text, *self.lines[i]):
                self.closing[closing[1]].append(i)

    def line(self, i: int) -> str:
        start, end = self.lines[i]
        return self.text[start:end]

    def blank(self, i: int) -> bool:
        return not self.line(i).strip()

    def add(self, kind: Kind, first: int, last: int, title: str = "", level: int = 0) -> None:
        span = trimmed(self.text, self.lines[first][0], self.lines[last][1])
        if span is not None:
            self.blocks.append(Block(kind, span, self.gap, title, level))
        self.gap = 0

    def scan(self) -> list[Block]:
        i = self.front_matter()
        while i < len(self.lines):
            if self.blank(i):
                self.gap += 1
                i += 1
            else:
                i = self.block(i)
        return self.blocks

    def front_matter(self) -> int:
        """Index of the line behind YAML front matter; 0 where there is none."""
        if not self.lines or self.line(0).strip() != "---":
            return 0
        for i in range(1, min(len(self.lines), 60)):
            if self.line(i).strip() in ("---", "..."):
                if i > 1 and ":" in self.line(1):
                    self.add("aside", 0, i)
                    return i + 1
                return 0
        return 0

    def block(self, i: int) -> int:
        """Take the block that begins at line `i`; give the line behind it."""
        line = self.line(i)
        if heading := _ATX.match(line):
            title = plain_text(heading[2] or "")
            self.add("heading" if title else "aside", i, i, title, len(heading[1]))
            return i + 1
        if (end := self.fence_end(i)) is not None:
            self.add("code", i, end)
            return end + 1
        if line.lstrip().startswith("<!--") and (after := self.comment(i)) is not None:
            return after
        if _RULE.match(line) or _PICTURE.match(line):
            self.add("aside", i, i)
            return i + 1
        if self.table_at(i):
            last = self.last_while(i, lambda j: "|" in self.line(j))
            self.add("table", i, last)
            return last + 1
        if LIST_ITEM.match(line):
            last = self.list_end(i)
            self.add("list", i, last)
            return last + 1
        return self.paragraph(i)

    def last_while(self, i: int, holds: Callable[[int], bool]) -> int:
        """The last of the lines from `i` on that are not blank and of which `holds` is true."""
        last = i
        while last + 1 < len(self.lines) and not self.blank(last + 1) and holds(last + 1):
            last += 1
        return last

    def fence_end(self, i: int) -> int | None:
        """The closing line of a code fence; None for no fence or one that is never closed."""
        if (fence := _FENCE.match(self.line(i))) is None:
            return None
        below = (
            lines[at]
            for signs, lines in self.closing.items()
            if signs.startswith(fence[1]) and (at := bisect_right(lines, i)) < len(lines)
        )
        return min(below, default=None)

    def comment(self, i: int) -> int | None:
        """Take an HTML comment; what follows it on its last line is a line of its own."""
        if self.last_comment < self.lines[i][0]:
            return None
        close = self.text.find("-->", self.lines[i][0])
        end = close + 3
        j = i
        while self.lines[j][1] < end:
            j += 1
        rest = (end, self.lines[j][1])
        self.lines[j] = (self.lines[j][0], end)
        self.add("aside", i, j)
        self.lines[j] = rest
        return j

    def table_at(self, i: int) -> bool:
        if "|" not in self.line(i):
            return False
        below = i + 1 < len(self.lines) and DELIMITER_ROW.match(self.line(i + 1))
        return bool(below) or self.line(i).lstrip().startswith("|")

    def list_end(self, i: int) -> int:
        """The last line of a list: items, their continuations, one blank line between items."""
        last = i
        j = i + 1
        while j < len(self.lines):
            if self.blank(j):
                after = j + 1
                if after >= len(self.lines) or self.blank(after):
                    break
                indented = self.line(after).startswith(("  ", "\t"))
                if not (LIST_ITEM.match(self.line(after)) or indented):
                    break
                j = after
            if _ATX.match(self.line(j)) or self.line(j).lstrip().startswith("<!--"):
                break
            last = j
            j += 1
        return last

    def paragraph(self, i: int) -> int:
        if i + 1 < len(self.lines) and (under := _SETEXT.match(self.line(i + 1))):
            title = plain_text(self.line(i))
            if len(title) <= 120 and not title.endswith("."):
                self.add("heading", i, i + 1, title, 1 if under[1][0] == "=" else 2)
                return i + 2
        last = self.last_while(i, self.continues)
        unwrapped = any(b - a > WRAPPED for a, b in self.lines[i : last + 1])
        if unwrapped:
            for j in range(i, last + 1):
                self.add("paragraph", j, j)
        else:
            self.add("paragraph", i, last)
        return last + 1

    def continues(self, i: int) -> bool:
        """Does line `i` go on with the paragraph before it?"""
        line = self.line(i)
        if _ATX.match(line) or _RULE.match(line) or line.lstrip().startswith("<!--"):
            return False
        if _PICTURE.match(line):
            return False
        if _FENCE.match(line) and self.fence_end(i) is not None:
            return False
        if self.table_at(i):
            return False
        led_in = self.line(i - 1).rstrip().endswith(":") and LIST_ITEM.match(line)
        return not (led_in or _FIRST_ITEM.match(line))


def _lines(text: str) -> list[tuple[int, int]]:
    """Start and end of each line, newline (LF, CR LF or CR) left out."""
    lines = []
    start = 0
    for newline in re.finditer(r"\r\n|\r|\n", text):
        lines.append((start, newline.start()))
        start = newline.end()
    if start < len(text):
        lines.append((start, len(text)))
    return lines


def _plain_headings(text: str, blocks: list[Block]) -> tuple[Block, ...]:
    """Turn short lines that stand alone over a text into headings ("Disease course").

    A run of more than two such lines is a list without marks, and so is a run of questions.
    """
    titles = [_plain_title(text, block) or "" for block in blocks]
    result = list(blocks)
    for titled, group in groupby(range(len(blocks)), key=lambda i: bool(titles[i])):
        run = list(group)
        last = run[-1]
        if not titled or len(run) > 2 or last + 1 == len(blocks):
            continue
        if blocks[last + 1].kind == "heading":
            continue
        for i in run:
            question = i < last and titles[i].endswith("?")
            if not question and blocks[i + 1].kind not in ("aside", "code"):
                result[i] = replace(blocks[i], kind="heading", title=titles[i], level=PLAIN)
    return tuple(result)


def _plain_title(text: str, block: Block) -> str | None:
    """The words of a one-line block that could be a heading without markup."""
    line = block.span.of(text)
    if block.kind not in ("paragraph", "list") or len(line) > 80 or "\n" in line or "\r" in line:
        return None
    if block.kind == "list" and not _NUMBERED.match(line):
        return None
    words = _NUMBERED.sub("", plain_text(line)).strip()
    if not words or len(words.split()) > 12 or words[-1] in ".!;:,…\"”')]|" or "://" in words:
        return None
    starts = (
        words[0].isupper() or words[0].isdigit() or not (words[0].isalpha() and words[0].islower())
    )
    return words if starts and any(c.isalpha() for c in words) else None
