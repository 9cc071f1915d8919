"""FAQs in files: every format there and back, broken rows, and what becomes of the answers."""

from __future__ import annotations

import json
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.__main__ import main
from bot.commands.exchanging import _EXPORT
from bot.errors import DocumentError
from bot.faqs import workbooks
from bot.faqs.as_documents import faq_document, faq_documents
from bot.faqs.delimited import read_delimited, write_csv
from bot.faqs.entries import Faq, FaqEntry, make_entry
from bot.faqs.formats import FORMATS, SUFFIXES, Format, is_faq, read_faq
from bot.faqs.json_lines import read_json_lines, read_rows
from bot.faqs.of_knowledge import entries_of as entries_of_knowledge
from bot.faqs.schema_org import text_of, write_json_ld
from bot.knowledge.knowledge import load_knowledge, write_knowledge
from bot.types import QUOTE_LIMIT
from bot.wording import normalise

BY_NAME = {format.name: format for format in FORMATS}


def entries_of(*rows: object) -> Faq:
    return read_rows(rows)


def back(format: Format, entries: list[FaqEntry], folder: Path) -> Faq:
    file = folder / f"faq{format.suffix}"
    file.write_bytes(format.write(entries))
    return read_faq(file)


# --- there and back ---------------------------------------------------------------------------

HOSTILE = st.one_of(
    st.sampled_from(
        [
            "=1+1",
            "'=1+1",
            "''-2",
            "+49 30 1234",
            "-5 °C",
            "@SUM(A1)",
            "＝1",
            'He said "no", then; "yes".',
            "a\tb",
            "one\ntwo\n\n three ",
            "C:\\new\\table",
            "\\n",
            "<b>bold</b> & <br> &lt;br&gt; &amp;amp;",
            "</script><script>alert(1)</script>",
            "{{Settings.X}}",
            "_x000D_ _x0041_",
            "😀👩‍👩‍👧 שלום مرحبا \u202etxet",
            "a\x00b\x0bc\x1ed\x85e\u2028f\ufffe",
            "null",
            "#N/A",
            "007",
            "[]",
            '"[x]"',
            "key:value | key2:value2",
            "x" * 5_000,
        ]
    ),
    st.text(min_size=1, max_size=40),
    st.text("ab=+-@'\"\\nt,;|:<>&{}_x0041#\n\t 😀ש", min_size=1, max_size=30),
)
KEYS = st.one_of(
    st.sampled_from(["topic", "Topic", "answer", "Q 2", "metadata:x", "=k", "a:b", "url"]), HOSTILE
)


@st.composite
def entry(draw: st.DrawFn) -> FaqEntry | None:
    try:
        return make_entry(
            draw(st.lists(HOSTILE, min_size=1, max_size=3)),
            draw(st.one_of(st.just(""), HOSTILE)),
            source=draw(st.one_of(st.just(""), HOSTILE)),
            id=draw(st.one_of(st.just(""), HOSTILE)),
            metadata=draw(st.dictionaries(KEYS, HOSTILE, max_size=3)),
        )
    except ValueError:
        return None


