"""Practical pages with questions, written for training: shops, services, leaflets, help pages.

Encyclopedia articles and their crowd workers' questions teach little of how an owner's page is
written and asked. Each line of `pages.jsonl` is a page: {"set", "title", "text" (Markdown),
"questions": [{"q", "gold"}]}; gold holds the exact stretches of the text that answer, none where
nothing in it does. The pages of a set have one author.
"""

from __future__ import annotations

import json
from pathlib import Path

from bot.training.answerability_articles import Article, Asked

PAGE = "page "  # begins the source of one


def read_pages(file: Path) -> list[Article]:
    """The pages of a file of JSON lines. Raises ValueError where gold isn't in its text."""
    pages = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        text, questions = row["text"], []
        for asked in row["questions"]:
            if not all(gold in text for gold in asked["gold"]):
                raise ValueError(f"{row['title']}: no such text for {asked['q']!r}")
            kind = "answerable" if asked["gold"] else "unanswerable"
            gold = [" ".join(g.split()) for g in asked["gold"]]
            questions.append(Asked(" ".join(asked["q"].split()), kind, gold))
        pages.append(Article(row["title"], PAGE + row["set"], [text], questions))
    return pages
