"""A quote as a person reads it: its words and lines stay, the marks around them go.

Quotes are verbatim wherever a program reads them; only what is shown goes through here. The
widget does the same (`readable` in `bot/web/widget/dom.js`).
"""

from __future__ import annotations

import re

_MARKS = (
    (re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)"), r"\1"),  # [label](address)
    (re.compile(r"(?<![\w*])(\*{1,3}|_{1,3})(?=\S)(.{1,500}?)(?<=\S)\1(?![\w*])", re.S), r"\2"),
    (re.compile(r"^[ \t]*>[ \t]?", re.M), ""),
)
_DASHES = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$")
_ROW = re.compile(r"[ \t]*\|(.*)")
_BORDER = re.compile(r"(?<!\\)\|")


def readable(text: str) -> str:
    """`text` without Markdown's marks of emphasis, links and quotations; rows of a table as their
    cells with dots between them, the line of dashes under their heads left out."""
    for pattern, substitute in _MARKS:
        text = pattern.sub(substitute, text)
    if "|" not in text:
        return text
    lines = text.split("\n")
    return "\n".join(_line(line) for line in lines if "|" not in line or not _DASHES.match(line))


def _line(line: str) -> str:
    if (row := _ROW.match(line)) is None:
        return line
    cells = (cell.strip().replace("\\|", "|") for cell in _BORDER.split(row[1]))
    return " · ".join(cell for cell in cells if cell)
