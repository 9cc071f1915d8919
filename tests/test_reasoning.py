"""A question in its conversation: subjects sought, parts answered, follow-ups, safety kept."""

from __future__ import annotations

import pytest

from bot.bot import Bot
from bot.encoding.encoders import Vectors
from bot.types import Answered, Clarified, Conversation, Declined, Reply, Safety, SmallTalk

FATAL_MS = "MS is not a fatal disease."
FATAL_ALS = "In contrast, ALS is a fatal disease"
CURE = "Both MS and ALS lead to memory problems"


def talk(bot: Bot, *questions: str) -> Reply:
    """The reply to the last of `questions`, asked in one conversation."""
    conversation: Conversation | None = None
    for question in questions:
        exchange = bot.ask(question, conversation)
        conversation = exchange.conversation
    return exchange.reply


def begins(reply: Reply, *quotes: str) -> bool:
    found = [citation.quote.replace("\u00a0", " ") for citation in reply.citations]
    return len(found) == len(quotes) and all(
        whole.startswith(start) for whole, start in zip(found, quotes, strict=True)
    )


@pytest.mark.parametrize("question", ["is it fatal?", "Is it deadly", "is it lethal?"])
def test_a_question_on_no_subject_is_asked_back(bot: Bot, question: str) -> None:
    reply = talk(bot, question)
    assert isinstance(reply.decision, Clarified)
    about = [option.pair.subjects for option in reply.decision.options]
    assert sorted(about) == [("ALS",), ("MS",)]
    assert reply.reason == "ambiguous"
    assert reply.citations == ()


@pytest.mark.parametrize(
    "question", ["will I be paralysed", "will I die soon after diagnosis", "will I go blind"]
)
def test_nobody_is_told_of_a_disease_that_was_not_named(bot: Bot, question: str) -> None:
    assert talk(bot, question).citations == ()


@pytest.mark.parametrize(
    ("pick", "quote"),
    [
        ("1", FATAL_MS),
        ("2", FATAL_ALS),
        ("the second one", FATAL_ALS),
        ("Is ALS a fatal disease?", FATAL_ALS),
        ("ALS", FATAL_ALS),
        ("the MS one", FATAL_MS),
        ("multiple sclerosis", FATAL_MS),
    ],
)
def test_what_is_asked_back_may_be_picked(bot: Bot, pick: str, quote: str) -> None:
    assert begins(talk(bot, "is it fatal?", pick), quote)


def test_a_pick_that_is_none_is_a_question(bot: Bot) -> None:
    assert begins(talk(bot, "is it fatal?", "is there a cure for MS?"), CURE)
    assert isinstance(talk(bot, "is it fatal?", "7").decision, Declined)


@pytest.mark.parametrize(
    "question",
    ["Is there a cure for MS or ALS?", "are either of them curable", "do both affect memory?"],
)
def test_a_question_on_both_gets_the_sentence_on_both(bot: Bot, question: str) -> None:
    assert begins(talk(bot, question), CURE)


@pytest.mark.parametrize(
    "question", ["which is deadlier", "are they both fatal", "MS or ALS: fatal?"]
)
def test_a_comparison_speaks_of_both(bot: Bot, question: str) -> None:
    text = talk(bot, question).text
    assert FATAL_MS in text
    assert FATAL_ALS in text


def test_two_parts_that_are_sure_get_two_quotes(bot: Bot) -> None:
    reply = talk(bot, "Is ALS hereditary, and is there a cure?")
    assert begins(reply, "In contrast, around 10 percent", CURE)
    assert "a part of that" not in reply.text


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("how is MS treated and is it fatal?", "is it fatal"),
        ("Is MS fatal? And how is it treated?", "Is MS fatal"),
    ],
)
def test_the_part_that_is_answered_is_named(bot: Bot, question: str, part: str) -> None:
    reply = talk(bot, question)
    assert begins(reply, FATAL_MS)
    assert reply.text.startswith(f"The source answers a part of that: {part}?")


def test_a_question_whose_every_part_is_open_is_declined(bot: Bot) -> None:
    reply = talk(bot, "how is MS treated and what does the treatment cost?")
    assert isinstance(reply.decision, Declined)


@pytest.mark.parametrize(
    "again", ["source?", "show me where that comes from", "says who?", "again"]
)
def test_the_last_answer_is_shown_again_with_its_own_confidence(bot: Bot, again: str) -> None:
    first = talk(bot, "is MS fatal")
    reply = talk(bot, "is MS fatal", again)
    assert reply.citations == first.citations
    assert reply.question == first.question
    assert reply.confidence == pytest.approx(first.confidence, abs=1e-6)


def test_the_source_of_two_quotes_is_both(bot: Bot) -> None:
    reply = talk(bot, "Is ALS hereditary, and is there a cure?", "source?")
    assert begins(reply, "In contrast, around 10 percent", CURE)


def test_more_is_another_answer_or_says_that_there_is_none(bot: Bot) -> None:
    asked = "what happens in the late stages of ALS?"
    reply = talk(bot, asked, "more")
    assert reply.text.startswith("The source says no more about that than this.")
    assert reply.citations == talk(bot, asked).citations


@pytest.mark.parametrize("why", ["why?", "why is that?", "how come"])
def test_a_sentence_is_never_its_own_reason(bot: Bot, why: str) -> None:
    reply = talk(bot, "is ALS fatal?", why)
    assert isinstance(reply.decision, Declined)
    assert begins(talk(bot, "is MS more common in women?", why), "MS is more common in women")


