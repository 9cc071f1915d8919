"""The bot: one façade over the pipeline, from a question to a reply and its receipt.

Everything below is a pure function of the question, the conversation and what was loaded; the
only inputs from outside are the clock and the random ids.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from bot.cache import Cache, EmbeddingCache
from bot.calibration import SHIPPED, Confidence, fit_confidence, leave_one_out_signals
from bot.conversation import Understood, choose, fresh, remember, understand
from bot.decision import Decider
from bot.encoders import Encoder, load_encoder
from bot.errors import QuestionError
from bot.index import Index, build_index
from bot.knowledge import Knowledge, load_knowledge
from bot.operating_point import load_operating_point
from bot.receipts import Receipt
from bot.replies import Writer
from bot.retrieval import Retrieved, Retriever
from bot.routing import Router, fit_head
from bot.safety_head import SafetyHead, load_prototypes
from bot.settings import Settings
from bot.smalltalk import strip_courtesies
from bot.subjects import Subjects
from bot.suggestions import Suggester
from bot.texts import load_texts
from bot.types import (
    Answered,
    Conversation,
    Decision,
    Declined,
    Match,
    Reply,
    Safety,
    SmallTalk,
    Turn,
)
from bot.wording import clean

DEFAULT_THRESHOLD = 0.5  # of a knowledge that was never calibrated


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn: the reply, the conversation with it, and why it was given."""

    reply: Reply
    conversation: Conversation
    receipt: Receipt


