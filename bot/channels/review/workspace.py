"""The folder under review: read from disk, changed in place, never over another hand's change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Literal

from rapidfuzz import fuzz

from bot.documents.passages import passage_at
from bot.errors import KnowledgeError
from bot.knowledge.editing import read_raw, write_checked
from bot.knowledge.evidence import Quarantined
from bot.knowledge.exam import read_exam
from bot.knowledge.files import (
    CALIBRATION,
    MANIFEST,
    OUT_OF_SCOPE,
    PAIRS,
    PairRow,
    read_manifest,
    read_out_of_scope,
)
from bot.knowledge.knowledge import Knowledge, load_knowledge, read_placed
from bot.knowledge.rejected import REJECTED, read_rejected
from bot.knowledge.standing import withheld
from bot.knowledge.yaml_fields import Text
from bot.types import Passage, QAPair, content_id

FILES = (MANIFEST, PAIRS, OUT_OF_SCOPE, REJECTED, CALIBRATION)  # the first is read only
REMEMBERED = 50  # states of the files, to show what has changed since
Status = Literal["drawn", "reviewed", "overdue", "lost"]
Texts = Mapping[str, str | None]
Stamps = tuple[tuple[int, int] | None, ...]


class Conflict(KnowledgeError):
    """What was to be changed is another one on disk by now; `now` is what stands there."""

    def __init__(self, message: str, now: Snapshot | None = None) -> None:
        super().__init__(message)
        self.now = now


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of pairs.yaml, the `at`-th from 0; `why` says why it has no pair.

    `passage` is where its answer stands; of one that is lost, what is most like it.
    """

    at: int
    id: str
    row: PairRow
    pair: QAPair | None
    why: str | None
    passage: Passage | None
    status: Status

    @property
    def question(self) -> str:
        return self.row.question.value

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(text.value for text in self.row.variants)