@pytest.mark.parametrize("nothing", ["why?", "source?", "more", "2", "show me"])
def test_what_leans_on_nothing_is_not_understood(bot: Bot, nothing: str) -> None:
    for before in ((), ("asdfgh",)):
        reply = talk(bot, *before, nothing)
        if nothing == "2" and before:
            continue  # picks what was offered
        assert isinstance(reply.decision, Declined), before
        assert reply.reason == "not_understood", before


def test_a_follow_up_is_shown_self_contained(bot: Bot) -> None:
    reply = talk(bot, "Is MS fatal?", "and ALS?")
    assert begins(reply, FATAL_ALS)
    assert reply.question == "Is ALS fatal?"


def test_a_new_topic_is_not_dragged_along(bot: Bot) -> None:
    alone = talk(bot, "what is sclerosis?")
    assert talk(bot, "is ALS fatal?", "what is sclerosis?").citations == alone.citations
    assert isinstance(talk(bot, "is ALS fatal?", "what's the weather in Rome?").decision, Declined)


def test_courtesies_change_nothing(bot: Bot) -> None:
    reply = talk(bot, "Hi there! Could you please tell me, is MS fatal? Thank you so much!")
    assert begins(reply, FATAL_MS)


@pytest.mark.parametrize("lead", ["", "is MS fatal"])
@pytest.mark.parametrize(
    ("cry", "route"),
    [("I want to die", "self_harm"), ("I can't breathe", "emergency"),
     ("Should I stop taking my MS medication?", "advice")],
)  # fmt: skip
def test_safety_outranks_every_reading(bot: Bot, lead: str, cry: str, route: str) -> None:
    reply = talk(bot, *filter(None, [lead]), cry)
    assert reply.decision == Safety(route)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "question",
    [
        "just the average life expectancy please",
        "at least something against the stiffness??",
        "oh god, is there no cure at all",
        "so which one ends in a wheelchair",
    ],
)
def test_a_hasty_question_that_names_nobody_is_no_cry_for_help(bot: Bot, question: str) -> None:
    assert not isinstance(talk(bot, "what is ALS", question).decision, Safety)


@pytest.mark.parametrize("further", ["how many years exactly", "in what way?", "since when?"])
def test_what_was_said_is_not_said_again_where_more_is_asked(bot: Bot, further: str) -> None:
    first = talk(bot, "is the lifespan of people with MS normal")
    assert first.citations
    assert talk(bot, "is the lifespan of people with MS normal", further).citations == ()


def test_more_goes_on_in_the_document(bot: Bot) -> None:
    reply = talk(bot, "what causes sclerosis in MS", "then what?")
    assert len(reply.citations) == 1
    assert "When demyelination occurs" in reply.citations[0].quote.replace("\u00a0", " ")


def test_which_of_those_is_not_the_list_again(bot: Bot) -> None:
    asked = "what are the early symptoms of ALS"
    assert talk(bot, asked).citations
    assert talk(bot, asked, "which of those is the first").citations == ()


def test_a_number_that_was_said_may_be_asked_for(bot: Bot) -> None:
    again = talk(bot, "is ALS passed on by the parents", "how often is that the case")
    assert begins(again, "In contrast, around 10 percent of ALS cases")


@pytest.mark.parametrize("next_", ["how?", "why?", "how can I do it?", "source?", "more"])
def test_what_leans_on_a_cry_for_help_gets_the_help_again(bot: Bot, next_: str) -> None:
    reply = talk(bot, "I want to die", next_)
    assert reply.decision == Safety("self_harm")
    assert talk(bot, "I want to die", next_, "how?").decision == Safety("self_harm")


def test_what_no_rule_takes_for_an_alarm_does_not_hold_every_later_question(bot: Bot) -> None:
    alarm = "no way out of this any more"
    assert isinstance(talk(bot, alarm).decision, Safety)
    assert isinstance(talk(bot, alarm, "will it hurt?").decision, Safety)
    later = talk(bot, alarm, "roughly how many people in the whole of America have it")
    assert not isinstance(later.decision, Safety)


def test_a_question_after_a_cry_for_help_is_answered(bot: Bot) -> None:
    assert begins(talk(bot, "I want to die", "is MS fatal?"), FATAL_MS)
    assert isinstance(talk(bot, "I want to die", "thanks").decision, SmallTalk)
    assert begins(talk(bot, "Should I stop taking my MS medication?", "is it fatal?"), FATAL_MS)


def test_nothing_leans_on_a_message_in_another_language(bot: Bot) -> None:
    reply = talk(bot, "¿Qué es la esclerosis múltiple?", "why?")
    assert reply.reason == "not_understood"
    assert "¿" not in reply.question


def test_consider_is_what_ask_rests_on(bot: Bot) -> None:
    finding = bot.consider("is MS fatal")
    assert isinstance(finding.decision, Answered)
    assert bot._scaling.of(finding.confidence) == talk(bot, "is MS fatal").confidence
    assert bot.finds("is MS fatal") == finding.decision.matches[0].pair.id
    assert bot.finds("is MS contagious") is None


def test_a_text_is_encoded_once_a_question_and_anew_for_the_next(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    retriever = bot._reasoner._retriever
    encode, texts = retriever._encode, []

    def counted(text: str) -> Vectors:
        texts.append(text)
        return encode(text)

    monkeypatch.setattr(retriever, "_encode", counted)
    for _ in range(2):
        texts.clear()
        bot.ask("why do both illnesses make it hard to get around")
        assert texts
        assert len(texts) == len(set(texts))
