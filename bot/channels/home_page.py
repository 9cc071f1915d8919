"""The first page: what the bot knows, the chat live, and how to put it on a website.

Whole without JavaScript; `web/home.js` adds the configurator and asks the listed questions in the
chat of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bot.channels.markup import Markup, element, safe_link
from bot.channels.pages import Look, composer, frame, page_with, suggestion_form
from bot.channels.topics import Topic
from bot.channels.widget import Widget

SHOWN = 8  # questions of a topic before the rest is unfolded
THEMES = (("auto", "As the visitor's device"), ("light", "Light"), ("dark", "Dark"))
CONTRAST = ("contrast", "High contrast")
_CALLS = (
    ("POST", "/api/ask", "A question in, a reply out: the quote, its passage, where it stands"),
    ("GET", "/api/suggestions", "Questions it can answer, for one that was begun"),
    ("POST", "/api/feedback", "Whether a reply helped"),
    ("GET", "/api/about", "Title, documents and their disclaimers"),
    ("DELETE", "/api/conversations/{id}", "Forget a conversation"),
)


def sites_page(look: Look, sites: Sequence[tuple[str, str, int]]) -> Markup:
    """The first page of a server of several sites: (title, address, questions) of each."""
    return page_with(
        look,
        look.title,
        element("header", element("h1", look.title)),
        element(
            "main",
            element(
                "ul",
                *(
                    element("li", element("a", title, href=address), f" · {count:,} questions")
                    for title, address, count in sites
                ),
            ),
        ),
    )


def home_page(
    look: Look,
    about: Mapping[str, Any],
    suggestions: Sequence[str],
    topics: Sequence[Topic],
    widget: Widget,
    origin: str,
) -> Markup:
    """`about` is what /api/about says; `origin` is this server's, as the browser names it."""
    address = f"{origin}{look.base}"
    answerable = sum(len(topic.questions) + topic.more for topic in topics)
    return frame(
        look,
        f"{look.title} · Quoth",
        element("a", "Skip to the content", href="#main", class_="skip"),
        _top(look.base),
        element(
            "main",
            _hero(look, answerable, len(about["documents"]), suggestions),
            _knows(topics, look.base),
            _embed(look, widget, origin),
            _api(address, look.base),
            _documents(about["documents"], look.base),
            id="main",
        ),
        element(
            "footer",
            element("p", look.privacy),
            element(
                "p",
                element("a", "Ask without JavaScript", href=f"{look.base}/ask"),
                Markup(" · "),
                element("a", "API description", href="/openapi.json"),
            ),
        ),
        script="home.js",
        more=(
            element("link", rel="stylesheet", href=look.static("home.css")),
            # It only makes <quoth-chat> known: the page has its own.
            element(
                "script",
                src=f"{look.base}{widget.path}",
                integrity=widget.integrity,
                crossorigin="anonymous",
                defer=True,
                data_element="none",
            ),
        ),
        class_="home",
    )


def _top(base: str) -> Markup:
    links = (("knows", "What it knows"), ("embed", "On your site"), ("api", "API"))
    return element(
        "header",
        element(
            "a",
            element("span", "“", class_="sign", aria_hidden="true"),
            "Quoth",
            href=f"{base}/",
            class_="brand",
        ),
        element(
            "nav",
            *(element("a", text, href=f"#{id}") for id, text in links),
            element("a", "Sources", href="#sources"),
            aria_label="On this page",
        ),
    )


def _hero(look: Look, answerable: int, documents: int, suggestions: Sequence[str]) -> Markup:
    facts = (
        (f"{answerable:,}", "questions it answers" if answerable != 1 else "question it answers"),
        (f"{documents:,}", "documents it quotes" if documents != 1 else "document it quotes"),
        ("0", "facts of its own"),
    )
    return element(
        "section",
        element(
            "div",
            element("p", look.title, class_="kicker"),
            element("h1", "Answers in the document’s own words."),
            element(
                "p",
                "Ask in yours. Quoth finds the sentence that answers, quotes it word for word and "
                "shows where it stands. Where nothing answers, it says so and offers what it "
                "can answer.",
                class_="lead",
            ),
            element(
                "dl",
                *(
                    element("div", element("dt", text), element("dd", number))
                    for number, text in facts
                ),
                class_="facts",
            ),
            class_="pitch",
        ),
        element(
            "quoth-chat",
            # Shown until the chat is there, and where there is no JavaScript.
            element(
                "div",
                suggestion_form(suggestions, "", "You could ask", look.base),
                composer(look, "", ""),
                class_="plain-chat",
            ),
            mode="inline",
            id="live",
        ),
        class_="hero",
        aria_label="Ask",
    )


def _knows(topics: Sequence[Topic], base: str) -> Markup:
    return element(
        "section",
        element("h2", "What it knows"),
        element(
            "p",
            "Every question below has an answer that stands in a source. Other wordings find it "
            "too: these are the owner’s.",
            class_="intro",
        ),
        element("div", *(_topic(topic, base) for topic in topics), class_="topics"),
        id="knows",
    )


def _topic(topic: Topic, base: str) -> Markup:
    rest = topic.questions[SHOWN:]
    more = len(rest) + topic.more
    return element(
        "article",
        element(
            "h3",
            topic.name,
            element("span", f"{len(topic.questions) + topic.more:,}", class_="count"),
        ),
        _questions(topic.questions[:SHOWN], base),
        element(
            "details",
            element("summary", f"{more:,} more"),
            _questions(rest, base),
            element("p", f"and {topic.more:,} others", class_="soft") if topic.more else None,
        )
        if more
        else None,
        class_="topic",
    )


