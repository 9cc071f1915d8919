"""Follow-up questions made self-contained by rules: "and ALS?" -> "Is ALS deadly?".

A rewrite only ever adds what the conversation has already said: the subject spoken of, or the
question that a fragment completes. The words of the new question stay in it, so a detail that no
answer covers ("and in Germany?") is still there to be missed. What cannot be placed is appended.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bot.conversation.antecedents import resolved
from bot.conversation.ellipsis import (
    AT_LAST,
    MORE_OR_LESS,
    alike,
    compared,
    fronted,
    gapped,
    harmed_too,
    last_question,
    of_front,
    ranked,
    sluiced,
    worse,
)
from bot.conversation.leads import without_lead
from bot.conversation.pointing import (
    by_order,
    is_neither,
    is_thin,
    of_source,
    of_the_illness,
    points_back,
    same_as,
)
from bot.conversation.rewriting import (
    PLACING,
    SMALL,
    complete,
    first_word,
    listed,
    placed,
    preposition,
    slot,
    swap,
    with_subject,
)
from bot.subjects import Subjects
from bot.wording import content_words, words

Kind = Literal["alone", "swapped", "carried", "resolved", "slotted", "joined", "completed"]
LONGEST_BASE = 200  # characters of a previous question that another may be built on
LONGEST_QUESTION = 400  # characters; more is a story that needs no help


@dataclass(frozen=True, slots=True)
class Candidate:
    """One self-contained reading of a question.

    `alone` is the question itself; `swapped` the previous question with another subject;
    `carried` the question with the subject spoken of; `resolved` with the thing that the previous
    question was about; `slotted` the previous question with a
    group, place or time exchanged; `joined` "why" and its like before the previous question;
    `completed` a fragment made a question about the subject.
    """

    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Context:
    """What the question may lean on: the last question as understood, its answer, the subjects.

    `topic` holds the canonical names spoken of last; `said` is the sentence answered, or "".
    `settled`: the last question was answered, so that another may be about the same.
    """

    question: str = ""
    topic: tuple[str, ...] = ()
    said: str = ""
    settled: bool = True


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings, best first. `standalone`: the question makes sense alone (None: can't tell)."""

    candidates: tuple[Candidate, ...]
    standalone: bool | None


