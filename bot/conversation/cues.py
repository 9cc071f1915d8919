"""What a message is by its wording alone: about the last answer, or a pick of what was offered."""

from __future__ import annotations

import re
from typing import Literal

from rapidfuzz import fuzz

from bot.subjects import Subjects
from bot.types import Turn
from bot.wording import content_words, normalise, stem, words

SAME_WORDS = 90.0  # rapidfuzz, 0..100, of a message and an offered question
LONGEST_CHECK = 10  # words of a message that checks what was said
REMARK = 5  # words of a remark that may stand before a cue
LONGEST_CUE = 120  # characters; a longer message asks something of its own

AboutAnswer = Literal["source", "repeat", "more"]


def _message(lead: str, wordings: tuple[str, ...], tail: str) -> re.Pattern[str]:
    """A pattern of whole messages: any of `wordings` between polite words."""
    return re.compile(rf"(?:(?:{lead})[\s,]*)*(?:{'|'.join(wordings)})(?:,? (?:{tail}))*$")


_FACT = r"(?:answer|info|information|statement|quote|number|figure|fact|claim)"
_THAT = rf"(?:that|this|the {_FACT}|(?:that|this) {_FACT}|all (?:that|this))"
_PROOF = r"(?:sources?|references?|citations?|links?|proof|evidence|urls?|quotes?)"
_TEXT = r"(?:article|text|page|document|source|site|website|original|passage|paragraph|section)"
_FOR_IT = r"(?: (?:for|of|behind|on|to) (?:that|this|it))?"
_SHOW = r"(?:show|give|tell|send|point)(?: out)?(?: me| us)?(?: to)?"
_SAID = r"(?:from|come|comes|came|taken|stated|stands?|written|says?|said|mentioned|quoted|stems?)"
_PLEASE = r"please|pls|plz|can you|could you|would you|will you|can u"
_SOURCE = _message(
    rf"and|but|so|ok|okay|hm+|really|sorry|wait|{_PLEASE}",
    (
        # "source?", "what's your source for that", "do you have a link"
        rf"(?:what(?:'s| is| are)? )?(?:the |your |any |an? )?{_PROOF}{_FOR_IT}",
        rf"(?:do you have|have you got|is there) (?:an? |any |some )?{_PROOF}{_FOR_IT}",
        # "says who", "how do you know", "can you prove it", "is that true"
        r"(?:says? who|who (?:says|said))(?: so| that| this| it)?",
        r"according to (?:whom?|what)",
        r"how (?:do|can|would) you know(?: (?:that|this|it|all that))?",
        r"prove (?:it|that|this)|can (?:that|this|it) be proven?|really|show me",
        rf"(?:are you|you) sure(?: about {_THAT})?",
        rf"how (?:sure|certain|confident) are you(?: (?:about|of) {_THAT})?",
        r"is (?:that|this|it) (?:really |actually )?(?:true|proven|correct|a fact)",
        rf"is (?:that|this|it) (?:really |actually )?(?:written |said )?in the {_TEXT}",
        # "where did you read that", "where is that from", "where does it say so"
        r"(?:from )?where(?: did|'?d| do| have| does) (?:you|u|the bot) (?:get|got|have|find|found"
        r"|read|take|see|seen|hear|learn|know)\b.{0,40}",
        rf"where(?:'s| is| was| are| does| did| do)? {_THAT}(?: {_SAID})*(?: in the {_TEXT})?",
        rf"where can i (?:read|find|see|check) {_THAT}",
        rf"where (?:does|do) (?:it|the {_TEXT}) say(?: so| that| this)?",
        rf"where(?:'s| is) it (?:written|said|stated)(?: in the {_TEXT})?",
        # "which part of the article is that from"
        rf"(?:in |from )?(?:which|what) (?:part|bit|page|place|line|sentence|{_TEXT})"
        rf"(?: of (?:the|your) {_TEXT})? (?:is|was|does|did) (?:that|this|it|you|the answer)\b"
        r".{0,30}",
        rf"(?:which|what) (?:part|bit|page|line|sentence|{_TEXT})(?: of (?:the|your) {_TEXT})?"
        r" says (?:that|so|this)",
        # "show me the passage", "show where that comes from", "can I see the original"
        rf"(?:{_SHOW}|cite|quote)(?: (?:the|your|an?|any))?(?: exact| original)?"
        rf" (?:{_PROOF}|{_TEXT})(?: (?:for|of|behind|where)\b.{{0,30}})?",
        rf"{_SHOW} where (?:(?:you|u)\b|(?:{_THAT}|it)(?:'s| is| was)? {_SAID}).{{0,30}}",
        rf"(?:can|could|may) i (?:see|read|have|check)(?: (?:the|an?|your))?(?: original)?"
        rf" (?:{_PROOF}|{_TEXT})",
    ),
    "please|pls|plz|then|though|exactly|again",
)
# Of an earlier answer, which the rest names: "source for the age thing", "cite that, the 10 %".
_SOURCE_OF = re.compile(
    rf"(?:(?:and|but|so|ok|okay|{_PLEASE})[\s,]*)*"
    rf"(?:(?:what(?:'s| is| are)? |do you have |is there )?(?:the |your |any |an? )?{_PROOF}"
    r"|(?:from )?where (?:did|do|have|does) (?:you|u|it|they|the bot|the \w+)"
    r" (?:get|got|have|find|found|read|take|see|seen|hear|say|state|mention)"
    r"|where(?:'s| is| was| can i (?:read|see|check))"
    rf"|{_SHOW}|cite|quote|repeat|say again|remind me|(?:can|could|may) i (?:see|read|have))"
    rf"(?: (?:the|an?|your|again|me|us|that|this|it|what|you said|{_PROOF}|{_TEXT}|part|bit|line"
    r"|sentence|answer|please|pls|so))*"
    r"(?:,|,? (?:about|for|on|of|with|regarding|where|that|behind)) (?P<what>.{3,80})$"
)
_REPEAT = _message(
    rf"sorry|{_PLEASE}",
    (
        r"say (?:that|it|this) (?:again|once more)",
        r"repeat(?: (?:that|it|this|yourself|the answer))?",
        r"once (?:more|again)|again|come again|pardon(?: me)?|what (?:did you say|was that)",
        r"i (?:did not|didn't) (?:get|catch|hear) (?:that|it)",
    ),
    "please|pls|again",
)
_MORE_WORDS = r"more(?: (?:info|information|details?))?(?: (?:about|on) (?:it|that|this))?"
_MORE = _message(
    rf"and|but|so|ok|okay|yes|{_PLEASE}",
    (
        r"what (?:else|more)|(?:is there )?(?:anything|something)(?: else| more)",
        rf"(?:tell me |give me |say |any |some |know )*{_MORE_WORDS}",
        r"such as(?: what)?|like what|(?:what,? )?for (?:example|instance)|name (?:one|some)"
        r"|go on|continue|keep going|elaborate|in more detail|is (?:there more|that all)",
        r"(?:explain|elaborate)(?: (?:on )?(?:that|it|this))?(?: (?:more|further|better))?",
        r"(?:and )?(?:then what|what(?: happens)? (?:next|then|after(?: that)?))|and then"
        r"|what (?:comes of|follows from) (?:that|it|this)"
        r"|(?:and )?(?:the )?(?:consequences?|(?:end )?results?|outcome)",
    ),
    "please|pls|then",
)


