"""The pair that is reviewed: what can be done with it, its question and its wordings."""

from __future__ import annotations

from bot.channels.markup import Markup, element
from bot.channels.review.layout import button, form
from bot.channels.review.trials import Outcome
from bot.channels.review.view import BADGES, View, instead, warnings
from bot.channels.review.workspace import Entry
from bot.types import QAPair

SHOWN = 10  # wordings before the rest is unfolded


def pair_part(view: View, entry: Entry) -> Markup:
    look, hidden = view.look, view.hidden
    at = f"pairs/{entry.id}"
    row = entry.row
    before, after = view.neighbour(-1), view.neighbour(1)
    facts = [element("span", BADGES[entry.status], class_=f"badge {entry.status}")]
    if row.reviewed:
        facts.append(element("span", f"by {row.reviewed}"))
    if row.drawer:
        facts.append(element("span", f"from {row.drawer}"))
    found = warnings(entry, view.board)
    return element(
        "section",
        element("p", *facts, class_="facts-line"),
        element("h1", entry.question, id="pair", tabindex="-1"),
        element(
            "div",
            form(look, f"{at}/accept", hidden, button("Accept", key="a", class_="main"))
            if entry.pair is not None
            else None,
            form(look, f"{at}/reject", hidden, button("Reject", key="x")),
            undo_form(view),
            element(
                "span",
                _step(view, before, "Previous", "k", "prev"),
                _step(view, after, "Next", "j", "next"),
                class_="steps",
            ),
            class_="tools",
        ),
        element(
            "ul", *(element("li", text) for text in found), class_="warnings", aria_label="Warnings"
        )
        if found
        else None,
        form(
            look,
            f"{at}/question",
            hidden,
            element(
                "label",
                "Question",
                element("kbd", "e", aria_hidden="true"),
                element(
                    "input",
                    name="text",
                    value=entry.question,
                    required=True,
                    maxlength="500",
                    autocomplete="off",
                    data_key="e",
                    aria_keyshortcuts="e",
                ),
            ),
            element("button", "Save", type="submit", class_="quiet"),
            class_="line",
        ),
        class_="pair",
    )


def undo_form(view: View) -> Markup | None:
    if view.undoable is None:
        return None
    return form(
        view.look,
        "undo",
        view.hidden | {"pair": view.entry.id if view.entry else None},
        button("Undo", key="u", title=view.undoable),
    )


def _step(view: View, entry: Entry | None, text: str, key: str, rel: str) -> Markup | None:
    if entry is None:
        return None
    return element(
        "a",
        text,
        element("kbd", key, aria_hidden="true"),
        href=view.link(entry),
        rel=rel,
        class_="button quiet",
        data_key=key,
        aria_keyshortcuts=key,
    )


def words_part(view: View, entry: Entry) -> Markup:
    """The section of the pair's other wordings, and of the day by which it is to be reviewed."""
    rows = [_wording(view, entry, number, text) for number, text in _in_order(view, entry)]
    rest = rows[SHOWN:]
    own = view.board.outcomes.get(entry.question)
    return element(
        "section",
        element(
            "h2",
            "Other wordings ",
            element("span", f"{len(rows):,}", class_="count"),
            id="wordings",
        ),
        element("p", "The question itself: ", _verdict(view, entry.pair, own), class_="soft own"),
        form(
            view.look,
            f"pairs/{entry.id}/variant",
            view.hidden,
            element(
                "label",
                "Add a wording",
                element("kbd", "v", aria_hidden="true"),
                element(
                    "input",
                    name="text",
                    id="variant",
                    required=True,
                    maxlength="500",
                    autocomplete="off",
                    data_key="v",
                    aria_keyshortcuts="v",
                ),
            ),
            element("button", "Add", type="submit", class_="quiet"),
            class_="line",
        ),
        element("ul", *rows[:SHOWN], class_="wordings", aria_labelledby="wordings")
        if rows
        else None,
        element(
            "details",
            element("summary", f"{len(rest):,} more"),
            element("ul", *rest, class_="wordings"),
        )
        if rest
        else None,
        form(
            view.look,
            f"pairs/{entry.id}/review-by",
            view.hidden,
            element(
                "label",
                "To be reviewed by (it declines afterwards; empty: no end)",
                element(
                    "input",
                    type="date",
                    name="day",
                    value=str(entry.row.review_by or ""),
                ),
            ),
            element("button", "Save", type="submit", class_="quiet"),
            class_="line",
        ),
        class_="words",
        aria_labelledby="wordings",
    )


def _in_order(view: View, entry: Entry) -> list[tuple[int, str]]:
    """The wordings with their numbers, those that go astray before the rest."""

    def fine(numbered: tuple[int, str]) -> bool:
        outcome = view.board.outcomes.get(numbered[1])
        return outcome is None or entry.pair is None or view.board.finds(entry.pair, outcome)

    return sorted(enumerate(entry.variants), key=fine)


def _wording(view: View, entry: Entry, number: int, text: str) -> Markup:
    return element(
        "li",
        element("span", text, class_="said"),
        _verdict(view, entry.pair, view.board.outcomes.get(text)),
        form(
            view.look,
            f"pairs/{entry.id}/drop-variant",
            view.hidden | {"number": str(number), "text": text},
            element(
                "button",
                "Remove",
                element("span", f" “{text}”", class_="hidden"),
                type="submit",
                class_="small",
            ),
        ),
    )


def _verdict(view: View, pair: QAPair | None, outcome: Outcome | None) -> Markup:
    """Whether a wording finds the pair, in a few words."""
    if outcome is None or pair is None:
        return element("span", "not asked yet" if pair else "not served", class_="verdict")
    sure = f"{outcome.probability:.0%}"
    if view.board.finds(pair, outcome):
        return element("span", f"✓ finds it, {sure}", class_="verdict good")
    return element("span", "✗ ", *instead(view, outcome), class_="verdict bad")
