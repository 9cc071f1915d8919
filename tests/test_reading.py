"""Answers that rules drew are read: found by their sentence, and known when none answers."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.bot import Bot
from bot.documents.documents import document_from_text
from bot.drawing.drawing import draw_pairs
from bot.encoding.encoders import Encoder
from bot.knowledge.knowledge import Knowledge, load_knowledge, write_knowledge
from bot.matching.calibration import DELTA, upper_bound
from bot.matching.decision import UNSURE
from bot.matching.index import build_index, compared
from bot.printing import lay_out
from bot.reading import reading
from bot.reading.asking import Offer, addressing, asked_words, kind_of, negated
from bot.reading.bm25 import K1, B, Bm25
from bot.reading.contrasts import Said, contrary, denial, modifiers_missing, other_number
from bot.reading.model import FORMAT, ReadingModel, leads
from bot.reading.reading import Reader, Tokens, build_reader
from bot.reading.signals import GRADED, SIGNALS, Question, Sentence, Sentences
from bot.replying.suggestions import LIKELY
from bot.settings import load_settings
from bot.subjects import Subjects
from bot.types import Answered, Declined, Document, Provenance, QAPair

LIGHTHOUSE = """\
The Old Head lighthouse stands on the southern tip of Keld Island. It was built in 1853 by the \
engineer Agnes Moor. The tower is 34 metres high and was cut from grey granite.

The first keeper was Tom Brandt. He lit the lamp every evening for 27 years. Whale oil fed the \
lamp until it was replaced by electricity in 1921.

Because ships ran aground in fog, a horn was added in 1898. Visitors can climb the tower from May \
to September. A ticket costs four euros, and children pay nothing.
"""


def knowledge_of(root: Path, document: Document, pairs: tuple[QAPair, ...]) -> Knowledge:
    write_knowledge(root, title=document.title, documents=[document], pairs=pairs)
    return load_knowledge(root)


@pytest.fixture(scope="module")
def document() -> Document:
    return document_from_text(
        LIGHTHOUSE, id="lighthouse", title="Old Head lighthouse", source="lighthouse.txt"
    )


@pytest.fixture(scope="module")
def drawn_bot(
    document: Document, tmp_path_factory: pytest.TempPathFactory, cache_folder: Path
) -> Bot:
    root = tmp_path_factory.mktemp("drawn") / "knowledge"
    knowledge_of(root, document, draw_pairs(document))
    return Bot.load(load_settings(knowledge=root, cache_dir=cache_folder))


@pytest.fixture(scope="module")
def reader(
    document: Document, encoder: Encoder, tmp_path_factory: pytest.TempPathFactory
) -> Reader:
    root = tmp_path_factory.mktemp("read") / "knowledge"
    knowledge = knowledge_of(root, document, draw_pairs(document))
    subjects = Subjects(knowledge.aliases, knowledge.subjects)
    found = build_reader(knowledge, build_index(knowledge, subjects, encoder), subjects, encoder)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("question", "within"),
    [
        ("Who designed the lighthouse?", "Agnes Moor"),
        ("How tall is the tower?", "34 metres"),
        ("Who was the first lighthouse keeper?", "Tom Brandt"),
        ("When did electricity replace whale oil?", "1921"),
        ("What does a ticket cost?", "four euros"),
    ],
)
def test_the_sentence_that_answers_comes_first(drawn_bot: Bot, question: str, within: str) -> None:
    assert within in drawn_bot.consider(question).matches[0].pair.answer


@pytest.mark.parametrize(
    ("answerable", "unanswerable"),
    [
        ("Who was the first keeper of the lighthouse?", "Who was the last mayor of the city?"),
        ("What does a ticket cost?", "What does a hotel room cost?"),
        ("How high is the tower?", "How high is the cathedral in Rome?"),
    ],
)
def test_what_the_document_says_is_surer_than_what_it_does_not(
    drawn_bot: Bot, answerable: str, unanswerable: str
) -> None:
    assert drawn_bot.consider(answerable).confidence > drawn_bot.consider(unanswerable).confidence


def test_a_drawn_question_finds_its_own_answer_surely(drawn_bot: Bot) -> None:
    pairs = [p for p in drawn_bot.knowledge.pairs if p.question.startswith(("Who", "When", "How"))]
    assert pairs
    for pair in pairs:
        best = drawn_bot.consider(pair.question).matches[0]
        assert best.pair.provenance.evidence.overlaps(pair.provenance.evidence)
        assert best.probability >= 0.5


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Bot:
    times = "## Opening times\n\nThe tower opens at 10. It is closed on Mondays."
    text = f"{LIGHTHOUSE}\nYes.\n\n{times}\n"
    found = document_from_text(text, id="visit", title="Old Head lighthouse", source="visit.md")
    root = tmp_path_factory.mktemp("visit") / "knowledge"
    knowledge_of(root, found, draw_pairs(found))
    return Bot.load(load_settings(knowledge=root, cache_dir=cache_folder))


@pytest.mark.parametrize(
    "typed", ["opening times", "Opening times?", "what are your opening times"]
)
def test_a_heading_that_is_typed_is_answered_with_its_part(visited: Bot, typed: str) -> None:
    reply = visited.ask(typed).reply
    assert [c.quote for c in reply.citations] == ["The tower opens at 10. It is closed on Mondays."]


@pytest.mark.parametrize(
    "typed",
    ["who has opening times", "no opening times", "what is it", "what is Old Head lighthouse"],
)
def test_a_heading_answers_no_other_kind_of_question(visited: Bot, typed: str) -> None:
    assert not visited.ask(typed).reply.citations


def test_what_is_drawn_of_a_page_is_found_by_all_its_wordings(visited: Bot) -> None:
    by_wording = {
        wording: [c.quote for c in visited.ask(wording).reply.citations]
        for pair in visited.knowledge.pairs
        for wording in pair.wordings
        if pair.answer != "Yes."
    }
    assert [wording for wording, quotes in by_wording.items() if not quotes] == []


SCHOOL = """\
# Heath School

