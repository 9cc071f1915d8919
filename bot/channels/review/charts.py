"""Plots as SVG made on the server, each with its figures as a table: no script, no style attribute.

Colours come from the page's own style sheet, by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.channels.markup import Markup, element

WIDTH, HEIGHT = 720, 220
LEFT, BOTTOM, TOP = 44, 28, 14
ROW = 30  # height of a bar that lies


@dataclass(frozen=True, slots=True)
class Series:
    """One value a place, drawn in the style of `class_`."""

    name: str
    class_: str
    values: Sequence[int]


def columns(title: str, labels: Sequence[str], series: Sequence[Series], head: str) -> Markup:
    """Stacked columns, one a label; `head` names the labels in the table."""
    totals = [sum(values) for values in zip(*(s.values for s in series), strict=True)]
    top = _nice(max(totals, default=0))
    step = (WIDTH - LEFT) / max(1, len(labels))
    wide = max(1.0, min(40.0, step * 0.72))
    tall = HEIGHT - BOTTOM - TOP
    shapes: list[Markup] = []
    for value in (0, top // 2, top) if top > 1 else (0, top):
        y = TOP + tall * (1 - value / top)
        shapes.append(_line(y))
        shapes.append(_text(f"{value:,}", LEFT - 8, y + 4, "end"))
    every = max(1, -(-len(labels) // 10))
    for n, label in enumerate(labels):
        x = LEFT + step * (n + 0.5)
        if n % every == 0:
            class_ = "odd" if n // every % 2 else None
            shapes.append(_text(label, x, HEIGHT - 6, "middle", class_))
        base = float(TOP + tall)
        for one in series:
            high = tall * one.values[n] / top
            if high:
                base -= high
                shapes.append(_bar(x - wide / 2, base, wide, high, one, f"{label}: ", n))
    return _figure(
        title,
        _svg(title, WIDTH, HEIGHT, shapes),
        series,
        (head, *(one.name for one in series)),
        [(label, *(f"{s.values[n]:,}" for s in series)) for n, label in enumerate(labels)],
    )


def rows(title: str, values: Sequence[tuple[str, int]], head: str) -> Markup:
    """A lying bar for each value, with its number behind it."""
    top = max((value for _, value in values), default=0) or 1
    name_width = 200
    shapes: list[Markup] = []
    for n, (label, value) in enumerate(values):
        y = n * ROW + 6
        long = max(2.0, (WIDTH - name_width - 60) * value / top)
        shapes.append(_text(label, name_width - 10, y + 14, "end"))
        shapes.append(
            element(
                "rect",
                x=str(name_width),
                y=str(y),
                width=_n(long),
                height="18",
                rx="3",
                class_="other",
            )
        )
        shapes.append(_text(f"{value:,}", name_width + long + 8, y + 14, "start"))
    height = max(ROW, len(values) * ROW + 6)
    table = [(label, f"{value:,}") for label, value in values]
    return _figure(title, _svg(title, WIDTH, height, shapes), (), (head, "Count"), table)


def spark(values: Sequence[int]) -> Markup:
    """Small columns without axes, for a cell of a table that says the same in words."""
    top = max(values, default=0) or 1
    bars = (
        element(
            "rect",
            x=str(n * 8),
            y=_n(22 - max(2.0, 20 * value / top) if value else 20),
            width="6",
            height=_n(max(2.0, 20 * value / top)),
            class_="some" if value else "none",
        )
        for n, value in enumerate(values)
    )
    return element(
        "svg", *bars, viewBox=f"0 0 {len(values) * 8} 22", class_="spark", aria_hidden="true"
    )


def _figure(
    title: str,
    picture: Markup,
    series: Sequence[Series],
    head: Sequence[str],
    table: Sequence[Sequence[str]],
) -> Markup:
    keys = [
        element("li", element("span", class_=f"key {one.class_}", aria_hidden="true"), one.name)
        for one in series
    ]
    body = (
        element(
            "tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])
        )
        for row in table
    )
    return element(
        "figure",
        element("figcaption", element("h3", title), element("ul", *keys) if keys else None),
        picture,
        element(
            "details",
            element("summary", "As a table"),
            element(
                "div",
                element(
                    "table",
                    element("caption", title, class_="hidden"),
                    element("thead", element("tr", *(element("th", h, scope="col") for h in head))),
                    element("tbody", *body),
                ),
                class_="wide",
                tabindex="0",
                role="region",
                aria_label=f"{title}, as a table",
            ),
        ),
        class_="chart",
    )


def _svg(title: str, width: int, height: int, shapes: Sequence[Markup]) -> Markup:
    return element(
        "svg",
        *shapes,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=f"{title}. The figures are in the table below.",
    )


def _bar(x: float, y: float, w: float, h: float, one: Series, label: str, n: int) -> Markup:
    told = element("title", f"{label}{one.name} {one.values[n]:,}")
    return element(
        "rect", told, x=_n(x), y=_n(y), width=_n(w), height=_n(h), rx="1.5", class_=one.class_
    )


def _line(y: float) -> Markup:
    return element("line", x1=str(LEFT), x2=str(WIDTH), y1=_n(y), y2=_n(y))


def _text(text: str, x: float, y: float, anchor: str, class_: str | None = None) -> Markup:
    return element("text", text, x=_n(x), y=_n(y), text_anchor=anchor, class_=class_)


def _nice(value: int) -> int:
    """An even number not below `value` that is easy to read off."""
    size = 1
    while True:
        for step in (2, 4, 6, 10):
            if step * size >= value:
                return step * size
        size *= 10


def _n(value: float) -> str:
    return f"{value:.1f}"