@pytest.mark.parametrize("format", FORMATS, ids=lambda f: f.name)
def test_what_is_exported_is_imported_unchanged(
    format: Format, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("faq")

    @settings(max_examples=25, deadline=None)
    @given(st.lists(entry(), min_size=1, max_size=4))
    def holds(made: list[FaqEntry | None]) -> None:
        given_ = [e for e in made if e is not None and format.held(e) is not None]
        if not given_:
            return
        once = back(format, given_, folder)
        assert once.faults == ()
        assert list(once.entries) == [format.held(e) for e in given_]
        assert back(format, list(once.entries), folder).entries == once.entries

    holds()


def test_the_tables_and_json_lines_hold_everything() -> None:
    full = make_entry(
        ["A?", "B?"],
        "One.",
        source="https://x.example/y",
        id="7",
        metadata={"topic": "t", "k": "v"},
    )
    for name in ("csv", "tsv", "xlsx", "jsonl"):
        assert BY_NAME[name].held(full) == full
    held = {f.name: f.held(full) for f in FORMATS}
    assert held["faqpage"] == make_entry(
        ["A?", "B?"], "One.", source="https://x.example/y", id="7", metadata={"topic": "t"}
    )
    assert held["qnabot"] == make_entry(["A?", "B?"], "One.", id="7", metadata={"topic": "t"})
    assert (
        held["azure-tsv"]
        == held["azure-json"]
        == make_entry(
            ["A?", "B?"], "One.", source="https://x.example/y", metadata={"topic": "t", "k": "v"}
        )
    )


def test_no_cell_of_a_csv_is_a_formula() -> None:
    texts = ["=HYPERLINK(1)", "+1", "-1", "@x", "'=1", "＝1"]
    entries = [make_entry([text], text, id=text, metadata={text: text}) for text in texts]
    for line in write_csv(entries).decode("utf-8-sig").splitlines():
        assert all(cell.strip('"')[:1] not in "=+-@＝" for cell in line.split(",") if cell)


def test_no_cell_of_a_workbook_is_a_formula(tmp_path: Path) -> None:
    file = tmp_path / "f.xlsx"
    file.write_bytes(BY_NAME["xlsx"].write([make_entry(["=1+1"], "=cmd|'/c calc'!A1")]))
    with zipfile.ZipFile(file) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert 't="inlineStr"' in sheet


def test_a_text_that_no_cell_holds_is_refused_with_a_remedy() -> None:
    with pytest.raises(DocumentError, match=r"32,767 characters .* export to csv"):
        BY_NAME["xlsx"].write([make_entry(["A?"], "x" * 40_000)])


def test_a_faqpage_is_safe_in_a_page_and_found_there_again(tmp_path: Path) -> None:
    made = make_entry(["Is 1 < 2?"], "Yes </script> & more.\nReally.")
    script = write_json_ld([made]).decode()
    assert "</script>" not in script
    assert json.loads(script)["@type"] == "FAQPage"
    page = tmp_path / "page.html"
    page.write_text(
        '<html><script type="application/ld+json">{"@type": "Organization"}</script>'
        '<script type="application/ld+json">{broken FAQPage</script>'
        f'<script async type="application/ld+json; charset=utf-8">{script}</script><p>Text.</p>',
        encoding="utf-8",
    )
    assert is_faq(page)
    assert read_faq(page).entries == (made,)
    page.write_text("<p>What a FAQPage is.</p>", encoding="utf-8")
    assert not is_faq(page)


# --- as others write them ---------------------------------------------------------------------


def test_a_spreadsheet_s_csv_with_semicolons_and_its_own_columns(tmp_path: Path) -> None:
    file = tmp_path / "faq.csv"
    file.write_bytes(
        'Department;Question;Answer\r\nSales;"Do you ""ship""?";"Yes;\r\nby post."\r\n;;\r\n'
        "Café;B?;Zwei\r\n".encode("utf-8-sig")
    )
    assert read_faq(file).entries == (
        make_entry(['Do you "ship"?'], "Yes;\nby post.", metadata={"Department": "Sales"}),
        make_entry(["B?"], "Zwei", metadata={"Department": "Café"}),
    )
    file.write_bytes(("sep=;\r\n" + file.read_bytes().decode("utf-8-sig")).encode("utf-16"))
    assert len(read_faq(file).entries) == 2


def test_rows_of_one_group_and_numbered_questions_are_wordings() -> None:
    faq = read_delimited(
        b"question1,question2,answer,group\nA?,B?,One.,g\nC?,,One.,g\nD?,,Two.,g\nA?,,One.,\n"
    )
    assert [(e.wordings, e.answer) for e in faq.entries] == [
        (("A?", "B?", "C?"), "One."),
        (("D?",), "Two."),
        (("A?",), "One."),
    ]


def test_broken_rows_of_a_csv_cost_themselves_only() -> None:
    faq = read_delimited(
        b'question,answer\nA?,One.\n,no question\n"B"?,Two\nC?,Three,and,more\nD?,\xff\n'
        b'E?,"Five\nsix"\n"F?,Seven\nG?,Eight\n'
    )
    assert [e.question for e in faq.entries] == ["A?", "E?", "G?"]
    assert [f.row for f in faq.faults] == [3, 4, 5, 6, 9]
    assert all(f.message.endswith(".") and "." in f.message[:-1] for f in faq.faults)


def test_a_table_full_of_stray_quotes_is_given_up_soon() -> None:
    began = time.process_time()
    faq = read_delimited(b"question,answer\n" + b'"x"y,"\n' * 20_000)
    assert faq.entries == ()
    assert len(faq.faults) <= 101
    assert time.process_time() - began < 2


def test_a_table_without_names_of_columns_says_how_to_name_them(tmp_path: Path) -> None:
    file = tmp_path / "faq.csv"
    file.write_text("Do you ship?,Yes.\n")
    with pytest.raises(DocumentError, match=r"faq\.csv: the first row must name .*'Do you ship\?"):
        read_faq(file)


QNA_MAKER = (
    "Question\tAnswer\tSource\tMetadata\tSuggestedQuestions\tIsContextOnly\tPrompts\tQnaId\r\n"
    'Write and draw\tUse "it" in any app.\\n\\nSee [here](#b).\thttps://s.example/pen\t'
    'editorial:chitchat | kind:a:b\t[{"ClusterHead":"can i draw","AlternateQuestionList":[]}]\t'
    'False\t[{"DisplayOrder":0,"QnaId":93,"Qna":null,"DisplayText":"Start"}]\t92\r\n'
    'draw with your pen\tUse "it" in any app.\\n\\nSee [here](#b).\thttps://s.example/pen\t'
    "editorial:chitchat | kind:a:b\t[]\tFalse\t[]\t92\r\n"
    "Start\tRest your hand.\tEditorial\t\t[]\tTrue\t[]\t93\r\n"
    "broken\r\n"
    "Change tips\tPull.\tEditorial\t\t[]\tFalse\t[]\t94\r\n"
)


def test_an_export_of_qna_maker_as_the_service_writes_it(tmp_path: Path) -> None:
    file = tmp_path / "kb.tsv"
    file.write_bytes(QNA_MAKER.encode())
    faq = read_faq(file)
    assert faq.entries == (
        make_entry(
            ["Write and draw", "draw with your pen"],
            'Use "it" in any app.\n\nSee [here](#b).',
            source="https://s.example/pen",
            metadata={"editorial": "chitchat", "kind": "a:b"},
        ),
        make_entry(["Change tips"], "Pull.", source="Editorial"),
    )
    assert [f.row for f in faq.faults] == [4, 5]
    assert "only after another answer" in faq.faults[0].message
    file.write_bytes(QNA_MAKER.replace("[{", '"[{').encode())
    with pytest.raises(DocumentError, match=r"save it as \.xlsx"):
        read_faq(file)


def test_json_exports_of_qna_maker_and_its_successor(tmp_path: Path) -> None:
    file = tmp_path / "kb.json"
    old = {
        "id": 1,
        "answer": "Yes.",
        "source": "Editorial",
        "questions": ["A?", "B?"],
        "metadata": [{"name": "k", "value": "v"}],
        "context": {"isContextOnly": False, "prompts": []},
    }
    file.write_text(json.dumps({"qnaDocuments": [old, {"id": 2}]}))
    expected = (make_entry(["A?", "B?"], "Yes.", source="Editorial", metadata={"k": "v"}),)
    assert read_faq(file).entries == expected
    assert [f.row for f in read_faq(file).faults] == [2]
    new = {**old, "metadata": {"k": "v"}, "dialog": {"isContextOnly": False, "prompts": []}}
    only_then = {**new, "dialog": {"isContextOnly": True}}
    file.write_text(json.dumps({"metadata": {}, "assets": {"qnas": [new, only_then]}}))
    assert read_faq(file).entries == expected
    assert [f.row for f in read_faq(file).faults] == [2]


def test_an_export_of_qnabot(tmp_path: Path) -> None:
    file = tmp_path / "qna.json"
    items = [
        {
            "qid": "sun.1",
            "type": "qna",
            "q": ["How hot?", "how hot is it"],
            "a": "Hot.",
            "t": "sun",
        },
        {"qid": "x", "type": "qna", "q": ["no_hits"], "a": "{{Settings.EMPTYMESSAGE}}"},
        {"qid": "slot", "type": "slottype", "q": [], "a": ""},
        {"q": ["Nameless?"], "a": "Yes."},
    ]
    file.write_text(json.dumps({"qna": items}))
    faq = read_faq(file)
    assert faq.entries[0] == make_entry(
        ["How hot?", "how hot is it"], "Hot.", id="sun.1", metadata={"topic": "sun"}
    )
    assert faq.entries[1].id.startswith("quoth.")
    assert [f.row for f in faq.faults] == [2, 3]
    again = tmp_path / "again.json"
    again.write_bytes(BY_NAME["qnabot"].write(faq.entries))
    assert read_faq(again) == Faq(faq.entries)


def test_a_workbook_with_numbers_dates_and_other_sheets(tmp_path: Path) -> None:
    import datetime

    from openpyxl import Workbook

    book = Workbook()
    first = book.active
    assert first is not None
    first.append(["Notes"])
    sheet = book.create_sheet("FAQ")
    sheet.append(["Question", "Answer", "Year"])
    sheet.append(["How many?", 5, 2024.0])
    sheet.append([])
    sheet.append([None, "No question", None])
    sheet.append(["When?", datetime.datetime(2026, 1, 2), None])
    file = tmp_path / "faq.xlsx"
    book.save(file)
    faq = read_faq(file)
    assert faq.entries == (
        make_entry(["How many?"], "5", metadata={"Year": "2024"}),
        make_entry(["When?"], "2026-01-02"),
    )
    assert [f.row for f in faq.faults] == [4]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0 old or encrypted"])
def test_a_file_that_is_no_workbook_says_what_to_do(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "faq.xlsx"
    file.write_bytes(data)
    with pytest.raises(DocumentError, match=r"faq\.xlsx: can't be read as XLSX .* save it anew"):
        read_faq(file)


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 1024 * 1024)
    file = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (2 * 1024 * 1024))
    with pytest.raises(DocumentError, match="more than 1 MiB when unpacked; split it"):
        read_faq(file)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "{", "is no JSON"),
        ("a.json", '{"a": 1}', "unknown form"),
        ("a.json", "[" * 100_000, "is no JSON"),
        ("a.jsonld", '{"@type": "FAQPage", "mainEntity": []}', "no question with an answer"),
        ("a.html", "<p>x</p>", "no FAQPage"),
        ("a.pdf", "x", "no known format"),
        ("a.tsv", "", "the first row must name"),
        ("a.csv", "x" * 140_000, "the first row must name"),
    ],
)
def test_a_file_that_holds_no_faq_says_why(
    name: str, text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DocumentError, match=message):
        read_faq(tmp_path / name)
    with pytest.raises(DocumentError, match=r"none\.csv: can't be read"):
        read_faq(tmp_path / "none.csv")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_bytes_give_entries_or_say_what_is_wrong(
    suffix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("faq") / f"a{suffix}"
    texts = 'question answer Source Metadata QnaId , ; \t \n \r " { } [ ] : "q" "a" "qna" "@type"'
    texts += ' "FAQPage" "mainEntity" "Question" "name" "text" < > </script> <![ PK\x03\x04 \0'
    pieces = st.sampled_from(
        [b"\xff\xfe", b"\xed\xa0\x80", b"\n", b'<script type="application/ld+json">']
        + [text.encode() for text in texts.split(" ")]
    )

    @settings(max_examples=40, deadline=None)
    @given(st.one_of(st.binary(max_size=60), st.lists(pieces, max_size=25).map(b"".join)))
    def holds(data: bytes) -> None:
        file.write_bytes(data)
        is_faq(file)
        try:
            faq = read_faq(file)
        except DocumentError as error:
            said = str(error)
        else:
            said = str(file) if faq.entries else ""
        assert said.startswith(str(file))

    holds()


def test_other_data_in_a_folder_is_named_and_no_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "faq.csv").write_text("question,answer\nDo you ship?,Yes we do.\n")
    (folder / "data.csv").write_text("a,b\n1,2\n")
    (folder / "package.json").write_text('{"name": "x"}')
    out = ["--out", str(tmp_path / "k"), "--force"]
    assert main(["draw", str(folder), *out]) == 0
    told = capsys.readouterr()
    assert "1 document, 1 pair" in told.out
    assert "data.csv: the first row must name" in told.err
    assert "package.json: is JSON of an unknown form" in told.err
    assert main(["draw", str(folder / "data.csv"), str(folder / "faq.csv"), *out]) == 1


