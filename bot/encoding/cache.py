"""A cache folder: what is in it saves time, and nothing in it has to be trusted or kept.

`Cache` stores named arrays under a key, one file an entry:

    magic, version | length and SHA-256 of the header | header (JSON) | arrays, 64-byte aligned

`EmbeddingCache` stores vectors of texts, one file of fixed-size rows an encoder, so that a
changed text costs one row and no more:

    magic, version, dim, digest of the encoder | row, row, ... : SHA-256 of the text, check, vector

A file that is cut short, foreign, of another version or fails its checksum counts as absent. A
folder that can't be written costs time and one warning, never an error. There is no pickle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import mmap
import os
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

try:
    import fcntl
except ImportError:  # not on Windows: there, let only one process write at a time
    fcntl = None  # type: ignore[assignment]

Warn = Callable[[str], None]

CACHE_LIMIT = 1 << 30  # bytes of all entries; the ones used longest ago go first
EMBEDDING_LIMIT = 256 << 20  # bytes of one encoder's rows (170,000 of 384 dimensions)
CHUNK = 256  # texts encoded and saved at once: what a crash can cost

_MAGIC = b"quothc01"
_HEAD = struct.Struct("<8sQ32s")
_ALIGN = 64
_KINDS = "biufSU"  # of dtypes: numbers and text, no objects
_STALE = 24 * 3600.0  # seconds after which a temporary file belongs to nobody


def _silent(line: str) -> None:
    """The warnings of a caller that wants none."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """Arrays (read-only, mapped from the file) and the JSON values stored beside them."""

    arrays: dict[str, NDArray[Any]]
    metadata: dict[str, Any]


class Cache:
    """Arrays by key in `folder`, at most `limit` bytes. Processes and threads may share it."""

    def __init__(self, folder: Path, *, limit: int = CACHE_LIMIT, warn: Warn = _silent) -> None:
        self.folder, self._limit, self._warn = folder, limit, warn

    def get(self, key: str) -> dict[str, NDArray[Any]] | None:
        """The arrays under `key`, or None. They are read-only: copy what you change."""
        entry = self.read(key)
        return None if entry is None else entry.arrays

    def read(self, key: str) -> Entry | None:
        """The entry under `key`, its checksum verified; None where there is no whole one."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            entry = _parse(view, key)
        except (OSError, ValueError, KeyError, TypeError, OverflowError, struct.error):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # it was used now
        return entry

    def put(
        self,
        key: str,
        arrays: Mapping[str, NDArray[Any]],
        metadata: Mapping[str, Any] | None = None,
    ) -> bool:
        """Store `arrays` (numbers or text of fixed width) and `metadata` (JSON); False if it can't.

        Raises ValueError for an array of objects.
        """
        pieces = _pieces(key, arrays, metadata or {})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with _replacing(self._path(key)) as file:
                file.writelines(pieces)
        except OSError as error:
            _warn_unwritable(self._warn, self.folder, error)
            return False
        self._drop_oldest(keep=self._path(key))
        return True

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / f"{name[:40]}.entry"

    def _drop_oldest(self, keep: Path) -> None:
        try:
            there = list(self.folder.iterdir())
        except FileNotFoundError:  # somebody has just emptied the cache
            return
        found = []
        for path in there:
            with contextlib.suppress(OSError):  # another process may have dropped it
                stat = path.stat()
                if path.suffix == ".entry":
                    found.append((path != keep, -stat.st_mtime_ns, stat.st_size, path))
                elif path.name.startswith(".tmp-") and time.time() - stat.st_mtime > _STALE:
                    path.unlink()
        total = 0
        for _, _, size, path in sorted(found):
            total += size
            if total > self._limit and path != keep:
                with contextlib.suppress(OSError):
                    path.unlink()


