"""The library of questions that documents leave open, and what `draw` makes of it."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_encoder import bag_of_stems

from bot.__main__ import build_parser, main
from bot.documents.documents import document_from_text, read_document
from bot.drawing.draft import make_draft
from bot.drawing.drawing import draw_pairs
from bot.drawing.prototypes import (
    FILLS,
    GENERAL,
    Domain,
    Topic,
    guess_domain,
    instantiate,
    keep_unanswered,
    library,
    main_subjects,
    now_answered,
)
from bot.encoding.encoders import Encoder
from bot.knowledge.knowledge import load_knowledge
from bot.subjects import Subjects
from bot.types import Document, Prototype
from bot.wording import normalise, stem, words

ARTICLE = Path(__file__).parents[1] / "knowledge" / "documents" / "ms-vs-als.txt"
DOMAINS = sorted(library())
NAMES = st.lists(
    st.text("abcdefgXYZ' -1", min_size=1, max_size=12).filter(lambda t: t.strip() == t),
    max_size=4,
    unique=True,
)

# A leaflet that tells how its disease is treated and found, and nothing of its cost.
LEAFLET = """\
Brisk fever (BF) is a disease of the blood.

BF is treated with tablets and infusions. The first-line therapy for BF is a pill taken daily.
Treatment of BF should start as soon as possible. Physical therapy helps people with BF walk.
Surgery is rarely needed in BF. Doctors slow down BF with infusions in the hospital.
Early treatment changes the course of BF. Left untreated, BF gets worse over months.
No treatment reverses BF, but its symptoms are relieved by rest and cooling.
Current treatments for BF are effective in most people, and the treatment is lifelong.
BF can be managed without drugs in mild cases. Occupational therapy shows people how to do things.
The best treatment for BF is the one that is started early. Treatment brings BF under control.

