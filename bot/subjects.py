"""The subjects of a knowledge: what its answers can be about, under every name people use.

A knowledge names its subjects canonically ("MS", "ALS") and lists other names for them
("multiple sclerosis", "Lou Gehrig's disease"). `Subjects` finds them in a question however they
are spelt, so that the rest of the pipeline sees one name for one thing.

Short names count only as whole words: "ms" is found in "ms?", never in "teams". A name of eight
letters or more may have a typo or two. A name of digits or single letters ("type 1", "hepatitis
B") must agree in those exactly, and "hypo-" is never a typo of "hyper-".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA

from bot.wording import FUNCTION_WORDS

TYPO_RATIO = 88.0  # rapidfuzz ratio, 0..100, of a long name and what was typed
LONG_NAME = 8  # letters from which a name may have a typo
LENGTHS_OFF = 4  # letters more or less than the name has, at most

_APOSTROPHE = "['’‘ʼ´`]"
_GAP = r"[\s\-‐‑‒–]*"
_START, _END = r"(?<![\w'’])", r"(?!\w)"
_KIND = ("disease", "illness", "syndrome", "disorder", "condition")
_WORD = re.compile(r"[^\W_]+(?:['’‘ʼ´`][^\W_]+)*")
_POSSESSIVE = re.compile(rf"{_APOSTROPHE}s?$|s{_APOSTROPHE}$", re.IGNORECASE)
# Prefixes that turn a word into its counterpart by a letter or two: never a typo of each other.
_CONTRASTS = (
    ("hyper", "hypo"),
    ("macro", "micro"),
    ("inter", "intra"),
    ("ante", "anti"),
    ("endo", "exo"),
    ("over", "under"),
)
_TOGETHER = re.compile(
    r"\b(?:both|neither|each|either|versus|vs|differ\w*|compar\w+|alike|similar\w*|in common"
    r"|(?:the|these|those|of|between) (?:two|pair)|which (?:one|of (?:them|the|these|those))"
    r"|between (?:them|these|those)|one another|the same (?:thing|one|disease|illness|condition)"
    r"|(?:these|those|two|the|which) (?:\w+ )?(?:diseases|illnesses|disorders|conditions"
    r"|syndromes|products|plans|models|options|kinds|types)|which (?:disease|illness|disorder"
    r"|condition|kind|type))\b",
    re.IGNORECASE,
)
# "It isn't fatal either" speaks of one thing, as "either" at its end only agrees.
_AGREEING = re.compile(r"(?:n['’]t|\bnot|\bno|\bnever)\b.{0,80}\beither\W*$", re.IGNORECASE)
_CONDITION = re.compile(
    r"(?:disease|syndrome|disorder|illness|infection|cancer|fever|\bflu|diabetes|dementia|failure"
    r"|deficiency|allergy|asthma|pneumonia|palsy|autism|stroke|\w(?:osis|itis|[ae]mia|opathy|algia"
    r"|plegia|phrenia|carcinoma|lymphoma|sarcoma))\W*$",
    re.IGNORECASE,
)
_AS_KIND = re.compile(r"\b(?:an?|another)\s+$", re.IGNORECASE)
_HAVING = re.compile(r"\s+(?:patient|person|sufferer|case|diagnosis)", re.IGNORECASE)
_AS_NAME = re.compile(
    r"(?:\bwhat(?:['’]?s| is)|\b(?:ha(?:ve|s|ving)|got|with|about|and))\s+an?\s+$", re.IGNORECASE
)


class Mention(NamedTuple):
    """A subject where it stands in a text: `text[start:end]`."""

    start: int
    end: int
    subject: str


class Subjects:
    """Finds the subjects of one knowledge in a text. Immutable; safe to share between threads.

    `aliases` are (surface, canonical) pairs, `canonical` the names to put. An alias of an
    unknown name adds that name; blank ones are left out. All work is linear in the text.
    """

    __slots__ = (
        "_conditions",
        "_found",
        "_long",
        "_names",
        "_pattern",
        "_shortest",
        "_widths",
        "canonical",
    )

    def __init__(
        self, aliases: Iterable[tuple[str, str]] = (), canonical: Iterable[str] = ()
    ) -> None:
        pairs = [(a.strip(), c.strip()) for a, c in aliases if a.strip() and c.strip()]
        given = [c.strip() for c in canonical if c.strip()]
        names = tuple(dict.fromkeys([*given, *(c for _, c in pairs)]))
        own = {_squeezed(name) for name in names}
        surfaces = {name: name for name in names}
        for surface, name in pairs:
            if _squeezed(surface) not in own:  # a canonical name is never another's alias
                surfaces.setdefault(surface, name)
        ordered = sorted(surfaces, key=lambda s: (-len(s), s))
        self.canonical = names
        self._conditions = frozenset(n for s, n in surfaces.items() if _CONDITION.search(s))
        self._names = tuple(surfaces[s] for s in ordered)
        self._pattern = (
            re.compile("|".join(f"({_START}(?:{_spelt(s)}){_END})" for s in ordered))
            if ordered
            else None
        )
        self._long: dict[str, tuple[tuple[str, ...], str]] = {
            _squeezed(s): (_parts(s), surfaces[s])
            for s in ordered
            if len(_squeezed(s)) >= LONG_NAME
        }
        self._shortest = min(map(len, self._long), default=0)
        widths = {len(parts) for parts, _ in self._long.values()}
        self._widths = tuple(sorted({w for n in widths for w in (n - 1, n, n + 1) if w > 0}))
        # One question is looked at from several sides in a row.
        self._found = lru_cache(maxsize=256)(self._mentions)

    def replace(self, text: str) -> str:
        """`text` with the canonical name for every name of a subject; the rest as it was.

        Idempotent.
        """
        for _ in range(4):  # what a replacement joins may be a name in its turn
            replaced = self._once(text)
            if replaced == text:
                break
            text = replaced
        return text

    def mentioned(self, text: str) -> frozenset[str]:
        """The canonical names of the subjects that `text` names."""
        return frozenset(m.subject for m in self.mentions(text))

    def both(self, text: str) -> bool:
        """Whether `text` speaks of several subjects at once: named, or as "both", "the two"."""
        if len(self.canonical) < 2:
            return False
        if len(self.mentioned(text)) > 1:
            return True
        return _TOGETHER.search(text) is not None and _AGREEING.search(text) is None

    def other(self, name: str) -> str | None:
        """The other subject where there are exactly two and `name` is one of them."""
        if len(self.canonical) != 2 or name not in self.canonical:
            return None
        first, second = self.canonical
        return second if name == first else first

    def is_condition(self, name: str) -> bool:
        """Whether one of the names of `name` is that of an illness, which people have."""
        return name in self._conditions

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Every name of a subject in `text`, in order, without overlaps.

        "Is it a motor neurone disease" names none, though that may be a name of ALS: after "a" it
        is a kind of thing.
        """
        return self._found(text)

    def _mentions(self, text: str) -> tuple[Mention, ...]:
        if self._pattern is None:
            return ()
        found = [
            Mention(m.start(), m.end(), self._names[(m.lastindex or 1) - 1])
            for m in self._pattern.finditer(text)
            if not _is_title(text, m.start(), m.end())
        ]
        found += self._misspelt(text, found)
        return tuple(
            sorted(
                m
                for m in found
                if text[m.start : m.end] == m.subject or not _is_kind(text, m.start, m.end)
            )
        )

    def _once(self, text: str) -> str:
        pieces: list[str] = []
        at = 0
        for mention in self.mentions(text):
            before = text[at : mention.start]
            surface = text[mention.start : mention.end]
            put = mention.subject + self._possessive(surface, text[mention.end :])
            # "multiple sclerosis (MS)" names one thing once
            if (
                before == " ("
                and pieces
                and text[mention.end : mention.end + 1] == ")"
                and (pieces[-1] == put)
            ):
                at = mention.end + 1
                continue
            pieces += [before, put]
            at = mention.end
        return "".join([*pieces, text[at:]])

    def _possessive(self, surface: str, after: str) -> str:
        """ "'s" where the surface has one that is no part of the name, and a word follows."""
        owner = _POSSESSIVE.sub("", surface)
        if owner == surface or self._pattern is None or re.match(r"\s+[^\W_]", after) is None:
            return ""
        return "'s" if self._pattern.fullmatch(owner) else ""

    def _misspelt(self, text: str, taken: list[Mention]) -> Iterator[Mention]:
        """Long names with a typo, outside of what is `taken`; the nearest name wins."""
        if not self._long:
            return
        spans = [m.span() for m in _WORD.finditer(text)]
        free = [not any(m.start < e and s < m.end for m in taken) for s, e in spans]
        typed = [_squeezed(text[s:e]) for s, e in spans]
        i = 0
        while i < len(spans):
            hit = next(
                (
                    (w, name)
                    for w in reversed(self._widths)
                    if i + w <= len(spans)
                    and all(free[i : i + w])
                    and (name := self._nearest(typed[i : i + w])) is not None
                ),
                None,
            )
            if hit is None:
                i += 1
                continue
            yield Mention(spans[i][0], spans[i + hit[0] - 1][1], hit[1])
            i += hit[0]

    def _nearest(self, typed: list[str]) -> str | None:
        if typed[0] in FUNCTION_WORDS or typed[-1] in FUNCTION_WORDS:
            return None
        joined = "".join(typed)
        if len(joined) + LENGTHS_OFF < self._shortest:
            return None
        best, best_ratio = None, 0.0
        for name, (parts, subject) in self._long.items():
            if abs(len(name) - len(joined)) > LENGTHS_OFF:
                continue
            ratio = fuzz.ratio(joined, name, score_cutoff=TYPO_RATIO)
            if ratio > best_ratio and _is_typo(typed, parts):
                best, best_ratio = subject, ratio
        return best


