"""Broken and hostile sources: each is refused with what is wrong and what to do, in bounded memory
and time, and stops nothing else."""

from __future__ import annotations

import gzip
import os
import resource
import ssl
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from source_files import PAGE, SENTENCE, Answer, Website, docx, page, pdf, pdf_of_lines

from bot.egress import http_client
from bot.errors import DocumentError
from bot.sources import fetching
from bot.sources.confined import Confined
from bot.sources.fetching import Fetcher
from bot.sources.originals import Original
from bot.sources.sitemap import read_sitemap
from bot.sources.sources import MAX_SITEMAPS, Refused, Sources

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
    "empty.pdf": (lambda: b"", "is no PDF, or one cut short. Get it anew"),
    "cut.pdf": (lambda: pdf()[:2500], "is no PDF, or one cut short. Get it anew"),
    "noise.pdf": (lambda: b"%PDF-1.7\n" + os.urandom(9000) + b"%%EOF", "is a damaged PDF. Open"),
    "a-page.pdf": (PAGE.encode, "is no PDF, or one cut short."),
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
    "bomb.docx": (lambda: word(bytes(45 * MEGABYTE)), "unpacks to 45 MB in"),
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


@pytest.fixture(scope="module")
def site() -> Iterator[Website]:
    site = Website()
    yield site
    site.close()


def refusal(*names: str, **options: bool) -> str:
    """Why the last of `names` is not taken; it is an error where anything is."""
    with Sources(names, **options) as sources:
        found = list(sources)
    assert all(isinstance(one, Refused) for one in found), found
    return str(found[-1])


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1/", "is not fetched: 127.0.0.1 is not a public address. If it is a"),
        ("http://localhost/", "is not fetched: localhost is not a public address."),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254 is not a public address"),
        ("http://[::1]/", "is not a public address"),
        ("http://[::ffff:127.0.0.1]/", "is not a public address"),
        ("http://2130706433/", "is not a public address"),
        ("http://0x7f.1/", "is not a public address"),
        ("http://100.64.0.1/", "is not a public address"),
        ("http://10.0.0.1:8080/", "port 8080 of 10.0.0.1 is not one of the web"),
        ("http://a:b@127.0.0.1/", "it is no address of http or https, or names a user"),
        ("http://[::1", "it is no address of http or https"),
        ("http://xn--a/", "it is no address of http or https"),
        ("http://a..example/", "it is no address of http or https"),
        (f"http://{'a' * 64}.example/", "it is no address of http or https"),
        ("http:///path", "it is no address of http or https"),
        ("https://no-such-host.invalid/", "can't be reached (no-such-host.invalid has no address)"),
        ("file:///etc/passwd", "only addresses of http and https are fetched."),
        ("ftp://example.org/a.txt", "only addresses of http and https are fetched."),
        ("gopher://example.org/", "only addresses of http and https are fetched."),
    ],
)
def test_an_address_leads_to_public_machines_only(address: str, says: str) -> None:
    assert says in refusal(address)


def test_a_named_private_machine_is_trusted_and_no_other(site: Website) -> None:
    other = Website()
    other.put("/secret", PAGE)
    try:
        for place in ("/secret", "/secret#x"):
            away = site.redirect("/away", other.url + place)
            why = refusal(away, allow_private=True)
            assert f"leads to {other.url}/secret, which is not fetched: port {other.port}" in why
        assert other.asked == []
        assert "is not fetched: port" in refusal(site.put("/here", PAGE))
    finally:
        other.close()


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("http://169.254.169.254/", "169.254.169.254 is not a public address"),
        ("http://localhost/", "localhost is not a public address"),
        (
            "file:///etc/passwd",
            "leads to file:///etc/passwd, which is not fetched: it is no address",
        ),
        ("/a", "redirects in a circle, by way of"),
        ("http://no-such-host.invalid/x", "leads to http://no-such-host.invalid/x, which can't be"),
        ("http://[::1", "can't be reached (Invalid URL in location header"),
    ],
)
def test_every_redirect_is_checked(site: Website, to: str, says: str) -> None:
    site.redirect("/a", "/b")
    assert says in refusal(site.redirect("/b", to), allow_private=True)


