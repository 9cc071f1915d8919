"""The passage that an answer stands in, and the forms that choose another answer in it."""

from __future__ import annotations

from bot.channels.markup import Markup, element
from bot.channels.review.layout import button, form
from bot.channels.review.view import View
from bot.channels.review.workspace import Entry
from bot.documents.passages import split_sentences
from bot.types import Document, Passage, QAPair, Span


def source_part(view: View, entry: Entry) -> Markup:
    """The passage with the answer marked; of a lost one what is most like it, to choose from."""
    if entry.pair is None or entry.passage is None:
        return _lost(view, entry)
    pair, passage = entry.pair, entry.passage
    document = view.snapshot.knowledge.document(pair.provenance.document_id)
    around = [
        other
        for other in view.snapshot.entries
        if other.passage is not None and other.passage.id == passage.id and other.id != entry.id
    ]
    place = passage.heading or "The passage"
    return element(
        "section",
        element("h2", place, id="place", tabindex="-1"),
        element("p", document.title, class_="soft"),
        _around(view, document, passage, -1),
        element(
            "div",
            *_marked(document, passage, pair.provenance.evidence),
            class_="passage-text",
            id="passage",
            data_start=str(_shown(passage, pair).start),
        ),
        _around(view, document, passage, 1),
        _sentences(view, entry, document, passage),
        element(
            "div",
            element("h3", "Other pairs on this passage"),
            element(
                "ul",
                *(
                    element(
                        "li",
                        element("span", class_=f"dot {other.status}", aria_hidden="true"),
                        element("a", other.question, href=view.link(other)),
                    )
                    for other in around
                ),
                class_="others",
            ),
            element(
                "a",
                "Read and accept them together",
                element("kbd", "t", aria_hidden="true"),
                href=view.look.at("passage", pair=entry.id),
                class_="button quiet",
                data_key="t",
                aria_keyshortcuts="t",
            ),
        )
        if around
        else None,
        class_="source",
        aria_labelledby="place",
    )


def _lost(view: View, entry: Entry) -> Markup:
    passage = entry.passage
    return element(
        "section",
        element("h2", "The answer that is lost", id="place", tabindex="-1"),
        element("blockquote", element("p", entry.row.answer.value)),
        *(
            (
                element("h3", "The passage most like it"),
                element("p", passage.text, class_="passage-text"),
                _sentences(
                    view, entry, view.snapshot.knowledge.document(passage.document_id), passage
                ),
            )
            if passage is not None
            else ()
        ),
        class_="source",
        aria_labelledby="place",
    )


def _around(view: View, document: Document, passage: Passage, step: int) -> Markup | None:
    """The passage before or after, to read on."""
    passages = view.snapshot.knowledge.passages_of[document.id]
    at = next(n for n, p in enumerate(passages) if p.id == passage.id) + step
    if not 0 <= at < len(passages):
        return None
    return element("p", passages[at].text, class_="around")


def _shown(passage: Passage, pair: QAPair) -> Span:
    """The passage, and what of the answer reaches out of it."""
    evidence = pair.provenance.evidence
    return Span(min(passage.span.start, evidence.start), max(passage.span.end, evidence.end))


def _marked(document: Document, passage: Passage, answer: Span) -> tuple[Markup | str, ...]:
    text = document.text
    start, end = min(passage.span.start, answer.start), max(passage.span.end, answer.end)
    return (
        text[start : answer.start],
        element("mark", answer.of(text)),
        text[answer.end : end],
    )


def _sentences(view: View, entry: Entry, document: Document, passage: Passage) -> Markup:
    """The form that chooses the answer: by sentence, or by what is selected in the passage."""
    shown = _shown(passage, entry.pair) if entry.pair else passage.span
    answer = entry.pair.provenance.evidence if entry.pair else None
    boxes = []
    for found in split_sentences(shown.of(document.text)):
        span = Span(shown.start + found.start, shown.start + found.end)
        boxes.append(
            element(
                "label",
                element(
                    "input",
                    type="checkbox",
                    name="sentence",
                    value=f"{span.start}-{span.end}",
                    checked=answer is not None and span.overlaps(answer),
                ),
                element("span", span.of(document.text)),
            )
        )
    hidden = view.hidden | {"document": document.id}
    return element(
        "div",
        form(
            view.look,
            f"pairs/{entry.id}/answer",
            hidden | {"selected": "", "said": ""},
            button("Use the selection as the answer", class_="main"),
            id="selecting",
            hidden=True,
        ),
        element(
            "details",
            element(
                "summary",
                "Choose the answer by sentence",
                element("kbd", "s", aria_hidden="true"),
                data_key="s",
                aria_keyshortcuts="s",
            ),
            form(
                view.look,
                f"pairs/{entry.id}/answer",
                hidden,
                element(
                    "fieldset",
                    element("legend", "The answer goes from the first to the last one ticked"),
                    *boxes,
                ),
                button("Use these sentences"),
                class_="sentences",
            ),
        ),
    )