def _pieces(
    key: str, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]
) -> list[bytes | memoryview]:
    """The parts of an entry's file, in order."""
    listed, body, offset, digest = [], [], 0, hashlib.sha256()
    for name, array in arrays.items():
        if array.dtype.kind not in _KINDS:
            raise ValueError(f"array {name!r} has dtype {array.dtype}, which can't be cached")
        data = np.ascontiguousarray(array).tobytes()
        pad = bytes(-len(data) % _ALIGN)
        listed.append([name, array.dtype.str, list(array.shape), offset])
        body += [data, pad]
        offset += len(data) + len(pad)
        digest.update(data)
        digest.update(pad)
    header = json.dumps(
        {
            "key": key,
            "arrays": listed,
            "size": offset,
            "sha256": digest.hexdigest(),
            "metadata": dict(metadata),
        }
    ).encode()
    header += b" " * (-(_HEAD.size + len(header)) % _ALIGN)
    head = _HEAD.pack(_MAGIC, len(header), hashlib.sha256(header).digest())
    return [head, header, *body]


def _parse(view: memoryview, key: str) -> Entry:
    """The entry in `view`; raises ValueError and the like where anything is off."""
    magic, length, digest = _HEAD.unpack_from(view)
    start = _HEAD.size + length
    header = bytes(view[_HEAD.size : start])
    if magic != _MAGIC or hashlib.sha256(header).digest() != digest:
        raise ValueError("not an entry of this version")
    facts = json.loads(header)
    body = view[start:]
    if facts["key"] != key or len(body) != facts["size"]:
        raise ValueError("another key's entry, or cut short")
    if hashlib.sha256(body).hexdigest() != facts["sha256"]:
        raise ValueError("damaged")
    arrays = {
        name: np.frombuffer(body, dtype, math.prod(shape), offset).reshape(shape)
        if math.prod(shape)
        else np.zeros(shape, dtype)
        for name, dtype, shape, offset in facts["arrays"]
    }
    return Entry(arrays, facts["metadata"])


def _warn_unwritable(warn: Warn, folder: Path, error: OSError) -> None:
    warn(
        f"Warning: the cache folder {folder} can't be written ({error.strerror or error}), so the "
        "next start is slower. Set QUOTH_CACHE_DIR to a folder that can be written."
    )


