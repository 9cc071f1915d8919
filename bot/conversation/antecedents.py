"""What "it" and "they" stand for where that isn't the subject of the conversation.

After "How does sclerosis come about in ALS?" the "it" of "is it reversible" is the sclerosis:
taken for ALS, the question would be answered with what is said on a cure. The grammar of the
previous question tells what it is about; where it names a subject too, "it" is that subject unless
the new question is asked of things and what happens to them ("where is it found").
"""

from __future__ import annotations

import re

from bot.subjects import Subjects
from bot.wording import content_words, words

_AUX = r"(?:is|are|was|were|do|does|did|can|could|will|would|may|might|has|have|should)"
_DET = r"(?:the|a|an|your|their|any)"
# A second word belongs to the noun before it where it looks like a noun: "muscle wasting".
_MORE = r"(?: \w+(?:ing|s|tion|sion|ment|ness|ity|ncy|nce|ge|sk|ath))?"
_AFTER = r"in|of|with|for|from|like|made|found|called|\w+ed"
_NOUN = rf"(?P<noun>(?:{_DET} )?[^\W\d_][\w-]+{_MORE})"
_ABOUT = (
    re.compile(  # "what is myelin", "what are the symptoms of MS"
        r"^(?:(?:what|where)(?:'?s| is| are)|define|describe|explain)"
        rf" (?P<noun>(?:{_DET} )?[^\W\d_][\w-]+(?: (?!(?:{_AFTER})\b)[\w-]+){{0,2}})"
        rf"(?: (?:{_AFTER})\b.*)?$",
        re.IGNORECASE,
    ),
    re.compile(  # "what goes wrong with myelin in MS"
        rf"^what (?:goes|went|is|happens|happened)(?: wrong| happening| going on)? (?:with|to)"
        rf" {_NOUN}(?: (?:{_AFTER})\b.*)?$",
        re.IGNORECASE,
    ),
    re.compile(  # "what causes sclerosis in MS"
        rf"^what (?:causes?|caused|triggers?|leads? to|brings? about) {_NOUN}"
        rf"(?: (?:{_AFTER})\b.*)?$",
        re.IGNORECASE,
    ),
    re.compile(  # "what happens when myelin breaks down"
        rf"^what (?:happens|goes wrong) (?:when|if|once) (?P<noun>(?:{_DET} )?[^\W\d_][\w-]+)\b",
        re.IGNORECASE,
    ),
    re.compile(  # "how does sclerosis come about in ALS", "can the scars be removed"
        rf"^(?:(?:how|why|when|where|what) )?{_AUX} {_NOUN}\b(?! (?:or|and)\b)", re.IGNORECASE
    ),
    # "do both have sclerosis"
    re.compile(rf"^{_AUX} .+ (?:have|get|cause|share|involve|lead to) {_NOUN}$", re.IGNORECASE),
    # "which symptoms do both have"
    re.compile(rf"^(?:which|what) {_NOUN} {_AUX}\b", re.IGNORECASE),
)
# What is never asked back to with "it" or "they", or no differently from the illness itself.
_NO_NOUN = frozenset(
    words(
        "people patients patient persons person sufferers men women man woman children kids anyone "
        "anybody someone somebody everyone everybody nobody doctors doctor scientists one ones you "
        "we i it he she they them this that these those there either both neither each most many "
        "all some other others two more less not no only kind kinds type types age time way part "
        "disease diseases illness illnesses condition conditions disorder disorders difference "
        "differences similarities my our his her its which what to be having getting "
        "living course cure treatment medical advice being the a folks ppl guys behind"
    )
)
_SCOPE = (  # what "that" may stand before without being its article
    r"(?! (?:disease|illness|condition|disorder|phase|stage|way|case|kind|type|age|mean|happen|true"
    r"|apply)s?\b)"
)
_ONE = re.compile(
    r"\b(?:it|its)\b(?!')|\bthat$"
    rf"|(?<=\b(?:is|do|of|to|by) )that\b{_SCOPE}|(?<=\b(?:was|did|can|for) )that\b{_SCOPE}"
    rf"|(?<=\b(?:does|will|from|with|stop|cure|help) )that\b{_SCOPE}",
    re.IGNORECASE,
)
_MANY = re.compile(
    r"(?<!\b(?:each|both|hich) of )(?<!either of )\b(?:they|them|their|these|those)\b",
    re.IGNORECASE,
)
_THEM = re.compile(r"\b(?:them|these|those)$", re.IGNORECASE)
_OF_ILLNESS = re.compile(
    r"\b(?:fatal|deadly|lethal|kills?|die|dying|curable|cured?|treat\w*|hereditary|inherit\w*"
    r"|genetic\w*|genes?|famil\w+|contagious|catch\w*|infectious|common\w*|rare\w*|diagnos\w*"
    r"|symptoms?|prevent\w*|progress\w*|(?:get|have|has|having|got|getting|with) it|live|lifespan"
    r"|life|autoimmune|disease|wom[ae]n|m[ae]n|stages?|worse)\b",
    re.IGNORECASE,
)
_OF_PEOPLE = re.compile(
    r"\b(?:they|these|those) (?:still |all |ever |also )*(?:live|die|have|get|walk|talk|feel|forget"
    r"|suffer|know|think|survive|eat|speak|work|need|take|move|lose|become)\b",
    re.IGNORECASE,
)
_MENDED = (
    r"\b(?:repair\w*|undone|undo|revers\w*|heal\w*|restor\w*|regenerat\w*|regrow\w*|rebuil\w+"
    r"|(?:grow|come|get \w+) back|remov\w+|fix\w*|recover\w*|regain\w*|mend\w*)\b"
)
_MENDING = re.compile(_MENDED, re.IGNORECASE)
_OF_THINGS = re.compile(
    rf"{_MENDED}|\b(?:happen\w*|occur\w*|come (?:about|from)|form|formed|made of|located|called"
    r"|hurts?|painful|permanent|go away|where)\b",
    re.IGNORECASE,
)
# "which of the two hardens it"
_WHICH_DOES = re.compile(r"^which .*(?<!\b(?:is|as)) (?:it|them)$", re.IGNORECASE)
_PROCESS = re.compile(r"(?:sis|ation|ing|age|ment|down|tion)$", re.IGNORECASE)
_ACTS = re.compile(r"\b(?:leads?|do|does|causes?|brings?|affects?|mean)\b", re.IGNORECASE)


