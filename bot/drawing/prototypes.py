"""Questions that a document of a kind is often asked and doesn't answer: a library by domain.

A domain is a file of `data/prototypes/`: cue words, short lists for slots, and topics, each with
what it `says` ("The source doesn't cover …") and templates such as "how is {subject} treated".
What nearly every document of the domain states (what a disease is, who gets it) is left out: that
is for the pairs to know.

Measured with no human edit, by how well the head tells right answers from all else
(AUROC), and the share of answerable questions it answers right at a threshold (chosen in
hindsight) where 5 % of all questions are answered wrong:

    the article on MS and ALS, 571 questions      .779 -> .795   .19 -> .25
    11 short parts of a FAQ on COVID-19, mean     .738 -> .804   .20 -> .27
    that FAQ as one document, 419 pairs           .731 -> .667   .19 -> .14
    that FAQ as a FAQ, 85 pairs                   .880 -> .829   .58 -> .49
    a mattress shop's FAQ, 319 wordings           .856 -> .879   .52 -> .48
    three encyclopaedia articles on history       .641 -> .602   .09 -> .11

So `draw` writes them unasked only beside short documents on health, those that leave open at
least four in five of them (`bot.drawing.draft`) and are no page of a practice on itself
(`speaks_for_a_house`); an owner can ask for those of any domain.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
import yaml
from numpy.typing import NDArray

from bot.drawing.drawing import Encode
from bot.drawing.phrases import LAST_RESORT
from bot.subjects import Subjects
from bot.types import Document, Prototype, QAPair
from bot.wording import clean, normalise, words

GENERAL = "general"  # the domain of a document that is of no known kind: it has no prototypes
SUBJECT, SECOND = "subject", "second"
FILLS = 2  # questions made of a template with a list slot, for each subject
SUBJECTS = 3  # of a document that are asked about
OFTEN = 0.4  # as often as the first subject
ANSWERED, OPEN = 0.5, 0.5  # see `keep_unanswered`
TELLING = 0.7  # see `now_answered`
HOUSE = 0.01  # share of the words "we", "us" and "our" from which a house speaks of itself
LEAST_CUES, CLEARLY = 3.0, 1.5  # see `guess_domain`

_SLOT = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of a domain; `says` completes "The source doesn't cover …"."""

    topic: str
    says: str
    questions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    """A kind of document. `cues` are beginnings of words that tell it; `lists` fill slots."""

    name: str
    cues: tuple[str, ...]
    lists: Mapping[str, tuple[str, ...]]
    topics: tuple[Topic, ...]

    def __post_init__(self) -> None:
        known = {SUBJECT, SECOND, *self.lists}
        seen: set[str] = set()
        for _, template in self.templates():
            if unknown := set(_SLOT.findall(template)) - known:
                raise ValueError(f"{self.name}: no list fills {sorted(unknown)} of {template!r}")
            if normalise(template) in seen:
                raise ValueError(f"{self.name}: {template!r} stands twice")
            seen.add(normalise(template))

    def templates(self) -> Iterator[tuple[Topic, str]]:
        for topic in self.topics:
            for template in topic.questions:
                yield topic, template


@lru_cache(maxsize=1)
def library() -> Mapping[str, Domain]:
    """The shipped domains by name, in the order of their names."""
    folder = files("bot") / "data" / "prototypes"
    found = sorted(f.name for f in folder.iterdir() if f.name.endswith(".yaml"))
    domains = {}
    for file in found:
        name = file.removesuffix(".yaml")
        made = yaml.safe_load((folder / file).read_text(encoding="utf-8"))
        domains[name] = Domain(
            name,
            tuple(made["cues"]),
            {slot: tuple(map(str, fillers)) for slot, fillers in made["lists"].items()},
            tuple(
                Topic(row["topic"], row["says"], tuple(map(str, row["questions"])))
                for row in made["topics"]
            ),
        )
    return domains