## Uniform

- Navy jumper or cardigan, with or without the school badge
- White polo shirt
- Grey trousers, skirt or pinafore
- Black shoes; trainers are not allowed except for PE
- PE: plain white T-shirt, navy shorts, trainers

## Swimming club

Swimming is free before noon.

| | Weekday | Weekend |
| --- | --- | --- |
| Adult | £6 | £8 |
| Child | £3 | £4 |
"""


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Bot:
    root = tmp_path_factory.mktemp("school") / "knowledge"
    document = document_from_text(SCHOOL, id="school", title="Heath School", source="school.md")
    knowledge_of(root, document, draw_pairs(document))
    return Bot.load(load_settings(knowledge=root, cache_dir=cache_folder))


def test_the_item_that_answers_is_read_before_its_whole_list(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = document_from_text(SCHOOL, id="school", title="Heath School", source="school.md")
    knowledge = knowledge_of(tmp_path / "school", document, draw_pairs(document))
    subjects = Subjects(knowledge.aliases, knowledge.subjects)
    index = build_index(knowledge, subjects, encoder)
    reader = build_reader(knowledge, index, subjects, encoder)
    assert reader is not None

    def first(question: str) -> str:
        return index.answers[reader.read(question)[0].answer].text

    assert first("are trainers allowed") == "- Black shoes; trainers are not allowed except for PE"
    whole = SCHOOL[SCHOOL.index("- Navy") : SCHOOL.index("\n\n## Swimming")]
    assert first("uniform") == whole, "who types the heading gets the part"
    monkeypatch.setattr(reading, "FAR", 99.0)
    assert first("are trainers allowed") == whole, (
        "where the next item is as near, so does who asks"
    )


def test_a_quoted_row_is_told_with_the_names_of_its_columns(school: Bot) -> None:
    question = next(p.question for p in school.knowledge.pairs if p.answer.startswith("| Adult"))
    reply = school.ask(question).reply
    assert reply.answer == "| Adult | £6 | £8 |"
    assert reply.citations[0].row == "Adult: Weekday £6, Weekend £8"
    assert "Adult: Weekday £6, Weekend £8" in reply.text
    assert [line.text for line in lay_out(reply)][:2] == [
        "Adult · £6 · £8",
        "Adult: Weekday £6, Weekend £8",
    ]


def test_the_receipt_names_the_signals_of_reading(drawn_bot: Bot) -> None:
    best = drawn_bot.ask("How high is the tower?").receipt.to_json()["best"]
    assert isinstance(best, dict)
    assert set(SIGNALS) <= set(best["signals"])


def test_what_ranks_lower_is_never_likelier(reader: Reader) -> None:
    readings = reader.read("How high is the tower")
    assert [r.probability for r in readings] == sorted(r.probability for r in readings)[::-1]
    assert all(0 < r.probability < 1 for r in readings)


def test_a_question_without_any_word_is_read_as_unanswered(reader: Reader) -> None:
    assert all(r.probability < 0.5 for r in reader.read("?"))
    assert reader.read("") == ()


def test_pairs_of_an_owner_are_not_read(document: Document) -> None:
    pair = draw_pairs(document)[0]
    assert pair.drawn
    by_hand = Provenance(document.id, pair.provenance.evidence, document.sha256)
    assert not QAPair("a", pair.question, (), pair.answer, by_hand).drawn
    seen = QAPair("b", pair.question, (), pair.answer, pair.provenance, reviewed="Ada 2026-01-02")
    assert not seen.drawn


def test_the_shipped_article_needs_no_reader(bot: Bot, encoder: Encoder) -> None:
    subjects = Subjects(bot.knowledge.aliases, bot.knowledge.subjects)
    index = bot._reasoner._retriever.index
    assert build_reader(bot.knowledge, index, subjects, encoder) is None


def test_owned_and_drawn_answers_serve_side_by_side(
    document: Document, tmp_path: Path, cache_folder: Path
) -> None:
    pairs = draw_pairs(document)
    at = next(n for n, p in enumerate(pairs) if "four euros" in p.answer)
    own = QAPair(
        "own",
        "Do I have to pay to get in?",
        ("is there an entrance fee", "admission price"),
        pairs[at].answer,
        Provenance(document.id, pairs[at].provenance.evidence, document.sha256),
    )
    root = tmp_path / "mixed"
    knowledge_of(root, document, (*pairs[:at], own, *pairs[at + 1 :]))
    mixed = Bot.load(load_settings(knowledge=root, cache_dir=cache_folder))
    paid = mixed.consider("is there an entrance fee?")
    assert "four euros" in paid.matches[0].pair.answer
    assert "asks_who" not in dict(paid.matches[0].signals)
    assert "34 metres" in mixed.consider("How tall is the tower?").matches[0].pair.answer


def test_a_model_trained_for_another_encoder_is_not_used(
    document: Document, encoder: Encoder, tmp_path: Path
) -> None:
    knowledge = knowledge_of(tmp_path / "k", document, draw_pairs(document))
    subjects = Subjects(knowledge.aliases, knowledge.subjects)
    index = build_index(knowledge, subjects, encoder)
    shipped = ReadingModel.load()
    turned = ReadingModel({**shipped.weights, "probe": -shipped.weights["probe"]}, shipped.notes)
    assert build_reader(knowledge, index, subjects, encoder, model=turned) is None


def test_the_shipped_model_is_small_and_tells_its_origin() -> None:
    model = ReadingModel.load()
    assert sum(a.size for a in model.weights.values()) < 200_000
    assert {"articles", "questions", "data", "probe"} <= set(model.notes)


def test_the_card_is_of_the_shipped_model() -> None:
    data = (files("bot") / "data" / "reading.npz").read_bytes()
    model = ReadingModel.read(data)
    card = (Path(__file__).parents[1] / "docs" / "reading.md").read_text(encoding="utf-8")
    assert f"sha256 {hashlib.sha256(data).hexdigest()}" in " ".join(card.split())
    notes = model.notes
    held = notes["held_out"]
    for figure in (
        f"format {FORMAT}",
        f"{notes['articles']} articles",
        f"{notes['questions']:,} questions",
        f"{notes['parameters']:,} parameters",
        f"{held['wrong']} of {held['questions']:,}",
        f"at most {held['bound']:.2%}",
        f"{held['answered_right']:.1%} of the answerable",
        f"threshold {model.threshold:.3f}",
    ):
        assert figure in " ".join(card.split()), figure


def test_the_shipped_threshold_was_proven_on_articles_held_out() -> None:
    held = ReadingModel.load().notes["held_out"]
    assert held["bound"] <= held["max_wrong"] == 0.04
    assert upper_bound(held["wrong"], held["questions"], DELTA) <= held["max_wrong"]


def test_more_evidence_never_makes_it_less_sure() -> None:
    for row in ReadingModel.load().weights["sure"].tolist():  # of either kind of document
        weights = dict(zip((*SIGNALS, *GRADED), row, strict=True))
        assert weights["score"] > 0
        assert all(weights[n] >= 0 for n in ("lead", "words_matched", "worst_word", "offers"))
        assert all(weights[n] <= 0 for n in ("contrary", "other_number", "denial", "negation_lost"))


def test_a_page_speaks_to_its_readers_and_an_encyclopedia_does_not() -> None:
    assert addressing(["You can bring it back.", "Open on Mondays."]) == 1.0
    assert addressing(["The tower was built in 1843.", "It is 30 metres tall."]) == 0.0
    assert 0 < addressing(["We open at nine.", *["It is tall."] * 9]) < 1
    assert addressing([]) == 0.0


def test_a_drawn_answer_is_given_from_the_threshold_of_the_model_on(drawn_bot: Bot) -> None:
    threshold = ReadingModel.load().threshold
    assert 0.5 < threshold < 0.9
    given = []
    for question in (
        drawn_bot.knowledge.pairs[1].question,
        "Who was the first keeper?",
        "How tall is the tower?",
        "What was added because of fog?",
        "Who painted the tower?",
        "When was the harbour closed?",
        "Which months is it open?",
    ):
        finding = drawn_bot.consider(question)
        given.append(isinstance(finding.decision, Answered))
        assert given[-1] == (finding.matches[0].probability >= threshold)
        receipt = drawn_bot.ask(question).receipt.to_json()
        assert receipt["threshold"] == pytest.approx(threshold, abs=1e-6)
    assert len(set(given)) == 2


def test_the_likeliest_answer_of_a_declined_question_is_offered_first(drawn_bot: Bot) -> None:
    asked = ("Who was the first keeper?", "What was added because of fog?", "What lit the lamp?")
    held = [f for q in asked if isinstance((f := drawn_bot.consider(q)).decision, Declined)]
    assert held
    for finding in held:
        best = finding.matches[0]
        assert best.probability >= LIKELY
        assert best.pair.question == drawn_bot.offers(finding)[0]
        assert (finding.decision.reason == "unsure") == (best.probability >= UNSURE)
    far = drawn_bot.consider("What does HTML stand for?")
    assert far.confidence < LIKELY
    assert drawn_bot.offers(far) == drawn_bot._suggester.openers()


def test_a_decline_that_is_not_sure_says_so_and_asks_what_was_meant(drawn_bot: Bot) -> None:
    reply = drawn_bot.ask("Who was the first keeper?").reply
    assert (reply.reason, reply.cause) == ("not_covered", "unsure")
    assert reply.text.startswith("I'm not sure that the source answers that")
    assert f"Did you mean one of these?\n1. {reply.suggestions[0]}\n" in reply.text


def test_the_words_of_a_question_are_looked_for_one_by_one() -> None:
    model = ReadingModel.load()
    rng = np.random.default_rng(3)
    question = rng.normal(size=(6, model.width)).astype(np.float32)
    sentences = rng.normal(size=(2, 5, model.width)).astype(np.float32)
    held = np.array([[True] * 5, [True, True, False, False, False]])
    rarity = np.array([1.0, 3.0, 2.0], np.float32)
    found = model.words(question, [[0, 1], [3], []], rarity, sentences, held)
    for k in (0, 1):
        real = [t / np.linalg.norm(t) for t, h in zip(sentences[k], held[k], strict=True) if h]
        tokens = [max(float(q @ t) / float(np.linalg.norm(q)) for t in real) for q in question]
        words = [(tokens[0] + tokens[1]) / 2, tokens[3]]
        wanted = [(words[0] + 3 * words[1]) / 4, min(words), max(words)]
        assert found[k] == pytest.approx(wanted, abs=1e-5)


def test_the_lead_is_over_the_best_of_another_passage() -> None:
    scores = np.array([2.0, 1.5, 0.5], np.float32)
    assert leads(scores, np.array([0, 0, 1])) == pytest.approx([1.5, 1.0, -1.5])
    assert leads(scores[:1], np.array([0])) == pytest.approx([4.0])


@pytest.mark.parametrize(
    ("question", "sentence", "found"),
    [
        ("Who sold the tower?", "The town bought the tower.", 1),
        ("Who sold the tower?", "The town sold the tower, and bought it again.", 0),
        ("What may it cost?", "It cost four euros in June.", 0),
        ("Who lit it in June?", "Tom lit it in March.", 1),
        ("Which rule is unfair?", "The rule is fair.", 1),
        ("Which results are dependent?", "The results are independent.", 1),
        ("Who painted it?", "Tom built it.", 0),
    ],
)
def test_the_opposite_of_a_word_is_seen(question: str, sentence: str, found: float) -> None:
    assert contrary(Said.of(question), Said.of(sentence)) == found


@pytest.mark.parametrize(
    ("question", "sentence", "found"),
    [
        ("Who lit it for two hundred days?", "Tom lit it for one hundred days.", 1),
        ("Who lit it for 200 days?", "Tom lit it for two hundred days.", 0),
        ("What happened in 1921?", "In 1898, 1,921 people came.", 1),
        ("What was the second lamp?", "The third lamp was electric.", 1),
        ("Which one was first?", "It was the first one of two.", 0),
        ("How many days?", "It took 200 days.", 0),
    ],
)
def test_another_number_in_the_place_of_one_is_seen(
    question: str, sentence: str, found: float
) -> None:
    assert other_number(Said.of(question), Said.of(sentence)) == found


def test_what_one_of_the_two_denies_is_seen() -> None:
    said = Said.of("Mendes will not return to the old tower.")
    assert denial(Said.of("Who will return to the tower?"), said, ["return", "tower"]) == 0.5
    assert denial(Said.of("Who won't return to the old tower?"), said, ["return", "tower"]) == 0
    assert denial(Said.of("Who painted it?"), said, ["paint"]) == 0


def test_words_that_narrow_a_question_down_are_missed() -> None:
    asked = Said.of("Who was the first former keeper?")
    assert modifiers_missing(asked, Said.of("The first keeper was Tom.")) == 1


@given(st.text(max_size=60))
def test_whatever_is_said_contradicts_nothing_of_itself(text: str) -> None:
    said = Said.of(text)
    assert contrary(said, said) == other_number(said, said) == 0
    assert denial(said, said, said.stems) == modifiers_missing(said, said) == 0


def test_padding_changes_no_score() -> None:
    model = ReadingModel.load()
    rng = np.random.default_rng(1)
    question = rng.normal(size=(5, model.width)).astype(np.float32)
    rows = rng.normal(size=(12, model.width)).astype(np.float16)
    tokens = Tokens(rows, np.array([0, 7, 12]))
    signals = rng.random((2, len(SIGNALS))).astype(np.float32)
    both, held = tokens.of([[0], [1]])
    beside, held_beside = tokens.of([[1], [0]])
    together = model.scores(question, both, held, beside, held_beside, signals)
    for k in (0, 1):
        own, near = tokens.of([[k]]), tokens.of([[1 - k]])
        alone = model.scores(question, *own, *near, np.repeat(signals[k : k + 1], 1, 0))
        # "none of these" is told by the first sentence's signals of the question
        shift = together[k] - alone[0]
        none = [_none(model, signals[i]) for i in (0, k)]
        assert shift == pytest.approx(none[1] - none[0], abs=1e-4)


def _none(model: ReadingModel, signals: np.ndarray) -> float:
    from bot.reading.model import _OF_QUESTION, CLIP

    w = model.weights
    z = np.clip((signals - w["mean"]) / w["spread"], -CLIP, CLIP)
    return float(z @ (w["none"] * _OF_QUESTION) + w["none_bias"])


TERMS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8)


@given(st.lists(TERMS, min_size=1, max_size=6), st.sets(st.sampled_from("abcdefg"), min_size=1))
def test_bm25_is_the_formula(texts: list[list[str]], asked: set[str]) -> None:
    index = Bm25.build(texts)
    mean = sum(map(len, texts)) / len(texts)
    terms = sorted(asked)
    idf = {
        t: np.log(1 + (len(texts) - df + 0.5) / (df + 0.5))
        for t in terms
        for df in [sum(t in text for text in texts)]
    }
    for text, found in zip(texts, index.scores(terms), strict=True):
        norm = K1 * (1 - B + B * len(text) / mean)
        held = {t: text.count(t) for t in terms}
        wanted = sum(idf[t] * c * (K1 + 1) / (c + norm) for t, c in held.items())
        assert found == pytest.approx(wanted / sum(idf.values()))


@settings(deadline=None)
@given(st.text(max_size=80))
def test_signals_are_finite_whatever_is_asked(text: str) -> None:
    sentences = [
        Sentence("Agnes Moor built it in 1853.", "Tower: Agnes Moor built it in 1853.", 0, "Tower"),
        Sentence("It is 34 metres high.", "Tower: It is 34 metres high.", 0, "Tower"),
        Sentence("Tickets cost four euros.", "Tower: Tickets cost four euros.", 1, "Tower"),
    ]
    vectors = np.eye(3, 8, dtype=np.float32)
    table = Sentences(sentences, vectors, vectors)
    question = Question.of(compared(text, Subjects((), ())) if text.strip() else text)
    found = table.signals(question, table.first(question, vectors[0]), [0, 1, 2])
    assert found.shape == (3, len(SIGNALS))
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many people live there?", "count"),
        ("In what year was it built?", "when"),
        ("Whose idea was it?", "who"),
        ("Which country is it in?", "where"),
        ("For what reason was it closed?", "why"),
        ("How does it work?", "how"),
        ("What is it?", "what"),
        ("Is it open?", "other"),
    ],
)
def test_the_kind_of_answer_is_told_by_the_question_words(question: str, kind: str) -> None:
    assert kind_of(question) == kind


def test_a_name_that_the_question_holds_is_no_answer_to_who() -> None:
    offer = Offer.of("The lamp was lit by Tom Brandt.")
    assert offer.fits("who", frozenset()) == 1
    assert offer.fits("who", frozenset({"tom", "brandt"})) == 0


def test_names_and_numbers_are_told_from_other_words() -> None:
    found = {a.word: a.named for a in asked_words("When did Tom leave the tower in 1921?")}
    assert found == {"tom": True, "leave": False, "tower": False, "1921": True}


def test_negations_are_seen() -> None:
    assert negated("Who wasn't there?")
    assert not negated("Who was there, notably?")
