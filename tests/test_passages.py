"""Passages and sentences: exact places in a text."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.documents.blocks import plain_text, split_blocks
from bot.documents.documents import document_from_text
from bot.documents.passages import passage_at, split_passages, split_sentences
from bot.types import Passage, Span


def sentences(text: str) -> list[str]:
    return [span.of(text) for span in split_sentences(text)]


def passages(text: str, title: str = "T") -> list[tuple[str | None, str]]:
    document = document_from_text(text, id="d", title=title, source="d.txt")
    return [(p.heading, p.text) for p in split_passages(document)]


@pytest.mark.parametrize(
    "text",
    [
        "In the U.S. Congress it was passed. | It failed.",
        "It is sold in the U.S. | The price is low.",
        "See e.g. Smith for that, i.e. all of it. | Done.",
        "Dr. Who met Mr. and Mrs. Jones in St. Louis. | They left.",
        "It costs 3.14 dollars, or 1,000.50 in all. | No. 5 is sold out.",
        "See p. 5 and fig. 3 there. | The answer is no. | Try later.",
        "J. A. Hobson wrote it. | George R. R. Martin read it.",
        'He said "Stop." | Then he left.',
        "“Is it?” he asked. | “Yes!” | She nodded.",
        "Wait... what is it? | Well… | Fine.",
        "It ended.[1] | It began again.[citation needed] | Last.:116 | Thus it was.",
        "It lasts (as far as we know. Who knows.) a day. | Good.",
        "(It was late.) | They went home.",
        "Who has MS. | ALS is rare. | Plan B. | The rest is silence.",
        "Acme Inc. sells it. | Acme Inc. | The end.",
        "They had stories. | Political tales.",
        "It opens at 9 a.m. on Monday. | It closes at 5 p.m. | The shop is small.",
        "Shared by Jan. 5, or Smith et al. (2003). | It works.",
        "これは文です。 | 次の文です。",
        "Wirklich? | ja, so ist es!",
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str) -> None:
    parts = text.split(" | ")
    if parts[-1].startswith("ja"):
        parts = [text.replace(" | ", " ")]  # a small letter goes on with the sentence
    glue = "" if "。" in text else " "
    assert sentences(glue.join(parts)) == parts


def test_a_missing_space_behind_a_stop_is_forgiven() -> None:
    assert sentences("They shared stories.Political geographers agreed.") == [
        "They shared stories.",
        "Political geographers agreed.",
    ]
    assert sentences("Use file.Txt of example.Com now.") == ["Use file.Txt of example.Com now."]


def test_a_wrapped_line_goes_on_and_a_list_item_does_not() -> None:
    text = "It is a long\nsentence:\n- One thing\n- Another. With more\n1. First\n2. Second"
    assert sentences(text) == [
        "It is a long\nsentence:",
        "- One thing",
        "- Another.",
        "With more",
        "1. First",
        "2. Second",
    ]


@given(st.text("ab A.!?\n\r\t\u00a0|-#*\"'()[]1:`>。…", max_size=200) | st.text(max_size=200))
def test_sentences_are_ordered_and_cover_all_that_is_no_space(text: str) -> None:
    spans = split_sentences(text)
    for span in spans:
        assert span.of(text) == span.of(text).strip()
    for before, after in pairwise(spans):
        assert before.end <= after.start
    covered = {i for span in spans for i in range(span.start, span.end)}
    assert all(text[i].isspace() for i in range(len(text)) if i not in covered)


@given(
    st.lists(
        st.sampled_from(
            [
                "# H",
                "Title",
                "=====",
                "---",
                "- a",
                "1. b",
                "```",
                "<!-- c",
                "-->",
                "| x |",
                "|--|",
                "Some text.",
                "",
                "  ",
                "> q",
                "Lead:",
                "x" * 210,
                "\u00a0",
                "**B**",
                "+ z -->y",
            ]
        ),
        max_size=14,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_blocks_are_ordered_and_cover_all_that_is_no_space(lines: list[str], newline: str) -> None:
    text = newline.join(lines)
    blocks = split_blocks(text)
    for block in blocks:
        assert block.span.of(text) == block.span.of(text).strip()
    for before, after in pairwise(blocks):
        assert before.span.end <= after.span.start
    covered = {i for b in blocks for i in range(b.span.start, b.span.end)}
    assert all(text[i].isspace() for i in range(len(text)) if i not in covered)
    if text.strip():
        for passage in split_passages(document_from_text(text, id="d", title="T", source="d")):
            assert passage.text == passage.span.of(text)


def test_a_short_line_alone_names_the_paragraphs_under_it() -> None:
    text = "Intro here.\n\nDisease course\n\nIt varies.\n\nA lot.\n\nLate stages\n\nIt is hard."
    assert passages(text) == [
        (None, "Intro here."),
        ("Disease course", "It varies."),
        ("Disease course", "A lot."),
        ("Late stages", "It is hard."),
    ]


def test_a_wider_gap_ends_the_part_under_a_plain_heading() -> None:
    text = "Late stages\n\nIt is hard.\n\n\nSomething else is said here."
    assert passages(text) == [
        ("Late stages", "It is hard."),
        (None, "Something else is said here."),
    ]


def test_markdown_headings_of_both_kinds_are_headings_without_their_marks() -> None:
    text = "# The *title*\n\nIntro.\n\nUsage\n-----\nDo it.\n\n### [Links](x.md) ###\nSee there."
    assert passages(text, title="The title") == [
        (None, "Intro."),
        ("Usage", "Do it."),
        ("Links", "See there."),
    ]


def test_a_list_belongs_to_the_line_that_leads_into_it() -> None:
    text = "You need:\n\n- flour\n\n- water\n\nThat is all.\n\n* Alone\n* Two"
    assert [p for _, p in passages(text)] == [
        "You need:\n\n- flour\n\n- water",
        "That is all.",
        "* Alone\n* Two",
    ]


def test_lines_in_a_row_without_marks_are_no_headings() -> None:
    text = "Apples\n\nPears\n\nPlums\n\nCherries\n\nAll of them are fruit."
    assert all(heading is None for heading, _ in passages(text))


def test_a_question_alone_heads_its_answer() -> None:
    text = "Can I return it?\n\nYes, within 30 days.\n\nWhere is my order?\n\nOn its way."
    assert [h for h, _ in passages(text)] == ["Can I return it?", "Where is my order?"]


def test_comments_rules_and_front_matter_are_no_passages() -> None:
    text = "---\ntitle: X\n---\nHello there.\n\n***\n\n<!-- hidden\nnote --> Shown text.\n"
    assert [p for _, p in passages(text)] == ["Hello there.", "Shown text."]


def test_code_and_tables_stay_whole() -> None:
    text = "Run:\n\n```sh\n# no heading\n\nmake\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    assert [p for _, p in passages(text)] == [
        "Run:\n\n```sh\n# no heading\n\nmake\n```",
        "| a | b |\n|---|---|\n| 1 | 2 |",
    ]


def test_unwrapped_lines_are_paragraphs_of_their_own() -> None:
    long = "This line was pasted from a page and goes on for long. " * 5
    assert [p for _, p in passages(f"{long}\n{long}")] == [long.strip(), long.strip()]


def test_the_passage_of_a_span_is_the_one_it_begins_in() -> None:
    text = "One is here.\n\nHeading\n\nTwo is here.\n\nThree is here."
    document = document_from_text(text, id="d", title="T", source="d")
    found = split_passages(document)

    def at(start: int, end: int) -> Passage:
        return passage_at(found, Span(start, end))

    assert at(4, 40).text == "One is here."
    assert at(text.index("Two"), len(text)).text == "Two is here."
    assert at(text.index("Heading"), text.index("Two")).text == "Two is here."
    assert at(len(text) - 2, len(text)).text == "Three is here."
    with pytest.raises(ValueError, match="no passage"):
        passage_at((), Span(0, 1))


def test_plain_text_is_what_a_person_reads() -> None:
    marked = (
        "- **Bold** and _soft_ [link](http://x.y/z) ![img](i.png) `code`[1] a*b <b>x</b> "
        "snake_case_x"
    )
    assert plain_text(marked) == "Bold and soft link img code a*b x snake_case_x"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("- One\n2. Two\n(a) Three", "One Two Three"),
        ("3.2 Courts are booked online.", "Courts are booked online."),
        ("10.1.4 A key is lent.", "A key is lent."),
        ("2.5 million people", "2.5 million people"),
        ("Open 8:30 – 5:30, (10:00–16:00) or later", "Open 8:30 – 5:30, (10:00–16:00) or later"),
        ("For those aged 18. The rest pay.", "For those aged 18. The rest pay."),
    ],
)
def test_marks_and_numbers_are_taken_from_beginnings_of_lines_only(text: str, plain: str) -> None:
    assert plain_text(text) == plain


def test_a_picture_is_neither_heading_nor_content() -> None:
    blocks = split_blocks("# Visit\n\n![The mill](mill.jpg)\n\nIt is closed on Mondays.")
    assert [block.kind for block in blocks] == ["heading", "aside", "paragraph"]


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 40_000,
        ". " * 40_000,
        "- a\n" * 20_000,
        "```\n" * 9_999,
        "```open\n\n" * 9_999,
        "<!-- open\n" * 20_000,
        "One title\n\n" * 20_000,
        " *open" * 20_000,
        "![a](b)" * 9_999 + "\n",
        "`" * 40_000,
    ],
)
def test_hostile_text_takes_no_longer_than_its_length(hostile: str) -> None:
    began = time.process_time()
    split_sentences(hostile + "end.")
    split_blocks(hostile)
    plain_text(hostile)
    assert time.process_time() - began < 5.0
