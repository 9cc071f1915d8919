"""The lint: each fault of a knowledge that loads, with its file and line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.documents.documents import document_from_text
from bot.knowledge.checking import Fault, check
from bot.knowledge.knowledge import load_knowledge

ARTICLE = Path(__file__).parent.parent / "knowledge"
TEXT = "Green tea (GT) is a drink. GT and GT and GT again.\n\nCoffee is made of beans.\n"
SHA = document_from_text(TEXT, id="tea", title="", source="tea.txt").sha256[:12]
GT = f"""\
- question: What is green tea?
  subjects: [GT]
  answer: Green tea (GT) is a drink.
  evidence: tea@{SHA}:0-26
  variants:
    - gt meaning
- question: And again?
  answer: GT and GT and GT again.
"""
COFFEE = "- question: What is coffee made of?\n  answer: Coffee is made of beans.\n"

Lint = Callable[..., list[Fault]]


@pytest.fixture
def lint(tmp_path: Path) -> Lint:
    """The faults of a small knowledge with the given pairs, topics and document."""

    def faults(
        pairs: str = GT + COFFEE,
        topics: str | None = None,
        text: str = TEXT,
        finds: Callable[[str], str | None] | None = None,
    ) -> list[Fault]:
        (tmp_path / "documents").mkdir()
        (tmp_path / "documents" / "tea.txt").write_text(text, encoding="utf-8")
        (tmp_path / "knowledge.yaml").write_text(
            "title: Drinks\ndocuments:\n  - file: documents/tea.txt\n", encoding="utf-8"
        )
        (tmp_path / "pairs.yaml").write_text(pairs, encoding="utf-8")
        if topics is not None:
            (tmp_path / "out_of_scope.yaml").write_text(topics, encoding="utf-8")
        return list(check(load_knowledge(tmp_path), finds))

    return faults


def places(faults: list[Fault]) -> list[tuple[str, int, str]]:
    return [(fault.file.name, fault.line, fault.severity) for fault in faults]


def test_the_article_has_no_fault() -> None:
    assert not check(load_knowledge(ARTICLE))


def held(*questions: str) -> str:
    return "".join(json.dumps({"q": q, "kind": "x", "gold": []}) + "\n" for q in questions)


def test_calibration_questions_that_are_learnt_are_named(tmp_path: Path, lint: Lint) -> None:
    file = tmp_path / "calibration.jsonl"
    topics = "- topic: prices\n  questions:\n    - What does GT cost?\n"
    file.write_text(held("is gt healthy", "GT Meaning", "is it hot") + "\n" + held("what’s in it"))
    (fault,) = lint(GT + COFFEE, topics)
    assert places([fault]) == [("calibration.jsonl", 2, "warning")]
    assert "1 of 4 questions are learnt too, this one on line 6 of pairs.yaml" in fault.message
    (tmp_path / "knowledge.yaml").write_text(
        "title: Drinks\ndocuments:\n  - file: documents/tea.txt\nsubjects:\n  GT: [green tea]\n"
    )
    file.write_text(held("is it hot") + "\n" + held("WHAT DOES GREEN TEA COST", "what is  GT"))
    (fault,) = check(load_knowledge(tmp_path))
    assert places([fault]) == [("calibration.jsonl", 3, "warning")]
    assert "2 of 3" in fault.message
    assert "this one on line 3 of out_of_scope.yaml" in fault.message
    assert fault.message.endswith("(line 3, 4)")


def test_a_calibration_file_that_is_none_is_an_error(tmp_path: Path, lint: Lint) -> None:
    (tmp_path / "calibration.jsonl").write_text(held("is it hot") + "{}\n")
    (fault,) = lint()
    assert places([fault]) == [("calibration.jsonl", 2, "error")]
    assert fault.message == "not a row of an exam: field 'gold' is missing"


def test_a_sound_knowledge_has_no_fault(lint: Lint) -> None:
    assert lint() == []


def test_a_quarantined_pair_is_an_error(lint: Lint) -> None:
    unquoted, lost = lint(GT.replace("is a drink", "is a fine drink") + COFFEE)
    assert places([lost]) == [("pairs.yaml", 3, "error")]
    assert "is not served" in str(lost)
    assert places([unquoted]) == [("tea.txt", 1, "warning")]


def test_evidence_that_points_elsewhere_is_an_error(lint: Lint) -> None:
    (fault,) = lint(GT.replace(":0-26", ":3-26") + COFFEE)
    assert places([fault]) == [("pairs.yaml", 1, "error")]
    assert f"put 'evidence: tea@{SHA}:0-26'" in fault.message


def test_a_changed_document_is_a_warning_where_the_answers_still_stand(lint: Lint) -> None:
    (fault,) = lint(text=TEXT + " ")
    assert places([fault]) == [("pairs.yaml", 1, "warning")]
    assert "'tea' has changed since a pair was drawn" in fault.message


def test_one_question_on_two_answers_is_an_error(lint: Lint) -> None:
    (fault,) = lint(GT + COFFEE + "  variants:\n    - bean drink\n    - GT meaning?\n")
    assert places([fault]) == [("pairs.yaml", 13, "error")]
    assert "line 6" in fault.message


def test_the_name_of_a_subject_makes_no_other_question(lint: Lint) -> None:
    (fault,) = lint(GT + COFFEE + "  variants:\n    - green tea meaning\n")
    assert places([fault]) == [("pairs.yaml", 12, "error")]


def test_one_question_twice_on_the_same_answer_is_a_warning(lint: Lint) -> None:
    twin = "- question: Coffee?\n  answer: Coffee is made of beans.\n  variants:\n"
    (fault,) = lint(GT + COFFEE + twin + "    - what is coffee made of\n")
    assert places([fault]) == [("pairs.yaml", 14, "warning")]


def test_a_variant_twice_in_a_pair_is_a_warning(lint: Lint) -> None:
    (fault,) = lint(GT + COFFEE + "  variants:\n    - beans\n    - Beans?\n")
    assert places([fault]) == [("pairs.yaml", 13, "warning")]
    assert "stands on line 12 already" in fault.message


def test_an_empty_variant_is_an_error(lint: Lint) -> None:
    (fault,) = lint(GT + COFFEE + "  variants:\n    -\n")
    assert places([fault]) == [("pairs.yaml", 12, "error")]


def test_out_of_scope_and_answered_at_once_is_an_error(lint: Lint) -> None:
    topics = "- topic: other\n  questions:\n    - Milk?\n    - what is coffee made of\n"
    (fault,) = lint(topics=topics)
    assert places([fault]) == [("out_of_scope.yaml", 4, "error")]
    assert "line 9 of pairs.yaml" in fault.message


def test_questions_out_of_scope_are_looked_at_too(lint: Lint) -> None:
    topics = "- topic: other\n  questions:\n    - Milk?\n    - milk\n    -\n- topic: none\n"
    assert places(lint(topics=topics)) == [
        ("out_of_scope.yaml", 4, "warning"),
        ("out_of_scope.yaml", 5, "error"),
        ("out_of_scope.yaml", 6, "warning"),
    ]


def test_an_unknown_subject_is_an_error(lint: Lint) -> None:
    (fault,) = lint(GT.replace("[GT]", "[Cocoa]") + COFFEE)
    assert places([fault]) == [("pairs.yaml", 2, "error")]
    assert "known are GT" in fault.message


def test_an_answer_that_does_not_name_its_subject_is_a_warning(lint: Lint) -> None:
    (fault,) = lint(GT + COFFEE + "  subjects: [GT]\n")
    assert places([fault]) == [("pairs.yaml", 10, "warning")]


def test_a_sentence_that_nothing_quotes_is_a_warning_on_its_line(lint: Lint) -> None:
    (fault,) = lint(GT)
    assert places([fault]) == [("tea.txt", 3, "warning")]
    assert "Coffee is made of beans." in fault.message


@settings(deadline=None, max_examples=40)
@given(quotes=st.sets(st.tuples(st.integers(0, 9), st.integers(1, 3)), min_size=1, max_size=5))
def test_a_sentence_is_quoted_where_any_quote_touches_it(quotes: set[tuple[int, int]]) -> None:
    said = [
        f"Tea number {name} is green.\n"
        for name in "one two six ten cat dog owl fox elk bee".split()
    ]
    answers = ["".join(said[at : at + count]).strip() for at, count in quotes]
    answers.append(said[4][:14])  # a part of a sentence
    pairs = [{"question": f"Question {n}?", "answer": answer} for n, answer in enumerate(answers)]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "tea.txt").write_text("".join(said), encoding="utf-8")
        (root / "knowledge.yaml").write_text("title: Tea\ndocuments:\n  - file: tea.txt\n")
        (root / "pairs.yaml").write_text(json.dumps(pairs), encoding="utf-8")
        found = {f.line for f in check(load_knowledge(root)) if "quotes this" in f.message}
    quoted = {4} | {at + i for at, count in quotes for i in range(count)}
    assert found == {n + 1 for n in range(10) if n not in quoted}


def test_wordings_that_miss_their_pair_are_named(lint: Lint, tmp_path: Path) -> None:
    def finds(question: str) -> str | None:
        ids = {pair.question: pair.id for pair in load_knowledge(tmp_path).pairs}
        return {"gt meaning": ids["And again?"], "What is green tea?": None}.get(
            question, ids.get(question)
        )

    faults = lint(finds=finds)
    assert places(faults) == [("pairs.yaml", 1, "error"), ("pairs.yaml", 6, "warning")]
    assert "its own question is not answered" in faults[0].message
    assert "'gt meaning' finds 'And again?'" in faults[1].message


def test_a_pair_with_the_same_answer_will_do(lint: Lint, tmp_path: Path) -> None:
    twin = "- question: Coffee?\n  answer: Coffee is made of beans.\n"

    def finds(question: str) -> str | None:
        ids = {pair.question: pair.id for pair in load_knowledge(tmp_path).pairs}
        return ids[{"Coffee?": "What is coffee made of?"}.get(question, question)]

    plain = GT.replace("  variants:\n    - gt meaning\n", "")
    assert lint(plain + COFFEE + twin, finds=finds) == []
