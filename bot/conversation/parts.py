"""The parts of a message that asks several things."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.wording import content_words

MOST_PARTS = 4

_ASKS = (
    r"(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|will"
    r"|would|should|has|have)"
)
_PARTS = re.compile(
    rf"[?;]+\s+|\.\s+|,?\s+(?:and|but|or|plus|also)\s+(?:also\s+)?(?={_ASKS}\b)|,\s*(?={_ASKS}\b)",
    re.IGNORECASE,
)
_QUESTION = re.compile(rf"^(?:(?:and|so|but|then|also)\s+)*{_ASKS}\b", re.IGNORECASE)


def parts_of(question: str) -> list[str]:
    """The parts of `question` that ask something, at most `MOST_PARTS`."""
    pieces: Iterator[str] = (p.strip(" ,.;?") for p in _PARTS.split(question))
    asking = [p for p in pieces if _QUESTION.match(p) and content_words(p)]
    return asking[:MOST_PARTS]
