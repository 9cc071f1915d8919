"""A question that wants a number isn't answered by a sentence without one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.matching.numbers import lacks_number, says_number

MOST = "The majority of patients have a near-normal lifespan."
FEW = "An estimated 20,000 people have it, about one in ten of them young."


@pytest.mark.parametrize(
    ("question", "lacking"),
    [
        ("By how many years does it shorten life?", True),
        ("After how many weeks is it shipped?", True),
        ("What percentage of patients is that?", True),
        ("by how much", True),
        ("How many patients live a normal life?", False),  # the majority
        ("How long do people live?", False),  # "near-normal"
        ("How many years do people live with it?", False),
        ("Which patients live longest?", False),
        ("Is it deadly?", False),
    ],
)
def test_what_a_sentence_without_numbers_can_answer(question: str, lacking: bool) -> None:
    assert lacks_number(question, MOST) is lacking
    assert not lacks_number(question, FEW)


def test_how_often_wants_a_number_or_a_rough_amount() -> None:
    assert lacks_number("How often does that happen?", "It can also affect the mood.")
    assert not lacks_number("How often does that happen?", "It rarely affects the mood.")


def test_the_number_of_a_group_is_not_that_of_all() -> None:
    assert lacks_number("How many women in the U.S. have it?", FEW)
    assert not lacks_number("How many woman have it?", "About 300,000 women have it.")
    assert lacks_number("How many man have it?", "As many as 300,000 women have it.")


@given(st.text(max_size=80), st.text(max_size=80), st.integers(0, 10**6))
def test_a_sentence_with_a_number_lacks_none(question: str, answer: str, number: int) -> None:
    assert says_number(f"{answer} {number}")
    assert "how many" in question.lower() or not lacks_number(question, f"{answer} {number}")
