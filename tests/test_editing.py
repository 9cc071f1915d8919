"""Edits in place: the entry meant says what was meant, and no other line of the file changes."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import KnowledgeError
from bot.knowledge.editing import (
    Changed,
    pairs_of,
    read_raw,
    topics_of,
    write_checked,
)
from bot.knowledge.files import PairRow, read_out_of_scope, read_pairs
from bot.knowledge.rejected import Rejected, read_rejected, with_rejected
from bot.knowledge.writing import pair_lines
from bot.knowledge.yaml_fields import Text

FILE = """\
# The head, with a “quote” and é.

- question: What is it?  # ours
  answer: >-
    It is
    this.

  # a note in between
  variants:
    - what's that  # heard twice
    - "say: it?"

- answer: |-
    Two
    lines.
  question: "Where, then?"
  subjects: [A, B]
  evidence: doc@0123456789ab:0-9
  drawer: rules

# the last one
- question: Short
  answer: One.
  variants: [a, "b, c"]
  reviewed: Ann 2026-01-02
# the end
"""
Row = dict[str, object]


def rows(text: str, folder: Path) -> list[Row]:
    file = folder / "pairs.yaml"
    file.write_bytes(text.encode())
    return [
        {
            "question": row.question.value,
            "answer": row.answer.value,
            "subjects": [t.value for t in row.subjects],
            "reviewed": row.reviewed,
            "review_by": row.review_by and str(row.review_by),
            "drawer": row.drawer,
            "variants": [t.value for t in row.variants],
            "evidence": row.evidence and str(row.evidence),
        }
        for row in read_pairs(file)
    ]


def changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that went, and those that came."""
    found = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    gone, came = ([d[2:] for d in found if d.startswith(sign)] for sign in ("- ", "+ "))
    return gone, came


def test_accepting_is_a_diff_of_one_line(tmp_path: Path) -> None:
    text = pairs_of(FILE).put(1, "reviewed", "Bo 2026-11-22").text
    assert changed(FILE, text) == ([], ["  reviewed: Bo 2026-11-22"])
    assert rows(text, tmp_path)[1]["reviewed"] == "Bo 2026-11-22"


def test_a_value_is_changed_where_it_stands_and_its_comment_stays() -> None:
    text = pairs_of(FILE).put(0, "question", "What: is #it?").text
    assert changed(FILE, text) == (
        ["- question: What is it?  # ours"],
        ['- question: "What: is #it?"  # ours'],
    )


def test_a_block_is_changed_for_a_line_and_a_line_for_a_block(tmp_path: Path) -> None:
    text = pairs_of(FILE).put(0, "answer", "That.").text
    assert changed(FILE, text)[1] == ["  answer: That."]
    assert "That.\n\n  # a note in between" in text
    text = pairs_of(FILE).put(2, "answer", "One\ntwo").text
    assert changed(FILE, text) == (["  answer: One."], ["  answer: |-", "    One", "    two"])
    text = pairs_of(FILE).put(1, "answer", "x").text
    assert rows(text, tmp_path)[1]["answer"] == "x"


def test_variants_come_and_go_a_line_each(tmp_path: Path) -> None:
    added = pairs_of(FILE).add(0, "variants", "wha?", "learnt").text
    assert changed(FILE, added) == ([], ["    - wha?  # learnt"])
    assert changed(FILE, pairs_of(FILE).take(0, "variants", 0).text) == (
        ["    - what's that  # heard twice"],
        [],
    )
    none = pairs_of(FILE).take(0, "variants", 0).take(0, "variants", 0).text
    assert rows(none, tmp_path)[0]["variants"] == []
    first = pairs_of(FILE).add(1, "variants", "no").text
    assert changed(FILE, first) == ([], ["  variants:", '    - "no"'])
    flow = pairs_of(FILE).add(2, "variants", "d").text
    assert rows(flow, tmp_path)[2]["variants"] == ["a", "b, c", "d"]


def test_a_pair_goes_with_a_blank_line_and_no_comment_of_others(tmp_path: Path) -> None:
    text = pairs_of(FILE).remove(1).text
    assert [row["question"] for row in rows(text, tmp_path)] == ["What is it?", "Short"]
    assert text.count("#") == FILE.count("#")
    assert "\n\n\n" not in text


