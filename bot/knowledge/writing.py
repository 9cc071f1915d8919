"""Writing a knowledge: files that are pleasant to edit and to diff, all of them or none."""

from __future__ import annotations

import errno
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path, PurePosixPath

from bot.errors import KnowledgeError
from bot.knowledge.drawn import DRAWN, Drawn, drawn_text
from bot.knowledge.exchange import exchange
from bot.knowledge.files import (
    MANIFEST,
    OUT_OF_SCOPE,
    PAIRS,
    DocumentRow,
    Evidence,
    Manifest,
    PairRow,
    TopicRow,
    Unreviewed,
)
from bot.knowledge.yaml_fields import Text
from bot.knowledge.yaml_scalars import entry, flow, item, listing, scalar
from bot.types import Document, Prototype, QAPair

_MARKED = (".md", ".markdown", ".html", ".htm", ".xhtml", ".pdf", ".docx")


def write_knowledge(
    root: Path,
    *,
    title: str,
    documents: Sequence[Document],
    pairs: Iterable[QAPair],
    prototypes: Iterable[Prototype] = (),
    language: str = "en",
    domain: str = "general",
    subjects: Mapping[str, tuple[str, ...]] | None = None,
    texts: Mapping[str, str] | None = None,
    contact: str | None = None,
    unreviewed: Unreviewed = "answer",
    overwrite: bool = False,
) -> None:
    """Writes the folder `root` so that `load_knowledge` gives the same back; all of it or nothing.

    A pair given twice is written once. Raises KnowledgeError where `root` has content and
    `overwrite` is not set (with it, files of other names are kept), and where an answer doesn't
    stand where its provenance says.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())) and not overwrite:
        raise KnowledgeError("is there already; name a new folder, or say to overwrite it", root)
    rows = document_rows(documents)
    manifest = Manifest(
        title=title,
        documents=rows,
        language=language,
        domain=domain,
        subjects=subjects or {},
        texts=texts or {},
        contact=contact,
        unreviewed=unreviewed,
    )
    once = united(pairs)
    drawn = (Drawn.of(pair) for pair in once if pair.provenance.drawer != "owner")
    files = {
        MANIFEST: manifest_text(manifest),
        PAIRS: pairs_text(pair_row(pair, documents) for pair in once),
        DRAWN: drawn_text(drawn),
        OUT_OF_SCOPE: out_of_scope_text(_topic_rows(prototypes)),
    }
    files |= {row.path: document.text for row, document in zip(rows, documents, strict=True)}
    try:
        write_folder(root.resolve(), files)
    except OSError as error:
        message = f"cannot be written ({error.strerror}); check its rights"
        raise KnowledgeError(message, root) from error


def manifest_text(manifest: Manifest) -> str:
    """knowledge.yaml of `manifest`."""

    def lines() -> Iterator[str]:
        yield "# The knowledge: what it is called and which documents it quotes."
        yield from entry("title", manifest.title)
        yield from entry("language", manifest.language)
        yield from entry("domain", manifest.domain)
        if manifest.contact:
            yield from entry("contact", manifest.contact)
        if manifest.unreviewed != "answer":
            yield "# Whether pairs without 'reviewed' may answer."
            yield from entry("unreviewed", manifest.unreviewed)
        yield "documents:"
        for row in manifest.documents:
            yield from item(document_lines(row), indent="  ")
        if manifest.subjects:
            yield "# What the answers speak of, and its other names."
            yield "subjects:"
            for name, others in manifest.subjects.items():
                if others:
                    yield from listing(name, others, indent="  ")
                else:
                    yield f"  {scalar(name)}: []"
        if manifest.texts:
            yield "texts:"
            for key, text in manifest.texts.items():
                yield from entry(key, text, indent="  ")
        if manifest.allowed_origins is not None or manifest.max_wrong is not None:
            yield "# What goes before the settings of the server."
            yield "site:"
            if manifest.allowed_origins is not None:
                yield from listing("allowed_origins", manifest.allowed_origins, indent="  ")
            if manifest.max_wrong is not None:
                yield f"  max_wrong: {manifest.max_wrong}"

    return _joined(lines())


def pairs_text(rows: Iterable[PairRow]) -> str:
    """pairs.yaml of `rows`: one text a line, a blank line between pairs."""

    def lines() -> Iterator[str]:
        yield "# Questions and the document's own answers. Answers are verbatim; 'evidence' says"
        yield "# where one stands and may be left out in a pair that you write by hand."
        for row in rows:
            yield ""
            yield from item(pair_lines(row))

    return _joined(lines())


def out_of_scope_text(rows: Iterable[TopicRow]) -> str:
    """out_of_scope.yaml of `rows`."""

    def lines() -> Iterator[str]:
        yield "# Questions that the documents don't answer. 'says' completes"
        yield '# "The article doesn\'t cover …".'
        empty = True
        for row in rows:
            empty = False
            yield ""
            yield from item(_topic_lines(row))
        if empty:
            yield "[]"

    return _joined(lines())


def document_lines(row: DocumentRow) -> Iterator[str]:
    yield from entry("file", row.path)
    if row.id != PurePosixPath(row.path).stem:
        yield from entry("id", row.id)
    if row.title:
        yield from entry("title", row.title)
    if row.url:
        yield from entry("url", row.url)
    if row.source:
        yield from entry("source", row.source)
    if row.digest:
        yield from entry("sha256", row.digest)


def pair_lines(row: PairRow) -> Iterator[str]:
    yield from entry("question", row.question.value)
    if row.subjects:
        yield f"subjects: {flow([subject.value for subject in row.subjects])}"
    yield from entry("answer", row.answer.value)
    if row.evidence:
        yield from entry("evidence", str(row.evidence))
    if row.reviewed:
        yield from entry("reviewed", row.reviewed)
    if row.review_by:
        yield f"review_by: {row.review_by}"
    if row.drawer:
        yield from entry("drawer", row.drawer)
    yield from listing("variants", [variant.value for variant in row.variants])


def _topic_lines(row: TopicRow) -> Iterator[str]:
    yield from entry("topic", row.topic)
    if row.says:
        yield from entry("says", row.says)
    yield from listing("questions", [question.value for question in row.questions])


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def document_rows(
    documents: Sequence[Document], names: Collection[str] = ()
) -> tuple[DocumentRow, ...]:
    """Rows with a file name of their own, also where ids differ by odd characters or case.

    `names` are taken: file names without suffix, case-folded.
    """
    taken = set(names)
    rows = []
    for document in documents:
        stem = re.sub(r"[^\w.-]+", "-", document.id).strip(".-")[:80] or "document"
        suffix = _suffix(document)
        number, name = 1, stem
        while name.casefold() in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name.casefold())
        path = f"documents/{name}{suffix}"
        source = document.source if document.digest else None
        rows.append(
            DocumentRow(document.id, path, document.title, document.url, source, document.digest)
        )
    return tuple(rows)


def _suffix(document: Document) -> str:
    """What was taken out of a format with headings is written with the marks of Markdown."""
    name = document.source.lower()
    return ".md" if name.startswith("http") or name.endswith(_MARKED) else ".txt"


def united(pairs: Iterable[QAPair]) -> tuple[QAPair, ...]:
    """Each pair once; what was given twice, or is said twice, has the variants of both."""
    found: dict[tuple[str, str, str], QAPair] = {}
    for pair in pairs:
        key = (pair.provenance.document_id, pair.answer, pair.question)
        same = found.setdefault(key, pair)
        if same is not pair:
            variants = tuple(dict.fromkeys((*same.variants, *pair.variants)))
            found[key] = replace(same, variants=variants)
    return tuple(found.values())


def pair_row(pair: QAPair, documents: Sequence[Document]) -> PairRow:
    where = pair.provenance
    document = next((d for d in documents if d.id == where.document_id), None)
    if document is None or where.evidence.of(document.text) != pair.answer:
        raise KnowledgeError(f"the answer of {pair.question!r} doesn't stand where it says")
    return PairRow(
        question=Text(pair.question, 0),
        answer=Text(pair.answer, 0),
        line=0,
        subjects=tuple(Text(subject, 0) for subject in pair.subjects),
        evidence=Evidence(document.id, document.sha256[:12], where.evidence),
        reviewed=pair.reviewed,
        review_by=pair.review_by,
        drawer=None if where.drawer == "owner" else where.drawer,
        variants=tuple(Text(variant, 0) for variant in pair.variants),
    )


def _topic_rows(prototypes: Iterable[Prototype]) -> Iterable[TopicRow]:
    for (topic, says), group in groupby(prototypes, key=lambda p: (p.topic, p.says)):
        yield TopicRow(topic, says, tuple(Text(p.question, 0) for p in group), 0)


def write_folder(
    root: Path, files: Mapping[str, str], check: Callable[[Path], object] = lambda folder: None
) -> None:
    """Puts `files` into `root` at once; other files of a folder that is there are kept.

    Where the system can exchange folders, there is no instant without `root`. `check` is called
    with the new folder before, and may refuse it. Raises OSError where that can't be done, also
    where one of `files` would be written through a link: what it leads to is not put in place.
    """
    for name in files:
        for place in (root / name, *(root / parent for parent in PurePosixPath(name).parents)):
            if place != root and place.is_symlink():
                link = place.relative_to(root)
                raise OSError(errno.ELOOP, f"{link} is a link: put what it leads to in its place")
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{root.name}-", dir=root.parent) as made:
        new, old = Path(made) / "new", Path(made) / "old"
        if root.is_dir():
            shutil.copytree(root, new, symlinks=True)
        for name, text in files.items():
            file = new / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
        check(new)
        if root.is_dir() and exchange(new, root):
            return
        if root.exists():
            root.rename(old)
        try:
            new.rename(root)
        except OSError:
            if old.exists():
                old.rename(root)
            raise
