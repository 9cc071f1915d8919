"""How documents nobody has edited are answered: articles and pages, drawn by rules and asked.

Each SQuAD 2 article is a knowledge of its own. Its file holds passages (`faq.jsonl`: {"id",
"question": title, "answer": passage}) and questions (`queries.jsonl`: {"query", "gold": [passage
ids], "passage"}); those without gold were written to look answerable from it and are not.
Where the quote comes from a passage of gold it counts as right: the file doesn't say which
sentence. The baseline is the nearest sentence by plain cosine.

A MedQuAD page is one web address of `faq.jsonl` ({"question", "answer", "url", "group": "subject /
type"}): its answers are the passages, its own questions must find them, and of the types that
other pages about the subject have and this one lacks, it must find nothing.

Practical pages (a shop's, a pool's, a leaflet) with questions that name the texts which answer are
the repository's own: `tests/data/pages_test.jsonl` and `pages_test2.jsonl`.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from bot.bot import Bot
from bot.documents.documents import slug
from bot.documents.sentences import split_sentences
from bot.drawing.draft import make_draft
from bot.encoding.cache import EmbeddingCache
from bot.encoding.encoders import Encoder, load_encoder
from bot.errors import QuothError
from bot.evaluation.banks import figures as shares_of
from bot.evaluation.banks import read_lines
from bot.evaluation.measures import auroc, calibration_error
from bot.knowledge.knowledge import write_knowledge
from bot.settings import Settings
from bot.types import Answered
from bot.wording import clean

NAME, PAGES = "squad2_passages", "medquad_ms_als"
OWN = ("pages_test.jsonl", "pages_test2.jsonl")
# Nothing was trained or chosen on the articles of "test"; those of "dev" chose what is trained.
SPLITS = {
    "dev": ("Imperialism", "Yuan dynasty"),
    "test": (
        "Immune system",
        "Normans",
        "Steam engine",
        "Warsaw",
        "Force",
        "Scottish Parliament",
        "1973 oil crisis",
        "Packet switching",
    ),
}


@dataclass(frozen=True, slots=True)
class Article:
    """Passages by id, and questions with the ids of the passages that answer them."""

    title: str
    passages: dict[str, str]
    questions: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question's best candidate: its score, whether it is right, whether it was put forward,
    and, where the question was declined, whether one of those offered has the answer."""

    answerable: bool
    score: float
    right: bool
    answered: bool
    offered: bool = False


@dataclass(frozen=True, slots=True)
class DrawnFigures:
    """`passage_right`: of the answerable; `auroc`: answerable against unanswerable questions;
    `right_at_5`: the best share answered right with 5 % of all replies wrong; the rest at the
    threshold that a new knowledge starts with, `offered` of the answerable that it declines."""

    method: str
    questions: int
    answerable: int
    passage_right: float
    auroc: float
    right_at_5: float
    answered_right: float | None
    offered: float | None
    declined_right: float | None
    wrong_of_all: float | None
    calibration_error: float | None

    def to_json(self) -> dict[str, object]:
        return {field: getattr(self, field) for field in self.__slots__}


def read_articles(folder: Path, split: str) -> Iterator[Article]:
    """The articles of `split`; QuothError where the folder doesn't hold them."""
    passages: dict[str, dict[str, str]] = {}
    titles: dict[str, str] = {}
    for row in read_lines(folder / "faq.jsonl"):
        id, title = str(row["id"]), str(row["question"])
        passages.setdefault(title, {})[id] = " ".join(str(row["answer"]).split())
        titles[id] = title
    questions: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for row in read_lines(folder / "queries.jsonl"):
        gold = row["gold"]
        accepted = frozenset(map(str, gold)) if isinstance(gold, list) else frozenset()
        own = questions.setdefault(titles.get(str(row["passage"]), ""), [])
        own.append((str(row["query"]), accepted))
    for title in SPLITS[split]:
        if title not in passages or title not in questions:
            raise QuothError(f"{folder} holds no article {title!r}; is it the {NAME} folder?")
        yield Article(title, passages[title], tuple(questions[title]))


