"""What a short question leaves out, taken from the question before it.

"At what age?" after "How is ALS diagnosed?" asks at what age ALS is diagnosed. All take and give
plain text without closing punctuation, and None where the form isn't theirs.
"""

from __future__ import annotations

import re

from bot.conversation.rewriting import first_word, listed
from bot.subjects import Subjects
from bot.wording import content_words

_AUX = r"(?:is|are|was|were|do|does|did|can|could|will|would|may|might|has|have|should)"
_SLUICE = re.compile(
    r"^(?:(?:at|from|until|by|in|for|on|to) (?:what|which|whom|how)(?: \w+){0,2}|since when)"
    r"(?: exactly| then| though| roughly| about)?$",
    re.IGNORECASE,
)
_HOW_BIG = re.compile(
    r"^how (?:big|large|great|much|wide) (?:is|of an?|would be) (?:the |a |that )?"
    r"(?:difference|gap)(?: (?:then|exactly))?$",
    re.IGNORECASE,
)
_ASKED = re.compile(  # "how | is ALS diagnosed", "how long | do people with ALS live"
    r"^(?:(?:at|from|until|by|in|for|on|to) )?(?:how|why|when|where|what|which|who)"
    rf"(?: (?!{_AUX}\b)\w+){{0,2}} (?P<rest>{_AUX} .+)$",
    re.IGNORECASE,
)
_GAP = re.compile(r"^(?P<wh>wh\w+|how) (?P<put>(?:the|your|a|their) \w+)$", re.IGNORECASE)
_THING = re.compile(r"\b(?:the|your|a|their) (?!two\b|us\b|u\.s)\w+", re.IGNORECASE)
_THAN = re.compile(  # "more than MS does", "compared to ALS"
    r"^(?:(?:more|less|worse|better|longer|earlier|later|\w+er)\b.* than|versus|vs\.?|unlike"
    r"|(?:as )?compared (?:to|with)|as opposed to) ",
    re.IGNORECASE,
)
_COMPARE = re.compile(
    r"^(?:compare|contrast) (?:it|that|this|those|these) (?:with|to|and|against) (?P<other>\w+)$",
    re.IGNORECASE,
)
MORE_OR_LESS = (
    r"\b(?:worse|better|more|less|milder|harder|easier|slower|faster|quicker|longer|shorter"
    r"|earlier|later|rarer|commoner|higher|lower|stronger|weaker|greater|fewer|\w+ier)\b"
)
_HARMS = re.compile(
    rf"^(?P<who>{_AUX} .*?\b(?:affect|hit|touch|damage|attack|harm|hurt|reach|impact|involve|change"
    r"|weaken|destroy|mess with|go for|get to)s?) .+$",
    re.IGNORECASE,
)
AT_LAST = re.compile(  # of the illness, not of what was asked: "and in the end?"
    r"(?:(?:in|at|towards?|near|by) the (?:very )?end|later(?: on)?|eventually|at last)",
    re.IGNORECASE,
)
_SAME = re.compile(
    r"^(?:(?:are|is) (?:they|it|that|those|these) )?(?:(?:all|both|about|pretty much) )?(?:the )?"
    r"(?:same|equal|alike|identical)(?: (?:thing|ones?|for both|in both|then))*$",
    re.IGNORECASE,
)
_RANK = re.compile(
    r"^(?:in |for |with )?which(?: one| of (?:the two|both|them|these))?"
    rf" (?P<how>{MORE_OR_LESS}|most|least|first)$",
    re.IGNORECASE,
)
_ASKED_OF = re.compile(
    rf"^{_AUX} (?:both )?(?P<who>(?:[^\s,]+ and )?[^\s,]+) (?:both )?(?P<rest>.+)$", re.IGNORECASE
)
_IT_OR_DISEASE = re.compile(
    r"\bit\b|\b(?:the|this|that|her|his) (?:disease|illness|condition|disorder)\b", re.IGNORECASE
)
_IN_FRONT = re.compile(
    r"^(?P<by>in|with|for) (?P<name>[^,]+?),?"
    rf" (?P<rest>(?:{_AUX}|what|which|who|when|where|why|how)\b .+)$",
    re.IGNORECASE,
)
_IS_WORSE = re.compile(
    rf"^(?P<name>[^,]+?) is (?:the |even )?(?P<how>{MORE_OR_LESS})(?: one)?$", re.I
)
_IT = re.compile(r"\b(?:(?P<is>it's|that's|this is)|it|that|this)(?= )", re.IGNORECASE)
_FRONT = re.compile(r"^(?:(?:in|with|for) )?(?P<name>[^,]+), (?P<rest>\w+ .+)$")
_OPENS = re.compile(
    rf"(?:(?:and|so|but) )*(?:{_AUX}|what|which|who|when|where|why|how)\b", re.IGNORECASE
)
_SENTENCE = re.compile(r"[.?!]+\s+")


