"""The ways to deal with a group of visitors' questions, a form each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.channels.markup import Markup, element
from bot.channels.review.held_out import NOTHING
from bot.channels.review.layout import Desk, button, form
from bot.channels.review.learning import Cluster
from bot.channels.review.workspace import Snapshot
from bot.documents.passages import split_sentences
from bot.types import Span


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


def _pairs(snapshot: Snapshot, cluster: Cluster) -> Iterable[Markup]:
    """All pairs as options, the likeliest first."""
    near = [found for id in cluster.pairs if (found := snapshot.find(id)) is not None]
    rest = [entry for entry in snapshot.entries if entry.pair is not None and entry not in near]
    for name, entries in (("Nearest", near), ("All others", rest)):
        if entries:
            yield element(
                "optgroup",
                *(element("option", entry.question, value=entry.id) for entry in entries),
                label=name,
            )


def as_variant(
    look: Desk, snapshot: Snapshot, cluster: Cluster, fields: Mapping[str, str | None]
) -> Markup:
    return _way(
        f"ways-{cluster.refs[0]}",
        "Add as a wording of …",
        "v",
        form(
            look,
            "learn/variant",
            fields,
            _ticks(cluster),
            element(
                "label", "The pair", element("select", *_pairs(snapshot, cluster), name="pair")
            ),
            button("Add as a wording", class_="main"),
        ),
    )


def as_pair(
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


def as_gap(look: Desk, cluster: Cluster, fields: Mapping[str, str | None]) -> Markup:
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


def as_held_out(
    look: Desk, snapshot: Snapshot, cluster: Cluster, fields: Mapping[str, str | None]
) -> Markup:
    return _way(
        f"ways-{cluster.refs[0]}",
        "Put aside for calibration …",
        "c",
        form(
            look,
            "learn/put-aside",
            fields,
            element(
                "p",
                "Held out: it measures how often the bot is wrong, and is not learnt as a wording.",
                class_="soft",
            ),
            _ticks(cluster),
            element(
                "label",
                "What answers it",
                element(
                    "select",
                    element("option", "Choose …", value=""),
                    element("option", "Nothing: the document doesn’t answer it", value=NOTHING),
                    *_pairs(snapshot, cluster),
                    name="pair",
                    required=True,
                ),
            ),
            button("Put aside", class_="main"),
        ),
    )


def chosen_span(values: Sequence[str]) -> tuple[str, Span] | None:
    """The document and the stretch from the first to the last sentence of `as_pair`'s boxes;
    None where none is ticked, or they are of several documents."""
    found = [value.rsplit(" ", 2) for value in values]
    if not found or len({parts[0] for parts in found}) > 1:
        return None
    try:
        spans = [Span(int(start), int(end)) for _, start, end in found]
    except ValueError:
        return None
    return found[0][0], Span(min(s.start for s in spans), max(s.end for s in spans))