def about_answer(asked: str) -> AboutAnswer | None:
    """Whether the message asks where the last answer stands, to hear it again, or for more."""
    plain = normalise(asked)
    if len(plain) > LONGEST_CUE:
        return None
    before, _, last = plain.rpartition("? ")  # "is that a promise? where is it from"
    if before and len(words(before)) <= REMARK:
        plain = last
    if _SOURCE.match(plain):
        return "source"
    if _REPEAT.match(plain):
        return "repeat"
    return "more" if plain == "and" or _MORE.match(plain) else None


def asks_source_of(asked: str) -> tuple[str, ...]:
    """What an earlier answer was about whose source, or repetition, the message asks for; its
    content words, none where it asks for no such thing."""
    plain = normalise(asked)
    found = _SOURCE_OF.match(plain) if len(plain) <= LONGEST_CUE else None
    return tuple(content_words(found["what"])) if found else ()


_CHECKING = frozenset(
    map(stem, words("right true sure correct really meant mean said say read of"))
)
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")


def quotes_back(asked: str, said: str, subjects: Subjects) -> bool:
    """Whether a short message asks after a number of the sentence `said`: "10 percent of what?"."""
    numbers = {n.replace(",", "") for n in _FIGURE.findall(asked)}
    told = {n.replace(",", "") for n in _FIGURE.findall(said)}
    if not numbers or not numbers <= told or len(words(asked)) > LONGEST_CHECK:
        return False
    rest = _FIGURE.sub(" ", subjects.replace(asked))
    known = _CHECKING | {stem(w) for w in words(said)}
    return all(stem(w) in known for w in content_words(rest))


