"""The bot: one façade over the pipeline, from a question to a reply and its receipt.

Everything below is a pure function of the question, the conversation and what was loaded; the
only inputs from outside are the clock and the random ids.
"""

from __future__ import annotations

import copy
import hashlib
import math
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bot.conversation.conversation import fresh, remember
from bot.encoding.batching import BatchingEncoder, free_lanes
from bot.encoding.cache import Cache, EmbeddingCache
from bot.encoding.encoders import Encoder, load_encoder
from bot.errors import QuestionError
from bot.knowledge.files import MANIFEST
from bot.knowledge.knowledge import Knowledge, load_knowledge
from bot.knowledge.standing import Withheld, withheld
from bot.matching.calibration import Confidence, Scaling, fit_confidence, leave_one_out, shipped
from bot.matching.decision import Decider, withhold
from bot.matching.index import Index, build_index
from bot.matching.operating_point import FILE, load_operating_point
from bot.matching.retrieval import Retriever
from bot.reasoning import Finding, Reasoner
from bot.replying.receipts import Receipt
from bot.replying.replies import Writer
from bot.replying.suggestions import Suggester
from bot.replying.texts import load_texts
from bot.routing.routing import Router, fit_head
from bot.routing.safety_head import SETTINGS as SAFETY_SETTINGS
from bot.routing.safety_head import SafetyHead, prototypes_text
from bot.settings import Settings
from bot.subjects import Subjects
from bot.types import (
    Answered,
    Conversation,
    Decision,
    Declined,
    QAPair,
    Reply,
    Safety,
    SmallTalk,
    Turn,
)
from bot.wording import clean

if TYPE_CHECKING:
    from bot.reading.reading import Reader

