"""The one value of all formats: an entry of a FAQ, its texts made alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.wording import normalise

_HALF = re.compile("[\ud800-\udfff]")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")  # how `surrogateescape` keeps a byte


@dataclass(frozen=True, slots=True)
class FaqEntry:
    """A question, other wordings of it and the answer ("" where a list holds questions only).

    Made by `make_entry`: every text but the answer is one line, no two wordings are the same but
    for case and signs, `metadata` is sorted by key and holds no empty text. `source` is where the
    entry comes from (an address, mostly), `id` what its system calls it; "" where unknown.
    """

    question: str
    answer: str
    variants: tuple[str, ...] = ()
    source: str = ""
    id: str = ""
    metadata: tuple[tuple[str, str], ...] = ()

    @property
    def wordings(self) -> tuple[str, ...]:
        return (self.question, *self.variants)


@dataclass(frozen=True, slots=True)
class FaqFault:
    """A row that was not taken, and what to do; `row` counts lines or items from 1."""

    row: int
    message: str


@dataclass(frozen=True, slots=True)
class Faq:
    """What a file holds, in its order."""

    entries: tuple[FaqEntry, ...]
    faults: tuple[FaqFault, ...] = ()


@dataclass(slots=True)
class Gathering:
    """Rows as they are read: those of one group with one answer become one entry.

    Another answer in a group is an entry of its own, so that no answer is lost.
    """

    entries: list[FaqEntry] = field(default_factory=list)
    faults: list[FaqFault] = field(default_factory=list)
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    rest: dict[int, list[FaqEntry]] = field(default_factory=dict)

    def add(self, entry: FaqEntry, group: str = "") -> None:
        key = (group, entry.answer)
        if group and key in self.places:
            self.rest.setdefault(self.places[key], []).append(entry)
            return
        if group:
            self.places[key] = len(self.entries)
        self.entries.append(entry)

    def fault(self, row: int, message: str) -> None:
        self.faults.append(FaqFault(row, message))

    def faq(self) -> Faq:
        for place, others in self.rest.items():
            self.entries[place] = united([self.entries[place], *others])
        return Faq(tuple(self.entries), tuple(self.faults))


def make_entry(
    wordings: Iterable[str],
    answer: str,
    *,
    source: str = "",
    id: str = "",
    metadata: Mapping[str, str] | Iterable[tuple[str, str]] = (),
) -> FaqEntry:
    """The entry of these texts. Raises ValueError, which says what is wrong with the row."""
    metadata = dict(metadata)
    given = list(wordings)
    texts = (*given, answer, source, id, *metadata, *metadata.values())
    if any(_NOT_UTF8.search(text) for text in texts):
        raise ValueError("is no UTF-8. Save the file as UTF-8.")
    if any(_HALF.search(text) for text in texts):
        raise ValueError("holds half a character (a lone surrogate). Save it as UTF-8.")
    questions = distinct(one_line(text) for text in given)
    if not questions:
        raise ValueError("has no question with text in it. Write one, or delete the row.")
    labels = {one_line(key): one_line(value) for key, value in metadata.items()}
    return FaqEntry(
        question=questions[0],
        answer=unified(answer).strip(),
        variants=questions[1:],
        source=one_line(source),
        id=one_line(id),
        metadata=tuple(sorted((key, text) for key, text in labels.items() if key and text)),
    )


def united(entries: Iterable[FaqEntry]) -> FaqEntry:
    """The first of `entries`, one at least, with the wordings of all; what it lacks from others."""
    first, *others = entries
    everyone = (first, *others)
    metadata: dict[str, str] = {}
    for entry in everyone:
        metadata = dict(entry.metadata) | metadata
    return replace(
        first,
        variants=distinct(text for entry in everyone for text in entry.wordings)[1:],
        source=next((entry.source for entry in everyone if entry.source), ""),
        id=next((entry.id for entry in everyone if entry.id), ""),
        metadata=tuple(sorted(metadata.items())),
    )


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Those that are not empty, each once; case and signs make no difference."""
    known: dict[str, str] = {}
    for text in texts:
        if text:
            known.setdefault(normalise(text) or text, text)
    return tuple(known.values())


def one_line(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())


def unified(text: str) -> str:
    """`text` with every end of a line as a new line character, and without NUL, which no text
    has."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
