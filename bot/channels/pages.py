"""The HTML pages: the chat as a form, one exchange a page and without JavaScript, and an error."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.channels.markup import Markup, element, joined, safe_link
from bot.readable import readable
from bot.wording import normalise

WEB = Path(__file__).resolve().parent.parent / "web"
_LIST_MARK = re.compile(r"^\s*(?:\d+[.)]|[-*•–])\s*")


@dataclass(frozen=True)
class Look:
    """What all pages of one site share; `version` changes with the static files.

    `base` goes before every address of the site: "" or "/NAME".
    """

    title: str
    language: str
    max_question_chars: int
    privacy: str
    sources: tuple[tuple[str, str], ...] = field(default=())  # (title, link)
    base: str = ""

    @cached_property
    def version(self) -> str:
        digest = hashlib.sha256()
        for file in sorted(WEB.rglob("*")):
            if file.is_file():
                digest.update(file.read_bytes())
        return digest.hexdigest()[:12]

    def static(self, name: str) -> str:
        """The address of a static file, a new one where a file has changed."""
        return f"/static/{name}?v={self.version}"


def chat_page(
    look: Look,
    suggestions: Sequence[str] = (),
    asked: str | None = None,
    reply: dict[str, Any] | None = None,
    problem: str | None = None,
) -> Markup:
    """The chat with at most one exchange in it: `asked` and its `reply`, or the `problem`."""
    conversation_id = str(reply["conversation_id"]) if reply else ""
    exchange: tuple[Markup | None, ...]
    if reply is not None and asked is not None:
        exchange = (
            element("p", asked, class_="asked", dir="auto"),
            reply_markup(reply, asked, look.base),
        )
    else:
        exchange = (
            element(
                "p",
                "Ask in your own words. You get the sentence that answers, word for word, with the "
                "place where it stands. If nothing answers, you are told so.",
                class_="intro",
            ),
            suggestion_form(suggestions, conversation_id, "You could ask", look.base),
        )
    refused = asked if problem else ""
    return frame(
        look,
        look.title,
        element(
            "header",
            element("h1", look.title),
            element("a", "New conversation", href=f"{look.base}/ask", class_="quiet")
            if reply
            else None,
        ),
        element(
            "main",
            element(
                "section",
                *exchange,
                id="transcript",
                role="region",
                aria_label="Conversation",
                tabindex="0",
            ),
            element("p", problem, id="problem", role="alert"),
            composer(look, conversation_id, refused or ""),
        ),
        _footer(look),
    )


def reply_markup(reply: dict[str, Any], asked: str, base: str = "") -> Markup:
    """One reply: what it quotes and where that stands, or what it says instead."""
    citations, suggestions = reply["citations"], reply["suggestions"]
    disclaimer = reply["disclaimer"]
    lines = [line for line in reply["text"].splitlines() if line.strip()]
    said = _without(lines, [*suggestions, disclaimer or ""])
    # Where the text lists the suggestions, its own words lead into them.
    listed = not citations and bool(suggestions) and len(said) < len(lines)
    body = (
        (_citation(citation, base) for citation in citations)
        if citations
        else (element("p", line) for line in said)
    )
    understood = reply["question"] if citations else asked
    return element(
        "article",
        element("p", f"Understood as: {understood}", class_="understood")
        if normalise(understood) != normalise(asked)
        else None,
        *body,
        suggestion_form(
            suggestions, reply["conversation_id"], None if listed else "You can ask", base
        ),
        element(
            "details",
            element("summary", "Note of the source"),
            element("p", disclaimer),
            class_="disclaimer",
            open=True,
        )
        if disclaimer
        else None,
        class_=f"reply {reply['kind']}",
    )


def suggestion_form(
    suggestions: Sequence[str], conversation_id: str, label: str | None, base: str = ""
) -> Markup | None:
    """The suggestions as numbered buttons of a form; None where there are none."""
    if not suggestions:
        return None
    items = (
        element("li", element("button", text, type="submit", name="question", value=text))
        for text in suggestions
    )
    return element(
        "form",
        element("p", label) if label else None,
        element("input", type="hidden", name="conversation_id", value=conversation_id),
        element("ol", *items),
        method="post",
        action=f"{base}/ask",
        class_="suggestions",
    )


def source_link(citation: dict[str, Any], base: str = "") -> str:
    """The document's own address where it has one that may be followed, else its page here."""
    own = safe_link(citation["url"])
    if own and citation["page"] and "#" not in own:
        own += f"#page={citation['page']}"
    start, end = citation["start"], citation["end"]
    name = quote(citation["document"], safe="")
    return own or f"{base}/source/{name}?start={start}&end={end}#{start}-{end}"


