"""From a question in its conversation to a finding: routed, understood, retrieved, decided.

The dear steps (further readings, each a pass of the encoder) are taken only where the cheap one
leaves a doubt: a question that leans on the turns before it, one that names no subject where
several could be meant, one of several parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.conversation import Understood, choose, understand
from bot.decision import Decider
from bot.encoders import Encoder, Vectors
from bot.followups import Context, read
from bot.knowledge import Knowledge
from bot.retrieval import Retrieved, Retriever
from bot.routing import Router
from bot.smalltalk import strip_courtesies
from bot.subjects import Subjects
from bot.types import (
    Answered,
    Clarified,
    Conversation,
    Decision,
    Declined,
    Match,
    Safety,
    SmallTalk,
    Turn,
)
from bot.wording import clean, content_words

HOPELESS = 0.8  # score of "not answered" above which no other reading is tried
MOST_SUBJECTS = 3  # among which an unnamed subject is sought
MOST_PARTS = 4
FRAGMENT = 4  # words up to which a question may leave its subject to be guessed
PART = 0.7  # least probability of an answer to a part of a question

_IT = re.compile(
    r"\b(?:it|its|it's|this (?:disease|illness|condition|disorder|thing))\b", re.IGNORECASE
)
_OPEN = re.compile(  # speaks of a subject without its name
    r"\b(?:they|them|their|the (?:disease|illness|condition|disorder))\b|^which (?:is|has|comes|one)\b",
    re.IGNORECASE,
)
_ASKS = (
    r"(?:what|which|who|whom|whose|when|where|why|how|is|are|was|were|do|does|did|can|could|will"
    r"|would|should|has|have)"
)
_PARTS = re.compile(
    rf"[?;]+\s+|\.\s+|,?\s+(?:and|but|or|plus|also)\s+(?:also\s+)?(?={_ASKS}\b)|,\s*(?={_ASKS}\b)",
    re.IGNORECASE,
)
_QUESTION = re.compile(rf"^(?:(?:and|so|but|then|also)\s+)*{_ASKS}\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a question came to. `question` is as understood; `part` the part that is answered."""

    question: str
    decision: Decision
    retrieved: Retrieved | None = None
    matches: tuple[Match, ...] = ()
    part: str | None = None

    @property
    def confidence(self) -> float:
        """The probability behind the best match, 0 where none was weighed."""
        return self.matches[0].probability if self.matches else 0.0


