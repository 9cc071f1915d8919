"""The safety rules: precise wordings of alarms and of pleas for personal advice."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.encoding.encoders import Encoder
from bot.replying.texts import load_texts
from bot.routing.chatspeak import plain
from bot.routing.safety import (
    asks_for_advice,
    asks_in_general,
    asks_prognosis,
    denies_self_harm,
    is_idiom,
    is_impersonal,
    rules,
    tells_illness,
    tells_sorrow,
    urgent_route,
)
from bot.routing.safety_head import Prototypes, SafetyHead, fit, load_prototypes
from bot.types import Safety


@pytest.mark.parametrize(
    "question",
    [
        "My husband isn't breathing!!",
        "he CAN’T breath pls help",
        "took the whole packet of paracetamol by mistake",
        "mum is choking on a biscuit",
        "I think I'm having a heart attack",
        "911",
        "no puedo respirar",
    ],
)
def test_an_alarm_is_an_emergency(question: str) -> None:
    assert urgent_route(plain(question)) == "emergency"


@pytest.mark.parametrize(
    "question",
    [
        "i wanna kms",
        "I don't want to live any more",
        "my son says he wants to die",
        "everyone would be better off without me",
        "how do I get assisted dying for my als",
        "Ich will nicht mehr leben",
    ],
)
def test_a_wish_to_die_is_self_harm(question: str) -> None:
    assert urgent_route(plain(question)) == "self_harm"


@pytest.mark.parametrize(
    ("question", "denied"),
    [
        ("I'm not suicidal", True),
        ("I have never been suicidal, just sad", True),
        ("I don't want to kill myself", True),
        ("no thoughts of suicide", True),
        ("not suicidal yesterday but tonight I am", False),
        ("is ms fatal", False),
    ],
)
def test_a_denial_is_no_alarm_unless_it_is_taken_back(question: str, denied: bool) -> None:
    assert urgent_route(plain(question)) is None
    assert denies_self_harm(plain(question)) is denied


@pytest.mark.parametrize(
    "question",
    [
        "I'm not suicidal but I want to die",
        "I don't want to die but I keep thinking about killing myself",
        "I don't care, I want to die",
        "I don't want to live",
    ],
)
def test_a_denial_does_not_hide_an_alarm(question: str) -> None:
    assert urgent_route(plain(question)) == "self_harm"


@pytest.mark.parametrize(
    "question",
    [
        "Am I going to die of ALS?",
        "will my dad die from ms",
        "is als going to kill me",
        "can I have a normal life",
        "what are my chances of living long",
        "will I still live a normal life with MS",
        "can you die from this",
        "could you tell me whether it shortens her life",
        "what will become of us",
        "will he end up bedridden one day",
        "how long does my aunt have left with ALS",
        "how much time do we have",
        "how soon until she can no longer walk alone",
    ],
)
def test_a_prognosis_is_a_plain_question(question: str) -> None:
    assert asks_prognosis(plain(question))
    assert urgent_route(plain(question)) is None


def test_more_than_a_prognosis_is_read_in_full() -> None:
    assert not asks_prognosis(plain("am I going to die of ALS, I can't breathe"))
    assert not asks_prognosis(plain("will these pills kill me"))
    assert not asks_prognosis(plain("how long until I die after taking them"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("My brother has MS", True),
        ("I was diagnosed with ALS three weeks ago", True),
        ("they told me on Monday that it is MS", True),
        ("her scan came back and it is multiple sclerosis", True),
        ("the neurologist says amyotrophic lateral sclerosis", True),
        ("we are living with lou gehrig's", True),
        ("my brother has MS, is it curable", False),
        ("I have ALS and want to know how long I have", False),
        ("I was told there is a cure for MS", False),
        ("do I have MS", False),
        ("I think I have MS", False),
        ("my uncle got ALS at 33, isn't that early", False),
    ],
)
def test_who_tells_of_an_illness_asks_nothing(text: str, told: bool) -> None:
    assert tells_illness([plain(text)]) is told
    assert not tells_sorrow([plain(text)])


def test_what_is_told_may_have_several_sentences() -> None:
    told = plain("my sister was diagnosed with MS")
    assert tells_illness([told, plain("I am in shock")])
    assert not tells_illness([told, plain("I would like to know more about it")])
    assert not tells_illness([told, plain("is there a cure")])


@pytest.mark.parametrize(
    ("text", "sorrow"),
    [
        ("my wife passed away last year of ALS", True),
        ("We lost our dad to MND", True),
        ("is there anybody I could speak with", True),
        ("I have no one to turn to", True),
        ("can I talk to somebody about this", True),
        ("did my wife die of ALS", False),
        ("my uncle died of ALS, why did it happen", False),
        ("who can I talk to about a medical condition", False),
        ("is there someone with both diseases", False),
    ],
)
def test_a_death_told_or_loneliness_is_no_question(text: str, sorrow: bool) -> None:
    assert tells_sorrow([plain(text)]) is sorrow


def test_an_idiom_is_one_only_alone() -> None:
    assert is_idiom(plain("This is killing me!"))
    assert is_idiom(plain("dying to know"))
    assert not is_idiom(plain("dying to know what ALS stands for"))
    assert not is_idiom(plain("not knowing is killing me"))


@pytest.mark.parametrize(
    "question",
    [
        "suicide rate in ms",
        "is assisted suicide legal in oregon",
        "do als patients choke to death",
        "what happens when people with als stop breathing",
        "can ms cause chest pain",
        "can you die from ms",
        "how many kms is it to the shop",
        "my phone is dead",
        "my laptop won't wake up",
        "how do i kill a process",
        "the server is not responding",
        "what is the best way to kill weeds",
    ],
)
def test_a_question_about_danger_is_no_alarm(question: str) -> None:
    assert urgent_route(plain(question)) is None


@pytest.mark.parametrize(
    "question",
    [
        "Should I stop my injections?",
        "do i have ms",
        "how many mg of baclofen should my mom take",
        "can you diagnose me",
        "what would you do if you were me",
    ],
)
def test_a_plea_for_advice_is_recognised(question: str) -> None:
    assert asks_for_advice(plain(question))


@pytest.mark.parametrize(
    "question",
    [
        "how long do i have with als",
        "will i end up disabled with ms",
        "my mum has ms, am i more likely to get it",
        "is ms fatal",
    ],
)
def test_a_question_about_the_disease_is_no_plea(question: str) -> None:
    assert not asks_for_advice(plain(question))


@pytest.mark.parametrize(
    "question",
    [
        "can I use what you tell me instead of my doctor",
        "is it ok to put off going to the doctor because of something on this page",
        "should people ask a doctor instead of this site",
        "should i worry about my own odds",
        "who can give me medical advice",
    ],
)
def test_a_question_about_the_source_only_looks_personal(question: str) -> None:
    assert asks_in_general(plain(question))


def test_a_question_without_a_person_is_impersonal() -> None:
    assert is_impersonal(plain("the spine?"))
    assert not is_impersonal(plain("my spine"))
    assert is_impersonal("which one ends in paralysis")
    assert not is_impersonal("which one will i get")
    assert not is_impersonal("choking")


@pytest.mark.parametrize(
    "text", ["i ", "i cant ", "my mum ", "took all the ", "should i ", "doctor this ", "é", "a"]
)
def test_the_longest_question_is_matched_at_once(text: str) -> None:
    question = plain((text * 2000)[:2000])
    rules()
    start = time.process_time()
    for find in (
        *(urgent_route, asks_for_advice, asks_in_general, is_impersonal),
        *(denies_self_harm, is_idiom, asks_prognosis),
    ):
        find(question)
    assert time.process_time() - start < 0.1  # some milliseconds; a runaway pattern takes hours


@given(st.text())
def test_the_rules_take_any_text(text: str) -> None:
    words = plain(text)
    assert urgent_route(words) in (None, "emergency", "self_harm")
    assert asks_for_advice(words) in (True, False)


def test_the_prototypes_name_every_route_and_are_distinct() -> None:
    prototypes = load_prototypes()
    assert set(prototypes.labels) == {
        *("pass", "advice", "distress", "emergency", "self_harm", "smalltalk"),
    }
    assert all(prototypes.texts)
    share = len(set(prototypes.texts)) / len(prototypes.texts)
    assert share > 0.98  # abbreviations may bring two together


def test_known_questions_become_prototypes_that_pass() -> None:
    prototypes = load_prototypes()
    more = prototypes.with_passes(["Should I wear a mask?", "Should I wear a mask?", "!"])
    assert more.texts[len(prototypes.texts) :] == ("should i wear a mask",)
    assert more.labels[-1] == "pass"


def test_prototypes_need_a_label_each() -> None:
    with pytest.raises(ValueError, match="as many labels"):
        Prototypes(("a", "b"), ("pass",), ("", ""))


@pytest.fixture(scope="module")
def head() -> SafetyHead:
    """A head on made-up vectors: one axis for each label."""
    labels = ("pass", "advice", "emergency", "self_harm", "smalltalk") * 8
    order = sorted(set(labels))
    vectors = np.eye(len(order), dtype=np.float32)[[order.index(label) for label in labels]]
    texts = tuple(f"{label} {n}" for n, label in enumerate(labels))
    intents = tuple("thanks" if label == "smalltalk" else "" for label in labels)
    return fit(Prototypes(texts, labels, intents), vectors)


def test_a_head_gives_a_probability_for_each_label(head: SafetyHead) -> None:
    chances = head.probabilities("emergency now", head.anchors[head.kinds == "emergency"][0])
    assert max(chances, key=lambda label: chances[label]) == "emergency"
    assert sum(chances.values()) == pytest.approx(1)


def test_a_head_knows_how_near_its_prototypes_are(head: SafetyHead) -> None:
    near = head.nearest(head.anchors[head.kinds == "thanks"][0])
    assert near == pytest.approx({"thanks": 1, "emergency": 0, "self_harm": 0})


def test_a_head_refuses_a_vector_of_another_model(head: SafetyHead) -> None:
    with pytest.raises(ValueError, match="vector of 5 numbers"):
        head.probabilities("x", np.zeros(3, dtype=np.float32))


def test_the_same_prototypes_give_the_same_head(encoder: Encoder) -> None:
    prototypes = load_prototypes()
    vectors = np.asarray(encoder.encode(prototypes.texts[:40] + prototypes.texts[-40:]))
    some = Prototypes(
        prototypes.texts[:40] + prototypes.texts[-40:],
        ("pass",) * 20 + ("advice",) * 20 + prototypes.labels[-40:],
        ("",) * 40 + prototypes.intents[-40:],
    )
    assert np.array_equal(fit(some, vectors).weights, fit(some, vectors).weights)


def test_the_safety_texts_name_where_help_is() -> None:
    texts = load_texts()
    assert "physician" in texts.safety(Safety("advice"))
    assert all(number in texts.safety(Safety("emergency")) for number in ("112", "911", "999"))
    assert all(
        s in texts.safety(Safety("distress")) for s in ("doctor", "someone close", "emergency")
    )
    assert not any(c.isdigit() for c in texts.safety(Safety("distress")))
    crisis = texts.safety(Safety("self_harm"))
    assert all(line in crisis for line in ("911", "988", "116 123", "findahelpline.com"))
