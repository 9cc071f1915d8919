"""A typing error is mended, a word that is none is left alone."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from bot.bot import Bot
from bot.matching.spelling import SHORTEST, SWAPPED, Speller
from bot.wording import FUNCTION_WORDS, clean, words

TEXTS = (
    "Is ALS a fatal disease?",
    "What difference is there in symptoms?",
    "Does MS affect the patients' lives? The patient brain?",
    "genes, prednisolone, hypotension, invented muscle muscles",
    "muscle",
)
KNOWN = Counter(word for text in TEXTS for word in words(text))
SPELLER = Speller(KNOWN)


@pytest.mark.parametrize(
    ("typed", "mended"),
    [
        ("what is the differnce", "what is the difference"),
        ("diffrence", "difference"),
        ("symtpoms", "symptoms"),
        ("a fatall diseaze", "a fatal disease"),
        ("the pateint's muscel", "the patient's muscle"),
        ("FATALL", "fatal"),
        ("tehre is a brani", "there is a brain"),
        ("gnees, wiht", "genes, with"),
    ],
)
def test_a_typing_error_becomes_the_word_that_was_meant(typed: str, mended: str) -> None:
    assert SPELLER.mend(typed) == mended


@pytest.mark.parametrize(
    "text",
    [
        "doesn't wouldn't couldn't shouldn't",
        "doesnt wouldnt couldnt shouldnt",
        "prednisone",  # another medicine than prednisolone
        "hypertension",  # the opposite of hypotension
        "infected",  # by two letters "invented"
        "wits",  # of four letters only two that changed places are mended
        "lover",  # short for "lives"
        "live's",
        "20-50 U.S. B12",
        "",
    ],
)
def test_what_is_no_typing_error_stays(text: str) -> None:
    assert SPELLER.mend(text) == text


def test_a_word_of_the_language_is_never_mended() -> None:
    assert SPELLER.mend("genres") == "genes"
    assert Speller(KNOWN, {"genres"}.__contains__).mend("genres") == "genres"


@pytest.mark.parametrize("word", ["liver", "kidney", "infected", "genres", "Germany", "heart"])
def test_the_bot_mends_no_common_word_into_one_of_the_article(bot: Bot, word: str) -> None:
    """A question on the liver is none on lives."""
    compared = bot.consider(f"does MS affect the {word}").retrieved
    assert compared is not None
    assert word in compared.question


@given(st.sampled_from([w for w in sorted(KNOWN) if w.isalpha()]), st.data())
def test_mending_is_the_nearest_known_word_by_brute_force(word: str, data: st.DataObject) -> None:
    letters = list(word)
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, len(letters)))
        letters[place : place + data.draw(st.integers(0, 1))] = data.draw(
            st.sampled_from(["", "x", "e"])
        )
    typed = "".join(letters)
    mended = SPELLER.mend(typed)
    near = [
        (OSA.distance(typed, known), -KNOWN[known], known)
        for known in FUNCTION_WORDS | KNOWN.keys()
        if len(known) >= SHORTEST and known.isalpha() and known[0] == typed[:1]
        if len(typed) > SWAPPED or sorted(known) == sorted(typed)
    ]
    if len(typed) < SHORTEST or typed in KNOWN or typed in FUNCTION_WORDS:
        assert mended == typed
    elif mended != typed:
        assert mended == min(n for n in near if n[2] == mended or n[0] < 2)[2]
        assert OSA.distance(typed, mended) <= (1 if len(typed) < 8 else 2)
    else:
        assert not any(distance < 2 for distance, _, _ in near)


@given(st.text())
def test_mending_twice_changes_nothing_and_nothing_raises(text: str) -> None:
    assert SPELLER.mend(SPELLER.mend(text)) == SPELLER.mend(text)
    assert clean(SPELLER.mend(text)) == SPELLER.mend(text)
