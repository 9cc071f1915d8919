"""What happens before retrieval: is this a question to look up at all?

The order is fixed: an emergency or self-harm, then personal medical advice or fear that asks for
nothing, then small talk, then another language, then nothing to understand. Rules decide first;
where an encoder is there, a linear head over its vectors finds the wordings that no rule knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.routing.chatspeak import plain
from bot.routing.language import foreign_language, is_gibberish
from bot.routing.safety import (
    HEALTH,
    UrgentRoute,
    asks_for_advice,
    asks_in_general,
    asks_prognosis,
    denies_self_harm,
    is_idiom,
    is_impersonal,
    names_nobody,
    tells_illness,
    tells_sorrow,
    urgent_route,
)
from bot.routing.safety_head import DISTRESS, PASS, SMALLTALK, SafetyHead, fit, load_prototypes
from bot.routing.smalltalk import INTENTS, small_talk, strip_courtesies
from bot.types import Declined, Safety, SmallTalk
from bot.wording import clean

_SENTENCE = re.compile(r"[.!?;]+ ")

# Chosen on the development questions; the least probability of advice lies between the two that
# five-fold cross-validation picks most often (.988 found at 0.7 % false alarms). A missed
# emergency costs far more than a false alarm, so its least probability is the lowest.
ADVICE, CHAT = 0.45, 0.8  # least probabilities
SURE = 0.8  # least probability of an alarm in what a rule takes for a plea for advice
IMPERSONAL = 0.75  # least probability of advice or alarm in a question that names no person
# Of an alarm or of distress in other words that name no person ("just the average survival"), and
# the cosine to a known cry from which an alarm needs no more than elsewhere ("no way out").
NOBODY, NOBODY_NEAR = 0.5, 0.65
NEAR_DISTRESS = 0.4  # least cosine to a prototype of distress
CLOSE_DISTRESS = 0.8  # cosine to one from which it is enough that nothing else is likelier
CHAT_NEAR = 0.5  # least cosine to a small-talk prototype
CHAT_WORDS = 9  # small talk that only the head sees is this short at most


@dataclass(frozen=True, slots=True)
class Alarm:
    """When the head raises an alarm: least probability, and least cosine to an urgent prototype."""

    probability: float
    cosine: float


# Where questions are about illness, an alarm is likelier true than among orders and bills. One
# sentence of a longer text has to be plainer than a text of its own.
IN_HEALTH, ELSEWHERE, IN_PART = Alarm(0.25, 0.45), Alarm(0.6, 0.5), Alarm(0.85, 0.55)
PART_WORDS = 6  # least words of such a sentence: "he went so fast" alone says nothing
PARTS = 6  # sentences of a longer text that are looked at alone


class SentenceEncoder(Protocol):
    """What routing needs of `bot.encoding.encoders.Encoder`."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 [n, dim], L2-normalised."""
        ...


