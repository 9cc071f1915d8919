"""The wording of a question: one normal form, its words, its content words.

Spelling variants of the same text (case, Unicode form, quotes, spaces, control characters) get
the same normal form, so that they can't change an answer.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "“": '"', "”": '"'})
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

# Function words of English questions: they carry no topic. Negations, quantities, question words
# and comparatives are kept out of this list on purpose, for they change what is asked.
FUNCTION_WORDS = frozenset(
    "a about actually all also am an and any anyone anybody are as at basically be because been "
    "being but by can could d did do does doing don else even ever for from get gets getting go "
    "goes going got had has have having he her here hers hey hi him his how i if in into is it its "
    "just know ll like m many may me mean might mine more much must my of oh ok okay on one or "
    "our out over people person please put really re s say says she should so some someone "
    "somebody something still such t tell than that the their them then there these they thing "
    "things think this those though to too two um up us ve very was we well were what when where "
    "which who whom whose why will with would yes you your".split()
)

_CONTRACTED = re.compile(r"'(?:s|m|re|ve|d|ll)$")

_INITIALS = re.compile(r"[b-df-hj-np-tv-xz]{2,}(?<!s)s")  # of "DVDs", "TVs"

_stemmer = snowballstemmer.stemmer("english")
_stemming = threading.Lock()  # the stemmer keeps the word it works on in itself


def clean(text: str) -> str:
    """Unicode NFKC, straight quotes and hyphens, no control or format characters, single spaces.

    Lone surrogates are dropped. Case is kept, for a person reads the result.
    """
    if text.isascii():
        return " ".join(_CONTROLS.sub(" ", text).replace("`", "'").split())
    # What is dropped may part letters that belong together, and NFKC would take an acute accent
    # that was typed for an apostrophe apart: both go before it.
    kept = (" " if c.isspace() or unicodedata.category(c) == "Cc" else c for c in text)
    text = "".join(c for c in kept if unicodedata.category(c) not in ("Cf", "Cs"))
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES))
    return " ".join(text.translate(_QUOTES).translate(_DASHES).split())


def normalise(text: str) -> str:
    """The form that is compared: `clean`, lower case, no closing punctuation."""
    return clean(text).casefold().strip(" .!?;:,\"'")


def words(text: str) -> tuple[str, ...]:
    """The words of `text` in order, lower case, apostrophes kept inside a word."""
    return tuple(_WORD.findall(normalise(text)))


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Snowball (Porter2) stem of one lower-case word, possessive dropped.

    The stemmer leaves a plural without vowels as it is ("DVDs"); "MS" is none.
    """
    word = word.removesuffix("'s")
    if _INITIALS.fullmatch(word):
        return word[:-1]
    with _stemming:
        return str(_stemmer.stemWord(word))


def content_words(text: str) -> tuple[str, ...]:
    """The words that carry the topic: neither function words ("what's") nor single letters."""
    kept = (w for w in words(text) if _CONTRACTED.sub("", w) not in FUNCTION_WORDS)
    return tuple(w for w in kept if len(w) > 1 or w.isdigit())


def stems(text: str) -> frozenset[str]:
    """The stems of the content words of `text`."""
    return frozenset(stem(word) for word in content_words(text))
