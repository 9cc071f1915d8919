"""The pages as a browser without JavaScript gets them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bot import SmallBot, article, small_knowledge, small_site

from bot.channels.markup import Markup, element, joined, safe_link
from bot.channels.pages import WEB, Look, chat_page, reply_markup, source_link
from bot.channels.source_page import source_page
from bot.documents.documents import document_from_text
from bot.types import Span

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)> \"' &amp; javascript:alert(1)"
LOOK = Look("Title", "en", 2000, "Privacy.")
MARKDOWN = f"""# Care guide

## Eating {EVIL}

Eat what you like. {EVIL} Drink water.

- first
- second

| a | b |
|---|---|
| 1 | 2 |
"""


class Page(HTMLParser):
    """The page's elements in order, as (name, attributes, all text inside)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(text)
        self.close()
        assert not self.open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {k: v or "" for k, v in attrs}, []))
        if tag not in ("br", "hr", "img", "input", "link", "meta"):
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, text in self.open:
            text.append(data)

    def all(self, name: str) -> list[tuple[dict[str, str], str]]:
        return [(attrs, "".join(text)) for tag, attrs, text in self.elements if tag == name]

    def one(self, name: str, **wanted: str) -> tuple[dict[str, str], str]:
        found = [
            one for one in self.all(name) if all(one[0].get(k) == v for k, v in wanted.items())
        ]
        assert len(found) == 1, (name, wanted, len(found))
        return found[0]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    guide = document_from_text(MARKDOWN, id="care & a/guide", title=f"Guide {EVIL}", source="g.md")
    bot = SmallBot(small_knowledge(guide))
    with small_site(tmp_path_factory.mktemp("site"), bot) as client:
        yield client


def post(client: httpx.Client, **fields: str) -> Page:
    response = client.post("/ask", data=fields)
    assert response.status_code == 200
    return Page(response.text)


def test_the_first_page_offers_questions_as_buttons_of_a_form(client: httpx.Client) -> None:
    response = client.get("/ask")
    page = Page(response.text)
    assert page.one("html")[0]["lang"] == "en"
    assert [a["value"] for a, _ in page.all("button") if a.get("name") == "question"] == [
        "Is MS fatal?",
        "Is ALS fatal?",
    ]
    form = page.one("form", id="ask")[0]
    assert (form["method"], form["action"]) == ("post", "/ask")
    assert page.one("textarea")[0]["maxlength"] == "2000"
    assert page.one("a", href="/source/ms-vs-als")[1] == "MS vs. ALS"


def test_an_answer_is_a_quote_with_its_passage_source_and_disclaimer(client: httpx.Client) -> None:
    page = post(client, question="is ALS fatal?")
    quote = client.post("/api/ask", json={"question": "is ALS fatal?"}).json()["citations"][0]
    source = f"/source/ms-vs-als?start={quote['start']}&end={quote['end']}"
    link = f"{source}#{quote['start']}-{quote['end']}"
    assert page.one("blockquote")[0]["cite"] == link
    assert quote["quote"] in [text for _, text in page.all("p")]
    assert page.one("mark")[1] == quote["quote"], "the quote stands marked in its paragraph"
    assert page.one("a", href=link)[0]["rel"] == "noopener"
    disclaimer = page.one("details", **{"class": "disclaimer"})
    assert "does not provide medical advice" in disclaimer[1]
    assert "open" in disclaimer[0]


def test_a_conversation_goes_on_through_the_hidden_field(client: httpx.Client) -> None:
    page = post(client, question="is ALS fatal?")
    ids = {a["value"] for a, _ in page.all("input") if a.get("name") == "conversation_id"}
    assert len(ids) == 1
    page = post(client, question="and MS?", conversation_id=ids.pop())
    assert page.one("p", **{"class": "understood"})[1] == "Understood as: Is MS fatal?"


def test_a_suggestion_is_asked_by_its_button_in_the_same_conversation(client: httpx.Client) -> None:
    page = post(client, question="what about the weather?")
    values = [a["value"] for a, _ in page.all("button") if a.get("name") == "question"]
    assert values == ["Is MS fatal?", "Is ALS fatal?"]
    texts = [text for _, text in page.all("p")]
    assert "The article doesn't cover this. You can ask:" in texts
    assert "1. Is MS fatal?" not in texts, "what is a button is not a line as well"


def test_a_question_in_the_address_is_answered_too(client: httpx.Client) -> None:
    response = client.get("/ask", params={"question": "is MS fatal?"})
    assert "not a fatal disease" in response.text
    assert client.get("/ask").status_code == 200


@pytest.mark.parametrize("question", ["", "  ", "x" * 2001])
def test_a_question_that_cannot_be_taken_is_said_in_the_page(
    client: httpx.Client, question: str
) -> None:
    response = client.post("/ask", data={"question": question})
    assert response.status_code == 422
    page = Page(response.text)
    assert page.one("p", role="alert")[1].startswith("The question")
    assert page.one("textarea")[1] == question[:2000], "what was written is still there"


@pytest.mark.parametrize("question", [EVIL, EVIL + " fatal", "</textarea>" + EVIL])
def test_markup_in_a_question_stays_text(client: httpx.Client, question: str) -> None:
    page = post(client, question=question)
    assert page.one("p", **{"class": "asked"})[1] == question
    assert not page.all("script")
    assert not page.all("img")


