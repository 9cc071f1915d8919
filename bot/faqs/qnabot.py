"""QnABot on AWS: {"qna": [{"qid", "q": [...], "a", "t"?, "type"?, ...}]}, export and import.

What only its own machinery can say is named and left out: answers with Handlebars in them, quizzes
and slot types. Cards, buttons, Lambda hooks and spoken or Markdown forms of an answer stay behind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.faqs.entries import Faq, FaqEntry, Gathering, make_entry, one_line
from bot.faqs.json_lines import label
from bot.types import content_id

_TOPIC = "topic"


def is_qnabot(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("qna"), list)


def faq_of_qnabot(value: object) -> Faq:
    """The entries of an export, which `is_qnabot` knows."""
    gathering = Gathering()
    items = value["qna"] if isinstance(value, dict) else ()
    for number, item in enumerate(items, 1):
        try:
            gathering.add(_take(item))
        except ValueError as error:
            gathering.fault(number, str(error))
    return gathering.faq()


def write_qnabot(entries: Sequence[FaqEntry]) -> bytes:
    """An entry without an id gets one made of its texts: QnABot takes none without."""
    items = [_item(entry) for entry in entries]
    return (json.dumps({"qna": items}, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def held_by_qnabot(entry: FaqEntry) -> FaqEntry | None:
    """`entry` as QnABot holds it: always with an id, of the metadata the topic, no source.

    None where it would take a part of the answer for a template.
    """
    return None if "{{" in entry.answer else _named(entry)


def _named(entry: FaqEntry) -> FaqEntry:
    topic = tuple(pair for pair in entry.metadata if pair[0] == _TOPIC)
    return FaqEntry(
        entry.question, entry.answer, entry.variants, id=entry.id or _made_id(entry), metadata=topic
    )


def _take(item: object) -> FaqEntry:
    """Raises ValueError."""
    if not isinstance(item, dict):
        raise ValueError("is no object with questions and an answer.")
    kind = item.get("type", "qna")
    if kind not in ("qna", "", None):
        raise ValueError(f"is of the type {one_line(str(kind))!r} and no question with an answer.")
    questions, answer = item.get("q"), item.get("a")
    if not isinstance(questions, list) or not isinstance(answer, str):
        raise ValueError('has no "q" (a list of questions) or no "a" (a text).')
    if "{{" in answer:
        raise ValueError("has an answer that QnABot fills in ({{…}}). Write the text out.")
    entry = make_entry(
        [question for question in questions if isinstance(question, str)],
        answer,
        id=label(item.get("qid")),
        metadata={_TOPIC: label(item.get("t"))},
    )
    return _named(entry)


def _item(entry: FaqEntry) -> dict[str, object]:
    held = _named(entry)
    topic = dict(held.metadata).get(_TOPIC)
    item: dict[str, object] = {"qid": held.id, "type": "qna", "q": list(held.wordings)}
    return item | {"a": held.answer} | ({"t": topic} if topic else {})


def _made_id(entry: FaqEntry) -> str:
    return "quoth." + content_id(entry.question, entry.answer)
