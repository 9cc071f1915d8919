"""The figures as a page: tiles, plots with their tables, unanswered groups over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.channels.markup import Markup, element
from bot.channels.review.charts import Series, columns, rows, spark
from bot.channels.review.figures import KINDS, Figures, spread
from bot.channels.review.layout import Desk, page, shortcuts
from bot.channels.review.learning import Cluster
from bot.state.figures import TENTHS, day_of

SHOWN = 12  # groups
KEYS = (("1 2 3", "Review, Learning, Dashboard"), ("/", "choose the days"))


def dashboard_page(
    look: Desk, figures: Figures, clusters: Sequence[Cluster] | None, today: date
) -> Markup:
    """`clusters` None: the bot that groups the questions isn't made yet."""
    return page(
        look,
        "dashboard",
        "Dashboard",
        element(
            "div",
            element("h1", "How it goes"),
            _days(look, figures, today),
            class_="beginning",
        ),
        _tiles(figures),
        element(
            "section",
            element("h2", "Plots", class_="hidden"),
            *_plots(figures),
            class_="charts",
            aria_label="Plots",
        )
        if figures.replies
        else element(
            "p",
            "Nothing was asked in these days. What a server answers is counted from now on.",
        ),
        _groups(look, figures, clusters),
        element("div", shortcuts(*KEYS), class_="tools"),
    )


def _days(look: Desk, figures: Figures, today: date) -> Markup:
    def link(days: int) -> Markup:
        first = today - timedelta(days=days - 1)
        current = (figures.first, figures.last) == (first, today)
        return element(
            "a",
            f"{days} days",
            href=look.at("dashboard", from_=first.isoformat(), to=today.isoformat()),
            aria_current="true" if current else None,
        )

    return element(
        "form",
        element("span", *(link(days) for days in (7, 30, 90)), class_="spans"),
        element(
            "label",
            "From",
            element(
                "input",
                type="date",
                name="from",
                value=figures.first.isoformat(),
                data_key="/",
                aria_keyshortcuts="/",
            ),
        ),
        element("label", "To", element("input", type="date", name="to", value=str(figures.last))),
        element("button", "Show", type="submit", class_="quiet"),
        element(
            "a",
            "Figures as CSV",
            href=_file(look, figures, "replies"),
            download=True,
            class_="button quiet",
        ),
        element(
            "a",
            "Questions as CSV",
            href=_file(look, figures, "unanswered"),
            download=True,
            class_="button quiet",
        ),
        action=look.at("dashboard"),
        class_="filter days",
        aria_label="Days",
    )


def _file(look: Desk, figures: Figures, name: str) -> str:
    first, last = figures.first.isoformat(), figures.last.isoformat()
    return look.at(f"dashboard/{name}.csv", from_=first, to=last)


def _tiles(figures: Figures) -> Markup:
    asked, answered = figures.questions, figures.total("answer")
    yes, no = figures.helpful
    tiles = (
        ("questions asked", f"{asked:,}"),
        ("answered", _share(answered, asked)),
        ("declined", _share(figures.total("decline"), asked)),
        ("asked back", _share(figures.total("clarify"), asked)),
        ("found helpful", _share(yes, yes + no)),
        ("safety texts", f"{figures.total('safety'):,}"),
    )
    return element(
        "dl",
        *(element("div", element("dt", text), element("dd", number)) for text, number in tiles),
        class_="tiles",
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def _plots(figures: Figures) -> tuple[Markup, ...]:
    days = [f"{day.day} {day:%b}" for day in figures.days]
    answered, other = figures.confidence
    tenths = [f"{n * 100 // TENTHS}–{(n + 1) * 100 // TENTHS} %" for n in range(TENTHS)]
    yes, no = figures.helpful_by_day()
    return (
        columns(
            "Questions by day",
            days,
            [Series(name, kind, figures.by_day(kind)) for kind, name in KINDS],
            "Day",
        ),
        columns(
            "How sure the replies were",
            tenths,
            [Series("Answered", "answer", answered), Series("Not answered", "decline", other)],
            "Confidence",
        ),
        rows("Why there was no answer", figures.reasons, "Reason")
        if figures.reasons
        else element("p", "Every question was answered."),
        columns(
            "Whether replies helped",
            days,
            [Series("Helped", "answer", yes), Series("Did not help", "no", no)],
            "Day",
        ),
    )


def _groups(look: Desk, figures: Figures, clusters: Sequence[Cluster] | None) -> Markup:
    found = []
    for one in clusters or ():
        counts = spread(one, figures.first, figures.last)
        if sum(counts):
            found.append((one, counts))
    found.sort(key=lambda item: -sum(item[1]))
    body = (
        element(
            "tr",
            element("th", one.head, scope="row"),
            element("td", f"{sum(counts):,}"),
            element("td", str(day_of(one.questions[-1].asked))),
            element("td", str(day_of(one.questions[0].asked))),
            element("td", spark(counts)),
        )
        for one, counts in found[:SHOWN]
    )
    heads = ("Question", "Asked", "First", "Last", "Over the days")
    table = element(
        "div",
        element(
            "table",
            element("caption", "Groups of unanswered questions", class_="hidden"),
            element("thead", element("tr", *(element("th", h, scope="col") for h in heads))),
            element("tbody", *body),
        ),
        class_="wide",
        tabindex="0",
        role="region",
        aria_label="Groups of unanswered questions",
    )
    says = "They are being grouped …" if clusters is None else "None in these days."
    return element(
        "section",
        element("h2", "Asked in vain"),
        element(
            "p",
            "Questions that mean the same, counted together. ",
            element("a", "Deal with them under Learning", href=look.at("learn")),
            ".",
            class_="soft",
        ),
        table if found else element("p", says),
        class_="groups",
        id="groups",
        data_state="making" if clusters is None else "done",
    )
