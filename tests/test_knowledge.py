"""The knowledge: loading, faults with their line, changed documents, writing."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.documents.documents import document_from_text
from bot.errors import DocumentError, KnowledgeError
from bot.knowledge.evidence import find_answer, occurrences
from bot.knowledge.exchange import exchange
from bot.knowledge.files import (
    Evidence,
    Manifest,
    PairRow,
    TopicRow,
    read_manifest,
    read_out_of_scope,
    read_pairs,
)
from bot.knowledge.knowledge import Knowledge, load_knowledge, write_knowledge
from bot.knowledge.writing import manifest_text, out_of_scope_text, pairs_text, write_folder
from bot.knowledge.yaml_fields import Text
from bot.types import Prototype, Provenance, QAPair, Span, content_id

ARTICLE = Path(__file__).parent.parent / "knowledge"
TEXT = "Tea is a drink. It’s made\u00a0of leaves.\n\nTea is a drink. Coffee is made of beans.\n"
PAIR = "- question: What is coffee made of?\n  answer: Coffee is made of beans.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small knowledge that loads; tests overwrite its files."""
    root = tmp_path / "kb"
    (root / "documents").mkdir(parents=True)
    (root / "documents" / "tea.txt").write_text(TEXT, encoding="utf-8")
    (root / "knowledge.yaml").write_text(
        "title: Drinks\ndocuments:\n  - file: documents/tea.txt\n", encoding="utf-8"
    )
    (root / "pairs.yaml").write_text(PAIR, encoding="utf-8")
    return root


def fault(folder: Path, file: str, text: str | bytes) -> KnowledgeError:
    """The error of loading `folder` with `text` for its `file`."""
    data = text if isinstance(text, bytes) else text.encode()
    (folder / file).write_bytes(data)
    with pytest.raises(KnowledgeError) as caught:
        load_knowledge(folder)
    return caught.value


def pairs(folder: Path, text: str) -> Knowledge:
    (folder / "pairs.yaml").write_text(text, encoding="utf-8")
    return load_knowledge(folder)


class TestArticle:
    """The knowledge that the product ships with."""

    def test_it_loads_whole_and_fast(self) -> None:
        load_knowledge(ARTICLE)  # compiled patterns and the like
        begun = time.thread_time()
        knowledge = load_knowledge(ARTICLE)
        assert time.thread_time() - begun < 0.5
        assert not knowledge.quarantined
        assert len(knowledge.pairs) >= 64
        assert knowledge.subjects == ("MS", "ALS")
        assert knowledge.domain == "health"

    def test_every_answer_is_verbatim(self) -> None:
        knowledge = load_knowledge(ARTICLE)
        for pair in knowledge.pairs:
            document = knowledge.document(pair.provenance.document_id)
            assert pair.provenance.evidence.of(document.text) == pair.answer
            assert pair.provenance.document_sha256 == document.sha256
            assert pair.id == content_id(document.id, pair.answer, pair.question)

    def test_the_owners_names_and_the_documents_own_are_aliases(self) -> None:
        aliases = dict(load_knowledge(ARTICLE).aliases)
        assert aliases["Lou Gehrig's disease"] == aliases["MND"] == "ALS"
        assert aliases["amyotrophic lateral sclerosis"] == "ALS"
        assert aliases["multiple sclerosis"] == "MS"

    def test_its_files_are_written_as_they_stand(self) -> None:
        rows = read_pairs(ARTICLE / "pairs.yaml")
        assert pairs_text(rows) == (ARTICLE / "pairs.yaml").read_text(encoding="utf-8")
        topics = read_out_of_scope(ARTICLE / "out_of_scope.yaml")
        written = (ARTICLE / "out_of_scope.yaml").read_text(encoding="utf-8")
        assert out_of_scope_text(topics) == written


