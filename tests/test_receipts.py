"""The receipt holds what a reply rests on, replays to the same reply, and names what differs."""

from __future__ import annotations

import json

import pytest

from bot.bot import Bot, replay
from bot.types import Conversation

QUESTIONS = [
    "is MS fatal",
    "Is ALS hereditary, and is there a cure?",
    "is it fatal?",
    "what's the life expectancy",
    "hi, how many people have ALS in the US please?",
    "how is ALS treated",
    "weather",
    "hello",
    "should I stop my medication",
    "asdfgh",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_receipt_replays(bot: Bot, question: str) -> None:
    receipt = json.loads(json.dumps(bot.ask(question).receipt.to_json()))
    assert receipt["asked"] == question
    assert list(replay(bot, receipt)) == []


def test_the_receipt_of_a_follow_up_replays_after_the_turns_before_it(bot: Bot) -> None:
    conversation: Conversation | None = None
    told = ("is MS fatal", "and ALS?", "source?", "what is MS?", "tell me more", "again", "2")
    for question in told:
        exchange = bot.ask(question, conversation)
        conversation = exchange.conversation
        receipt = json.loads(json.dumps(exchange.receipt.to_json()))
        assert receipt["asked"] == question
        assert receipt["understood"] == exchange.reply.question
        assert list(replay(bot, receipt)) == [], question


def test_a_receipt_of_more_is_compared_with_more(bot: Bot) -> None:
    first = bot.ask("What happens when myelin breaks down in MS?")
    more = bot.ask("tell me more", first.conversation)
    assert more.reply.answer != first.reply.answer
    assert list(replay(bot, more.receipt.to_json())) == []


TURN = {"turn_id": "a", "asked": "is MS fatal", "understood": "is MS fatal", "kind": "answer"}


@pytest.mark.parametrize(
    "turns", [None, 7, [7], [{}], [["a"]], [TURN | {"asked": 2}], [TURN | {"offered": 5}]]
)
def test_a_receipt_whose_turns_are_broken_is_told(bot: Bot, turns: object) -> None:
    told = list(replay(bot, {"asked": "is MS fatal", "turns": turns}))
    assert told == ["the receipt doesn't hold the turns before the question"]


def test_a_receipt_holds_every_signal_and_the_runner_up(bot: Bot) -> None:
    receipt = bot.ask("is MS deadly?").receipt.to_json()
    best, runner_up = receipt["best"], receipt["runner_up"]
    assert isinstance(best, dict)
    assert isinstance(runner_up, dict)
    assert best["question"] == "Is MS a fatal disease?"
    assert best["signals"].keys() >= {"score", "out", "margin", "cosine", "fuzzy", "covered"}
    assert best["probability"] > runner_up["probability"]
    assert receipt["quotes"] == ["MS is not a fatal disease."]
    assert receipt["compared"] == "is MS deadly"
    assert receipt["knowledge"] == bot.knowledge.digest
    assert receipt["model"] == bot.model_digest
    assert isinstance(receipt["nearest_out_of_scope"], dict)


def test_small_talk_weighed_nothing_and_says_so(bot: Bot) -> None:
    receipt = bot.ask("hello").receipt.to_json()
    assert receipt["best"] is None
    assert receipt["compared"] is None
    assert receipt["nearest_out_of_scope"] is None


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("quotes", ["MS is fatal."], "what is quoted was ['MS is fatal.'] and is"),
        ("knowledge", "0", "the knowledge was '0'"),
        ("model", None, "the model was None"),
        ("confidence", 0.5, "the confidence was 0.5"),
        ("confidence", "high", "the confidence was 'high'"),
        ("threshold", 0.9, "the threshold was 0.9"),
        ("kind", "decline", "the kind of reply was 'decline' and is 'answer'"),
    ],
)
def test_what_differs_is_named(bot: Bot, field: str, value: object, told: str) -> None:
    receipt = bot.ask("is MS fatal").receipt
    (line,) = receipt.differences({**receipt.to_json(), field: value})
    assert line.startswith(told)


def test_a_confidence_that_moves_in_the_fourth_digit_is_the_same(bot: Bot) -> None:
    receipt = bot.ask("is MS fatal").receipt
    before = receipt.to_json()
    assert isinstance(before["confidence"], float)
    assert list(receipt.differences({**before, "confidence": before["confidence"] - 0.0009})) == []


@pytest.mark.parametrize("receipt", [{}, {"asked": " "}, {"asked": None}])
def test_a_receipt_without_a_question_is_told(bot: Bot, receipt: dict[str, object]) -> None:
    assert list(replay(bot, receipt)) == ["the receipt holds no question"]
