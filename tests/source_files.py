"""Documents in other formats and a website to fetch them from, made for the tests."""

from __future__ import annotations

import gzip
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

from bot.documents.blocks import LIST_ITEM, split_blocks

SENTENCE = "A lamp may be returned within 30 days of its delivery."

PAGE = f"""<!doctype html><html lang="en"><head><title>Returns | Brightlamp</title>
<script>var evil = "Scripts are no text to quote.";</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/shop">Our whole shop</a></li></ul></nav>
<div class="cookie-banner"><p>We use cookies to improve your experience on this site.</p></div>
<main><article><h1>Returns</h1><p>{SENTENCE} The buyer
pays for <b>postage</b>, and <del>never</del> always keeps
the receipt of the <code>parcel</code> shop.</p><pre><code>one
two</code></pre>
<h2>How to return a lamp</h2>
<ol><li>Pack the lamp in its box.</li><li>Print the label:<ul><li>from your account, or</li>
<li>from the e-mail.</li></ul></li><li><p>Hand it in at</p><p>a parcel <i>sh</i>op.</p></li></ol>
<h2>How long it takes</h2>
<table><tr><th>Country</th><th>Days</th></tr><tr><td>Ire<b>land</b></td><td>3</td></tr></table>
<h3>What is not taken back</h3><p>Bulbs are not taken back.<br>Gift cards are not either.</p>
</article></main>
<footer><p>© 2026 Brightlamp Ltd. All rights reserved.</p></footer></body></html>
"""


def page(title: str, text: str) -> str:
    """A plain web page."""
    return (
        f"<html><head><title>{title}</title></head><body><article><h1>{title}</h1>"
        f"<p>{text}</p></article></body></html>"
    )


def pdf(pages: int = 3, *, password: str | None = None) -> bytes:
    """A handbook: headings, paragraphs, lists, a table; a header and a footer on each page."""
    from reportlab.lib.pagesizes import A5
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import (
        ListFlowable,
        ListItem,
        PageBreak,
        Paragraph,
        SimpleDocTemplate,
        Table,
    )

    style = getSampleStyleSheet()
    story: list[Any] = [Paragraph("The Brisk Lamp Handbook", style["Title"])]
    for number in range(1, pages + 1):
        story += [
            Paragraph(f"Chapter {number}", style["Heading2"]),
            Paragraph(
                f"Lamp number {number} is cleaned with a soft and dry cloth after it has cooled "
                "down. Its bulb is changed by an electrician, for the socket is under current.",
                style["BodyText"],
            ),
            ListFlowable(
                [
                    ListItem(Paragraph(t, style["BodyText"]))
                    for t in ("Unplug it.", "Wait a while.")
                ],
                bulletType="bullet",
            ),
            Table([["Country", "Days"], ["Ireland", str(number)], ["France", str(number + 2)]]),
            PageBreak(),
        ]

    def margins(canvas: Any, document: Any) -> None:
        canvas.drawString(50, 570, "Brisk Lamps Limited")
        canvas.drawString(50, 20, f"Handbook, page {document.page}")

    out = BytesIO()
    locked = StandardEncryption(password) if password else None
    SimpleDocTemplate(out, pagesize=A5, encrypt=locked).build(
        story[:-1], onFirstPage=margins, onLaterPages=margins
    )
    return out.getvalue()


