"""Rows of a table as statements: each cell beside the name of its column."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.documents.blocks import DELIMITER_ROW, plain_text

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


def _cells(row: str) -> tuple[str, ...]:
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return tuple(plain_text(cell.replace("\\|", "|")) for cell in _BORDER.split(inner))
