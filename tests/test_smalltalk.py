"""Small talk is told from questions, and stripped from around them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import KnowledgeError
from bot.replying.texts import load_texts
from bot.routing.smalltalk import INTENTS, lexicon, small_talk, strip_courtesies
from bot.types import SmallTalk


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Hello!", "greeting"),
        ("hiii there", "greeting"),
        ("👋", "greeting"),
        ("Thank you so much 🙏", "thanks"),
        ("danke", "thanks"),
        ("Thank you for being so clear.", "thanks"),
        ("thanks, that explains a lot to my mother", "thanks"),
        ("ok thx bye", "goodbye"),
        ("Hi, who are you?", "who_are_you"),
        ("what can you do", "help"),
        ("how r u", "how_are_you"),
        ("ok cool", "ack"),
        ("yes", "ack"),
        ("you're great", "compliment"),
        ("this is useless", "insult"),
    ],
)
def test_small_talk_has_its_intent(text: str, intent: str) -> None:
    assert small_talk(text) == SmallTalk(intent)


@pytest.mark.parametrize(
    "question",
    [
        "hi how many people have ms",
        "thanks and what about als",
        "thanks for that, is it curable",
        "thank you for the answer. and ms?",
        "ok so ms isnt inherited?",
        "great answer but what about mental health in ms",
        "good night question: do both cause memory problems",
        "who made this site",
        "what can you tell me about als",
        "morning stiffness",
        "",
        "?",
        "ms",
    ],
)
def test_a_question_is_never_swallowed(question: str) -> None:
    assert small_talk(question) is None


@pytest.mark.parametrize(
    ("question", "core"),
    [
        ("hi, thanks for your help, is ms fatal please", "is ms fatal"),
        ("Hello there! What is ALS?", "What is ALS?"),
        ("is ms fatal? thanks", "is ms fatal?"),
        ("please what is myelin", "what is myelin"),
        ("PLS or ALS", "PLS or ALS"),
        ("PLS WHAT IS ALS", "WHAT IS ALS"),
        ("is ms fatal 😢💔?", "is ms fatal ?"),
        ("is ms fatal, do you think?", "is ms fatal?"),
        ("sorry for my english, is ms fatal", "is ms fatal"),
        ("great answer, but what about als", "what about als"),
        ("ok and als?", "and als?"),
        ("sorry i meant als, how many in the us", "i meant als, how many in the us"),
        ("morning stiffness ms", "morning stiffness ms"),
        ("well water and ms", "well water and ms"),
        ("  What is\tMS?  ", "What is MS?"),
        ("thanks!", "thanks!"),
        ("", ""),
    ],
)
def test_courtesies_are_stripped(question: str, core: str) -> None:
    assert strip_courtesies(question) == core


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    small_talk(text)
    core = strip_courtesies(text)
    assert strip_courtesies(core) is not None


@given(st.text(st.characters(exclude_categories=["Cs", "Cf"])))
def test_case_and_space_change_nothing(text: str) -> None:
    assert small_talk(f"  {text} \n") == small_talk(text)


@given(st.sampled_from(sorted(lexicon().intents)))
def test_every_phrase_is_small_talk_in_any_case(phrase: tuple[str, ...]) -> None:
    text = " ".join(phrase)
    found = small_talk(text)
    assert found is not None
    assert found == small_talk(text.upper() + "!!")


def test_every_intent_has_a_text() -> None:
    texts = load_texts()
    assert all(texts.smalltalk(SmallTalk(intent)) for intent in INTENTS)


def test_a_knowledge_may_override_a_text() -> None:
    texts = load_texts({"smalltalk.greeting": " Welcome! "})
    assert texts["smalltalk.greeting"] == "Welcome!"
    assert texts.declined("language") == load_texts()["decline.language"]
    assert len(texts) == len(load_texts())


def test_an_unknown_or_empty_text_is_a_fault() -> None:
    with pytest.raises(KnowledgeError, match=r"owner\.yaml: there is no text 'smalltalk\.hi'"):
        load_texts({"smalltalk.hi": "Hi"}, Path("owner.yaml"))
    with pytest.raises(KnowledgeError, match="is empty"):
        load_texts({"smalltalk.greeting": " "})
    with pytest.raises(KeyError):
        load_texts()["smalltalk.hi"]