class Router:
    """Routes questions; safe to share between threads.

    `encoder` None: rules alone. `domain`: only in "health" are personal questions medical ones;
    emergencies are routed in every domain. `known`: questions the knowledge answers, which must
    pass. `head`: a head fitted earlier (`fit_head`), such as one from a cache.
    """

    def __init__(
        self,
        encoder: SentenceEncoder | None,
        *,
        domain: str = HEALTH,
        known: Sequence[str] = (),
        head: SafetyHead | None = None,
    ) -> None:
        self._encoder = encoder
        self._health = domain == HEALTH
        if encoder is not None and head is None:
            head = fit_head(encoder, known)
        self.head = head

    def route(
        self, question: str, vector: NDArray[np.float32] | None = None
    ) -> Safety | SmallTalk | Declined | None:
        """Where `question` goes instead of retrieval; None: it is a question to look up.

        `vector`: the encoder's vector of `vector_text(question)`, float32 [dim], where the caller
        has it already; else it is computed.
        """
        text = plain(question)
        urgent = urgent_route(text)
        if urgent is not None:
            return Safety(urgent)
        chat = small_talk(question)
        if chat is not None:
            return chat
        if foreign_language(question) is not None:
            return Declined("language")
        if is_gibberish(question) or is_idiom(text):
            return Declined("not_understood")
        if asks_prognosis(text):
            return None
        return self._judge(question, text, vector)

    def _judge(
        self, question: str, text: str, vector: NDArray[np.float32] | None
    ) -> Safety | SmallTalk | Declined | None:
        """The route of an English question that is neither an alarm nor small talk by rule."""
        bare, chat = vector_text(question), None
        telling = self._health and "?" not in question
        pieces = _SENTENCE.split(clean(question))
        sentences = [s for p in pieces if (s := vector_text(p))] if len(pieces) > 1 else [bare]
        impersonal, nobody = is_impersonal(text), names_nobody(text)
        told = telling and tells_illness(sentences)
        sorrow = self._health and tells_sorrow(sentences)
        advice = self._health and not told and asks_for_advice(text)
        if self.head is not None and (vector is not None or self._encoder is not None):
            if vector is None and self._encoder is not None:
                vector = self._encoder.encode([bare])[0]
            assert vector is not None
            chances, near = self.head.probabilities(bare, vector), self.head.nearest(vector)
            alarm = IN_HEALTH if self._health else ELSEWHERE
            if impersonal:
                alarm = replace(alarm, probability=max(alarm.probability, IMPERSONAL))
            elif advice:  # "should i take more, my legs are killing me": by rule, unless plainer
                alarm = replace(alarm, probability=max(alarm.probability, SURE))
            elif nobody and max(near["self_harm"], near["emergency"]) < NOBODY_NEAR:
                alarm = replace(alarm, probability=max(alarm.probability, NOBODY))
            urgent = _alarmed(chances, near, alarm) or self._in_part(sentences, bare)
            if urgent == "self_harm" and self._health and denies_self_harm(text):
                return Safety("distress")
            if urgent is not None:
                return Safety(urgent)
            least = IMPERSONAL if impersonal else NOBODY if nobody else ADVICE
            if self._health and not advice and _is_distress(chances, near, least):
                return Safety("distress")
            personal = 1 - chances[PASS] - chances[SMALLTALK] - chances.get(DISTRESS, 0.0)
            advice |= self._health and personal >= least
            intent = max(INTENTS, key=lambda kind: near.get(kind, -1.0))
            short = len(text.split()) <= CHAT_WORDS
            if short and chances[SMALLTALK] >= CHAT and near[intent] >= CHAT_NEAR:
                chat = SmallTalk(intent)
        if sorrow:
            return Safety("distress")
        if told:
            return Declined("nothing_asked")
        return Safety("advice") if advice and not asks_in_general(text) else chat

    def _in_part(self, sentences: Sequence[str], whole: str) -> UrgentRoute | None:
        """An alarm in one sentence of a text of several: it drowns in the vector of the whole."""
        parts = [part for part in sentences if len(part.split()) >= PART_WORDS][-PARTS:]
        if self.head is None or self._encoder is None or parts in ([], [whole]):
            return None
        for part, vector in zip(parts, self._encoder.encode(parts), strict=True):
            chances, near = self.head.probabilities(part, vector), self.head.nearest(vector)
            urgent = _alarmed(chances, near, IN_PART)
            if urgent is not None:
                return urgent
        return None


def _alarmed(chances: dict[str, float], near: dict[str, float], alarm: Alarm) -> UrgentRoute | None:
    """The urgent route, where its probability is enough and the text near enough to known ones."""
    self_harm, emergency = chances["self_harm"], chances["emergency"]
    likely = self_harm + emergency >= max(alarm.probability, chances.get(DISTRESS, 0.0))
    if not likely or max(near["self_harm"], near["emergency"]) < alarm.cosine:
        return None
    return "self_harm" if self_harm > emergency else "emergency"


def _is_distress(chances: dict[str, float], near: dict[str, float], least: float) -> bool:
    """Whether a text tells of fear or grief and asks for nothing, rather than for advice."""
    distress, nearest = chances.get(DISTRESS, 0.0), near.get(DISTRESS, -1.0)
    if nearest >= CLOSE_DISTRESS and distress >= max(chances.values()):
        return True
    return distress >= max(least, chances["advice"]) and nearest >= NEAR_DISTRESS


def vector_text(question: str) -> str:
    """The text whose vector the head judges: plain words, courtesies stripped.

    The same for any case, white space and closing punctuation.
    """
    return plain(strip_courtesies(question))


def fit_head(encoder: SentenceEncoder, known: Sequence[str] = ()) -> SafetyHead:
    """Fit a head to the shipped prototypes, with `known` questions that must pass."""
    prototypes = load_prototypes().with_passes(known)
    return fit(prototypes, encoder.encode(prototypes.texts))