def test_redirects_without_end_are_given_up(site: Website) -> None:
    for number in range(9):
        site.redirect(f"/r/{number}", f"/r/{number + 1}")
    assert "redirects more than 5 times." in refusal(site.url + "/r/0", allow_private=True)


ANSWERS = {
    "gone": (Answer(status=404), "is not there (404 Not Found). Check"),
    "login": (Answer(status=403), "may not be read without a login (403 Forbidden). Save it"),
    "busy": (Answer(status=503, headers={"Retry-After": "7"}), "Try again in 7 seconds."),
    "teapot": (Answer(status=418), "is answered with 418"),
    "picture": (Answer(b"\x89PNG", "image/png"), "is image/png, which is not read. Give a page"),
    "untyped": (Answer(b"?", ""), "comes without a type and is not read. Give a page"),
    "brotli": (Answer(b"?", headers={"Content-Encoding": "br"}), "is packed as 'br', which is not"),
    "short": (
        Answer(b"<p>", headers={"Content-Length": "9", "Connection": "close"}),
        "can't be re",
    ),
    "cut-gzip": (
        Answer(gzip.compress(PAGE.encode())[:-12], headers={"Content-Encoding": "gzip"}),
        "is cut short, or packed wrongly. Try",
    ),
    "cut.xml.gz": (
        Answer(gzip.compress(b"<urlset></urlset>")[:-12], "application/gzip"),
        "is no sound gzip file.",
    ),
    "not-gzip": (
        Answer(b"<p>", headers={"Content-Encoding": "gzip"}),
        "is packed wrongly. Save it",
    ),
    "feed": (Answer(b"<rss/>", "application/xml"), "is XML, but no sitemap (it begins with <rss>)"),
    "cut-map": (Answer(b"<urlset><url>", "text/xml"), "line 1: is no well-formed XML ("),
    "bare-map": (Answer(b"<urlset></urlset>", "text/xml"), "is a sitemap that lists nothing."),
    "laughing-map": (
        Answer(f"{LAUGHS}<urlset><url><loc>&k;</loc></url></urlset>".encode(), "text/xml"),
        "line 1: is no well-formed XML (",
    ),
    "map.xml.gz": (Answer(b"\x1f\x8b nothing", "application/gzip"), "is no sound gzip file."),
    "bomb.xml.gz": (Answer(zeros(60, 31), "application/gzip"), "unpacks to more than 50 MB."),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_that_is_no_document_is_named(site: Website, name: str) -> None:
    answer, says = ANSWERS[name]
    site.answers[f"/{name}"] = answer
    why = refusal(f"{site.url}/{name}", allow_private=True)
    assert why.startswith(f"{site.url}/{name}: ")
    assert says in why


def test_a_packed_bomb_is_not_unpacked_whole(
    site: Website, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 3 * MEGABYTE)
    bomb = site.put("/bomb", zeros(64, 31), headers={"Content-Encoding": "gzip"})
    with pytest.raises(DocumentError, match="is larger than 3 MB"):
        Fetcher(tmp_path, {("127.0.0.1", site.port)}).fetch(bomb)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 3 * MEGABYTE


def test_what_is_packed_is_unpacked(site: Website, tmp_path: Path) -> None:
    packed = gzip.compress(PAGE.encode())
    address = site.put("/packed", packed, headers={"Content-Encoding": "gzip"})
    found = Fetcher(tmp_path, {("127.0.0.1", site.port)}).fetch(address)
    assert found.path.read_text() == PAGE


def test_what_is_packed_in_pieces_is_unpacked_whole(site: Website, tmp_path: Path) -> None:
    whole, trusted = PAGE.encode(), {("127.0.0.1", site.port)}
    pieces = b"".join(gzip.compress(whole[at : at + 90]) for at in range(0, len(whole), 90))
    address = site.put("/pieces", pieces + b"\0\n", headers={"Content-Encoding": "gzip"})
    assert Fetcher(tmp_path, trusted).fetch(address).path.read_bytes() == whole
    urls = "".join(f"<url><loc>http://a.example/{number}</loc></url>" for number in range(9))
    text = f"<urlset>{urls}</urlset>".encode()
    file = tmp_path / "map.xml.gz"
    file.write_bytes(gzip.compress(text[:50]) + gzip.compress(text[50:]))
    assert len(read_sitemap(file).pages) == 9


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody has signed, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    files[1].write_bytes(pem)
    return files


def test_a_certificate_is_checked_also_under_a_deadline(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(cert, key)
    trusting = ssl.create_default_context(cafile=str(cert))
    site = Website(served)
    try:
        address = site.put("/a", PAGE)
        host = frozenset({("127.0.0.1", site.port)})
        deadline = time.monotonic() + 10
        with http_client(host, httpx.Timeout(5.0), lambda: deadline, tls=trusting) as client:
            assert client.get(address).text == PAGE
        why = refusal(address, allow_private=True)
        assert "can't be reached ([SSL: CERTIFICATE_VERIFY_FAILED]" in why
        plain = Website()
        plain.redirect("/a", address)
        why = refusal(plain.url + "/a", allow_private=True)
        plain.close()
        assert f"leads to {address}, which is not fetched" in why
    finally:
        site.close()


@pytest.mark.parametrize("slow", [{"drip": 0.05}, {"drip_head": 0.05}])
def test_a_server_that_drips_is_given_up_in_time(
    site: Website, tmp_path: Path, slow: dict[str, float]
) -> None:
    address = site.put("/slow", PAGE * 9, **slow)
    start = time.monotonic()
    with pytest.raises(DocumentError, match="doesn't answer within 1 seconds"):
        Fetcher(tmp_path, {("127.0.0.1", site.port)}, seconds=1.0).fetch(address)
    assert time.monotonic() - start < 8


def test_a_host_that_is_too_slow_again_and_again_is_given_up(site: Website) -> None:
    pages = [f"/drip/{number}" for number in range(50)]
    for path in pages:
        site.put(path, PAGE, drip=0.05)
    start = time.monotonic()
    with Sources([site.sitemap("/drip.xml", pages)], allow_private=True, seconds=0.4) as sources:
        *slow, last = sources
    assert len(slow) == 3
    assert str(last) == (
        f"{site.url}/drip/3: this and 46 more are given up, for 127.0.0.1:{site.port} is too slow. "
        "Try again later."
    )
    assert time.monotonic() - start < 15


def test_a_sitemap_in_a_circle_or_without_end_ends(site: Website) -> None:
    site.sitemap("/c/b.xml", maps=["/c/a.xml"])
    site.put("/c/page", PAGE)
    site.sitemap("/c/pages.xml", ["/c/page"])
    site.sitemap("/c/a.xml", maps=["/c/b.xml", "/c/a.xml", "/c/pages.xml"])
    with Sources([site.url + "/c/a.xml"], allow_private=True) as sources:
        assert [found.name for found in sources] == [site.url + "/c/page"]
    assert site.asked.count("/c/a.xml") == site.asked.count("/c/b.xml") == 1

    def another(path: str) -> Answer:
        number = int(path[len("/endless/") : -len(".xml")]) + 1
        listed = f"<sitemap><loc>{site.url}/endless/{number}.xml</loc></sitemap>"
        return Answer(f"<sitemapindex>{listed}</sitemapindex>".encode(), "application/xml")

    for number in range(MAX_SITEMAPS + 2):
        site.answers[f"/endless/{number}.xml"] = another
    why = refusal(site.url + "/endless/0.xml", allow_private=True)
    assert f"is one sitemap more than the {MAX_SITEMAPS} that are read." in why
    assert len([path for path in site.asked if "endless" in path]) == MAX_SITEMAPS + 1


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never.html")  # whoever opens it waits
    (tmp_path / "good.pdf").write_bytes(pdf(1))
    with Confined(seconds=1.5) as confined:
        start = time.monotonic()
        with pytest.raises(DocumentError, match="takes longer than 2 seconds to read"):
            confined.extract(Original(tmp_path / "never.html", "never.html"))
        assert time.monotonic() - start < 15
        confined._seconds = 60.0  # a new process on a busy machine takes its time too
        assert "Lamp number 1" in confined.extract(Original(tmp_path / "good.pdf", "")).text