def instantiate(
    domain: str,
    subjects: Sequence[str],
    aliases: Sequence[tuple[str, str]] = (),
    *,
    text: str = "",
) -> tuple[Prototype, ...]:
    """The questions of `domain` about `subjects` (canonical names), in the order of the library.

    A template asks about one of the first `SUBJECTS` subjects, each in its turn and by its names
    in turn (`aliases` are pairs of another name and the canonical one); one with a list slot is
    filled `FILLS` times. What `text`, that of the document, names is not taken from a list, for of
    that it may tell. Templates with a subject make nothing where there is none, nor does {second}
    without a second one. () for `GENERAL`. Raises KeyError for a domain that there isn't.
    """
    if domain == GENERAL:
        return ()
    kind = library()[domain]
    named = [
        (subject, *(other for other, name in aliases if name == subject))
        for subject in list(dict.fromkeys(subjects))[:SUBJECTS]
    ]
    own = {normalise(name) for names in named for name in names}
    lists = {
        slot: [f for f in fillers if not _stands(f, text) and normalise(f) not in own]
        for slot, fillers in kind.lists.items()
    }
    made: dict[str, Prototype] = {}
    for turn, (topic, template) in enumerate(kind.templates()):
        for question in _filled(template, named, lists, turn):
            made.setdefault(normalise(question), Prototype(question, topic.topic, topic.says))
    return tuple(made.values())


def _filled(
    template: str,
    named: Sequence[Sequence[str]],
    lists: Mapping[str, Sequence[str]],
    turn: int,
) -> Iterator[str]:
    slots = set(_SLOT.findall(template))
    free = sorted(slots - {SUBJECT, SECOND})
    without = (SUBJECT in slots and not named) or (SECOND in slots and len(named) < 2)
    if without or not all(lists[slot] for slot in free):
        return
    for at in range(turn * FILLS, turn * FILLS + (FILLS if free else 1)):
        values = {slot: lists[slot][at % len(lists[slot])] for slot in free}
        if named:
            asked = turn + at - turn * FILLS
            first, second = named[asked % len(named)], named[(asked + 1) % len(named)]
            by_name = asked // len(named)
            values |= {
                SUBJECT: first[by_name % len(first)],
                SECOND: second[by_name % len(second)],
            }
        yield template.format_map(values)


def guess_domain(document: Document) -> str:
    """The domain whose cue words stand in `document` most often; `GENERAL` where that is unsure.

    Sure is: at least `LEAST_CUES` of a hundred words begin with a cue of the domain, and half as
    many again as with a cue of any other domain.
    """
    counts = Counter(words(document.text))
    total = max(1, sum(counts.values()))
    shares = sorted(
        (sum(n for word, n in counts.items() if word.startswith(kind.cues)) / total, name)
        for name, kind in library().items()
    )
    (second, _), (first, name) = shares[-2:]
    return name if first >= LEAST_CUES / 100 and first >= CLEARLY * second else GENERAL


def main_subjects(document: Document) -> tuple[str, ...]:
    """The subjects that a document is about: named at least `OFTEN` as often as the first.

    Others (an authority, a test) are named in passing, and nobody asks how they are treated.
    """
    names = {subject: [subject] for subject in document.subjects}
    for other, canonical in document.aliases:
        names.get(canonical, []).append(other)
    counts = {s: sum(_occurrences(n, document.text) for n in own) for s, own in names.items()}
    most = max(counts.values(), default=0)
    return tuple(s for s in document.subjects if counts[s] >= OFTEN * most)


def speaks_for_a_house(document: Document) -> bool:
    """Does a practice, a shop or a club speak of itself ("we", "our")? It is asked about itself,
    not about what it treats or sells."""
    said = Counter(words(document.text))
    return sum(said[w] for w in ("we", "us", "our", "ours")) >= HOUSE * max(1, said.total())


