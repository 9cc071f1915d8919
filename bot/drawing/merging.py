"""What a redraw means for each row of a knowledge: by comparing what was drawn before, what its
owner made of it, and what is drawn now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.faqs.as_documents import DRAWER as FAQ_DRAWER
from bot.knowledge.drawn import Drawn, flat
from bot.knowledge.evidence import occurrences
from bot.knowledge.files import PairRow
from bot.knowledge.rejected import Rejected
from bot.types import Document, QAPair
from bot.wording import normalise

Key = tuple[str, str]  # a document's id and an answer as it is compared
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Merged:
    """`matched` is the drawn pair of a row, by its number; `added` are pairs without a row.

    `rejected` is what the owner has deleted since the last draw; `drawn` the record of this one.
    """

    matched: Mapping[int, QAPair]
    added: tuple[QAPair, ...]
    rejected: tuple[Rejected, ...]
    drawn: tuple[Drawn, ...]


def merge(
    rows: Sequence[PairRow],
    keys: Sequence[Key],
    before: Sequence[Drawn],
    now: Sequence[QAPair],
    rejected: Sequence[Rejected],
    *,
    old: Mapping[str, Document],
    changed: Iterable[str],
) -> Merged:
    """`keys` are those of `rows`; `old` the documents as they were, by id; `changed` the ids of
    those that `now` was drawn from."""
    ids = frozenset(changed)
    drawn = [unit for unit in before if unit.document in ids]
    deleted = dict.fromkeys(_deleted(rows, keys, drawn, old, _by_key(rejected)))
    matched, added = _matched(rows, keys, before, now, _by_key((*rejected, *deleted)))
    record = _record(before, [*matched.values(), *added], frozenset(keys), ids)
    return Merged(matched, added, tuple(deleted), tuple(record))


def wordings_drawn(units: Iterable[Drawn]) -> dict[Key, dict[str, str]]:
    """Every wording that was ever drawn for an answer, by its normal form."""
    said: dict[Key, dict[str, str]] = {}
    for unit in units:
        for text in unit.wordings:
            said.setdefault(unit.key, {}).setdefault(normalise(text) or text, text)
    return said


def _deleted(
    rows: Sequence[PairRow],
    keys: Sequence[Key],
    before: Sequence[Drawn],
    old: Mapping[str, Document],
    rejected: Mapping[Key, Sequence[Rejected]],
) -> Iterable[Rejected]:
    """What was drawn, still stood in its document, and has no row any more."""
    by_key = _grouped(zip(keys, rows, strict=True))
    for key, units in _grouped((unit.key, unit) for unit in before).items():
        left, document = by_key.get(key, []), old.get(key[0])
        if document is None or len(units) <= len(left):
            continue
        if not occurrences(units[0].answer, document.text):
            continue  # it was in quarantine: with the sentence, the pair went
        gone = _least_alike(units, left)[: len(units) - len(left)]
        for unit in gone:
            if _is_rejected(unit, rejected):
                continue
            # of a list, one question with this answer; of a text, the sentence
            one = bool(left) or unit.drawer == FAQ_DRAWER
            yield Rejected(unit.document, unit.answer, unit.wordings[0] if one else None)


def _is_rejected(unit: Drawn, rejected: Mapping[Key, Sequence[Rejected]]) -> bool:
    """Whether a unit without a row is one that was rejected: of a text, by its answer alone, for
    the question may be another one now."""
    said = set(map(normalise, unit.wordings))
    return any(
        one.question is None or unit.drawer != FAQ_DRAWER or normalise(one.question) in said
        for one in rejected.get(unit.key, ())
    )


def _by_key(rejected: Iterable[Rejected]) -> dict[Key, list[Rejected]]:
    return _grouped(((one.document, flat(one.answer)), one) for one in rejected)


def _matched(
    rows: Sequence[PairRow],
    keys: Sequence[Key],
    before: Sequence[Drawn],
    now: Sequence[QAPair],
    rejected: Mapping[Key, Sequence[Rejected]],
) -> tuple[dict[int, QAPair], tuple[QAPair, ...]]:
    """The row that each pair is, and the pairs that are new."""
    said = wordings_drawn(before)
    numbers = _grouped((key, number) for number, key in enumerate(keys))
    matched: dict[int, QAPair] = {}
    added: list[QAPair] = []
    for key, pairs in _grouped((Drawn.of(pair).key, pair) for pair in now).items():
        free = numbers.get(key, [])
        left: list[QAPair] = []
        for pair in pairs:
            alike, number = max(
                ((_alike(pair.wordings, rows[n]), -n) for n in free), default=(0, 0)
            )
            if alike:
                free.remove(-number)
                matched[-number] = pair
            elif not _is_rejected(Drawn.of(pair), rejected):
                left.append(pair)
        # one whose wordings were drawn before is a row that its owner has reworded
        known = {p.id: any(normalise(w) in said.get(key, ()) for w in p.wordings) for p in left}
        for pair in sorted(left, key=lambda pair: not known[pair.id]):
            if free and (known[pair.id] or pair.provenance.drawer != FAQ_DRAWER):
                matched[free.pop(0)] = pair
            else:
                added.append(pair)
    return matched, tuple(added)


def _record(
    before: Sequence[Drawn], there: Sequence[QAPair], rows: frozenset[Key], changed: frozenset[str]
) -> Iterable[Drawn]:
    """What is drawn now and in the file, and what was drawn of rows that are still there."""
    said = wordings_drawn(before)
    now = _grouped((Drawn.of(pair).key, Drawn.of(pair)) for pair in there)
    for key, units in now.items():
        ours = {normalise(text) for unit in units for text in unit.wordings}
        earlier = (text for form, text in said.get(key, {}).items() if form not in ours)
        yield replace(units[0], wordings=(*units[0].wordings, *earlier))
        yield from units[1:]
    for unit in before:
        if unit.key not in now and (unit.key in rows or unit.document not in changed):
            yield unit


def _least_alike(units: Sequence[Drawn], rows: Sequence[PairRow]) -> list[Drawn]:
    """The `units`, those first that share no wording with a row."""
    return sorted(units, key=lambda unit: any(_alike(unit.wordings, row) for row in rows))


def _alike(wordings: Iterable[str], row: PairRow) -> int:
    """How many wordings a row shares with these."""
    said = {normalise(text.value) for text in (row.question, *row.variants)}
    return len(said & set(map(normalise, wordings)))


def _grouped(items: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = {}
    for key, value in items:
        groups.setdefault(key, []).append(value)
    return groups
