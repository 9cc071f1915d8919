"""What is printed is harmless, complete, and not said twice."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_bot import TinyBot

from bot.printing import PlainScreen, Reason, explain, lay_out, one_line, printable, screen_for
from bot.types import Span


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("\x1b]0;title\x07a", "a"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;never ended", "52;c;never ended"),
        ("\x9b2Ja\x90q\x9c", "a"),
        ("\x1bPq#0\x1b\\a\x1bcb", "ab"),
        ("a\r\nb\rc\bd\te", "a\nbcd\te"),
        ("a\u202eb\u2066c\u2069", "abc"),
        ("\ud800", "\ufffd"),
        ("400,000\xa0people, it’s 👩‍⚕️ مرض", "400,000\xa0people, it’s 👩‍⚕️ مرض"),
    ],
)
def test_escape_sequences_are_taken_out_and_letters_stay(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.sampled_from("\x1b\x9b\x9d]P[0;1mA\x07\\\r\x00\x7f\u202e\ud800\n é")))
def test_nothing_that_steers_a_terminal_is_left_of_any_text(text: str) -> None:
    shown = printable(text)
    assert not any((c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f" for c in shown)
    assert printable(shown) == shown
    shown.encode("utf-8")
    assert len(one_line(text).splitlines()) <= 1


def test_an_answer_is_quote_passage_source_disclaimer_in_that_order() -> None:
    reply = TinyBot().ask("Is MS fatal?").reply
    assert [line.role for line in lay_out(reply)] == ["quote", "passage", "source", "disclaimer"]


def test_marks_are_not_printed_and_the_quote_is_marked_where_it_stands() -> None:
    answer = TinyBot().ask("Is MS fatal?").reply
    row = "| Adult | **£12** |"
    table = f"| Ticket | Price |\n| --- | --- |\n{row}\n| Child | £6 |"
    span = Span(0, len(row))
    cited = replace(answer.citations[0], quote=row, passage=table, span=span)
    quote, passage, *_ = lay_out(replace(answer, citations=(cited,)))
    assert quote.text == "Adult · £12"
    assert passage.text == "Ticket · Price\nAdult · £12\nChild · £6"
    assert passage.mark is not None
    assert passage.text[slice(*passage.mark)] == quote.text


def test_a_decline_lists_its_choices_once_though_its_text_names_them_too() -> None:
    out = io.StringIO()
    PlainScreen(out).reply(TinyBot().ask("How many in Canada?").reply)
    assert out.getvalue() == (
        "The document doesn't say.\n\nNot covered: Canada\n\n"
        "  1. Is ALS fatal?\n  2. Is MS fatal?\n  3. How many people have MS?\n"
    )


def test_what_a_text_says_around_quote_and_list_stays_in_its_place() -> None:
    answer = TinyBot().ask("Is MS fatal?").reply
    led = replace(answer, text=f"About MS only:\n\n“{answer.answer}”\n\nSource: x")
    assert [(line.role, line.text) for line in lay_out(led)][:2] == [
        ("text", "About MS only:"),
        ("quote", "MS is not a fatal disease."),
    ]
    decline = TinyBot().ask("How many in Canada?").reply
    offering = replace(decline, text="Not said.\n\nI can answer:\n1. Is ALS fatal?")
    assert [(line.role, line.text) for line in lay_out(offering)][:4] == [
        ("text", "Not said."),
        ("note", "Not covered: Canada"),
        ("text", "I can answer:"),
        ("choice", "1. Is ALS fatal?"),
    ]


def test_a_disclaimer_that_is_itself_the_quote_is_not_printed_twice() -> None:
    answer = TinyBot().ask("Is MS fatal?").reply
    same = replace(answer, disclaimer=f"Note: {answer.answer}")
    assert [line.role for line in lay_out(same)] == ["quote", "passage", "source"]


def test_a_receipt_is_explained_with_the_runner_up_beside_the_best() -> None:
    receipt = {
        "best": {"signals": {"cosine": 0.5}, "answer": "a"},
        "runner_up": {"signals": {"cosine": 0.25, "fuzzy": 1}},
        "digests": {"model": "ab"},
        "missing": ["Canada", "cost"],
        "prototype": None,
    }
    assert explain(receipt) == (
        Reason("signals cosine", "0.5000", "0.2500"),
        Reason("answer", "a"),
        Reason("signals fuzzy", "", "1"),
        Reason("digests model", "ab"),
        Reason("missing", "Canada, cost"),
        Reason("prototype", "–"),
    )


def test_a_plain_table_cuts_long_cells_that_stand_beside_another() -> None:
    out = io.StringIO()
    PlainScreen(out).table((Reason("answer", "a" * 300, "b"), Reason("quote", "c" * 300)))
    header, cut, whole = out.getvalue().splitlines()
    assert header.split() == ["best", "runner-up"]
    assert cut == "answer  " + "a" * 55 + "…  b"
    assert whole == "quote   " + "c" * 300


def test_a_stream_that_is_no_terminal_gets_plain_text() -> None:
    assert isinstance(screen_for(io.StringIO(), {"TERM": "xterm"}), PlainScreen)
