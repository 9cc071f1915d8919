"""Rows of a table as statements: each cell beside the name of its column."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.documents.blocks import DELIMITER_ROW, plain_text
from bot.types import Span

_BORDER = re.compile(r"(?<!\\)\|")


def column_names(piece: str) -> tuple[str, ...] | None:
    """The cells of the first row, where `piece` is that row with the line of dashes under it."""
    first, _, under = piece.strip().partition("\n")
    if "|" not in first or not DELIMITER_ROW.match(under.strip()):
        return None
    return _cells(first)


def is_row(piece: str) -> bool:
    return piece.lstrip().startswith("|") and len(_cells(piece)) > 1


def row_name(piece: str) -> str:
    """The row's first cell; "" where it is empty."""
    return _cells(piece)[0]


def row_said(piece: str, columns: Sequence[str]) -> str:
    """ "Adult: At the door £12.50, Online £11.00"; a cell without a name stands alone."""
    name, *cells = _cells(piece)
    named = [*columns[1:], *[""] * len(cells)]
    told = [f"{n} {cell}".strip() for n, cell in zip(named, cells, strict=False) if cell]
    return f"{name}: {', '.join(told)}" if name and told else name or ", ".join(told)


def row_at(text: str, span: Span) -> str | None:
    """The row that `span` of `text` is, told with the names of its columns; None where it is no
    single row of a table whose first row names them."""
    quote = span.of(text).strip()
    if not is_row(quote) or "\n" in quote:
        return None
    above: list[str] = []
    for line in reversed(text[: span.start].splitlines()):
        if not line.lstrip().startswith("|"):
            break
        above.insert(0, line)
        if len(above) > 1 and (names := column_names("\n".join(above[:2]))) is not None:
            told = row_said(quote, names)
            return told if any(names[1:]) and told != row_said(quote, ()) else None
    return None


def _cells(row: str) -> tuple[str, ...]:
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(plain_text(cell.replace("\\|", "|")) for cell in _BORDER.split(inner))
