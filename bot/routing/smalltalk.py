"""Small talk: greetings, thanks and the like, told from questions by full cover.

A text is small talk only where known phrases and fillers cover every word of it, so that "hi how
many people have ms" stays a question. The same phrases are stripped from around a question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from bot.routing.chatspeak import Token, load_yaml, plain, tokens
from bot.types import SmallTalk
from bot.wording import clean

# Of several intents in one text the most telling is answered: of "hello, who are you" the second.
INTENTS = (
    "insult",
    "who_are_you",
    "help",
    "how_are_you",
    "goodbye",
    "thanks",
    "compliment",
    "greeting",
    "ack",
)
WORDS_LIMIT, LENGTH_LIMIT = 24, 300  # longer texts say more than small talk
_PICTURE = re.compile("[\u2600-\u27bf\ufe0f\u200d\U0001f000-\U0001faff]+")
_JOINERS = frozenset({"but", "so", "please", "just"})  # between a courtesy and the question
_THANKED = frozenset({"for", "that", "thats", "this", "it", "its", "you"})
# Behind thanks, what may be a question after all.
_ASKED = frozenset(
    "what which who when where why how is are was do does did can could will would should tell show"
    " explain give and but also".split()
)
_ADDRESSED = (
    "there bot mate love dear friend buddy pal man bro guys folks all everyone everybody sir madam"
)
_AFTER_GREETING = frozenset([*_ADDRESSED.split(), "doctor", "again", "team", "quoth"])


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The phrases of `data/smalltalk.yaml`, each a tuple of plain words."""

    intents: dict[tuple[str, ...], str]
    lead: frozenset[tuple[str, ...]]
    alone: frozenset[tuple[str, ...]]
    tails: frozenset[tuple[str, ...]]
    fillers: frozenset[str]
    emoji: dict[str, str]
    longest: int
    starts: frozenset[str]  # first words of what may lead


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The shipped lexicon; where two intents claim a phrase, the more telling one has it."""
    data = load_yaml("smalltalk.yaml")
    assert isinstance(data, dict)

    def phrases(entries: Iterable[object]) -> list[tuple[str, ...]]:
        return [tuple(plain(_said(entry)).split()) for entry in entries]

    intents: dict[tuple[str, ...], str] = {}
    lead: set[tuple[str, ...]] = set()
    alone: set[tuple[str, ...]] = set()
    for intent in reversed(INTENTS):
        kinds = {kind: phrases(entries) for kind, entries in data["intents"][intent].items()}
        intents |= {phrase: intent for listed in kinds.values() for phrase in listed}
        lead |= set(kinds.get("lead", ()))
        alone |= set(kinds.get("alone", ()))
    return Lexicon(
        intents=intents,
        lead=frozenset(lead),
        alone=frozenset(alone - lead),
        tails=frozenset(phrases(data["tails"])),
        fillers=frozenset(_said(word) for word in data["fillers"]),
        emoji={sign: intent for intent, signs in data["emoji"].items() for sign in signs},
        longest=max(map(len, intents)),
        starts=frozenset(phrase[0] for phrase in lead | alone if phrase),
    )


def small_talk(question: str) -> SmallTalk | None:
    """The intent of a text that is nothing but small talk; None for anything else."""
    cleaned = clean(question)
    if len(cleaned) > LENGTH_LIMIT:
        return None
    words = [token.word for token in tokens(cleaned)]
    if not words:
        return _small_talk_of_emoji(cleaned)
    if len(words) > WORDS_LIMIT:
        return None
    if _is_thanks_for(cleaned, words):
        return SmallTalk("thanks")
    found = _cover(tuple(words))
    return SmallTalk(min(found, key=INTENTS.index)) if found else None


def _is_thanks_for(cleaned: str, words: list[str]) -> bool:
    """Whether it gives thanks and says what for: "thanks, that helps my essay"."""
    rest = words[2:] if words[:2] == ["thank", "you"] else words[1:]
    thanks = words[0] in ("thanks", "thankyou", "thx", "cheers") or len(rest) < len(words) - 1
    goes_on = bool(rest) and rest[0] in _THANKED
    return thanks and goes_on and "?" not in cleaned and not _ASKED.intersection(rest)


def strip_courtesies(question: str) -> str:
    """`question`, cleaned, without the greetings, thanks and pleases around it.

    'hi, thanks for your help, is ms fatal please' -> 'is ms fatal'. A closing question mark
    stays. Where nothing would be left, the cleaned question comes back whole.
    """
    cleaned = clean(question)
    found = list(tokens(cleaned))
    if found:  # a picture beside words says how somebody feels, not what is asked
        cleaned = clean(_PICTURE.sub(" ", cleaned))
        found = list(tokens(cleaned))
    if not cleaned.isupper():  # "PLS vs ALS": no "please" is in capitals alone
        capital = [cleaned[token.start : token.end] == "PLS" for token in found]
        found = [replace(t, word="pls") if c else t for t, c in zip(found, capital, strict=True)]
    first = _end_of_lead(cleaned, found)
    last = _start_of_tail(found, first)
    if first == last or (first == 0 and last == len(found)):
        return cleaned
    start, end = found[first].start, found[last - 1].end
    if last == len(found):
        return cleaned[start:]
    asked = cleaned.endswith("?") or cleaned.startswith(("?", " ?"), end)
    return cleaned[start:end] + ("?" if asked else "")


def _said(entry: object) -> str:
    """YAML reads yes, no and 10 as other types; the lexicon means the words."""
    if isinstance(entry, bool):
        return "yes" if entry else "no"
    return str(entry)


def _small_talk_of_emoji(cleaned: str) -> SmallTalk | None:
    table = lexicon().emoji
    found = [table[sign] for sign in cleaned if sign in table]
    return SmallTalk(min(found, key=INTENTS.index)) if found else None


def _cover(words: tuple[str, ...]) -> set[str]:
    """The intents of the cover with the fewest pieces; empty where a word stays uncovered."""
    lex = lexicon()
    covers: list[tuple[int, frozenset[str]] | None] = [(0, frozenset())]
    for end in range(1, len(words) + 1):
        best: tuple[int, frozenset[str]] | None = None
        for start in range(max(0, end - lex.longest), end):
            before = covers[start]
            if before is None:
                continue
            intent = lex.intents.get(words[start:end])
            if intent is not None:
                candidate = (before[0] + 1, before[1] | {intent})
            elif end - start == 1 and words[start] in lex.fillers:
                candidate = (before[0] + 1, before[1])
            else:
                continue
            if best is None or candidate[0] < best[0]:
                best = candidate
        covers.append(best)
    whole = covers[-1]
    return set() if whole is None else set(whole[1])


def _end_of_lead(cleaned: str, found: list[Token]) -> int:
    """Index of the first token that is no courtesy."""
    lex = lexicon()
    at = 0
    while at < len(found):
        if found[at].word not in lex.starts and found[at].word not in _JOINERS:
            return at
        for end in range(min(len(found), at + lex.longest), at, -1):
            phrase = tuple(token.word for token in found[at:end])
            closed = end == len(found) or found[end].start > found[end - 1].end + 1
            if phrase in lex.lead or (phrase in lex.alone and closed):
                at = end
                while at < len(found) and found[at].word in _AFTER_GREETING:
                    at += 1
                break
        else:
            if found[at].word not in _JOINERS or (at == 0 and found[at].word != "please"):
                return at
            at += 1
    return at


def _start_of_tail(found: list[Token], first: int) -> int:
    """Index behind the last token that is no courtesy; never before `first`."""
    tails, end = lexicon().tails, len(found)
    longest = max(map(len, tails))
    while end > first:
        for start in range(max(first, end - longest), end):
            if tuple(token.word for token in found[start:end]) in tails:
                end = start
                break
        else:
            return end
    return end
