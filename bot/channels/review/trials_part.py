"""What a pair wins and loses, as far as it is known yet."""

from __future__ import annotations

from collections.abc import Sequence

from bot.channels.markup import Markup, element
from bot.channels.review.trials import Board, Outcome
from bot.channels.review.view import View, instead
from bot.channels.review.workspace import Entry

SHOWN = 12  # outcomes of a sort before the rest is unfolded


def trials_part(view: View, entry: Entry) -> Markup:
    board = view.board
    parts: list[Markup] = []
    if board.changes:
        rows = [
            element(
                "li",
                element("span", change.question, class_="said"),
                element("span", _short(change.before), class_="soft"),
                " → ",
                element("span", _short(change.after), class_=_class(change.right)),
            )
            for change in board.changes
        ]
        parts.append(_folded("Changed by the last edits", rows))
    if entry.pair is not None:
        won = [
            element("li", element("span", o.asked.question, class_="said"), _judged(o))
            for o in board.won(entry.pair)
        ]
        lost = [
            element(
                "li",
                element("span", o.asked.question, class_="said"),
                element("span", *instead(view, o), class_="verdict bad"),
            )
            for o in board.lost(entry.pair)
        ]
        parts.append(_folded("Also wins", won) if won else _none(board))
        if lost:
            parts.append(_folded("Should win, and doesn’t", lost))
    return element(
        "section",
        element("h2", "What it wins and loses", id="tried"),
        element("p", _state(board), class_="soft", id="state"),
        *parts,
        id="trials",
        class_="trials",
        data_state=board.state,
        aria_labelledby="tried",
    )


def _state(board: Board) -> str:
    match board.state:
        case "failed":
            return f"The bot can’t be made of these files: {board.problem}"
        case "making":
            return "The bot is being made anew of the files …"
        case "asking":
            return f"Asking: {len(board.outcomes):,} of {board.of:,} questions …"
    return (
        f"{board.of:,} questions tried: all wordings, the calibration questions, and what visitors "
        "asked in vain."
    )


def _folded(title: str, rows: Sequence[Markup]) -> Markup:
    rest = rows[SHOWN:]
    return element(
        "div",
        element("h3", title, element("span", f" {len(rows):,}", class_="count")),
        element("ul", *rows[:SHOWN]),
        element(
            "details",
            element("summary", f"{len(rest):,} more"),
            element("ul", *rest),
        )
        if rest
        else None,
    )


def _none(board: Board) -> Markup:
    says = "It wins no other question" + ("." if board.state == "done" else " so far.")
    return element("p", says, class_="soft")


def _judged(outcome: Outcome) -> Markup:
    sure = f"{outcome.probability:.0%}"
    if outcome.right is None:
        return element("span", sure, class_="verdict")
    says = "rightly" if outcome.right else "wrongly"
    return element("span", f"{says}, {sure}", class_=f"verdict {_class(outcome.right)}")


def _class(right: bool | None) -> str:
    return {True: "good", False: "bad", None: ""}[right]


def _short(answer: str | None) -> str:
    if answer is None:
        return "not answered"
    one = " ".join(answer.split())
    return f"“{one[:70].rstrip()}…”" if len(one) > 70 else f"“{one}”"
