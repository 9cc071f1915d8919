"""Watches the folders that are served: what changes is loaded beside what serves, then swapped in.

Nothing half-written is ever served. A state is loaded once its files have come to rest, and put
away if they changed again meanwhile; one that can't be loaded, or doesn't answer, is told and what
served before goes on.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING

from bot.channels.sites import Sites, folders_in
from bot.errors import KnowledgeError, QuothError, SettingsError
from bot.knowledge.files import PAIRS

if TYPE_CHECKING:
    from bot.bot import Bot

REST = 0.3  # seconds without a change after which files are taken for whole
PATIENCE = 30.0  # seconds to wait for that
AWAY = 3.0  # seconds without its folder after which a site is taken for gone

State = tuple[tuple[str, int, int, int, int], ...]  # of each file: path, size, times, inode

log = logging.getLogger("quoth.knowledge")


def state_of(folder: Path) -> State:
    """What differs whenever a file below `folder` does; hidden ones, which are on their way to
    another name, are passed over."""
    found, been = [], set()
    for at, folders, files in os.walk(folder, followlinks=True):
        try:
            place = os.stat(at)
        except OSError:
            continue
        if (place.st_dev, place.st_ino) in been:  # a link leads back to it
            folders.clear()
            continue
        been.add((place.st_dev, place.st_ino))
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.startswith("."):
                continue
            path = os.path.join(at, name)
            try:
                stat = os.stat(path)
            except OSError:  # gone meanwhile: the next look sees it
                continue
            found.append((path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino))
    return tuple(sorted(found))


class Watcher:
    """Keeps `sites` as the folders below `root` are, from `start` to `stop`, in a thread.

    `load` makes the bot of a folder; `prepare`, called before it while others are served, leaves it
    little to do, and raises what it would; it may take long, but ends soon where its other argument
    says that it is given up. It looks every `seconds`; 0: only when it is told to
    (`look_now`). A site that is new is served too. One whose folder is gone is served no more, but
    for the last one and those that are `needed` (messaging platforms are answered from them).
    """

    def __init__(
        self,
        root: Path,
        sites: Sites,
        load: Callable[[Path], Bot],
        seconds: float,
        prepare: Callable[[Path, Callable[[], bool]], None] = lambda folder, given_up: None,
        needed: Collection[str] = (),
    ) -> None:
        self._needed = frozenset(needed)
        self._root, self._sites, self._load, self._prepare = root, sites, load, prepare
        self._seconds = seconds
        self._seen: dict[str, State] = {}
        self._wake, self._ended = threading.Event(), threading.Event()
        self._asked = False
        self._told = ""  # why the folders can't be listed
        self._thread = threading.Thread(target=self._watch, name="knowledge", daemon=True)

    def load_all(self) -> None:
        """Serve all there is, for the start. Raises QuothError where nothing can be."""
        folders = folders_in(self._root)
        for name, folder in folders.items():
            self._seen[name] = state_of(folder)
            try:
                self._sites.serve(name, self._load(folder))
            except QuothError as error:
                if len(folders) == 1:
                    raise
                self._refuse(name, folder, error)
        if not self._sites.all():
            raise SettingsError(f"{self._root}: none of its {len(folders)} sites can be served")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when nothing is being loaded any more."""
        self._ended.set()
        self._wake.set()
        self._thread.join()

    def look_now(self) -> None:
        """Load everything anew, changed or not. May be called by a signal's handler."""
        self._asked = True
        self._wake.set()

    def _watch(self) -> None:
        while True:
            self._wake.wait(self._seconds or None)
            self._wake.clear()
            if self._ended.is_set():
                return
            asked, self._asked = self._asked, False
            try:
                for name, folder in self._folders().items():
                    self._look(name, folder, asked)
            except Exception:  # the thread must live on; what failed is looked at again
                log.exception("the knowledge could not be looked at")

    def _folders(self) -> dict[str, Path]:
        """The folders by site: those there are, and those that are served."""
        if not self._sites.several:
            return {"": self._root}
        try:
            found = folders_in(self._root)
            self._told = ""
        except SettingsError as error:
            if str(error) != self._told:  # not at every look
                log.error("%s", error)
            self._told, found = str(error), {}
        found.pop("", None)
        return {**{name: self._root / name for name in self._seen}, **found}

    def _look(self, name: str, folder: Path, asked: bool) -> None:
        state = state_of(folder)
        if state == self._seen.get(name) and not asked:
            return
        until = time.monotonic() + PATIENCE
        while True:
            if self._ended.wait(REST):
                return
            before, state = state, state_of(folder)
            if state == before:
                break
            if time.monotonic() > until:
                self._wake.set()
                return
        if self._gone(folder):
            self._end(name, folder)
        elif not self._replaced(name, folder, state):
            self._wake.set()  # it changed once more: look again

    def _gone(self, folder: Path) -> bool:
        """Whether a site's folder was taken away, and isn't just being replaced.

        Where the folder around it is gone as well, a disk is missing and not a site.
        """
        until = time.monotonic() + AWAY
        while self._sites.several and self._root.is_dir() and not folder.exists():
            if time.monotonic() > until:
                return True
            if self._ended.wait(REST):
                break
        return False

    def _end(self, name: str, folder: Path) -> None:
        """Serve a site no more whose folder was taken away, where it can be done without."""
        self._seen.pop(name, None)
        if name in self._needed or not any(other != name for other in self._names()):
            gone = f"the folder of {name} is gone; put it back, or start the server without it"
            self._refuse(name, folder, KnowledgeError(gone))
            return
        self._sites.drop(name)
        log.warning("%s is gone, and its site is served no more", folder)
        _forget()

    def _replaced(self, name: str, folder: Path, state: State) -> bool:
        """Load and serve `folder`; False where it is no longer in the `state` it was in."""
        started = time.monotonic()
        try:
            self._prepare(folder, self._ended.is_set)
            bot = self._load(folder)
            if not bot.knowledge.pairs:
                lost = "no answer stands in its document any more; `quoth check` names each"
                raise KnowledgeError(lost, folder / PAIRS)
            bot.consider(bot.knowledge.pairs[0].question)
        except Exception as error:
            if self._ended.is_set():
                return True
            if state_of(folder) != state:
                return False
            self._seen[name] = state
            self._refuse(name, folder, error)
            return True
        if state_of(folder) != state:
            return False
        self._seen[name] = state
        self._sites.serve(name, bot)
        log.warning(
            "%s: its new state is served (%d pairs, loaded in %.1f s)",
            folder,
            len(bot.knowledge.pairs),
            time.monotonic() - started,
        )
        for fault in bot.faults():
            log.warning("%s", fault)
        del bot
        _forget()
        return True

    def _refuse(self, name: str, folder: Path, error: Exception) -> None:
        # Of an unknown error the class alone: its message might hold anything.
        why = str(error) if isinstance(error, QuothError) else type(error).__name__
        kept = "what was served before is served on" if name in self._names() else "not served"
        log.error("%s (%s)", why, kept)
        self._sites.refuse(name, why.replace(f"{folder}{os.sep}", ""))

    def _names(self) -> list[str]:
        return [site.name for site in self._sites.all()]


def _forget() -> None:
    """Free what served before: it has cycles, and the start's objects are frozen."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
