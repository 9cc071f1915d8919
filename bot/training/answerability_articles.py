"""Articles with questions, rebuilt from rows that hold one sentence each.

A row has a question, a sentence, up to 180 characters of what stands before it, and whether the
sentence answers. Sentences are chained by what stands before them into paragraphs, so that
articles are drawn, and their sentences read, just as an owner's document is.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SOURCES = ("squad2dev", "squad1train", "newwiki")  # those whose rows name their article


@dataclass
class Asked:
    """A question; `gold` are sentences that answer it, none where nothing in the article does."""

    text: str
    kind: str  # "answerable", "unanswerable" (written by people), "changed" (by rule)
    gold: list[str] = field(default_factory=list)


@dataclass
class Article:
    title: str
    source: str
    paragraphs: list[str]
    questions: list[Asked]


def read_articles(file: Path) -> list[Article]:
    """The articles of a file of rows, JSON lines, gzipped."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["source"] in SOURCES]
    titles = {r["context"][:-1] for r in rows if _is_title(r["context"])}
    articles: dict[tuple[str, str], list[Mapping[str, object]]] = defaultdict(list)
    for row in rows:
        title, before = _cut(row["context"], titles)
        sentence = " ".join(row["sentence"].split())
        articles[row["source"], title].append({**row, "before": before, "sentence": sentence})
    return [
        Article(title, source, _paragraphs(own), _questions(own))
        for (source, title), own in sorted(articles.items())
    ]


def _is_title(context: str) -> bool:
    return context.endswith(".") and ". " not in context


def _cut(context: str, titles: set[str]) -> tuple[str, str]:
    """(title, what stands before the sentence)."""
    for stop in re.finditer(r"\.(?: |$)", context):
        if context[: stop.start()] in titles:
            return context[: stop.start()], " ".join(context[stop.end() :].split())
    raise ValueError(f"the context names no known title: {context[:80]!r}")


def _paragraphs(rows: Iterable[Mapping[str, object]]) -> list[str]:
    before: dict[str, str] = {}
    for row in rows:
        sentence, context = str(row["sentence"]), str(row["before"])
        if len(context) >= len(before.get(sentence, "")):
            before[sentence] = context
    by_end: dict[str, list[str]] = defaultdict(list)
    for sentence in before:
        by_end[sentence[-25:]].append(sentence)
    following: dict[str, str] = {}
    follows: set[str] = set()
    for sentence, context in before.items():
        earlier = [
            s
            for s in by_end.get(context[-25:], [])
            if s != sentence and (context.endswith(s) or s.endswith(context))
        ]
        if context and earlier and (last := max(earlier, key=len)) not in following:
            following[last] = sentence
            follows.add(sentence)
    paragraphs = []
    for sentence, context in before.items():
        if sentence in follows:
            continue
        chain, here = [context] if context else [], sentence
        seen: set[str] = set()
        while here and here not in seen:
            seen.add(here)
            chain.append(here)
            here = following.get(here, "")
        paragraphs.append(" ".join(chain))
    return paragraphs


def _questions(rows: Iterable[Mapping[str, object]]) -> list[Asked]:
    kinds = {"unans": "unanswerable", "synth": "changed"}
    found: dict[tuple[str, str], Asked] = {}
    for row in rows:
        text = " ".join(str(row["question"]).split())
        kind = kinds.get(str(row["kind"]), "answerable")
        asked = found.setdefault((text, kind), Asked(text, kind))
        if row["label"]:
            asked.gold.append(str(row["sentence"]))
    return list(found.values())
