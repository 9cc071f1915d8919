"""What is offered: pairs' own questions, near what was asked, about the subject it names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.bot import Bot
from bot.drawing.phrases import LAST_RESORT
from bot.encoding.encoders import Encoder
from bot.matching.index import build_index
from bot.matching.retrieval import fits
from bot.replying.suggestions import NEAR, OFFERS, Suggester
from bot.settings import Settings
from bot.subjects import Subjects
from bot.types import QAPair


@pytest.fixture(scope="module")
def suggester(bot: Bot) -> Suggester:
    return bot._suggester


def pairs_of(bot: Bot, questions: tuple[str, ...]) -> list[QAPair]:
    known = {pair.question: pair for pair in bot.knowledge.pairs}
    return [known[question] for question in questions]


def test_openers_come_from_all_over_the_document(bot: Bot, suggester: Suggester) -> None:
    places = [p.provenance.evidence.start for p in pairs_of(bot, suggester.openers())]
    length = len(bot.knowledge.documents[0].text)
    assert len(places) == OFFERS
    assert max(places) - min(places) > length / 3
    assert len(suggester.openers(10)) == 10


def test_openers_of_a_draft_ask_openly_before_they_turn_a_sentence_round(
    bot: Bot, encoder: Encoder
) -> None:
    kinds = ("How is it done?", "Do you do it?", f"{LAST_RESORT} it?")

    def openers(drawer: str) -> list[int]:
        """The kinds of the openers, in order."""
        pairs = tuple(
            replace(
                pair,
                question=kinds[2 - n % 3],
                variants=(),
                reviewed=None,
                provenance=replace(pair.provenance, drawer=drawer),
            )
            for n, pair in enumerate(bot.knowledge.pairs[:40])
        )
        made, subjects = replace(bot.knowledge, pairs=pairs, prototypes=()), Subjects()
        offered = Suggester(made, build_index(made, subjects, encoder), subjects).openers(40)
        return [kinds.index(question) for question in offered]

    drawn = openers("rules 1")
    assert set(drawn) == {0, 1, 2}
    assert drawn == sorted(drawn)
    written = openers("owner")  # what a person asks is no worse for its form
    assert written != sorted(written)


def test_openers_are_about_the_subject_named(bot: Bot, suggester: Suggester) -> None:
    offered = pairs_of(bot, bot.ask("My mother has ALS.").reply.suggestions)
    assert len(offered) == OFFERS
    assert all(pair.subjects == ("ALS",) for pair in offered)
    assert suggester.openers() != suggester.openers(about=frozenset({"ALS"}))


@pytest.mark.parametrize(
    "question", ["is ALS painful", "how is MS treated", "How many people have MS in France?"]
)
def test_offers_are_about_the_subject_asked(bot: Bot, question: str) -> None:
    reply = bot.ask(question).reply
    asked = frozenset({"ALS" if "ALS" in question else "MS"})
    offered = pairs_of(bot, reply.suggestions)
    assert len(offered) == OFFERS
    assert all(fits(asked, frozenset(pair.subjects)) for pair in offered)
    assert len({pair.answer for pair in offered}) == OFFERS


def test_what_came_near_by_chance_is_not_offered(bot: Bot, suggester: Suggester) -> None:
    found = bot.consider("What is the capital of France?")
    assert all(dict(m.signals)["cosine"] < NEAR for m in found.matches)
    assert suggester.near(found.retrieved, found.matches) == suggester.openers()


def test_what_is_nearest_is_offered_however_surely_it_does_not_answer(bot: Bot) -> None:
    """A known gap beside a pair's wordings pushes that pair from the candidates, not the offers."""
    found = bot.consider("How many people have ALS in Canada?")
    assert "How many people in the U.S. have ALS?" not in {m.pair.question for m in found.matches}
    assert bot.offers(found)[0] == "How many people in the U.S. have ALS?"


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("is ms a f", "Is MS a fatal disease?"),
        ("IS MS A F", "Is MS a fatal disease?"),
        ("is multiple sclerosis a f", "Is MS a fatal disease?"),
        ("is there a cure for a", "Is there a cure for ALS?"),
        ("a normal lifespan with ms hereditary", "Is MS hereditary?"),
    ],
)
def test_what_was_typed_is_gone_on_with(bot: Bot, typed: str, first: str) -> None:
    assert bot.suggestions(typed)[0] == first


@pytest.mark.parametrize("typed", ["zzzz", "qwertz", "12345"])
def test_what_fits_nothing_gets_nothing(bot: Bot, typed: str) -> None:
    assert bot.suggestions(typed) == ()


@pytest.mark.parametrize("typed", ["", " ", "?", "\x00", "\ud800", "(", "x" * 2000])
def test_any_text_may_be_typed(bot: Bot, typed: str) -> None:
    known = {pair.question for pair in bot.knowledge.pairs}
    assert set(bot.suggestions(typed, limit=3)) <= known


def test_a_knowledge_without_pairs_offers_nothing(bot: Bot) -> None:
    empty = replace(bot.knowledge, pairs=(), prototypes=())
    subjects = Subjects(empty.aliases, empty.subjects)
    encoder = bot._reasoner._encoder
    suggester = Suggester(empty, build_index(empty, subjects, encoder), subjects)
    assert suggester.openers() == ()
    assert suggester.near(None, ()) == ()
    assert suggester.complete("is", 5) == ()


def test_what_is_offered_is_answered_when_it_is_picked(tmp_path: Path, settings: Settings) -> None:
    """A draft has questions that find nothing, or that are met by a text on safety."""
    (tmp_path / "knowledge.yaml").write_text(
        "title: Leaflet\ndocuments:\n- file: documents/leaflet.txt\n"
    )
    (tmp_path / "documents").mkdir()
    text = "The pool opens at nine.\nCall 999 at once.\nA towel costs two pounds.\n"
    (tmp_path / "documents/leaflet.txt").write_text(text)
    asked = {
        "When does the pool open?": "The pool opens at nine.",
        "What if I took an overdose?": "Call 999 at once.",
        "What does a towel cost?": "A towel costs two pounds.",
    }
    (tmp_path / "pairs.yaml").write_text(
        "".join(
            f"- question: {q}\n  answer: {a}\n  reviewed: Ann 2026-11-22\n"
            for q, a in asked.items()
        )
    )
    bot = Bot.load(settings.model_copy(update={"knowledge": tmp_path}))
    offered = ("When does the pool open?", "What does a towel cost?")
    assert set(bot.suggestions("")) == set(offered)
    assert bot.suggestions("what") == offered[1:]
    assert set(bot.ask("who is the mayor").reply.suggestions) == set(offered)
    assert bot.ask("What if I took an overdose?").reply.decision.kind == "safety"
