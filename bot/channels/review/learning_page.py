"""The page that the owner learns on: what visitors asked in vain, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.channels.markup import Markup, element
from bot.channels.review.figures import REASONS
from bot.channels.review.layout import Desk, button, count_of, form, page, shortcuts
from bot.channels.review.learning import Cluster
from bot.channels.review.workspace import Snapshot
from bot.documents.passages import split_sentences
from bot.knowledge.files import OUT_OF_SCOPE, read_out_of_scope
from bot.state.figures import day_of
from bot.types import Passage, Span

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
                _as_variant(look, snapshot, cluster, fields),
                _as_pair(look, snapshot, cluster, fields),
                _as_gap(look, cluster, fields),
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


def _ticks(cluster: Cluster) -> Markup | None:
    """Which wordings are taken, where there are several."""
    if len(cluster.wordings) == 1:
        return element("input", type="hidden", name="text", value=cluster.head)
    boxes = (
        element(
            "label",
            element("input", type="checkbox", name="text", value=text, checked=n == 0),
            element("span", text),
        )
        for n, text in enumerate(cluster.wordings[:30])
    )
    return element("fieldset", element("legend", "Take these wordings"), *boxes)


def _way(group: str, title: str, key: str, body: Markup) -> Markup:
    """One of the ways to deal with a group of questions; opening it closes the others."""
    return element(
        "details",
        element("summary", title, element("kbd", key, aria_hidden="true"), data_press=key),
        body,
        name=group,
        class_="way",
    )


def _as_variant(
    look: Desk, snapshot: Snapshot, cluster: Cluster, fields: Mapping[str, str | None]
) -> Markup:
    near = [found for id in cluster.pairs if (found := snapshot.find(id)) is not None]
    rest = [entry for entry in snapshot.entries if entry.pair is not None and entry not in near]
    groups = (("Nearest", near), ("All others", rest))
    options = (
        element(
            "optgroup",
            *(element("option", entry.question, value=entry.id) for entry in entries),
            label=name,
        )
        for name, entries in groups
        if entries
    )
    return _way(
        f"ways-{cluster.refs[0]}",
        "Add as a wording of …",
        "v",
        form(
            look,
            "learn/variant",
            fields,
            _ticks(cluster),
            element("label", "The pair", element("select", *options, name="pair")),
            button("Add as a wording", class_="main"),
        ),
    )


def _as_pair(
    look: Desk,
    snapshot: Snapshot,
    cluster: Cluster,
    fields: Mapping[str, str | None],
) -> Markup:
    groups = []
    for passage, _ in cluster.passages:
        boxes = [
            element(
                "label",
                element(
                    "input",
                    type="checkbox",
                    name="sentence",
                    value=f"{passage.document_id} {passage.span.start + s.start} "
                    f"{passage.span.start + s.end}",
                ),
                element("span", s.of(passage.text)),
            )
            for s in split_sentences(passage.text)
        ]
        groups.append(
            element("fieldset", element("legend", passage.heading or "A passage"), *boxes)
        )
    return _way(
        f"ways-{cluster.refs[0]}",
        "Draw a pair …",
        "d",
        form(
            look,
            "learn/pair",
            fields,
            element(
                "label",
                "The question",
                element(
                    "input",
                    name="question",
                    value=cluster.head,
                    required=True,
                    maxlength="500",
                    autocomplete="off",
                ),
            ),
            element("p", "The answer: from the first to the last sentence ticked.", class_="soft"),
            *groups,
            button("Draw the pair", class_="main"),
        ),
    )


def _as_gap(look: Desk, cluster: Cluster, fields: Mapping[str, str | None]) -> Markup:
    return _way(
        f"ways-{cluster.refs[0]}",
        "Out of scope …",
        "o",
        form(
            look,
            "learn/gap",
            fields,
            _ticks(cluster),
            element(
                "label",
                "The topic",
                element("input", name="topic", required=True, maxlength="60", list="topics"),
            ),
            element(
                "label",
                "The source doesn’t cover … (of a new topic; may be empty)",
                element("input", name="says", maxlength="120", autocomplete="off"),
            ),
            button("Keep as out of scope", class_="main"),
        ),
    )


def chosen_span(values: Sequence[str]) -> tuple[str, Span] | None:
    """The document and the stretch from the first to the last sentence of `_as_pair`'s boxes;
    None where none is ticked, or they are of several documents."""
    found = [value.rsplit(" ", 2) for value in values]
    if not found or len({parts[0] for parts in found}) > 1:
        return None
    try:
        spans = [Span(int(start), int(end)) for _, start, end in found]
    except ValueError:
        return None
    return found[0][0], Span(min(s.start for s in spans), max(s.end for s in spans))
