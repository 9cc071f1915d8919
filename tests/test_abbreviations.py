"""Abbreviations that a text defines itself."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.documents.abbreviations import best_long_form, find_abbreviations, is_short_form


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("Many people with multiple sclerosis (MS) walk.", [("MS", "multiple sclerosis")]),
        ("It is amyotrophic lateral sclerosis (ALS).", [("ALS", "amyotrophic lateral sclerosis")]),
        (
            "ALS (amyotrophic lateral sclerosis) is rare.",
            [("ALS", "amyotrophic lateral sclerosis")],
        ),
        ("the heat shock transcription factor (HSF)", [("HSF", "heat shock transcription factor")]),
        ("Value-added tax (VAT) is due.", [("VAT", "Value-added tax")]),
        ("the World Health Organization (WHO; Geneva)", [("WHO", "World Health Organization")]),
        ("deoxyribonucleic acid (DNA) and DNA again", [("DNA", "deoxyribonucleic acid")]),
        ("multiple\n sclerosis (MS)", [("MS", "multiple sclerosis")]),
        ("multiple\u00a0sclerosis (MS)", [("MS", "multiple sclerosis")]),
        ("He left. Marsupials sleep. So (MS) is new.", []),
        ("It rained (see below) and stopped (2003).", []),
        ("An open parenthesis (MS is no definition", []),
        ("", []),
    ],
)
def test_it_finds_what_the_text_defines(text: str, pairs: list[tuple[str, str]]) -> None:
    assert list(find_abbreviations(text)) == pairs


def test_the_words_before_the_long_form_are_not_swallowed() -> None:
    assert best_long_form("MS", "many more men suffer from multiple sclerosis") == (
        "multiple sclerosis"
    )


def test_a_pair_is_given_once() -> None:
    text = "multiple sclerosis (MS). Later: Multiple sclerosis (MS)."
    assert find_abbreviations(text) == (("MS", "multiple sclerosis"),)


# initials from one half of the alphabet, the rest of a word from the other: no second reading
WORD = st.builds(
    str.__add__,
    st.sampled_from(string.ascii_lowercase[:13]),
    st.text(string.ascii_lowercase[13:], min_size=1, max_size=8),
)


@given(st.lists(WORD, min_size=2, max_size=6), st.lists(WORD, max_size=4))
def test_initials_of_the_words_before_the_parenthesis_are_found(
    long: list[str], before: list[str]
) -> None:
    short = "".join(w[0] for w in long).upper()
    found = find_abbreviations(" ".join([*before, *long]) + f" ({short}) followed.")
    assert [s for s, _ in found] == [short]
    assert " ".join([*before, *long]).endswith(found[0][1])
    assert len(found[0][1].split()) <= min(len(short) + 5, len(short) * 2)


@given(st.text(max_size=300))
def test_what_is_found_spells_out_its_short_form(text: str) -> None:
    for short, long in find_abbreviations(text):
        assert is_short_form(short)
        letters = iter(long.lower())
        assert all(c in letters for c in short.lower() if c.isalnum())
        assert long[0].lower() == short[0].lower()
