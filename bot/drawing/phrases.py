"""The wordings of a unit beside the drawn questions: statement, heading, key phrases."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.drawing.clauses import (
    AUXILIARIES,
    CONNECTIVE,
    is_verb_form,
    mid_sentence,
    orders,
    strip_connective,
    turned,
)
from bot.wording import FUNCTION_WORDS, stem, words

LAST_RESORT = "What should I know about"

_DOES = re.compile(  # a heading that names what its reader does; "Contact details" is none
    r"(?:Add|Apply|Book|Buy|Cancel|Change|Choose|Claim|Clean|Connect|Contact|Create|Delete|Download|"
    r"Edit|Find|Get|Install|Invite|Join|Make|Move|Order|Pay|Register|Remove|Renew|Repair|Replace|"
    r"Report|Request|Reset|Restore|Return|Send|Share|Start|Stop|Sync|Turn|Update|Upload|Use)"
    r" (?:an?|the|your|my|our|us|up|in|on|off|out|for (?:an?|the|your))\b"
    r"|(?:Add|Cancel|Choose|Connect|Create|Delete|Exclude|Install|Remove|Replace|Restore) [a-z]"
)
_ASKS = re.compile(  # a heading that is a question but for its mark
    r"(?:What|Who|Where|When|Why|Which|How) (?:is|are|was|do|does|did|can|may|must|should|will)\b"
)
_LOOSE = frozenset(  # words that say nothing by themselves, and hold no phrase together
    "according after against although always among another because become before began behind "
    "being between both came cause during each earlier either even every example felt few found "
    "further given however including instance known later leads least less lies like made many "
    "more most neither never no not often only other others over seen several since sometimes "
    "such sure than therefore though through throughout thus took under unless unlike until upon "
    "used using want whether while within without yet".split()
)
_DOES_ONLY = frozenset(  # verbs that hardly stand before a noun as a part of its name
    "avoid bring choose come enter expect fill find follow hold hurry keep leave let put remember "
    "remove send speak take talk tell thank try wait wear wipe write".split()
)
_TELLS = _DOES_ONLY | frozenset(  # begin an order: "Speak to us", "Ring 01632 960 288"
    "call check contact drink email look open pay phone press read report reserve return ring "
    "shower switch telephone turn type use visit walk wash".split()
)
_ACTING = frozenset("i we you they who please don't don’t".split())  # a verb comes behind them
_SAYS_LITTLE = _TELLS | frozenset(  # as the only words of a phrase
    "again alone already altogether anyone beforehand better beyond buy case day days else end "
    "down enough everybody everyone everything extend first fits frequent front full half indoors "
    "instead last late least level moment month months nearly next nobody now order outside part "
    "plenty rare rest second section see shut single someone soon strain sure thing time times "
    "together way week weeks work year years".split()
)
_MARK = re.compile(r"(?:\d{1,2}[.)]|[-*•]) ")  # of an item of a list
_UNRESOLVED = re.compile(
    r"[\"'“‘(]*(?:(?:it|they|he|she|its|their|his|her|him|them|such|these|those|this|"
    r"that(?!\s+said)|both(?!\s+\w+\s+and\b)|neither(?!\s+\w+\s+nor\b)|others?|another|either)\b|"
    r"(?:the|an?) (?:other|latter|former|same|resulting|above|following)\b|"
    r"(?:one|some|many|most|all|none|two|three|each|several) of (?:these|those|them|which)\b|"
    r"(?:(?!(?:is|are|was|were|has|have|had|can|may|will)\b)\w+ ){1,4}?"
    r"(?:for|of|to|by|in|with|from|at|after|before|during|behind) "
    r"(?:this|that|these|those)\b(?! (?:of|which|who)\b))",
    re.I,
)

# "From 2000 to 2007 it killed", "Later he was": a pronoun is the first that is named after a time
# or place; not "In 1900 it was found that", where it stands for nothing.
_AFTER_PHRASE = re.compile(
    r"[\"'“‘(]*(?:(?:as of|at|by|before|after|during|for|from|in|on|over|since|throughout|until|"
    r"under|unlike|like|despite|with|within|among|along|upon|because of|due to)\s"
    r"(?:(?!(?:it|they|he|she|which|that|who|is|are|was|were|has|have|had|will|would|can|could|may|"
    r"did|does)\b)[\w’'.%-]+,?\s){1,9}?|"
    r"(?:later|then|soon|today|now|here|there|eventually|initially|originally|once|often|sometimes|"
    r"previously|recently|currently|subsequently|afterwards?|usually|generally|traditionally|"
    r"historically),?\s)"
    r"(?:it|they|he|she|this|these)\s(?!(?:is|was) (?:\w+ ){0,3}(?:that|to)\b)",
    re.I,
)


def begins_unresolved(sentence: str) -> bool:
    """Does the sentence lean on the one before it ("This leads to", "However,", "They are")?"""
    forms = (_UNRESOLVED, CONNECTIVE, _AFTER_PHRASE)
    return any(form.match(sentence) is not None for form in forms)


def statement_of(sentence: str, *, standing_for: str = "") -> str:
    """The sentence (plain text) as a wording: no connective, a leading pronoun resolved."""
    text = strip_connective(sentence)
    first, _, rest = text.partition(" ")
    if standing_for and first.lower() in ("it", "they", "he", "she"):
        return f"{standing_for} {rest}"
    return text


def heading_questions(
    heading: str, title: str, common: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """What people ask for the part under `heading` of a document named `title`.

    `common` as for `small_first`.
    """
    name = heading.strip().rstrip(":")
    if name.endswith("?"):
        return (name,)
    about = f"{LAST_RESORT} {small_first(name, common)}?"
    if asked := _asked_by(name, common):
        return (asked,)
    said = re.sub(r"^(?:The|An?) (?=\w)", "", heading.strip().rstrip(":")).split()
    short = len(said) <= 2 and len(title.split()) <= 5 and not title.endswith("?")
    first, last = (said[0].lower(), said[-1].lower()) if said else ("", "")
    if (
        short
        and name.casefold() != title.casefold()
        and said[0][0].isalpha()
        and heading.strip()[:1].isupper()
        and heading.strip()[1:].islower()
        and not first.endswith("ing")  # "Borrowing", "Getting here"
        and FUNCTION_WORDS.isdisjoint((first, last))
        and first != "not"
    ):
        plural = last.endswith("s") and not last.endswith(("is", "ss", "us"))
        verb = "are" if plural or last in ("children", "people", "men", "women") else "is"
        return (about, f"What {verb} the {' '.join(said).lower()} of {title}?")
    return (about,)


def _asked_by(heading: str, common: frozenset[str]) -> str | None:
    """The question that a heading is in other words: "How to pay", "If you lose it", "Prices"."""
    if match := re.match(r"(How|What|Where|When) to ([a-z].+)$", heading):
        verb = "do" if match[1] in ("How", "Where") else "should"
        return f"{match[1]} {verb} I {turned(match[2])}?"
    if match := re.match(r"If you ([a-z].+)$", heading):
        return f"What if I {turned(match[1])}?"
    if match := re.match(r"Getting (to .+)$", heading):
        return f"How do I get {turned(match[1])}?"
    if _DOES.match(heading):
        does = turned(heading)
        return f"How do I {does[0].lower()}{does[1:]}?"
    if _ASKS.match(heading):  # by the house ("our pool"), or by a visitor ("your fees")
        house = not {"we", "us", "our"}.isdisjoint(words(heading))
        return f"{turned(heading) if house else heading}?"
    if re.match(r"[\"“]?Error\b.*\d", heading):
        return f"What does {heading} mean?"
    if re.fullmatch(
        r"(?:[\w’'-]+ ){0,3}(?:hours|times|prices|fees|charges|effects|dates)", heading
    ):
        return f"What are the {small_first(heading, common)}?"
    return None


def asks_openly(question: str) -> bool:
    """Is a drawn question more than the words of its sentence turned round ("Do you charge 20p a
    day?") or the question of last resort?"""
    turned_round = not AUXILIARIES.isdisjoint(words(question)[:1])
    return not question.startswith(LAST_RESORT) and not turned_round


def about(phrases: Sequence[str], common: frozenset[str] = frozenset()) -> str:
    """The question of last resort: readable for any phrases (one at least).

    It names the first two; a single small word as the second would say little.
    """
    phrases = [p for i, p in enumerate(phrases[:2]) if i == 0 or " " in p or p[:1].isupper()]
    named = " and ".join(mid_sentence(phrase, common) for phrase in phrases)
    return f"{LAST_RESORT} {named}?"


def key_phrases(sentence: str, frequency: Mapping[str, int]) -> tuple[str, ...]:
    """The runs of words in `sentence` that tell it from the others of the document, best first.

    A run holds no verb, adverb or function word but "of", and at most five words. `frequency`
    counts the stems of the document: rare words tell most, names a little more. Where no run says
    anything by itself, how the sentence begins, in quotes.
    """
    runs: list[list[str]] = [[]]
    tokens = strip_connective(_MARK.sub("", sentence)).split()
    told = orders(tokens) or (len(tokens) > 1 and _bare(tokens[0]).lower() in _TELLS)
    before = ""
    for token in tokens[1:] if told else tokens:
        word = _bare(token)
        inside = word.lower() == "of" and bool(runs[-1])
        breaks = token[:1] in "\"'“‘(["
        acted = before in _ACTING and word.islower()
        before = word.lower()
        if not inside and (not word or acted or _breaks_phrase(word)):
            runs.append([])
            continue
        if breaks:
            runs.append([])
        runs[-1].append(word)
        if token[-1] in ',;:)].!?”’"' or len(runs[-1]) == 5:
            runs.append([])
            before = ""

    def telling(run: list[str]) -> float:
        content = [w for w in run if w.lower() != "of"]
        rare = sum(1.0 / (frequency.get(stem(w.lower()), 1)) ** 0.5 for w in content)
        names = sum(w[0].isupper() for w in content)
        return float(rare + 0.3 * names + 0.2 * min(len(content), 3))

    while any(run and run[-1].lower() == "of" for run in runs):
        runs = [run[:-1] if run and run[-1].lower() == "of" else run for run in runs]
    said = [run for run in runs if any(map(_says_much, run))]
    if not said:
        begins = " ".join(tokens[:8]).rstrip(".,;:!?")
        return (f"“{begins.replace('“', '').replace('”', '')}”" if begins else sentence[:60],)
    best = sorted(said, key=telling, reverse=True)
    return tuple(dict.fromkeys(" ".join(run) for run in best))


def _says_much(word: str) -> bool:
    bare_number = word.isdigit() and len(word) < 4
    return word.lower() not in _SAYS_LITTLE and word != "of" and not bare_number


def _bare(token: str) -> str:
    return token.strip("\"'“”‘’()[],.;:!?|*–—")


def _breaks_phrase(word: str) -> bool:
    lower = word.lower()
    return (
        lower in FUNCTION_WORDS
        or lower in _LOOSE
        or word in _DOES_ONLY
        or (lower.endswith("ly") and not word[0].isupper())
        or ((is_verb_form(lower) or lower.endswith(("ing", "ed"))) and not word[0].isupper())
        or re.search(r"(?:n['’]t|['’](?:ve|re|ll|m|d))$", lower) is not None
    )


def small_first(text: str, common: frozenset[str] | None = None) -> str:
    """`text` as it stands inside a sentence; a name ("Harbour Plan") and capitals stay.

    Where `common`, the words that the document writes in small letters, is given, a first word
    before another capital ("Lido Lane: prices") is a name unless it is one of those.
    """
    first, *others = text.split(" ")
    if common and others and others[0].istitle() and first.lower() not in common:
        return text
    named = bool(others) and all(w[:1].isupper() for w in others if w not in FUNCTION_WORDS)
    if any(c.isupper() for c in first[1:]) or (named and first.lower() not in FUNCTION_WORDS):
        return text
    return text[:1].lower() + text[1:]
