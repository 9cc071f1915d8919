"""One decision from the candidates: answer, clarify or decline, all by the subject asked about."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.bot import Bot
from bot.knowledge.knowledge import Knowledge
from bot.matching.calibration import Confidence
from bot.matching.decision import MOST_MISSING, Decider, beside
from bot.matching.index import Index
from bot.matching.retrieval import Candidate, Retrieved, Signals
from bot.subjects import Subjects
from bot.types import QUOTE_LIMIT, Answered, Clarified, Declined, Match

PLAIN = Confidence(exponent=1.0, floor=1.0)  # without a rival, p = logistic(ln(score))
SURE, LIKELY, UNLIKELY = 3.0, 0.5, -3.0  # ln(score); 0.95, 0.62 and 0.05 as probabilities
NONE = frozenset[str]()


@pytest.fixture(scope="module")
def decider(bot: Bot) -> Decider:
    """The real knowledge with a threshold of a half and a confidence that can be read off."""
    knowledge = bot.knowledge
    subjects = Subjects(knowledge.aliases, knowledge.subjects)
    index: Index = bot._reasoner._retriever.index
    return Decider(knowledge, index, subjects, PLAIN, 0.5, 0.5)


def retrieved(
    decider: Decider,
    *found: tuple[str, float],
    asked: frozenset[str] = NONE,
    question: str = "is it fatal",
    prototypes: tuple[tuple[int, float], ...] = (),
    missing: tuple[str, ...] = (),
) -> Retrieved:
    """What was found: pairs by their questions, with the logarithm of each one's score."""
    places = {pair.question: p for p, pair in enumerate(decider.knowledge.pairs)}
    owner = {p: a for a, answer in enumerate(decider.index.answers) for p in answer.pairs}
    candidates = tuple(
        Candidate(
            owner[places[name]],
            places[name],
            name,
            Signals(score, 0.0, score, 0.6, 0.0, 0.5, 0.5, 0.5),
            missing,
        )
        for name, score in ((name, math.exp(evidence)) for name, evidence in found)
    )
    return Retrieved(question, asked, candidates, 0.0, prototypes)


def decide(decider: Decider, found: Retrieved) -> Answered | Clarified | Declined:
    decision = decider.decide(found, decider.matches(found))
    assert isinstance(decision, Answered | Clarified | Declined)
    return decision


def prototype(knowledge: Knowledge, topic: str, count: int = 5) -> list[int]:
    return [n for n, p in enumerate(knowledge.prototypes) if p.topic == topic][:count]


def test_the_likeliest_comes_first_with_its_rank(decider: Decider) -> None:
    found = retrieved(
        decider, ("Is MS a fatal disease?", LIKELY), ("Is ALS a fatal disease?", SURE)
    )
    matches = decider.matches(found)
    assert [m.pair.question for m in matches] == [
        "Is ALS a fatal disease?",
        "Is MS a fatal disease?",
    ]
    assert [m.rank for m in matches] == [1, 2]
    assert dict(matches[0].signals)["score"] == math.exp(SURE)


def test_an_answer_beside_others_is_as_likely_as_it_is_without_them(decider: Decider) -> None:
    def shares(*scores: tuple[float, float]) -> tuple[Match, ...]:
        """Of the two, by (score, that of the rival)."""
        names = ("Is MS a fatal disease?", "Is ALS a fatal disease?")
        found = retrieved(decider, *((name, 0.0) for name in names[: len(scores)]))
        candidates = tuple(
            replace(c, signals=replace(c.signals, score=score, margin=score - rival))
            for c, (score, rival) in zip(found.candidates, scores, strict=True)
        )
        return decider.matches(replace(found, candidates=candidates))

    first, second = shares((0.8, 0.5), (0.5, 0.8))
    (alone,) = shares((0.5, 0.0))
    assert second.probability < 0.3
    assert beside(second, [first]).probability == pytest.approx(alone.probability, abs=1e-3)
    assert beside(second, []) == second


def test_a_sure_candidate_on_the_subject_is_the_answer(decider: Decider) -> None:
    found = retrieved(decider, ("Is MS a fatal disease?", SURE), asked=frozenset({"MS"}))
    decision = decide(decider, found)
    assert isinstance(decision, Answered)
    assert [m.pair.question for m in decision.matches] == ["Is MS a fatal disease?"]


