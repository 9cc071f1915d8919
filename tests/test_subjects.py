"""Subjects are found under every name and spelling, and only there."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.subjects import Subjects

ALIASES = (
    ("multiple sclerosis", "MS"),
    ("amyotrophic lateral sclerosis", "ALS"),
    ("Lou Gehrig's disease", "ALS"),
    ("motor neurone disease", "ALS"),
    ("MND", "ALS"),
)
DISEASES = Subjects(ALIASES, ("MS", "ALS"))

FRAGMENTS = """ms MS m.s. als a l s lou gehrig gehrig's gehrigs disease multiple scleroses mulitple
sclerosis motor neuron neurone mnd amyotropic lateral an is the ( ) ' ’ - . , ? 's teams é ms's"""
PIECES = st.sampled_from([*FRAGMENTS.split(), "\u200d", "\ud800"])
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=14).flatmap(
    lambda words: st.sampled_from([" ", "", "  ", "-"]).map(lambda gap: gap.join(words))
)


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("what about Lou Gehrigs", "what about ALS"),
        ("what about Lou Gehrig’s?", "what about ALS?"),
        ("lou  gehrig's disease", "ALS"),
        ("lou gehrig disease signs", "ALS signs"),
        ("is m.s. bad", "is MS bad"),
        ("M S", "MS"),
        ("a.l.s", "ALS"),
        ("als/ms", "ALS/MS"),
        ("multiple scleroses", "MS"),
        ("multiple-sclerosis", "MS"),
        ("multiplesclerosis", "MS"),
        ("mulitple sclerosis", "MS"),
        ("amyotropic lateral sclerosis", "ALS"),
        ("amyotrofic latteral sclerosis", "ALS"),
        ("motor neuron disease", "ALS"),
        ("multiple  sclerosis (MS) signs", "MS signs"),
        ("multiple sclerosis's causes", "MS's causes"),
        ("what is a multiple sclerosis", "what is a MS"),
        ("Ms. Smith has als", "Ms. Smith has ALS"),
        ("Ms is bad", "MS is bad"),
        ("what does an MND patient need", "what does an ALS patient need"),
        ("Ms Smith has als", "Ms Smith has ALS"),
        ("Is Ms Fatal?", "Is MS Fatal?"),
    ],
)
def test_every_spelling_of_a_name_becomes_the_canonical_name(text: str, replaced: str) -> None:
    assert DISEASES.replace(text) == replaced


@pytest.mark.parametrize(
    "text",
    [
        "teams also play",
        "who was Lou Gehrig",
        "tuberous sclerosis",
        "primary lateral sclerosis",
        "systemic sclerosis",
        "multiple system atrophy",
        "is it a motor neurone disease",
        "I'm s",
        "",
    ],
)
def test_what_only_looks_like_a_name_stays(text: str) -> None:
    assert DISEASES.replace(text) == text
    assert not DISEASES.mentioned(text)


def test_an_alias_after_an_indefinite_article_is_a_kind_of_thing() -> None:
    text = "is ALS a motor neurone disease"
    assert DISEASES.replace(text) == text
    assert DISEASES.mentioned(text) == {"ALS"}


def test_digits_and_contrasting_prefixes_are_never_typos() -> None:
    subjects = Subjects((), ("hyperthyroidism", "type 1 diabetes", "hepatitis B"))
    assert subjects.mentioned("hyperthyriodism") == {"hyperthyroidism"}
    assert subjects.mentioned("type 1 diabtes") == {"type 1 diabetes"}
    for other in ("hypothyroidism", "type 2 diabetes", "hepatitis C"):
        assert not subjects.mentioned(other)


def test_a_name_that_is_also_a_small_word_must_be_in_capitals() -> None:
    subjects = Subjects((), ("IT", "WHO"))
    assert not subjects.mentioned("who is it")
    assert subjects.mentioned("does the WHO use IT") == {"IT", "WHO"}


@pytest.mark.parametrize(
    "text",
    [
        "both",
        "MS vs ALS",
        "how do the two compare",
        "can either be cured",
        "which one is worse",
        "does either of them hurt",
        "difference between them",
        "these diseases",
        "is neither fatal",
        "do multiple sclerosis and lou gehrigs look alike",
    ],
)
def test_several_subjects_at_once_are_noticed(text: str) -> None:
    assert DISEASES.both(text)


@pytest.mark.parametrize("text", ["is ms fatal", "so ALS isn't fatal either?", "how old are they"])
def test_one_subject_is_not_several(text: str) -> None:
    assert not DISEASES.both(text)


def test_the_other_subject_exists_only_where_there_are_two() -> None:
    assert DISEASES.other("MS") == "ALS"
    assert DISEASES.other("flu") is None
    assert Subjects((), ("A1", "B2", "C3")).other("A1") is None
    assert Subjects((), ("A1",)).other("A1") is None


def test_a_knowledge_without_subjects_names_none() -> None:
    none = Subjects()
    assert none.replace("MS and both") == "MS and both"
    assert none.mentioned("MS") == frozenset()
    assert not none.both("both")


def test_an_alias_brings_its_canonical_name_and_blank_ones_are_left_out() -> None:
    subjects = Subjects((("the flu", "influenza"), (" ", "x"), ("y", " ")), ())
    assert subjects.canonical == ("influenza",)
    assert subjects.replace("had the flu") == "had influenza"


@given(TEXTS)
def test_replacing_twice_changes_nothing(text: str) -> None:
    once = DISEASES.replace(text)
    assert DISEASES.replace(once) == once


@given(TEXTS)
def test_replacing_keeps_the_subjects(text: str) -> None:
    assert DISEASES.mentioned(text) <= DISEASES.mentioned(DISEASES.replace(text))


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=6)), max_size=5), st.text())
def test_any_names_and_any_text_are_taken(aliases: list[tuple[str, str]], text: str) -> None:
    subjects = Subjects(tuple(aliases), ("MS", "a b", "?"))
    subjects.replace(text)
    assert subjects.mentioned(text) <= set(subjects.canonical)
    assert subjects.both(text) in (True, False)


def test_a_question_of_full_length_is_quick() -> None:
    """Work is linear: 2,000 characters of near-names take well under a second."""
    text = ("multiple sclerose and lou gehrig " * 61)[:2000]
    start = time.process_time()
    DISEASES.replace(text)
    assert time.process_time() - start < 0.5