def read_pages(folder: Path) -> Iterator[Article]:
    """The pages of a MedQuAD folder, in the order of their addresses."""
    pages: dict[str, list[tuple[str, str, str, str]]] = {}
    types: dict[str, dict[str, str]] = {}
    for row in read_lines(folder / "faq.jsonl"):
        subject, _, kind = str(row["group"]).partition(" / ")
        answer = " ".join(str(row["answer"]).split())
        pages.setdefault(str(row["url"]), []).append((subject, kind, str(row["question"]), answer))
        types.setdefault(subject, {}).setdefault(kind, str(row["question"]))
    for url in sorted(pages):
        own = pages[url]
        subject = own[0][0]
        asked = [(question, frozenset({kind})) for _, kind, question, _ in own]
        held = {kind for _, kind, _, _ in own}
        asked += [(q, frozenset()) for kind, q in types[subject].items() if kind not in held]
        yield Article(subject, {kind: answer for _, kind, _, answer in own}, tuple(asked))


def ask_article(article: Article, settings: Settings) -> tuple[list[Asked], list[Asked]]:
    """(by Quoth, by plain cosine): the article drawn as `draw` does it, every question asked."""
    encoder, vectors = _loaded(settings)
    body = "\n\n".join(article.passages.values())
    bot = _drawn(f"# {article.title}\n\n{body}\n", article.title, settings, vectors)
    text = bot.knowledge.documents[0].text
    starts = [text.index(passage) for passage in article.passages.values()]
    ids = list(article.passages)

    ours = []
    for question, gold in article.questions:
        right = {
            pair.id
            for pair in bot.knowledge.pairs
            if ids[max(0, bisect_right(starts, pair.provenance.evidence.start) - 1)] in gold
        }
        ours.append(_asked(bot, question, bool(gold), right))
    sentences = [
        (id, span.of(passage))
        for id, passage in article.passages.items()
        for span in split_sentences(passage)
    ]
    known = vectors.encode([sentence for _, sentence in sentences])
    asked = encoder.encode([question for question, _ in article.questions]) @ known.T
    plain = [
        Asked(bool(gold), float(row.max()), sentences[int(row.argmax())][0] in gold, False)
        for (_, gold), row in zip(article.questions, asked, strict=True)
    ]
    return ours, plain


def _asked(bot: Bot, question: str, answerable: bool, right: Set[str]) -> Asked:
    """How `bot` took one question, which the pairs with the ids `right` answer."""
    finding = bot.consider(question)
    best = finding.matches[0] if finding.matches else None
    offers = bot.offers(finding)
    return Asked(
        answerable,
        best.probability if best else 0.0,
        best is not None and best.pair.id in right,
        isinstance(finding.decision, Answered),
        any(pair.question in offers and pair.id in right for pair in bot.knowledge.pairs),
    )


def _loaded(settings: Settings) -> tuple[Encoder, EmbeddingCache]:
    encoder = load_encoder(settings.model, settings.cache_dir, threads=settings.threads)
    return encoder, EmbeddingCache(settings.cache_dir / "vectors", encoder)


def _drawn(text: str, title: str, settings: Settings, vectors: EmbeddingCache) -> Bot:
    """The bot of a Markdown text, drawn as `draw` does it."""
    with tempfile.TemporaryDirectory(prefix="quoth-") as folder:
        source = Path(folder) / f"{slug(title)[:60]}.md"
        source.write_text(text, encoding="utf-8")
        made = make_draft([source], lambda: vectors.encode)
        root = Path(folder) / "knowledge"
        write_knowledge(
            root,
            title=made.title,
            documents=made.documents,
            pairs=made.pairs,
            prototypes=made.prototypes,
            domain=made.domain,
        )
        return Bot.load(settings.model_copy(update={"knowledge": root, "max_wrong": None}))


