"""The batch channel: one reply a row, in order, whatever the rows hold."""

from __future__ import annotations

import io
import json
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_bot import PAIRS, TEXT, TinyBot

from bot.channels.batch import ROW_LIMIT, answer_rows, converse, parse_row, rows
from bot.errors import QuestionError
from bot.printing import json_line
from bot.types import Reply


def replies(data: bytes) -> list[Reply]:
    return list(answer_rows(io.BytesIO(data), TinyBot().ask))


def test_a_plain_line_is_a_question() -> None:
    (reply,) = replies(b"Is ALS fatal?\n")
    assert reply.answer == "ALS is fatal."


def test_a_mixed_file_is_answered_in_order_with_one_conversation_a_dialogue() -> None:
    found = replies(
        b'Is ALS fatal?\r\n{"q": "Is MS fatal?", "gold": [], "id": 7}\n'
        b'{"turns": [{"q": "Is MS fatal?"}, {"q": "and ALS?"}]}\nand ALS?'
    )
    assert [r.answer for r in found] == [
        "ALS is fatal.",
        "MS is not a fatal disease.",
        "MS is not a fatal disease.",
        "ALS is fatal.",
        None,  # outside the dialogue there is nothing it could follow up
    ]
    assert found[2].conversation_id == found[3].conversation_id != found[1].conversation_id


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (b"Is \xff fatal?", "not valid UTF-8: byte 0xff at position 4"),
        (b'{"q": "Is MS', "not valid JSON"),
        (b'{"question": "Is MS fatal?"}', 'field "q" is missing'),
        (b'{"q": 5}', 'field "q" of this row must be a text'),
        (b'{"q": ""}', "empty"),
        (b"", "empty"),
        (b"   ", "empty"),
        (b"x" * 2001, "longer than 2,000"),
        (b"x" * (ROW_LIMIT + 1), "longer than 1,048,576 bytes"),
        (b'{"turns": []}', "at least one"),
        (b'{"turns": "Is MS fatal?"}', "must be a list"),
        (b'{"turns": ["Is MS fatal?"]}', "JSON object"),
        (b"{" * 100_000, "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
        (b'{"q": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b"crash", "RuntimeError: a defect"),
    ],
)
def test_a_row_that_fails_gets_a_reply_that_says_why_and_the_next_row_is_answered(
    row: bytes, says: str
) -> None:
    bad, good = replies(row + b"\nIs ALS fatal?\n")
    assert (bad.decision.kind, bad.reason, bad.citations) == ("decline", "error", ())
    assert says in bad.text
    assert good.answer == "ALS is fatal."


def test_a_turn_that_fails_leaves_its_conversation_going() -> None:
    first, bad, last = replies(b'{"turns": [{"q": "Is MS fatal?"}, {"q": ""}, {"q": "and ALS?"}]}')
    assert bad.reason == "error"
    assert last.answer == "ALS is fatal."
    assert first.conversation_id == bad.conversation_id == last.conversation_id


def test_a_defect_is_told_to_the_operator_too() -> None:
    told: list[str] = []
    list(converse(TinyBot().ask, ["crash"], told.append))
    assert told == ["a question failed with RuntimeError: a defect"]


def test_a_byte_order_mark_is_no_part_of_the_first_question() -> None:
    assert replies(b"\xef\xbb\xbfIs ALS fatal?\n")[0].answer == "ALS is fatal."


def test_a_long_row_costs_no_more_memory_than_the_limit_and_hides_no_row() -> None:
    data = b"a" * (3 * ROW_LIMIT + 5) + b"\nb\n" + b"c" * ROW_LIMIT + b"\nd"
    assert [len(row) for row in rows(io.BytesIO(data))] == [ROW_LIMIT + 1, 1, ROW_LIMIT, 1]


def test_a_reply_comes_before_the_next_row_is_sent() -> None:
    read, write = os.pipe()
    answered = threading.Event()

    def send() -> None:
        with open(write, "wb", buffering=0) as pipe:
            pipe.write(b"Is ALS fatal?\n")
            assert answered.wait(5)
            pipe.write(b"Is MS fatal?\n")

    sender = threading.Thread(target=send)
    sender.start()
    with open(read, "rb") as stream:
        found = answer_rows(stream, TinyBot().ask)
        first = next(found)
        answered.set()
        second = next(found)
    sender.join()
    assert (first.answer, second.answer) == ("ALS is fatal.", "MS is not a fatal disease.")


@given(st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b" ")), max_size=8))
def test_any_bytes_get_exactly_one_reply_a_row(lines: list[bytes]) -> None:
    found = replies(b"".join(line + b"\n" for line in lines))
    assert len(found) == sum(len(parse_row(line.removesuffix(b"\r"))) for line in lines)
    for reply in found:
        line = json_line(reply)
        assert len(line.splitlines()) == 1
        line.encode("utf-8")


@given(st.text())
def test_a_json_line_loses_nothing_and_is_one_printable_line(text: str) -> None:
    reply = next(converse(TinyBot().ask, [QuestionError("why" + text)]))[0]
    line = json_line(reply)
    assert json.loads(line)["text"] == "why" + text
    assert line.isprintable() or not any(c in line for c in "\x1b\x7f\x9b\u2028\u2029\u202e\n")


def test_quotes_stand_in_the_document_where_they_say() -> None:
    for question in PAIRS:
        for reply in replies(question.encode()):
            for cited in json.loads(json_line(reply))["citations"]:
                assert TEXT[cited["start"] : cited["end"]] == cited["quote"]