class Reasoner:
    """Finds what to reply. Threads may share it; it remembers nothing."""

    def __init__(
        self,
        knowledge: Knowledge,
        encoder: Encoder,
        retriever: Retriever,
        router: Router,
        decider: Decider,
        subjects: Subjects,
    ) -> None:
        self._encoder, self._retriever = encoder, retriever
        self._router, self._decider, self._subjects = router, decider, subjects
        self._pairs = {pair.id: pair for pair in knowledge.pairs}

    def consider(self, question: str, conversation: Conversation) -> Finding:
        """The finding for `question` after the turns of `conversation`."""
        asked = clean(question)
        understood = understand(asked, conversation, self._subjects, self._said)
        if understood.kind == "pick":
            return self._readings(understood)
        # Courtesies go before the question is embedded, so that one vector serves the routing
        # and the retrieval of a question that stands alone.
        core = strip_courtesies(asked) or asked
        vector = self._encoder.encode([self._retriever.compare(core)])[0]
        routed = self._router.route(asked, vector)
        if routed is not None and not _completes(routed, understood):
            return Finding(asked, routed)
        if understood.kind in ("source", "repeat") and understood.turn:
            again = self._again(understood.turn)
            if again:
                return Finding(understood.turn.understood, Answered(again), None, again)
        if core != asked:
            understood = understand(core, conversation, self._subjects, self._said)
        if understood.kind == "more" and understood.turn:
            return self._more(understood, understood.turn)
        return self._doubtful(self._readings(understood, core, vector), understood)

    def _readings(
        self, understood: Understood, known: str = "", vector: Vectors | None = None
    ) -> Finding:
        """The best reading; `vector` is that of the reading `known`."""
        tried: dict[str, Finding] = {}

        def score(text: str) -> float:
            tried[text] = self._find(text, vector if text == known else None)
            return tried[text].confidence

        text = choose(understood, score)
        if text not in tried:
            score(text)
        return tried[text]

    def _find(self, text: str, vector: Vectors | None = None) -> Finding:
        retrieved = self._retriever.retrieve(text, vector)
        matches = self._decider.matches(retrieved)
        return Finding(text, self._decider.decide(retrieved, matches), retrieved, matches)

    def _doubtful(self, finding: Finding, understood: Understood) -> Finding:
        """The finding, or a better one by naming a subject or answering a part."""
        if isinstance(finding.decision, Clarified):
            return finding
        by_subject = self._by_subject(finding, understood)
        if by_subject is not None:
            return by_subject
        if isinstance(finding.decision, Declined):
            return self._by_part(finding) or finding
        return finding

    def _by_subject(self, finding: Finding, understood: Understood) -> Finding | None:
        """Readings that name the subject, where none is named and several could be meant."""
        names = self._subjects.canonical
        retrieved = finding.retrieved
        if retrieved is None or retrieved.subjects or not 2 <= len(names) <= MOST_SUBJECTS:
            return None
        answered = isinstance(finding.decision, Answered)
        both = self._subjects.both(finding.question)
        single = bool(_IT.search(finding.question)) and not both
        short = len(finding.question.split()) <= FRAGMENT
        if not (single or both or short or _OPEN.search(finding.question)):
            return None
        if answered and not (single and len(finding.matches[0].pair.subjects) == 1):
            return None
        if not answered and retrieved.out > HOPELESS:
            return None
        if not single:
            wide = self._named(finding.question, names)
            if wide is not None and isinstance(wide.decision, Answered):
                return wide
        found = [f for n in names if (f := self._named(finding.question, (n,))) is not None]
        settled = [f for f in found if isinstance(f.decision, Answered)]
        options = {f.matches[0].pair.answer: f.matches[0] for f in settled}
        if len(options) > 1:
            best = max(settled, key=lambda f: f.confidence)
            return Finding(finding.question, Clarified(tuple(options.values())), retrieved, best.matches)
        if answered or not settled:
            return None
        return max(settled, key=lambda f: f.confidence)

    def _named(self, text: str, names: tuple[str, ...]) -> Finding | None:
        readings = read(text, Context(topic=names), self._subjects).candidates
        other = next((r.text for r in readings if r.kind != "alone"), None)
        return None if other is None else self._find(other)

    def _by_part(self, finding: Finding) -> Finding | None:
        """The best answered part of a question that asks several things; None where there is none."""
        retrieved = finding.retrieved
        parts = _parts(finding.question)
        if retrieved is None or len(parts) < 2:
            return None
        names = tuple(s for s in self._subjects.canonical if s in retrieved.subjects)
        best: Finding | None = None
        for part in parts:
            found = self._find(part)
            if names and found.retrieved is not None and not found.retrieved.subjects:
                found = self._named(part, names) or found
            sure = isinstance(found.decision, Answered) and found.confidence >= PART
            if sure and (best is None or found.confidence > best.confidence):
                best = Finding(
                    finding.question, found.decision, found.retrieved, found.matches, part
                )
        return best

    def _again(self, turn: Turn) -> tuple[Match, ...]:
        pairs = [self._pairs[i] for i in turn.pair_ids if i in self._pairs]
        return tuple(Match(p, p.question, n, 1.0) for n, p in enumerate(pairs, 1))

    def _more(self, understood: Understood, turn: Turn) -> Finding:
        """A further answer to the last question, or the same again where there is none."""
        text = understood.candidates[0].text
        found = self._find(text)
        given = {self._pairs[i].answer for i in turn.pair_ids if i in self._pairs}
        matches = tuple(m for m in found.matches if m.pair.answer not in given)
        if matches and matches[0].probability >= self._decider.threshold:
            return Finding(text, Answered(matches[:1]), found.retrieved, matches)
        again = self._again(turn)
        return Finding(
            text, Answered(again) if again else Declined("not_covered"), found.retrieved, again
        )

    def _said(self, turn: Turn) -> str:
        """The sentence a turn was answered with, for follow-ups that ask why."""
        pair = self._pairs.get(turn.pair_ids[0]) if turn.pair_ids else None
        return pair.answer if pair else ""


def _completes(routed: Decision, understood: Understood) -> bool:
    """Whether what looks like chatter or noise alone ("why?") completes an earlier question."""
    if isinstance(routed, Safety):
        return False
    loose = isinstance(routed, SmallTalk) or (
        isinstance(routed, Declined) and routed.reason == "not_understood"
    )
    return loose and understood.kind != "new" and understood.standalone is False


def _parts(question: str) -> list[str]:
    """The parts of `question` that ask something, at most `MOST_PARTS`."""
    pieces: Iterator[str] = (p.strip(" ,.;?") for p in _PARTS.split(question))
    asking = [p for p in pieces if _QUESTION.match(p) and content_words(p)]
    return asking[:MOST_PARTS]