def last_question(text: str, subjects: Subjects) -> str:
    """The last sentence of a text of several, with the subject that an earlier one names."""
    *before, last = _SENTENCE.split(text)
    if not before or not _OPENS.match(last):
        return text
    named = subjects.mentioned(" ".join(before))
    if subjects.mentioned(last) or not named:
        return last
    put = listed([s for s in subjects.canonical if s in named], "and")
    meant, changed = _IT_OR_DISEASE.subn(lambda _: put, last, count=1)
    return meant if changed else text


def sluiced(body: str, base: str) -> str | None:
    """ "at what age" after "how is ALS diagnosed": "at what age is ALS diagnosed"."""
    body = _HOW_BIG.sub("by how much", body)
    if not _SLUICE.match(body) or not base:
        return None
    if re.match(rf"{_AUX}\b", base, re.IGNORECASE):
        return f"{body} {base[:1].lower()}{base[1:]}"
    found = _ASKED.match(base)
    return f"{body} {found['rest']}" if found else None


def gapped(body: str, base: str) -> str | None:
    """ "which the body" after "which hits the mind harder": "which hits the body harder"."""
    found = _GAP.match(body)
    things = list(_THING.finditer(base))
    if found is None or not things or first_word(base) != found["wh"].casefold():
        return None
    old = things[-1]
    return f"{base[: old.start()]}{found['put']}{base[old.end() :]}"


def harmed_too(body: str, base: str) -> str | None:
    """ "the spine" after "does MS attack the brain": "does MS attack the spine"."""
    found = _HARMS.match(base)
    plain = len(body.split()) <= 4 and not _OPENS.match(body)
    return f"{found['who']} {body}" if found and plain else None


def alike(body: str, about: tuple[str, ...], subjects: Subjects) -> str | None:
    """ "the same?" after the symptoms of one: "are the symptoms of MS and ALS the same"."""
    if not _SAME.match(body) or len(subjects.canonical) != 2 or not about:
        return None
    return f"are the {' '.join(about)} of {listed(subjects.canonical, 'and')} the same"


def ranked(body: str, base: str, subjects: Subjects) -> str | None:
    """ "which more" after "do MS and ALS both affect memory": "which affects memory more, ..."."""
    found = _RANK.match(body)
    asked = _ASKED_OF.match(base)
    if found is None or asked is None or len(subjects.canonical) != 2:
        return None
    of_both = subjects.both(base) or subjects.mentioned(asked["who"])
    if not of_both or subjects.mentioned(asked["rest"]):
        return None
    return f"which {asked['rest']} {found['how']}, {listed(subjects.canonical, 'or')}"


def of_front(body: str, subjects: Subjects) -> str:
    """ "in ALS what does it do" -> "what does it do in ALS"."""
    found = _IN_FRONT.match(body)
    if found is None or found["name"] not in subjects.canonical:
        return body
    return f"{found['rest']} {found['by']} {found['name']}"


def worse(body: str, about: tuple[str, ...], subjects: Subjects) -> str | None:
    """ "ALS is worse" -> "is ALS worse than MS (late stage)"; `about` says what of it."""
    found = _IS_WORSE.match(body)
    if found is None or found["name"] not in subjects.canonical:
        return None
    other = subjects.other(found["name"])
    in_brackets = f" ({' '.join(about)})" if about else ""
    return f"is {found['name']} {found['how']} than {other}{in_brackets}" if other else None


def compared(
    body: str, base: str, topic: tuple[str, ...], about: tuple[str, ...], subjects: Subjects
) -> str | None:
    """ "is it worse with ALS" after MS: "is it worse with ALS than with MS (late stage)".

    `about`: the words that say what of it is compared.
    """
    named = subjects.mentioned(body)
    if len(topic) != 1 or len(named) != 1 or topic[0] in named:
        return None
    if _THAN.match(body):
        return f"{base} {body}"
    if found := _COMPARE.match(body):
        return f"{base} compared with {found['other']}"
    if not re.search(MORE_OR_LESS, body, re.IGNORECASE) or not _IT.search(body):
        return None
    in_brackets = f" ({' '.join(about)})" if about else ""
    if re.search(r"\bthan\b", body, re.IGNORECASE):
        of_it = _IT.sub(lambda m: f"{topic[0]} is" if m["is"] else topic[0], body, count=1)
        return f"{of_it}{in_brackets}"
    return f"{body} than with {topic[0]}{in_brackets}"


def fronted(body: str, subjects: Subjects) -> str | None:
    """ "MS, does it end well" -> "does MS end well"."""
    found = _FRONT.match(body)
    if found is None or found["name"] not in subjects.canonical:
        return None
    rest, changed = re.subn(
        r"\b(?:it|that)\b(?!')", lambda _: found["name"], found["rest"], count=1
    )
    return rest if changed and len(content_words(rest)) > 0 else None
