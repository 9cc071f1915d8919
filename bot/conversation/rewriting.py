"""Building blocks of a rewrite: put a subject, a group, a place or a time into a question.

All take and give plain text without closing punctuation. What has no place is appended, so
nothing of either question is lost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.subjects import Subjects
from bot.wording import words

# Words that a fragment may have beside a subject and still only swap the subject.
SMALL = frozenset(
    words(
        "a about also an and any applies apply are as at be both but can case could did different "
        "do does doesn't don't either every for from go goes guess happen happens has have having "
        "he hold holds how i if in instead is isn't it just like likewise maybe me mean meant "
        "neither no nor not now of on one ones only oops or other patients people perhaps person "
        "please probably rather same she similar similarly so somebody someone sorry still "
        "sufferers suppose tell that the them then there they thing think this tho those though "
        "to too true two typo was well were what who will with would wrong"
    )
)
_DISEASE = r"(?:disease|illness|condition|disorder|syndrome)"
_THE_THING = re.compile(rf"\b(?:this|that|the|such an?) {_DISEASE}\b", re.IGNORECASE)
_IT = re.compile(r"\b(?P<it>it's|its|it)\b(?!')", re.IGNORECASE)
EMPTY_IT = re.compile(  # an "it" that stands for nothing, or for the noun that is asked for
    r"\bit (?:rain|snow|take|seem|matter that|be (?:true|possible))\w*"
    r"|\b(?:is|was|isn't|be) it (?:\w+ )?\w+ (?:to|that)\b"
    r"|\b(?:is|was|isn't) it (?:true|possible|raining|snowing|cold outside|hot outside)\b"
    r"|^(?:what|which)(?: \w+){1,3} (?:is|was) it\b|\bhow(?:'s| is) it going\b"
    r"|\bit's (?:true|possible|raining)\b",
    re.IGNORECASE,
)
_THIS_DOES = re.compile(  # "will this get worse", but not "does this mean"
    r"\b(?P<by>will|does|could|would) this(?= (?:\w+ )?(?:get|kill|affect|cause|run|progress|spread"
    r"|shorten|take|last|end|go away|improve|become|strike|start)\b)",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"\b(?P<who>he's|she's|he|she|him|his|hers|her|they|them|their)\b", re.IGNORECASE
)
_PLURAL = re.compile(
    r"\b(?:(?P<of>either|neither|both|each|one|which) of )?(?:they|them|(?:the|these|those) two"
    r"(?: \w+s)?|(?:the|these|those|both) (?:diseases|illnesses|conditions|disorders)|both"
    r"|(?P<alone>either|neither)(?: one)?)\b",
    re.IGNORECASE,
)
_THEY_WHO = re.compile(  # only people do that
    r"\bthey(?= (?:still |all |ever |also |usually )*(?:live|die|walk|talk|speak|feel|forget|suffer"
    r"|survive|eat|move|lose|become|end up)\b)",
    re.IGNORECASE,
)
_WHICH_ONE = re.compile(
    rf"\bwhich (?:one|of (?:the two|these|those|both))\b|\bwhich {_DISEASE}\b", re.I
)
_GROUP = (
    r"(?:(?:older|younger|young|old|elderly|middle-aged|pregnant|black|white|asian|hispanic"
    r"|healthy|other) )?(?:men|women|man|woman|males?|females?|boys?|girls?|children|kids?|child"
    r"|adults?|teens|teenagers?|babies|infants?|seniors|the elderly|elderly|older people"
    r"|young people|older ones|young ones|guys|ladies|people (?:over|under) \d+)"
)
_COUNTRIES = (
    r"(?:u\.?s\.?a?\.?|u\.?k\.?|(?:united )?states|america|united kingdom|canada|mexico|brazil"
    r"|argentina|germany|france|spain|italy|portugal|england|scotland|wales|ireland|britain|europe"
    r"|poland|russia|ukraine|sweden|norway|finland|denmark|iceland|austria|switzerland|belgium"
    r"|netherlands|holland|greece|turkey|israel|egypt|africa|south africa|nigeria|kenya|asia|china"
    r"|japan|korea|india|pakistan|indonesia|vietnam|thailand|philippines|australia|new zealand"
    r"|world|country|here|worldwide|globally|abroad|elsewhere)"
)
_PLACE = (
    rf"(?:in|across|for|from|at) (?:the )?(?:(?i:{_COUNTRIES})|[A-Z][a-z]+(?: [A-Z][a-z]+)*)"
    r"|(?i:worldwide|globally|abroad|here|elsewhere)"
)
_WHEN = (
    r"(?:in|since|before|after|by|until) (?:\d{4}|the (?:\d{4}s|past|future))|at \d{1,3}"
    r"|(?:after|before|over|under) \d{1,3}|(?:last|next|this) year|today|nowadays"
)
_AT_PLACE = re.compile(rf"\b(?P<fill>{_PLACE})(?!\w)")
_DEMONYM = re.compile(  # gives way to another place
    r"\b(?:americans|canadians|britons|brits|germans|europeans|australians|mexicans|indians)\b",
    re.IGNORECASE,
)
_SLOTS = (
    re.compile(rf"\b(?:(?P<by>in|for|among|with|of) )?(?P<fill>(?i:{_GROUP}))\b"),
    _AT_PLACE,
    re.compile(rf"\b(?P<fill>(?i:{_WHEN}))\b"),
)
PLACING = frozenset(words("in for with at on during after before without under over by from as"))


def with_subject(body: str, topic: Sequence[str], subjects: Subjects) -> str:
    """`body` with its pronoun made the subject, or the subject appended."""
    if len(topic) > 1:
        return _with_several(body, topic, subjects)
    name = topic[0]
    if _THE_THING.search(body):
        return _THE_THING.sub(lambda _: name, body)
    if not EMPTY_IT.search(body) and _IT.search(body):
        forms = {"it": name, "its": f"{name}'s", "it's": f"{name} is"}
        return _IT.sub(lambda m: forms[m["it"].casefold()], body)
    if subjects.is_condition(name) and _THIS_DOES.search(body):
        return _THIS_DOES.sub(lambda m: f"{m['by']} {name}", body)
    if not subjects.is_condition(name) and _PERSON.search(body):
        own = {"his", "hers", "her", "their"}
        is_ = {"he's", "she's"}
        return _PERSON.sub(
            lambda m: (
                name
                + (
                    "'s"
                    if m["who"].casefold() in own
                    else " is"
                    if m["who"].casefold() in is_
                    else ""
                )
            ),
            body,
        )
    if body.casefold().endswith(" for") and not subjects.is_condition(name):
        return f"{body}, about {name}"
    return f"{body} {preposition(name, subjects)} {name}"


def _with_several(body: str, topic: Sequence[str], subjects: Subjects, joint: str = "or") -> str:
    together, apart = listed(topic, "and"), listed(topic, "or")
    if _WHICH_ONE.search(body):
        return f"{body}, {apart}"

    def named(found: re.Match[str]) -> str:
        of = (found["of"] or found["alone"] or "").casefold()
        neither = f"neither {' nor '.join(topic)}"
        put = {"": together, "both": f"both {together}", "either": f"either {apart}"}
        put["neither"] = neither
        return put.get(of, f"{of} of {together}")

    if subjects.is_condition(topic[0]) and _THEY_WHO.search(body):
        return _THEY_WHO.sub(lambda _: f"people with {together}", body, count=1)
    if _PLURAL.search(body):
        return _PLURAL.sub(named, body, count=1)
    if _IT.search(body) and not EMPTY_IT.search(body):
        return _IT.sub(listed(topic, joint), body, count=1)
    return f"{body} {preposition(topic[0], subjects)} {together}"


def swap(base: str, topic: Sequence[str], target: Sequence[str], subjects: Subjects) -> str:
    mentions = subjects.mentions(base)
    held = list(dict.fromkeys(m.subject for m in mentions))
    name = listed(target, "and")
    if not held:
        if len(target) > 1:
            return _agreeing(_with_several(base, target, subjects, "and"), name)
        return with_subject(base, target, subjects)
    if len(held) > 1:
        several = "|".join(re.escape(n) for n in held)
        run = (
            rf"(?:\b(?:both|either|neither) )?(?:{several})"
            rf"(?:,? (?:and|or|nor|vs\.?|versus) (?:{several}))+"
        )
        single = re.sub(run, lambda _: name, base)
        single = _agreeing(single, name)
        if single != base or len(target) > 1 or len(held) > 2 or target[0] not in held:
            return single
        if held[0] == target[0]:
            return base
        exchange = {held[0]: held[1], held[1]: held[0]}
        return _replaced(base, [(m.start, m.end, exchange[m.subject]) for m in mentions])
    return _agreeing(_replaced(base, [(m.start, m.end, name) for m in mentions]), name)


def _agreeing(text: str, name: str) -> str:
    """ "is MS and ALS" -> "are MS and ALS", and "do ALS" -> "does ALS" ("who has ALS" stays)."""
    pairs = (("is", "are"), ("does", "do"), ("was", "were"))
    change = dict(pairs) if " and " in name else {many: one for one, many in pairs}
    return re.sub(
        rf"\b({'|'.join(change)})(?= {re.escape(name)})",
        lambda m: change[m[1].casefold()],
        text,
        flags=re.IGNORECASE,
    )


def slot(
    body: str, base: str, named: Sequence[str], topic: Sequence[str], subjects: Subjects
) -> str | None:
    """The previous question with a group, place or time exchanged for that of `body`."""
    for slot in _SLOTS:
        new = slot.search(body)
        if new is None:
            continue
        if slot is _AT_PLACE:
            base = _DEMONYM.sub("people", base)
        if named:
            base = swap(base, topic, named, subjects)
        groups = new.groupdict()
        rest = body[: new.start()] + body[new.end() :]
        if any(w not in SMALL for w in words(_subjects_out(rest, subjects))):
            return None
        old = slot.search(base)
        if old is not None:
            start, end = old.span("fill")
            return base[:start] + new["fill"] + base[end:]
        lead = "" if "by" not in groups else f"{groups['by'] or 'in'} "
        return f"{base} {lead}{new['fill']}"
    return None


def placed(body: str, base: str, subjects: Subjects) -> str:
    """The previous question with a phrase such as "from your mother", in place of its like."""
    old = re.search(rf"\b{re.escape(first_word(body))}(?: [\w'-]+){{1,3}}$", base, re.IGNORECASE)
    if old and not subjects.mentioned(old[0]):
        base = base[: old.start()].rstrip()
    return f"{base} {body}"


def _subjects_out(text: str, subjects: Subjects) -> str:
    """`text` without the names of subjects."""
    return _replaced(text, [(m.start, m.end, " ") for m in subjects.mentions(text)])


def complete(body: str, topic: Sequence[str], subjects: Subjects) -> str:
    """A noun made a question: "the symptoms" -> "what are the symptoms of ALS"."""
    name = listed(topic, "and")
    if body.casefold().startswith("the "):
        plural = body.casefold().endswith("s") and not body.casefold().endswith(("ss", "is", "us"))
        return f"what {'are' if plural else 'is'} {body} of {name}"
    if first_word(body) in PLACING:
        return f"{name} {body}"
    return f"{body} {preposition(topic[0], subjects)} {name}"


def preposition(name: str, subjects: Subjects) -> str:
    return "with" if subjects.is_condition(name) else "for"


def listed(names: Sequence[str], joint: str) -> str:
    if len(names) <= 1:
        return "".join(names)
    return f"{', '.join(names[:-1])} {joint} {names[-1]}"


def _replaced(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    for start, end, put in reversed(edits):
        text = text[:start] + put + text[end:]
    return " ".join(text.split())


def first_word(text: str) -> str:
    """The first word of `text`, lower case, without a contracted verb; "" for none."""
    found = words(text)
    return found[0].removesuffix("'s").removesuffix("'re") if found else ""
