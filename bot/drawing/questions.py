"""Questions that a sentence answers, drawn by rules on its surface.

Each rule takes the main clause and gives a question or nothing. The order of the rules is the
order of preference: the first question is the one that visitors are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.drawing.clauses import (
    Clause,
    is_verb_form,
    read_clause,
    turned,
)
from bot.drawing.phrases import small_first

MAX_WORDS = 18  # a longer question is no one's
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_WHEN = re.compile(
    r"(?:,\s*)?\b(?P<prep>in|on|during|by|since|until|from|around|about|after|before|between)\s+"
    r"(?:the\s+)?(?:(?:early|mid|late|beginning|end|middle|first half|second half|start)"
    r"[-\s](?:of\s+)?(?:the\s+)?|about\s+|around\s+)*"
    rf"(?:{_MONTH}(?:\s+\d{{1,2}}\b)?,?(?:\s+\d{{3,4}}\b)?|\d{{1,2}}\s+{_MONTH}(?:\s+\d{{3,4}})?|"
    r"[12]\d{3}s?\b|\d{3}\b(?=\s*(?:AD|BC|BCE|CE|$|[,;.]))|"
    r"(?:\d{1,2}(?:st|nd|rd|th)|\w+teenth|twentieth)(?:\s+(?:and|to|or)\s+\d{1,2}(?:st|nd|rd|th))?"
    r"\s+(?:century|centuries))(?:\s*(?:AD|BC|BCE|CE)\b)?",
)
_WHERE = re.compile(
    r"\b(?:in|at|near|throughout|across)\s+(?:the\s+)?(?:(?:north|south|east|west)\w*\s+)?"
    rf"(?!{_MONTH})[A-Z][\w’'-]+(?:\s+(?:of\s+)?[A-Z][\w’'-]+)*"
)
_WHY = re.compile(
    r"[,\s]+(?:because(?: of)?|due to|as a result of|in order to|owing to|thanks to|so that)\b"
)
_NUMBER = (
    r"(?:\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|"
    r"fifty|hundreds|thousands|dozens)(?:\s*(?:to|or|and|-|–)\s*\d[\d,.]*)?"
    r"(?:\s+(?:hundred|thousand|million|billion|trillion))?"
)
_ABOUT = (
    r"(?:(?:about|around|approximately|roughly|nearly|almost|over|under|more than|fewer than|"
    r"less than|at least|at most|up to|some|an estimated|as many as|only|just|a total of)\s+)*"
)
_COUNT = re.compile(
    rf"{_ABOUT}{_NUMBER}\s+(?:of\s+)?(?P<noun>(?:[a-z][\w-]+\s+)?(?:[a-z][\w-]*s|people|men|women|children|teeth|feet))"
    r"\b",
    re.I,
)
_PERCENT = re.compile(rf"{_ABOUT}\d[\d,.]*\s*(?:%|percent|per cent)\s+(?P<of>of\s+.+)", re.I)
_DURATION = re.compile(
    rf"(?:for\s+)?{_ABOUT}{_NUMBER}\s+(?:\w+\s+)?(?:seconds|minutes|hours|days|weeks|months|years|centuries|decades)\b",
    re.I,
)
_MEASURE = re.compile(  # "an average life expectancy of about three to five years"
    r"\b(?:an?|the) (?!(?:person|child|adult|group|family|member)\b)"
    rf"(?P<noun>(?:[a-z][\w-]+ ){{0,3}}[a-z][\w-]+) of {_ABOUT}{_NUMBER}",
    re.I,
)
_AFTER = re.compile(r"\b(?:after|before|later|ago|earlier|from now)\b")
_MONEY = re.compile(rf"{_ABOUT}(?:[$€£¥]\s?\d|\d+(?:p|c|¢| pence| cents)\b)", re.I)
_PERSON = re.compile(
    r"^(?:an?|the)\s(?:[\w-]+\s){0,4}?(?:king|queen|emperor|empress|leader|general|writer|author|"
    r"president|scientist|philosopher|historian|artist|actor|actress|poet|politician|engineer|"
    r"physician|doctor|nurse|inventor|explorer|missionary|geographer|founder|director|minister|"
    r"economist|astronomer|mathematician|physicist|chemist|lawyer|judge|bishop|pope|prince|"
    r"princess|duke|son|daughter|wife|husband|brother|sister|scholar|theologian|theorist)\b"
)
_TO_DO = re.compile(r"(?:To|If you (?:want|need|would like|wish) to) ([a-z][^,;:.]{3,80}),")
_WHAT_IF = re.compile(r"If ([a-z][^,;:.]{5,80}),")
_NEEDED = re.compile(r"(?:Please )?(bring|wear|pack|avoid|prepare)\b(?! (?:me|us)\b)", re.I)
_PURPOSE = re.compile(r" to (?!(?:the|an?|your|our|my)\b)([a-z]+ [^,;:.]{3,80})\.?$")
_TAKES_TO = frozenset(
    "lead refer belong apply contribute relate respond return turn move come convert lie".split()
)
_THINKS = frozenset(
    "argue believe say feel think claim write know state note suggest explain".split()
)
_PEOPLE = re.compile(
    r"\b(?:people|patients|men|women|children|persons|scholars|historians|writers|adults?|tenants|"
    r"parents|students|pupils|visitors|guests|members|volunteers|carers|residents|customers|"
    r"passengers|participants|staff|families|users|drivers|nobody|no one|anyone|anybody|everyone|"
    r"everybody|someone|somebody)$",
    re.I,
)
_HEAD = re.compile(r" (?:of|in|on|at|with|without|for|from|under|over|aged|who|to|and)\b.*")
_TITLED = re.compile(r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Sir)\b")
_ARTICLE = re.compile(r"^(?:an?|the|one of|any|a type of|another)\s", re.I)
_CUT = re.compile(  # where the first clause of what follows the verb ends
    r"[;:]|\s[–—-]\s|,\s+(?:and|but|so|or|yet|however|which|who|whose|where|when|while|whereas|although|"
    r"though|with|thus|making|leading|causing|including|such|as|because|since|after|before|"
    r"according|especially|particularly|like|\w+ing)\s|\s(?:which|because|although|"
    r"(?<!even )though|whereas|"
    r"while|but|so that)\s|,\s+(?=the|a|an|it|they|he|she|his|its)\b|\sand\s(?=\S+ (?:is|are|was|"
    r"were|can|has|have|had)\b)"
)
_PARTICLE = re.compile(r"^(to|on|of|with|for|as|into|from|against|by)\s+(?=\S)", re.I)
_OBJECT = re.compile(
    r"^(?:an?|the|its|their|his|her|many|several|some|all|that|more|most|both)\b", re.I
)
_UNCOUNTED = frozenset(
    "access camping cover food heating help information insurance parking smoking storage support "
    "swimming water wifi wi-fi".split()
)
_OTHER_CLAUSE = r"\b(?:who|which|that|whose|where|when|if|unless|because|although|while|but)\b"
_ORDER = re.compile(
    r"(?:Please )?(?:[Pp]ress|[Cc]lick|[Ss]elect|[Gg]o|[Oo]pen|[Ee]nter|[Cc]hoose|[Tt]urn|[Tt]ap|"
    r"[Hh]old|[Rr]emove|[Aa]dd|[Cc]ontact|[Cc]all|[Ss]end|[Vv]isit|[Uu]se|[Tt]ake|[Ff]ill|[Pp]ut|"
    r"[Ii]nsert|[Cc]onnect|[Dd]ownload|[Ii]nstall|[Ee]mail|[Ww]rite|[Rr]un|[Ss]et|[Ll]og|[Ss]ign)\b"
)
_UNSHOWN = re.compile(
    r"\b(?:this|these|those|such|it|its|they|them|their|he|him|his|she|her|latter|former|"
    r"both (?!\w+ and))\b",
    re.I,
)


def questions_of(
    sentence: str, *, common: frozenset[str] = frozenset(), standing_for: str = ""
) -> tuple[str, ...]:
    """The questions that `sentence` (plain text) answers, the best first; () where no rule fits.

    `common` and `standing_for` as for `read_clause`. A question whose own words need
    the text around them ("Why did this happen?") is left out.
    """
    clause = read_clause(sentence, common=common, standing_for=standing_for)
    found: dict[str, None] = {}
    for drawn in (*_how_to(sentence), *(_draw(clause) if clause is not None else ())):
        question = _finish(drawn)
        if question is not None:
            found.setdefault(question)
    return tuple(found)


def subject_of(sentence: str, *, standing_for: str = "") -> str:
    """What the sentence speaks of, to resolve a pronoun in the next one; "" where not known."""
    clause = read_clause(sentence, standing_for=standing_for)
    if clause is None or clause.subject.lower() == "there" or len(clause.subject.split()) > 6:
        return ""
    return clause.subject


def _draw(c: Clause) -> Iterator[str]:
    """Every question the rules give, the preferred first, before they are finished."""
    rest = _first_clause(c.rest)
    there = c.subject.lower() == "there"
    if not c.auxiliary:
        yield from _agent(c, rest)
        return
    if c.negated:
        pass  # "What can't X do?" reads as a trick: only yes or no
    elif not there:
        yield from _counts(c, rest)
        yield from _circumstances(c, rest)
        yield from _definition(c, rest)
        yield from _condition(c, rest)
        yield from _object(c, rest)
        yield from _agent(c, rest)
    elif match := _COUNT.match(rest):
        after = re.split(r",| and ", rest[match.end() :])[0]
        yield f"How many {match['noun']} {c.auxiliary} there{after}"
    yield from _yes_or_no(c, rest)


def _how_to(sentence: str) -> Iterator[str]:
    """ "To reset the clock, press ..." or "Press ... to reset the clock.": "How do I ...?"; of an
    order what to bring, of a condition "What if ...?"."""
    match = _TO_DO.match(sentence) or (_ORDER.match(sentence) and _PURPOSE.search(sentence))
    if match:
        yield f"How do I {turned(match[1])}"
    if match := re.match(
        r"You can ([a-z][^,;:.]{3,80}?) (?:by \w+ing|via|through|online)\b", sentence
    ):
        yield f"How can I {turned(match[1])}"
    if match := _NEEDED.match(sentence):  # "Please bring your own towel."
        yield f"What should I {match[1].lower()}"
    if (match := _WHAT_IF.match(sentence)) and not _TO_DO.match(sentence):
        yield f"What if {turned(match[1])}"


def _yes_or_no(c: Clause, rest: str) -> Iterator[str]:
    """ "Is MS a fatal disease?": asked without the "not" of its answer, with the lead behind.

    The "not" of another clause stays: of "It costs £85 for those who are not members".
    """
    rest = re.sub(rf"^((?:(?!{_OTHER_CLAUSE}).)*?)\bnot (?=\w)", r"\1", rest, count=1)
    if not rest or _COUNT.match(c.subject) or _PERCENT.match(c.subject):
        return
    if (c.auxiliary, c.subject) == ("may", "you"):  # "We may need to": what may be isn't allowed
        return
    if c.subject.lower() == "there":  # "There is no car park": "Is there a car park?"
        rest = re.sub(r"^no (?=(.+?)(?: (?:on|in|for|at|of|to|with)\b|$))", _some, rest)
    yield _capital(c.inverted(f"{rest} {_trailing(c.lead)}"))
    shorter = re.match(r"((?:an?|the)\s.+?) (?:that|with|who|which|of about)\s", rest)
    if c.copular and shorter:
        yield _capital(c.inverted(shorter[1]))


def _some(no: re.Match[str]) -> str:
    """What a question says for "no" before the noun no[1]: "any steps", "an app", "parking"."""
    if no[1].endswith("s"):
        return "any "
    if no[1].lower().rpartition(" ")[2] in _UNCOUNTED:
        return ""
    return "an " if no[1][0].lower() in "aeiou" else "a "


def _trailing(lead: str) -> str:
    """A lead that can stand at the end of a question as well; "" for another."""
    place = re.match(r"(?:in|during|at|on|under|among|within|since|after|before)\s", lead, re.I)
    return small_first(lead) if place and len(lead.split()) <= 7 and "," not in lead else ""


def _counts(c: Clause, rest: str) -> Iterator[str]:
    lead = _trailing(c.lead)
    measure = _MEASURE.search(rest)
    if measure and not re.search(_OTHER_CLAUSE, rest[: measure.start()]):
        yield f"What is the {measure['noun']} of {c.subject}"
    if match := _PERCENT.match(c.subject):
        yield f"What percentage {match['of']} {c.surface} {rest} {lead}"
    elif match := _COUNT.match(c.subject):
        yield f"How many {c.subject[match.start('noun') :]} {c.surface} {rest} {lead}"
    if _MONEY.match(rest):
        yield f"How much {c.inverted('')}"
    elif _DURATION.match(rest) and not c.copular and not _AFTER.search(rest):
        yield f"How long {c.inverted('')}"
    elif (match := _COUNT.match(rest)) and not c.copular:
        yield f"How many {match['noun']} {c.inverted(rest[match.end() :].strip())}"


def _circumstances(c: Clause, rest: str) -> Iterator[str]:
    """When, where and why: the adverbial is asked for, the rest of the clause stays."""
    whole = f" {c.rest}"
    if match := _WHEN.search(rest):
        if rest[: match.start()].strip() or not c.copular:
            yield f"When {c.inverted(rest[: match.start()].strip())}"
    elif _WHEN.match(c.lead):
        yield f"When {c.inverted(rest)}"
    if (match := _WHY.search(whole)) and match.start() <= len(rest) + 2:
        yield f"Why {c.inverted(whole[: match.start()].strip())}"
    elif re.match(r"(?:because|due to|as a result of|owing to)\b", c.lead, re.I):
        yield f"Why {c.inverted(rest)}"
    if (match := _WHERE.search(rest)) and (match.start() == 0 or c.verb or c.copular):
        before = rest[: match.start()].strip()
        before = re.sub(r" (?:especially|particularly|mainly|mostly|only|\w+ing)$", "", before)
        if not re.search(
            r"\b(?:an?|the)\s+\S+$|\bof\s+\S+$|\b(?:who|that|which)\b|\b(?:except|not)$", before
        ):
            yield f"Where {c.inverted(before)}"


def _definition(c: Clause, rest: str) -> Iterator[str]:
    if not c.copular:
        return
    if match := re.match(
        r"(?:also |often |sometimes )?(?:called|named|known as|termed|referred to as)\s", rest
    ):
        yield f"What {c.inverted(match[0].strip())}"
    elif match := re.match(r"(?:\w+ly )?defined (?:as|by)\s", rest):
        yield f"How {c.auxiliary} {c.subject} defined"
        yield f"What {c.auxiliary} {c.subject}"
    elif match := re.match(r"(?:\w+ly )?(?:caused) by\s", rest):
        yield f"What causes {c.subject}"
    elif match := re.match(
        r"((?:\w+ly )?\w+(?:ed|en|wn|un|ught|ade|elt|ost|old)) by (the |an? )?(\w)", rest
    ):
        who = "Who" if match[3].isupper() and not match[2] else "What"
        if not re.match(r"\w+ing\b", rest[match.start(3) :]):
            yield f"{who} {c.auxiliary} {c.subject} {match[1]} by"
    elif len(c.subject.split()) <= 8 and _ARTICLE.match(rest):
        titled = _TITLED.match(c.subject) is not None
        if titled and rest.startswith("the "):  # "Mrs Bell is the headteacher"
            yield f"Who {c.auxiliary} {rest}"
        who = "Who" if titled or _PERSON.match(rest) else "What"
        yield f"{who} {c.auxiliary} {c.subject}"


def _condition(c: Clause, rest: str) -> Iterator[str]:
    past = c.auxiliary in ("did", "was", "were", "had")
    if re.match(r"(?:when|if) ", c.lead, re.I) and len(c.lead.split()) <= 12 and not past:
        yield f"What happens {c.lead[0].lower()}{c.lead[1:]}"
    elif match := re.match(r"in (the )?([a-z][\w ]*? of [\w ]+|[A-Z]{2,5})$", small_first(c.lead)):
        yield f"What happens in {match[1] or ''}{match[2]}"


def _object(c: Clause, rest: str) -> Iterator[str]:
    """ "What does X affect?", "What did X refer to?" """
    if not c.verb or not rest or c.verb in ("been", "be", "become", "not", "tend", "seem"):
        return
    if c.verb == "have" and c.auxiliary not in ("does", "do", "did"):
        return  # "What can X have?"
    if match := _PARTICLE.match(rest):
        if (
            match[1] != "by"
            and not (_DURATION.match(rest) or _WHEN.match(rest))
            and (match[1] != "to" or c.verb in _TAKES_TO)
        ):
            yield f"What {c.inverted(match[1])}"
    elif re.match(r"(?:during|towards|across|besides|always|sometimes)\b", rest):
        return
    elif _OBJECT.match(rest) or re.match(r"[a-z]+(?:s|ion|ment|ing|ity|ness|ence|ance)\b", rest):
        tail = re.search(
            r"\s(?:with|from|against|on|in|for|into|between|among|as|at|by|to(?= the| an?|"
            r" [A-Z]))\s.*",
            rest,
        )
        clause = any(is_verb_form(w) for w in rest.split()[1:])  # "believed expansion was needed"
        yield f"What {c.inverted(tail[0].strip() if tail and not clause else '')}"


def _agent(c: Clause, rest: str) -> Iterator[str]:
    """Ask for the subject: "Who declared that ...?" for a bare name, else "What ...?"."""
    if not rest or c.copular or len(rest.split()) < 2 or c.verb in ("be", "been", "tend", "seem"):
        return
    if c.subject.lower() in ("i", "you") or _MONEY.match(rest):  # "What costs £5?"
        return
    if _COUNT.match(c.subject) or _PERCENT.match(c.subject):
        return
    said = [w for w in c.subject.split() if w not in ("and", "the")]
    if not said:
        return
    bare = all(w[0].isupper() for w in said) and not c.subject.isupper()
    peoples = c.subject.startswith("the ") and said[-1].endswith("s")
    people = bare and (not c.subject.startswith("the ") or peoples) and said[-1][-3:] != "ism"
    if (
        people
        or _PEOPLE.search(_HEAD.sub("", c.subject))
        or c.verb in _THINKS
        or c.verb in ("live", "die")
    ):
        yield f"Who {c.surface} {rest}"
    elif c.subject.split()[0].lower() not in ("there", "people"):
        surface = c.surface
        if c.auxiliary == "do" and c.verb:
            surface = {"have": "has"}.get(c.verb, c.verb + "s")
        yield f"What {surface} {rest}"


def _first_clause(rest: str) -> str:
    first = rest
    for match in _CUT.finditer(rest):
        joins = re.match(r",\s+(?:and|or)\s+(.*)", rest[match.start() :])
        if (
            joins
            and "," in rest[: match.start()]
            and not any(map(is_verb_form, joins[1].split()[:6]))
        ):
            continue  # the last of a list
        first = rest[: match.start()]
        break
    first = first.strip(" ,")
    if first.startswith(("and ", "or ", "but ")):
        return ""  # "started and grew into ...": two verbs
    for joint in re.finditer(r" (?:and|but) (?=(\w+)(?: (the|an?|[$€£¥]?\d))?)", first):
        second_verb = joint[2] and joint[1].endswith("s")  # "has 60 spaces and costs £4 a day"
        if is_verb_form(joint[1]) or joint[1].endswith("ed") or second_verb:  # "and differs ..."
            return first[: joint.start()]
    return first


def _finish(drawn: str) -> str | None:
    """The question with its mark, or None where it doesn't read well on its own."""
    text = " ".join(drawn.split()).strip(" ,;:")
    words = text.split()
    if not 3 <= len(words) <= MAX_WORDS or _UNSHOWN.search(text):
        return None
    if words[-1].lower() in (
        "the",
        "a",
        "an",
        "and",
        "or",
        "than",
        "that",
        "also",
        "both",
        "not",
        "even",
    ):
        return None
    if text.count('"') % 2 or text.count("“") != text.count("”") or re.search(r"[\[\]()|]", text):
        return None
    if not re.match(r"(?:What|Who|How|When|Where|Why)\b", text) and len(words) < 4:
        return None
    return f"{text}?"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
