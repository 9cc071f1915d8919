"""What stands before a question: "ok, and", "what about", "back to MS,", "That few?"."""

from __future__ import annotations

import re

from bot.subjects import Subjects
from bot.wording import words

# Openings that say nothing. The second group may also begin a phrase ("no cure", "fine motor
# skills"), so they need a pause or another opening behind them.
_LEAD = re.compile(
    r"^(?:(?:(?:and|nd|n|but|so|then|ok|okay|also|hm+|um+|uh|ah+|oh|i see|got it|i mean(?:t)?|or)\b"
    r"|(?:well|now|right|alright|yes|yeah|yep|no|nope|cool|great|good|sure|fine|interesting|sorry"
    r"|actually|anyway|wait|next|plus|(?:thanks|thank you|thx)(?: a lot| so much| very much)?)"
    r"(?=\s*[,.;:!]|\s+(?:and|but|so|then|what|how|why|is)\b))(?:\s*[,.;:!]+\s*|\s+-+\s+|\s+))+",
    re.IGNORECASE,
)
# "forget the drug, just the life expectancy"
_DROPPED = re.compile(
    r"^(?:forget|never ?mind|leave|ignore|not|leaving|apart from)\b [^,.;?]{2,40}[,.;] *"
    r"(?=(?:just|only|what|how|the)\b)",
    re.IGNORECASE,
)
_JUST = re.compile(r"^(?:just|only) (?=(?:the|his|her|their|average|how|what)\b)", re.IGNORECASE)
_ABOUT = re.compile(
    r"^(?:(?:what|how|wat|whats) (?:about|abt)|what of|same (?:question )?for|as for)\b\s*",
    re.IGNORECASE,
)
_BACK = re.compile(
    r"^(?:(?:let's |lets |can we )?(?:go(?:ing)? |get |getting |come |coming )?back to|returning to"
    r"|coming to|regarding|as for|about|on|concerning) (?P<what>[^,:;.?]{1,60})[,:;.]\s*(?=\w)",
    re.IGNORECASE,
)
_REACTION = re.compile(
    r"^(?:that|that's|this|these|those|oh|ok|okay|wow|great|good|nice|sad|sorry|thanks|phew|damn"
    r"|interesting|really|hm+|ah|so)\b[^.?!,]{0,30}[.?!]+\s+(?=\w)",
    re.IGNORECASE,
)


# "what about her kids, could they get it": the kids are who could
_TAKEN_UP = re.compile(
    r"^(?P<who>[^,?]{2,30}?)(?:,|\?) (?P<rest>(?:is|are|do|does|did|can|could|will|would|what|when"
    r"|where|why|how)\b.*)$",
    re.IGNORECASE,
)
_THEY = re.compile(r"\b(?:they|he|she|it|that|them)\b(?!')", re.IGNORECASE)


def without_lead(
    text: str, topic: tuple[str, ...], subjects: Subjects
) -> tuple[str, tuple[str, ...], bool, bool]:
    """The text without "and", "what about", "back to MS,"; the topic; which of them it had."""
    text = _JUST.sub("", _DROPPED.sub("", _without_reaction(text, subjects)))
    cued = about = False
    for _ in range(3):
        lead = _LEAD.match(text)
        if lead and lead.end() < len(text):
            cued = (
                cued
                or re.search(r"\b(?:and|nd|n|but|so|then|also|or|plus)\b", lead[0], re.I)
                is not None
            )
            text = text[lead.end() :]
        back = _BACK.match(text)
        if back and (named := subjects.mentioned(back["what"])):
            topic = tuple(s for s in subjects.canonical if s in named)
            text, cued, about = text[back.end() :], False, False
        found = _ABOUT.match(text)
        if found and found.end() < len(text):
            text, about = text[found.end() :], True
            if taken := _taken_up(text, subjects):
                text, about = taken, False
    return text.strip(), topic, cued, about


def _taken_up(text: str, subjects: Subjects) -> str | None:
    """The question about what stands before its comma, that in the place of its pronoun."""
    found = _TAKEN_UP.match(text)
    if found is None or subjects.mentioned(found["who"]):
        return None
    meant, changed = _THEY.subn(lambda _: found["who"], found["rest"], count=1)
    return meant if changed else None


def _without_reaction(text: str, subjects: Subjects) -> str:
    """`text` without a short exclamation before the question: "That few? What about MS?"."""
    found = _REACTION.match(text)
    if found and len(words(found[0])) <= 4 and not subjects.mentioned(found[0]):
        return text[found.end() :]
    return text
