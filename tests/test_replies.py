"""What a person reads: complete, plain, quoted letter by letter, with its source and its note."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bot import Bot
from bot.errors import KnowledgeError
from bot.replying.replies import Writer, cut
from bot.replying.texts import load_texts
from bot.types import (
    QUOTE_LIMIT,
    Answered,
    Clarified,
    Decision,
    Declined,
    Match,
    Passage,
    Provenance,
    Reply,
    Safety,
    SmallTalk,
    Span,
)

SENTENCES = st.lists(
    st.sampled_from(
        ["MS is not fatal. ", "In the U.S. it is. ", "x" * 200 + ". ", "Why? ", "\n\n"]
    ),
    min_size=1,
    max_size=12,
).map("".join)


@pytest.fixture(scope="module")
def writer(bot: Bot) -> Writer:
    return Writer(bot.knowledge, load_texts())


def match(bot: Bot, question: str) -> Match:
    pair = next(p for p in bot.knowledge.pairs if p.question == question)
    return Match(pair, question, 1, 0.9)


def write(writer: Writer, decision: Decision, **more: object) -> Reply:
    ids = {"question": "asked", "conversation_id": "c", "turn_id": "t"}
    return writer.reply(decision, **ids, **more)  # type: ignore[arg-type]


def test_an_answer_is_the_quote_its_source_and_the_note(bot: Bot, writer: Writer) -> None:
    found = match(bot, "Does MS affect the senses?")
    reply = write(writer, Answered((found,)), confidence=0.9)
    document = bot.knowledge.documents[0]
    assert document.disclaimer is not None
    note = document.disclaimer.of(document.text)
    assert reply.text == (
        f"“{found.pair.answer}”\n\nSource: {document.title}, “Affected functions”\n\n{note}"
    )
    assert reply.disclaimer == note
    assert reply.answer == found.pair.answer
    assert reply.citations[0].heading == "Affected functions"
    assert reply.citations[0].quote in reply.citations[0].passage


def test_each_document_quoted_brings_its_own_note(bot: Bot) -> None:
    found = match(bot, "Does MS affect the senses?")
    article = bot.knowledge.documents[0]
    text = "Opening hours: nine to five.\n\nHours may change without notice."
    place = Span(0, 28)
    hours = replace(
        article, id="hours", text=text, disclaimer=Span(30, len(text)), sha256="0", title="Hours"
    )
    pair = replace(
        found.pair, id="p", answer=place.of(text), provenance=Provenance("hours", place, "0")
    )
    known = replace(
        bot.knowledge,
        documents=(article, hours),
        passages=(*bot.knowledge.passages, Passage("h", "hours", place, place.of(text))),
    )
    writer = Writer(known, load_texts())
    own = "Hours may change without notice."
    assert article.disclaimer is not None
    note = article.disclaimer.of(article.text)
    other = Match(pair, pair.question, 1, 0.9)
    assert write(writer, Answered((other,))).disclaimer == own
    assert write(writer, Answered((found,))).disclaimer == note
    both = write(writer, Answered((other, found)))
    assert both.disclaimer == f"{own}\n\n{note}"
    assert both.text.endswith(f"\n\n{own}\n\n{note}")
    assert write(writer, Declined("not_covered")).disclaimer is None


def test_two_quotes_of_one_place_name_it_once(bot: Bot, writer: Writer) -> None:
    both = (match(bot, "Is MS a fatal disease?"), match(bot, "Is ALS a fatal disease?"))
    reply = write(writer, Answered(both))
    assert reply.text.count("“") == 2
    assert reply.text.count("Source:") == 1
    assert reply.answer == "\n\n".join(m.pair.answer for m in both)


def test_a_link_stands_beside_the_source(bot: Bot, writer: Writer) -> None:
    document = replace(bot.knowledge.documents[0], url="https://example.org/ms")
    linked = replace(writer, knowledge=replace(bot.knowledge, documents=(document,)))
    reply = write(linked, Answered((match(bot, "What is ALS?"),)))
    assert "— https://example.org/ms" in reply.text
    assert reply.citations[0].url == "https://example.org/ms"


def test_the_note_is_not_repeated_where_it_is_quoted(bot: Bot, writer: Writer) -> None:
    found = match(bot, "Does this website give medical advice?")
    reply = write(writer, Answered((found,)))
    assert reply.text.count("It does not provide medical advice") == 1


def test_what_is_left_open_and_what_is_all_there_is_are_told_first(
    bot: Bot, writer: Writer
) -> None:
    found = Answered((match(bot, "Is MS a fatal disease?"),))
    part = write(writer, found, part="is it fatal")
    assert part.text.startswith("The source answers a part of that: is it fatal?\n\n“")
    again = write(writer, found, exhausted=True)
    assert again.text.startswith("The source says no more about that than this.\n\n“")


def test_options_are_numbered_and_listed_in_the_fields(bot: Bot, writer: Writer) -> None:
    options = (match(bot, "Is MS a fatal disease?"), match(bot, "Is ALS a fatal disease?"))
    reply = write(writer, Clarified(options))
    assert reply.text.endswith("\n\n1. Is MS a fatal disease?\n2. Is ALS a fatal disease?")
    assert reply.suggestions == ("Is MS a fatal disease?", "Is ALS a fatal disease?")
    assert reply.reason == "ambiguous"


@pytest.mark.parametrize(
    ("declined", "begins"),
    [
        (Declined("not_covered"), "I found no answer to that in the source, so I won't guess."),
        (Declined("not_covered", "pain"), "The source doesn't cover pain, so I won't guess."),
        (Declined("off_topic"), "I can only quote from one source, about: Multiple sclerosis"),
        (Declined("language"), "I'm sorry, I only understand English."),
        (Declined("not_understood"), "I'm sorry, I didn't understand that."),
        (Declined("error"), "I found no answer to that"),
    ],
)
def test_declining_says_why_and_offers_what_it_can_answer(
    writer: Writer, declined: Declined, begins: str
) -> None:
    reply = write(writer, declined, suggestions=("What is MS?",))
    assert reply.text.startswith(begins)
    assert reply.text.endswith("\n\nI can answer, for example:\n1. What is MS?")
    assert reply.reason == declined.reason
    assert write(writer, declined).text.count("\n") == 0


def test_the_owners_desk_is_named_where_it_can_help_and_in_no_emergency(
    bot: Bot, writer: Writer
) -> None:
    desk = replace(writer, knowledge=replace(bot.knowledge, contact="help@example.org"))
    declined = (Declined("not_covered"), Declined("not_covered", "pain"))
    for decision in (*declined, Safety("advice"), Safety("distress")):
        assert "To ask a person: help@example.org" in write(desk, decision).text
        assert "To ask a person" not in write(writer, decision).text
    for decision in (Safety("emergency"), Safety("self_harm"), SmallTalk("thanks")):
        assert "help@example.org" not in write(desk, decision).text


@pytest.mark.parametrize("route", ["advice", "emergency", "self_harm"])
def test_safety_is_the_reviewed_text_and_nothing_else(writer: Writer, route: str) -> None:
    decision = Safety(route)  # type: ignore[arg-type]
    reply = write(writer, decision, suggestions=("What is MS?",))
    assert reply.text == load_texts()[f"safety.{route}"]
    assert reply.suggestions == ()
    assert reply.answer is None


def test_who_is_afraid_is_shown_what_can_be_asked(writer: Writer) -> None:
    reply = write(writer, Safety("distress"), suggestions=("What is MS?",))
    texts = load_texts()
    assert reply.text.startswith(texts["safety.distress"])
    assert texts["safety.offer"] in reply.text
    assert reply.suggestions == ("What is MS?",)
    assert reply.reason == "personal_advice"
    assert reply.answer is None


@given(SENTENCES, st.data())
def test_a_quote_is_whole_sentences_and_never_too_long(text: str, data: st.DataObject) -> None:
    if not text.strip():
        return
    start = data.draw(st.integers(0, len(text) - 1))
    evidence = Span(start, data.draw(st.integers(start + 1, len(text))))
    found = cut(text, evidence)
    assert found.within(evidence)
    assert 1 <= found.end - found.start <= QUOTE_LIMIT
    if evidence.end - evidence.start <= QUOTE_LIMIT:
        assert found == evidence


def test_a_long_evidence_is_cut_behind_a_sentence_or_a_word() -> None:
    first, second = "One " * 60 + "end. ", "Two " * 80 + "end."
    assert cut(first + second, Span(0, len(first + second))).of(first + second) == first.strip()
    endless = "word " * 200
    cutting = cut(endless, Span(0, len(endless))).of(endless)
    assert cutting.endswith("word")
    assert len(cutting) > QUOTE_LIMIT - 10
    assert cut("x" * 999, Span(0, 999)) == Span(0, QUOTE_LIMIT)


def test_every_pair_can_be_cited(bot: Bot, writer: Writer) -> None:
    for pair in bot.knowledge.pairs:
        citation = writer.cite(Match(pair, pair.question, 1, 0.9))
        assert citation.quote == pair.answer
        assert citation.passage.strip() == citation.passage


@pytest.mark.parametrize(
    ("key", "text", "fault"),
    [
        ("safety.advise", "x", "there is no text 'safety.advise'"),
        ("safety.advice", " ", "is empty"),
        ("decline.topic", "Nothing on {subject}.", r"has \{subject\}, which nothing fills"),
        ("decline.topic", "Nothing on {topic.__class__}.", r"has \{topic.__class__\}"),
        ("decline.topic", "Nothing on {topic!r}.", r"has \{topic!r\}"),
        ("decline.topic", "Nothing on {topic:>9}.", r"has \{topic:>9\}"),
        ("decline.topic", "Nothing on {}.", r"has \{\}"),
        ("decline.topic", "Nothing on {topic.", "lone brace"),
        ("decline.not_covered", "Nothing on {topic}.", "it may have no placeholder"),
    ],
)
def test_an_override_that_could_not_be_shown_is_refused(key: str, text: str, fault: str) -> None:
    with pytest.raises(KnowledgeError, match=fault):
        load_texts({key: text})


def test_an_override_is_what_is_said(bot: Bot) -> None:
    texts = load_texts({"decline.topic": "Nichts über {topic}.", "decline.not_covered": "Nein."})
    writer = Writer(bot.knowledge, texts)
    assert write(writer, Declined("not_covered", "pain")).text == "Nichts über pain."
    assert write(writer, Declined("not_covered")).text == "Nein."
    assert len(texts) == len(load_texts())