_DOING = ("do", "does", "did", "can", "could", "will", "would")
_LIVING = re.compile(r"\b(?:live|die|survive|kill|fatal|deadly)\b", re.IGNORECASE)
_WH = ("what", "which", "who", "whom", "whose", "when", "where", "why", "how")
_AUX = words(
    "is are was were am be do does did can could will would shall should may might must has have "
    "had isn't aren't wasn't weren't don't doesn't didn't can't cannot couldn't won't wouldn't "
    "shouldn't hasn't haven't hadn't ain't"
)
_ORDERS = ("tell", "show", "explain", "give", "list", "name", "describe", "define", "compare")
_HOLDERS = frozenset(words("people patients patient those ones the with in for sufferers someone"))
_LIKENESS = frozenset(  # beside a pointing word: "is it the other way round for ALS"
    words(
        "mechanism way situation case story rule picture other round around opposite reverse "
        "different differently answer"
    )
)
_POINTING = frozenset(words("same that so it this similar likewise too also like different"))
_OTHER = re.compile(
    r"\bthe other (?:one|two|disease|illness|condition|disorder|thing|kind|type)\b"
    r"|\bthe other\b(?!\s+(?!(?:i|you|they|it|is|in|do|does|at|as|then|too|though)\b)[a-z]\w+)",
    re.IGNORECASE,
)
_WHICH = re.compile(
    rf"^which (?=(?:is|was|has|comes|gets|hits|kills|starts|lasts)\b.*{MORE_OR_LESS})", re.I
)
_WHICH_WORSE = re.compile(rf"^(?:in |for |with )?which .*\b(?:it|that)\b.*{MORE_OR_LESS}", re.I)
_WORSE_OFF = re.compile(r"^who (?:has|gets|takes) it(?= (?:worse|worst|harder|easier)\b)", re.I)
_NAMED_ONE = re.compile(r"\b(?:the )?(?P<by>[^\W_]+) one\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|no|instead of|rather than)\s+(?:(?:in|for|with)\s+)?$", re.IGNORECASE
)
_BARE = re.compile(  # a question word and what it counts, without a verb
    r"^(?:(?:at|in|for|by|from|to|of) )?(?:what|which|how) (?:much|many|long|old|bad|common|likely"
    r"|age|kind|type|sort|ones?|others?|country|part|year|far|high|severe)(?: \w+)?$",
    re.IGNORECASE,
)
_BOTH = re.compile(
    r"\b(?:both|all|neither)(?: of (?:them|these|those|the two)| one)?\b|\bthe two(?: of them)?\b",
    re.I,
)
_WHY = re.compile(
    r"^(?P<wh>why not|why|how come|since when|how often|how long|how soon|how quickly|how fast"
    r"|how likely|how so|how exactly|how|when|where|for what reason|for whom|by whom|what for)"
    r"(?: (?:is|was|does|would|do)(?:n't)? (?:that|this|it|so)(?: be| so| the case| happen)?)?"
    r"(?: (?:then|exactly|though|so|precisely|actually|please|not|tho))*$"
)
_HOW_LONG = ("how often", "how long", "how soon", "how quickly", "how fast")
_PLAIN_WH = {
    "how come": "why",
    "for what reason": "why",
    "how so": "how",
    "how exactly": "how",
}
_JOINT = re.compile(r"^(?:why(?: not)?|since when|how(?: \w+)?|when|where|what for): ", re.I)
_REASON = re.compile(
    r"^(?:(?:what(?:'s| is| are)|is there|any) (?:the |a |an )?(?:reasons?|cause|explanation)"
    r"(?: (?:for|of|behind) (?:that|this|it))?|what causes (?:that|this)|(?:do (?:you|we|they)|does"
    r" anyone) know why(?: (?:that|this) is)?|why (?:the difference|so different)"
    r"|why (?:is there a|is that|is it|are they|do they) differ\w*)$"
)
_BRACKETS = re.compile(r"\s*\([^)]*\)$")  # what an earlier reading was about
_THIS = re.compile(r"\b(?:it|that|this)\b", re.IGNORECASE)
_AMOUNT = re.compile(  # "how often, in percent"
    r"(?<=\w),? (?:in (?:percent|numbers|figures|years)|roughly|approximately)$", re.IGNORECASE
)
_FINAL_NOUN = re.compile(r"\b(?:my|your|the|their|his|her|our)\s+\w+$", re.IGNORECASE)


def read(asked: str, context: Context, subjects: Subjects) -> Readings:
    """The self-contained readings of `asked` (cleaned text), at most three, best first."""
    text, topic, cued, about = without_lead(subjects.replace(asked), context.topic, subjects)
    body = _plain(text)
    if not body or len(body) > LONGEST_QUESTION:
        return _alone(asked, None)
    if is_neither(body) and "?" not in text:
        return _alone(text, True)  # it answers a question back, and asks nothing
    base = last_question(_plain(subjects.replace(context.question)), subjects)
    if len(base) > LONGEST_BASE:
        base = ""
    context = replace(context, question=base, topic=topic)
    body = of_front(_AMOUNT.sub("", body), subjects)
    target = _swap_target(body, base, topic, subjects)
    if target and base:
        return _readings((swap(base, topic, target, subjects), "swapped"))
    if base and (joined := _join(body, context, subjects)):
        return joined
    if completed := sluiced(body, base) or gapped(body, base) or ranked(body, base, subjects):
        return _readings((completed, "joined"))
    named = subjects.mentioned(body)
    if base and not named and (same := alike(body, _about(base, body, subjects), subjects)):
        return _readings((same, "joined"))
    if named and topic and same_as(body) and named.isdisjoint(topic):
        return _readings((with_subject(body, topic, subjects), "carried"))
    if base and named:
        about_it = _about(base, body, subjects) if is_thin(_without(body, subjects)) else ()
        more = compared(body, base, topic, about_it, subjects) or worse(body, about_it, subjects)
        if more:
            return _readings((more, "joined"))
    first = first_word(body)
    clause = first in ("it", "they") and len(body.split()) > 3
    whole = clause or first in (*_WH, *_AUX, *_ORDERS) or _BARE.match(body) is not None
    if about or (not whole and len(body.split()) <= 5):
        return _fragment(body, text, cued or about, context, subjects)
    if base and (meant := _resolved(body, context, subjects)):
        return _readings((meant, "resolved"))
    if named:
        return _alone(fronted(body, subjects) or text, True)
    return _carried(body, text, context, subjects)