def test_a_pair_comes_before_another_or_at_the_end(tmp_path: Path) -> None:
    row = PairRow(Text("New?", 0), Text("This.", 0), 0, drawer="visitors")
    for at, order in ((0, [3, 0, 1, 2]), (1, [0, 3, 1, 2]), (9, [0, 1, 2, 3])):
        text = pairs_of(FILE).insert(at, pair_lines(row)).text
        gone, came = changed(FILE, text)
        assert not gone
        assert came == ["- question: New?", "  answer: This.", "  drawer: visitors", ""] or (
            sorted(came)
            == sorted(["", "- question: New?", "  answer: This.", "  drawer: visitors"])
        )
        names = ["What is it?", "Where, then?", "Short", "New?"]
        assert [r["question"] for r in rows(text, tmp_path)] == [names[i] for i in order]


def test_a_pair_in_braces_is_refused_and_a_file_without_a_last_line_break_grows() -> None:
    with pytest.raises(KnowledgeError, match="braces"):
        pairs_of("- {question: a, answer: b}\n").put(0, "reviewed", "A 2026-01-01")
    text = pairs_of("- question: a\n  answer: b").put(0, "reviewed", "A 2026-01-01").text
    assert text == "- question: a\n  answer: b\n  reviewed: A 2026-01-01\n"


WORDS = st.text(
    st.sampled_from("ab é“:#-\"'[]{}&*!|>%@`,?\\0129\n"), min_size=1, max_size=12
).filter(str.strip)
EDITS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(["question", "answer", "add", "take", "day"]), WORDS
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(edits=EDITS, windows=st.booleans())
def test_any_edits_say_what_was_meant_and_keep_comments(
    edits: Sequence[tuple[int, str, str]],
    windows: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("e", numbered=True)
    file = pairs_of(FILE.replace("\n", "\r\n") if windows else FILE)
    wanted = rows(file.text, folder)
    for at, what, text in edits:
        row = wanted[at]
        variants = row["variants"]
        assert isinstance(variants, list)
        if what in ("question", "answer"):
            file, row[what] = file.put(at, what, text), text
        elif what == "add":
            file = file.add(at, "variants", text)
            variants.append(text)
        elif what == "take" and variants:
            file = file.take(at, "variants", len(text) % len(variants))
            del variants[len(text) % len(variants)]
        elif what == "day":
            file, row["review_by"] = (
                file.put(at, "review_by", "2027-01-31"),
                "2027-01-31",
            )
    assert rows(file.text, folder) == wanted
    for comment in ("# The head", "# a note in between", "# the last one", "# the end", "# ours"):
        assert comment in file.text


def test_a_topic_is_a_list_too(tmp_path: Path) -> None:
    text = "# gaps\n[]\n"
    text = (
        topics_of(text)
        .insert(9, ["topic: cost", "says: prices", "questions:", "  - how much"])
        .text
    )
    text = topics_of(text).add(0, "questions", "how dear", "learnt").text
    (tmp_path / "t.yaml").write_text(text)
    (topic,) = read_out_of_scope(tmp_path / "t.yaml")
    assert [q.value for q in topic.questions] == ["how much", "how dear"]
    assert text.startswith("# gaps\n")


def test_nothing_is_written_over_another_hand_or_that_does_not_read(tmp_path: Path) -> None:
    file = tmp_path / "pairs.yaml"
    file.write_text(FILE)
    before = read_raw(file)
    with pytest.raises(KnowledgeError, match="not YAML"):
        write_checked(file, "- question: 'a\n", before, read_pairs)
    assert read_raw(file) == before
    file.write_text(FILE + "# by hand\n")
    with pytest.raises(Changed):
        write_checked(file, FILE, before, read_pairs)
    assert (read_raw(file) or "").endswith("# by hand\n")
    write_checked(file, FILE, read_raw(file), read_pairs)
    assert [p.name for p in tmp_path.iterdir()] == ["pairs.yaml"]


def test_what_was_rejected_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "rejected.yaml"
    assert read_rejected(file) == ()
    one, other = Rejected("d", "An: answer", "Q?"), Rejected("d", "Two\nlines")
    file.write_text(with_rejected(None, [one]))
    file.write_text(with_rejected(file.read_text(), [other]))
    assert read_rejected(file) == (one, other)
    file.write_text("# all deleted\n")
    assert read_rejected(file) == ()
    assert with_rejected(file.read_text(), [one]).count("question:") == 1
