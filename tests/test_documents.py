"""Reading a source, and what it says of itself."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.documents import documents
from bot.documents.documents import document_from_text, read_document, slug
from bot.errors import DocumentError
from bot.types import Document

ARTICLE = Path(__file__).parents[1] / "knowledge" / "documents" / "ms-vs-als.txt"


@pytest.fixture
def article() -> Document:
    return read_document(ARTICLE)


def write(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def made(text: str, title: str = "T") -> Document:
    return document_from_text(text, id="d", title=title, source="d.txt")


def disclaimer(text: str) -> str | None:
    document = made(text)
    return document.disclaimer.of(text) if document.disclaimer else None


def test_the_text_is_kept_as_it_stands(article: Document) -> None:
    assert article.text.encode() == ARTICLE.read_bytes()
    assert article.sha256 == hashlib.sha256(ARTICLE.read_bytes()).hexdigest()
    assert article.text.count("\u00a0") == 21
    assert "’" in article.text


def test_the_article_says_what_it_is(article: Document) -> None:
    assert (article.id, article.title, article.source) == (
        "ms-vs-als",
        "MS vs ALS",
        "ms-vs-als.txt",
    )
    assert article.aliases == (
        ("Multiple sclerosis", "MS"),
        ("amyotrophic lateral sclerosis", "ALS"),
    )
    assert article.subjects == ("MS", "ALS")
    assert article.disclaimer is not None
    note = article.disclaimer.of(article.text).replace("\u00a0", " ")
    assert note.startswith("Note: Multiple Sclerosis News Today")
    assert note.endswith("on this website.")


@given(st.text(min_size=1).filter(lambda t: t.strip() and "\0" not in t and t[0] != "\ufeff"))
def test_any_text_survives_unchanged(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    text += "\r\nA sentence stands here.\r"
    path = write(tmp_path_factory.mktemp("d"), "a.txt", text)
    assert read_document(path).text == text


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, "a.md", b"\xef\xbb\xbf# Title\r\n\r\nA sentence.\r\n")
    document = read_document(path)
    assert document.text == "# Title\r\n\r\nA sentence.\r\n"
    assert document.title == "Title"
    twice = write(tmp_path, "b.md", b"\xef\xbb\xbf\xef\xbb\xbfA sentence.")
    assert read_document(twice).text == "A sentence."


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"", "is empty"),
        ("a.txt", b" \n\t\xc2\xa0 \n", "is empty"),
        ("a.txt", b"Title", "no sentence"),
        ("a.txt", b"*** 12 --- 34", "no sentence"),
        ("a.md", b"# One\n\n## Two\n", "no sentence"),
        (
            "a.txt",
            b"Fine.\nnot \xff fine.",
            r"a\.txt: line 2: is no UTF-8 \(byte 0xff at byte 10\)",
        ),
        ("a.txt", "Hällo.".encode("latin-1"), "Save it as UTF-8"),
        ("a.txt", "A sentence.".encode("utf-16") + b"\0", "is no UTF-16"),
        ("a.txt", b"%PDF-1.7\0\0 A sentence.", "is a PDF, no text"),
        ("a.txt", "A sentence.".encode("utf-32") + b"\0", "is no UTF-32"),
        ("a.txt", b"A sentence\0.", "is no text"),
        ("a.txt", "A sentence\0.".encode("utf-16"), "a NUL at character 10"),
        ("a.pdf", b"A sentence.", r"\.pdf is not read"),
        ("a", b"A sentence.", "without a suffix is not read"),
    ],
)
def test_what_cannot_be_read_is_named_with_a_remedy(
    tmp_path: Path, name: str, data: bytes, says: str
) -> None:
    path = write(tmp_path, name, data)
    with pytest.raises(DocumentError, match=says) as raised:
        read_document(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_how_to_read(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, "a.txt", "Ein hübscher Satz.".encode(encoding))
    assert read_document(path).text == "Ein hübscher Satz."


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "f.txt").mkdir()
    with pytest.raises(DocumentError, match=r"f\.txt: is a folder"):
        read_document(tmp_path / "f.txt")
    with pytest.raises(DocumentError, match=r"gone\.txt: is not there"):
        read_document(tmp_path / "gone.txt")


def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_BYTES", 10)
    with pytest.raises(DocumentError, match="is larger than"):
        read_document(write(tmp_path, "a.txt", "A long sentence."))


def test_owner_given_names_come_first(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "A sentence.")
    document = read_document(path, id="x", title="Y", url="https://z.example")
    assert (document.id, document.title, document.url) == ("x", "Y", "https://z.example")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# The **guide**\n\nText.", "The guide"),
        ("Intro text here.\n\n## Later heading\n\nText.", "Later heading"),
        ("The guide\n=====\nText.", "The guide"),
        ("The guide\n\nText stands here.", "The guide"),
        ("Text stands here.\n\nA part\n\nText.", "My file"),
        ("<!-- generated -->\n# The guide\n\nText.", "The guide"),
    ],
)
def test_the_title_is_found(tmp_path: Path, text: str, title: str) -> None:
    assert read_document(write(tmp_path, "my_file.md", text)).title == title


def test_an_id_is_made_of_the_file_name() -> None:
    assert slug("Über Größe_2 (final)") == "uber-groe-2-final"
    assert slug("日本") == ""


BODY = "The sky is blue.\n\nGrass is green and it grows well.\n\n"


@pytest.mark.parametrize(
    "note",
    [
        "Note: This page does not provide medical advice.",
        "Disclaimer: for informational purposes only.",
        "This article is not intended to be a substitute for professional advice.",
        "The information on this site is for general information purposes only.",
        "This guide doesn’t constitute legal advice. Consult a qualified lawyer.",
        "Always seek the advice of your physician. Never disregard professional advice.",
    ],
)
def test_a_closing_note_is_the_disclaimer(note: str) -> None:
    assert disclaimer(BODY + note) == note
    assert disclaimer(BODY + note + "\n\n© 2024 Example Ltd.") == note
    assert disclaimer(BODY + f"*{note}*") == note
    assert disclaimer(note) is None  # the only paragraph is content


def test_notes_in_a_row_and_what_stands_under_a_heading_are_one_disclaimer() -> None:
    one = "This site is for informational purposes only."
    two = "This content is not a substitute for a doctor."
    assert disclaimer(f"{BODY}{one}\n\n{two}") == f"{one}\n\n{two}"
    assert disclaimer(f"{BODY}## Disclaimer\n\nNo claims.\n\nNone.") == "No claims.\n\nNone."


@pytest.mark.parametrize(
    "last",
    [
        "Note: the shop is closed on Mondays.",
        "Talk to your doctor before you change the dose.",
        "He never intended to be a substitute teacher, but he gave advice.",
        "The firm gives advice on tax, and this article was about it.",
        "Important: unplug the device before you clean it.",
        "The union did not provide legal advice to its members in 1906.",
        "In this article we saw how the law has changed.",
    ],
)
def test_an_ordinary_last_paragraph_is_no_disclaimer(last: str) -> None:
    assert disclaimer(BODY + last) is None


def test_a_note_far_from_the_end_is_no_disclaimer() -> None:
    note = "Note: This page does not provide medical advice.\n\n"
    assert disclaimer(BODY + note + BODY * 3) is None


def test_a_name_that_recurs_is_a_subject() -> None:
    text = "Imperialism is old. " * 3
    assert made(text, "Imperialism").subjects == ("Imperialism",)
    assert made(text, "History of imperialism").subjects == ("imperialism",)
    assert made("Imperialism is old.", "Imperialism").subjects == ()
    assert made(text, "The of").subjects == ()


@pytest.mark.parametrize(
    ("title", "text", "subjects"),
    [
        ("Harbour Lane Dental Practice", "Our practice is old. The practice is open. ", ()),
        ("Harbour Lane", "Harbour Plan costs £8. Come to Harbour Lane now. ", ()),
        ("Plan your visit", "Your visit is short. Book your visit. ", ()),
        ("Living with Asthma", "An asthma attack passes, but asthma is for life. ", ("Asthma",)),
    ],
)
def test_a_piece_of_a_name_or_what_is_somebodys_own_is_no_subject(
    title: str, text: str, subjects: tuple[str, ...]
) -> None:
    assert made(text * 3, title).subjects == subjects


def test_the_form_that_occurs_more_often_is_canonical() -> None:
    text = "The value-added tax (VAT) is due. Value-added tax is high. Value-added tax stays."
    assert made(text).aliases == (("VAT", "value-added tax"),)


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(DocumentError, match="holds no text"):
        made("  \n")
