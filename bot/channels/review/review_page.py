"""The page that pairs are reviewed on: the passage beside its pair, and what the pair wins."""

from __future__ import annotations

from collections.abc import Iterable

from bot.channels.markup import Markup, element
from bot.channels.review.layout import count_of, page, shortcuts
from bot.channels.review.pair_part import pair_part, undo_form, words_part
from bot.channels.review.source_part import source_part
from bot.channels.review.trials_part import trials_part
from bot.channels.review.view import BADGES, STATUSES, View, topic_of, warnings
from bot.channels.review.workspace import Entry

KEYS = (
    ("j / k", "next pair, previous pair"),
    ("a", "accept, and on to the next"),
    ("x", "reject, and on to the next"),
    ("e", "edit the question"),
    ("v", "add a wording"),
    ("t", "the pairs of this passage together"),
    ("s", "choose the answer by sentence"),
    ("u", "undo"),
    ("/", "choose what is listed"),
    ("1 2 3", "Review, Learning, Dashboard"),
    ("Esc", "leave a field"),
)


def review_page(view: View, notice: str | None = None, problem: str | None = None) -> Markup:
    """The whole page."""
    entry = view.entry
    body = (
        (
            pair_part(view, entry),
            element("div", source_part(view, entry), trials_part(view, entry), class_="side"),
            words_part(view, entry),
        )
        if entry is not None
        else (_nothing(view),)
    )
    title = entry.question if entry is not None else "Review"
    return page(
        view.look,
        "review",
        title,
        _list(view),
        element("div", *body, class_="work"),
        notice=notice,
        problem=problem,
    )


def _list(view: View) -> Markup:
    of, done = len(view.snapshot.entries), view.snapshot.reviewed
    topics = sorted({topic_of(entry) for entry in view.snapshot.entries})
    return element(
        "aside",
        element(
            "div",
            element("p", element("b", f"{done:,}"), f" of {of:,} reviewed", id="done"),
            element("progress", value=str(done), max=str(max(1, of)), aria_labelledby="done"),
            class_="progress",
        ),
        element(
            "form",
            _choice("status", "Show", STATUSES, view.filter.status, key="/"),
            _choice(
                "topic", "Topic", [("", "All topics"), *((t, t) for t in topics)], view.filter.topic
            ),
            element("button", "Show", type="submit", class_="quiet"),
            action=view.look.at("review"),
            class_="filter",
        ),
        element(
            "details",
            element("summary", count_of(len(view.listed), "pair")),
            element("ol", *(_item(view, entry) for entry in view.listed)),
            open=True,
            class_="pairs",
        ),
        shortcuts(*KEYS),
        aria_label="Pairs",
    )


def _choice(
    name: str,
    label: str,
    options: Iterable[tuple[str, str]],
    chosen: str,
    key: str | None = None,
) -> Markup:
    return element(
        "label",
        label,
        element(
            "select",
            *(element("option", t, value=v, selected=v == chosen) for v, t in options),
            name=name,
            data_key=key,
            aria_keyshortcuts=key,
        ),
    )


def _item(view: View, entry: Entry) -> Markup:
    current = view.entry is not None and entry.id == view.entry.id
    warned = bool(warnings(entry, view.board))
    return element(
        "li",
        element(
            "a",
            element("span", class_=f"dot {entry.status}", aria_hidden="true"),
            element("span", entry.question),
            element("span", "!", class_="warned", title="with warnings") if warned else None,
            element("span", f", {BADGES[entry.status]}", class_="hidden"),
            href=view.link(entry),
            aria_current="true" if current else None,
        ),
    )


def _nothing(view: View) -> Markup:
    open_ones = any(entry.status != "reviewed" for entry in view.snapshot.entries)
    says = "No pair is listed with these choices." if open_ones else "Every pair is reviewed."
    return element(
        "section",
        element("h1", says, id="pair", tabindex="-1"),
        element("p", element("a", "Show all pairs", href=view.look.at("review"))),
        undo_form(view),
        class_="pair",
    )
