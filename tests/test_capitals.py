"""Capitals inside a drawn question are those of names and abbreviations."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.documents.documents import document_from_text
from bot.drawing.capitals import Capitals
from bot.drawing.drawing import draw_pairs

SHOP = Path(__file__).parent / "data" / "shop" / "documents" / "shop.txt"
SAID = """\
We open the pool at 7 and close the sauna. In Mill Lane the Harbour Plan holds, as the GDPR has it.
Hold the reset pin of the router and type the password. In Didcot it rains.
Zumba is on Mondays. Tickets and Lamps, which Zumba needs, are sold to Halden Networks.
"""


@pytest.mark.parametrize(
    ("heading", "inside"),
    [
        ("What Are the Opening Hours of Our Pool", "What are the opening hours of our pool"),
        ("Changing The Wi-Fi Password", "Changing the Wi-Fi password"),
        ("How Do I Reset My Router?", "How do I reset my router?"),
        ("Book A Visit", "Book a visit"),
        ("Food And Drink", "Food and drink"),
        ("Harbour Plan Prices", "Harbour Plan Prices"),
        ("Getting To Mill Lane", "Getting to Mill Lane"),
        ("Bank of Leeds", "Bank of Leeds"),
        ("Westmere General Hospital", "Westmere General Hospital"),
        ("Opening hours in Mill Lane", "Opening hours in Mill Lane"),
        ("iPhone and Halden X2", "iPhone and Halden X2"),
        ("Part A", "Part A"),
        ("TICKETS", "Tickets"),
        ("BEFORE YOU BEGIN", "Before you begin"),
        ("PARKING IN DIDCOT", "Parking in Didcot"),
        ("PASSWORD AND GDPR", "Password and GDPR"),
        ("ISBN", "ISBN"),
        ("NHS AND YOU", "NHS AND YOU"),
    ],
)
def test_a_heading_has_the_capitals_of_a_sentence(heading: str, inside: str) -> None:
    assert Capitals.of(SAID).heading(heading) == inside


def test_common_is_what_the_document_writes_small_or_everyday_life_knows() -> None:
    capitals = Capitals.of(SAID)
    assert {"pool", "tickets"} <= capitals.common
    # begins a sentence, but has a capital inside another
    assert not {"zumba", "lamps", "harbour", "didcot"} & capitals.common


@given(st.text("aB cD.\n'É1-", max_size=60), st.text("aB cD'É1-of", max_size=30))
def test_nothing_but_capitals_changes(text: str, heading: str) -> None:
    assert Capitals.of(text).heading(heading).casefold() == heading.casefold()


def questions(text: str) -> list[str]:
    document = document_from_text(text, id="d", title="The Pool House", source="d.md")
    return [w for pair in draw_pairs(document) for w in pair.wordings if w.endswith("?")]


def test_the_questions_of_a_page_in_title_case_read_like_a_persons() -> None:
    drawn = questions(
        "# The Pool House\n\n"
        "## What Are the Opening Hours of Our Pool\n\nThe pool opens at 7am.\n\n"
        "## Contact Us\n\nChildren under 16 are tested free of charge. Call Didcot on 0800 496.\n\n"
        "## How Do I Pay My Bill?\n\nNobody may pay in cash. Zumba classes cost £5. We teach "
        "Zumba.\n"
    )
    assert "What are the opening hours of your pool?" in drawn
    assert "How do I contact you?" in drawn
    assert "How do I pay my bill?" in drawn
    assert "Are children under 16 tested free of charge?" in drawn
    assert "Who may pay in cash?" in drawn
    assert "How much do Zumba classes cost?" in drawn


def test_a_shops_page_has_no_capitals_but_of_its_names() -> None:
    inside = {
        name
        for question in questions(SHOP.read_text(encoding="utf-8"))
        for name in re.findall(r"(?<=[a-z] )[A-Z][\w-]*", question)
    }
    assert inside == {"Grace", "Moss", "I", "Mondays", "Saturdays"}
