"""Values that can't be wrong: an invalid one is never built."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.types import (
    QUOTE_LIMIT,
    Answered,
    Citation,
    Clarified,
    Declined,
    Document,
    Match,
    Passage,
    Provenance,
    QAPair,
    Reply,
    Safety,
    Span,
    content_id,
)

TEXT = "MS is not a fatal disease."
PAIR = QAPair("p", "Is MS fatal?", ("ms deadly",), TEXT, Provenance("d", Span(0, 26), "sha"))
MATCH = Match(PAIR, "Is MS fatal?", 1, 0.9)
CITATION = Citation("d", "MS", None, None, TEXT, TEXT, Span(0, 26))
SPANS = st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda s: Span(s[0], s[0] + s[1]))


def reply(**changed: object) -> Reply:
    made: dict[str, object] = {
        "text": TEXT,
        "decision": Answered((MATCH,)),
        "question": "Is MS fatal?",
        "conversation_id": "c",
        "turn_id": "t",
        "citations": (CITATION,),
        "confidence": 0.9,
    }
    return Reply(**(made | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "build",
    [
        lambda: Span(-1, 3),
        lambda: Span(3, 3),
        lambda: Document("d", "D", "d.txt", " \n", "sha"),
        lambda: Document("d", "D", "d.txt", "text", "sha", disclaimer=Span(0, 5)),
        lambda: Passage("p", "d", Span(0, 3), "text"),
        lambda: QAPair("p", " ", (), TEXT, PAIR.provenance),
        lambda: QAPair("p", "?", (), "", PAIR.provenance),
        lambda: Match(PAIR, "", 0, 0.5),
        lambda: Match(PAIR, "", 1, 1.01),
        lambda: Match(PAIR, "", 1, float("nan")),
        lambda: Answered(()),
        lambda: Answered((MATCH,) * 3),
        lambda: Clarified((MATCH,)),
        lambda: Clarified((MATCH,) * 5),
        lambda: Citation("d", "D", None, None, "", "", Span(0, 1)),
        lambda: Citation("d", "D", None, None, "x" * 451, "", Span(0, QUOTE_LIMIT + 1)),
        lambda: Citation("d", "D", None, None, "four", "four", Span(0, 3)),
        lambda: reply(citations=()),
        lambda: reply(decision=Declined("not_covered")),
        lambda: reply(confidence=-0.1),
        lambda: reply(confidence=float("nan")),
        lambda: reply(text=" "),
    ],
)
def test_an_invalid_value_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (each says what of it is wrong)
        build()


def test_values_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        MATCH.rank = 2  # type: ignore[misc]


@given(SPANS, SPANS)
def test_spans_relate_as_the_sets_of_their_places(one: Span, other: Span) -> None:
    places, others = set(range(one.start, one.end)), set(range(other.start, other.end))
    assert one.within(other) == (places <= others)
    assert one.overlaps(other) == bool(places & others) == other.overlaps(one)


def test_an_id_is_of_the_parts_and_their_borders() -> None:
    assert content_id("a", "b") == content_id("a", "b")
    assert len({content_id("ab"), content_id("a", "b"), content_id("b", "a"), content_id()}) == 4
    assert len(content_id("\ud800")) == 16


def test_the_reason_of_a_safety_reply_is_its_route() -> None:
    assert Safety("advice").reason == "personal_advice"
    assert Safety("self_harm").reason == Safety("emergency").reason == "emergency"


def test_a_reply_is_one_json_object_of_the_contract() -> None:
    made = json.loads(json.dumps(reply(suggestions=("What is MS?",)).to_json()))
    assert made == {
        "kind": "answer",
        "text": TEXT,
        "answer": TEXT,
        "citations": [
            {
                "document": "d",
                "title": "MS",
                "url": None,
                "heading": None,
                "page": None,
                "row": None,
                "quote": TEXT,
                "passage": TEXT,
                "start": 0,
                "end": 26,
            }
        ],
        "disclaimer": None,
        "confidence": 0.9,
        "reason": None,
        "cause": None,
        "missing": [],
        "suggestions": ["What is MS?"],
        "question": "Is MS fatal?",
        "conversation_id": "c",
        "turn_id": "t",
    }
    declined = reply(decision=Declined("language"), citations=(), confidence=0.0, cause="language")
    assert declined.answer is None
    assert declined.to_json()["kind"] == "decline"
    told = {
        "nothing_asked": "not_understood",
        "unreviewed": "not_covered",
        "unsure": "not_covered",
        "language": "language",
    }
    for cause, reason in told.items():
        made = replace(declined, cause=cause).to_json()
        assert (made["cause"], made["reason"]) == (cause, reason)
