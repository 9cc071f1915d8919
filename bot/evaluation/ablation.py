"""What each part buys: an exam asked of less and less of Quoth, from the bare cosine upwards.

Every step gives each question one candidate and a score; a threshold on the score decides. So that
no step is judged by a threshold meant for another, each gets the best one in hindsight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bot.bot import Bot, Engine, adjusted_confidence
from bot.documents.passages import split_sentences
from bot.encoding.cosines import cosines
from bot.evaluation.measures import auroc
from bot.knowledge.exam import Dialogue, Question, matches
from bot.matching import answerability
from bot.matching.index import build_index, compared
from bot.matching.lexicon import Lexicon
from bot.matching.retrieval import Retriever
from bot.subjects import Subjects
from bot.types import Answered

if TYPE_CHECKING:
    from bot.settings import Settings

Floats = NDArray[np.float32]
RISK = 0.05
# Texts put forward, and how sure: higher is surer.
Candidate = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Step:
    """How far one step gets. Shares are 0..1, thresholds the best in hindsight."""

    name: str
    balanced: float  # mean of answered right and declined right
    right: float  # answered right where at most RISK of all questions get a wrong reply
    auroc: float  # a right candidate against any other


def ablation(
    exam: Sequence[Dialogue], settings: Settings, progress: Callable[[str], None]
) -> Iterator[Step]:
    """The steps, from a cosine to all of it. `exam` holds single questions.

    Takes a minute: one head is solved anew, without words. A knowledge too large for one head has
    no steps for it.
    """
    questions = [question for dialogue in exam for question in dialogue]
    engine = Engine(settings, progress)
    bot = Bot.load(settings, engine=engine, progress=progress)
    knowledge, encoder = bot.knowledge, engine.encoder
    subjects = Subjects(knowledge.aliases, knowledge.subjects)
    index = build_index(
        knowledge, subjects, encoder, embed=engine.vectors.encode, cache=engine.cache
    )
    retriever = Retriever(index, encoder, subjects)
    confidence = adjusted_confidence(index)
    sentences = [
        span.of(document.text)
        for document in knowledge.documents
        for span in split_sentences(document.text)
    ]
    said = engine.vectors.encode([compared(s, subjects) for s in sentences])
    asked = engine.vectors.encode([compared(q.text, subjects) for q in questions])
    texts = [answer.text for answer in index.answers]
    answered = index.owners != index.out

    def sentence(i: int) -> Candidate:
        near = cosines(said, asked[i])
        return (sentences[int(near.argmax())],), float(near.max())

    def wording(i: int, gaps: bool = False) -> Candidate:
        near = cosines(index.vectors, asked[i])
        best = int(np.where(answered, near, -1).argmax())
        gap = near[~answered].max(initial=-1.0) if gaps else 0.0
        return (texts[index.owners[best]],), float(near[best] - gap)

    def head(i: int, lexicon: Lexicon, weights: Floats) -> Candidate:
        told = lexicon.similarities(compared(questions[i].text, subjects))
        scores = answerability.kernel(cosines(index.vectors, asked[i]), told) @ weights
        best = int(scores[:-1].argmax())
        return (texts[best],), float(scores[best] - scores[-1])

    def weighed(i: int) -> Candidate:
        found = retriever.retrieve(questions[i].text).candidates
        sure = [confidence.probability(c.signals) for c in found]
        best = int(np.argmax(sure)) if sure else -1
        return ((texts[found[best].answer],), sure[best]) if sure else ((), 0.0)

    def whole(i: int) -> Candidate:
        finding = bot.consider(questions[i].text)
        given = finding.decision.matches if isinstance(finding.decision, Answered) else ()
        shown = given or finding.matches[:1]
        return tuple(m.pair.answer for m in shown), finding.confidence

    heads: list[tuple[str, Callable[[int], Candidate]]] = []
    if (solved := index.head) is not None:
        mute = Lexicon.build([""] * len(index.owners))
        bare, _ = answerability.fit_head(index.vectors, mute, index.owners, index.out)
        heads = [
            ("a head over all wordings and gaps", lambda i: head(i, mute, bare)),
            ("… and over their words", lambda i: head(i, index.lexicon, solved)),
        ]
    steps: list[tuple[str, Callable[[int], Candidate]]] = [
        ("nearest sentence of the document, cosine", sentence),
        ("nearest wording of a pair, cosine", wording),
        ("… less the cosine of the nearest known gap", lambda i: wording(i, gaps=True)),
        *heads,
        ("… subjects kept apart, typing errors mended, a probability", weighed),
        ("all of it: routing, readings, parts", whole),
    ]
    for name, candidate in steps:
        progress(f"Asking: {name} …")
        yield step(name, questions, [candidate(i) for i in range(len(questions))])


def step(name: str, questions: Sequence[Question], candidates: Sequence[Candidate]) -> Step:
    """The figures of one step; every question has its candidate."""
    scores = np.array([score for _, score in candidates])
    right = np.array(
        [
            bool(q.gold) and matches(q.gold, put)
            for q, (put, _) in zip(questions, candidates, strict=True)
        ]
    )
    asked = np.array([bool(q.gold) for q in questions])
    order = np.argsort(-scores, kind="stable")
    # Ties stand or fall together; the first point answers nothing.
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    found = np.r_[0, np.cumsum(right[order])[ends]] / max(1, asked.sum())
    false = np.r_[0, np.cumsum(~asked[order])[ends]] / max(1, (~asked).sum())
    wrong = np.r_[0, np.cumsum(~right[order])[ends]] / len(questions)
    return Step(
        name,
        float(((found + 1 - false) / 2).max()),
        float(found[wrong <= RISK].max()),
        auroc(list(zip(scores.tolist(), right.tolist(), strict=True))) or 0.0,
    )


def as_table(steps: Sequence[Step]) -> str:
    """The steps as a Markdown table."""
    lines = [
        "| | balanced | answered right at 5 % wrong | AUROC |",
        "|---|---|---|---|",
        *(f"| {s.name} | {s.balanced:.3f} | {s.right:.3f} | {s.auroc:.3f} |" for s in steps),
    ]
    return "\n".join(lines)
