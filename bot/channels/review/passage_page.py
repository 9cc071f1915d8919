"""The page that the pairs of one passage are read on together, and accepted in one action."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.channels.markup import Markup, element
from bot.channels.review.layout import button, count_of, form, page, shortcuts
from bot.channels.review.view import BADGES, View, warnings
from bot.channels.review.workspace import Entry, Snapshot
from bot.types import Passage

SHOWN = 12  # wordings of a pair before the rest is unfolded
KEYS = (
    ("a", "accept the ticked pairs, and on to the next passage"),
    ("j / k", "next passage, previous passage"),
    ("u", "undo"),
    ("1 2 3", "Review, Learning, Dashboard"),
)


def beside(snapshot: Snapshot, entry: Entry) -> tuple[Entry, ...]:
    """The pairs whose answers begin in the passage of `entry`, in their order, itself included;
    () where it has no pair."""
    if entry.pair is None or entry.passage is None:
        return ()
    return tuple(e for e in snapshot.entries if e.pair is not None and e.passage == entry.passage)


def next_passage(snapshot: Snapshot, entry: Entry, step: int = 1) -> Entry | None:
    """The first pair of the nearest passage behind that of `entry` (before it: `step` -1) that
    has one to review."""
    entries = list(snapshot.entries)[::step]
    rest = entries[entries.index(entry) + 1 :]
    found = next(
        (
            e
            for e in rest
            if e.pair is not None and e.passage != entry.passage and e.status != "reviewed"
        ),
        None,
    )
    return beside(snapshot, found)[0] if found is not None else None


def passage_page(
    view: View, entry: Entry, notice: str | None = None, problem: str | None = None
) -> Markup:
    """The passage of `entry`, which has one, with all its pairs."""
    together = beside(view.snapshot, entry)
    passage = entry.passage
    assert passage is not None
    document = view.snapshot.knowledge.document(passage.document_id)
    waiting = [one for one in together if one.status != "reviewed"]
    done = len(together) - len(waiting)
    title = passage.heading or "One passage and its pairs"
    hidden = {"revision": view.snapshot.revision, "of": entry.id}
    return page(
        view.look,
        "review",
        title,
        element(
            "div",
            element("h1", title, id="pair", tabindex="-1"),
            element(
                "p",
                f"{document.title} · {count_of(len(together), 'pair')}"
                + (f", {done:,} reviewed" if done else ""),
                class_="intro",
            ),
            class_="beginning",
        ),
        element(
            "div",
            element(
                "section",
                element("h2", "The passage", id="place"),
                element("div", *_marked(view, passage, together), class_="passage-text"),
                class_="source",
                aria_labelledby="place",
            ),
            element(
                "section",
                form(
                    view.look,
                    "passage/accept",
                    hidden,
                    element("ol", *(_one(view, one) for one in together), class_="read"),
                    button("Accept the ticked pairs", key="a", class_="main")
                    if waiting
                    else element("p", "All are reviewed.", class_="soft"),
                    aria_label="Pairs of this passage",
                ),
                class_="pair",
            ),
            element(
                "div",
                _undo(view, entry),
                _step(view, entry, -1, "Previous passage", "k", "prev"),
                _step(view, entry, 1, "Next passage", "j", "next"),
                element("a", "One by one", href=view.link(entry), class_="button quiet"),
                class_="tools",
            ),
            shortcuts(*KEYS),
            id="together",
            data_state="done",
            class_="together",
        ),
        notice=notice,
        problem=problem,
    )


def _one(view: View, entry: Entry) -> Markup:
    """A pair as it is accepted: question, answer and every other wording."""
    assert entry.pair is not None
    found = warnings(entry, view.board)
    reviewed = entry.status == "reviewed"
    return element(
        "li",
        element(
            "h2",
            entry.question
            if reviewed
            else element(
                "label",
                element("input", type="checkbox", name="pair", value=entry.id, checked=not found),
                element("span", entry.question),
            ),
        ),
        element("blockquote", element("p", entry.pair.answer)),
        *_wordings(entry.variants),
        element(
            "ul", *(element("li", text) for text in found), class_="warnings", aria_label="Warnings"
        )
        if found
        else None,
        element(
            "p",
            element("span", BADGES[entry.status], class_=f"badge {entry.status}"),
            element("span", f"by {entry.row.reviewed}") if entry.row.reviewed else None,
            element(
                "a",
                "Edit",
                element("span", f" “{entry.question}”", class_="hidden"),
                href=view.link(entry),
            ),
            class_="facts-line",
        ),
    )


def _wordings(texts: Sequence[str]) -> Iterator[Markup]:
    if texts:
        yield element("p", element("b", "Also: "), " · ".join(texts[:SHOWN]), class_="soft")
    if rest := texts[SHOWN:]:
        yield element(
            "details",
            element("summary", f"{len(rest):,} more wordings"),
            element("p", " · ".join(rest), class_="soft"),
        )


def _marked(view: View, passage: Passage, entries: Sequence[Entry]) -> Iterator[Markup | str]:
    """The passage, and what of the answers reaches out of it, with all answers marked."""
    text = view.snapshot.knowledge.document(passage.document_id).text
    answers = sorted(
        (e.pair.provenance.evidence for e in entries if e.pair is not None),
        key=lambda span: (span.start, span.end),
    )
    at = min([passage.span.start, *(span.start for span in answers)])
    end = max([passage.span.end, *(span.end for span in answers)])
    for answer in answers:
        if answer.end > at:
            start = max(at, answer.start)
            yield text[at:start]
            yield element("mark", text[start : answer.end])
            at = answer.end
    yield text[at:end]


def _undo(view: View, entry: Entry) -> Markup | None:
    if view.undoable is None:
        return None
    fields = {"revision": view.snapshot.revision, "back": "passage", "pair": entry.id}
    return form(view.look, "undo", fields, button("Undo", key="u", title=view.undoable))


def _step(view: View, entry: Entry, step: int, text: str, key: str, rel: str) -> Markup | None:
    found = next_passage(view.snapshot, entry, step)
    if found is None:
        return None
    return element(
        "a",
        text,
        element("kbd", key, aria_hidden="true"),
        href=view.look.at("passage", pair=found.id),
        rel=rel,
        class_="button quiet",
        data_key=key,
        aria_keyshortcuts=key,
    )