class Bot:
    """Answers from one knowledge. Threads may share it."""

    def __init__(
        self,
        knowledge: Knowledge,
        encoder: Encoder,
        *,
        index: Index,
        subjects: Subjects,
        router: Router,
        confidence: Confidence,
        threshold: float,
        max_question_chars: int = 2000,
        conversation_turns: int = 20,
        conversation_minutes: float = 60,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.knowledge = knowledge
        self._encoder, self._subjects, self._router = encoder, subjects, router
        self._retriever = Retriever(index, encoder, subjects)
        self._decider = Decider(knowledge, index, subjects, confidence, threshold)
        self._writer = Writer(knowledge, load_texts(knowledge.texts, knowledge.root))
        self._suggester = Suggester(knowledge, index, subjects)
        self._pairs = {pair.id: pair for pair in knowledge.pairs}
        self._longest = max_question_chars
        self._turns, self._age = conversation_turns, conversation_minutes * 60
        self._clock = clock

    @classmethod
    def load(cls, settings: Settings, *, progress: Callable[[str], None] | None = None) -> Bot:
        """Everything from disk: the knowledge, the model, the cached index (built where missing).

        Raises KnowledgeError, DocumentError, EncoderError or SettingsError, each saying what to do.
        """
        say = progress or (lambda line: None)
        single_threaded(settings.threads)
        knowledge = load_knowledge(Path(settings.knowledge))
        encoder = load_encoder(
            settings.model, settings.cache_dir, threads=settings.threads, progress=say
        )
        cache = Cache(settings.cache_dir / "index", warn=say)
        vectors = EmbeddingCache(settings.cache_dir / "vectors", encoder, warn=say)
        subjects = Subjects(knowledge.aliases, knowledge.subjects)
        index = build_index(
            knowledge,
            subjects,
            encoder,
            embed=lambda texts: vectors.encode(texts, _counted(say)),
            cache=cache,
            progress=say,
        )
        known = [w for pair in knowledge.pairs for w in pair.wordings]
        router = Router(
            encoder,
            domain=knowledge.domain,
            head=_safety_head(known, encoder, vectors, cache),
        )
        point = load_operating_point(knowledge, encoder.digest, settings.max_wrong)
        return cls(
            knowledge,
            encoder,
            index=index,
            subjects=subjects,
            router=router,
            confidence=adjusted_confidence(index),
            threshold=point.threshold if point else DEFAULT_THRESHOLD,
            max_question_chars=settings.max_question_chars,
            conversation_turns=settings.conversation_turns,
            conversation_minutes=settings.conversation_minutes,
        )

    def ask(self, question: str, conversation: Conversation | None = None) -> Exchange:
        """The reply to `question` in `conversation` (None starts one).

        Raises QuestionError for a question that is empty or too long.
        """
        if not question.strip():
            raise QuestionError("The question is empty. Please write what you would like to know.")
        if len(question) > self._longest:
            raise QuestionError(
                f"The question has {len(question):,} characters; at most {self._longest:,} are read."
            )
        now = self._clock()
        conversation = conversation or Conversation(secrets.token_urlsafe(16), updated=now)
        conversation = fresh(conversation, now, self._age)
        understood, decision, retrieved, matches = self._decide(question, conversation)
        reply = self._reply(understood, decision, retrieved, matches, conversation.id)
        turn = Turn(
            reply.turn_id,
            clean(question),
            reply.question,
            decision.kind,
            tuple(m.pair.id for m in decision.matches) if isinstance(decision, Answered) else (),
            reply.suggestions,
        )
        conversation = remember(conversation, turn, now, self._turns, self._age)
        receipt = Receipt.of(
            question,
            reply,
            retrieved,
            matches,
            threshold=self._decider.threshold,
            knowledge=self.knowledge,
            model=self._encoder.digest,
        )
        return Exchange(reply, conversation, receipt)

    def finds(self, question: str) -> str | None:
        """The id of the pair that `question` would be answered with; None where it declines."""
        _, decision, _, _ = self._decide(question, Conversation("check"))
        return decision.matches[0].pair.id if isinstance(decision, Answered) else None

    def suggestions(self, prefix: str, limit: int = 5) -> tuple[str, ...]:
        """Answerable questions that go on from what was typed, best first."""
        return self._suggester.complete(prefix, limit)

    def assess(self, question: str) -> tuple[Retrieved | None, tuple[Match, ...]]:
        """The candidates of a question with their probabilities, whatever the threshold.

        (None, ()) where routing keeps the question from retrieval.
        """
        _, _, retrieved, matches = self._decide(question, Conversation("assess"))
        return retrieved, matches

    def _decide(
        self, question: str, conversation: Conversation
    ) -> tuple[str, Decision, Retrieved | None, tuple[Match, ...]]:
        """(the question as understood, the decision, what was retrieved, the matches)."""
        asked = clean(question)
        understood = understand(asked, conversation, self._subjects, self._said)
        if understood.kind in ("source", "repeat") and understood.turn:
            again = self._again(understood.turn)
            if again:
                return understood.turn.understood, Answered(again), None, again
        if understood.kind != "pick":
            # Courtesies go before the question is embedded, so that one vector serves both the
            # routing and the retrieval of a question that stands alone.
            core = strip_courtesies(asked) or asked
            vector = self._encoder.encode([self._retriever.compare(core)])[0]
            routed = self._router.route(asked, vector)
            if routed is not None and not self._completes(routed, understood):
                return asked, routed, None, ()
            understood = understand(core, conversation, self._subjects, self._said)
            if understood.candidates[0].text == core and len(understood.candidates) == 1:
                return core, *self._answer(self._retriever.retrieve(core, vector))
        if understood.kind == "more" and understood.turn:
            return self._more(understood, understood.turn)
        tried: dict[str, tuple[Retrieved, tuple[Match, ...]]] = {}

        def score(text: str) -> float:
            retrieved = self._retriever.retrieve(text)
            tried[text] = retrieved, self._decider.matches(retrieved)
            return tried[text][1][0].probability if tried[text][1] else 0.0

        text = choose(understood, score)
        if text not in tried:
            score(text)
        retrieved, matches = tried[text]
        return text, self._decider.decide(retrieved, matches), retrieved, matches

    def _answer(
        self, retrieved: Retrieved
    ) -> tuple[Decision, Retrieved, tuple[Match, ...]]:
        matches = self._decider.matches(retrieved)
        return self._decider.decide(retrieved, matches), retrieved, matches

    @staticmethod
    def _completes(routed: Decision, understood: Understood) -> bool:
        """Whether what looks like chatter or noise alone ("why?") completes an earlier question."""
        loose = isinstance(routed, SmallTalk) or (
            isinstance(routed, Declined) and routed.reason == "not_understood"
        )
        return loose and understood.kind != "new" and understood.standalone is False

    def _again(self, turn: Turn) -> tuple[Match, ...]:
        pairs = [self._pairs[i] for i in turn.pair_ids if i in self._pairs]
        return tuple(Match(p, p.question, n, 1.0) for n, p in enumerate(pairs, 1))

    def _more(
        self, understood: Understood, turn: Turn
    ) -> tuple[str, Decision, Retrieved | None, tuple[Match, ...]]:
        """A further answer to the last question, or the same again where there is none."""
        text = understood.candidates[0].text
        retrieved = self._retriever.retrieve(text)
        given = {self._pairs[i].answer for i in turn.pair_ids if i in self._pairs}
        matches = tuple(m for m in self._decider.matches(retrieved) if m.pair.answer not in given)
        if matches and matches[0].probability >= self._decider.threshold:
            return text, Answered(matches[:1]), retrieved, matches
        again = self._again(turn)
        return text, Answered(again) if again else Declined("not_covered"), retrieved, again

    def _said(self, turn: Turn) -> str:
        """The sentence a turn was answered with, for follow-ups that ask why."""
        pair = self._pairs.get(turn.pair_ids[0]) if turn.pair_ids else None
        return pair.answer if pair else ""

    def _reply(
        self,
        understood: str,
        decision: Decision,
        retrieved: Retrieved | None,
        matches: Sequence[Match],
        conversation_id: str,
    ) -> Reply:
        suggestions: Sequence[str] = ()
        if isinstance(decision, Declined):
            suggestions = self._suggester.near(retrieved, matches)
        elif isinstance(decision, SmallTalk) and decision.intent in ("greeting", "help", "who_are_you"):
            suggestions = self._suggester.openers()
        elif isinstance(decision, Safety):
            suggestions = ()
        return self._writer.reply(
            decision,
            question=understood,
            conversation_id=conversation_id,
            turn_id=secrets.token_urlsafe(12),
            confidence=matches[0].probability if matches else 0.0,
            suggestions=suggestions,
        )


def replay(bot: Bot, receipt: Mapping[str, object]) -> Iterable[str]:
    """What is different when the question of `receipt` is asked again now; nothing if the same."""
    asked = str(receipt.get("asked") or receipt.get("question") or "")
    if not asked.strip():
        yield "the receipt holds no question"
        return
    now = bot.ask(asked).receipt
    yield from now.differences(receipt)


def adjusted_confidence(index: Index) -> Confidence:
    """The shipped confidence, adjusted on the knowledge's own wordings by leave-one-out.

    Only where the head saw examples of both sorts: at least 50 prototypes, and two wordings an
    answer on average (a lone wording can't be found by the others).
    """
    inside = int((index.owners < index.out).sum())
    outside = len(index.owners) - inside
    if index.held is None or outside < 50 or inside < 2 * index.out:
        return SHIPPED
    return fit_confidence(*leave_one_out_signals(index.held, index.owners))


def single_threaded(threads: int) -> None:
    """Hold numpy's BLAS to `threads`: for products this small more threads only spin."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=threads, user_api="blas")


def _safety_head(
    known: Sequence[str], encoder: Encoder, vectors: EmbeddingCache, cache: Cache
) -> SafetyHead:
    names = [field.name for field in fields(SafetyHead) if field.init]
    parts = ["safety", encoder.digest, *names, *load_prototypes().texts, *known]
    key = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    found = cache.get(key)
    if found is not None:
        return SafetyHead(**found)
    head = fit_head(vectors, known)
    cache.put(key, {name: getattr(head, name) for name in names})
    return head


def _counted(say: Callable[[str], None]) -> Callable[[int, int], None]:
    def progress(done: int, of: int) -> None:
        say(f"Embedding {done:,} of {of:,} questions …")

    return progress