class TestAnswers:
    def test_without_evidence_an_answer_is_looked_up(self, folder: Path) -> None:
        (pair,) = load_knowledge(folder).pairs
        assert pair.provenance.evidence.of(TEXT) == pair.answer == "Coffee is made of beans."
        assert pair.provenance.drawer == "owner"

    def test_typed_quotes_and_spaces_become_the_documents_own(self, folder: Path) -> None:
        knowledge = pairs(folder, "- question: What is it?\n  answer: It's made of leaves.\n")
        assert knowledge.pairs[0].answer == "It’s made\u00a0of leaves."

    def test_an_answer_that_stands_nowhere_is_a_fault(self, folder: Path) -> None:
        error = fault(folder, "pairs.yaml", "- question: Q?\n  answer: Milk is white.\n")
        assert error.line == 2
        assert "stands in no document" in str(error)

    def test_an_answer_that_stands_twice_needs_evidence(self, folder: Path) -> None:
        text = "- question: Q?\n  answer: Tea is a drink.\n"
        error = fault(folder, "pairs.yaml", text)
        assert error.line == 2
        assert "2 places" in str(error)
        sha = load_sha(folder)
        second = TEXT.rindex("Tea is a drink.")
        knowledge = pairs(folder, text + f"  evidence: tea@{sha}:{second}-{second + 15}\n")
        assert knowledge.pairs[0].provenance.evidence == Span(second, second + 15)

    def test_only_whole_words_are_an_answer(self) -> None:
        assert occurrences("tea", "teapot tea") == (Span(7, 10),)
        assert occurrences("tea", "tea", 0, 3) == (Span(0, 3),)
        assert occurrences(" ", "tea") == ()

    @given(st.text("ab'ʼ“\" \n.", max_size=24), st.data())
    def test_quotes_and_white_space_are_alike_and_words_are_whole(
        self, text: str, data: st.DataObject
    ) -> None:
        start = data.draw(st.integers(0, len(text)))
        answer = text[start : data.draw(st.integers(start, len(text)))].strip()

        def alike(said: str) -> str:
            return re.sub(r"\s+", " ", re.sub("ʼ", "'", said.replace("“", '"')))

        def grown(edge: str, beside: str) -> bool:
            return re.fullmatch(r"\w\w", edge + beside) is not None

        found, at = [], 0
        while answer and at < len(text):
            ends = (e for e in range(at + 1, len(text) + 1) if alike(text[at:e]) == alike(answer))
            end = next(ends, None)
            before = text[max(0, at - 1) : at]
            if end is None or grown(answer[0], before) or grown(answer[-1], text[end : end + 1]):
                at += 1
            else:
                found.append(Span(at, end))
                at = end
        assert occurrences(answer, text) == tuple(found)

    def test_the_occurrence_nearest_to_the_old_place_is_taken(self) -> None:
        text = "a b. " * 2_000
        assert find_answer("a b.", text, Span(7_002, 7_006)) == Span(7_000, 7_004)
        far = "x" * 9_000 + " a b."
        assert find_answer("a b.", far, Span(0, 4)) == Span(9_001, 9_005)
        assert find_answer("c", text, Span(0, 1)) is None

    def test_a_pair_whose_answer_was_edited_away_is_quarantined(self, folder: Path) -> None:
        sha = load_sha(folder)
        evidence = f"  evidence: tea@{sha}:0-15\n"
        edited = f"- question: Q?\n  answer: Tea is a lovely drink.\n{evidence}"
        knowledge = pairs(folder, PAIR + edited)
        assert [pair.question for pair in knowledge.pairs] == ["What is coffee made of?"]
        (lost,) = knowledge.quarantined
        assert (lost.question, lost.line) == ("Q?", 4)
        assert "word by word" in str(lost)

    def test_a_pair_of_an_unknown_document_is_quarantined(self, folder: Path) -> None:
        text = f"{PAIR}  evidence: milk@0123456789ab:0-15\n"
        (lost,) = pairs(folder, text).quarantined
        assert "no document 'milk'" in lost.why

    def test_evidence_far_behind_the_end_is_looked_for(self, folder: Path) -> None:
        far = PAIR + f"  evidence: tea@{'0' * 12}:{10**30}-{10**31}\n"
        (folder / "pairs.yaml").write_text(far)
        [pair] = load_knowledge(folder).pairs
        assert pair.provenance.evidence.of(TEXT) == pair.answer

    def test_an_answer_too_long_to_quote_is_quarantined(self, folder: Path) -> None:
        long = "Tea is " + "very " * 100 + "hot."
        (folder / "documents" / "tea.txt").write_text(long, encoding="utf-8")
        knowledge = pairs(folder, f"- question: Q?\n  answer: {long}\n")
        assert "at most 450" in knowledge.quarantined[0].why

    def test_the_same_pair_twice_is_a_fault(self, folder: Path) -> None:
        error = fault(folder, "pairs.yaml", PAIR + PAIR)
        assert error.line == 3
        assert "first on line 1" in str(error)


