"""Cutting texts into messages: nothing lost, nothing too long, nothing torn that fits."""

from __future__ import annotations

import pytest
import regex
from hostile import texts
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.messaging import markup
from bot.channels.messaging.splitting import shorten, split, utf8_bytes, utf16_units

SIZES = {"characters": len, "units": utf16_units, "bytes": utf8_bytes}


def squash(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("unit", SIZES)
@settings(max_examples=150, deadline=None)
@given(text=texts(), limit=st.integers(4, 5000))
def test_pieces_fit_and_lose_nothing_but_white_space(unit: str, text: str, limit: int) -> None:
    size = SIZES[unit]
    pieces = split(text, limit, size)
    assert all(1 <= size(piece) <= limit for piece in pieces)
    assert squash("".join(pieces)) == squash(text)


@settings(max_examples=150, deadline=None)
@given(text=texts(), limit=st.integers(60, 5000))
def test_no_grapheme_is_torn_that_fits(text: str, limit: int) -> None:
    graphemes = [found.span() for found in regex.finditer(r"\X", text)]
    if any(utf16_units(text[start:end]) > limit for start, end in graphemes):
        return
    edges = {edge for span in graphemes for edge in span}
    behind = 0
    for piece in split(text, limit, utf16_units):
        start = text.index(piece, behind)
        behind = start + len(piece)
        # White space at a cut is dropped, whatever combines with it.
        assert start in edges or text[start - 1].isspace()
        assert behind in edges or text[behind].isspace()


@settings(max_examples=150, deadline=None)
@given(before=texts(3000), kept=texts(400), after=texts(3000), limit=st.integers(1200, 3000))
def test_what_must_stay_whole_is_in_one_piece(
    before: str, kept: str, after: str, limit: int
) -> None:
    text = f"{before} {kept} {after}"
    start = len(before) + 1
    pieces = split(text, limit, utf16_units, [(start, start + len(kept))])
    if kept.strip():
        assert any(kept.strip() in piece for piece in pieces)


@settings(max_examples=100, deadline=None)
@given(text=texts(), limit=st.integers(200, 3000))
@pytest.mark.parametrize(
    "escape", [markup.slack, markup.html, markup.discord, markup.whatsapp, markup.googlechat]
)
def test_pieces_fit_when_escaped(escape: markup.Escape, text: str, limit: int) -> None:
    for piece in split(text, limit, lambda t: utf16_units(escape(t))):
        assert utf16_units(escape(piece)) <= limit


def test_cuts_fall_behind_paragraphs_then_sentences_then_words() -> None:
    text = "One two. Three four.\n\nFive six. Seven eight nine ten."
    assert split(text, 30) == ("One two. Three four.", "Five six.", "Seven eight nine ten.")
    assert split(text, 9) == (
        "One two.",
        "Three",
        "four.",
        "Five six.",
        "Seven",
        "eight",
        "nine ten.",
    )
    assert split("abcdefgh", 3) == ("abc", "def", "gh")
    assert split("  ", 3) == ()
    assert split("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 11, utf16_units) == ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦")


@settings(max_examples=200, deadline=None)
@given(text=texts(), limit=st.integers(8, 300))
def test_a_shortened_text_fits_and_says_that_it_is(text: str, limit: int) -> None:
    short = shorten(text, limit, utf16_units)
    assert utf16_units(short) <= limit
    assert short == text or short.endswith("…")


def test_a_long_text_is_cut_quickly() -> None:
    assert len(split("x" * 200_000, 1600, lambda t: utf16_units(markup.slack(t)))) == 125
