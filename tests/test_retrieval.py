"""Candidates: the right subject, the same answer in every spelling, signals as documented."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz

from bot.bot import Bot
from bot.encoding.encoders import Encoder
from bot.matching import answerability
from bot.matching.index import build_index
from bot.matching.retrieval import CANDIDATES, NEIGHBOURS, Retrieved, Retriever, fits
from bot.subjects import Subjects
from bot.types import Answered
from bot.wording import normalise

ODD = ["abcdefgh", "ms", "als", "é", "’", "?", "0", "\u0301", "؟", "多发", "\u200b", "\ud800"]
HOSTILE = st.lists(st.sampled_from(ODD) | st.text(max_size=8), min_size=1, max_size=20).map(
    " ".join
)
SPELLINGS: dict[str, Callable[[str], str]] = {
    "capitals": str.upper,
    "small letters": str.lower,
    "title": str.title,
    "no punctuation": lambda q: q.rstrip("?"),
    "more punctuation": lambda q: f"  «{q}?!…» ".replace("«", "'").replace("»", "'"),
    "white space": lambda q: "\t" + q.replace(" ", " \u00a0\n") + "\r\n",
    "full width": lambda q: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in q),
    "decomposed": lambda q: unicodedata.normalize("NFD", q),
    "curly apostrophe": lambda q: q.replace("'", "’"),
    "acute apostrophe": lambda q: q.replace("'", "´"),
    "zero width": lambda q: q.replace("s", "s\u200b"),
    "control characters": lambda q: q.replace(" ", "\x00 "),
    "long names": lambda q: re.sub(r"\bMS\b", "multiple sclerosis", q),
    "other name": lambda q: re.sub(r"\bALS\b", "Lou Gehrig's disease", q),
    "dotted": lambda q: re.sub(r"\bALS\b", "A.L.S.", q),
}


@pytest.fixture(scope="module")
def retriever(bot: Bot, encoder: Encoder) -> Retriever:
    """A retriever over a part of the shipped knowledge, with its own small index."""
    knowledge = bot.knowledge
    subjects = Subjects(knowledge.aliases, knowledge.subjects)
    some = replace(
        knowledge,
        pairs=tuple(replace(p, variants=p.variants[:2]) for p in knowledge.pairs[::3]),
        prototypes=knowledge.prototypes[::60],
    )
    return Retriever(build_index(some, subjects, encoder), encoder, subjects)


def own_questions(bot: Bot) -> list[str]:
    return [pair.question for pair in bot.knowledge.pairs]


def quotes(bot: Bot, question: str) -> list[str]:
    return [citation.quote for citation in bot.ask(question).reply.citations]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_never_changes_the_answer(bot: Bot, spelling: str) -> None:
    questions = own_questions(bot)
    start = list(SPELLINGS).index(spelling)
    for question in questions[start :: len(SPELLINGS)]:
        assert quotes(bot, SPELLINGS[spelling](question)) == quotes(bot, question) != []


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_spellings_together_never_change_the_answer(bot: Bot, data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(own_questions(bot)))
    names = sorted(SPELLINGS.keys() - {"title", "full width"})
    spelt = question
    for name in data.draw(st.lists(st.sampled_from(names), min_size=2, max_size=4, unique=True)):
        spelt = SPELLINGS[name](spelt)
    assert quotes(bot, spelt) == quotes(bot, question)


def test_one_typing_error_rarely_changes_an_answer_and_never_to_another_disease(bot: Bot) -> None:
    same = total = 0
    for question in own_questions(bot)[::2]:
        long = max(question.rstrip("?").split(), key=len)
        typed = question.replace(long, long[:2] + long[3] + long[2] + long[4:])
        found, expected = quotes(bot, typed), quotes(bot, question)
        same += found == expected
        total += 1
    assert same / total >= 0.9


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_question_on_one_disease_gets_the_answer_on_the_other(
    bot: Bot, data: st.DataObject
) -> None:
    """The wordings of one disease's pairs, asked of the other."""
    subjects = Subjects(bot.knowledge.aliases, bot.knowledge.subjects)
    pairs = [pair for pair in bot.knowledge.pairs if len(pair.subjects) == 1]
    pair = data.draw(st.sampled_from(pairs))
    wording = subjects.replace(data.draw(st.sampled_from(pair.wordings)))
    asked = subjects.other(pair.subjects[0])
    assert asked is not None
    swapped = wording.replace(pair.subjects[0], asked)
    if subjects.mentioned(swapped) != {asked}:
        return
    decision = bot.consider(swapped).decision
    if isinstance(decision, Answered):
        for match in decision.matches:
            assert not match.pair.subjects or asked in match.pair.subjects, match.pair.question