def says_nothing(text: str, subjects: Subjects) -> bool:
    """Whether `text` means something only after an answer or an offer: "why?", "more", "2"."""
    return not subjects.mentioned(text) and all(w.isdigit() for w in content_words(text))


_ORDINALS = {
    word: place
    for place, wordings in enumerate(
        (
            ("1", "one", "first", "1st", "a", "i", "former"),
            ("2", "two", "second", "2nd", "b", "ii"),
            ("3", "three", "third", "3rd", "c", "iii"),
            ("4", "four", "fourth", "4th", "d", "iv"),
        )
    )
    for word in wordings
}
_CHOOSING = r"(?:(?:i (?:mean|meant|want|choose|pick|take)|ok|okay|yes|please|show(?: me)?)[\s,]*)*"
_NUMBER = re.compile(
    rf"{_CHOOSING}(?:the )?(?:(?:number|no|nr|option|question|suggestion|answer|choice)\.? ?)?"
    r"#?(?P<which>\w+)\)?(?: (?:one|option|question|suggestion|choice))?"
    r"(?:,? (?:please|pls|then))?$"
)
_BY_WORDS = re.compile(
    rf"{_CHOOSING}(?:the one )?(?:the |for |in |with |about |of )*"
    r"(?P<what>.+?)(?: (?:one|option|question|please|pls))*$"
)
_EXPLICIT = re.compile(r"^the one\b|\b(?:one|option|question)$")
_ASKING = re.compile(r"(?:why|how|what|when|where|who|is|are|do|does|can)\b")


def picked(asked: str, turn: Turn, subjects: Subjects) -> int | None:
    """The index in `turn.offered` of the question that the message chooses, or None.

    By its number ("2", "the second one", "b"), by its own words, or, where the bot asked which
    one is meant or the message says "the ... one", by a subject or word that only it has.
    """
    plain = normalise(asked)
    offered = turn.offered
    wordings = [normalise(o) for o in offered]
    if not offered or not plain:
        return None
    if plain in wordings:
        return wordings.index(plain)
    if len(offered) == 1 and re.match(r"(?:yes|yeah|yep|sure|ok|okay)(?: please)?$", plain):
        return 0
    if number := _NUMBER.match(plain):
        if number["which"] in ("last", "latter"):
            return len(offered) - 1
        if (place := _ORDINALS.get(number["which"])) is not None:
            return place if place < len(offered) else None
    if len(plain) > LONGEST_CUE:
        return None
    ratios = [fuzz.token_sort_ratio(plain, w) for w in wordings]
    named = subjects.mentioned(asked)
    best = _only_best(ratios)
    # A letter more or less may be the other subject: "is als fatal" is not "Is MS fatal?".
    if best is not None and subjects.mentioned(offered[best]) == named:
        return best
    if turn.kind != "clarify" and not _EXPLICIT.search(plain):
        return None
    return _picked_by_words(plain, named, offered, subjects)


def _picked_by_words(
    plain: str, named: frozenset[str], offered: tuple[str, ...], subjects: Subjects
) -> int | None:
    found = _BY_WORDS.match(plain)
    rest = found["what"] if found else plain
    if _ASKING.match(rest):
        return None
    if named:
        holding = [i for i, o in enumerate(offered) if subjects.mentioned(o) == named]
        return holding[0] if len(holding) == 1 else None
    wanted = " ".join(content_words(rest))
    if not wanted:
        return None
    return _only_best([fuzz.token_set_ratio(wanted, " ".join(content_words(o))) for o in offered])


def _only_best(ratios: list[float]) -> int | None:
    """The index of the highest ratio, where it is high enough and alone."""
    best = max(ratios)
    return ratios.index(best) if best >= SAME_WORDS and ratios.count(best) == 1 else None
