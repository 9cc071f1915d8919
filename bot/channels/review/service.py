"""What the owner's pages do, without HTTP: one method an action, each on a stated revision."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from bot.channels.review import changes
from bot.channels.review.changes import Reviewer
from bot.channels.review.held_out import NOTHING, held_out, put_aside, refuse_held_out
from bot.channels.review.learning import Cluster, Surroundings, cluster
from bot.channels.review.trials import Trials
from bot.channels.review.ways_part import chosen_span
from bot.channels.review.workspace import Conflict, Entry, Snapshot, Workspace
from bot.encoding.encoders import Vectors
from bot.errors import KnowledgeError
from bot.knowledge.evidence import find_answer
from bot.state.figures import reply_counts, verdict_counts
from bot.state.unanswered import Handled, mark, unanswered
from bot.types import Document, Span
from bot.wording import normalise

if TYPE_CHECKING:
    from bot.bot import Bot
    from bot.channels.review.figures import Figures
    from bot.state.store import Store

Fields = Mapping[str, Sequence[str]]  # of a form: every value of each name


@dataclass(frozen=True, slots=True)
class Told:
    """What was done, in words, and the pair to show next (None: the page decides)."""

    notice: str
    pair: str | None = None
    part: str = "pair"  # the id that the focus goes to


class Service:
    """The workspace, the trials and the store behind the pages. Threads may share it."""

    def __init__(
        self, workspace: Workspace, store: Store, load: Callable[[], Bot], reviewer: str
    ) -> None:
        self.workspace, self.store = workspace, store
        self._name = reviewer
        self.trials = Trials(load, self._heard)
        self._vectors: dict[str, Vectors] = {}
        self._grouping = threading.Lock()
        self._grouped: tuple[object, tuple[Cluster, ...]] = (None, ())

    @property
    def reviewer(self) -> Reviewer:
        return Reviewer(self._name, self.workspace.today())

    def on_pair(self, id: str, action: str, fields: Fields) -> Told:
        """One action on a pair. Raises Conflict, and KnowledgeError where it can't be done."""
        before = self.workspace.snapshot()
        entry = self._entry(before, id)
        text = _one(fields, "text")
        texts: Mapping[str, str | None]
        part = "pair"
        match action:
            case "accept":
                texts = changes.accept(before, entry, self.reviewer)
                done = f"Accepted: {entry.question}"
            case "reject":
                texts = changes.reject(before, entry)
                done = f"Rejected: {entry.question}"
            case "question":
                if normalise(text) != normalise(entry.question):
                    refuse_held_out(before, [text])
                texts = changes.change_question(before, entry, text)
                done = "The question is saved."
            case "variant":
                refuse_held_out(before, [text])
                texts = changes.add_variants(before, entry, [text])
                done, part = f"Added: {text.strip()}", "variant"
            case "drop-variant":
                texts = changes.take_variant(before, entry, self._number(entry, fields))
                done, part = f"Removed: {text}", "variant"
            case "review-by":
                texts = changes.change_review_by(before, entry, _one(fields, "day"))
                done = "The day is saved."
            case "answer":
                texts, part = self._answer(before, entry, fields), "place"
                done = "The answer is changed."
            case _:
                raise KnowledgeError(f"there is no action {action!r}")
        after = self._change(fields, done, texts, [entry])
        if action == "reject":
            return Told(done)
        same = next((e for e in after.entries if e.at == entry.at), None)
        return Told(done, same.id if same else None, part)

    def accept_together(self, fields: Fields) -> Told:
        """Accept the pairs of one passage that were ticked, as one change. Raises Conflict, and
        KnowledgeError where they are of several passages, or none is ticked."""
        before = self.workspace.snapshot()
        entries = [self._entry(before, id) for id in dict.fromkeys(fields.get("pair", ()))]
        texts = changes.accept_together(before, entries, self.reviewer)
        done = f"Accepted together: {'; '.join(entry.question for entry in entries)}"
        after = self._change(fields, done, texts, entries)
        same = next((e for e in after.entries if e.at == entries[0].at), None)
        many = f"{len(entries)} pairs" if len(entries) > 1 else "one pair"
        return Told(f"Accepted: {many} of this passage.", same.id if same else None)

    def undo(self) -> str:
        """Take the last change back; what it was."""
        label = self.workspace.undo()
        self.trials.again()
        return f"Undone. {label}"

    def learn(self, action: str, fields: Fields) -> Told:
        """One action on a group of questions: variant, pair, gap, put-aside or dismiss."""
        refs = _one(fields, "refs").split()
        texts = [text for text in fields.get("text", ()) if text.strip()]
        before = self.workspace.snapshot()
        handled: Handled
        match action:
            case "variant":
                entry = self._entry(before, _one(fields, "pair"))
                wanted = self.reviewer.learnt
                self._some(texts)
                refuse_held_out(before, texts)
                files = changes.add_variants(before, entry, texts, wanted)
                done, handled = f"Added to “{entry.question}”.", "variant"
                self._change(fields, done, files, [entry], refs, handled)
            case "pair":
                chosen = chosen_span(fields.get("sentence", ()))
                if chosen is None:
                    raise KnowledgeError("tick the sentences that answer, all in one document")
                document = self._document(before, chosen[0])
                question = _one(fields, "question")
                refuse_held_out(before, [question])
                files = changes.add_pair(before, document, chosen[1], question, (), self.reviewer)
                done, handled = f"Drawn: {question.strip()}", "pair"
                self._change(fields, done, files, (), refs, handled)
            case "gap":
                self._some(texts)
                refuse_held_out(before, texts)
                topic, says = _one(fields, "topic"), _one(fields, "says")
                files = changes.add_gap(before, topic, says, texts, self.reviewer)
                done, handled = f"Out of scope, under {topic.strip()}.", "out_of_scope"
                self._change(fields, done, files, (), refs, handled)
            case "put-aside":
                self._some(texts)
                id = _one(fields, "pair")
                if not id:
                    raise KnowledgeError("say which pair answers it, or that none does")
                answers = None if id == NOTHING else self._entry(before, id)
                files = put_aside(before, answers, texts, self.reviewer)
                done, handled = f"Put aside for calibration: {'; '.join(texts)}", "calibration"
                after = self._change(fields, done, files, (), refs, handled)
                return Told(f"Put aside. {held_out(after)}.")
            case "dismiss":
                done, handled = "Dismissed.", "dismissed"
                self._change(fields, done, {}, (), refs, handled)
            case _:
                raise KnowledgeError(f"there is no action {action!r}")
        return Told(done)

    def clusters(self) -> tuple[Cluster, ...] | None:
        """What waits to be learnt from, in groups; None while the bot is still being made."""
        bot = self.trials.board.bot
        if bot is None:
            return None
        waiting = unanswered(self.store.database)
        with self._grouping:
            key = (bot.knowledge.digest, tuple(one.ref for one in waiting))
            if self._grouped[0] != key:
                encoder = _Remembering(bot, self._vectors)
                near = Surroundings(bot, encoder)
                found = tuple(near.of(one) for one in cluster(waiting, encoder))
                self._grouped = (key, found)
            return self._grouped[1]

    def figures(self, first: date, last: date) -> Figures:
        """What was counted in these days."""
        from bot.channels.review.figures import Figures

        database = self.store.database
        return Figures(
            first,
            last,
            reply_counts(database, first, last),
            verdict_counts(database, first, last),
        )

    def _change(
        self,
        fields: Fields,
        label: str,
        texts: Mapping[str, str | None],
        entries: Sequence[Entry] = (),
        refs: Sequence[str] = (),
        handled: Handled | None = None,
    ) -> Snapshot:
        """Write, mark the questions `refs`, and ask anew."""
        database = self.store.database
        after = self.workspace.change(
            _one(fields, "revision"),
            label,
            texts,
            touched=[entry.at for entry in entries],
            beside=(lambda: mark(database, refs, None)) if refs else None,
        )
        if refs:
            mark(database, refs, handled)
        if texts:
            self.trials.again()
        return after

    def _answer(self, before: Snapshot, entry: Entry, fields: Fields) -> Mapping[str, str | None]:
        document = self._document(before, _one(fields, "document"))
        picked = [value for value in fields.get("selected", ()) if value]
        try:
            spans = [_span(value) for value in picked or fields.get("sentence", ())]
        except ValueError:
            raise KnowledgeError("that is no place in the document") from None
        if not spans:
            raise KnowledgeError("tick the sentences that answer")
        whole = Span(min(s.start for s in spans), max(s.end for s in spans))
        if said := _one(fields, "said"):  # what was selected, which a browser counts its own way
            found = find_answer(said.strip(), document.text, whole)
            if found is None:
                raise KnowledgeError("that begins or ends inside a word; choose whole words")
            whole = found
        return changes.change_answer(before, entry, document, whole)

    def _document(self, snapshot: Snapshot, id: str) -> Document:
        try:
            return snapshot.knowledge.document(id)
        except KeyError:
            raise Conflict("this document is no longer there", snapshot) from None

    def _entry(self, snapshot: Snapshot, id: str) -> Entry:
        found = snapshot.find(id)
        if found is None:
            raise Conflict("this pair is no longer in the file, or says something else", snapshot)
        return found

    def _number(self, entry: Entry, fields: Fields) -> int:
        """Which wording is meant: by its place, and it must say what was shown."""
        number, text = _one(fields, "number"), _one(fields, "text")
        at = int(number) if number.isascii() and number.isdigit() else -1
        if not 0 <= at < len(entry.variants) or entry.variants[at] != text:
            raise KnowledgeError("that wording is no longer there")
        return at

    def _heard(self) -> Sequence[str]:
        return [one.question for one in unanswered(self.store.database, limit=500)]

    @staticmethod
    def _some(texts: Sequence[str]) -> None:
        if not texts:
            raise KnowledgeError("tick the wordings to take")


class _Remembering:
    """The bot's encoder, with the vectors of texts that it was given before."""

    def __init__(self, bot: Bot, known: dict[str, Vectors]) -> None:
        self._encoder, self._known = bot.encoder, known

    def encode(self, texts: Sequence[str]) -> Vectors:
        """float32 [n, dim], L2-normalised."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def _one(fields: Fields, name: str) -> str:
    values = fields.get(name, ())
    return values[-1] if values else ""


def _span(value: str) -> Span:
    start, _, end = value.partition("-")
    return Span(int(start), int(end))
