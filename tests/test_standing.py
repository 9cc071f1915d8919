"""Pairs that may not answer: not reviewed where the owner asks for it, or past their date."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from bot.bot import Bot
from bot.errors import KnowledgeError
from bot.knowledge.checking import check
from bot.knowledge.knowledge import Knowledge, load_knowledge, write_knowledge
from bot.knowledge.standing import Withheld, withheld
from bot.matching.decision import withhold
from bot.settings import Settings
from bot.types import Answered, Clarified, Declined, Match, QAPair

TODAY = date(2026, 11, 22)
TEXT = """The shop opens at nine. Parcels are sent on Mondays. The owner is called Grace Moss.

Returns are free for thirty days.
"""
ASKED = {
    "When does the shop open?": "The shop opens at nine.",
    "When are parcels sent?": "Parcels are sent on Mondays.",
    "Are returns free?": "Returns are free for thirty days.",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A knowledge in which one pair is reviewed, one past its date, one neither."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents/shop.txt").write_text(TEXT)
    (tmp_path / "knowledge.yaml").write_text(
        "title: A shop\nunreviewed: decline\ndocuments:\n  - file: documents/shop.txt\n"
    )
    lines = ("reviewed: Ann 2026-01-02", "review_by: 2026-11-21", "drawer: rules")
    (tmp_path / "pairs.yaml").write_text(
        "".join(
            f"- question: {question}\n  answer: {answer}\n  {line}\n"
            for (question, answer), line in zip(ASKED.items(), lines, strict=True)
        )
    )
    return tmp_path


def now() -> float:
    return datetime(2026, 11, 22, 12).timestamp()


@pytest.fixture
def shop(folder: Path, settings: Settings) -> Bot:
    bot = Bot.load(settings.model_copy(update={"knowledge": folder}))
    bot._clock = now
    return bot


def test_only_what_is_reviewed_and_in_date_answers_and_the_rest_says_why(shop: Bot) -> None:
    replies = [shop.ask(question).reply for question in ASKED]
    assert [r.cause for r in replies] == [None, "out_of_date", "unreviewed"]
    assert [r.reason for r in replies] == [None, "not_covered", "not_covered"]  # the contract
    assert replies[0].answer == "The shop opens at nine."
    assert "past the date" in replies[1].text
    assert "nobody has reviewed" in replies[2].text
    for reply in replies[1:]:
        assert reply.citations == ()
        assert reply.suggestions == ("When does the shop open?",)
    assert shop.suggestions("") == shop.suggestions("when") == ("When does the shop open?",)
    assert all(shop.finds(question) for question in ASKED)  # `check` looks past it


def test_unreviewed_pairs_answer_unless_the_knowledge_says_otherwise(folder: Path) -> None:
    manifest = folder / "knowledge.yaml"
    pairs = load_knowledge(folder).pairs
    assert load_knowledge(folder).unreviewed == "decline"
    manifest.write_text(manifest.read_text().replace("unreviewed: decline\n", ""))
    assert load_knowledge(folder).unreviewed == "answer"
    assert [withheld(p, "answer", TODAY) for p in pairs] == [None, "out_of_date", None]
    assert [withheld(p, "decline", TODAY) for p in pairs] == [None, "out_of_date", "unreviewed"]
    assert withheld(pairs[1], "answer", date(2026, 11, 21)) is None  # its last day
    manifest.write_text("unreviewed: perhaps\n" + manifest.read_text())
    with pytest.raises(KnowledgeError, match=r"knowledge.yaml:1: .*answer or decline"):
        load_knowledge(folder)


def test_a_decision_keeps_what_may_answer(folder: Path) -> None:
    may, late, new = (Match(p, p.question, 1, 0.9) for p in load_knowledge(folder).pairs)

    def why(pair: QAPair) -> Withheld | None:
        return withheld(pair, "decline", TODAY)

    assert withhold(Answered((may, late)), why) == Answered((may,))
    assert withhold(Answered((late, may)), why, 0.9) == Declined("out_of_date", probability=0.9)
    whole = Clarified((late, may))
    assert withhold(whole, why) is whole
    assert withhold(Clarified((new, late)), why) == Declined("unreviewed")
    assert withhold(Declined("off_topic"), why) == Declined("off_topic")


def test_check_warns_a_month_ahead_and_when_it_is_over(folder: Path) -> None:
    def found(today: date) -> list[str]:
        said = [f for f in check(load_knowledge(folder), today=today) if "review" in f.message]
        assert {f.severity for f in said} <= {"warning"}
        return [f"{f.line} {f.message}" for f in said]

    end = date(2026, 11, 21)
    assert any("2 pairs are not reviewed" in line for line in found(end))
    assert not any("until" in line for line in found(end - timedelta(days=31)))
    assert any("4 answers for 30 days more" in line for line in found(end - timedelta(days=30)))
    assert any("answers for 0 days more" in line for line in found(end))
    assert any("answers nothing since" in line for line in found(end + timedelta(days=1)))


def test_the_fields_are_written_and_read_back(folder: Path, tmp_path: Path) -> None:
    before: Knowledge = load_knowledge(folder)
    out = tmp_path / "out"
    write_knowledge(
        out,
        title=before.title,
        documents=before.documents,
        pairs=before.pairs,
        unreviewed=before.unreviewed,
    )
    after = load_knowledge(out)
    assert (after.pairs, after.unreviewed) == (before.pairs, "decline")
    assert [p.review_by for p in after.pairs] == [None, date(2026, 11, 21), None]
    text = (out / "pairs.yaml").read_text().replace("review_by: 2026-11-21", "review_by: soon")
    (out / "pairs.yaml").write_text(text)
    with pytest.raises(KnowledgeError, match=r"pairs.yaml:\d+: review_by: 'soon' is not"):
        load_knowledge(out)
