"""A knowledge drawn anew from a changed document, with all that its owner did to it kept.

What is new is added as drawn; what the owner took away stays away; a pair whose answer no longer
stands in its document stays in the file, in quarantine, and the nearest sentence is proposed. The
files are edited in place: comments and the form of every other line survive. Redrawing twice
changes nothing more.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rapidfuzz import fuzz, process

from bot.documents.sentences import split_sentences
from bot.drawing.draft import Draft
from bot.drawing.drawing import draw_pairs
from bot.drawing.merging import merge, wordings_drawn
from bot.errors import KnowledgeError
from bot.faqs.as_documents import DRAWER as FAQ_DRAWER
from bot.knowledge.drawn import DRAWN, Drawn, drawn_text, flat, read_drawn
from bot.knowledge.editing import Listed, documents_of, pairs_of, read_raw
from bot.knowledge.evidence import find_answer, occurrences
from bot.knowledge.files import MANIFEST, PAIRS, Evidence, PairRow, read_manifest, read_pairs
from bot.knowledge.knowledge import load_knowledge
from bot.knowledge.rejected import REJECTED, read_rejected, with_rejected
from bot.knowledge.writing import (
    document_lines,
    document_rows,
    pair_lines,
    pair_row,
    united,
    write_folder,
)
from bot.types import Document, QAPair
from bot.wording import normalise

ANOTHER = 3  # sentences; a shorter document may be written anew
NEAR = 60.0  # per cent alike (Indel), from which a sentence is proposed for a lost answer


@dataclass(frozen=True, slots=True)
class Lost:
    """A pair whose answer no longer stands in its document; `nearest` is what does, if alike."""

    file: Path
    line: int
    question: str
    nearest: str | None

    def __str__(self) -> str:
        near = " ".join((self.nearest or "").split())
        near = f'; nearest there now: "{near}"' if near else ""
        remedy = "put the new wording, or delete the pair"
        return (
            f"{self.file}:{self.line}: the answer to {self.question!r} no longer stands in its "
            f"document{near}; {remedy}"
        )


@dataclass(frozen=True, slots=True)
class Redrawn:
    """What a redraw did; `skipped` are lines on what could not be edited."""

    documents: int  # new ones
    pairs: int
    wordings: int  # added to pairs that were there
    kept: int
    lost: tuple[Lost, ...]
    skipped: tuple[str, ...] = ()


def redraw(root: Path, made: Draft) -> Redrawn:
    """Bring the knowledge in `root` up to `made`, which is drawn of its documents as they are now.

    Documents of other names stay as they are, and one of a new name is added. Raises
    KnowledgeError where the folder can't be read or its files can't be edited; then nothing is
    changed.
    """
    work = _Redraw(root, made)
    files = work.files()
    try:
        write_folder(root.resolve(), files, check=load_knowledge)
    except KnowledgeError as error:
        message = f"nothing was changed, for the new files would have a fault: {error}"
        raise KnowledgeError(message, root) from error
    except OSError as error:
        message = f"cannot be written ({error.strerror}); check its rights"
        raise KnowledgeError(message, root) from error
    return work.told()


class _Redraw:
    """One redraw: what each row is now, the files with it, and what is to be told."""

    def __init__(self, root: Path, made: Draft) -> None:
        self.root, self.made = root, made
        old = load_knowledge(root)
        self.before = {document.id: document for document in old.documents}
        self.changed = {document.id: document for document in made.documents}
        for id, document in self.changed.items():
            _refuse_another(self.before.get(id), document, root)
        self.now = self.before | self.changed
        self.rows = read_pairs(root / PAIRS)
        self.keys = [self._key(row) for row in self.rows]
        self.standing: list[bool] = []
        self.evidence: list[Evidence | None] = [
            self._evidence(row, id) for row, (id, _) in zip(self.rows, self.keys, strict=True)
        ]
        drawn = read_drawn(root / DRAWN)
        if drawn is None:  # made by hand: what else its documents would have given, it leaves out
            were = (
                replace(self.before[id], title=d.title)
                for id, d in self.changed.items()
                if id in self.before
            )
            drawn = tuple(Drawn.of(pair) for document in were for pair in draw_pairs(document))
        self.said = wordings_drawn(drawn)
        self.merged = merge(
            self.rows,
            self.keys,
            drawn,
            united(made.pairs),
            read_rejected(root / REJECTED),
            old=self.before,
            changed=self.changed,
        )
        for number, pair in self.merged.matched.items():
            where = pair.provenance
            if not self.standing[number] and pair.answer == self.rows[number].answer.value:
                # found by its key only: a quote that ends inside a word
                self.standing[number] = True
                self.evidence[number] = Evidence(
                    where.document_id, where.document_sha256[:12], where.evidence
                )
        self.taken = {
            normalise(text.value)
            for row, stands in zip(self.rows, self.standing, strict=True)
            for text in (row.question, *row.variants)
            if stands
        }
        self.skipped: list[str] = []
        self.wordings = 0

    def files(self) -> dict[str, str]:
        """The new text of every file that changes."""
        text = read_raw(self.root / PAIRS) or ""
        head, pieces = pairs_of(text).pieces()
        if len(pieces) != len(self.rows):
            raise KnowledgeError(
                "the pairs must stand one below the other, each beginning with '- '",
                self.root / PAIRS,
            )
        edited = [self._edited(number, piece) for number, piece in enumerate(pieces)]
        places = self._places()
        new: dict[int, list[PairRow]] = {}
        for pair in sorted(self.merged.added, key=lambda pair: pair.provenance.evidence):
            new.setdefault(self._behind(pair, places), []).append(self._row(pair))
        for number, rows in new.items():
            edited[number] = edited[number].extend(map(pair_lines, rows))
        text = head + "".join(piece.text for piece in edited)
        files = {PAIRS: text, DRAWN: drawn_text(self.merged.drawn)}
        files |= self._documents()
        if self.merged.rejected:
            text_before = read_raw(self.root / REJECTED)
            files[REJECTED] = with_rejected(text_before, self.merged.rejected)
        return files

    def _edited(self, number: int, piece: Listed) -> Listed:
        """A row with its evidence where it is now, and the new wordings of its pair."""
        row, evidence = self.rows[number], self.evidence[number]
        try:
            if evidence is not None and evidence != row.evidence:
                piece = piece.put(0, "evidence", str(evidence))
            pair = self.merged.matched.get(number)
            for text in self._fresh(pair) if pair is not None and _open(row) else ():
                piece = piece.add(0, "variants", text)
                self.wordings += 1
        except KnowledgeError as error:
            self.skipped.append(f"{self.root / PAIRS}:{row.line}: {error}")
        return piece

    def _evidence(self, row: PairRow, id: str) -> Evidence | None:
        """Where the answer of `row` stands now, where it stood if nowhere; None if it needs none:
        it had none, and stands in one place."""
        document = self.changed.get(id)
        if document is None:
            self.standing.append(id in self.before)
            return row.evidence
        answer = row.answer.value
        was = row.evidence or self._looked_up(row)
        found = find_answer(answer, document.text, was.span)
        self.standing.append(found is not None)
        if row.evidence is None:
            places = (place for d in self.now.values() for place in occurrences(answer, d.text))
            if len(list(places)) == 1:
                return None
        return was if found is None else Evidence(id, document.sha256[:12], found)

    def _looked_up(self, row: PairRow) -> Evidence:
        document = next(d for d in self.before.values() if occurrences(row.answer.value, d.text))
        span = occurrences(row.answer.value, document.text)[0]
        return Evidence(document.id, document.sha256[:12], span)

    def _key(self, row: PairRow) -> tuple[str, str]:
        if row.evidence is not None:
            return row.evidence.document_id, flat(row.answer.value)
        return self._looked_up(row).document_id, flat(row.answer.value)

    def _fresh(self, pair: QAPair) -> list[str]:
        """The wordings of `pair` that are new, and stand nowhere in the file; takes them."""
        said = self.said.get(Drawn.of(pair).key, {})
        fresh = []
        for text in pair.wordings:
            form = normalise(text)
            if form not in self.taken and (form or text) not in said:
                self.taken.add(form)
                fresh.append(text)
        return fresh

    def _row(self, pair: QAPair) -> PairRow:
        """The row of a new pair, its question one that no other row has, if it can be."""
        free = [w for w in pair.wordings if normalise(w) not in self.taken]
        question = next((w for w in free if w.endswith("?")), pair.question)
        self.taken |= {normalise(question), *map(normalise, free)}
        variants = tuple(w for w in free if w != question)
        row = replace(pair, question=question, variants=variants)
        return pair_row(row, tuple(self.now.values()))

    def _places(self) -> dict[str, list[tuple[int, int]]]:
        """By document: where the answers of its rows begin, and the rows' numbers, in order.

        A row whose place isn't kept counts as behind all others.
        """
        places: dict[str, list[tuple[int, int]]] = {}
        for number, ((id, _), evidence) in enumerate(zip(self.keys, self.evidence, strict=True)):
            start = evidence.span.start if evidence is not None else sys.maxsize
            places.setdefault(id, []).append((start, number))
        return {id: sorted(own) for id, own in places.items()}

    def _behind(self, pair: QAPair, places: Mapping[str, Sequence[tuple[int, int]]]) -> int:
        """The number of the row that a new pair is written behind: in the order of the document,
        or where its document begins; at the end for a document that has no row."""
        own = places.get(pair.provenance.document_id)
        if own is None:
            return len(self.rows) - 1
        before = bisect_right(own, pair.provenance.evidence.start, key=lambda place: place[0])
        return own[before - 1][1] if before else max(0, min(n for _, n in own) - 1)

    def _documents(self) -> dict[str, str]:
        """The changed documents, and knowledge.yaml with what is new of them."""
        text = read_raw(self.root / MANIFEST) or ""
        before, listed, after = documents_of(text)
        head, parts = listed.pieces()
        rows = read_manifest(self.root / MANIFEST).documents
        if len(rows) != len(parts):
            raise KnowledgeError(
                "the documents must stand one below the other, each beginning with '- '",
                self.root / MANIFEST,
            )
        pieces = list(parts)
        files: dict[str, str] = {}
        for number, row in enumerate(rows):
            document = self.changed.get(row.id)
            if document is None:
                continue
            files[row.path] = document.text
            if document.digest:
                piece = pieces[number].put(0, "source", document.source)
                pieces[number] = piece.put(0, "sha256", document.digest)
        known = {row.id for row in rows}
        fresh = [document for id, document in self.changed.items() if id not in known]
        new = document_rows(fresh, frozenset(Path(row.path).stem.casefold() for row in rows))
        pieces[-1] = pieces[-1].extend(map(document_lines, new))
        files |= {row.path: document.text for row, document in zip(new, fresh, strict=True)}
        changed = before + head + "".join(piece.text for piece in pieces) + after
        return files | ({MANIFEST: changed} if changed != text else {})

    def told(self) -> Redrawn:
        """What was done, with the places of lost answers in the file as it is now."""
        answers: dict[str, dict[str, str]] = {id: {} for id in self.changed}
        for pair in self.made.pairs:
            answers[pair.provenance.document_id][pair.answer] = flat(pair.answer)
        lost = []
        for row in read_pairs(self.root / PAIRS):
            was, answer = row.evidence, row.answer.value
            document = self.changed.get(was.document_id) if was else None
            if document is None or was is None or document.sha256.startswith(was.sha12):
                continue
            if find_answer(answer, document.text, was.span) is None:
                near = process.extractOne(
                    flat(answer), answers[document.id], scorer=fuzz.ratio, score_cutoff=NEAR
                )
                nearest = str(near[2]) if near else None
                lost.append(Lost(self.root / PAIRS, row.answer.line, row.question.value, nearest))
        new = len(set(self.changed) - set(self.before))
        return Redrawn(
            new,
            len(self.merged.added),
            self.wordings,
            len(self.rows),
            tuple(lost),
            tuple(self.skipped),
        )


def _open(row: PairRow) -> bool:
    """Whether a row takes further wordings: of a list always, drawn by rules until a review."""
    drawer = row.drawer or ""
    return drawer == FAQ_DRAWER or (drawer.startswith("rules") and row.reviewed is None)


def _refuse_another(old: Document | None, new: Document, root: Path) -> None:
    """A text that shares nothing with the one it would replace is another document."""
    said = [span.of(old.text) for span in split_sentences(old.text)] if old else []
    if len(said) >= ANOTHER and not any(sentence in new.text for sentence in said):
        raise KnowledgeError(
            f"no sentence of its document {new.id!r} stands in {new.source}: it seems to be "
            "another one; give the file another name to add it",
            root,
        )
