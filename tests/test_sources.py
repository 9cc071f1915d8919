"""Each format gives its text with headings, lists, tables and pages, and nothing around it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from source_files import (
    PAGE,
    SENTENCE,
    Website,
    docx,
    in_formats,
    page,
    pdf,
    pdf_of_letters,
    pdf_of_lines,
)
from test_drawing import ARTICLE, bag_of_stems

from bot.documents.blocks import split_blocks
from bot.drawing.draft import make_draft
from bot.errors import DocumentError
from bot.knowledge.knowledge import load_knowledge, write_knowledge
from bot.sources.originals import Original
from bot.sources.pdf import extract_pdf
from bot.sources.sources import Refused, Sources
from bot.sources.web_page import extract_page
from bot.sources.word import extract_word
from bot.types import Document


@pytest.fixture(scope="module")
def site() -> Iterator[Website]:
    site = Website()
    yield site
    site.close()


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("handbook") / "handbook.pdf"
    file.write_bytes(pdf())
    return file


def put(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def opened(*names: str | Path, **options: object) -> tuple[list[Document], list[Refused]]:
    """The documents of `names`, and what was not taken."""
    documents: list[Document] = []
    refused: list[Refused] = []
    with Sources(names, **options) as sources:  # type: ignore[arg-type]
        for found in sources:
            if isinstance(found, Refused):
                refused.append(found)
            else:
                taken = {document.id for document in documents}
                documents.append(sources.document(found, taken)[0])
    return documents, refused


def test_a_web_page_gives_its_main_text_in_the_marks_of_markdown(tmp_path: Path) -> None:
    found = extract_page(put(tmp_path, "a.html", PAGE))
    assert found.title == "Returns"
    assert found.text == (
        f"# Returns\n\n{SENTENCE} The buyer pays for postage, and always keeps the receipt of the "
        "parcel shop.\n\n```\none\ntwo\n```\n\n"
        "## How to return a lamp\n\n1. Pack the lamp in its box.\n2. Print the label:\n"
        "   - from your account, or\n   - from the e-mail.\n3. Hand it in at a parcel shop.\n\n"
        "## How long it takes\n\n| Country | Days |\n| --- | --- |\n| Ireland | 3 |\n\n"
        "### What is not taken back\n\nBulbs are not taken back.\nGift cards are not either.\n"
    )


def test_a_page_that_marks_no_main_part_keeps_its_headings_and_lists(tmp_path: Path) -> None:
    plain = PAGE.replace("<main><article>", "<div>").replace("</article></main>", "</div>")
    marked, unmarked = (extract_page(put(tmp_path, "a.html", html)) for html in (PAGE, plain))
    assert unmarked == marked


def test_a_heading_has_no_sign_of_a_link_to_itself(tmp_path: Path) -> None:
    names = ("Lamps", "Bulbs", "Sockets", "C#")
    for before, after in (("", "¶"), ("§", ""), ("", "#")):
        parts = (f"<h2>{before}{name}{after}</h2><p>{SENTENCE}</p>" for name in names)
        html = f"<html><body><article>{''.join(parts)}</article></body></html>"
        found = extract_page(put(tmp_path, "a.html", html)).text
        said = [line[3:] for line in found.splitlines() if line.startswith("## ")]
        assert said == list(names) or (after == "#" and said == ["Lamps", "Bulbs", "Sockets", "C"])


@pytest.mark.parametrize(
    ("encoding", "said", "charset"),
    [
        ("utf-8", "", None),
        ("utf-8", "", "utf-8"),
        ("cp1252", '<meta charset="iso-8859-1">', None),
        ("cp1252", "", "latin-1"),
        ("utf-16", "", None),
        (
            "shift_jis",
            '<meta http-equiv=Content-Type content="text/html; charset=Shift_JIS">',
            None,
        ),
        ("utf-8", '<meta charset="rot13">', None),  # no charset of a page: UTF-8 is
    ],
)
def test_a_web_page_is_decoded_as_it_says(
    tmp_path: Path, encoding: str, said: str, charset: str | None
) -> None:
    words = (
        "ランプは三十日以内に返品できます。" * 3
        if encoding == "shift_jis"
        else SENTENCE + " Café “à la carte”."
    )
    html = page("Rückgabe" if encoding != "shift_jis" else "返品", words).replace(
        "<head>", "<head>" + said
    )
    found = extract_page(put(tmp_path, "a.html", html.encode(encoding)), charset)
    assert words in found.text


def test_a_word_document_keeps_headings_lists_tables_and_accepted_changes(tmp_path: Path) -> None:
    found = extract_word(docx(tmp_path / "a.docx"))
    assert found.title == "The Brisk Lamp"
    assert found.text == (
        "# The Brisk Lamp\n\n# Cleaning\n\n"
        "The lamp is cleaned with a soft cloth, never with water.\n\n"
        "1. Unplug the lamp.\n2. Wait for ten minutes.\n\n- A cloth\n   - of cotton\n\n"
        "| Country | Days |\n| --- | --- |\n| Ireland | 3 |\n\n"
        "## Warranty\n\nThe warranty lasts two years.\nKeep the receipt.\n"
    )


def test_a_pdf_keeps_headings_lists_tables_and_pages(handbook: Path) -> None:
    found = extract_pdf(handbook)
    assert found.title == "The Brisk Lamp Handbook"
    first, second, third = found.text.split("\f\n")
    assert first == (
        "# The Brisk Lamp Handbook\n\n## Chapter 1\n\n"
        "Lamp number 1 is cleaned with a soft and dry cloth after it has cooled down. Its bulb is "
        "changed by an electrician, for the socket is under current.\n\n"
        "- Unplug it.\n- Wait a while.\n\n"
        "| Country | Days |\n| --- | --- |\n| Ireland | 1 |\n| France | 3 |\n"
    )
    assert "number 2" in second
    assert "number 3" in third
    assert "Limited" not in found.text, "a header on every page is no text"
    assert "page" not in found.text, "nor is a footer with its number"


def test_the_marks_of_every_format_are_blocks(tmp_path: Path, handbook: Path) -> None:
    for found in (
        extract_page(put(tmp_path, "a.html", PAGE)),
        extract_word(docx(tmp_path / "a.docx")),
        extract_pdf(handbook),
    ):
        kinds = {block.kind for block in split_blocks(found.text)}
        assert {"heading", "paragraph", "list", "table"} <= kinds


def test_an_article_says_the_same_in_every_format(tmp_path: Path) -> None:
    article = ARTICLE.read_text(encoding="utf-8")
    documents, refused = opened(*in_formats(article, tmp_path))
    assert refused == []

    def words(text: str) -> list[str]:
        return re.sub(r"^(?:#+|[-*•]|\d+\.) ", "", text, flags=re.M).split()

    for document in documents:
        assert words(document.text) == words(article), document.source
        headings = [b.title for b in split_blocks(document.text) if b.kind == "heading"]
        assert headings == [b.title for b in split_blocks(article) if b.kind == "heading"]
        assert document.disclaimer is not None


def test_a_sentence_over_a_page_stands_whole_on_the_page_it_begins_on(tmp_path: Path) -> None:
    made = pdf_of_lines(
        [
            [
                "The first page holds a sentence. The second one of them begins",
                "here and it goes on to an-",
            ],
            ["other page, where it ends. The third is on page two alone, and it", "is the last."],
        ]
    )
    found = extract_pdf(put(tmp_path, "a.pdf", made))
    assert found.text == (
        "The first page holds a sentence. The second one of them begins here and it goes on to "
        "another page, where it ends.\n\f\nThe third is on page two alone, and it is the last.\n"
    )


def test_two_pages_have_margins_too(tmp_path: Path) -> None:
    found = extract_pdf(put(tmp_path, "a.pdf", pdf(2)))
    assert "number 2" in found.text
    assert "Limited" not in found.text
    assert "Handbook, page" not in found.text


@settings(max_examples=25, deadline=None)
@given(
    pages=st.lists(st.lists(st.integers(3, 30), max_size=4), min_size=1, max_size=4),
    cut=st.booleans(),
)
def test_every_sentence_stands_whole_and_on_its_page(pages: list[list[int]], cut: bool) -> None:
    """`pages` are the numbers of words of the sentences that begin on each page."""
    sentences = [
        [
            f"S{at}x{n} " + " ".join(f"word{i}" for i in range(words)) + " end."
            for n, words in enumerate(page)
        ]
        for at, page in enumerate(pages)
    ]
    assume(any(sentences))
    lines = [[line for one in page for line in wrap(one, 50)] for page in sentences]
    if cut:  # the last line of each page begins the next one
        for before, after in pairwise(lines):
            if len(before) > 1 and not before[-2].endswith("."):
                after.insert(0, before.pop())
    with TemporaryDirectory() as folder:
        text = extract_pdf(put(Path(folder), "a.pdf", pdf_of_lines(lines))).text
    assert text.count("\f") == len(pages) - 1
    document = Document("d", "D", "a.pdf", text, "")
    for number, begun in enumerate(sentences, 1):
        for sentence in begun:
            assert text.count(sentence) == 1
            if len(pages) > 1:
                assert document.page_at(text.index(sentence)) == number


def test_margins_are_told_from_headings_that_say_the_same_or_have_numbers(tmp_path: Path) -> None:
    text, title = ("Helvetica", 10.0), ("Helvetica-Bold", 18.0)
    pages = [
        [
            (580.0, "Helvetica", 8.0, "The Lamp, its Bulb"),
            (20.0, "Helvetica", 8.0, f"{'Care' if number < 3 else 'Parts'} {number + 6} of 99"),
            (480.0, *title, f"{number} Chapter of the lamp"),
            (450.0, *text, f"Sentence {number} stands here alone, and it is well-"),
            (438.0, *text, "known. It is in a lamp with a well-known switch and elec-"),
            (426.0, *text, "tricity in it."),
        ]
        for number in range(1, 5)
    ]
    pages[0][:0] = [(540.0, *title, "The Lamp,"), (519.0, *title, "its Bulb")]
    found = extract_pdf(put(tmp_path, "a.pdf", pdf_of_letters(pages)))
    assert found.title == "The Lamp, its Bulb"
    sentences = (
        "Sentence {0} stands here alone, and it is well-known. It is in a lamp with a well-known "
        "switch and electricity in it.\n"
    )
    chapters = [f"# {n} Chapter of the lamp\n\n{sentences.format(n)}" for n in range(1, 5)]
    assert found.text == "# The Lamp, its Bulb\n\n" + "\f\n".join(chapters)


def test_a_page_without_text_still_counts_and_is_named(tmp_path: Path) -> None:
    made = pdf_of_lines([["The first page has a sentence."], [], ["The third one has it too."], []])
    found = extract_pdf(put(tmp_path, "a.pdf", made))
    assert found.notes == ("pages 2, 4 hold no text (pictures are not read)",)
    document = Document("d", "D", "a.pdf", found.text, "")
    assert document.page_at(found.text.index("first")) == 1
    assert document.page_at(found.text.index("third")) == 3


def test_pages_and_the_original_survive_writing_and_loading(tmp_path: Path, handbook: Path) -> None:
    drawn = make_draft([handbook], lambda: bag_of_stems)
    write_knowledge(tmp_path / "k", title="K", documents=drawn.documents, pairs=drawn.pairs)
    knowledge = load_knowledge(tmp_path / "k")
    [document] = knowledge.documents
    assert document == drawn.documents[0]
    assert (document.source, document.digest) == ("handbook.pdf", Original(handbook, "").digest())
    quoted = next(pair for pair in knowledge.pairs if "number 3" in pair.answer)
    assert document.page_at(quoted.provenance.evidence.start) == 3


def test_a_folder_gives_every_file_in_it_and_names_the_ones_it_cannot(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", SENTENCE)
    put(tmp_path, "deep/er/a.txt", "Another sentence stands here.")
    put(tmp_path, "deep/b.html", PAGE)
    put(tmp_path, "deep/broken.pdf", b"%PDF-1.7 no more")
    put(tmp_path, "picture.png", b"\x89PNG")
    put(tmp_path, ".hidden/c.txt", SENTENCE)
    with Sources([tmp_path]) as sources:
        names = [str(found if isinstance(found, Refused) else found.name) for found in sources]
    assert [name.removeprefix(str(tmp_path)) for name in names] == [
        "/a.txt",
        "/deep/b.html",
        "/deep/broken.pdf",
        "/deep/er/a.txt",
        ": files of other kinds are left out: .png 1.",
    ]


def test_a_file_whose_name_is_no_text_is_named_and_stops_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", SENTENCE)
    odd = os.fsencode(tmp_path) + b"/odd\xff.txt"
    with open(odd, "w") as file:
        file.write("Another sentence stands here.")
    documents, refused = opened(tmp_path)
    assert [document.id for document in documents] == ["a"]
    assert [one.why for one in refused] == ["has a name that is no UTF-8. Rename it."]
    assert refused[0].wanted


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.html",
            f"<article><p>\ufeff{SENTENCE} It is open.</p><p>{SENTENCE}</p></article>",
        ),
        ("a.txt", f"\ufeff\ufeff{SENTENCE} It is open in the evening.\n"),
    ],
)
def test_a_byte_order_mark_before_the_text_moves_no_answer(
    tmp_path: Path, name: str, text: str
) -> None:
    drawn = make_draft([put(tmp_path, name, text)], lambda: bag_of_stems)
    root = tmp_path / "kb"
    write_knowledge(root, title="T", documents=drawn.documents, pairs=drawn.pairs)
    knowledge = load_knowledge(root)
    assert knowledge.quarantined == ()
    assert [(p.answer, p.provenance) for p in knowledge.pairs] == [
        (p.answer, p.provenance) for p in drawn.pairs
    ]


def test_two_files_of_one_name_are_two_documents(tmp_path: Path) -> None:
    put(tmp_path, "one/faq.txt", SENTENCE)
    put(tmp_path, "two/faq.txt", "Another sentence stands here.")
    documents, refused = opened(tmp_path)
    assert [document.id for document in documents] == ["faq", "faq-2"]
    assert refused == []


def test_an_address_is_fetched_with_its_redirects_and_remembered(site: Website) -> None:
    site.put("/help/returns", PAGE)
    site.redirect("/old", "/help/returns")
    [document], refused = opened(site.url + "/old#top", allow_private=True)
    assert refused == []
    assert document.url == document.source == site.url + "/help/returns"
    assert (document.id, document.title) == ("returns", "Returns")
    assert SENTENCE in document.text


def test_files_behind_addresses_are_read_by_the_type_that_the_server_says(
    site: Website, tmp_path: Path, handbook: Path
) -> None:
    word = docx(tmp_path / "a.docx").read_bytes()
    docx_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    names = [
        site.put("/handbook", handbook.read_bytes(), "application/pdf"),
        site.put("/word", word, docx_type),
        site.put("/notes.md", f"# Notes\n\n{SENTENCE}", "text/plain"),
        site.put("/blob.pdf", handbook.read_bytes(), "application/octet-stream"),
        site.put(
            "/umlaut",
            page("Ä", "Ein hübscher Satz steht hier. " * 3).encode("cp1252"),
            "text/html; charset=windows-1252",
        ),
    ]
    documents, refused = opened(*names, allow_private=True)
    assert refused == []
    assert [d.title for d in documents] == [
        "The Brisk Lamp Handbook",
        "The Brisk Lamp",
        "Notes",
        "The Brisk Lamp Handbook",
        "Ä",
    ]
    assert "hübscher" in documents[-1].text


def test_a_sitemap_gives_its_pages_once_by_way_of_other_sitemaps(site: Website) -> None:
    for number in range(4):
        site.put(f"/p/{number}", page(f"P{number}", f"{SENTENCE} This is page {number}. " * 3))
    site.redirect("/p/again", "/p/1")
    site.sitemap("/s/one.xml", ["/p/0", "/p/1", "/p/1", "/p/again", "/p/gone"])
    site.sitemap("/s/two.xml.gz", ["/p/2", "/p/3", "http://elsewhere.example/p"])
    index = site.sitemap("/sitemap.xml", maps=["/s/one.xml", "/s/two.xml.gz", "/sitemap.xml"])
    documents, refused = opened(index, allow_private=True)
    assert [document.title for document in documents] == ["P0", "P1", "P2", "P3"]
    assert [str(one).removeprefix(site.url) for one in refused] == [
        "/p/gone: is not there (404 Not Found). Check the address.",
        "/s/two.xml.gz: 1 addresses on other hosts are left out, such as "
        "http://elsewhere.example/p. Name them yourself.",
    ]


def test_a_list_of_questions_behind_an_address_is_taken_as_it_is(site: Website) -> None:
    rows = 'question,answer\nMay I return a lamp?,"Yes, within 30 days."\nAnd bulbs?,\n,No.\n'
    address = site.put("/export", rows, "text/csv")
    drawn = make_draft([address], lambda: bag_of_stems, allow_private=True)
    [document] = drawn.documents
    assert (document.source, document.url) == (address, address)
    assert drawn.pairs[0].question == "May I return a lamp?"
    assert drawn.faults[0].startswith(f"{address}:")


def test_no_more_documents_are_taken_than_the_limit(site: Website) -> None:
    pages = [f"/many/{number}" for number in range(5)]
    for path in pages:
        site.put(path, page(path, f"{SENTENCE} It is {path}."))
    documents, [refused] = opened(site.sitemap("/many.xml", pages), allow_private=True, limit=2)
    assert len(documents) == 2
    assert str(refused).startswith(f"{site.url}/many/2: this and 2 more are over the limit of 2")


def test_drawing_names_what_it_leaves_out_and_the_exit_code_tells(
    tmp_path: Path, site: Website, capfd: pytest.CaptureFixture[str]
) -> None:
    from bot.__main__ import main

    put(tmp_path, "in/a.md", f"# Returns\n\n{SENTENCE}\n")
    put(tmp_path, "in/same.md", f"# Returns\n\n{SENTENCE}\n")
    draw = ["draw", str(tmp_path / "in"), "--out", str(tmp_path / "k"), "--force"]
    assert main(draw) == 0
    assert "same.md: holds the same text as a.md, and is left out." in capfd.readouterr().err
    put(tmp_path, "in/empty.md", b"")
    assert main(draw) == 1
    said = capfd.readouterr()
    assert f"{tmp_path}/in/empty.md: is empty. Give a file with at least one sentence." in said.err
    assert "1 source could not be taken, all others were" in said.err
    assert "1 document" in said.out
    assert main(["draw", str(tmp_path / "in/empty.md"), "--out", str(tmp_path / "none")]) == 1
    assert "empty.md: is empty" in capfd.readouterr().err
    assert not (tmp_path / "none").exists()


def test_an_answer_from_a_document_with_pages_names_its_page(
    tmp_path: Path, handbook: Path
) -> None:
    from bot.channels.pages import Look, source_link
    from bot.channels.source_page import source_page
    from bot.printing import source_of
    from bot.replying.replies import Writer
    from bot.replying.texts import load_texts
    from bot.types import Answered, Match

    drawn = make_draft([handbook], lambda: bag_of_stems)
    write_knowledge(tmp_path / "k", title="K", documents=drawn.documents, pairs=drawn.pairs)
    knowledge = load_knowledge(tmp_path / "k")
    pair = next(pair for pair in knowledge.pairs if "number 2 is" in pair.answer)
    writer = Writer(knowledge, load_texts({}))
    reply = writer.reply(
        Answered((Match(pair, pair.question, 1, 1.0),)),
        question="q",
        conversation_id="c",
        turn_id="t",
    )
    assert "Source: The Brisk Lamp Handbook, “Chapter 2”, page 2" in reply.text
    assert "“Chapter 2”, page 2, characters" in source_of(reply.citations[0])
    [cited] = json.loads(json.dumps(reply.to_json()))["citations"]
    assert cited["page"] == 2
    assert (
        source_link({**cited, "url": "https://a.example/h.pdf"}) == "https://a.example/h.pdf#page=2"
    )
    html = source_page(
        Look("K", "en", 2000, "Privacy."), knowledge.documents[0], reply.citations[0].span
    )
    assert html.count('class="page"') == 3
    assert html.index("Page 2</p>") < html.index("<mark") < html.index("Page 3</p>")


def test_serving_loads_no_parser() -> None:
    """Parsers are for drawing; who serves a knowledge does not pay for them."""
    code = (
        "import sys, bot.channels.http, bot.bot, bot.drawing.draft\n"
        "heavy = {'trafilatura', 'pypdfium2', 'docx', 'lxml'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_original_that_is_no_document_is_refused_by_name(tmp_path: Path) -> None:
    with Sources([]) as sources, pytest.raises(DocumentError, match="holds no sentence, only"):
        sources.document(Original(put(tmp_path, "a.txt", "Title"), "a.txt"), set())