def error_page(look: Look, status: int, title: str, detail: str) -> Markup:
    return frame(
        look,
        title,
        element("header", element("h1", title)),
        element(
            "main",
            element("p", detail),
            element("p", element("a", "Back to the questions", href=f"{look.base}/")),
            id=f"error-{status}",
        ),
        _footer(look),
    )


def page_with(look: Look, title: str, *body: Markup, script: str | None = None) -> Markup:
    """A page of other content in the common frame."""
    return frame(look, title, *body, _footer(look), script=script)


def _citation(citation: dict[str, Any], base: str) -> Markup:
    page = f"page {citation['page']}" if citation["page"] else None
    place = " · ".join(part for part in (citation["title"], citation["heading"], page) if part)
    link = source_link(citation, base)
    before, found, after = map(readable, citation["passage"].partition(citation["quote"]))
    more = before.strip() or after.strip()
    return element(
        "figure",
        element("blockquote", element("p", readable(citation["quote"])), cite=link),
        element("p", citation["row"]) if citation["row"] else None,
        element(
            "figcaption",
            "Source: ",
            element("a", place, href=link, target="_blank", rel="noopener"),
        ),
        element(
            "details",
            element("summary", "The paragraph around it"),
            element("p", before, element("mark", found), after),
            class_="passage",
        )
        if found and more
        else None,
    )


def _without(lines: Sequence[str], shown: Sequence[str]) -> list[str]:
    """The lines but those, numbered or not, that are shown as buttons or below."""
    elsewhere = {normalise(text) for text in shown}
    return [line for line in lines if normalise(_LIST_MARK.sub("", line)) not in elsewhere]


def composer(look: Look, conversation_id: str, text: str) -> Markup:
    """The form to ask with, `text` already in it."""
    return element(
        "form",
        element("input", type="hidden", name="conversation_id", value=conversation_id),
        element("label", "Your question", for_="question", class_="hidden"),
        element(
            "textarea",
            text,
            id="question",
            name="question",
            rows="1",
            required=True,
            maxlength=str(look.max_question_chars),
            placeholder="Your question",
            autocomplete="off",
            enterkeyhint="send",
            dir="auto",
        ),
        element("button", "Ask", type="submit"),
        id="ask",
        method="post",
        action=f"{look.base}/ask",
    )


def _footer(look: Look) -> Markup:
    sources = [element("a", title, href=link) for title, link in look.sources]
    spaced = [part for link in sources for part in (Markup(" · "), link)][1:]
    return element(
        "footer",
        element("p", look.privacy),
        element("p", "Source: " if len(sources) == 1 else "Sources: ", *spaced)
        if sources
        else None,
    )


def frame(
    look: Look,
    title: str,
    *body: Markup,
    script: str | None = None,
    more: Sequence[Markup] = (),
    class_: str | None = None,
) -> Markup:
    """A whole page around `body`, which is of `class_`; `more` goes into its head."""
    static = look.static
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", href=static("icon.svg"), type="image/svg+xml"),
        element("link", rel="stylesheet", href=static("page.css")),
        *more,
        element("script", src=static(script), type="module") if script else None,
    )
    html = element("html", head, element("body", *body, class_=class_), lang=look.language)
    return joined(Markup("<!doctype html>\n"), html)