class TextEncoder(Protocol):
    """What EmbeddingCache asks of an encoder."""

    @property
    def digest(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class EmbeddingCache:
    """Vectors of texts by one encoder, each computed once. Processes and threads may share it.

    A killed writer leaves at most a torn last row, which the next writer cuts off.
    """

    def __init__(
        self,
        folder: Path,
        encoder: TextEncoder,
        *,
        limit: int = EMBEDDING_LIMIT,
        warn: Warn = _silent,
    ) -> None:
        self._encoder, self._warn = encoder, warn
        digest = hashlib.sha256(encoder.digest.encode()).digest()
        self.path = folder / f"{digest.hex()[:40]}.vectors"
        self._head = _HEAD.pack(_MAGIC, encoder.dim, digest)
        self._row = np.dtype([("key", "u1", 32), ("check", "<u4"), ("vector", "<f4", encoder.dim)])
        self._limit = max(limit, len(self._head) + 2 * CHUNK * self._row.itemsize)
        # Odd weights: each word counts, and so does its place.
        self._weights = np.arange(1, 2 * (8 + encoder.dim), 2, dtype=np.uint32) * np.uint32(40503)
        self._lock = threading.Lock()

    def encode(
        self, texts: Sequence[str], progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """Vectors float32 [n, dim] of `texts`, in order; only unknown texts are encoded.

        `progress(done, of)` counts the unknown ones, after each CHUNK of them is saved.
        """
        keys = [hashlib.sha256(t.encode("utf-8", "surrogatepass")).digest() for t in texts]
        vectors = np.zeros((len(texts), self._encoder.dim), np.float32)
        with self._lock:
            found, known = self._look_up(keys)
            vectors[known] = found
            places: dict[bytes, list[int]] = {}
            for i, key in enumerate(keys):
                if not known[i]:
                    places.setdefault(key, []).append(i)
            missing = list(places)
            writable = True
            for start in range(0, len(missing), CHUNK):
                chunk = missing[start : start + CHUNK]
                fresh = self._encoder.encode([texts[places[key][0]] for key in chunk])
                for key, vector in zip(chunk, fresh, strict=True):
                    vectors[places[key]] = vector
                writable = writable and self._append(chunk, fresh)
                if progress is not None:
                    progress(start + len(chunk), len(missing))
        return vectors

    def __len__(self) -> int:
        """How many rows the file holds."""
        return len(self._rows())

    def _rows(self) -> NDArray[Any]:
        """The file's rows, mapped; none where it is absent or foreign."""
        try:
            with self.path.open("rb") as file:
                view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except (OSError, ValueError):
            return np.zeros(0, self._row)
        if view[: len(self._head)] != self._head:
            return np.zeros(0, self._row)
        count = (len(view) - len(self._head)) // self._row.itemsize
        return np.frombuffer(view, self._row, count, len(self._head))

    def _look_up(self, keys: list[bytes]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The vectors of the known keys, in their order, and which keys are known."""
        rows = self._rows()
        stored = np.ascontiguousarray(rows["key"]).tobytes()
        place = {stored[i : i + 32]: i // 32 for i in range(0, len(stored), 32)}
        wanted = np.array([place.get(key, -1) for key in keys], np.int64)
        known = wanted >= 0
        vectors = rows["vector"][wanted[known]]
        sound = self._check(rows["key"][wanted[known]], vectors) == rows["check"][wanted[known]]
        if not sound.all():
            vectors = vectors[sound]
            known[known] = sound
        return vectors, known

    def _check(self, keys: NDArray[Any], vectors: NDArray[Any]) -> NDArray[np.uint32]:
        """A checksum of each row, modulo 2**32: its 32-bit words weighted by place, plus one."""
        of_keys = np.einsum("ij,j->i", keys.view("<u4"), self._weights[:8])
        of_vectors = np.einsum("ij,j->i", vectors.view("<u4"), self._weights[8:])
        return np.asarray(of_keys + of_vectors + np.uint32(1))

    def _append(self, keys: list[bytes], vectors: NDArray[np.float32]) -> bool:
        rows = np.zeros(len(keys), self._row)
        rows["key"] = np.frombuffer(b"".join(keys), "u1").reshape(-1, 32)
        rows["vector"] = np.ascontiguousarray(vectors, "<f4")
        rows["check"] = self._check(rows["key"], rows["vector"])
        try:
            with self._locked() as file:
                self._mend(file)
                file.write(rows.tobytes())
                if file.tell() > self._limit:
                    self._halve(file)
        except OSError as error:
            _warn_unwritable(self._warn, self.path.parent, error)
            return False
        return True

    @contextlib.contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        """The file, made if absent, and for the while this process's alone."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            with os.fdopen(descriptor, "r+b") as file:
                if fcntl is not None:
                    fcntl.flock(file, fcntl.LOCK_EX)  # let go when the file is closed
                if not _is_at(file, self.path):
                    continue  # another process has just put a new file in its place
                yield file
                return

    def _mend(self, file: IO[bytes]) -> None:
        """Leave `file` at its end, with whole rows of this version only.

        Nothing is cut off that a reader could have mapped: it maps whole rows of this version.
        """
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if file.read(len(self._head)) != self._head:
            file.truncate(0)
            file.seek(0)
            file.write(self._head)
            return
        whole = (size - len(self._head)) // self._row.itemsize * self._row.itemsize
        file.truncate(len(self._head) + whole)
        file.seek(0, os.SEEK_END)

    def _halve(self, file: IO[bytes]) -> None:
        """Put a new file with the newer half of the rows in the place of a full one."""
        size = file.seek(0, os.SEEK_END)
        item = self._row.itemsize
        kept = (self._limit - len(self._head)) // item // 2 * item
        file.seek(size - kept)
        with _replacing(self.path) as smaller:
            smaller.write(self._head)
            smaller.write(file.read(kept))


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when it is written; on a full disk it is gone again."""
    handle, name = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