@pytest.mark.parametrize(
    ("surer", "probability", "reason"), [(-0.1, 0.475, "unsure"), (-1.1, 0.25, "not_covered")]
)
def test_below_the_threshold_it_declines_and_keeps_the_probability(
    decider: Decider, surer: float, probability: float, reason: str
) -> None:
    found = retrieved(decider, ("Is MS a fatal disease?", surer), asked=frozenset({"MS"}))
    decision = decide(decider, found)
    assert isinstance(decision, Declined)
    assert decision.reason == reason
    assert decision.probability == pytest.approx(probability, abs=1e-3)


def test_nothing_found_is_not_covered(decider: Decider) -> None:
    assert decide(decider, retrieved(decider)) == Declined("not_covered")


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        ("What is the treatment of MS", "treatments"),
        ("vitamins for ALS", "diet, vitamins, and supplements"),
        ("driving in Peru", None),  # says more than the topic does
        ("that level of detail", None),  # "that level of biological detail" points at something
        ("MS and ALS", None),
    ],
)
def test_a_topic_that_says_all_the_question_does_is_named(
    decider: Decider, question: str, topic: str | None
) -> None:
    found = retrieved(decider, ("Is MS a fatal disease?", -3.0), question=question)
    decision = decide(decider, found)
    assert isinstance(decision, Declined)
    assert (decision.reason, decision.topic) == ("not_covered", topic)


def test_without_a_subject_two_likely_ones_are_asked_back(decider: Decider) -> None:
    found = retrieved(
        decider, ("Is MS a fatal disease?", LIKELY), ("How long do people live with ALS?", LIKELY)
    )
    decision = decide(decider, found)
    assert isinstance(decision, Clarified)
    assert {m.pair.subjects for m in decision.options} == {("MS",), ("ALS",)}


def test_an_unlikely_other_subject_is_not_asked_back(decider: Decider) -> None:
    found = retrieved(
        decider, ("Is MS a fatal disease?", SURE), ("Is ALS a fatal disease?", UNLIKELY)
    )
    assert isinstance(decide(decider, found), Answered)


@pytest.mark.parametrize(
    ("question", "asked"),
    [("are MS and ALS fatal", frozenset({"MS", "ALS"})), ("are both fatal", NONE)],
)
def test_a_question_on_both_gets_a_sentence_on_each(
    decider: Decider, question: str, asked: frozenset[str]
) -> None:
    found = retrieved(
        decider,
        ("Is MS a fatal disease?", SURE),
        ("Is ALS a fatal disease?", LIKELY),
        asked=asked,
        question=question,
    )
    decision = decide(decider, found)
    assert isinstance(decision, Answered)
    assert [m.pair.subjects for m in decision.matches] == [("MS",), ("ALS",)]


def test_a_sentence_on_both_stands_alone(decider: Decider) -> None:
    found = retrieved(
        decider,
        ("Which is deadlier, MS or ALS?", SURE),
        ("Is ALS a fatal disease?", LIKELY),
        asked=frozenset({"MS", "ALS"}),
    )
    decision = decide(decider, found)
    assert isinstance(decision, Answered)
    assert len(decision.matches) == 1


@pytest.mark.parametrize(
    ("topics", "cosine", "reason", "named"),
    [
        (["pain"] * 5, 0.8, "not_covered", "pain"),
        (["pain"] * 5, 0.5, "not_covered", None),  # too far to be recognised
        (["pain", "sleep", "exercise", "work_driving", "relapses"], 0.8, "not_covered", None),
        (["far_off"] * 5, 0.8, "off_topic", None),
        (["far_off", "far_off", "adversarial", "adversarial", "pain"], 0.8, "off_topic", None),
        ([], 0.0, "not_covered", None),
    ],
)
def test_a_topic_is_named_only_where_the_nearest_known_gaps_agree(
    decider: Decider, topics: list[str], cosine: float, reason: str, named: str | None
) -> None:
    near = tuple((prototype(decider.knowledge, topic)[0], cosine) for topic in topics)
    found = retrieved(decider, ("What is ALS?", UNLIKELY), prototypes=near, missing=("fatal",))
    decision = decide(decider, found)
    assert isinstance(decision, Declined)
    assert (decision.reason, decision.topic) == (reason, named)


def test_a_gap_farther_than_the_answer_names_nothing(decider: Decider) -> None:
    near = tuple((n, 0.55) for n in prototype(decider.knowledge, "far_off"))
    decision = decide(decider, retrieved(decider, ("What is ALS?", UNLIKELY), prototypes=near))
    assert isinstance(decision, Declined)
    assert (decision.reason, decision.topic) == ("not_covered", None)


