"""What is shown instead of overwriting: what was to be done, and what the files say by now."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from bot.channels.markup import Markup, element
from bot.channels.review.layout import Desk, button, form, page
from bot.channels.review.workspace import Snapshot, Texts

_FIELDS = ("revision", "status", "topic", "refs", "back", "pair", "number", "document", "of")
_NAMES = {"text": "Text", "question": "Question", "day": "To be reviewed by", "topic": "Topic"}


def conflict_page(
    look: Desk,
    now: Snapshot,
    seen: Texts | None,
    action: str,
    fields: Sequence[tuple[str, str]],
    again: bool,
    why: str,
    about: str | None,
) -> Markup:
    """`seen` are the files as the page showed them, `fields` what was sent to `action`; `again`
    says that the same can be done on the files as they are now, `about` which pair it is."""
    wanted = [(name, value) for name, value in fields if name not in _FIELDS and value]
    changed = _difference(seen, now.texts) if seen is not None else ""
    return page(
        look,
        "review",
        "Nothing was written",
        element(
            "section",
            element("h1", "Nothing was written", id="pair", tabindex="-1"),
            element("p", f"{why[:1].upper()}{why[1:]}. Both are here, and nothing is lost."),
            element("h2", "What you were about to do"),
            element(
                "dl",
                element("div", element("dt", "Action"), element("dd", action.rsplit("/", 1)[-1])),
                element("div", element("dt", "Pair"), element("dd", about)) if about else None,
                *(
                    element("div", element("dt", _NAMES.get(name, name)), element("dd", value))
                    for name, value in wanted
                ),
                class_="wanted",
            ),
            element("h2", "What has changed on disk since"),
            element("pre", changed, tabindex="0", role="region", aria_label="The changes")
            if changed
            else element("p", "It can no longer be told line by line: the page is too old."),
            element(
                "div",
                _again(look, now, action, fields) if again else None,
                element("a", "Leave it", href=look.at("review"), class_="button quiet"),
                class_="tools",
            ),
            class_="conflict",
        ),
        problem=None,
    )


def _again(look: Desk, now: Snapshot, action: str, fields: Sequence[tuple[str, str]]) -> Markup:
    kept = [
        element("input", type="hidden", name=name, value=value)
        for name, value in fields
        if name != "revision"
    ]
    revision: Mapping[str, str | None] = {"revision": now.revision}
    return form(
        look, action, revision, *kept, button("Do it on the files as they are now", class_="main")
    )


def _difference(before: Texts, after: Texts) -> str:
    lines: list[str] = []
    for name in after:
        old, new = (before.get(name) or "").splitlines(), (after[name] or "").splitlines()
        lines += difflib.unified_diff(old, new, f"{name} as shown", f"{name} now", "", "", 2, "")
    return "\n".join(lines[:400])