def _questions(questions: Sequence[str], base: str) -> Markup:
    return element(
        "form",
        element(
            "ul",
            *(
                element("li", element("button", text, type="submit", name="question", value=text))
                for text in questions
            ),
        ),
        method="post",
        action=f"{base}/ask",
    )


def _embed(look: Look, widget: Widget, origin: str) -> Markup:
    return element(
        "section",
        element("h2", "On your website"),
        element(
            "p",
            "One line in your page. It loads at most 25 kB, sets no cookie, and works under the "
            "strictest content security policy.",
            class_="intro",
        ),
        element("div", _configurator(), _preview(look), class_="workbench"),
        element(
            "div",
            element("h3", "The line to copy", id="snippet-name"),
            element("button", "Copy", type="button", id="copy", class_="quiet", hidden=True),
            element("p", id="copied", role="status", class_="soft"),
            class_="bar",
        ),
        element(
            "pre",
            element("code", snippet(widget, f"{origin}{look.base}"), id="snippet"),
            tabindex="0",
            role="region",
            aria_labelledby="snippet-name",
            data_src=f"{look.base}{widget.path}",
            data_integrity=widget.integrity,
        ),
        element(
            "details",
            element("summary", "Before it works on your site"),
            element(
                "ul",
                element(
                    "li",
                    "Let your site ask here: start the server with ",
                    element("code", "QUOTH_ALLOWED_ORIGINS=https://www.example.org"),
                    " (your origin; several with commas).",
                ),
                element(
                    "li",
                    "With a content security policy of your own, allow ",
                    element("code", f"script-src {origin}; connect-src {origin}"),
                    ".",
                ),
                element(
                    "li",
                    "The line names one version by its hash, so that nothing else can be run in "
                    "its place. After an update of Quoth copy it anew; or name ",
                    element("code", f"{origin}{look.base}/widget.js"),
                    " without a hash, which is always the newest.",
                ),
            ),
            class_="notes",
        ),
        id="embed",
    )


def snippet(widget: Widget, address: str) -> str:
    """The script tag that puts the chat of the site at `address` on a page."""
    return (
        f'<script src="{address}{widget.path}"\n'
        f'  integrity="{widget.integrity}"\n'
        '  crossorigin="anonymous" defer></script>'
    )


def _configurator() -> Markup:
    def choice(name: str, label: str, options: Sequence[tuple[str, str]]) -> Markup:
        return element(
            "label",
            label,
            element("select", *(element("option", t, value=v) for v, t in options), name=name),
        )

    def text(name: str, label: str, **more: str) -> Markup:
        return element("label", label, element("input", name=name, autocomplete="off", **more))

    return element(
        "form",
        choice("mode", "Place", (("floating", "Button in the corner"), ("inline", "In the page"))),
        choice("position", "Corner", (("end", "End of the line"), ("start", "Start of the line"))),
        choice("theme", "Theme", (*THEMES, CONTRAST)),
        choice("lang", "Language", (("", "As your page"), ("en", "English"), ("de", "Deutsch"))),
        choice(
            "dir",
            "Direction",
            (("", "As your page"), ("ltr", "Left to right"), ("rtl", "Right to left")),
        ),
        text("accent", "Accent", type="color", value="#0b6068"),
        text("heading", "Title", placeholder="as the knowledge"),
        text("contact", "Talk to a person", type="url", placeholder="https://… or mailto:…"),
        id="configurator",
        aria_label="How it looks",
        hidden=True,
    )


def _preview(look: Look) -> Markup:
    lines = (element("span") for _ in range(9))
    return element(
        "div",
        element("div", *lines, class_="mock", aria_hidden="true"),
        id="preview",
        hidden=True,
    )


def _api(address: str, base: str) -> Markup:
    example = (
        f"curl {address}/api/ask \\\n"
        "  -H 'Content-Type: application/json' \\\n"
        '  -d \'{"question": "…"}\''
    )
    calls = (
        element(
            "div",
            element("dt", element("code", f"{method} {base}{path}")),
            element("dd", text),
        )
        for method, path, text in _CALLS
    )
    return element(
        "section",
        element("h2", "API"),
        element(
            "p",
            "The same replies as JSON, described in ",
            element("a", "OpenAPI", href="/openapi.json"),
            ".",
            class_="intro",
        ),
        element(
            "pre",
            element("code", example),
            tabindex="0",
            role="region",
            aria_label="An example",
        ),
        element("dl", *calls, class_="calls"),
        id="api",
    )


def _documents(documents: Sequence[Mapping[str, Any]], base: str) -> Markup:
    return element(
        "section",
        element("h2", "Sources"),
        element(
            "ul",
            *(_document(document, base) for document in documents),
            class_="documents",
        ),
        id="sources",
    )


def _document(document: Mapping[str, Any], base: str) -> Markup:
    original = safe_link(document["url"])
    return element(
        "li",
        element("a", document["title"], href=f"{base}/source/{quote(document['id'], safe='')}"),
        element("p", element("a", "The original", href=original, rel="noopener"))
        if original
        else None,
        element("p", document["disclaimer"], class_="soft") if document["disclaimer"] else None,
    )
