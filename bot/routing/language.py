"""Is this English, and is it a question at all? Two cheap looks at the words, no model.

A language shows in its function words ("ist", "qué"), a script in its letters. Both checks lean
to English: a question wrongly refused here is never answered, while one wrongly let through only
finds nothing. Short keyword queries, names, medical Latin and mixed sentences pass.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from bot.routing.chatspeak import load_yaml, plain
from bot.wording import clean

SURE, HINT = 2, 1  # weights of a language's words
ENOUGH = 3  # weight from which a text counts as foreign though it has English words too
KEY_RUN = 4  # neighbouring keys in a row that make a word noise
LONGEST_KEYWORD = 5  # letters of an abbreviation without a vowel ("rrms", "hsct")
_LOOKED_AT = 400  # characters: the language of a text shows long before
_FOREIGN_LETTERS = frozenset("äöüßñçãõâêîôûáéíóúàèìòùåæøłżźćńśąęğışőűřěůčšžțșăđ")
_VOWELS = frozenset("aeiouy")


@dataclass(frozen=True, slots=True)
class Profiles:
    """The shipped word lists (`data/languages.yaml`), folded."""

    english: frozenset[str]
    weights: dict[str, dict[str, int]]  # language -> word -> weight
    listed: dict[str, tuple[tuple[str, int], ...]]  # word -> languages and weights
    rare_pairs: frozenset[str]
    key_runs: frozenset[str]


@lru_cache(maxsize=1)
def profiles() -> Profiles:
    data = load_yaml("languages.yaml")
    assert isinstance(data, dict)
    rows = [row for keys in data["key_rows"] for row in (keys, keys[::-1])]
    weights = {
        name: dict.fromkeys(words["hint"], HINT) | dict.fromkeys(words["sure"], SURE)
        for name, words in data["languages"].items()
    }
    listed: dict[str, tuple[tuple[str, int], ...]] = {}
    for name, words in weights.items():
        for word, weight in words.items():
            listed[word] = (*listed.get(word, ()), (name, weight))
    return Profiles(
        english=frozenset(data["english"]),
        weights=weights,
        listed=listed,
        rare_pairs=frozenset(a + b for a, after in data["rare_pairs"].items() for b in after),
        key_runs=frozenset(
            row[at : at + KEY_RUN] for row in rows for at in range(len(row) - KEY_RUN + 1)
        ),
    )


def foreign_language(question: str) -> str | None:
    """The name of the language or script, where `question` is not English; None where it is."""
    cleaned = clean(question[: 2 * _LOOKED_AT])[:_LOOKED_AT]
    script = _foreign_script(cleaned)
    if script is not None:
        return script
    words = plain(cleaned).split()
    if len(words) < 2:
        return None  # one word is a name or a keyword
    known = profiles()
    accents = sum(any(c in _FOREIGN_LETTERS for c in word) for word in cleaned.casefold().split())
    marks = SURE * any(c in "¿¡" for c in cleaned)
    totals = dict.fromkeys(known.weights, 0)
    for word in words:
        for name, weight in known.listed.get(word, ()):
            totals[name] += weight
    language = max(totals, key=lambda name: totals[name])
    best = totals[language]
    listed = known.weights[language] if best else {}
    sure = {word for word in words if listed.get(word) == SURE}
    if not sure and not marks:
        return None
    # A word that the language shares with English ("was", "is") speaks for neither.
    english = sum(word in known.english and word not in listed for word in words)
    total = best + min(accents, 2) + marks
    if english == 0 and total >= len(words) / 3 and any(len(word) > 3 for word in sure):
        return language
    return (language if best else "another") if total >= ENOUGH and total > SURE * english else None


def is_gibberish(question: str) -> bool:
    """Whether there is no word to understand: no letters, keys hit at random, one letter held.

    A number is not gibberish: it may pick an offered option, or be a postcode.
    """
    words = plain(question[:_LOOKED_AT]).split() or plain(question).split()
    if not words:
        return True
    if len(words) == 1 and words[0].isalpha() and len(words[0]) == 1:
        return True
    if any(word in profiles().english for word in words):
        return False
    noise = sum(len(word) for word in words if _is_noise(word))
    letters = sum(len(word) for word in words)
    return noise > 0.6 * letters or (len(set("".join(words))) == 1 and words[0].isalpha())


def _foreign_script(cleaned: str) -> str | None:
    """The script of most letters, where it isn't Latin."""
    letters = [c for c in cleaned if c.isalpha()]
    foreign = [c for c in letters if ord(c) > 0x24F and not "ﬀ" <= c <= "ﬆ"]
    foreign = [c for c in foreign if not unicodedata.name(c, "").startswith("LATIN")]
    if len(foreign) < 2 or len(foreign) * 2 <= len(letters):
        return None
    return unicodedata.name(foreign[0], "another script").split()[0].capitalize()


def _is_noise(word: str) -> bool:
    """Whether `word`, folded, can hardly be a word, a name, a medicine or an abbreviation."""
    if not word.isascii() or not word.isalpha() or len(word) < 3:
        return False
    known = profiles()
    pairs = [word[at : at + 2] for at in range(len(word) - 1)]
    rare = sum(pair in known.rare_pairs for pair in pairs)
    keys = any(word[at : at + KEY_RUN] in known.key_runs for at in range(len(word) - KEY_RUN + 1))
    voiceless = len(word) > LONGEST_KEYWORD and not _VOWELS & set(word)
    few = len(word) >= 4 and len(set(word)) <= 2 and len(word) > 2 * len(set(word))
    return (
        keys
        or voiceless
        or few
        or rare >= 2
        or (rare == 1 and len(word) == 4 and not _VOWELS & set(word))
    )
