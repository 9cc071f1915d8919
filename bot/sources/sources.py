"""What an owner names, opened one after the other: files, folders, addresses and sitemaps.

One that can't be taken stops nothing else: it comes out as a `Refused` with its name.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from bot.documents.documents import MAX_BYTES as MAX_TEXT
from bot.documents.documents import (
    SUFFIXES,
    decoded,
    document_from_text,
    find_title,
    has_sentence,
    slug,
)
from bot.egress import Host, origin_of
from bot.errors import DocumentError
from bot.sources.confined import Confined
from bot.sources.fetching import SECONDS, Fetcher
from bot.sources.originals import Extracted, Original, read_bytes
from bot.sources.worker import MAP, PDF, WEB, WORD
from bot.types import Document, content_id

LIMIT = 1000  # documents
MAX_SITEMAPS = 200
PATIENCE = 3  # times that a host may be too slow

_URL = re.compile(r"https?://", re.I)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://", re.I)


@dataclass(frozen=True, slots=True)
class Refused:
    """A source, or a part of one, that is not taken, and why.

    `wanted` is false for what its owner need not have meant to be taken: it is left out, and that
    is no failure.
    """

    name: str
    why: str
    wanted: bool = True

    def __str__(self) -> str:
        return f"{self.name}: {self.why}"


class Sources:
    """Opens what `names` name, in their order; to be used in one thread, and closed.

    A name is a path or an http address; a folder gives the files in it, a sitemap its pages.
    `others` are suffixes of files that are handed out for another reader. `allow_private` trusts
    the addresses among `names` wherever they are; where those lead, the rule for all holds. An
    answer may take `seconds`; a host that takes longer `PATIENCE` times is given up.
    """

    def __init__(
        self,
        names: Sequence[str | Path],
        *,
        others: Sequence[str] = (),
        allow_private: bool = False,
        limit: int = LIMIT,
        seconds: float = SECONDS,
    ) -> None:
        self._names = list(dict.fromkeys(str(name) for name in names))
        self._read = frozenset((*SUFFIXES, *WEB, *PDF, *WORD, *others))
        self._limit, self._seconds = limit, seconds
        self._trusted = frozenset(_hosts(self._names)) if allow_private else frozenset()
        self._open = ExitStack()
        self._confined = self._open.enter_context(Confined())
        self._fetcher: Fetcher | None = None
        self.waiting = 0  # sources known of and not yet handed out

    def __enter__(self) -> Sources:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._open.close()

    def __iter__(self) -> Iterator[Original | Refused]:
        queue: deque[Original | Refused | str] = deque(self._listed())
        taken: set[str] = set()  # addresses
        hosts: set[str] = set()  # of sitemaps, whose pages must be there too
        slow: Counter[str] = Counter()  # hosts
        sitemaps = documents = 0
        while queue:
            self.waiting = len(queue) - 1
            item = queue.popleft()
            if isinstance(item, Refused):
                yield item
                continue
            name = item if isinstance(item, str) else item.name
            if isinstance(item, str) and item in taken:
                continue
            if documents >= self._limit:
                left = 1 + sum(not isinstance(other, Refused) for other in queue)
                yield Refused(
                    name,
                    f"this and {left - 1} more are over the limit of {self._limit} documents. "
                    "Raise it with --limit, or name fewer.",
                )
                return
            begun = time.monotonic()
            try:
                original = self._fetched(item) if isinstance(item, str) else item
                _check_name(original)
                if isinstance(item, str):
                    taken.add(item)
                    if original.url != item and original.url in taken:
                        continue  # two addresses of one page
                    taken.add(original.url or item)
                if original.suffix not in MAP:
                    documents += 1
                    yield original
                    if original.url is not None:  # read by now
                        original.path.unlink(missing_ok=True)
                    continue
                sitemaps += 1
                if sitemaps > MAX_SITEMAPS:
                    raise DocumentError(
                        f"is one sitemap more than the {MAX_SITEMAPS} that are read."
                    )
                found = self._confined.sitemap(original)
            except DocumentError as error:
                yield Refused(name, str(error))
                if time.monotonic() - begun >= self._seconds:
                    slow[_host(name)] += 1
                    if slow[_host(name)] == PATIENCE:
                        yield from _given_up(_host(name), queue)
                continue
            hosts |= {_host(address) for address in (name, original.url or name)}
            listed = (*found.sitemaps, *found.pages)
            far = [a for a in listed if original.url is not None and _host(a) not in hosts]
            if far:
                yield Refused(
                    name,
                    f"{len(far)} addresses on other hosts are left out, such as {far[0][:200]}. "
                    "Name them yourself.",
                    wanted=False,
                )
            new = dict.fromkeys(listed).keys() - set(far) - taken
            queue.extendleft(address for address in reversed(listed) if address in new)

    def document(self, original: Original, taken: set[str]) -> tuple[Document, tuple[str, ...]]:
        """The document that `original` holds, with an id that is not in `taken`, and notes on what
        was left out of it. Raises DocumentError, without its name, where it can't be taken."""
        extracted = self._extracted(original)
        # A byte order mark before the text would be lost when that is written and read again.
        extracted = replace(extracted, text=extracted.text.lstrip("\ufeff"))
        if not has_sentence(extracted.text):
            raise DocumentError(
                f"holds no sentence, only {extracted.text.strip()[:40]!r}. Give a text with "
                "sentences that can be quoted."
            )
        stem = original.stem
        id = free_id(slug(stem) or content_id(extracted.text), taken)
        document = document_from_text(
            extracted.text,
            id=id,
            title=extracted.title or find_title(extracted.text, stem),
            source=original.called,
            url=original.url or extracted.url,
        )
        return replace(document, digest=original.digest()), extracted.notes

    def _extracted(self, original: Original) -> Extracted:
        if original.suffix in SUFFIXES:
            return Extracted(decoded(read_bytes(original.path, MAX_TEXT)))
        return self._confined.extract(original)

    def _listed(self) -> Iterator[Original | Refused | str]:
        for name in self._names:
            if _URL.match(name):
                yield name
            elif _SCHEME.match(name):
                yield Refused(name, "only addresses of http and https are fetched.")
            else:
                yield from self._local(Path(name))

    def _local(self, path: Path) -> Iterator[Original | Refused]:
        try:
            if path.is_dir():
                yield from self._in_folder(path)
            elif not path.is_file():
                yield Refused(str(path), "is not there, or is no file. Check the path.")
            elif (suffix := path.suffix.lower()) in self._read or suffix in MAP:
                yield Original(path, str(path))
            else:
                known = ", ".join(sorted(self._read))
                yield Refused(
                    str(path),
                    f"{path.suffix or 'a file without a suffix'} is not read. Give one of {known}.",
                )
        except OSError as error:
            yield Refused(str(path), f"cannot be read ({error.strerror}). Check its permissions.")

    def _in_folder(self, folder: Path) -> Iterator[Original | Refused]:
        """The files in a folder and those in it, by name; hidden ones and links are left out."""
        unread: list[OSError] = []
        others: dict[str, int] = {}
        found = False
        for parent, folders, files in os.walk(folder, onerror=unread.append):
            for name in sorted(n for n in folders if (Path(parent) / n).is_symlink()):
                yield Refused(f"{parent}/{name}", "is a link; name its target to take it.", False)
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(name for name in files if not name.startswith(".")):
                path = Path(parent) / name
                if path.suffix.lower() not in self._read:
                    others[path.suffix.lower()] = others.get(path.suffix.lower(), 0) + 1
                elif path.is_symlink():
                    yield Refused(str(path), "is a link; name its target to take it.", False)
                elif not path.is_file():
                    yield Refused(str(path), "is no file that can be read.")
                else:
                    found = True
                    yield Original(path, str(path))
        for error in unread:
            yield Refused(
                str(error.filename), f"cannot be read ({error.strerror}). Check its permissions."
            )
        if others:
            kinds = ", ".join(
                f"{kind or 'no suffix'} {n}" for kind, n in sorted(others.items())[:8]
            )
            yield Refused(str(folder), f"files of other kinds are left out: {kinds}.", False)
        if not found and not unread:
            yield Refused(str(folder), "holds no file that is read. Give another folder.")

    def _fetched(self, address: str) -> Original:
        if self._fetcher is None:
            into = self._open.enter_context(tempfile.TemporaryDirectory(prefix="quoth-"))
            self._fetcher = Fetcher(Path(into), self._trusted, self._seconds)
        return self._fetcher.fetch(address)


