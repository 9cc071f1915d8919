"""Broken and hostile sources: each is refused with what is wrong and what to do, in bounded memory
and time, and stops nothing else."""

from __future__ import annotations

import os
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from source_files import PAGE, SENTENCE, docx, page, pdf, pdf_of_lines

from bot.errors import DocumentError
from bot.sources.sources import Refused, Sources

MEGABYTE = 1 << 20
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "haha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
    )
    + "]>"
)


def zipped(parts: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return out.getvalue()


def word(body: bytes = b"", **parts: bytes) -> bytes:
    """A .docx whose word/document.xml is `body`."""
    import docx as python_docx

    plain = BytesIO()
    python_docx.Document().save(plain)
    with zipfile.ZipFile(plain) as package:
        kept = {name: package.read(name) for name in package.namelist()}
    return zipped(kept | ({"word/document.xml": body} if body else {}) | parts)


def body(xml: str, doctype: str = "") -> bytes:
    """A word/document.xml."""
    name = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    root = f'<w:document xmlns:w="{name}"><w:body>{xml}</w:body></w:document>'
    return f'<?xml version="1.0"?>{doctype}{root}'.encode()


def zeros(megabytes: int, wbits: int) -> bytes:
    """So many megabytes of zeros, packed; one megabyte's packing is repeated, which is quick."""
    packer = zlib.compressobj(9, wbits=wbits)
    first = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (megabytes - 1) + packer.flush()


def bomb_pdf() -> bytes:
    """A page whose contents unpack to 4 GB."""
    stream = zeros(4096, 15)
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (len(stream), stream),
    ]
    out = b"%PDF-1.4\n"
    places = []
    for number, part in enumerate(parts, 1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Root 1 0 R/Size 5>>\nstartxref\n%d\n%%%%EOF" % len(out)
    return out + b"xref\n0 5\n0000000000 65535 f \n" + table + end


def lying_docx() -> bytes:
    """A .docx that declares its text to be of 1,000 bytes, and holds more."""
    data = word(body(f"<w:p><w:r><w:t>{SENTENCE * 2000}</w:t></w:r></w:p>"))
    with zipfile.ZipFile(BytesIO(data)) as package:
        size = package.getinfo("word/document.xml").file_size
    return data.replace(struct.pack("<I", size), struct.pack("<I", 1000))


FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty.txt": (lambda: b"", "is empty. Give a file with"),
    "blank.md": (lambda: b" \n\t\n", "is empty. Give a file with"),
    "headings.md": (lambda: b"# One\n\n## Two\n", "holds no sentence, only '# One"),
    "binary.txt": (lambda: bytes(range(256)) * 9, "is no text (a NUL byte at byte 0). Save it"),
    "a-pdf.txt": (pdf, "is a PDF, no text. Name it by its kind."),
    "a-word.txt": (word, "is a Word document or an archive, no text."),
    "latin.txt": (
        lambda: "One.\nHäuser.".encode("latin-1"),
        "line 2: is no UTF-8 (byte 0xe4 at byte 6). Save it as",
    ),
    "cut-utf16.txt": (
        lambda: "Ein Satz.".encode("utf-16") + b"x",
        "line 1: is no UTF-16 (byte 0x78",
    ),
    "empty.pdf": (lambda: b"", "is no PDF, or a damaged one. Open it in a viewer"),
    "cut.pdf": (lambda: pdf()[:2500], "is no PDF, or a damaged one. Open it in a viewer"),
    "noise.pdf": (lambda: b"%PDF-1.7\n" + os.urandom(9000), "is no PDF, or a damaged one."),
    "a-page.pdf": (PAGE.encode, "is no PDF, or a damaged one."),
    "password.pdf": (
        lambda: pdf(1, password="secret"),
        "is protected with a password. Save it without",
    ),
    "pictures.pdf": (
        lambda: pdf_of_lines([[], []], boxes=True),
        "holds no text on its 2 pages, only pictures. Run a text",
    ),
    "bomb.pdf": (bomb_pdf, "breaks what reads it; it is damaged or made to do harm."),
    "empty.docx": (lambda: b"", "is empty. Give a document with"),
    "no-words.docx": (word, "holds no text. Give a document with"),
    "a-text.docx": (SENTENCE.encode, "is no Word document, or one cut short."),
    "cut.docx": (lambda: word()[:9000], "is no Word document, or one cut short."),
    "an-archive.docx": (lambda: zipped({"a.txt": b"x"}), "is a zip archive, but no Word document."),
    "password.docx": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(600),
        "is protected with a password, or an old .doc. Save",
    ),
    "bomb.docx": (lambda: word(bytes(210 * MEGABYTE)), "unpacks to 210 MB in"),
    "parts.docx": (
        lambda: zipped({f"{n}": b"" for n in range(10_001)}),
        "unpacks to 0 MB in 10001 parts",
    ),
    "lying.docx": (lying_docx, "is a damaged Word document ("),
    "deep.docx": (
        lambda: word(body("<w:sdt><w:sdtContent>" * 9000)),
        "is a damaged Word document (",
    ),
    "laughs.docx": (
        lambda: word(body("<w:p><w:r><w:t>&k;</w:t></w:r></w:p>", LAUGHS)),
        "is a damaged Word document (",
    ),
    "not-xml.docx": (lambda: word(b"<w:document"), "is a damaged Word document ("),
    "empty.html": (lambda: b"", "is empty. Give a file with"),
    "scripts.html": (
        lambda: b"<html><body><div id=app></div>" + b"<script>go('A sentence.')</script>" * 999,
        "holds no main text; a page that a script builds",
    ),
    "binary.html": (lambda: b"<html>\0\0" + os.urandom(99), "is no web page (it has NUL bytes)."),
    "unsaid.html": (
        lambda: page("Haus", "Häuser haben Dächer. " * 9).encode("cp1252"),
        "line 1: is no UTF-8 (byte 0xe4), and it doesn't say",
    ),
    "wrong.html": (
        lambda: page("<meta charset=utf-8>", "Häuser haben Dächer. " * 9).encode("cp1252"),
        "has characters that can't be read, near",
    ),
    "deep.html": (lambda: b"<div>" * 5000 + PAGE.encode(), "holds no main text"),
    "huge.html": (lambda: b"<p>" + SENTENCE.encode() * 400_000, "is larger than 20 MB. Split it"),
}
LARGE = {
    "large.txt": ("is larger than 20 MB. Split it", 200),
    "large.pdf": ("is larger than 100 MB.", 101),
}