def keep_unanswered(
    prototypes: Sequence[Prototype],
    pairs: Sequence[QAPair],
    encode: Encode,
    subjects: Subjects,
) -> tuple[Prototype, ...]:
    """The prototypes that `pairs` don't answer, in order.

    A prototype is compared (cosine) with the wordings and answers of all pairs, the subjects'
    names taken out of both: they are the greatest part of a short question, and no part of what
    it asks. It counts as answered from `ANSWERED` on, but not if it is of something from the
    library's lists (a country, a year, another disease) that no pair names. A topic of which less
    than `OPEN` is left is told of, and dropped whole, so that no reply says that the document
    doesn't cover it.

    `encode` takes n texts and gives float32 [n, dim], L2-normalised.
    """
    if not prototypes or not pairs:
        return tuple(prototypes)
    asked = encode([_without(p.question, subjects) for p in prototypes])
    nearest = _nearest(asked, encode([*_said(pairs, subjects)]))[0]
    foreign = _foreign(" ".join(pair.answer for pair in pairs))
    elsewhere = [foreign is not None and bool(foreign.search(p.question)) for p in prototypes]
    left: dict[str, list[bool]] = {}
    for prototype, near, other in zip(prototypes, nearest, elsewhere, strict=True):
        if not other:
            left.setdefault(prototype.topic, []).append(bool(near < ANSWERED))
    told = {topic for topic, open_ in left.items() if sum(open_) < OPEN * len(open_)}
    return tuple(
        prototype
        for prototype, near, other in zip(prototypes, nearest, elsewhere, strict=True)
        if (other or near < ANSWERED) and prototype.topic not in told
    )


def now_answered(
    questions: Sequence[str],
    added: Sequence[QAPair],
    others: Sequence[QAPair],
    encode: Encode,
    subjects: Subjects,
) -> tuple[tuple[int, QAPair], ...]:
    """Which known gaps the pairs that were `added` seem to answer: numbers of `questions`, each
    with the pair, the surest first.

    Compared as in `keep_unanswered`: a gap is named that is as near as `TELLING` to an added pair,
    and nearer than to all others, for beside those its owner let it stand. With each answer of the
    article on MS and ALS as if it were new, two in three of what people ask of it would be named
    (one in three by its question and answer alone), and of 3,312 questions that it leaves open 2
    to 10 an answer. So it's a hint, for a person to judge.
    """
    if not questions or not added:
        return ()
    asked = encode([_without(question, subjects) for question in questions])
    said = _said(added, subjects)
    owners = tuple(said.values())
    near, place = _nearest(asked, encode([*said]))
    least = np.full(len(questions), TELLING, np.float32)
    if others:
        least = np.maximum(least, _nearest(asked, encode([*_said(others, subjects)]))[0])
    return tuple(
        (int(n), owners[place[n]]) for n in np.argsort(-near, kind="stable") if near[n] >= least[n]
    )


def _said(pairs: Sequence[QAPair], subjects: Subjects) -> dict[str, QAPair]:
    """What is compared of `pairs`, each text with the last pair that says it."""
    return {
        _without(text, subjects): pair
        for pair in pairs
        for text in (*pair.wordings, pair.answer)
        if not text.startswith(LAST_RESORT)
    }


def _nearest(
    asked: NDArray[np.float32], known: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """How near each of `asked` is to the nearest of `known`, and which that is."""
    near, place = np.empty(len(asked), np.float32), np.empty(len(asked), np.intp)
    for at in range(0, len(asked), 512):
        block = asked[at : at + 512] @ known.T
        near[at : at + 512], place[at : at + 512] = block.max(axis=1), block.argmax(axis=1)
    return near, place


def _without(text: str, subjects: Subjects) -> str:
    """`text` with "it" for each name of a subject."""
    text = clean(text)
    pieces: list[str] = []
    at = 0
    for mention in subjects.mentions(text):
        pieces += [text[at : mention.start], "it"]
        at = mention.end
    return "".join([*pieces, text[at:]])


def _foreign(text: str) -> re.Pattern[str] | None:
    """Finds what the library's lists name and `text` doesn't."""
    fillers = {f for kind in library().values() for own in kind.lists.values() for f in own}
    absent = sorted(f for f in fillers if not _stands(f, text))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, absent))})(?!\w)") if absent else None


def _stands(name: str, text: str) -> bool:
    return _occurrences(name, text) > 0


def _occurrences(name: str, text: str) -> int:
    return len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.I))
