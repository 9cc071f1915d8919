"""The page that the owner learns on: what visitors asked in vain, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.channels.markup import Markup, element
from bot.channels.review.figures import REASONS
from bot.channels.review.held_out import held_out
from bot.channels.review.layout import Desk, button, count_of, form, page, shortcuts
from bot.channels.review.learning import Cluster
from bot.channels.review.ways_part import as_gap, as_held_out, as_pair, as_variant
from bot.channels.review.workspace import Snapshot
from bot.errors import QuothError
from bot.knowledge.files import OUT_OF_SCOPE, read_out_of_scope
from bot.state.figures import day_of
from bot.types import Passage

SHOWN = 20  # clusters on one page
_PRIVACY = {
    "off": "Questions are not kept: QUOTH_STORE_QUESTIONS is off.",
    "redacted": "Names, addresses and numbers were taken out before the questions were kept",
    "full": "The questions are kept as they were asked",
}
KEYS = (
    ("j / k", "next question, previous question"),
    ("v", "add as a wording of a pair"),
    ("d", "draw a pair"),
    ("o", "out of scope"),
    ("c", "put aside for calibration"),
    ("x", "dismiss"),
    ("u", "undo"),
    ("1 2 3", "Review, Learning, Dashboard"),
    ("Esc", "leave a field"),
)


def learning_page(
    look: Desk,
    snapshot: Snapshot,
    clusters: Sequence[Cluster] | None,
    *,
    keeping: str,
    days: int,
    undoable: str | None,
    notice: str | None = None,
    problem: str | None = None,
) -> Markup:
    """`clusters` None: the bot that finds what is near isn't made yet."""
    kept = _PRIVACY[keeping] + (
        "" if keeping == "off" else f"; after {days} days they are deleted."
    )
    if clusters is None:
        body: tuple[Markup | None, ...] = (
            element("p", "The bot is being made of the files …", class_="soft"),
        )
    elif not clusters:
        body = (element("p", "No question waits: every one was answered, or is dealt with."),)
    else:
        topics = sorted(
            row.topic for row in read_out_of_scope(snapshot.knowledge.root / OUT_OF_SCOPE)
        )
        more = len(clusters) - SHOWN
        body = (
            element("datalist", *(element("option", value=t) for t in topics), id="topics"),
            element(
                "ol",
                *(_cluster(look, snapshot, one, n) for n, one in enumerate(clusters[:SHOWN], 1)),
                class_="clusters",
            ),
            element("p", f"{more:,} more come up as these are dealt with.", class_="soft")
            if more > 0
            else None,
        )
    asked = sum(len(c.questions) for c in clusters or ())
    return page(
        look,
        "learn",
        "Learning",
        element(
            "div",
            element("h1", "What visitors asked in vain"),
            element(
                "p",
                f"{count_of(asked, 'question')} in {count_of(len(clusters), 'group')}, the "
                "commonest first: declined, asked back, or with a thumb down. "
                if clusters
                else "",
                kept,
                class_="intro",
            ),
            _aside(snapshot),
            element(
                "div",
                form(
                    look,
                    "undo",
                    {"revision": snapshot.revision, "back": "learn"},
                    button("Undo", key="u", title=undoable),
                )
                if undoable
                else None,
                shortcuts(*KEYS),
                class_="tools",
            ),
            class_="beginning",
        ),
        element(
            "section",
            *body,
            id="learning",
            data_state="making" if clusters is None else "done",
            aria_label="Questions",
        ),
        notice=notice,
        problem=problem,
    )


def _aside(snapshot: Snapshot) -> Markup:
    """How many questions are put aside, and how many `calibrate` needs."""
    try:
        found = held_out(snapshot)
    except QuothError as error:
        return element("p", str(error), class_="problem")
    return element(
        "div",
        element(
            "p",
            element("b", f"{found.count:,}"),
            f" calibration question{'' if found.count == 1 else 's'}; ",
            element("code", f"calibrate --max-wrong {found.max_wrong:g}"),
            f" needs at least {found.needed:,}",
            id="aside",
        ),
        element(
            "progress",
            value=str(min(found.count, found.needed)),
            max=str(found.needed),
            aria_labelledby="aside",
        ),
        class_="progress",
    )


def _cluster(look: Desk, snapshot: Snapshot, cluster: Cluster, number: int) -> Markup:
    counts: dict[str, int] = {}
    for one in cluster.questions:
        why = REASONS.get(one.reason or "", one.kind)
        counts[why] = counts.get(why, 0) + 1
    last = day_of(cluster.questions[0].asked)
    fields = {"revision": snapshot.revision, "refs": " ".join(cluster.refs)}
    return element(
        "li",
        element(
            "article",
            element("h2", cluster.head, id=f"q{number}", tabindex="-1"),
            element(
                "p",
                element("b", f"asked {count_of(len(cluster.questions), 'time')}"),
                f", last on {last} · ",
                ", ".join(f"{why.lower()} {count:,}" for why, count in counts.items()),
                class_="soft",
            ),
            _wordings(cluster),
            _nearest(look, snapshot, cluster.passages[:1]),
            element(
                "div",
                as_variant(look, snapshot, cluster, fields),
                as_pair(look, snapshot, cluster, fields),
                as_gap(look, cluster, fields),
                as_held_out(look, snapshot, cluster, fields),
                form(
                    look,
                    "learn/dismiss",
                    fields,
                    button("Dismiss", kbd="x"),
                ),
                class_="ways",
            ),
            aria_labelledby=f"q{number}",
        ),
    )


def _wordings(cluster: Cluster) -> Markup | None:
    others = cluster.wordings[1:]
    if not others:
        return None
    return element(
        "details",
        element("summary", f"{count_of(len(others), 'other wording')}"),
        element("ul", *(element("li", text) for text in others)),
    )


def _nearest(
    look: Desk, snapshot: Snapshot, passages: Sequence[tuple[Passage, float]]
) -> Markup | None:
    for passage, cosine in passages:
        title = snapshot.knowledge.document(passage.document_id).title
        place = " · ".join(part for part in (title, passage.heading) if part)
        return element(
            "figure",
            element("blockquote", element("p", passage.text)),
            element("figcaption", f"The nearest passage, {cosine:.0%} alike: {place}"),
        )
    return None