@dataclass(frozen=True)
class Outcome:
    """What came of a folder of files: what is refused by name, what is taken, at what cost."""

    refused: dict[str, str]
    left_out: dict[str, str]
    taken: list[str]
    seconds: float
    worker_bytes: int


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("hostile")
    for name, (make, _) in FILES.items():
        (folder / name).write_bytes(make())
    for name, (_, megabytes) in LARGE.items():
        with (folder / name).open("wb") as file:
            file.truncate(megabytes * MEGABYTE)
    os.mkfifo(folder / "pipe.txt")
    (folder / "loop.txt").symlink_to("loop.txt")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "up").symlink_to("..")
    (folder / "deeper" / "empty.txt").write_bytes(b"")
    # among them what is sound, or nearly so
    (folder / "good.txt").write_text(SENTENCE)
    (folder / "deeper" / "good.txt").write_text(f"{SENTENCE} Or not.")
    (folder / "zz-good.html").write_text(PAGE)
    docx(folder / "zz-good.docx")
    (folder / "zz-good.pdf").write_bytes(pdf(1))
    refused: dict[str, str] = {}
    left_out: dict[str, str] = {}
    taken: list[str] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.monotonic()
    with Sources([folder]) as sources:
        for found in sources:
            name = str(Path(found.name).relative_to(folder))
            if isinstance(found, Refused):
                (refused if found.wanted else left_out)[name] = found.why
                continue
            try:
                taken.append(sources.document(found, set())[0].source)
            except DocumentError as error:
                refused[name] = str(error)
    seconds = time.monotonic() - start
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 150 * 1024, "kB: what is read here is bounded too"
    return Outcome(refused, left_out, taken, seconds, worker * 1024)


@pytest.mark.parametrize("name", [*FILES, *LARGE])
def test_a_bad_file_is_refused_with_what_is_wrong_and_what_to_do(
    outcome: Outcome, name: str
) -> None:
    says = FILES[name][1] if name in FILES else LARGE[name][0]
    assert outcome.refused[name].startswith(says)
    assert outcome.refused[name].endswith((".", "?")), "there is a remedy"
    assert outcome.refused[name].count(". ") >= 1


def test_what_is_no_file_or_a_link_is_named(outcome: Outcome) -> None:
    assert outcome.refused["pipe.txt"] == "is no file that can be read."
    assert outcome.left_out == dict.fromkeys(
        ("loop.txt", "deeper/up"), "is a link; name its target to take it."
    )


def test_bad_files_stop_nothing_else(outcome: Outcome) -> None:
    assert sorted(outcome.taken) == [
        "good.txt", "good.txt", "zz-good.docx", "zz-good.html", "zz-good.pdf",
    ]  # fmt: skip
    assert set(outcome.refused) == {*FILES, *LARGE, "pipe.txt", "deeper/empty.txt"}


def test_they_cost_bounded_time_and_memory(outcome: Outcome) -> None:
    assert outcome.seconds < 60
    assert outcome.worker_bytes < 1100 * MEGABYTE
