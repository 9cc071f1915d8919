"""Follow-ups become self-contained questions, as the conversations in golden/*.txt write down."""

from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.conversation import remember, understand
from bot.conversation.followups import Context, read
from bot.subjects import Subjects
from bot.types import Conversation, Turn
from bot.wording import clean, content_words, normalise

GOLDEN = Path(__file__).parent / "golden"
ALIASES = (
    ("multiple sclerosis", "MS"),
    ("amyotrophic lateral sclerosis", "ALS"),
    ("Lou Gehrig's disease", "ALS"),
    ("motor neurone disease", "ALS"),
    ("MND", "ALS"),
)
DISEASES = Subjects(ALIASES, ("MS", "ALS"))
STANDALONE = {"yes": True, "no": False, "maybe": None}


class Dialogue(NamedTuple):
    """A golden conversation: `# title`, an optional `subjects:` line, then turns of key: value."""

    title: str
    subjects: Subjects
    turns: tuple[dict[str, str], ...]


def dialogues() -> list[Dialogue]:
    found = []
    for file in sorted(GOLDEN.glob("*.txt")):
        for block in file.read_text(encoding="utf-8").strip().split("\n\n"):
            title, *lines = block.splitlines()
            subjects = DISEASES
            turns: list[dict[str, str]] = []
            for line in lines:
                key, _, value = line.partition(":")
                if key == "subjects":
                    parts = [p.split("=") for p in value.split(",") if p.strip()]
                    names = [p[0].strip() for p in parts]
                    aliases = [(p[1].strip(), p[0].strip()) for p in parts if len(p) > 1]
                    subjects = Subjects(aliases, names)
                    continue
                if key == "visitor":
                    turns.append({})
                turns[-1][key] = value.strip()
            found.append(Dialogue(f"{file.stem}: {title[2:]}", subjects, tuple(turns)))
    return found


DIALOGUES = dialogues()


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda d: d.title)
def test_golden_conversations_are_understood(dialogue: Dialogue) -> None:
    conversation = Conversation("golden")
    said: dict[str, str] = {}
    for number, turn in enumerate(dialogue.turns):
        understood = understand(
            turn["visitor"], conversation, dialogue.subjects, lambda t: said.get(t.turn_id, "")
        )
        readings = [normalise(text) for text in understood.texts]
        expected = normalise(turn["understood"])
        where = f"{turn['visitor']!r} -> {understood.texts}"
        assert expected in readings, where
        if understood.standalone is not None:
            assert expected == readings[0], where
        if "alone" in turn:
            assert understood.standalone == STANDALONE[turn["alone"]], where
        if "kind" in turn:
            assert understood.kind == turn["kind"], where
        said[str(number)] = turn.get("says", "")
        conversation = remember(
            conversation,
            Turn(
                turn_id=str(number),
                asked=turn["visitor"],
                understood=turn["understood"],
                kind=turn.get("outcome", "answer"),
                offered=tuple(o.strip() for o in turn.get("offered", "").split("|") if o.strip()),
            ),
            now=number,
            max_turns=10,
            max_age_s=60,
        )


def test_there_are_golden_conversations() -> None:
    assert len(DIALOGUES) >= 30


@pytest.mark.parametrize(
    "followup",
    [
        "and in Germany?",
        "which gene is it",
        "how long does that stage last",
        "does it hurt",
        "who was the oldest person ever to get it",
        "what medicine do they give you instead",
        "what about during pregnancy",
        "and ibuprofen?",
        "how about my dog",
        "is it worse in summer",
        "and the price?",
        "what can they take for that",
    ],
)
def test_a_new_detail_never_gets_lost(followup: str) -> None:
    """Every reading keeps the content words of the question, so it can still be declined."""
    context = Context("how many people have ALS in the U.S.?", ("ALS",), "20,000 people have ALS.")
    detail = set(content_words(followup))
    for candidate in read(followup, context, DISEASES).candidates:
        assert detail <= set(content_words(candidate.text)), candidate
        assert normalise(candidate.text) != normalise(context.question)


def test_a_long_story_is_left_as_it_is() -> None:
    story = "my uncle told me it was " + "very " * 120 + "bad"
    readings = read(story, Context("is ALS fatal", ("ALS",)), DISEASES)
    assert [c.text for c in readings.candidates] == [story]


FRAGMENTS = """and what about why how it the other one both ALS ms women in Germany source ? , that
is does they either of them than back to 2 lou gehrig's all same too not then since when"""
MESSAGES = st.lists(st.sampled_from(FRAGMENTS.split()) | st.text(max_size=5), max_size=9).map(
    " ".join
)
TOPICS = st.sampled_from([(), ("MS",), ("ALS",), ("MS", "ALS")])


@given(MESSAGES, MESSAGES, TOPICS, MESSAGES)
def test_any_message_has_one_to_three_distinct_readings(
    asked: str, question: str, topic: tuple[str, ...], said: str
) -> None:
    readings = read(clean(asked), Context(question, topic, said), DISEASES)
    texts = [c.text for c in readings.candidates]
    assert 1 <= len(texts) <= 3
    assert len(set(texts)) == len(texts)
    for candidate in readings.candidates:
        assert candidate.kind == "alone" or candidate.text.endswith("?")


@given(MESSAGES, MESSAGES)
def test_readings_stay_bounded(asked: str, question: str) -> None:
    readings = read(clean(asked), Context(question * 20, ("MS", "ALS")), DISEASES)
    assert all(len(c.text) <= len(asked) + 500 for c in readings.candidates)