def _check_name(original: Original) -> None:
    try:
        original.called.encode("utf-8")
    except UnicodeEncodeError as error:  # the knowledge, which is UTF-8, couldn't name it
        raise DocumentError("has a name that is no UTF-8. Rename it.") from error


def _hosts(names: Sequence[str]) -> Iterator[Host]:
    for name in names:
        if (origin := origin_of(name)) is not None:
            yield origin[1:]


def _given_up(host: str, queue: deque[Original | Refused | str]) -> Iterator[Refused]:
    """Take what is on `host` out of the queue."""
    there = [item for item in queue if isinstance(item, str) and _host(item) == host]
    kept = [item for item in queue if not (isinstance(item, str) and _host(item) == host)]
    queue.clear()
    queue.extend(kept)
    if there:
        more = f"this and {len(there) - 1} more are" if len(there) > 1 else "is"
        yield Refused(there[0], f"{more} given up, for {host} is too slow. Try again later.")


def _host(address: str) -> str:
    origin = origin_of(address)
    return f"{origin[1]}:{origin[2]}" if origin else ""


def free_id(id: str, taken: set[str]) -> str:
    """`id`, or `id` with the first number that makes it one of its own."""
    number, free = 1, id
    while free in taken:
        number += 1
        free = f"{id}-{number}"
    return free