def test_html_in_an_answer_becomes_its_text() -> None:
    assert text_of("<p>We ship to <b>Canada</b> &amp;\n  the U.S.</p>\n<ul><li>fast</li> <li>"
                   "cheap</li></ul><script>x()</script>") == (
        "We ship to Canada & the U.S.\n- fast\n- cheap"
    )  # fmt: skip
    assert text_of("5 &lt; 6") == "5 < 6"
    assert text_of("<p>one<![odd[ x ]]>, two</p>") == "one, two", "as browsers read it"


def test_a_page_with_an_odd_declaration_is_still_looked_through(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    page.write_text('<p>FAQPage</p><![odd[x]]><script type="application/ld+json">{}</script>')
    assert not is_faq(page)


# --- as documents -----------------------------------------------------------------------------


def test_a_list_becomes_a_readable_document_with_exact_answers() -> None:
    faq = entries_of(
        {"question": "Do you ship?", "answer": "Yes."},
        {"question": "How\n much?", "answer": " 5 euros.\n\nPer parcel. "},
    )
    document, pairs = faq_document(faq.entries, id="faq", title="FAQ")
    assert document.text == "Q: Do you ship?\nA: Yes.\n\nQ: How much?\nA: 5 euros.\n\nPer parcel.\n"
    assert [(p.question, p.answer) for p in pairs] == [
        ("Do you ship?", "Yes."),
        ("How much?", "5 euros.\n\nPer parcel."),
    ]
    assert all(p.provenance.evidence.of(document.text) == p.answer for p in pairs)
    assert faq.faults == ()


def test_rows_of_one_group_with_one_answer_are_one_entry() -> None:
    faq = entries_of(
        {"question": "Refund?", "answer": "In 5 days.", "group": "r"},
        {"question": "Do you ship?", "answer": "Yes."},
        {"question": "Where is my refund", "answer": "In 5 days.", "group": "r"},
        {"question": "refund", "answer": "In 5 days.", "group": "r"},
    )
    assert [e.wordings for e in faq.entries] == [
        ("Refund?", "Where is my refund"),
        ("Do you ship?",),
    ]


def test_another_answer_in_a_group_is_an_entry_of_its_own() -> None:
    faq = entries_of(
        {"question": "A?", "answer": "One.", "group": 1},
        {"question": "B?", "answer": "Two.", "group": 1},
        {"question": "C?", "answer": "One.", "group": "1"},
    )
    assert [(e.wordings, e.answer) for e in faq.entries] == [
        (("A?", "C?"), "One."),
        (("B?",), "Two."),
    ]


def test_the_same_question_on_two_answers_is_kept_for_the_check_to_flag() -> None:
    faq = entries_of(
        {"question": "A?", "answer": "One."},
        {"question": "A?", "answer": "Two."},
        {"question": "A?", "answer": "Two."},
        {"question": "B?", "answer": "Two."},
    )
    _, pairs = faq_document(faq.entries, id="faq", title="FAQ")
    assert [(p.question, p.answer) for p in pairs] == [
        ("A?", "One."),
        ("A?", "Two."),
        ("B?", "Two."),
    ]
    assert len({p.id for p in pairs}) == 3


def test_a_question_without_an_answer_is_what_can_be_quoted() -> None:
    faq = entries_of(
        {"question": "Why do we sneeze?", "answer": ""}, {"question": "B?", "answer": "Two."}
    )
    document, pairs = faq_document(faq.entries, id="faq", title="FAQ")
    assert pairs[0].answer == pairs[0].question == "Why do we sneeze?"
    assert pairs[0].provenance.evidence.of(document.text) == "Why do we sneeze?"


@pytest.mark.parametrize(
    ("answer", "end", "length"),
    [
        ("This is one sentence of the long answer. " * 30, "long answer.", None),
        ("word " * 200, "word", None),
        ("x" * 2000, "x", QUOTE_LIMIT),
    ],
)
def test_a_long_answer_is_quoted_to_the_end_of_a_sentence(
    answer: str, end: str, length: int | None
) -> None:
    document, pairs = faq_document([make_entry(["A?"], answer)], id="faq", title="FAQ")
    assert len(pairs[0].answer) <= QUOTE_LIMIT
    assert pairs[0].answer.endswith(end)
    assert length in (None, len(pairs[0].answer))
    assert answer.strip() in document.text


def test_entries_from_several_addresses_are_documents_with_their_own_link() -> None:
    entries = [
        make_entry(["A?"], "The first answer.", source="https://x.example/a"),
        make_entry(["B?"], "The second answer.", source="https://x.example/b"),
        make_entry(["C?"], "The third answer.", source="https://x.example/a"),
        make_entry(["D?"], "The fourth answer.", source="Editorial"),
        make_entry(["E"], "", source="https://x.example/c"),
        make_entry(["F?"], "The fifth answer.", source="https://[broken"),
    ]
    made = faq_documents(entries, id="faq", title="FAQ")
    assert [(d.id, d.url, [p.question for p in pairs]) for d, pairs in made] == [
        ("faq", None, ["D?", "F?", "E"]),
        ("faq-x-example-a", "https://x.example/a", ["A?", "C?"]),
        ("faq-x-example-b", "https://x.example/b", ["B?"]),
    ]
    one = faq_documents(entries[:1], id="faq", title="FAQ")
    assert [(d.id, d.url) for d, _ in one] == [("faq-x-example-a", "https://x.example/a")]


def test_a_bad_row_is_named_and_loses_no_other() -> None:
    faq = read_json_lines(
        b'\xef\xbb\xbf{"question": "A?", "answer": "One."}\n'
        b"\n"
        b"{broken\n"
        b'"text"\n'
        b'{"answer": "x"}\n'
        b'{"question": " ", "answer": "x"}\n'
        b'{"question": "Q?"}\n'
        b'{"question": "Q?", "answer": 5}\n'
        b'{"question": "Q?", "answer": "a", "group": [1]}\n'
        b'{"question": "Q?", "answer": "\\ud800"}\n'
        b"\xff\n"
        b'{"question": "B?", "answer": "Two.", "id": 7, "source": [], "variants": "x"}\r\n'
    )
    assert faq.entries == (make_entry(["A?"], "One."), make_entry(["B?"], "Two.", id="7"))
    assert [f.row for f in faq.faults] == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert all(f.message for f in faq.faults)


ROW = st.fixed_dictionaries(
    {"question": st.text(max_size=30), "answer": st.text(max_size=600)},
    optional={"group": st.sampled_from(["a", "b", 1])},
)


@given(st.lists(ROW, max_size=8))
def test_any_list_gives_exact_answers_and_loses_no_row(rows: list[dict[str, object]]) -> None:
    faq = read_rows(rows)
    if not faq.entries:
        return
    document, pairs = faq_document(faq.entries, id="f", title="F")
    for pair in pairs:
        assert pair.provenance.evidence.of(document.text) == pair.answer
        assert 1 <= len(pair.answer) <= QUOTE_LIMIT
    assert sum(len(p.wordings) for p in pairs) + len(faq.faults) <= len(rows)


def test_ten_thousand_rows_take_less_than_three_seconds() -> None:
    lines = [
        json.dumps({"question": f"What about thing {i}?", "answer": f"Thing {i} is a thing. " * 30})
        for i in range(10_000)
    ]
    began = time.process_time()
    faq = read_json_lines("\n".join(lines).encode())
    _, pairs = faq_document(faq.entries, id="f", title="F")
    assert len(pairs) == 10_000
    assert time.process_time() - began < 3


def test_every_format_and_suffix_is_explained() -> None:
    text = (Path(__file__).parents[1] / "docs" / "faqs.md").read_text(encoding="utf-8")
    assert all(f"`{format.name}`" in text for format in FORMATS)
    assert all(f"`{suffix}`" in text for suffix in SUFFIXES if suffix != ".htm")
    assert all(format.name in _EXPORT for format in FORMATS)


def test_a_text_without_a_place_to_cut_and_one_with_a_nul_are_served(tmp_path: Path) -> None:
    entries = [make_entry(["Long?"], "x" * 2000), make_entry(["N\0UL?"], "Yes,\0 of course.")]
    [(document, pairs)] = faq_documents(entries, id="faq", title="FAQ")
    write_knowledge(tmp_path / "k", title="FAQ", documents=[document], pairs=pairs)
    knowledge = load_knowledge(tmp_path / "k")
    assert [(p.question, p.answer) for p in knowledge.pairs] == [
        ("Long?", "x" * QUOTE_LIMIT),
        ("N UL?", "Yes,  of course."),
    ]


@settings(max_examples=25, deadline=None)
@given(st.lists(entry(), min_size=1, max_size=4))
def test_what_is_drawn_of_a_list_is_exported_as_it_was(made: list[FaqEntry | None]) -> None:
    fit = (e for e in made if e and "\n\nQ: " not in e.answer and e.answer != e.question)
    ours = [replace(e, id="", metadata=()) for e in fit]
    plain = make_entry(["Do you ship?"], "Yes, to all of Europe.")
    with tempfile.TemporaryDirectory() as folder:
        drawn = faq_documents([plain, *ours], id="faq", title="FAQ")
        documents = [document for document, _ in drawn]
        pairs = [pair for _, own in drawn for pair in own]
        write_knowledge(Path(folder) / "k", title="FAQ", documents=documents, pairs=pairs)
        found = entries_of_knowledge(load_knowledge(Path(folder) / "k"))

    def said(entries: Sequence[FaqEntry]) -> set[tuple[str, str]]:
        return {(normalise(w) or w, e.answer) for e in entries for w in e.wordings}

    assert said(found) == said((plain, *ours))
    assert {e.question for e in found} <= {e.question for e in (plain, *ours)}
