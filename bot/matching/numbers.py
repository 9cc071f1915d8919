"""Whether a question wants, or has, a number that its answer hasn't.

"By how many years does it shorten life?" is near to everything said of the length of a life: the
words all match, the kind of answer doesn't.
"""

from __future__ import annotations

import re

_UNIT = r"(?:years?|months?|weeks?|days?|hours?|minutes?|decades?|times|percent|per cent)"
_NUMBER = re.compile(
    rf"\b(?:after|within|in|for) how many {_UNIT}\b|\bhow many (?:more|less|fewer) {_UNIT}\b"
    rf"|\bhow many {_UNIT}.* exactly\b|\bby how (?:much|many)\b"
    r"|\b(?:what|which) (?:percentages?|percent|proportion|fraction|number)\b"
    r"|\bhow (?:much|many) percent\b",
    re.IGNORECASE,
)
_GROUPS = tuple(  # how many of them are asked for, and where they are spoken of
    (
        re.compile(rf"\bhow many (?:\w+ )?(?:{names})\b", re.IGNORECASE),
        re.compile(rf"\b(?:{names})\b", re.IGNORECASE),
    )
    for names in (
        r"m[ae]n|males?|boys?",
        r"wom[ae]n|females?|girls?",
        r"child(?:ren)?|kids?|teens?|teenagers?|babies",
        r"adults?|seniors?",
    )
)
_OFTEN = re.compile(r"\bhow often\b", re.IGNORECASE)
_COUNT = re.compile(r"\bhow many\b", re.IGNORECASE)
_SAID = re.compile(
    r"\d|%|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty"
    r"|fifty|sixty|seventy|eighty|ninety|dozens?|hundreds?|thousands?|millions?|billions?|half"
    r"|third|quarter|tenth|once|twice|double|percent)\b",
    re.IGNORECASE,
)
_ROUGHLY = re.compile(
    r"\b(?:majority|minority|most|many|few|fewer|some|several|all|every|each|no|none|nobody|both"
    r"|rare\w*|often|usually|typically|always|never|sometimes|commonly)\b",
    re.IGNORECASE,
)
_LONG = re.compile(r"(?<![\w.])\d{3,}(?!\w)")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3})")


def says_number(answer: str) -> bool:
    """Whether it holds a number, in digits or words."""
    return _SAID.search(answer) is not None


def lacks_number(question: str, answer: str) -> bool:
    """Whether `question` asks for a number and `answer` says none, or that of other people.

    Where things are only counted ("how many people", "how often"), a rough amount is one.
    """
    if any(asked.search(question) and not said.search(answer) for asked, said in _GROUPS):
        return True  # the number is that of others
    if says_number(answer):
        return False
    if _NUMBER.search(question):
        return True
    counted = _COUNT.search(question) or _OFTEN.search(question)
    return counted is not None and _ROUGHLY.search(answer) is None


def long_numbers(text: str) -> set[str]:
    """The numbers of three digits or more in `text`, without commas: codes, years, amounts."""
    return set(_LONG.findall(_THOUSANDS.sub("", text)))