OPENING = ("greeting", "help", "who_are_you")  # small talk that is answered with suggestions too
UNREAD = ("language", "not_understood")  # reasons after which there is nothing to lean on
# Of a knowledge that was never calibrated; drawn answers: the reader's. On the question banks that
# the shipped confidence is fitted to, 4 % of all questions get a wrong reply, 8 % at 0.5.
DEFAULT_THRESHOLD = 0.65


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn: the reply, the conversation with it, and why it was given."""

    reply: Reply
    conversation: Conversation
    receipt: Receipt


class Engine:
    """The model and the caches: what all bots of a process share, loaded when first used."""

    def __init__(self, settings: Settings, progress: Callable[[str], None] | None = None) -> None:
        self._settings, self._say = settings, progress or (lambda line: None)
        self.cache = Cache(settings.cache_dir / "index", warn=self._say)

    @cached_property
    def encoder(self) -> Encoder:
        """Raises EncoderError."""
        settings = self._settings
        single_threaded(settings.threads)
        return load_encoder(
            settings.model, settings.cache_dir, threads=settings.threads, progress=self._say
        )

    @cached_property
    def serving(self) -> BatchingEncoder:
        """The encoder for questions, which come from many threads: a pass for each free core."""
        return BatchingEncoder(self.encoder, lanes=free_lanes(self._settings.threads))

    @cached_property
    def vectors(self) -> EmbeddingCache:
        return EmbeddingCache(self._settings.cache_dir / "vectors", self.encoder, warn=self._say)


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
        scaling: Scaling,
        stale: str | None = None,
        drawn_threshold: float | None = None,
        reader: Reader | None = None,
        max_question_chars: int = 2000,
        conversation_turns: int = 20,
        conversation_minutes: float = 60,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.knowledge = knowledge
        self.encoder, self.model_digest, self.threshold = encoder, encoder.digest, threshold
        self._scaling = scaling
        self.stale = stale  # why the threshold should be chosen anew, and how
        self._decider = Decider(
            knowledge, index, subjects, confidence, threshold, drawn_threshold or threshold
        )
        headings = {p.heading for p in knowledge.passages if p.heading}
        retriever = Retriever(index, encoder, subjects, reader, headings)
        self._reasoner = Reasoner(knowledge, encoder, retriever, router, self._decider, subjects)
        self._subjects = subjects
        texts = load_texts(knowledge.texts, knowledge.root / MANIFEST)
        self._writer = Writer(knowledge, texts)
        self._suggester = Suggester(knowledge, index, subjects, self._offers)
        self._found: dict[str, bool] = {}  # by pair, whether its question is answered
        self._longest = max_question_chars
        self._turns, self._age = conversation_turns, conversation_minutes * 60
        self._clock = clock

    @classmethod
    def load(
        cls,
        settings: Settings,
        *,
        engine: Engine | None = None,
        progress: Callable[[str], None] | None = None,
        calibrated: bool = True,
    ) -> Bot:
        """Everything from disk: the knowledge, the model, the cached index (built where missing).

        `engine` is shared with other bots; None loads one. `calibrated` False leaves a saved
        operating point aside, for the command that chooses one. Raises KnowledgeError,
        DocumentError, EncoderError or SettingsError, each saying what to do.
        """
        say = progress or (lambda line: None)
        knowledge = load_knowledge(Path(settings.knowledge))
        engine = engine or Engine(settings, progress)
        encoder, cache, vectors = engine.encoder, engine.cache, engine.vectors
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
        max_wrong = settings.max_wrong if knowledge.max_wrong is None else knowledge.max_wrong
        saved = (
            load_operating_point(knowledge, encoder.digest, max_wrong, say) if calibrated else None
        )
        reader = _reader(knowledge, index, subjects, engine.serving, cache, say)
        return cls(
            knowledge,
            engine.serving,
            index=index,
            subjects=subjects,
            router=router,
            confidence=adjusted_confidence(index),
            threshold=saved.point.threshold if saved else DEFAULT_THRESHOLD,
            scaling=saved.point.scaling if saved else Scaling(),
            drawn_threshold=reader.threshold if reader and not saved else None,
            stale=saved.stale if saved else None,
            reader=reader,
            max_question_chars=settings.max_question_chars,
            conversation_turns=settings.conversation_turns,
            conversation_minutes=settings.conversation_minutes,
        )

    def faults(self) -> Iterator[str]:
        """What its owner should mend, a line each: pairs not served, a stale operating point."""
        yield from map(str, self.knowledge.quarantined)
        if self.stale:
            yield f"Warning: {self.knowledge.root / FILE} {self.stale}."

    def at(self, threshold: float) -> Bot:
        """This bot with another threshold."""
        other = copy.copy(self)
        other.threshold, other._reasoner = threshold, self._reasoner.at(threshold)
        return other

    def ask(self, question: str, conversation: Conversation | None = None) -> Exchange:
        """The reply to `question` in `conversation` (None starts one).

        Raises QuestionError for a question that is empty or too long.
        """
        if not question.strip():
            raise QuestionError("The question is empty. Please write what you would like to know.")
        if len(question) > self._longest:
            raise QuestionError(
                f"The question has {len(question):,} characters; at most {self._longest:,} are "
                "read. Please ask it in fewer words."
            )
        now = self._clock()
        conversation = conversation or Conversation(secrets.token_urlsafe(16), updated=now)
        conversation = fresh(conversation, now, self._age)
        earlier = conversation.turns
        finding = self.consider(question, conversation)
        reply = self._reply(finding, conversation.id)
        matched = finding.decision.matches if isinstance(finding.decision, Answered) else ()
        turn = Turn(
            reply.turn_id,
            clean(question),
            "" if reply.cause in UNREAD else reply.question,
            finding.decision.kind,
            tuple(m.pair.id for m in matched),
            reply.suggestions,
        )
        conversation = remember(conversation, turn, now, self._turns, self._age)
        receipt = Receipt.of(
            question,
            reply,
            finding.retrieved,
            [replace(m, probability=self._scaling.of(m.probability)) for m in finding.matches],
            earlier,
            threshold=self._scaling.of(
                self._decider.bar(finding.matches[0]) if finding.matches else self.threshold
            ),
            knowledge=self.knowledge,
            model=self.model_digest,
        )
        return Exchange(reply, conversation, receipt)

    def consider(self, question: str, conversation: Conversation | None = None) -> Finding:
        """What `ask` rests on, with the candidates and their probabilities; no reply is written."""
        finding = self._reasoner.consider(question, conversation or Conversation("none"))
        return replace(
            finding, decision=withhold(finding.decision, self.withheld, finding.confidence)
        )

    def withheld(self, pair: QAPair) -> Withheld | None:
        """Why `pair` may not answer today (not reviewed, or past its date); None where it may."""
        return withheld(pair, self.knowledge.unreviewed, date.fromtimestamp(self._clock()))

    def finds(self, question: str) -> str | None:
        """The id of the pair that answers `question`, whether or not it may answer today; None
        where it declines."""
        decision = self._reasoner.consider(question, Conversation("none")).decision
        return decision.matches[0].pair.id if isinstance(decision, Answered) else None

    def _offers(self, pair: QAPair) -> bool:
        """Whether `pair` may be offered: it may answer today, and its question, picked, does."""
        if self.withheld(pair) is not None:
            return False
        if pair.id not in self._found:
            self._found[pair.id] = self.finds(pair.question) is not None
        return self._found[pair.id]

    def suggestions(self, prefix: str, limit: int = 5) -> tuple[str, ...]:
        """Answerable questions that go on from what was typed, best first."""
        return self._suggester.complete(prefix, limit)

    def offers(self, finding: Finding) -> tuple[str, ...]:
        """The answerable questions put beside what `consider` found; none beside an answer."""
        if _is_opening(finding.decision):
            return self._suggester.openers(about=self._subjects.mentioned(finding.question))
        if isinstance(finding.decision, Declined):
            return self._suggester.near(finding.retrieved, finding.matches)
        return ()

    def _reply(self, finding: Finding, conversation_id: str) -> Reply:
        return self._writer.reply(
            finding.decision,
            question=finding.question,
            conversation_id=conversation_id,
            turn_id=secrets.token_urlsafe(12),
            confidence=self._scaling.of(finding.confidence),
            suggestions=self.offers(finding),
            part=finding.part,
            exhausted=finding.exhausted,
        )


def _is_opening(decision: Decision) -> bool:
    """Whether the reply shows what can be asked: to who has just come, or needs a gentle start."""
    if isinstance(decision, SmallTalk):
        return decision.intent in OPENING
    if isinstance(decision, Declined):
        return decision.reason == "nothing_asked"
    return isinstance(decision, Safety) and decision.route == "distress"


def replay(bot: Bot, receipt: Mapping[str, object]) -> Iterable[str]:
    """What is different when the question of `receipt` is asked again now; nothing if the same.

    It is asked after the turns that it was asked after: "more" is more only behind an answer.
    """
    asked = str(receipt.get("asked") or "")
    if not asked.strip():
        yield "the receipt holds no question"
        return
    try:
        turns = tuple(map(Turn.from_json, receipt["turns"]))  # type: ignore[call-overload]
    except (KeyError, TypeError, AttributeError):
        yield "the receipt doesn't hold the turns before the question"
        return
    now = bot.ask(asked, Conversation("replayed", turns, math.inf)).receipt
    yield from now.differences(receipt)


def adjusted_confidence(index: Index) -> Confidence:
    """The shipped confidence, adjusted on the knowledge's own wordings by leave-one-out.

    Only where the head saw examples of both sorts: at least 50 prototypes, and two wordings an
    answer on average (a lone wording can't be found by the others).
    """
    prior = shipped(index.wordings)
    inside = int((index.owners < index.out).sum())
    outside = len(index.owners) - inside
    if index.held is None or outside < 50 or inside < 2 * index.out:
        return prior
    return fit_confidence(leave_one_out(index.held, index.owners), prior)


def single_threaded(threads: int) -> None:
    """Hold numpy's BLAS to `threads`: for products this small more threads only spin."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=threads, user_api="blas")


def _safety_head(
    known: Sequence[str], encoder: Encoder, vectors: EmbeddingCache, cache: Cache
) -> SafetyHead:
    names = [field.name for field in fields(SafetyHead) if field.init]
    parts = ["safety", encoder.digest, SAFETY_SETTINGS, *names, prototypes_text(), *known]
    key = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    found = cache.get(key)
    if found is not None:
        return SafetyHead(**found)
    head = fit_head(vectors, known)
    cache.put(key, {name: getattr(head, name) for name in names})
    return head


def _reader(
    knowledge: Knowledge,
    index: Index,
    subjects: Subjects,
    encoder: Encoder,
    cache: Cache,
    say: Callable[[str], None],
) -> Reader | None:
    if not any(pair.drawn for pair in knowledge.pairs):
        return None
    from bot.reading.reading import (
        build_reader,  # start-up doesn't pay for it where nothing is read
    )

    return build_reader(knowledge, index, subjects, encoder, cache=cache, progress=say)


def _counted(say: Callable[[str], None]) -> Callable[[int, int], None]:
    def progress(done: int, of: int) -> None:
        say(f"Embedding {done:,} of {of:,} questions …")

    return progress