def pdf_of_lines(pages: Sequence[Sequence[str]], *, boxes: bool = False) -> bytes:
    """A PDF whose pages have these lines, 14 points apart; `boxes` draws a picture on each."""
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    canvas = Canvas(out, pagesize=(400, 600))
    for lines in pages:
        if boxes:
            canvas.rect(100, 100, 200, 200, fill=1)
        for number, line in enumerate(lines):
            canvas.drawString(40, 550 - 14 * number, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def pdf_of_letters(pages: Sequence[Sequence[tuple[float, str, float, str]]]) -> bytes:
    """A PDF of lines that are (height from below, font, size, text) each."""
    from reportlab.pdfgen.canvas import Canvas

    out = BytesIO()
    canvas = Canvas(out, pagesize=(400, 600))
    for lines in pages:
        for height, font, size, text in lines:
            canvas.setFont(font, size)
            canvas.drawString(40, height, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def docx(path: Path) -> Path:
    """A Word document: title, headings, lists in two depths, a table, a tracked change."""
    import docx as python_docx
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    made = python_docx.Document()
    made.add_heading("The Brisk Lamp", 0)
    made.add_heading("Cleaning", 1)
    paragraph = made.add_paragraph("The lamp is cleaned with ")
    paragraph.add_run("a soft cloth").bold = True
    for tag, word in (("ins", "t"), ("del", "delText")):
        change = (
            f'<w:{tag} {nsdecls("w")} w:id="1" w:author="A"><w:r><w:{word} xml:space="preserve">'
        )
        text = ", never with water" if tag == "ins" else ", or with water"
        paragraph._p.append(parse_xml(f"{change}{text}</w:{word}></w:r></w:{tag}>"))
    paragraph.add_run(".")
    for text in ("Unplug the lamp.", "Wait for ten minutes."):
        made.add_paragraph(text, style="List Number")
    made.add_paragraph("A cloth", style="List Bullet")
    made.add_paragraph("of cotton", style="List Bullet 2")
    table = made.add_table(2, 2)
    for row, cells in enumerate((("Country", "Days"), ("Ireland", "3"))):
        for column, text in enumerate(cells):
            table.cell(row, column).text = text
    made.add_heading("Warranty", 2)
    made.add_paragraph("The warranty lasts two years.\nKeep the receipt.")
    made.sections[0].footer.paragraphs[0].text = "Brisk Lamps Limited"
    made.save(str(path))
    return path


def in_formats(text: str, folder: Path) -> list[Path]:
    """An article as a web page, a Word document and a PDF, heading by heading and list by list."""
    import docx as python_docx
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import ListFlowable, ListItem, Paragraph, SimpleDocTemplate

    style = getSampleStyleSheet()
    story: list[Any] = []
    word = python_docx.Document()
    page = []
    for block in split_blocks(text):
        said = " ".join(block.span.of(text).split())
        if block.kind == "heading":
            story.append(Paragraph(escape(block.title), style["Heading2"]))
            word.add_heading(block.title, 2)
            page.append(f"<h2>{escape(block.title)}</h2>")
        elif block.kind == "list":
            items = [LIST_ITEM.sub("", line) for line in block.span.of(text).splitlines()]
            shown = [ListItem(Paragraph(escape(item), style["BodyText"])) for item in items]
            story.append(ListFlowable(shown, bulletType="bullet"))
            for item in items:
                word.add_paragraph(item, style="List Bullet")
            page.append(f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>")
        elif block.kind != "aside":
            story.append(Paragraph(escape(said), style["BodyText"]))
            word.add_paragraph(said)
            page.append(f"<p>{escape(said)}</p>")
    files = [folder / f"article.{suffix}" for suffix in ("html", "docx", "pdf")]
    menu = "<nav><a href=/>Home</a></nav>"
    files[0].write_text(f"<html><body>{menu}<main>{''.join(page)}</main></body></html>")
    word.save(str(files[1]))
    SimpleDocTemplate(str(files[2])).build(story)
    return files


@dataclass
class Answer:
    """What a path of the website is answered with; `drip` seconds between the bytes of the body."""

    body: bytes = b""
    type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    drip_head: float = 0.0


class Website:
    """A server on loopback; `answers` by path, `asked` the paths in order."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, Answer | Callable[[str], Answer]] = {}
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append(self.path)
                answer = site.answers.get(self.path, Answer(b"gone", status=404))
                site._send(self, answer(self.path) if callable(answer) else answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.port = self._server.server_port
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self._closing = threading.Event()

    def put(self, path: str, body: str | bytes, type: str = Answer.type, **more: Any) -> str:
        """Answer `path` with `body`; its address."""
        data = body.encode() if isinstance(body, str) else body
        self.answers[path] = Answer(data, type, **more)
        return self.url + path

    def redirect(self, path: str, to: str) -> str:
        self.answers[path] = Answer(status=302, headers={"Location": to})
        return self.url + path

    def sitemap(self, path: str, pages: Sequence[str] = (), maps: Sequence[str] = ()) -> str:
        """A sitemap of addresses on this site (or whole ones); packed where `path` ends so."""
        kind, name = ("sitemapindex", "sitemap") if maps else ("urlset", "url")
        listed = [a if "://" in a else self.url + a for a in (maps or pages)]
        text = f'<?xml version="1.0"?><{kind} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        text += "".join(f"<{name}><loc>\n{a}</loc></{name}>" for a in listed) + f"</{kind}>"
        if path.endswith(".gz"):
            return self.put(path, gzip.compress(text.encode()), "application/gzip")
        return self.put(path, text, "application/xml")

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        try:
            if answer.drip_head:
                self._drip(handler, b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000, answer.drip_head)
                return
            handler.send_response(answer.status)
            handler.send_header("Content-Type", answer.type)
            handler.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                handler.send_header(name, value)
            handler.end_headers()
            if answer.drip:
                self._drip(handler, answer.body, answer.drip)
            else:
                handler.wfile.write(answer.body)
        except OSError:  # the other side has had enough
            pass

    def _drip(self, handler: BaseHTTPRequestHandler, data: bytes, seconds: float) -> None:
        for byte in data:
            if self._closing.is_set():
                return
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(seconds)
