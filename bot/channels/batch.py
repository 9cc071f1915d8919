"""Many questions in, one reply a line out, in order: the `ask --batch` channel.

A row is a question in plain words, or a JSON object: {"q": "..."}, or {"turns": [{"q": "..."},
...]} for one conversation. Other fields are ignored. A row that can't be taken gets a reply that
says why, so that line n of the output always answers row n (turn n) of the input.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from bot.errors import QuestionError, QuothError
from bot.types import Conversation, Declined, Reply

if TYPE_CHECKING:
    from bot.bot import Exchange
    from bot.replying.receipts import Receipt

Ask = Callable[[str, Conversation | None], "Exchange"]

ROW_LIMIT = 1 << 20  # bytes of one row; a longer one is skipped and answered with an error


def error_reply(why: str, question: str = "", conversation_id: str | None = None) -> Reply:
    """The reply to a row or question that could not be taken; `why` is told to the reader."""
    return Reply(
        text=why,
        decision=Declined("error"),
        question=question,
        conversation_id=conversation_id or uuid.uuid4().hex,
        turn_id=uuid.uuid4().hex,
        cause="error",
    )


def rows(stream: BinaryIO) -> Iterator[bytes]:
    """The rows of `stream` as they arrive, without their line ends.

    No row is held back for the next one, and none takes more than `ROW_LIMIT` + 1 bytes of memory:
    a longer row comes cut to that length, which is how `parse_row` knows it.
    """
    first = True
    while row := stream.readline(ROW_LIMIT + 1):
        part = row
        while len(part) > ROW_LIMIT and not part.endswith(b"\n"):
            part = stream.readline(ROW_LIMIT + 1)
        if first:
            row, first = row.removeprefix(b"\xef\xbb\xbf"), False
        yield row.removesuffix(b"\n").removesuffix(b"\r")


def parse_row(row: bytes) -> tuple[str | QuestionError, ...]:
    """The questions of one row, one for each reply due: never empty.

    Where a question can't be had, a QuestionError that says why stands in its place.
    """
    if len(row) > ROW_LIMIT:
        return (QuestionError(f"This row is longer than {ROW_LIMIT:,} bytes."),)
    try:
        text = row.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = row[error.start]
        why = f"This row is not valid UTF-8: byte 0x{byte:02x} at position {error.start + 1}."
        return (QuestionError(why),)
    if not text.lstrip().startswith("{"):
        return (text,)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "it can't be parsed"
        return (QuestionError(f"This row starts like JSON but is not valid JSON: {why}."),)
    if "turns" not in fields:
        return (_question_of(fields, "row"),)
    turns = fields["turns"]
    if not isinstance(turns, list) or not turns:
        return (QuestionError('"turns" of this row must be a list with at least one {"q": ...}.'),)
    return tuple(_question_of(turn, "turn") for turn in turns)


def _question_of(fields: object, what: str) -> str | QuestionError:
    if not isinstance(fields, dict):
        return QuestionError(f'This {what} must be a JSON object with a question "q".')
    if "q" not in fields:
        return QuestionError(f'This {what} has no question: the field "q" is missing.')
    question = fields["q"]
    if not isinstance(question, str):
        return QuestionError(f'The field "q" of this {what} must be a text.')
    return question


def converse(
    ask: Ask,
    questions: Sequence[str | QuestionError],
    complain: Callable[[str], None] | None = None,
) -> Iterator[tuple[Reply, Receipt | None]]:
    """Ask `questions` in one conversation: a reply each, with its receipt where there is one.

    A question that fails gets an error reply, and the conversation goes on behind it. A failure
    that is none of the question's own (a defect) is also told to `complain`.
    """
    conversation = Conversation(uuid.uuid4().hex)
    for question in questions:
        known = conversation.id
        if isinstance(question, QuestionError):
            yield error_reply(str(question), conversation_id=known), None
            continue
        try:
            exchange = ask(question, conversation)
        except QuothError as error:
            yield error_reply(str(error), question, known), None
        except Exception as error:  # one row's defect must not cost the rows behind it
            what = f"{type(error).__name__}: {error}"
            if complain is not None:
                complain(f"a question failed with {what}")
            yield error_reply(f"Something went wrong ({what}).", question, known), None
        else:
            conversation = exchange.conversation
            yield exchange.reply, exchange.receipt


def answer_rows(
    stream: BinaryIO, ask: Ask, complain: Callable[[str], None] | None = None
) -> Iterator[Reply]:
    """One reply for each row of `stream` (for each turn of a dialogue), as the rows arrive."""
    for row in rows(stream):
        for reply, _ in converse(ask, parse_row(row), complain):
            yield reply
