"""Small knowledges in folders, for what reads, compares and serves several of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FACTS = {
    "When is the shop open?": "The shop is open from nine to five on working days.",
    "How long is the warranty?": "The warranty on every bicycle lasts for two years.",
    "Do you repair electric bikes?": "Electric bikes are repaired in the workshop on Tuesdays.",
    "How much does a repair cost?": "A repair costs 40 euros an hour.",
}
NOTE = "Please note: all information is given without guarantee and may change at any time."


def make_shop(
    folder: Path,
    facts: Mapping[str, str] = FACTS,
    *,
    title: str = "The bicycle shop",
    note: str = NOTE,
    variants: Mapping[str, list[str]] | None = None,
    **manifest: Any,
) -> Path:
    """A knowledge in `folder`: `facts` are its questions and their answers, one document's text."""
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    text = "\n\n".join([title, *dict.fromkeys(facts.values()), note]) + "\n"
    (folder / "documents" / "shop.txt").write_text(text, encoding="utf-8")
    pairs = [
        {"question": question, "answer": answer, "variants": (variants or {}).get(question, [])}
        for question, answer in facts.items()
    ]
    fields = {"title": title, "documents": [{"file": "documents/shop.txt"}], **manifest}
    for name, value in (("knowledge.yaml", fields), ("pairs.yaml", pairs)):
        written = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
        (folder / name).write_text(written, encoding="utf-8")
    return folder