def ask_page(page: Mapping[str, object], settings: Settings) -> tuple[list[Asked], list[Asked]]:
    """(by Quoth, by plain cosine to what was drawn): a page drawn, its questions asked.

    `page` holds "title", "text" (Markdown) and "questions" with "q" and "gold", texts of the page
    that the quote must hold one of; none: not answered.
    """
    encoder, vectors = _loaded(settings)
    bot = _drawn(str(page["text"]), str(page["title"]), settings, vectors)
    answers = list(dict.fromkeys(pair.answer for pair in bot.knowledge.pairs))
    known = vectors.encode(answers)
    ours, plain = [], []
    for row in cast(list[dict[str, Any]], page["questions"]):
        question, gold = row["q"], [clean(g) for g in row["gold"]]
        right = {pair.id for pair in bot.knowledge.pairs if _holds(pair.answer, gold)}
        ours.append(_asked(bot, question, bool(gold), right))
        near = known @ encoder.encode([question])[0]
        nearest = answers[int(near.argmax())]
        plain.append(Asked(bool(gold), float(near.max()), _holds(nearest, gold), False))
    return ours, plain


def _holds(quote: str, gold: Sequence[str]) -> bool:
    return any(g in clean(quote) for g in gold)


def summarise(method: str, asked: Sequence[Asked], *, calibrated: bool) -> DrawnFigures:
    scored = [(a.score, a.right) for a in asked]
    answerable = sum(a.answerable for a in asked)
    shares = shares_of("", method, scored, [a.answerable for a in asked], calibrated=False)
    right = sum(a.answered and a.right for a in asked)
    wrong = sum(a.answered and not a.right for a in asked)
    declined = sum(not a.answered and not a.answerable for a in asked)
    missed = [a.offered for a in asked if a.answerable and not a.answered]
    return DrawnFigures(
        method,
        len(asked),
        answerable,
        shares.first,
        auroc([(a.score, a.answerable) for a in asked]) or 0.0,
        shares.right[1],
        right / answerable if calibrated else None,
        sum(missed) / len(missed) if calibrated and missed else None,
        declined / max(1, len(asked) - answerable) if calibrated else None,
        wrong / len(asked) if calibrated else None,
        calibration_error([(a.score, a.right) for a in asked]) if calibrated else None,
    )


def drawn_figures(
    folder: Path, split: str, settings: Settings, progress: Callable[[str], None]
) -> tuple[DrawnFigures, ...]:
    """The figures of the plain cosine and of Quoth for each set; none of those not in `folder`.

    Pages are asked with "test": nothing was trained or chosen on them.
    """
    found: list[DrawnFigures] = []
    for name in (NAME, PAGES, *OWN) if split == "test" else (NAME,):
        place = folder / name
        if not (place if name in OWN else place / "faq.jsonl").is_file():
            progress(f"{place} is not there: documents drawn without an edit are left out")
            continue
        ours: list[Asked] = []
        plain: list[Asked] = []
        for title, ask in _asking(place, name, split, settings):
            progress(f"Drawing and asking {title} …")
            own, cosine = ask()
            ours += own
            plain += cosine
        found.append(summarise(f"{name}: nearest sentence by cosine", plain, calibrated=False))
        found.append(summarise(f"{name}: quoth", ours, calibrated=True))
    return tuple(found)


def _asking(
    place: Path, name: str, split: str, settings: Settings
) -> Iterator[tuple[str, Callable[[], tuple[list[Asked], list[Asked]]]]]:
    """The title of each document of a set, and what draws and asks it."""
    if name in OWN:
        for page in read_lines(place):
            yield str(page["title"]), partial(ask_page, page, settings)
        return
    for article in read_articles(place, split) if name == NAME else read_pages(place):
        yield article.title, partial(ask_article, article, settings)


def as_table(rows: Sequence[DrawnFigures]) -> str:
    """The figures as a Markdown table."""
    head = (
        "| drawn, no edit | questions | best passage right | AUROC | right at 5 % wrong "
        "| answered right | else offered | declined right | wrong of all | ECE |"
    )
    lines = [head, "|---" * 10 + "|"]
    for row in rows:
        cells = [row.passage_right, row.auroc, row.right_at_5, row.answered_right]
        cells += [row.offered, row.declined_right, row.wrong_of_all, row.calibration_error]
        shown = " | ".join("–" if c is None else f"{c:.3f}" for c in cells)
        lines.append(f"| {row.method} | {row.questions} | {shown} |")
    return "\n".join(lines)