def _resolved(body: str, context: Context, subjects: Subjects) -> str | None:
    """The question with its pronoun made the thing last asked about, and the subject of that."""
    meant = resolved(body, context.question, subjects)
    topic = context.topic
    if subjects.both(body) and len(subjects.canonical) == 2:
        topic = subjects.canonical
    bare = not topic or not subjects.mentioned(context.question)
    if meant is None or subjects.mentioned(body) or (bare and not subjects.both(body)):
        return meant
    return with_subject(meant, topic, subjects)


def _fragment(body: str, text: str, cued: bool, context: Context, subjects: Subjects) -> Readings:
    base, topic = context.question, context.topic
    named = tuple(s for s in subjects.canonical if s in subjects.mentioned(body))
    slotted = slot(body, base, named, topic, subjects) if base else None
    if slotted and (cued or len(body.split()) <= 3):
        return _readings((slotted, "slotted"))
    if base and body.casefold().startswith("than ") and named:
        return _readings((f"{base} {body}", "slotted"))
    if named:
        return _alone(body if cued else text, True)
    if topic and AT_LAST.fullmatch(body):
        return _readings((f"what happens {body} with {listed(topic, 'and')}", "completed"))
    if base and first_word(body) in PLACING:
        return _readings((placed(body, base, subjects), "slotted"))
    if cued and base and (other := harmed_too(body, base)):
        if topic and not subjects.mentioned(other):
            other = with_subject(other, topic, subjects)
        completed = complete(body, topic, subjects) if topic else other
        return _readings((other, "slotted"), (completed, "completed"))
    exchanged = cued and base and _FINAL_NOUN.search(base) and len(body.split()) <= 3
    if exchanged and not topic:
        return _readings((_FINAL_NOUN.sub(lambda _: body, base), "slotted"))
    if not topic or not content_words(body) or _OTHER.fullmatch(body):
        return _alone(body if cued else text, None)
    completed = complete(body, topic, subjects)
    if not cued:
        return _readings((text, "alone"), (completed, "completed"), standalone=None)
    if exchanged:
        return _readings(
            (_FINAL_NOUN.sub(lambda _: body, base), "slotted"), (completed, "completed")
        )
    return _readings((completed, "completed"))


def _carried(body: str, text: str, context: Context, subjects: Subjects) -> Readings:
    """A whole question that names no subject, about the one spoken of."""
    topic = context.topic
    body = _WHICH.sub("which one ", _WORSE_OFF.sub("which is", body))
    if subjects.both(body) and len(subjects.canonical) == 2:
        topic = subjects.canonical
    if not topic:
        return _alone(text, None)
    other = subjects.other(topic[0]) if len(topic) == 1 else None
    if other and context.question and _OTHER.search(body):
        return _readings((_OTHER.sub(lambda _: other, body), "carried"))
    if of_source(body):
        return _alone(text, None)
    carried = with_subject(body, topic, subjects)
    points = (
        points_back(body)
        or _BARE.match(body) is not None
        or (len(topic) > 1 and subjects.both(body))
    )
    readings: list[tuple[str, Kind]] = [(carried, "carried")]
    thin = context.settled and is_thin(body) and not of_the_illness(body)
    about = _about(context.question, body, subjects) if thin else ()
    if about and (_WHICH_WORSE.search(body) or body == "which one is worse"):
        return _readings((f"{carried} ({' '.join(about)})", "joined"))
    if about and _THIS.search(body):
        readings.append((f"{carried} ({' '.join(about)})", "joined"))
    if not points or not context.question:
        readings.insert(0, (text, "alone"))
    return _readings(*readings, standalone=False if points and context.question else None)


