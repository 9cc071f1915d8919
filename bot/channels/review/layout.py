"""The frame that the owner's pages share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from bot.channels.markup import Child, Markup, element
from bot.channels.pages import Look, frame

PAGES = (("review", "Review"), ("learn", "Learning"), ("dashboard", "Dashboard"))


@dataclass(frozen=True)
class Desk(Look):
    """The look of the owner's pages; all their addresses begin with `base`."""

    base: str = ""

    def static(self, name: str) -> str:
        return f"{self.base}/static/{name}?v={self.version}"

    def at(self, path: str, **query: str | None) -> str:
        """The address of a page; what is empty of the query is left out."""
        given = {key.rstrip("_"): value for key, value in query.items() if value}
        return f"{self.base}/{path}" + (f"?{urlencode(given)}" if given else "")


def page(
    look: Desk,
    name: str,
    title: str,
    *body: Child,
    notice: str | None = None,
    problem: str | None = None,
) -> Markup:
    """A page of the owner's; `notice` is announced, `problem` as an alert."""
    links = [
        element(
            "a",
            text,
            href=look.at(path),
            aria_current="page" if path == name else None,
            data_key=str(n),
            aria_keyshortcuts=str(n),
        )
        for n, (path, text) in enumerate(PAGES, 1)
    ]
    return frame(
        look,
        f"{title} · Quoth",
        element("a", "Skip to the content", href="#main", class_="skip"),
        element(
            "header",
            element(
                "a",
                element("span", "“", class_="sign", aria_hidden="true"),
                "Quoth",
                element("span", look.title, class_="whose"),
                href=look.at("review"),
                class_="brand",
            ),
            element("nav", *links, aria_label="Pages"),
        ),
        element(
            "main",
            element("p", notice, id="notice", role="status", class_="notice"),
            element("p", problem, role="alert", class_="problem") if problem else None,
            *body,
            id="main",
            tabindex="-1",
        ),
        script="review/review.js",
        more=(
            element("link", rel="stylesheet", href=look.static("home.css")),
            element("link", rel="stylesheet", href=look.static("review/review.css")),
        ),
        class_=f"home desk {name}",
    )


def button(
    text: str,
    *,
    key: str | None = None,
    kbd: str | None = None,
    class_: str = "quiet",
    **attributes: str | bool | None,
) -> Markup:
    """A button; `key` is the key that presses it on the page, `kbd` the one that does where its
    article has the focus. Both are shown on it."""
    return element(
        "button",
        text,
        element("kbd", key or kbd, aria_hidden="true") if key or kbd else None,
        type="submit",
        class_=class_,
        data_key=key,
        data_press=kbd,
        aria_keyshortcuts=key,
        **attributes,
    )


def form(
    look: Desk,
    action: str,
    fields: Mapping[str, str | None],
    *body: Child,
    **attributes: str | bool | None,
) -> Markup:
    """A form that changes something, with hidden `fields`."""
    return element(
        "form",
        *(
            element("input", type="hidden", name=name, value=value)
            for name, value in fields.items()
            if value is not None
        ),
        *body,
        method="post",
        action=look.at(action),
        **attributes,
    )


def shortcuts(*rows: tuple[str, str]) -> Markup:
    """The keys of a page, and the switch that turns them off."""
    return element(
        "details",
        element("summary", "Keyboard"),
        element(
            "dl",
            *(
                element("div", element("dt", element("kbd", key)), element("dd", text))
                for key, text in rows
            ),
        ),
        element(
            "label",
            element("input", type="checkbox", id="keys", checked=True),
            "Single keys work",
            hidden=True,
        ),
        class_="keys",
    )


def count_of(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