def test_a_question_with_a_subject_is_never_off_topic_by_a_far_gap(decider: Decider) -> None:
    near = tuple((n, 0.8) for n in prototype(decider.knowledge, "far_off"))
    found = retrieved(
        decider, ("What is ALS?", UNLIKELY), prototypes=near, asked=frozenset({"ALS"})
    )
    decision = decide(decider, found)
    assert isinstance(decision, Declined)
    assert decision.reason == "not_covered"


def test_what_is_like_nothing_known_is_off_topic(decider: Decider) -> None:
    found = retrieved(decider, ("What is ALS?", UNLIKELY), missing=("fatal",))
    strange = replace(
        found,
        candidates=tuple(
            replace(c, signals=replace(c.signals, cosine=0.1)) for c in found.candidates
        ),
    )
    decision = decide(decider, strange)
    assert isinstance(decision, Declined)
    assert decision.reason == "off_topic"


def test_nothing_that_an_answer_speaks_of_is_off_topic(decider: Decider) -> None:
    """Nothing was found "on that" would be untrue of a word that an answer says."""
    near = tuple((n, 0.8) for n in prototype(decider.knowledge, "far_off"))
    for missing, reason in ((("fatal", "pizza"), "off_topic"), (("pizza",), "not_covered")):
        found = retrieved(
            decider,
            ("What is ALS?", UNLIKELY),
            question="is a pizza fatal, fatal pizzas?",
            prototypes=near,
            missing=missing,
        )
        decision = decide(decider, found)
        assert isinstance(decision, Declined)
        assert decision.reason == reason


def test_only_a_few_missing_words_are_named(decider: Decider) -> None:
    words = tuple(f"word{n}" for n in range(9))
    decision = decide(decider, retrieved(decider, ("What is ALS?", UNLIKELY), missing=words))
    assert isinstance(decision, Declined)
    assert decision.missing == words[:MOST_MISSING]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_candidates_give_a_decision_that_keeps_the_rules(
    decider: Decider, data: st.DataObject
) -> None:
    knowledge, index = decider.knowledge, decider.index
    asked = data.draw(st.sampled_from([NONE, *map(frozenset, (["MS"], ["ALS"], ["MS", "ALS"]))]))
    fitting = [
        a.pairs[0] for a in index.answers if not asked or not a.subjects[0] or asked & a.subjects[0]
    ]
    chosen = data.draw(st.lists(st.sampled_from(fitting), max_size=4, unique=True))
    evidence = st.floats(-6, 6, allow_nan=False)
    found = retrieved(
        decider,
        *((knowledge.pairs[p].question, data.draw(evidence)) for p in chosen),
        asked=asked,
        question=data.draw(st.sampled_from(["is it fatal", "are both fatal", "what is als"])),
    )
    decision = decide(decider, found)
    if isinstance(decision, Answered):
        assert decision.matches[0].probability >= decider.threshold
        assert len({m.pair.answer for m in decision.matches}) == len(decision.matches)
        assert sum(len(m.pair.answer) for m in decision.matches) <= QUOTE_LIMIT
        for match in decision.matches:
            assert not asked or not match.pair.subjects or asked & set(match.pair.subjects)
    elif isinstance(decision, Clarified):
        assert not asked
        assert len({m.pair.answer for m in decision.options}) == len(decision.options)
        assert len({m.pair.subjects for m in decision.options}) == len(decision.options)


def test_a_knowledge_without_prototypes_declines_plainly(bot: Bot, decider: Decider) -> None:
    bare = replace(decider, knowledge=replace(bot.knowledge, prototypes=()))
    decision = decide(bare, retrieved(bare, ("What is ALS?", UNLIKELY)))
    assert decision == Declined("not_covered", probability=pytest.approx(0.047, abs=1e-3))


@pytest.mark.parametrize(
    ("question", "wording", "answered"),
    [
        ("what does error 5010 mean", "What does error 4021 mean?", False),
        ("what does error 4021 mean", "What does error 4021 mean?", True),
        ("what does the error mean", "What does error 4021 mean?", True),
        ("error 5010 after I paid 20 euros", "What does the error mean?", True),
        ("does 1 in 20000 have it", "Do 20,000 people or 1000 have it?", True),
    ],
)
def test_another_number_than_the_wordings_own_that_stands_nowhere_is_declined(
    decider: Decider, question: str, wording: str, answered: bool
) -> None:
    found = retrieved(decider, ("Is MS a fatal disease?", SURE), question=question)
    near = replace(found, candidates=(replace(found.candidates[0], matched_text=wording),))
    assert isinstance(decide(decider, near), Answered) is answered
