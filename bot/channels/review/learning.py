"""Questions that visitors asked and got no answer to, those that mean the same together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from bot.encoding.encoders import Vectors
from bot.knowledge.knowledge import Knowledge
from bot.state.unanswered import Unanswered
from bot.types import Passage

if TYPE_CHECKING:
    from bot.bot import Bot

TOGETHER = 0.62  # mean cosine from which questions are shown as one
MOST_CLUSTERED = 2000  # questions; the distances between them are all held in memory
NEAREST = 3


class Encodes(Protocol):
    """What is needed of an encoder."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dim], L2-normalised."""
        ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """Questions that ask the same, newest first; `head` is the one in their middle."""

    head: str
    questions: tuple[Unanswered, ...]
    passages: tuple[tuple[Passage, float], ...] = ()  # the nearest, with their cosines
    pairs: tuple[str, ...] = ()  # ids of the likeliest pairs, best first

    @property
    def wordings(self) -> tuple[str, ...]:
        """The distinct questions, the head first."""
        return tuple(dict.fromkeys((self.head, *(one.question for one in self.questions))))

    @property
    def refs(self) -> tuple[str, ...]:
        return tuple(one.ref for one in self.questions)


def cluster(questions: Sequence[Unanswered], encoder: Encodes) -> tuple[Cluster, ...]:
    """The clusters, largest first, then newest. Average linkage over cosines (scikit-learn)."""
    asked = list(questions[:MOST_CLUSTERED])
    if not asked:
        return ()
    texts = list(dict.fromkeys(one.question for one in asked))
    vectors = encoder.encode(texts)
    labels = _labels(vectors)
    found = []
    for label in sorted(set(labels)):
        members = [n for n, own in enumerate(labels) if own == label]
        middle = vectors[members].mean(axis=0)
        head = texts[members[int(np.argmax(vectors[members] @ middle))]]
        named = {texts[n] for n in members}
        found.append(Cluster(head, tuple(one for one in asked if one.question in named)))
    return tuple(sorted(found, key=lambda c: (-len(c.questions), -c.questions[0].asked)))


def _labels(vectors: Vectors) -> list[int]:
    if len(vectors) == 1:
        return [0]
    from sklearn.cluster import AgglomerativeClustering

    made = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=1 - TOGETHER
    )
    return [int(label) for label in made.fit_predict(vectors)]


class Surroundings:
    """Which passages and pairs are nearest to a question, for one bot."""

    def __init__(self, bot: Bot, encoder: Encodes) -> None:
        self._bot, self._encoder = bot, encoder
        self._passages = _quotable(bot.knowledge)
        self._vectors = encoder.encode([p.text for p in self._passages])

    def of(self, cluster: Cluster) -> Cluster:
        """`cluster` with its nearest passages and likeliest pairs."""
        vector = self._encoder.encode([cluster.head])[0]
        cosines = self._vectors @ vector
        best = np.argsort(-cosines, kind="stable")[:NEAREST]
        likely = self._bot.consider(cluster.head).matches[:NEAREST]
        return Cluster(
            cluster.head,
            cluster.questions,
            tuple((self._passages[i], float(cosines[i])) for i in best),
            tuple(match.pair.id for match in likely),
        )


def _quotable(knowledge: Knowledge) -> list[Passage]:
    """The passages but the disclaimers."""
    notes = {d.id: d.disclaimer for d in knowledge.documents}
    return [
        passage
        for passage in knowledge.passages
        if (note := notes[passage.document_id]) is None or not passage.span.overlaps(note)
    ]