BF is more common in women than in men.
"""


def leaflet() -> Document:
    return document_from_text(LEAFLET, id="bf", title="Brisk fever", source="bf.txt")


# --- the library ------------------------------------------------------------------------------


def test_health_comes_with_forty_topics_and_six_other_domains_with_ten() -> None:
    sizes = {name: len(kind.topics) for name, kind in library().items()}
    assert sizes.pop("health") >= 40
    assert len(sizes) == 6
    assert min(sizes.values()) >= 10


@pytest.mark.parametrize("name", DOMAINS)
def test_topics_have_a_handful_of_templates_each(name: str) -> None:
    for topic in library()[name].topics:
        assert 5 <= len(topic.questions) <= 30, topic.topic


@pytest.mark.parametrize("name", DOMAINS)
def test_topics_are_named_once_and_by_identifiers(name: str) -> None:
    topics = [topic.topic for topic in library()[name].topics]
    assert len(topics) == len(set(topics))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", topic) for topic in topics)


@pytest.mark.parametrize("name", DOMAINS)
def test_what_a_topic_says_completes_the_sentence(name: str) -> None:
    """It stands behind "The source doesn't cover" and before a comma."""
    for topic in library()[name].topics:
        assert topic.says[0].islower(), topic.says
        assert topic.says[-1].isalpha(), topic.says
        assert "{" not in topic.says
        assert topic.says.split()[0] not in ("about", "on", "that's", "any"), topic.says


@pytest.mark.parametrize("name", DOMAINS)
def test_no_template_is_another_in_other_words_order_aside(name: str) -> None:
    seen: dict[tuple[str, ...], str] = {}
    for _, template in library()[name].templates():
        key = tuple(sorted(map(stem, words(template))))
        assert key not in seen, (template, seen.get(key))
        seen[key] = template


@pytest.mark.parametrize("name", DOMAINS)
def test_templates_are_read_back_as_they_are_written(name: str) -> None:
    """No quotes, new lines or half-open braces got into a text."""
    for _, template in library()[name].templates():
        assert template == " ".join(template.split())
        assert not re.search(r'["\n{}]', re.sub(r"\{[a-z]+\}", "", template)), template
        assert len(template) <= 110


@pytest.mark.parametrize("name", DOMAINS)
def test_every_list_fills_a_template(name: str) -> None:
    kind = library()[name]
    used = {slot for _, t in kind.templates() for slot in re.findall(r"\{(\w+)\}", t)}
    assert set(kind.lists) <= used
    assert all(len(fillers) == len(set(fillers)) >= 4 for fillers in kind.lists.values())


@pytest.mark.parametrize("name", DOMAINS)
def test_cues_are_small_words_of_one_domain(name: str) -> None:
    for cue in library()[name].cues:
        assert re.fullmatch(r"[a-z]{3,}", cue)
        assert not any(cue in kind.cues for n, kind in library().items() if n != name), cue


def test_a_domain_with_a_slot_that_nothing_fills_can_not_be_built() -> None:
    with pytest.raises(ValueError, match="no list fills"):
        Domain("d", (), {}, (Topic("t", "that", ("cost in {town}",)),))


def test_a_domain_with_the_same_template_twice_can_not_be_built() -> None:
    with pytest.raises(ValueError, match="stands twice"):
        Domain("d", (), {}, (Topic("t", "that", ("What now?", "what now")),))


# --- instantiating ----------------------------------------------------------------------------


@settings(deadline=None)
@given(domain=st.sampled_from([GENERAL, *DOMAINS]), subjects=NAMES)
def test_every_slot_is_filled_and_no_question_stands_twice(
    domain: str, subjects: list[str]
) -> None:
    made = instantiate(domain, subjects)
    assert not [p.question for p in made if re.search(r"[{}]", p.question)]
    assert len({normalise(p.question) for p in made}) == len(made)
    assert made == instantiate(domain, list(subjects))


@settings(deadline=None)
@given(domain=st.sampled_from(DOMAINS), text=st.text("abcXYZ .", max_size=40))
def test_templates_make_at_most_so_many_questions_each(domain: str, text: str) -> None:
    made = instantiate(domain, ("X",), text=text)
    assert len(made) <= FILLS * len(list(library()[domain].templates()))


def test_the_general_domain_has_no_questions() -> None:
    assert instantiate(GENERAL, ("MS",)) == ()


def test_an_unknown_domain_is_an_error() -> None:
    with pytest.raises(KeyError):
        instantiate("astrology", ("MS",))


def test_subjects_and_their_names_take_turns() -> None:
    made = instantiate("health", ("MS", "ALS"), (("multiple sclerosis", "MS"),))
    asked = " ".join(p.question for p in made)
    counts = Counter(re.findall(r"\b(MS|ALS|multiple sclerosis)\b", asked))
    assert min(counts["MS"], counts["multiple sclerosis"]) > 100
    assert abs(counts["ALS"] - counts["MS"] - counts["multiple sclerosis"]) < 60


def test_questions_on_two_subjects_need_two() -> None:
    alone = {p.topic for p in instantiate("health", ("MS",))}
    both = {p.topic for p in instantiate("health", ("MS", "ALS"))}
    assert both - alone == {"both_at_once"}


def test_without_a_subject_only_templates_without_one_are_left() -> None:
    free = {t for _, t in library()["shop"].templates() if "{" not in t}
    made = {p.question for p in instantiate("shop", ())}
    assert free <= made
    assert "how do I clean mattresses" not in made
    assert {p.topic for p in instantiate("health", ())} == {"source"}


def test_what_the_document_names_is_taken_from_no_list() -> None:
    asked = [p.question for p in instantiate("health", ("MS",), text="In Canada, the UK or Texas")]
    assert not [q for q in asked if re.search(r"Canada|the UK|Texas", q)]
    assert [q for q in asked if "Australia" in q]


def test_a_subject_is_not_compared_with_itself() -> None:
    asked = [p.question for p in instantiate("health", ("lupus",))]
    assert not [q for q in asked if q.count("lupus") > 1]


# --- what the document answers ----------------------------------------------------------------


def kept_of(encode_like: Encoder | None, document: Document) -> tuple[Prototype, ...]:
    made = instantiate("health", main_subjects(document), document.aliases, text=document.text)
    names = Subjects(document.aliases, document.subjects)
    encode = bag_of_stems if encode_like is None else encode_like.encode
    return keep_unanswered(made, draw_pairs(document), encode, names)


def test_a_topic_that_the_document_tells_of_is_dropped_whole(encoder: Encoder) -> None:
    topics = {p.topic for p in kept_of(encoder, leaflet())}
    assert "treatment" not in topics
    assert {"cost_insurance", "driving_travel", "animals", "charities"} <= topics


def test_the_article_keeps_what_it_does_not_say_and_drops_what_it_says(encoder: Encoder) -> None:
    document = read_document(ARTICLE)
    names = Subjects(document.aliases, document.subjects)
    stated = ("Is MS a fatal disease?", "what is the life expectancy of ALS", "is ALS inherited")
    open_ = ("does MS hurt your pets", "best diet for ALS", "can you drive with MS")
    made = [Prototype(q, q, q) for q in (*stated, *open_)]
    kept = keep_unanswered(made, draw_pairs(document), encoder.encode, names)
    assert tuple(p.question for p in kept) == open_


def test_a_country_that_the_document_does_not_name_is_never_answered() -> None:
    document = leaflet()
    names = Subjects(document.aliases, document.subjects)
    asked = [
        Prototype("BF is more common in women than in men", "same", "that"),
        Prototype("BF is more common in women than in men in Norway", "elsewhere", "that"),
    ]
    kept = keep_unanswered(asked, draw_pairs(document), bag_of_stems, names)
    assert [p.topic for p in kept] == ["elsewhere"]


def test_wordings_of_the_pairs_themselves_are_never_kept() -> None:
    """Whatever a pair says, word for word, can't be a question that it doesn't answer."""
    pairs = draw_pairs(leaflet())
    made = [Prototype(w, w, w) for p in pairs for w in p.wordings if "document say" not in w]
    names = Subjects(leaflet().aliases, leaflet().subjects)
    assert keep_unanswered(made, pairs, bag_of_stems, names) == ()


@settings(deadline=None, max_examples=25)
@given(picked=st.sets(st.integers(0, 599)))
def test_what_is_kept_is_a_part_in_the_same_order(picked: set[int]) -> None:
    made = instantiate("health", ("BF",))
    some = [p for n, p in enumerate(made) if n in picked]
    kept = keep_unanswered(some, draw_pairs(leaflet()), bag_of_stems, Subjects((), ("BF",)))
    rest = iter(some)
    assert all(any(p is q for q in rest) for p in kept)


def test_without_pairs_everything_is_open() -> None:
    made = instantiate("health", ("BF",))
    assert keep_unanswered(made, (), bag_of_stems, Subjects()) == made


# --- the domain of a document -----------------------------------------------------------------

TEXTS = {
    "health": LEAFLET,
    "shop": "Orders are shipped in a day. You can return a product for a refund; delivery is free.",
    "software": "To install the software, download the file and click the button in the window.",
    "history": "The emperor sent his army to the territory. The war ended with a treaty in 1742.",
    "organisation": "The university has 400 students. Its council elects a committee of members.",
    "place": "The city lies by the river. Its population is 4,000; the old town has a museum.",
    "person": "She was born in Bonn and married a painter. Her first novel won an award.",
}


@pytest.mark.parametrize("name", DOMAINS)
def test_each_domain_is_told_by_its_cues(name: str) -> None:
    assert guess_domain(document_from_text(TEXTS[name], id="d", title="", source="d")) == name


def test_what_has_no_cues_is_general() -> None:
    text = "Green tea is a drink. It is made of leaves, and it is green."
    assert guess_domain(document_from_text(text, id="d", title="", source="d")) == GENERAL


def test_what_is_of_two_domains_is_general() -> None:
    text = TEXTS["shop"] + " " + TEXTS["software"]
    assert guess_domain(document_from_text(text, id="d", title="", source="d")) == GENERAL


def test_what_is_named_in_passing_is_no_main_subject() -> None:
    text = LEAFLET + "\nThe Food and Drug Administration (FDA) says so. The FDA, and the FDA again."
    document = document_from_text(text, id="d", title="Brisk fever", source="d")
    assert set(document.subjects) == {"BF", "FDA"}
    assert main_subjects(document) == ("BF",)


# --- drawing ----------------------------------------------------------------------------------


def test_the_article_is_drawn_with_what_it_leaves_open(encoder: Encoder) -> None:
    drawn = partial(make_draft, [ARTICLE], lambda: encoder.encode)
    draft = drawn()
    assert draft.domain == "health"
    assert len(draft.prototypes) > 400
    assert {"treatment", "diet", "pregnancy", "animals"} <= {p.topic for p in draft.prototypes}
    assert drawn() == draft
    assert drawn(domain=GENERAL).prototypes == ()


def test_a_faq_gets_questions_only_where_its_owner_names_the_domain(tmp_path: Path) -> None:
    faq = tmp_path / "faq.jsonl"
    faq.write_text('{"question": "How much is shipping?", "answer": "Shipping is free."}\n')
    unasked = make_draft([faq], lambda: bag_of_stems)
    assert (unasked.domain, unasked.prototypes) == (GENERAL, ())
    asked = make_draft([faq], lambda: bag_of_stems, domain="shop")
    assert asked.domain == "shop"
    assert "where is my order" in {p.question for p in asked.prototypes}


def test_a_guessed_domain_that_was_not_measured_to_help_writes_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_text(TEXTS["shop"])
    draft = make_draft([page], lambda: bag_of_stems)
    assert (draft.domain, draft.prototypes) == ("shop", ())


def test_draw_writes_them_and_they_load(tmp_path: Path) -> None:
    faq = tmp_path / "faq.jsonl"
    faq.write_text('{"question": "How much is shipping?", "answer": "Shipping is free."}\n')
    out = tmp_path / "out"
    assert main(["draw", str(faq), "--out", str(out), "--domain", "shop"]) == 0
    knowledge = load_knowledge(out)
    assert knowledge.domain == "shop"
    assert len(knowledge.prototypes) > 80


def test_a_domain_that_there_is_not_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "x.txt", "--out", str(tmp_path / "o"), "--domain", "astrology"]) == 2
    assert "choose one of general, health" in capsys.readouterr().err


def test_the_help_of_draw_names_every_domain(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["draw", "--help"])
    helped = " ".join(capsys.readouterr().out.split())
    assert all(name in helped for name in (GENERAL, *DOMAINS))


def test_a_practice_that_speaks_of_itself_is_asked_nothing_unasked(tmp_path: Path) -> None:
    page = tmp_path / "practice.txt"
    page.write_text(f"{LEAFLET}\n\nWe treat patients. Our doctors and our nurses see you with us.")
    assert make_draft([page], lambda: bag_of_stems).prototypes == ()
    leaflet = tmp_path / "leaflet.txt"
    leaflet.write_text(LEAFLET)
    assert make_draft([leaflet], lambda: bag_of_stems).prototypes


def test_the_gaps_are_named_that_new_pairs_answer_and_others_did_not(encoder: Encoder) -> None:
    document = leaflet()
    pairs = draw_pairs(document)
    text = "A ticket to the clinic costs nine euros. BF is fatal in dogs."
    new = document_from_text(text, id="more", title="More", source="more.txt")
    added = list(draw_pairs(new))
    gaps = (
        "does a clinic ticket cost nine euros",
        "can cats catch BF",
        "what is the first-line therapy for BF",  # as near before: its owner let it stand
        "is Brisk fever fatal in dogs",
    )
    names = Subjects(document.aliases, document.subjects)
    told = now_answered(gaps, added, pairs, encoder.encode, names)
    assert {gaps[n]: pair.answer for n, pair in told} == {
        gaps[0]: "A ticket to the clinic costs nine euros.",
        gaps[3]: "BF is fatal in dogs.",
    }
    assert now_answered(gaps, (), pairs, encoder.encode, names) == ()
    assert now_answered((), added, pairs, encoder.encode, names) == ()
    everything = now_answered(gaps, pairs, (), encoder.encode, names)
    assert [gaps[n] for n, _ in everything] == [gaps[2]]
