"""One normal form for every way to write the same words, and the words in it."""

from __future__ import annotations

import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
import snowballstemmer
from hypothesis import given
from hypothesis import strategies as st

from bot.wording import FUNCTION_WORDS, clean, content_words, normalise, stem, words

DROPPED = "\u200b\u200d\u00ad\ufeff\u202e\ud800"  # format characters and a lone surrogate


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("what´s MS", "what's MS"),
        ("what`s MS", "what's MS"),
        ("what’s  MS ", "what's MS"),
        ("what's\u00a0MS\n", "what's MS"),
        ("“post‑diagnosis”", '"post-diagnosis"'),
        ("20–50", "20-50"),
        ("ＭＳ\u3000ﬁrst", "MS first"),
        ("a\x00b\x7fc", "a b c"),
        ("e\u200d\u0301", "é"),
        ("\ud83d", ""),
        ("", ""),
    ],
)
def test_a_text_has_one_clean_form(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert clean(text) == clean(text).strip()


@given(st.text())
def test_no_control_format_or_surrogate_character_is_left(text: str) -> None:
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in clean(text))


@given(st.text(alphabet="Is MS é'a?", min_size=1), st.data())
def test_what_nobody_sees_changes_nothing(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    hidden = text[:place] + data.draw(st.sampled_from(DROPPED)) + text[place:]
    assert clean(hidden) == clean(text)


@given(st.text(st.characters(codec="latin-1")))
def test_unicode_forms_of_a_text_are_equal(text: str) -> None:
    assert clean(unicodedata.normalize("NFD", text)) == clean(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(
    "text", ["IS MS FATAL??", "is ms fatal", " Is MS  fatal… ", "'Is MS fatal?'"]
)
def test_case_and_closing_punctuation_do_not_count(text: str) -> None:
    assert normalise(text) == "is ms fatal"


def test_words_keep_their_apostrophes_and_nothing_else() -> None:
    assert words("Don’t MS_patients' legs, 20-50 (U.S.) hurt?") == (
        *("don't", "ms", "patients", "legs", "20", "50", "u", "s", "hurt"),
    )


def test_a_plural_of_initials_is_the_same_word() -> None:
    assert stem("dvds") == stem("dvd") == stem("dvd's")
    assert (stem("ms"), stem("css")) == ("ms", "css")


def test_content_words_leave_out_what_carries_no_topic() -> None:
    assert content_words("what's new? I'm sure they’re late, it isn't ALS's") == (
        *("new", "sure", "late", "isn't", "als's"),
    )
    assert content_words("What is the x factor in 5 of my ALS patients?") == (
        *("factor", "5", "als", "patients"),
    )


@pytest.mark.parametrize("word", ["not", "no", "never", "without", "only", "most", "worse"])
def test_words_that_change_what_is_asked_are_no_function_words(word: str) -> None:
    assert word not in FUNCTION_WORDS


def test_a_stem_is_that_of_snowball_without_the_possessive() -> None:
    oracle = snowballstemmer.stemmer("english")
    for word in ("diseases", "inherited", "running", "als", "skies", "generously"):
        assert stem(word) == oracle.stemWord(word)
    assert stem("gehrig's") == stem("gehrig")


def test_threads_that_stem_at_once_get_the_stems_of_one() -> None:
    """The stemmer works in place: without a lock threads would keep each other's stems."""
    ends = ("ational", "ibilities", "ously", "ing", "ed", "ization", "fulness")
    starts = ("renation", "unsens", "hypergener", "ressens", "ungener", "hypernation", "op", "mul")
    typed = [start + end for start in starts for end in ends] * 6
    oracle = snowballstemmer.stemmer("english")
    expected = [oracle.stemWord(word) for word in typed]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(3):
            stem.cache_clear()
            with ThreadPoolExecutor(8) as pool:
                found = list(pool.map(lambda _: [stem(word) for word in typed], range(8)))
            assert all(stems == expected for stems in found)
    finally:
        sys.setswitchinterval(interval)