def test_no_page_has_a_script_or_style_of_its_own(client: httpx.Client) -> None:
    for path in ("/", "/ask?question=is+MS+fatal", "/source/ms-vs-als?start=0&end=20"):
        page = Page(client.get(path).text)
        assert [text for _, text in page.all("script") if text] == []
        assert not page.all("style")
        assert not any(
            name == "style" or name.startswith("on") for _, a, _ in page.elements for name in a
        )
        policy = client.get(path).headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy


def test_the_document_is_shown_whole_with_the_quote_marked(client: httpx.Client) -> None:
    document = article()
    found = re.search(r"Unlike ALS, the course.*?person\.", document.text)
    assert found is not None
    start, end = found.span()
    page = Page(client.get(f"/source/ms-vs-als?start={start}&end={end}").text)
    attributes, text = page.one("mark")
    assert text == found.group()
    assert attributes["id"] == f"{start}-{end}"
    assert "Disease course" in [text for _, text in page.all("h2")]
    assert "".join(document.text.split()) in "".join(page.one("main")[1].split())


@pytest.mark.parametrize("place", ["", "?start=5", "?start=9&end=3", "?start=0&end=99999999"])
def test_a_place_that_is_not_there_still_shows_the_document(
    client: httpx.Client, place: str
) -> None:
    response = client.get(f"/source/ms-vs-als{place}")
    assert response.status_code == 200
    assert "<mark" not in response.text
    assert "neurodegenerative" in response.text


def test_a_document_with_markup_and_an_odd_name_is_shown_as_text(client: httpx.Client) -> None:
    link = next(a["href"] for a, _ in Page(client.get("/").text).all("a") if "care" in a["href"])
    page = Page(client.get(link).text)
    assert page.one("h1")[1] == f"Guide {EVIL}"
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert [text.split()[0] for _, text in page.all("h2")] == ["Care", "Eating"]
    assert "| 1 | 2 |" in page.one("pre")[1]


@settings(deadline=None)
@given(st.data())
def test_a_mark_anywhere_shows_exactly_its_text_once(data: st.DataObject) -> None:
    document = article()
    start = data.draw(st.integers(0, len(document.text) - 1))
    end = data.draw(st.integers(start + 1, len(document.text)))
    page = Page(source_page(LOOK, document, Span(start, end)))
    marked = "".join(text for _, text in page.all("mark"))
    assert "".join(marked.split()) == "".join(document.text[start:end].split())
    ids = [a["id"] for a, _ in page.all("mark") if "id" in a]
    assert ids == ([f"{start}-{end}"] if marked else [])


@settings(deadline=None)
@given(st.text(), st.text())
def test_an_element_gives_back_its_text_and_attributes(text: str, value: str) -> None:
    page = Page(element("p", text, title=value))
    attributes, shown = page.one("p")
    # The parser ends lines as HTML does and has no NUL; nothing else may differ.
    assert shown == text
    assert attributes.get("title", "") == value


def test_only_markup_is_left_as_it_is() -> None:
    assert joined("<b>", element("br"), None) == "&lt;b&gt;<br>"
    assert isinstance(joined("x"), Markup)


@pytest.mark.parametrize(
    ("url", "followed"),
    [
        ("https://example.org/a?b=c", True),
        ("http://example.org", True),
        ("MAILTO:a@example.org", True),
        ("javascript:alert(1)", False),
        (" JavaScript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org", False),
        ("http://[", False),
        (None, False),
    ],
)
def test_only_links_to_the_web_and_mail_are_followed(url: str | None, followed: bool) -> None:
    assert (safe_link(url) is not None) is followed
    citation = {"document": "a/b", "url": url, "page": None, "start": 1, "end": 2}
    assert source_link(citation).startswith("/source/a%2Fb?start=1&end=2#1-2") is not followed


def test_two_quotes_are_two_figures() -> None:
    citation: dict[str, Any] = {
        "document": "d",
        "title": "T",
        "url": None,
        "heading": "H",
        "page": None,
        "row": None,
        "quote": "One.",
        "passage": "One.",
        "start": 0,
        "end": 4,
    }
    reply: dict[str, Any] = {
        "kind": "answer",
        "text": "One.",
        "citations": [citation, {**citation, "quote": "Two.", "passage": "Before. Two."}],
        "disclaimer": None,
        "suggestions": [],
        "question": "q",
        "conversation_id": "c",
    }
    page = Page(reply_markup(reply, "q"))
    assert len(page.all("figure")) == 2
    assert len(page.all("details")) == 1, "a quote that is its whole paragraph has no more to show"
    assert {text for _, text in page.all("a")} == {"T · H"}
    assert "Two." in chat_page(LOOK, asked="q", reply=reply)


def test_the_scripts_never_write_html() -> None:
    for script in WEB.rglob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", text
        )


def test_static_files_may_be_kept_by_the_browser(client: httpx.Client) -> None:
    page = Page(client.get("/").text)
    for name, attribute in (("script", "src"), ("link", "href")):
        for attributes, _ in page.all(name):
            response = client.get(attributes[attribute])
            assert response.status_code == 200
            kept = "31536000, immutable" if "/widget/" in attributes[attribute] else "86400"
            assert response.headers["cache-control"] == f"public, max-age={kept}"
            again = client.get(
                attributes[attribute], headers={"if-none-match": response.headers["etag"]}
            )
            assert again.status_code == 304
