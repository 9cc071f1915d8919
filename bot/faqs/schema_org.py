"""schema.org FAQPage as JSON-LD: a file of its own, or in the page of a website.

Texts are HTML there: "&lt;" is "<", and tags give new lines or nothing. `alternateName` holds
other wordings, `url` the source, `identifier` the id and `about` the topic.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from bot.errors import DocumentError
from bot.faqs.delimited import decoded
from bot.faqs.entries import Faq, FaqEntry, Gathering, make_entry, unified
from bot.faqs.json_lines import label

_TYPE = re.compile(r"(?:https?://schema\.org/|schema:)?(\w+)")
_BLOCKS = frozenset("p div ul ol li h1 h2 h3 h4 h5 h6 table tr section article blockquote".split())
_MAX_DEPTH = 40


def faq_of(value: object) -> Faq:
    """The questions of every FAQPage in `value`. Raises DocumentError where there is none."""
    gathering = Gathering()
    number = 0
    pages = list(_pages(value, 0))
    for page in pages:
        for node in _listed(page.get("mainEntity")):
            number += 1
            try:
                gathering.add(_take(node))
            except ValueError as error:
                gathering.fault(number, str(error))
    if not pages:
        raise DocumentError("holds no FAQPage of schema.org; draw from the text of the page")
    return gathering.faq()


def read_html(data: bytes) -> Faq:
    """The FAQ in a page's <script type="application/ld+json">; see `find_json_ld`."""
    found = find_json_ld(decoded(data))
    if not found:
        raise DocumentError("holds no FAQPage of schema.org; draw from the text of the page")
    return faq_of(found)


def find_json_ld(page: str) -> list[object]:
    """The JSON-LD of an HTML page that holds a FAQPage; what is no JSON is passed over."""
    if "FAQPage" not in page:
        return []
    parser = _Scripts()
    parser.feed(page)
    parser.close()
    found = []
    for script in parser.scripts:
        try:
            value = json.loads(script)
        except (ValueError, RecursionError):
            continue
        if next(_pages(value, 0), None) is not None:
            found.append(value)
    return found


def write_json_ld(entries: Sequence[FaqEntry]) -> bytes:
    """Fit to stand in a <script> as it is: "<", ">" and "&" are written as escapes."""
    page = {
        "@context": "https://schema.org",
        "@type": "FAQPage",
        "mainEntity": [_node(entry) for entry in entries],
    }
    text = json.dumps(page, ensure_ascii=False, indent=2)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return (text + "\n").encode("utf-8")


def held_by_json_ld(entry: FaqEntry) -> FaqEntry:
    """`entry` without the metadata that a Question has no property for: all but the topic."""
    topic = tuple(pair for pair in entry.metadata if pair[0] == "topic")
    return FaqEntry(
        entry.question, entry.answer, entry.variants, entry.source, entry.id, metadata=topic
    )


def text_of(markup: str) -> str:
    """The text of HTML: references resolved, a block or <br> a new line, other tags nothing."""
    if "<" not in markup:
        return html.unescape(markup)
    parser = _Text()
    parser.feed(unified(markup))
    parser.close()
    text: list[str] = []
    parted = False
    for piece in parser.pieces:
        if piece is None:
            parted = bool(text)
            continue
        if parted:
            text[-1] = text[-1].rstrip(" ")
            piece = piece.lstrip(" ")
            if not piece:
                continue
            text.append("\n")
            parted = False
        text.append(piece)
    return "".join(text)


def markup_of(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>")


def _node(entry: FaqEntry) -> dict[str, object]:
    node: dict[str, object] = {"@type": "Question", "name": markup_of(entry.question)}
    topic = dict(entry.metadata).get("topic")
    optional: dict[str, object] = {
        "alternateName": [markup_of(variant) for variant in entry.variants],
        "url": entry.source,
        "identifier": entry.id,
        "about": {"@type": "Thing", "name": topic} if topic else None,
    }
    node |= {key: value for key, value in optional.items() if value}
    return node | {"acceptedAnswer": {"@type": "Answer", "text": markup_of(entry.answer)}}


def _take(node: object) -> FaqEntry:
    """Raises ValueError."""
    if not isinstance(node, dict) or "Question" not in _types(node):
        raise ValueError('is no {"@type": "Question"}.')
    name = node.get("name") or node.get("text")
    if not isinstance(name, str):
        raise ValueError('has no "name", which holds the question.')
    answers = [*_listed(node.get("acceptedAnswer")), *_listed(node.get("suggestedAnswer"))]
    texts = [answer.get("text") for answer in answers if isinstance(answer, dict)]
    answer = next((text for text in texts if isinstance(text, str)), None)
    if answer is None:
        raise ValueError('has no "acceptedAnswer" with a "text".')
    about = next((about for about in _listed(node.get("about"))), "")
    topic = label(about.get("name") if isinstance(about, dict) else about)
    others = [other for other in _listed(node.get("alternateName")) if isinstance(other, str)]
    return make_entry(
        [text_of(name), *map(text_of, others)],
        text_of(answer),
        source=label(node.get("url")),
        id=label(node.get("identifier")),
        metadata={"topic": topic},
    )


def _pages(value: object, depth: int) -> Iterator[dict[str, object]]:
    """Every FAQPage in `value`, wherever it hangs."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _pages(item, depth + 1)
    elif isinstance(value, dict):
        if "FAQPage" in _types(value):
            yield value
            return
        for item in value.values():
            yield from _pages(item, depth + 1)


def _types(node: dict[str, object]) -> set[str]:
    kinds = (_TYPE.fullmatch(kind) for kind in _listed(node.get("@type")) if isinstance(kind, str))
    return {kind.group(1) for kind in kinds if kind}


def _listed(value: object) -> list[object]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


class _Parser(HTMLParser):
    """Python's, which refuses a declaration that HTML doesn't know ("<![foo["): to browsers it is a
    comment (WHATWG HTML, 13.2.5.42)."""

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i)


class _Scripts(_Parser):
    """Collects what stands in <script type="application/ld+json">."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = (dict(attrs).get("type") or "").partition(";")[0].strip().lower()
        self._inside = tag == "script" and kind == "application/ld+json"
        if self._inside:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.scripts[-1] += data


class _Text(_Parser):
    """Collects the text; None stands where a block begins or ends."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str | None] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._hidden += 1
        elif tag == "br":
            self.pieces.append("\n")
        elif tag in _BLOCKS:
            self.pieces += (None, "- ") if tag == "li" else (None,)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BLOCKS:
            self.pieces.append(None)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(re.sub(r"[ \t]*\n[ \t\n]*", " ", data))