def load_sha(folder: Path) -> str:
    """The first twelve digits of the document of `folder`."""
    text = (folder / "documents" / "tea.txt").read_bytes().decode()
    return document_from_text(text, id="tea", title="", source="tea.txt").sha256[:12]


@cache
def article() -> Knowledge:
    return load_knowledge(ARTICLE)


EDIT = st.tuples(st.integers(0, 3_608), st.integers(0, 6))
# An answer that stays in place, grown together with the word before it.
GROWN = "2195 1 2274 1 2713 1 1718 4 3212 2 3423 2 1202 4 441 1 1061 3 1464 6".split()


class TestChangedDocument:
    @settings(
        max_examples=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(edits=st.lists(EDIT, min_size=10, max_size=10))
    @example(edits=[(int(a), int(b)) for a, b in zip(GROWN[::2], GROWN[1::2], strict=True)])
    def test_edits_quarantine_exactly_the_pairs_they_touch(
        self, tmp_path: Path, edits: list[tuple[int, int]]
    ) -> None:
        before = article()
        old = before.documents[0].text
        # (character, where it stood or None) makes the oracle: a pair is whole if its characters
        # still stand side by side and no word has grown together with it
        new: list[tuple[str, int | None]] = [(c, i) for i, c in enumerate(old)]
        for start, length in edits:
            new[start : start + length] = [("q", None), ("z", None)]
        text = "".join(c for c, _ in new)
        now = {was: i for i, (_, was) in enumerate(new) if was is not None}
        whole = set()
        for pair in before.pairs:
            span = pair.provenance.evidence
            places = [now.get(i) for i in range(span.start, span.end)]
            first = places[0]
            if first is None or places != list(range(first, first + len(places))):
                continue
            if first and (text[first - 1].isalnum() and text[first].isalnum()):
                continue
            whole.add(pair.question)

        root = tmp_path / "kb"
        shutil.rmtree(root, ignore_errors=True)
        (root / "documents").mkdir(parents=True)
        shutil.copy(ARTICLE / "knowledge.yaml", root)
        bare = [replace(row, variants=()) for row in read_pairs(ARTICLE / "pairs.yaml")]
        (root / "pairs.yaml").write_text(pairs_text(bare), encoding="utf-8")
        document = root / "documents" / "ms-vs-als.txt"
        document.write_text(text, encoding="utf-8", newline="")
        after = load_knowledge(root)

        assert {pair.question for pair in after.pairs} == whole
        assert len(after.pairs) + len(after.quarantined) == len(before.pairs)
        assert all(
            p.provenance.evidence.of(text) == p.answer
            and p.provenance.document_sha256 == after.documents[0].sha256
            for p in after.pairs
        )
        assert all("has changed" in lost.why and lost.line for lost in after.quarantined)


class TestFaults:
    """What a person may do to the files; each message names file, line and remedy."""

    @pytest.mark.parametrize(
        ("file", "text", "line", "said"),
        [
            ("pairs.yaml", "", 1, "is empty"),
            ("pairs.yaml", "# only a comment\n", 1, "is empty"),
            ("pairs.yaml", "[]\n", 1, "no pairs"),
            ("pairs.yaml", "question: Q?\n", 1, "must be a list"),
            ("pairs.yaml", "- Q?\n", 1, "keys with values (question, subjects,"),
            ("pairs.yaml", "- question: Q?\n", 1, "has no 'answer'"),
            ("pairs.yaml", "- question: Q?\n  answer:\n", 2, "'answer' of a pair is empty"),
            ("pairs.yaml", "- question: [Q]\n  answer: A\n", 1, "must be a text, not a list"),
            ("pairs.yaml", "- question: Q\n  anwser: A\n", 2, "did you mean 'answer'?"),
            ("pairs.yaml", "- question: Q\n  question: R\n", 2, "stands twice"),
            ("pairs.yaml", "- question: Q\n\tanswer: A\n", 2, "no tabs"),
            ("pairs.yaml", "- question: Is it: no?\n", 1, "goes in double quotes"),
            ("pairs.yaml", '- question: "Q\n', 2, "is not YAML"),
            ("pairs.yaml", "- question: *Q\n", 1, "is an alias"),
            ("pairs.yaml", "- question: !Q x\n", 1, "put the text in quotes"),
            ("pairs.yaml", "- question: Q\x07\n", 1, "doesn't allow"),
            ("pairs.yaml", "---\n- question: Q\n---\n- question: R\n", 3, "second part"),
            ("pairs.yaml", b"- question: Q\n  answer: \xff\n", 2, "not UTF-8"),
            ("pairs.yaml", "[" * 100_000, 1, "too deep"),
            ("pairs.yaml", "- " * 100_000, 1, "too deep"),
            ("pairs.yaml", PAIR + "  variants: yes\n", 3, "must be a list"),
            ("pairs.yaml", PAIR + "  variants:\n    - a: b\n", 4, "must be a text"),
            ("pairs.yaml", PAIR + "  evidence: tea:0-15\n", 3, "evidence"),
            ("pairs.yaml", PAIR + "  evidence: tea@0123456789ab:15-2\n", 3, "evidence"),
            ("pairs.yaml", PAIR + "  reviewed: Ann\n", 3, "NAME YYYY-MM-DD"),
            ("pairs.yaml", PAIR + "  reviewed: Ann 2026-02-30\n", 3, "NAME YYYY-MM-DD"),
            ("pairs.yaml", PAIR + "  review_by: 20250101\n", 3, "write 2025-01-01 if that"),
            ("pairs.yaml", PAIR + "  review_by: 2025-W02-1\n", 3, "write 2025-01-06 if that"),
            ("out_of_scope.yaml", "", 1, "is empty"),
            ("out_of_scope.yaml", "- says: prices\n", 1, "has no 'topic'"),
            ("knowledge.yaml", "title: T\n", 1, "names no documents"),
            ("knowledge.yaml", "title: T\ndocuments:\n  - file: ../x.txt\n", 3, "must lie in"),
            ("knowledge.yaml", "title: T\ndocuments:\n  - file: /etc/motd\n", 3, "must lie in"),
            ("knowledge.yaml", "documents:\n  - file: documents/tea.txt\n", 1, "no 'title'"),
        ],
    )
    def test_broken_file(
        self, folder: Path, file: str, text: str | bytes, line: int, said: str
    ) -> None:
        error = fault(folder, file, text)
        assert error.file == folder / file
        assert error.line == line
        assert said in str(error)

    def test_two_documents_of_one_name(self, folder: Path) -> None:
        rows = "  - file: documents/tea.txt\n  - file: documents/other/tea.txt\n"
        error = fault(folder, "knowledge.yaml", f"title: T\ndocuments:\n{rows}")
        assert error.line == 4
        assert "two documents are called 'tea'" in str(error)

    def test_one_name_of_two_subjects(self, folder: Path) -> None:
        head = "title: T\ndocuments:\n  - file: documents/tea.txt\n"
        error = fault(folder, "knowledge.yaml", f"{head}subjects:\n  A: [x]\n  B: [X]\n")
        assert error.line == 6
        assert "both 'A' and 'B'" in str(error)

    def test_a_contact_that_leads_nowhere(self, folder: Path) -> None:
        head = "title: T\ndocuments:\n  - file: documents/tea.txt\n"
        error = fault(folder, "knowledge.yaml", f"{head}contact: call us\n")
        assert error.line == 4

    @pytest.mark.parametrize("name", ["knowledge.yaml", "pairs.yaml"])
    def test_a_missing_file(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(KnowledgeError, match="is missing"):
            load_knowledge(folder)

    def test_a_folder_in_place_of_a_file(self, folder: Path) -> None:
        (folder / "pairs.yaml").unlink()
        (folder / "pairs.yaml").mkdir()
        with pytest.raises(KnowledgeError, match="cannot be read"):
            load_knowledge(folder)

    @pytest.mark.parametrize("name", ["pairs.yaml", "out_of_scope.yaml"])
    def test_a_pipe_in_place_of_a_file_is_not_waited_for(self, folder: Path, name: str) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)
        with pytest.raises(KnowledgeError, match=f"{name}: cannot be read .it is no regular file"):
            load_knowledge(folder)

    def test_a_missing_folder(self, tmp_path: Path) -> None:
        with pytest.raises(KnowledgeError, match="no such folder"):
            load_knowledge(tmp_path / "nothing")

    @pytest.mark.parametrize("data", [None, b"", b" \n", b"\xff\xfe\xff"])
    def test_a_document_that_cannot_be_read(self, folder: Path, data: bytes | None) -> None:
        file = folder / "documents" / "tea.txt"
        file.unlink()
        if data is not None:
            file.write_bytes(data)
        with pytest.raises(DocumentError, match=r"tea\.txt"):
            load_knowledge(folder)


class TestReading:
    def test_words_of_other_types_stay_text(self, folder: Path) -> None:
        text = PAIR + "  variants: [no, 1.0, 2020-01-01, null, 'true']\n"
        assert pairs(folder, text).pairs[0].variants == ("no", "1.0", "2020-01-01", "null", "true")

    def test_empty_values_are_as_if_absent(self, folder: Path) -> None:
        text = PAIR + "  subjects:\n  reviewed: ~\n  variants:\n"
        (pair,) = pairs(folder, text).pairs
        assert (pair.subjects, pair.reviewed, pair.variants) == ((), None, ())

    def test_empty_variants_are_not_served(self, folder: Path) -> None:
        knowledge = pairs(folder, PAIR + "  variants:\n    -\n    - ' '\n    - beans\n")
        assert knowledge.pairs[0].variants == ("beans",)

    def test_a_byte_order_mark_and_windows_lines_are_fine(self, folder: Path) -> None:
        data = PAIR.replace("\n", "\r\n").encode("utf-8-sig")
        (folder / "pairs.yaml").write_bytes(data)
        assert load_knowledge(folder).pairs[0].answer == "Coffee is made of beans."

    def test_topics_texts_and_contact_are_carried(self, folder: Path) -> None:
        with (folder / "knowledge.yaml").open("a", encoding="utf-8") as file:
            file.write("contact: help@example.org\ntexts:\n  greeting: Hello!\n")
        (folder / "out_of_scope.yaml").write_text(
            "- topic: price\n  says: prices\n  questions:\n    - What does it cost?\n    -\n"
            "- topic: odd\n  says: null\n  questions: [Why?]\n",
            encoding="utf-8",
        )
        (folder / "calibration.jsonl").write_text("", encoding="utf-8")
        knowledge = load_knowledge(folder)
        assert knowledge.contact == "help@example.org"
        assert knowledge.texts == {"greeting": "Hello!"}
        assert knowledge.prototypes == (
            Prototype("What does it cost?", "price", "prices"),
            Prototype("Why?", "odd", None),
        )
        assert knowledge.calibration == folder / "calibration.jsonl"

    def test_the_owners_name_for_a_thing_wins(self, folder: Path) -> None:
        (folder / "documents" / "tea.txt").write_text(
            "The world trade body (WTB) met. WTB and WTB and WTB. " + TEXT, encoding="utf-8"
        )
        with (folder / "knowledge.yaml").open("a", encoding="utf-8") as file:
            file.write("subjects:\n  Trade body: [WTB]\n")
        knowledge = load_knowledge(folder)
        assert {name for _, name in knowledge.aliases} == {"Trade body"}
        assert knowledge.subjects == ("Trade body",)

    def test_the_digest_follows_every_file(self, folder: Path) -> None:
        digests = {load_knowledge(folder).digest}
        for name in ("knowledge.yaml", "pairs.yaml", "documents/tea.txt"):
            with (folder / name).open("a", encoding="utf-8") as file:
                file.write("\n")
            digests.add(load_knowledge(folder).digest)
        for name in ("out_of_scope.yaml", "calibration.jsonl"):
            (folder / name).write_text("[]", encoding="utf-8")
            digests.add(load_knowledge(folder).digest)
        assert len(digests) == 6

    def test_the_digest_does_not_follow_the_place(self, folder: Path, tmp_path: Path) -> None:
        moved = tmp_path / "elsewhere"
        shutil.copytree(folder, moved)
        assert load_knowledge(folder).digest == load_knowledge(moved).digest


HARD = [
    "a: b", "a #b", "# a", "- a", "'a", '"a"', "a'b\"c", "\\", "a\tb", "no", "1.0", "2020-01-01",
    "null", "~", "a\nb", "a\n\nb\n", " a ", "\u00a0a", "\u2028", "a\x85b", "\x00", "🙂", "[a], {b}",
    "a\r\nb", "x:", "%a", "@a", "|", "é", "ab\n  c", "a \nb", "\ufeff",
]  # fmt: skip
ANY = st.one_of(st.sampled_from(HARD), st.text(max_size=30))
SAID = ANY.filter(lambda text: text.strip())


class TestWriting:
    @settings(max_examples=200, deadline=None)
    @given(question=SAID, answer=SAID, others=st.lists(ANY, max_size=4), names=st.lists(ANY))
    def test_pairs_read_back_equal(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        question: str,
        answer: str,
        others: list[str],
        names: list[str],
    ) -> None:
        evidence = Evidence("a@b: c", "0123456789ab", Span(3, 5))
        row = PairRow(
            question=Text(question, 0),
            answer=Text(answer, 0),
            line=0,
            subjects=tuple(Text(name, 0) for name in names),
            evidence=evidence,
            variants=tuple(Text(other, 0) for other in others),
        )
        file = tmp_path_factory.getbasetemp() / "pairs.yaml"
        file.write_text(pairs_text([row, row]), encoding="utf-8", newline="")
        for read in read_pairs(file):
            assert (read.question.value, read.answer.value) == (question, answer)
            assert [text.value for text in read.variants] == others
            assert [text.value for text in read.subjects] == names
            assert read.evidence == evidence

    @settings(max_examples=100, deadline=None)
    @given(topic=SAID, questions=st.lists(ANY), title=SAID, text=SAID)
    def test_topics_and_manifest_read_back_equal(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        topic: str,
        questions: list[str],
        title: str,
        text: str,
    ) -> None:
        file = tmp_path_factory.getbasetemp() / "any.yaml"
        asked = tuple(Text(question, 0) for question in questions)
        file.write_text(
            out_of_scope_text([TopicRow(topic, None, asked, 0)]), encoding="utf-8", newline=""
        )
        (read,) = read_out_of_scope(file)
        assert read.topic == topic.strip()
        assert [question.value for question in read.questions] == questions
        given = read_manifest(ARTICLE / "knowledge.yaml")
        manifest = Manifest(title.strip(), given.documents, "en", "health", {"A": ()}, {"t": text})
        file.write_text(manifest_text(manifest), encoding="utf-8", newline="")
        again = read_manifest(file)
        assert (again.title, again.texts, again.subjects) == (title.strip(), {"t": text}, {"A": ()})

    def test_a_knowledge_reads_back_equal(self, tmp_path: Path) -> None:
        given = load_knowledge(ARTICLE)
        root = tmp_path / "new" / "copy"
        write_again(given, root)
        again = load_knowledge(root)
        assert again.pairs == given.pairs
        assert again.documents == given.documents
        assert again.prototypes == given.prototypes
        assert set(again.aliases) == set(given.aliases)
        assert not list(root.parent.glob(".*"))

    def test_documents_of_odd_names_get_files_of_their_own(self, tmp_path: Path) -> None:
        ids = ("a/b", "a b", "A-B", "../x", "…")
        documents = [
            document_from_text(f"This is text {i}.", id=id, title="T", source="s.md")
            for i, id in enumerate(ids)
        ]
        pairs = [
            QAPair(
                content_id(d.id, d.text, "Q?"),
                "Q?",
                (),
                d.text,
                Provenance(d.id, Span(0, len(d.text)), d.sha256, "test"),
            )
            for d in documents
        ]
        root = tmp_path / "kb"
        write_knowledge(root, title="T", documents=documents, pairs=pairs)
        again = load_knowledge(root)
        assert again.pairs == tuple(pairs)
        assert [d.id for d in again.documents] == list(ids)
        assert len(list((root / "documents").iterdir())) == len(ids)

    def test_an_answer_that_is_not_verbatim_is_not_written(self, tmp_path: Path) -> None:
        given = load_knowledge(ARTICLE)
        false = replace(given.pairs[0], answer="MS is nice.")
        with pytest.raises(KnowledgeError, match="doesn't stand"):
            write_knowledge(tmp_path / "kb", title="T", documents=given.documents, pairs=[false])
        assert not (tmp_path / "kb").exists()

    def test_a_folder_with_content_is_kept_unless_told(self, folder: Path) -> None:
        (folder / "notes.txt").write_text("mine", encoding="utf-8")
        given = load_knowledge(ARTICLE)
        with pytest.raises(KnowledgeError, match="is there already"):
            write_again(given, folder)
        assert load_knowledge(folder).title == "Drinks"
        write_again(given, folder, overwrite=True)
        assert load_knowledge(folder).pairs == given.pairs
        assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"

    def test_a_pair_given_twice_is_written_once(self, tmp_path: Path) -> None:
        given = load_knowledge(ARTICLE)
        pair = given.pairs[0]
        twin = replace(pair, variants=("Another wording?",))
        root = tmp_path / "kb"
        write_knowledge(root, title="T", documents=given.documents, pairs=[pair, twin])
        (written,) = load_knowledge(root).pairs
        assert written.variants == (*pair.variants, "Another wording?")

    def test_an_empty_folder_is_filled(self, tmp_path: Path) -> None:
        write_again(load_knowledge(ARTICLE), tmp_path)
        assert load_knowledge(tmp_path).pairs


def test_a_folder_that_is_written_again_is_there_all_the_time(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    if not exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this system exchanges no folders")
    root, ends, gone = tmp_path / "k", threading.Event(), 0
    write_folder(root, {"n": "0"})

    def watch() -> None:
        nonlocal gone
        while not ends.is_set():
            gone += not os.access(root, os.R_OK)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(150):
        write_folder(root, {"n": str(number)})
    ends.set()
    watcher.join()
    assert gone == 0
    assert (root / "n").read_text() == "149"
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "k"]


def test_folders_change_places_or_stay(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "of a").touch()
    assert not exchange(tmp_path / "a", tmp_path / "none")
    assert os.listdir(tmp_path) == ["a"]
    (tmp_path / "é").mkdir()
    done = exchange(tmp_path / "a", tmp_path / "é")
    assert os.listdir(tmp_path / ("é" if done else "a")) == ["of a"]
    assert os.listdir(tmp_path / ("a" if done else "é")) == []


def write_again(given: Knowledge, root: Path, *, overwrite: bool = False) -> None:
    write_knowledge(
        root,
        title=given.title,
        documents=given.documents,
        pairs=given.pairs,
        prototypes=given.prototypes,
        language=given.language,
        domain=given.domain,
        subjects=read_manifest(given.root / "knowledge.yaml").subjects,
        overwrite=overwrite,
    )
