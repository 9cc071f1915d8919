"""What is taken out of a question before it is kept for review."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.state.redaction import redact


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to anna.b+x@clinic.example.org please", "write to [email] please"),
        ("see https://me.example/a?b=c and www.x.org", "see [link] and [link]"),
        ("ask @anna_b", "ask [handle]"),
        ("call +49 (0)170 123-45.67 now", "call [number] now"),
        ("ssn 123-45-6789, born 12/03/1980", "ssn [number], born [number]"),
        ("my name is Anna Maria Schmidt and I shake", "my name is [name] and I shake"),
        ("My name's anna, is it MS?", "My name's [name], is it MS?"),
        ("call me Jürgen and say why", "call me [name] and say why"),
    ],
)
def test_what_identifies_a_person_goes(text: str, kept: str) -> None:
    assert redact(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "is it found at ages 20 to 50 or 40 to 70?",
        "do 400,000 people have MS and 20,000 ALS?",
        "what is my name for it and is it fatal",
        "three to five years?",
    ],
)
def test_the_rest_of_a_question_stays(text: str) -> None:
    assert redact(text) == text


@settings(deadline=None)
@given(st.text(max_size=200))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@settings(deadline=None)
@given(
    st.text(max_size=40),
    st.from_regex(re.compile(r"[a-z0-9]{1,8}@[a-z]{1,8}\.(com|org)", re.ASCII), fullmatch=True),
    st.text("0123456789", min_size=6, max_size=20),
)
def test_an_address_or_a_number_never_survives(text: str, mail: str, number: str) -> None:
    kept = redact(f"{text} {mail} {number} {text}")
    assert mail not in kept
    assert number not in kept or number in redact(text)
