"""A conversation is remembered within bounds, and a reading is chosen by what it is worth."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.conversation import blend, choose, fresh, remember, understand
from bot.conversation.followups import Candidate
from bot.subjects import Subjects
from bot.types import Conversation, Turn

DISEASES = Subjects(
    (("multiple sclerosis", "MS"), ("amyotrophic lateral sclerosis", "ALS")), ("MS", "ALS")
)


def turn(understood: str, kind: str = "answer", offered: tuple[str, ...] = ()) -> Turn:
    return Turn(understood, understood, understood, kind, offered=offered)


def after(*turns: Turn) -> Conversation:
    return Conversation("c", turns, 0.0)


@given(st.lists(st.floats(0, 50), max_size=30), st.integers(1, 5))
def test_memory_is_bounded_in_turns_and_keeps_the_newest(gaps: list[float], most: int) -> None:
    conversation, now = Conversation("c"), 0.0
    for number, gap in enumerate(gaps):
        now += gap
        conversation = remember(conversation, turn(str(number)), now, most, 100.0)
    assert len(conversation.turns) == min(len(gaps), most)
    assert [t.turn_id for t in conversation.turns] == [str(n) for n in range(len(gaps))][-most:]


def test_an_old_conversation_is_forgotten() -> None:
    conversation = remember(Conversation("c"), turn("is ALS fatal"), 100.0, 5, 60.0)
    assert fresh(conversation, 160.0, 60.0) == conversation
    assert fresh(conversation, 161.0, 60.0).turns == ()
    renewed = remember(conversation, turn("is MS fatal"), 161.0, 5, 60.0)
    assert [t.turn_id for t in renewed.turns] == ["is MS fatal"]
    assert renewed.id == "c"


def test_a_memory_of_no_turns_is_refused() -> None:
    with pytest.raises(ValueError, match="max_turns"):
        remember(Conversation("c"), turn("x"), 0.0, 0, 60.0)


def test_a_first_question_stands_alone() -> None:
    understood = understand("is  ALS fatal", None, DISEASES)
    assert (understood.kind, understood.texts, understood.asked) == (
        "new",
        ("is ALS fatal",),
        "is ALS fatal",
    )


def test_a_source_is_that_of_the_last_answer_and_names_its_turn() -> None:
    answered = turn("is MS inherited")
    understood = understand("source?", after(answered, turn("rain", "decline")), DISEASES)
    assert understood.kind == "source"
    assert understood.turn == answered


def test_a_pick_names_its_turn_and_place() -> None:
    offering = turn("is it fatal", "clarify", ("Is MS fatal?", "Is ALS fatal?"))
    understood = understand("2", after(offering), DISEASES)
    assert (understood.kind, understood.picked, understood.turn) == ("pick", 1, offering)


def test_an_offer_is_void_once_the_talk_went_on() -> None:
    offering = turn("is it fatal", "clarify", ("Is MS fatal?", "Is ALS fatal?"))
    assert understand("2", after(offering, turn("is MS rare")), DISEASES).kind != "pick"


def test_an_open_question_is_taken_alone_unless_the_subject_makes_it_better() -> None:
    conversation = after(turn("is ALS fatal"))
    rain = understand("will it rain tomorrow", conversation, DISEASES)
    assert choose(rain, lambda _: 0.01) == "will it rain tomorrow"
    first = understand("which symptoms come first", conversation, DISEASES)
    assert choose(first, lambda t: 0.9 if "ALS" in t else 0.5) == (
        "Which symptoms come first with ALS?"
    )
    assert choose(first, lambda t: 0.9 if "ALS" in t else 0.88) == "which symptoms come first"


def test_a_fragment_is_never_taken_alone() -> None:
    understood = understand("and in Germany?", after(turn("how many have ALS in Italy")), DISEASES)
    assert choose(understood, lambda t: 0.99 if t == "in Germany?" else 0.0) == (
        "How many have ALS in Germany?"
    )


def test_only_a_carried_reading_is_blended_with_the_question_as_asked() -> None:
    conversation = after(turn("is ALS fatal"))
    carried = understand("is it inherited", conversation, DISEASES)
    assert blend(carried, carried.texts[0]) == ("is it inherited", "Is ALS inherited?")
    swapped = understand("and MS?", conversation, DISEASES)
    assert blend(swapped, swapped.texts[0]) == ("Is MS fatal?",)


KINDS = st.sampled_from(["answer", "decline", "clarify", "smalltalk", "safety", "?"])
TURNS = st.builds(
    lambda q, k, o: turn(q, k, tuple(o)),
    st.text(max_size=20) | st.sampled_from(["is ALS fatal", "and MS?", "why"]),
    KINDS,
    st.lists(st.text(max_size=12), max_size=4),
)


@given(
    st.text() | st.sampled_from(["2", "the last", "source?", "both", "why", "and?", "the MS one"]),
    st.lists(TURNS, max_size=6),
)
def test_understanding_never_raises_and_always_gives_a_reading(
    question: str, turns: list[Turn]
) -> None:
    understood = understand(question, after(*turns), DISEASES)
    assert all(isinstance(c, Candidate) for c in understood.candidates)
    assert choose(understood, lambda t: len(t) % 7 / 7) in understood.texts
    if understood.kind == "pick":
        assert understood.turn is not None
        assert understood.texts[0] == understood.turn.offered[understood.picked or 0]


@pytest.mark.parametrize(
    "unit",
    ["ok and ", "not MS either ", "the one please ", "where is that from ", "a ", "2 ", "??"],
)
def test_the_longest_question_is_understood_quickly(unit: str) -> None:
    """Work is linear: no repetition makes a pattern backtrack."""
    conversation = after(turn("is it fatal", "clarify", ("Is MS fatal?", "Is ALS fatal?")))
    start = time.thread_time()
    understand((unit * 2000)[:2000], conversation, DISEASES)
    assert time.thread_time() - start < 0.3
