"""Whether a message asks for more than what was just said, and a reply would only say it again."""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.matching.numbers import says_number

_WHY = re.compile(r"(?:why|how come|for what reason)\b", re.IGNORECASE)
_FURTHER = re.compile(
    r"(?:how (?:often|long|soon|quickly|fast|likely|so|exactly)|since when|when|where|in what way"
    r"|by how much)\b",
    re.IGNORECASE,
)
_AMONG = re.compile(r"\bwhich (?:one )?of (?:those|these)\b|\b(?:in )?the same way$", re.IGNORECASE)


def says_it_again(
    question: str, asked: str, fragment: bool, answers: Collection[str], said: Collection[str]
) -> bool:
    """Whether `answers` only repeat `said`, where the reason of it is asked for, since when it is
    so, or which of what it lists comes first.

    `question` is the message `asked` as understood; `fragment`: it is part of the question before
    it ("since when?"). A number that was said may be asked for.
    """
    if _AMONG.search(asked):
        return any(a in s or s in a for a in answers for s in said)
    if not all(any(a in s for s in said) for a in answers):
        return False
    if _WHY.match(question):
        return True
    further = fragment and _FURTHER.match(question) is not None
    return further and not any(map(says_number, answers))