_ACTING = frozenset(words("can could does do did will would may might how"))


def resolved(body: str, question: str, subjects: Subjects) -> str | None:
    """`body` with its pronoun made the thing that `question` is about; None to leave it.

    Both are plain text without closing punctuation.
    """
    named = bool(subjects.mentioned(question))
    if thing := _asked_about(question, subjects):
        if _is_plural(thing):
            of_it = _OF_THINGS.search(body) or _THEM.search(body)
            other = _OF_PEOPLE.search(body) or (subjects.both(question) and not of_it)
            return None if other else _put(body, _MANY, thing)
        acting = _PROCESS.search(thing) and _ACTS.search(body)
        acting = acting or _WHICH_DOES.search(body)
        if named and (_OF_ILLNESS.search(body) or not (acting or _OF_THINGS.search(body))):
            return None
        return _put(body, _ONE, thing)
    mended = _MENDING.search(body) or _WHICH_DOES.search(body)
    if mended and (harmed := _harmed(question, subjects)):
        return _put(body, _MANY if _is_plural(harmed) else _ONE, harmed) or _put(body, _ONE, harmed)
    return None


def _asked_about(question: str, subjects: Subjects) -> str | None:
    """The thing, other than a subject, that `question` is about: "sclerosis", "the scars"."""
    for pattern in _ABOUT:
        if found := pattern.match(question):
            noun = found["noun"]
            own = [w for w in words(noun) if w not in ("the", "a", "an")]
            free = bool(own) and not _NO_NOUN.intersection(own) and not subjects.mentioned(noun)
            return noun if free else None
    return None


def _harmed(question: str, subjects: Subjects) -> str | None:
    """What a subject does something to: "the nerves" of "does MS scar the nerves"."""
    mentions = subjects.mentions(question)
    if not mentions or _OF_ILLNESS.search(question):
        return None
    if len(mentions) == 1 and words(question)[0] in _ACTING:
        after = words(question[mentions[0].end :])[1:]  # behind the verb
        if 1 <= len(after) <= 4:
            return " ".join(after)
    names = {w for m in mentions for w in words(question[m.start : m.end])}
    about = [w for w in content_words(question) if w not in names and w not in _NO_NOUN]
    return " ".join(about[:4]) or None


def _put(body: str, pronoun: re.Pattern[str], thing: str) -> str | None:
    """`body` with `thing` for its first pronoun; None where it has none."""

    def named(found: re.Match[str]) -> str:
        own = found[0].casefold() in ("its", "their")
        return f"{thing}'s" if own else thing

    text, changed = pronoun.subn(named, body, count=1)
    return text if changed else None


def _is_plural(noun: str) -> bool:
    return noun.endswith("s") and not noun.endswith(("ss", "is", "us", "ness"))