def _parts(name: str) -> tuple[str, ...]:
    return tuple(_squeezed(word) for word in _WORD.findall(name))


def _squeezed(text: str) -> str:
    """Lower-case letters and digits only, possessive dropped."""
    return "".join(c for c in _POSSESSIVE.sub("", text).casefold() if c.isalnum())


def _is_typo(typed: list[str], parts: tuple[str, ...]) -> bool:
    """Whether the words typed are the name's, misspelt: at most two letters off in a word."""
    if len(typed) != len(parts):  # a space too many or too few
        short = any(len(part) < 4 for part in parts)  # "hepatitis" is no typo of "hepatitis B"
        return OSA.distance("".join(typed), "".join(parts)) <= (0 if short else 1)
    return all(_same_word(a, b) for a, b in zip(typed, parts, strict=True))


def _same_word(typed: str, part: str) -> bool:
    if typed == part:
        return True
    if min(len(typed), len(part)) < 4 or any(c.isdigit() for c in typed + part):
        return False
    for one, two in _CONTRASTS:
        if (typed.startswith(one) and part.startswith(two)) or (
            typed.startswith(two) and part.startswith(one)
        ):
            return False
    allowed = 2 if len(part) >= 8 else 1
    return OSA.distance(typed, part, score_cutoff=allowed) <= allowed


