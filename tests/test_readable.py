"""Quotes as they are shown: words stay, marks go, in Python and in the widget alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from bot.readable import readable

DOM = Path(__file__).parents[1] / "bot" / "web" / "widget" / "dom.js"
SHOWN = [
    ("The pass costs **£38** a _year_.", "The pass costs £38 a year."),
    ("> **Note:** closed.\n> Until May.", "Note: closed.\nUntil May."),
    ("[Book online](https://x.example/) now.", "Book online now."),
    ("| Adult | £12.50 | £11.00 |", "Adult · £12.50 · £11.00"),
    ("| A | B |\n| --- | :--: |\n| x \\| y |  |", "A · B\nx | y"),
    ("- a*b and snake_case_x, 3 * 4 * 5", "- a*b and snake_case_x, 3 * 4 * 5"),
    ("a | b, or 1 – 2\n\n--\n", "a | b, or 1 – 2\n\n--\n"),
    ("Größe*n*ordnung, *größer*", "Größe*n*ordnung, größer"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_marks_go_and_words_stay(text: str, shown: str) -> None:
    assert readable(text) == shown


@given(st.text(st.characters(exclude_characters="*_[]()|>!", codec="utf-8")))
def test_what_has_no_marks_is_shown_as_it_is(text: str) -> None:
    assert readable(text) == text


def test_the_widget_shows_the_same(browser: Browser) -> None:
    page = browser.new_page()
    source = DOM.read_text(encoding="utf-8").replace("export ", "")
    run = f"(texts) => {{ {source}; return texts.map(readable); }}"
    shown = page.evaluate(run, [text for text, _ in SHOWN])
    page.close()
    assert shown == [shown for _, shown in SHOWN]