def test_subjects_fit_where_they_meet() -> None:
    ms, als, none = frozenset({"MS"}), frozenset({"ALS"}), frozenset[str]()
    assert fits(ms, ms | als)
    assert fits(ms, none)
    assert fits(none, als)
    assert not fits(ms, als)


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_signals_stay_in_their_ranges(retriever: Retriever, question: str) -> None:
    found = retriever.retrieve(question)
    assert len(found.candidates) <= CANDIDATES
    assert len(found.prototypes) <= NEIGHBOURS
    scores = [candidate.signals.score for candidate in found.candidates]
    assert scores == sorted(scores, reverse=True)
    for candidate in found.candidates:
        signals = candidate.signals
        for cosine in (signals.cosine, signals.out_cosine, signals.answer_cosine):
            assert -1 - 1e-4 <= cosine <= 1 + 1e-4
        assert 0 <= signals.fuzzy <= 1
        assert 0 <= signals.covered <= 1 + 1e-6
        assert -0.6 < signals.score < 1.6
        assert -2 < signals.margin < 2
        assert dict(candidate.as_items())["fuzzy"] == signals.fuzzy


@pytest.mark.parametrize(
    "question", ["is ms fatal", "which is more common?", "does als cause pain", "weather in Rome"]
)
def test_signals_are_those_of_a_slow_reading(
    retriever: Retriever, encoder: Encoder, question: str
) -> None:
    """Each signal again, straight from its definition."""
    index = retriever.index
    found: Retrieved = retriever.retrieve(question)
    vector = encoder.encode([found.question])[0]
    cosines = index.vectors @ vector
    near = answerability.kernel(cosines, index.lexicon.similarities(found.question))
    assert index.head is not None
    scores = near @ index.head
    outside = index.owners == index.out
    about = {p: s for a in index.answers for p, s in zip(a.pairs, a.subjects, strict=True)}
    fitting = [
        a
        for a in np.argsort(-scores[:-1], kind="stable")
        if any(fits(found.subjects, s) for s in index.answers[a].subjects)
    ]
    assert [c.answer for c in found.candidates] == fitting[: len(found.candidates)]
    for candidate in found.candidates:
        rows = [
            r
            for r in np.flatnonzero(index.owners == candidate.answer)
            if fits(found.subjects, about[int(index.pairs[r])])
        ]
        rows.sort(key=lambda r: -cosines[r])
        signals = candidate.signals
        others = [scores[c.answer] for c in found.candidates if c is not candidate]
        ratios = [
            fuzz.token_set_ratio(normalise(found.question), normalise(index.texts[r]))
            for r in rows[:4]
        ]
        assert signals.score == pytest.approx(scores[candidate.answer], abs=1e-5)
        assert signals.out == pytest.approx(scores[-1], abs=1e-5)
        assert signals.margin == pytest.approx(scores[candidate.answer] - max(others), abs=1e-5)
        assert signals.cosine == pytest.approx(cosines[rows[0]], abs=1e-5)
        assert signals.out_cosine == pytest.approx(cosines[outside].max(), abs=1e-5)
        assert signals.fuzzy == pytest.approx(max(ratios) / 100)
        assert candidate.matched_text == index.texts[rows[0]]
        assert candidate.pair == index.pairs[rows[0]]
    assert found.prototype_cosine == pytest.approx(cosines[outside].max(), abs=1e-5)


def test_a_vector_that_is_known_is_not_computed_again(
    retriever: Retriever, encoder: Encoder
) -> None:
    question = "Is Lou Gehrig's disease fatall?"
    text = retriever.compare(question)
    assert text == "Is ALS fatal"
    given = retriever.retrieve(question, encoder.encode([text])[0])
    assert given == retriever.retrieve(question)


def test_missing_words_are_those_that_no_answer_says(bot: Bot) -> None:
    reply = bot.ask("How many people have ALS in Canada?").reply
    assert reply.missing == ("Canada",)
    covered = bot.ask("does ms cause paralysis?").reply
    assert "cause" not in covered.missing