def _spelt(name: str) -> str:
    """A pattern of the ways to write `name`: case, spaces, hyphens, apostrophes, plurals."""
    words = _WORD.findall(name)
    if not words:
        return re.escape(name)
    if len(words) == 1 and name.isalpha() and name.isupper() and 2 <= len(name) <= 6:
        return _abbreviation(name)
    kind_last = words[-1].casefold() in _KIND
    body = words[:-1] if kind_last and len(words) > 1 and _POSSESSIVE.search(words[-2]) else words
    pieces = [_one_word(w) for w in body]
    if not _POSSESSIVE.search(body[-1]):
        return _folded(_GAP.join(pieces) + f"(?:{_APOSTROPHE}s?)?")
    # A disease named after a person: "Lou Gehrig's" and "Lou Gehrig disease", not "Lou Gehrig".
    lead = "".join(p + _GAP for p in pieces[:-1]) + re.escape(_POSSESSIVE.sub("", body[-1]))
    kind = rf"[\s\-]+(?:{'|'.join(_KIND)})(?:{_APOSTROPHE}?s)?"
    return _folded(rf"{lead}(?:(?:{_APOSTROPHE}?s{_APOSTROPHE}?)(?:{kind})?|{kind})")


def _one_word(word: str) -> str:
    if _POSSESSIVE.search(word):
        return re.escape(_POSSESSIVE.sub("", word)) + rf"{_APOSTROPHE}?s?"
    word = word.casefold()
    if len(word) < 4:
        return re.escape(word)
    if word.endswith("is"):
        return re.escape(word[:-2]) + "(?:is|es)"
    if word.endswith("y"):
        return re.escape(word[:-1]) + "(?:y|ies)"
    return re.escape(word) + "(?:es|s)?"


def _abbreviation(name: str) -> str:
    dotted = r"\.\s?".join(name) + r"\.?"
    spaced = r"[\s\-]?".join(name) + f"(?:{_APOSTROPHE}?s)?"
    pattern = f"{dotted}|{spaced}"
    # "IT", "US" or "WHO" in small letters is a word of every sentence.
    return pattern if name.casefold() in FUNCTION_WORDS else _folded(pattern)


def _folded(pattern: str) -> str:
    return f"(?i:{pattern})"


def _is_title(text: str, start: int, end: int) -> bool:
    """Whether a name is a form of address: "Ms. Smith", "Ms Smith"; not "Ms is", "Is Ms Fatal?"."""
    if text[start:end].rstrip(".") != "Ms":
        return False
    after = re.match(r"\.?\s+[A-Z][a-z]+", text[end:])
    if after is None:
        return False
    others = _WORD.findall(text[:start]) + _WORD.findall(text[end + after.end() :])
    return not others or not all(word[0].isupper() for word in others) or "." in after.group()


def _is_kind(text: str, start: int, end: int) -> bool:
    """Whether a name is a kind of thing: "is it a motor neurone disease", not "an MND patient"."""
    if _HAVING.match(text[end : end + 16]):
        return False
    before = text[max(0, start - 24) : start]
    return _AS_KIND.search(before) is not None and _AS_NAME.search(before) is None
