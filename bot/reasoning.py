"""From a question in its conversation to a finding: routed, understood, retrieved, decided.

The dear steps (further readings, each a pass of the encoder) are taken only where the cheap one
leaves a doubt: a question that leans on the turns before it, one that names no subject where
several could be meant, one of several parts.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace

from bot.conversation.conversation import Understood, choose, understand
from bot.conversation.cues import about_answer, says_nothing
from bot.conversation.followups import Context, read
from bot.conversation.further import says_it_again
from bot.conversation.parts import parts_of
from bot.encoding.encoders import Encoder, Vectors
from bot.knowledge.evidence import goes_on
from bot.knowledge.knowledge import Knowledge
from bot.matching.decision import Decider, beside
from bot.matching.retrieval import Retrieved, Retriever
from bot.routing.chatspeak import plain
from bot.routing.routing import Router
from bot.routing.safety import urgent_route
from bot.routing.smalltalk import strip_courtesies
from bot.subjects import Subjects
from bot.types import (
    QUOTE_LIMIT,
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
from bot.wording import clean, stems, words

HOPELESS = 0.8  # score of "not answered" above which no other reading is tried
MOST_SUBJECTS = 3  # among which an unnamed subject is sought
FRAGMENT = 4  # words up to which a question may leave its subject to be guessed
PART = 0.7  # least probability of an answer to a part of a question
FOLLOW_UP = 0.5  # least probability of an answer to a reading made from the turns before
WHOLE = 0.95  # probability of an answer to the whole from which no part is looked at

_IT = re.compile(
    r"\b(?:it|its|it's|this (?:disease|illness|condition|disorder|thing))\b", re.IGNORECASE
)
_OWN = re.compile(  # asks about a person, whose disease is not known
    r"\b(?:will|would|am|are|can|could|may|might|do|did|shall) (?:i|we)\b(?! (?:ask|know|find)\b)"
    r"|\b(?:will|would|is|can|could|may|might|does|did) (?:he|she)\b|\b(?:he|she) \w+"
    r"|\b(?:my|our)\b",
    re.IGNORECASE,
)
_SELF = re.compile(r"\b(?:i|we|my|our|me|us)\b", re.IGNORECASE)
_OPEN = re.compile(  # speaks of a subject without its name
    r"\b(?:they|them|their|the (?:disease|illness|condition|disorder))\b"
    r"|^which (?:is|has|comes|one)\b"
    r"|^how long (?:do|does|can|will|would) (?:you|one|people|patients|someone|a person) \w+$",
    re.IGNORECASE,
)
_LEADING = re.compile(r"(?:and|or|but|what about|how about)\b", re.IGNORECASE)
_PUT_IN = ("slotted", "completed", "swapped")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a question came to. `question` is as understood.

    `part` is what of it is answered, where something is left open; `exhausted` that more was
    asked for than there is, and the answer is the one given before.
    """

    question: str
    decision: Decision
    retrieved: Retrieved | None = None
    matches: tuple[Match, ...] = ()
    part: str | None = None
    exhausted: bool = False

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

    def at(self, threshold: float) -> Reasoner:
        """This one with another threshold."""
        other = copy.copy(self)
        other._decider = replace(self._decider, threshold=threshold)
        return other

    def consider(self, question: str, conversation: Conversation) -> Finding:
        """The finding for `question` after the turns of `conversation`."""
        self._retriever.begin()
        asked = clean(question)
        understood = understand(asked, conversation, self._subjects, self._said)
        if understood.kind == "pick":
            return self._readings(understood)
        # Courtesies go before the question is embedded, so that one vector serves the routing
        # and the retrieval of a question that stands alone.
        core = strip_courtesies(asked) or asked
        vector = self._retriever.encode(self._retriever.compare(core))
        routed = self._router.route(asked, vector)
        known = core
        if isinstance(routed, Safety) and _continues(asked, understood):
            # "And cold?" alone is near a cry; what counts is the question that it makes.
            known = understood.candidates[0].text
            vector = self._retriever.encode(self._retriever.compare(known))
            routed = self._router.route(known, vector)
        before = conversation.turns[-1] if conversation.turns else None
        helped = before if before and before.kind == "safety" else None
        if helped and isinstance(routed, SmallTalk) and routed.intent == "help":
            again = self._router.route(helped.understood)  # "what do I do now?"
            return Finding(helped.understood, again) if again else Finding(asked, routed)
        if routed is not None and not _completes(routed, understood):
            return Finding(asked, routed)
        if understood.kind in ("source", "repeat") and understood.turn:
            return self._again(understood.turn)
        if helped and (still := self._still(core, helped, understood)) is not None:
            return still
        if understood.kind == "new" and says_nothing(core, self._subjects):
            return Finding(asked, Declined("not_understood"))
        if core != asked:
            understood = understand(core, conversation, self._subjects, self._said)
        if understood.kind == "more" and understood.turn:
            return self._more(understood, understood.turn)
        finding = self._doubtful(self._readings(understood, known, vector), understood)
        lost = understood.kind == "new" and isinstance(finding.decision, Declined)
        if lost and about_answer(core) is not None and not self._subjects.mentioned(core):
            return Finding(asked, Declined("not_understood"))  # "source?": of what?
        return self._sure(self._unless_said(finding, understood, conversation), understood)

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

    def _sure(self, finding: Finding, understood: Understood) -> Finding:
        """The finding; declined where it rests on a reading that may be misread and isn't sure."""
        if not isinstance(finding.decision, Answered) or finding.confidence >= FOLLOW_UP:
            return finding
        kinds = {c.kind for c in understood.candidates if c.text == finding.question}
        if understood.kind != "follow_up" or kinds & {"alone", "swapped"}:
            return finding
        return replace(finding, decision=Declined("not_covered", probability=finding.confidence))

    def _unless_said(
        self, finding: Finding, understood: Understood, conversation: Conversation
    ) -> Finding:
        """The finding; declined where it only says again what more was asked of."""
        decision = finding.decision
        last = conversation.turns[-1] if conversation.turns else None
        turn = understood.turn or last
        if turn is None or not isinstance(decision, Answered):
            return finding
        said = {self._pairs[i].answer for i in turn.pair_ids if i in self._pairs}
        answers = [match.pair.answer for match in decision.matches]
        asked, fragment = understood.asked, _bare(understood)
        again = says_it_again(finding.question, asked, fragment, answers, said)
        if not again and not (said.issuperset(answers) and self._adds(understood, finding)):
            return finding
        rest = tuple(m for m in finding.matches if m.pair.answer not in said)
        declined = Declined("not_covered", probability=rest[0].probability if rest else 0.0)
        return replace(finding, decision=declined, matches=rest, part=None)

    def _adds(self, understood: Understood, finding: Finding) -> bool:
        """Whether a message puts to the question before it what no wording of the answer knows."""
        kinds = {c.kind for c in understood.candidates if c.text == finding.question}
        if understood.turn is None or not kinds & {"slotted", "joined"}:
            return False
        names = (w for name in self._subjects.canonical for w in words(name))
        asked = stems(self._subjects.replace(understood.asked))
        added = asked - stems(understood.turn.understood) - frozenset(names)
        best = finding.matches[0].pair
        return bool(added) and added.isdisjoint(stems(" ".join((best.answer, *best.wordings))))

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
        return self._by_part(finding) or finding

    def _by_subject(self, finding: Finding, understood: Understood) -> Finding | None:
        """Readings that name the subject, where none is named and several could be meant."""
        names = self._subjects.canonical
        retrieved = finding.retrieved
        if retrieved is None or retrieved.subjects or not 2 <= len(names) <= MOST_SUBJECTS:
            return None
        answered = isinstance(finding.decision, Answered)
        spoken = understood.kind == "follow_up" and not answered
        if spoken and any(self._subjects.mentioned(t) for t in understood.texts):
            return None  # the subject spoken of was tried, and another is not meant
        both = self._subjects.both(finding.question)
        own = _OWN.search(finding.question) is not None
        single = (own or bool(_IT.search(finding.question))) and not both
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
            return Finding(
                finding.question, Clarified(tuple(options.values())), retrieved, best.matches
            )
        if answered and own:
            # What is said of one disease may be false comfort, or false doom, to who has another.
            return replace(finding, decision=Declined("not_covered"))
        if answered or own or not settled:
            return None
        return max(settled, key=lambda f: f.confidence)

    def _named(self, text: str, names: tuple[str, ...]) -> Finding | None:
        readings = read(text, Context(topic=names), self._subjects).candidates
        other = next((r.text for r in readings if r.kind != "alone"), None)
        return None if other is None else self._find(other)

    def _by_part(self, finding: Finding) -> Finding | None:
        """What answers the parts of a question that asks several things; None where nothing new.

        Up to two parts are answered; what answers the whole comes first.
        """
        answered = isinstance(finding.decision, Answered)
        parts = parts_of(finding.question)
        if finding.retrieved is None or len(parts) < 2:
            return None
        if answered and finding.confidence >= WHOLE:
            return None
        sure: dict[str, tuple[str, Finding]] = {}  # by answer
        for part in parts:
            found = self._part(part, finding.retrieved.subjects)
            if isinstance(found.decision, Answered) and found.confidence >= PART:
                sure.setdefault(found.decision.matches[0].pair.answer, (part, found))
        if isinstance(finding.decision, Answered):
            whole = finding.decision.matches
            if len(whole) > 1 or whole[0].pair.answer not in sure:
                return None
            first = (sure.pop(whole[0].pair.answer)[0], finding)
        elif sure:
            best = max(sure, key=lambda answer: sure[answer][1].confidence)
            first = sure.pop(best)
        else:
            return None
        rest = sorted(sure.values(), key=lambda other: -other[1].confidence)
        second = next((other for other in rest if _fit(first[1], other[1])), None)
        chosen = [one for one in (first, second) if one is not None]
        if not answered:
            chosen.sort(key=lambda one: parts.index(one[0]))
        matches = tuple(found.matches[0] for _, found in chosen)
        left = "? ".join(part for part, _ in chosen) if len(chosen) < len(parts) else None
        decision = Answered(matches) if second else first[1].decision
        return Finding(finding.question, decision, first[1].retrieved, first[1].matches, left)

    def _part(self, part: str, asked: frozenset[str]) -> Finding:
        """The finding for one part; a subject that only another part names is meant here too."""
        names = tuple(s for s in self._subjects.canonical if s in asked)
        found = self._find(part)
        if names and found.retrieved is not None and not found.retrieved.subjects:
            return self._named(part, names) or found
        return found

    def _again(self, turn: Turn) -> Finding:
        """What `turn` was answered with; declined where the knowledge has it no longer."""
        found = self._find(turn.understood)
        known = {match.pair.id: match.probability for match in found.matches}
        matches = tuple(
            Match(pair, pair.question, rank, known.get(pair.id, self._decider.threshold))
            for rank, pair in enumerate(
                (self._pairs[i] for i in turn.pair_ids if i in self._pairs), 1
            )
        )
        if not matches:
            return Finding(turn.understood, Declined("not_covered"), found.retrieved, found.matches)
        return Finding(turn.understood, Answered(matches[:2]), found.retrieved, matches)

    def _still(self, text: str, turn: Turn, understood: Understood) -> Finding | None:
        """The same help again for what leans on a cry for it: "I want to die", "how?".

        Behind fear or a plea for advice "what is it?" is a new question: the illness is meant; so
        is it in more than a few words behind what no rule takes for an alarm.
        """
        routed = self._router.route(turn.understood)
        if not isinstance(routed, Safety):
            return None
        surely = urgent_route(plain(turn.understood)) is not None or len(words(text)) <= FRAGMENT
        pointing = _IT.search(text) is not None and not self._subjects.mentioned(text)
        leaning = _bare(understood) or about_answer(text) is not None
        if says_nothing(text, self._subjects):
            asking = pointing and (routed.route == "distress" or not _SELF.search(text))
            leaning = leaning or routed.urgent or not asking
        if leaning or (routed.urgent and pointing and surely):
            return Finding(turn.understood, routed)
        return None

    def _more(self, understood: Understood, turn: Turn) -> Finding:
        """What goes on from the last answer in the document, else a further answer to the last
        question, else the same again."""
        text = understood.candidates[0].text
        found = self._find(text)
        known = [self._pairs[i] for i in turn.pair_ids if i in self._pairs]
        given = {pair.answer for pair in known}
        said = [m for m in found.matches if m.pair.answer in given]
        rest = (m for m in found.matches if m.pair.answer not in given)
        matches = tuple(beside(m, said) for m in rest)
        following = next((m for m in matches if known and goes_on(known[0], m.pair)), None)
        if following:
            return Finding(text, Answered((following,)), found.retrieved, (following, *matches))
        if matches and matches[0].probability >= self._decider.bar(matches[0]):
            return Finding(text, Answered(matches[:1]), found.retrieved, matches)
        return replace(self._again(turn), exhausted=True)

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


def _continues(asked: str, understood: Understood) -> bool:
    """Whether a message is a few words put into the question before it, and no alarm by rule."""
    few = len(words(asked)) <= FRAGMENT and urgent_route(plain(asked)) is None
    put_in = len(understood.candidates) == 1 and understood.candidates[0].kind in _PUT_IN
    return few and put_in and _LEADING.match(asked) is not None


def _bare(understood: Understood) -> bool:
    """Whether a message is a part of the question before it ("how?", "and for ALS?")."""
    kinds = {candidate.kind for candidate in understood.candidates}
    return understood.standalone is False and not kinds & {"alone", "carried"}


def _fit(first: Finding, second: Finding) -> bool:
    """Whether both answers go into one reply, and neither says the other's."""
    one, other = first.matches[0].pair.answer, second.matches[0].pair.answer
    return len(one) + len(other) <= QUOTE_LIMIT and one not in other and other not in one
