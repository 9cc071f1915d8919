"""Drawing anew: no edit of the owner is lost, and doing it twice changes nothing more."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_encoder import bag_of_stems

from bot.documents.documents import document_from_text
from bot.drawing.draft import Draft, make_draft
from bot.drawing.drawing import draw_pairs
from bot.drawing.redraw import Redrawn, redraw
from bot.errors import KnowledgeError
from bot.knowledge.drawn import DRAWN, drawn_text, read_drawn
from bot.knowledge.editing import pairs_of
from bot.knowledge.files import PairRow, read_pairs
from bot.knowledge.knowledge import load_knowledge, write_knowledge
from bot.knowledge.rejected import REJECTED, Rejected, read_rejected, with_rejected
from bot.wording import normalise

SENTENCES = [
    f"The {thing} of {place} was built in {year} by {name}."
    for thing, place, year, name in zip(
        ("bridge", "tower", "castle", "mill", "harbour", "library", "market", "theatre"),
        ("Warsaw", "Lyon", "Porto", "Ghent", "Turin", "Bergen", "Graz", "Cork"),
        (1302, 1402, 1502, 1602, 1702, 1802, 1902, 1912),
        ("Adam", "Boris", "Clara", "Doris", "Emil", "Frida", "Gustav", "Helga"),
        strict=True,
    )
]


def drawn(folder: Path, text: str, name: str = "town.txt") -> Path:
    """A knowledge in `folder`/k, drawn of `text`; or that one drawn anew where it is there."""
    source = folder / name
    source.write_text(text, encoding="utf-8")
    made = make_draft([source], lambda: bag_of_stems)
    write_knowledge(folder / "k", title="T", documents=made.documents, pairs=made.pairs)
    return folder / "k"


def again(folder: Path, text: str, name: str = "town.txt") -> Redrawn:
    source = folder / name
    source.write_text(text, encoding="utf-8")
    return redraw(folder / "k", make_draft([source], lambda: bag_of_stems))


def rows_of(root: Path) -> list[PairRow]:
    return list(read_pairs(root / "pairs.yaml"))


def wordings(row: PairRow) -> list[str]:
    return [row.question.value, *(text.value for text in row.variants)]


def files_of(root: Path) -> dict[str, bytes]:
    return {str(f.relative_to(root)): f.read_bytes() for f in root.rglob("*") if f.is_file()}


def edit(root: Path, old: str, new: str, file: str = "pairs.yaml") -> None:
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (old, text)
    path.write_text(text.replace(old, new), encoding="utf-8")


# --- the invariant ----------------------------------------------------------------------------

EDITS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "add", "take", "delete", "review", "comment", "write", "behind"]),
        st.integers(0, 20),
        st.text("abc :#'\"é-[", min_size=1, max_size=12),
    ),
    max_size=8,
)
CHANGES = st.lists(
    st.tuples(st.sampled_from(["drop", "change", "append", "insert"]), st.integers(0, 20)),
    max_size=4,
)


def edited(root: Path, edits: list[tuple[str, int, str]]) -> tuple[set[str], list[str]]:
    """Edits as an owner makes them; gives the answers deleted and the comments written."""
    file = root / "pairs.yaml"
    text = file.read_text(encoding="utf-8")
    comments: list[str] = []
    for number, (what, where, words) in enumerate(edits):
        file.write_text(text, encoding="utf-8")
        rows = rows_of(root)
        at = where % len(rows)
        row, listed = rows[at], pairs_of(text)
        if what == "ask":
            text = listed.put(at, "question", f"{words} {number}?").text
        elif what == "add":
            text = listed.add(at, "variants", f"{words} {number}", comment=f"v{number}").text
            comments.append(f"# v{number}")
        elif what == "take" and row.variants:
            text = listed.take(at, "variants", where % len(row.variants)).text
        elif what == "delete" and len(rows) > 1:
            text = listed.remove(at).text
        elif what == "review":
            text = listed.put(at, "reviewed", "Ann 2026-01-02").text
        elif what == "write" and row.answer.value.startswith("The ") and " by " in row.answer.value:
            part = row.answer.value.rpartition("by ")[2]  # one word: stands once
            lines = [f"question: Who {number}?", f"answer: {part.rstrip('.')}"]
            text = listed.insert(at, lines).text
        elif what == "comment":
            comments.append(f"# {number} a note")
            lines = text.split("\n")
            begins = [i for i, line in enumerate(lines) if line.startswith("- ")]
            lines.insert(begins[at], comments[-1])
            text = "\n".join(lines)
        elif what == "behind":
            comments.append(f"# {number} behind")
            text = text.rstrip("\n") + f"\n{comments[-1]}\n"
        file.write_text(text, encoding="utf-8")
    standing = {row.answer.value for row in rows_of(root)}
    known = read_drawn(root / DRAWN) or ()
    kept = [comment for comment in comments if comment in text]
    return {unit.answer for unit in known} - standing, kept


def changed(sentences: list[str], changes: list[tuple[str, int]]) -> list[str]:
    sentences = list(sentences)
    for number, (what, where) in enumerate(changes):
        at = where % len(sentences)
        if what == "drop" and len(sentences) > 1:
            del sentences[at]
        elif what == "change":
            sentences[at] = sentences[at].replace(" was built", " was quickly built")
        elif what in ("append", "insert"):
            new = f"A new clock number {number} hangs in hall {number} since {2000 + number}."
            sentences.insert(len(sentences) if what == "append" else at, new)
    return sentences


@settings(max_examples=30, deadline=None)
@given(EDITS, CHANGES, st.sampled_from(["\n\n", " "]), st.sampled_from(["", "\r", "  "]))
def test_a_redraw_loses_no_edit(
    edits: list[tuple[str, int, str]], changes: list[tuple[str, int]], between: str, form: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = drawn(folder, between.join(SENTENCES[:5]))
        at_first = {unit.answer: unit.wordings for unit in read_drawn(root / DRAWN) or ()}
        gone, comments = edited(root, edits)
        lines = (root / "pairs.yaml").read_text(encoding="utf-8").split("\n")
        if form == "\r":
            written = "\r\n".join(lines)
        else:  # the whole list indented
            written = "\n".join(form + line if line else "" for line in lines)
        (root / "pairs.yaml").write_text(written, encoding="utf-8", newline="")
        before = rows_of(root)
        text = between.join(changed(SENTENCES[:5], changes))
        done = again(folder, text)
        after = rows_of(root)

        pairs_file = (root / "pairs.yaml").read_text(encoding="utf-8")
        assert all(comment in pairs_file for comment in comments)
        by_key = {(row.question.value, row.answer.value): row for row in after}
        for row in before:
            now = by_key[row.question.value, row.answer.value]
            assert now.reviewed == row.reviewed
            kept = wordings(row)
            assert wordings(now)[: len(kept)] == kept
            away = {normalise(w) for w in at_first.get(row.answer.value, ())}
            new = {normalise(w) for w in wordings(now)[len(kept) :]}
            assert not new & away  # what was taken away stays away
        assert not {row.answer.value for row in after} & gone
        lost = [row.answer.value for row in after if row.answer.value not in text]
        assert [one.question for one in done.lost] == [
            row.question.value for row in after if row.answer.value in lost
        ]
        knowledge = load_knowledge(root)
        assert len(knowledge.quarantined) == len(lost)
        data = (root / "pairs.yaml").read_bytes()
        assert data.count(b"\n") == data.count(b"\r\n") or form != "\r"
        quoted = " ".join(row.answer.value for row in after) + " ".join(gone)
        for sentence in changed(SENTENCES[:5], changes):
            assert sentence in quoted

        once = files_of(root)
        assert again(folder, text).pairs == 0
        assert files_of(root) == once


# --- one thing at a time ----------------------------------------------------------------------


def test_a_changed_sentence_is_kept_flagged_and_the_new_one_proposed(tmp_path: Path) -> None:
    root = drawn(tmp_path, " ".join(SENTENCES[:3]))
    edit(root, "- question: When was the tower", "- question: Since when is the tower")
    new = " ".join(SENTENCES[:3]).replace("1402 by Boris", "1403 by Boris")
    done = again(tmp_path, new)
    assert done.pairs == 1
    [lost] = done.lost
    assert lost.question.startswith("Since when")
    assert lost.nearest == "The tower of Lyon was built in 1403 by Boris."
    line = (root / "pairs.yaml").read_text(encoding="utf-8").split("\n")[lost.line - 1]
    assert "1402 by Boris" in line
    assert str(lost).startswith(f"{root}/pairs.yaml:{lost.line}: ")
    knowledge = load_knowledge(root)
    assert [q.question for q in knowledge.quarantined] == [lost.question]
    assert "The tower of Lyon was built in 1403 by Boris." in {p.answer for p in knowledge.pairs}


def test_the_rest_of_the_file_stays_as_it_is_and_new_pairs_stand_in_their_place(
    tmp_path: Path,
) -> None:
    root = drawn(tmp_path, "\n\n".join(SENTENCES[:2]))
    before = (root / "pairs.yaml").read_text(encoding="utf-8")
    done = again(tmp_path, "\n\n".join([SENTENCES[0], SENTENCES[5], SENTENCES[1]]))
    after = (root / "pairs.yaml").read_text(encoding="utf-8")
    assert (done.kept, done.pairs, done.lost) == (2, 1, ())
    assert [row.answer.value for row in rows_of(root)] == [
        SENTENCES[0],
        SENTENCES[5],
        SENTENCES[1],
    ]
    old_lines = [line for line in before.split("\n") if "evidence:" not in line]
    new_lines = iter(after.split("\n"))
    assert all(line in new_lines for line in old_lines)  # in the same order
    evidence = [row.evidence for row in rows_of(root)]
    assert len({str(e).partition(":")[0] for e in evidence}) == 1  # all of the new document


def test_a_deleted_pair_is_written_down_and_can_be_let_in_again(tmp_path: Path) -> None:
    root = drawn(tmp_path, "\n\n".join(SENTENCES[:3]))
    listed = pairs_of((root / "pairs.yaml").read_text(encoding="utf-8"))
    (root / "pairs.yaml").write_text(listed.remove(1).text, encoding="utf-8")
    assert again(tmp_path, "\n\n".join(SENTENCES[:4])).pairs == 1
    assert [(r.answer, r.question) for r in read_rejected(root / REJECTED)] == [
        (SENTENCES[1], None)
    ]
    assert SENTENCES[1] not in {row.answer.value for row in rows_of(root)}
    assert again(tmp_path, "\n\n".join(SENTENCES[::2])).pairs == 2  # gone from the text ...
    assert again(tmp_path, "\n\n".join(SENTENCES[:5])).pairs == 0  # ... and there again
    assert SENTENCES[1] not in {row.answer.value for row in rows_of(root)}
    (root / REJECTED).unlink()
    assert again(tmp_path, "\n\n".join(SENTENCES[:5])).pairs == 1
    assert SENTENCES[1] in {row.answer.value for row in rows_of(root)}


def test_what_a_reviewer_rejected_stays_out_and_is_written_down_once(tmp_path: Path) -> None:
    root = drawn(tmp_path, "\n\n".join(SENTENCES[:3]))
    row = rows_of(root)[1]
    listed = pairs_of((root / "pairs.yaml").read_text(encoding="utf-8"))
    (root / "pairs.yaml").write_text(listed.remove(1).text, encoding="utf-8")
    one = Rejected("town", row.answer.value, "A question that is not drawn any more?")
    (root / REJECTED).write_text(with_rejected(None, [one]), encoding="utf-8")
    assert again(tmp_path, "\n\n".join(SENTENCES[:4])).pairs == 1
    assert read_rejected(root / REJECTED) == (one,)


def test_a_list_with_one_answer_to_many_questions(tmp_path: Path) -> None:
    faq = "question,answer\nDo you ship?,Yes.\nIs it new?,Yes.\nIs it red?,Yes.\n"
    root = drawn(tmp_path, faq, "faq.csv")
    text = (root / "pairs.yaml").read_text(encoding="utf-8")
    text = pairs_of(text).put(2, "question", "What about its colour?").text
    (root / "pairs.yaml").write_text(pairs_of(text).remove(0).text, encoding="utf-8")
    done = again(tmp_path, faq + "Is it heavy?,Yes.\n", "faq.csv")
    assert (done.kept, done.pairs, done.wordings, done.lost) == (2, 1, 0, ())
    assert [row.question.value for row in rows_of(root)] == [
        "Is it new?",
        "What about its colour?",
        "Is it heavy?",
    ]
    once = files_of(root)
    again(tmp_path, faq + "Is it heavy?,Yes.\n", "faq.csv")
    assert files_of(root) == once


def test_a_changed_answer_of_a_list_takes_over_its_question(tmp_path: Path) -> None:
    root = drawn(tmp_path, "question,answer\nHow much?,Five euros.\nWhen?,Today.\n", "faq.csv")
    done = again(tmp_path, "question,answer\nHow much?,Six euros.\nWhen?,Today.\n", "faq.csv")
    assert [(one.question, one.nearest) for one in done.lost] == [("How much?", "Six euros.")]
    assert {p.question: p.answer for p in load_knowledge(root).pairs} == {
        "How much?": "Six euros.",
        "When?": "Today.",
    }


def test_a_quote_that_ends_inside_a_word_is_found_again(tmp_path: Path) -> None:
    faq = f"question,answer\nWhen?,Today.\nLong?,{'x' * 2000}\n"
    root = drawn(tmp_path, faq, "faq.csv")
    done = again(tmp_path, faq.replace("Today", "Today or tomorrow"), "faq.csv")
    assert [one.question for one in done.lost] == ["When?"]
    assert {p.question for p in load_knowledge(root).pairs} == {"When?", "Long?"}


def test_a_pair_written_by_hand_without_evidence_goes_to_quarantine_with_its_sentence(
    tmp_path: Path,
) -> None:
    root = drawn(tmp_path, "\n\n".join(SENTENCES[:2]))
    with (root / "pairs.yaml").open("a", encoding="utf-8") as file:
        file.write("\n- question: Which city?\n  answer: The tower of Lyon\n")
    done = again(tmp_path, SENTENCES[0])
    assert {one.question for one in done.lost} >= {"Which city?"}
    assert "Which city?" in {q.question for q in load_knowledge(root).quarantined}


def test_a_document_of_a_new_name_is_added_and_the_others_stay(tmp_path: Path) -> None:
    root = drawn(tmp_path, SENTENCES[0])
    edit(root, "# The knowledge", "# Ours: the knowledge", "knowledge.yaml")
    before = load_knowledge(root)
    done = again(tmp_path, SENTENCES[1], "other.md")
    after = load_knowledge(root)
    assert (done.documents, done.pairs, done.kept) == (1, 1, 1)
    assert [d.id for d in after.documents] == ["town", "other"]
    assert after.pairs[0] == before.pairs[0]
    assert "# Ours: the" in (root / "knowledge.yaml").read_text(encoding="utf-8")


def test_many_documents_of_new_names_take_no_longer_than_they_are(tmp_path: Path) -> None:
    root = drawn(tmp_path, SENTENCES[0])
    made = [
        replace(
            document_from_text(
                "\n\n".join(f"House {i} of {name} was built in 1{i:03}." for i in range(30)),
                id=name,
                title=name,
                source=f"{name}.txt",
            ),
            digest="0" * 64,
        )
        for name in (f"town{n}" for n in range(60))
    ]
    pairs = tuple(pair for document in made for pair in draw_pairs(document))
    for changed in ((60, len(pairs)), (0, 0)):  # and once more: all are there
        began = time.process_time()
        done = redraw(root, Draft("T", tuple(made), pairs))
        assert (done.documents, done.pairs) == changed
        assert time.process_time() - began < 20
    assert [d.id for d in load_knowledge(root).documents] == ["town", *(d.id for d in made)]
    assert [row.evidence.document_id for row in rows_of(root)[1:] if row.evidence] == [
        pair.provenance.document_id
        for pair in sorted(pairs, key=lambda pair: pair.provenance.evidence)
    ]


def test_another_document_of_the_same_name_replaces_nothing(tmp_path: Path) -> None:
    root = drawn(tmp_path, " ".join(SENTENCES[:3]))
    once = files_of(root)
    with pytest.raises(KnowledgeError, match=r"'town' stands in .*town\.txt: .* another name"):
        again(tmp_path, " ".join(SENTENCES[3:]))
    assert files_of(root) == once


def test_a_folder_without_a_record_gets_only_what_is_new_in_its_document(tmp_path: Path) -> None:
    root = drawn(tmp_path, "\n\n".join(SENTENCES[:3]))
    listed = pairs_of((root / "pairs.yaml").read_text(encoding="utf-8"))
    (root / "pairs.yaml").write_text(listed.remove(2).remove(0).text, encoding="utf-8")
    (root / DRAWN).unlink()
    assert again(tmp_path, "\n\n".join(SENTENCES[:4])).pairs == 1
    assert [row.answer.value for row in rows_of(root)] == [SENTENCES[1], SENTENCES[3]]


def test_a_pair_that_is_signed_off_or_written_by_hand_gets_no_further_wording(
    tmp_path: Path,
) -> None:
    root = drawn(tmp_path, "\n\n".join(SENTENCES[:3]))
    text = (root / "pairs.yaml").read_text(encoding="utf-8")
    listed = pairs_of(text).put(0, "reviewed", "Ann 2026-01-02").drop(1, "drawer")
    (root / "pairs.yaml").write_text(listed.text, encoding="utf-8")
    units = read_drawn(root / DRAWN) or ()
    (root / DRAWN).write_text(drawn_text(replace(u, wordings=u.wordings[:1]) for u in units))
    for number in range(3):  # as if their further wordings had only now been found
        row = rows_of(root)[number]
        listed = pairs_of((root / "pairs.yaml").read_text(encoding="utf-8"))
        (root / "pairs.yaml").write_text(listed.drop(number, "variants").text, encoding="utf-8")
        assert row.variants
    done = again(tmp_path, "\n\n".join(SENTENCES[:3]))
    assert [len(row.variants) for row in rows_of(root)[:2]] == [0, 0]
    assert done.wordings == len(rows_of(root)[2].variants) > 0


def test_what_cant_be_edited_is_said_and_a_broken_record_changes_nothing(tmp_path: Path) -> None:
    root = drawn(tmp_path, "\n\n".join(SENTENCES[:2]))
    text = (root / "pairs.yaml").read_text(encoding="utf-8")
    head, pieces = pairs_of(text).pieces()
    flow = f'- {{question: "Braces?", answer: "{SENTENCES[1]}"}}\n'
    (root / "pairs.yaml").write_text(head + pieces[0].text + flow, encoding="utf-8")
    done = again(tmp_path, "\n\n".join([SENTENCES[4], *SENTENCES[:2]]))
    assert (done.pairs, done.lost) == (1, ())
    assert flow in (root / "pairs.yaml").read_text(encoding="utf-8")
    (root / DRAWN).write_text('{"document": 1}\n')
    once = files_of(root)
    with pytest.raises(KnowledgeError, match=r"drawn\.jsonl:1: is no record"):
        again(tmp_path, SENTENCES[0])
    assert files_of(root) == once
    shutil.rmtree(root)
    with pytest.raises(KnowledgeError, match="no such folder"):
        again(tmp_path, SENTENCES[0])


@pytest.mark.parametrize("linked", ["pairs.yaml", "documents"])
def test_nothing_is_written_through_a_link(tmp_path: Path, linked: str) -> None:
    root = drawn(tmp_path, " ".join(SENTENCES[:3]))
    (root / linked).rename(tmp_path / linked)
    (root / linked).symlink_to(f"../{linked}")
    before = files_of(tmp_path)
    with pytest.raises(KnowledgeError, match=f"{linked} is a link: put what it leads to in its"):
        again(tmp_path, " ".join(SENTENCES[:4]))
    after = files_of(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"town.txt"}


def test_lines_that_end_with_cr_alone_are_not_edited(tmp_path: Path) -> None:
    root = drawn(tmp_path, " ".join(SENTENCES[:3]))
    file = root / "pairs.yaml"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r"))
    with pytest.raises(KnowledgeError, match=r"pairs\.yaml: has lines that end with CR alone"):
        again(tmp_path, " ".join(SENTENCES[:4]))
    assert len(load_knowledge(root).pairs) == 3