@dataclass(frozen=True)
class Snapshot:
    """The files as they were read, and what they mean; `revision` names the state of them all."""

    texts: Texts
    knowledge: Knowledge
    entries: tuple[Entry, ...]

    @cached_property
    def revision(self) -> str:
        return revision_of(self.texts)

    @cached_property
    def _by_id(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in self.entries}

    def find(self, id: str) -> Entry | None:
        return self._by_id.get(id)

    @property
    def reviewed(self) -> int:
        return sum(entry.status == "reviewed" for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Done:
    """A change that can be undone: the files before and after, and how to undo what is beside."""

    label: str
    before: Texts
    after: Texts
    beside: Callable[[], object] | None = None


class Workspace:
    """The state of the folder `root`; threads may share it."""

    def __init__(self, root: Path, today: Callable[[], date] = date.today) -> None:
        self.root = root
        self.today = today
        self._lock = threading.RLock()
        self._done: list[Done] = []
        self._snapshot: Snapshot | None = None
        self._shown: OrderedDict[str, Texts] = OrderedDict()
        self._documents: tuple[Path, ...] = ()
        self._seen: Stamps = ()

    def snapshot(self) -> Snapshot:
        """The folder as it is on disk now. Raises KnowledgeError, DocumentError."""
        with self._lock:
            texts = self._read()
            known = self._snapshot
            if known is None or known.texts != texts or self._seen != _stamps(self._documents):
                rows = read_manifest(self.root / MANIFEST).documents
                self._documents = tuple(self.root / row.path for row in rows)
                seen = _stamps(self._documents)  # before they are read: a change then is seen
                self._snapshot = known = self._load(texts)
                self._seen = seen
                self._shown[known.revision] = texts
                while len(self._shown) > REMEMBERED:
                    self._shown.popitem(last=False)
            return known

    def shown(self, revision: str) -> Texts | None:
        """The files as they were at `revision`; None where that is too long ago."""
        return self._shown.get(revision)

    def change(
        self,
        revision: str,
        label: str,
        texts: Texts,
        *,
        touched: Collection[int] = (),
        beside: Callable[[], object] | None = None,
    ) -> Snapshot:
        """Write `texts` (by file name) where the files are still those of `revision`.

        `touched` are the only entries of pairs.yaml that may say something else afterwards, or be
        gone; where there are none, one may be new. `beside` undoes what belongs to the change
        but is kept elsewhere. Raises Conflict, and KnowledgeError where the result doesn't hold.
        """
        with self._lock:
            now = self.snapshot()
            if now.revision != revision:
                raise Conflict("the files were changed on disk since this page was shown", now)
            before = {name: now.texts[name] for name in texts}
            self._write(before, texts, now, touched)
            self._done.append(Done(label, before, dict(texts), beside))
            return self.snapshot()

    @property
    def undoable(self) -> str | None:
        """What the next `undo` takes back; None where there is nothing."""
        return self._done[-1].label if self._done else None

    def undo(self) -> str:
        """Take the last change back; gives its label. Raises Conflict where the files have been
        changed by someone else since."""
        with self._lock:
            if not self._done:
                raise Conflict("there is nothing to undo", self.snapshot())
            last = self._done[-1]
            if any(read_raw(self.root / name) != text for name, text in last.after.items()):
                raise Conflict(
                    "the files were changed on disk since; undoing would lose that", self.snapshot()
                )
            for name, text in last.before.items():
                write_checked(self.root / name, text, last.after[name], lambda file: None)
            if last.beside is not None:
                last.beside()
            self._done.pop()
            return last.label

    def _read(self) -> Texts:
        return {name: read_raw(self.root / name) for name in FILES}

    def _load(self, texts: Texts) -> Snapshot:
        knowledge = load_knowledge(self.root)
        entries = [
            self._entry(at, row, pair, knowledge.passages_of)
            for at, (row, pair) in enumerate(read_placed(self.root / PAIRS, knowledge.documents))
        ]
        order = {document.id: n for n, document in enumerate(knowledge.documents)}
        entries.sort(key=lambda entry: _place(entry, order))
        return Snapshot(texts, knowledge, tuple(entries))

    def _entry(
        self,
        at: int,
        row: PairRow,
        pair: QAPair | Quarantined,
        passages: Mapping[str, Sequence[Passage]],
    ) -> Entry:
        if isinstance(pair, Quarantined):
            id = content_id("lost", str(at), row.question.value, row.answer.value)
            return Entry(at, id, row, None, pair.why, _nearest(row, passages), "lost")
        where = pair.provenance
        found = passage_at(passages[where.document_id], where.evidence)
        status: Status = "reviewed" if pair.reviewed else "drawn"
        if withheld(pair, "answer", self.today()) == "out_of_date":
            status = "overdue"
        return Entry(at, pair.id, row, pair, None, found, status)

    def _write(self, before: Texts, after: Texts, now: Snapshot, touched: Collection[int]) -> None:
        checks: dict[str, Callable[[Path], object]] = {
            PAIRS: lambda file: self._check_pairs(file, now, touched),
            OUT_OF_SCOPE: read_out_of_scope,
            REJECTED: read_rejected,
            CALIBRATION: read_exam,
        }
        written: list[str] = []
        try:
            # pairs.yaml last: what is only remembered may stand without it, not the reverse.
            for name in sorted(after, key=lambda name: name == PAIRS):
                write_checked(self.root / name, after[name], before[name], checks[name])
                written.append(name)
        except KnowledgeError:
            for name in written:
                write_checked(self.root / name, before[name], after[name], lambda file: None)
            raise

    def _check_pairs(self, file: Path, now: Snapshot, touched: Collection[int]) -> None:
        """Refuse a file in which anything but the touched entries says something else."""
        placed = read_placed(file, now.knowledge.documents)
        rows = {_plain(row) for row, _ in placed}
        kept = [
            _plain(e.row) for e in sorted(now.entries, key=lambda e: e.at) if e.at not in touched
        ]
        for row in kept:
            if row not in rows:
                raise KnowledgeError(
                    f"{row.question.value!r} would be changed along with it; edit {PAIRS} by hand"
                )
        if len(placed) > len(kept) + max(1, len(touched)):
            raise KnowledgeError(f"more than one pair would be new; edit {PAIRS} by hand")


def _stamps(files: Sequence[Path]) -> Stamps:
    """What tells that one of `files` has changed."""

    def stamp(file: Path) -> tuple[int, int] | None:
        try:
            state = file.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size

    return tuple(map(stamp, files))


def revision_of(texts: Texts) -> str:
    """A name for the state of the files: 16 hex digits."""
    return content_id(*(f"{name} {text!r}" for name, text in sorted(texts.items())))


def _nearest(row: PairRow, passages: Mapping[str, Sequence[Passage]]) -> Passage | None:
    """The passage of the row's document that is most like its lost answer."""
    known = row.evidence.document_id if row.evidence else ""
    own = passages.get(known) or [p for some in passages.values() for p in some]
    answer = row.answer.value
    return max(own, key=lambda p: fuzz.partial_ratio(answer, p.text), default=None)


def _place(entry: Entry, order: Mapping[str, int]) -> tuple[int, int, int]:
    if entry.pair is None:
        return (-1, 0, entry.at)  # what no longer stands anywhere comes first
    where = entry.pair.provenance
    return (order[where.document_id], where.evidence.start, entry.at)


def _plain(row: PairRow) -> PairRow:
    """The row without its lines."""

    def bare(text: Text) -> Text:
        return Text(text.value, 0)

    return replace(
        row,
        question=bare(row.question),
        answer=bare(row.answer),
        line=0,
        subjects=tuple(map(bare, row.subjects)),
        variants=tuple(map(bare, row.variants)),
    )