def _swap_target(body: str, base: str, topic: Sequence[str], subjects: Subjects) -> tuple[str, ...]:
    """The subjects a fragment puts in place of the previous ones; empty where it does more."""
    rest = _without(body, subjects)
    mentions = subjects.mentions(body)
    found = {m.subject for m in mentions}
    meant = {
        m.subject for m in mentions if not _DENIED.search(body[max(0, m.start - 24) : m.start])
    }
    named = tuple(s for s in subjects.canonical if s in (meant or found))
    if not named and _OTHER.search(body) and len(topic) == 1:
        other = subjects.other(topic[0])
        named, rest = ((other,) if other else ()), _OTHER.sub(" ", rest)
    if not named and (one := _NAMED_ONE.search(body)):
        by = one["by"].casefold()
        holding = tuple(s for s in subjects.canonical if by in words(s))
        if len(holding) == 1:
            named, rest = holding, rest.replace(one[0], " ")
    if not named and (meant_by := by_order(body, base, topic, subjects)):
        named, rest = (meant_by,), " "
    if not named and _BOTH.search(body) and len(subjects.canonical) == 2:
        named, rest = subjects.canonical, _BOTH.sub(" ", rest)
    left = words(rest)
    first = first_word(body)
    pointing = bool(_POINTING & set(left))
    if first in _AUX:
        known = SMALL | _LIKENESS if pointing else SMALL
    else:
        known = SMALL | frozenset(words(base))
    if first == "any":
        known |= {"better", "worse", "different"}
    if not named or any(w not in known for w in left):
        return ()
    if first in _AUX and (len(mentions) > len(found) or same_as(body)):
        return ()  # "is MND the same as ALS": two names are compared
    if first in _WH or first in _ORDERS or (first in _AUX and len(meant) > 1):
        return ()
    if first in _AUX and not (pointing or _HOLDERS.issuperset(left[1:])):
        return ()
    return named


def _join(body: str, context: Context, subjects: Subjects) -> Readings | None:
    """ "why?" and its like, before the question they ask about."""
    plain = body.casefold()
    found = _WHY.match(plain)
    if found is None and not _REASON.match(plain):
        return None
    wh = found["wh"] if found else "why"
    base = _JOINT.sub("", context.question)
    wh = _PLAIN_WH.get(wh, wh)
    said = _plain(context.said)
    starts_yes_no = first_word(base) in _AUX
    if not starts_yes_no:
        said = re.split(r"\.\s+", said, maxsplit=1)[0]
    readings: list[tuple[str, Kind]] = []
    if wh == "why" and said and len(said) <= LONGEST_BASE and said.count(". ") == 0:
        readings.append((f"why is it that {said}", "joined"))
    if starts_yes_no and wh != "why not":
        readings.append((f"{wh} {_lowered(base)}", "joined"))
    elif not readings:
        readings.append((f"{wh}: {_lowered(base)}", "joined"))
    lasting = first_word(base) not in _DOING or _LIVING.search(base)
    if context.topic and wh in _HOW_LONG and lasting and not subjects.mentioned(body):
        name = listed(context.topic, "and")
        extra = f"{wh} {preposition(context.topic[0], subjects)} {name}"
        readings.insert(0, (extra, "carried"))
    return _readings(*readings)


def _topic_words(base: str, subjects: Subjects) -> tuple[str, ...]:
    named = {w for s in subjects.canonical for w in words(s)}
    named |= {"both", "either", "neither", "make", "makes", "cause", "causes"}
    return tuple(dict.fromkeys(w for w in content_words(base) if w not in named))[:4]


def _about(base: str, body: str, subjects: Subjects) -> tuple[str, ...]:
    """The words of the previous question that say what it is about, without those of `body`."""
    known = _topic_words(_BRACKETS.sub("", base), subjects)
    return tuple(w for w in known if w not in body.casefold())


def _without(body: str, subjects: Subjects) -> str:
    for mention in reversed(subjects.mentions(body)):
        body = f"{body[: mention.start]} {body[mention.end :]}"
    return body


def _plain(text: str) -> str:
    return text.strip(" .!?;:,\"'")


def _lowered(text: str) -> str:
    """The first word in small letters, unless it is a name in capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _shown(text: str) -> str:
    text = _plain(text)
    return text[:1].upper() + text[1:] + "?" if text else text


def _alone(text: str, standalone: bool | None) -> Readings:
    return Readings((Candidate(text, "alone"),), standalone)


def _readings(*found: tuple[str, Kind], standalone: bool | None = False) -> Readings:
    unique: dict[str, Candidate] = {}
    for text, kind in found:
        shown = text if kind == "alone" else _shown(text)
        unique.setdefault(shown.casefold(), Candidate(shown, kind))
    return Readings(tuple(unique.values())[:3], standalone)
