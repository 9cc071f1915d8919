"""Which pairs may answer today: reviewed where the owner asks for it, and not past their date."""

from __future__ import annotations

from datetime import date
from typing import Literal

from bot.knowledge.files import Unreviewed
from bot.types import QAPair

WARNED = 30  # days before its end that a pair is named by `check`

Withheld = Literal["out_of_date", "unreviewed"]


def withheld(pair: QAPair, unreviewed: Unreviewed, today: date) -> Withheld | None:
    """Why `pair` may not answer on the day `today`; None where it may."""
    if pair.review_by is not None and today > pair.review_by:
        return "out_of_date"
    if pair.reviewed is None and unreviewed == "decline":
        return "unreviewed"
    return None
