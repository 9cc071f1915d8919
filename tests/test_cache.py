"""The cache: whatever happens to its files, it gives back what was put in, or nothing."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import bot.encoding.cache
from bot.encoding.cache import CHUNK, Cache, EmbeddingCache
from bot.encoding.encoders import Encoder

ROOT = Path(bot.encoding.cache.__file__).parents[2]
ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "names": np.array(["x", "yé"])}


class HashEncoder:
    """An encoder whose vectors follow from the text's bytes; it counts what it is asked."""

    dim = 4

    def __init__(self, digest: str = "hash") -> None:
        self.digest = digest
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        found = [
            np.frombuffer(t.encode("utf-8", "surrogatepass").ljust(4), "u1")[:4] for t in texts
        ]
        return np.array(found, np.float32).reshape(-1, 4)


# --- arrays by key -------------------------------------------------------------------------


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return (
        one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    key=st.text(),
    arrays=st.dictionaries(
        st.text(),
        npst.arrays(
            st.one_of(npst.floating_dtypes(sizes=(32, 64)), npst.integer_dtypes(), st.just("?")),
            npst.array_shapes(min_dims=0, min_side=0, max_side=4),
        ),
        max_size=3,
    ),
    metadata=st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.none())),
)
def test_what_is_put_is_what_is_read(
    tmp_path: Path, key: str, arrays: dict, metadata: dict
) -> None:
    cache = Cache(tmp_path)
    assert cache.put(key, arrays, metadata)
    entry = cache.read(key)
    assert entry is not None
    assert entry.metadata == metadata
    assert list(entry.arrays) == list(arrays)
    assert all(same(entry.arrays[name], arrays[name]) for name in arrays)


def test_what_was_never_put_is_a_miss(tmp_path: Path) -> None:
    assert Cache(tmp_path / "absent").get("key") is None


def test_a_new_value_replaces_the_old(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("key", ARRAYS)
    old = cache.get("key")
    cache.put("key", {"a": np.zeros(1)})
    assert list(cache.get("key") or {}) == ["a"]
    assert old is not None
    assert same(old["a"], ARRAYS["a"])  # still mapped
    assert len(list(tmp_path.iterdir())) == 1


def test_arrays_are_mapped_read_only(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.put("key", ARRAYS)
    found = cache.get("key")
    assert found is not None
    with pytest.raises(ValueError, match="read-only"):
        found["a"][0] = 1


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'bad' has dtype object"):
        Cache(tmp_path).put("key", {"bad": np.array([{}])})


def test_every_shorter_or_changed_file_is_a_miss(tmp_path: Path) -> None:
    """A slow sweep over all lengths and all single bytes."""
    cache = Cache(tmp_path)
    cache.put("key", ARRAYS, {"n": 1})
    (path,) = tmp_path.iterdir()
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        assert cache.get("key") is None
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        assert cache.get("key") is None
    path.write_bytes(data + b"x")
    assert cache.get("key") is None
    path.write_bytes(data)
    assert cache.get("key") is not None


def test_another_versions_entry_is_a_miss_and_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("bot.encoding.cache._MAGIC", b"quothc00")
        Cache(tmp_path).put("key", ARRAYS)
    cache = Cache(tmp_path)
    assert cache.get("key") is None
    cache.put("key", ARRAYS)
    assert cache.get("key") is not None


def test_the_entries_used_longest_ago_go_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=3 * 10_000)
    big = {"a": np.zeros(9_000, np.uint8)}
    for i, key in enumerate("abc"):
        cache.put(key, big)
        os.utime(max(tmp_path.iterdir(), key=lambda p: p.stat().st_mtime_ns), (i, i))
    cache.get("a")
    cache.put("d", big)
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "c", "d"]


def test_an_entry_above_the_bound_is_kept_until_the_next(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=100)
    cache.put("a", ARRAYS)
    assert cache.get("a") is not None
    cache.put("b", ARRAYS)
    assert cache.get("a") is None


def test_a_folder_that_is_deleted_meanwhile_is_no_error(tmp_path: Path) -> None:
    class Deleted(type(tmp_path)):  # type: ignore[misc]
        """Somebody is quicker than who looks into it."""

        def iterdir(self) -> Iterator[Path]:
            shutil.rmtree(self)
            return super().iterdir()

    cache = Cache(Deleted(tmp_path / "cache"))
    assert cache.put("k", ARRAYS)
    assert cache.get("k") is None


def test_a_folder_that_cannot_be_written_costs_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    lines: list[str] = []
    cache = Cache(tmp_path / "file" / "cache", warn=lines.append)
    assert not cache.put("key", ARRAYS)
    assert cache.get("key") is None
    assert len(lines) == 1
    assert "QUOTH_CACHE_DIR" in lines[0]


# --- vectors by text -----------------------------------------------------------------------


def test_a_changed_text_alone_is_encoded_again(tmp_path: Path) -> None:
    encoder = HashEncoder()
    texts = [f"text {i}" for i in range(1000)]
    EmbeddingCache(tmp_path, encoder).encode(texts)
    encoder.asked.clear()
    texts[500] = "edited"
    found = EmbeddingCache(tmp_path, encoder).encode(texts)
    assert encoder.asked == ["edited"]
    np.testing.assert_array_equal(found, HashEncoder().encode(texts))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    calls=st.lists(st.lists(st.text(alphabet="abc\ud800é", max_size=2), max_size=12), max_size=5)
)
def test_vectors_are_the_encoders_own(tmp_path: Path, calls: list[list[str]]) -> None:
    encoder = HashEncoder()
    cache = EmbeddingCache(tmp_path, encoder)
    for texts in calls:
        np.testing.assert_array_equal(cache.encode(texts), HashEncoder().encode(texts))
    assert len(encoder.asked) == len(set(encoder.asked))


def test_each_encoder_has_vectors_of_its_own(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path, HashEncoder("one")).encode(["a"])
    other = HashEncoder("other")
    EmbeddingCache(tmp_path, other).encode(["a"])
    assert other.asked == ["a"]


def test_progress_counts_what_is_encoded(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path, HashEncoder())
    cache.encode(["known"])
    seen: list[tuple[int, int]] = []
    cache.encode(["known", *map(str, range(300))], progress=lambda *p: seen.append(p))
    assert seen == [(CHUNK, 300), (300, 300)]


@pytest.mark.parametrize("cut", [1, 20, 47, 48, 49, 95])
def test_a_torn_row_is_lost_alone(tmp_path: Path, cut: int) -> None:
    encoder = HashEncoder()
    cache = EmbeddingCache(tmp_path, encoder)
    row = 32 + 4 + 16
    cache.encode(["a", "b", "c", "d"])
    with cache.path.open("r+b") as file:
        file.truncate(cache.path.stat().st_size - cut)
    encoder.asked.clear()
    texts = ["a", "b", "c", "d"]
    np.testing.assert_array_equal(cache.encode(texts), HashEncoder().encode(texts))
    assert encoder.asked == texts[4 - -(-cut // row) :]
    encoder.asked.clear()
    cache.encode(texts)
    assert not encoder.asked


def test_a_damaged_row_is_encoded_again(tmp_path: Path) -> None:
    """Whichever of its bits is off; and a foreign file is replaced."""
    encoder = HashEncoder()
    cache = EmbeddingCache(tmp_path, encoder)
    wanted = cache.encode(["a", "b"])
    data = cache.path.read_bytes()
    for place in range(len(data)):
        cache.path.write_bytes(data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :])
        np.testing.assert_array_equal(cache.encode(["a", "b"]), wanted)
        encoder.asked.clear()
        cache.encode(["a", "b"])
        assert not encoder.asked


def test_a_full_file_keeps_the_newer_half(tmp_path: Path) -> None:
    encoder = HashEncoder()
    cache = EmbeddingCache(tmp_path, encoder, limit=0)  # the least it takes: two chunks
    for i in range(10):
        cache.encode([f"{i:02} {j}" for j in range(100)])
    assert CHUNK < len(cache) <= 2 * CHUNK
    encoder.asked.clear()
    cache.encode([f"09 {j}" for j in range(100)])
    assert not encoder.asked


def test_vectors_that_cannot_be_saved_are_given(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    lines: list[str] = []
    cache = EmbeddingCache(tmp_path / "file" / "cache", HashEncoder(), warn=lines.append)
    texts = [str(i) for i in range(3 * CHUNK)]
    np.testing.assert_array_equal(cache.encode(texts), HashEncoder().encode(texts))
    assert len(lines) == 1


def test_a_disk_that_fills_up_while_a_full_file_is_halved_keeps_no_piece_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    open_descriptor = os.fdopen
    monkeypatch.setattr(
        os, "fdopen", lambda fd, mode: Full(fd, mode) if mode == "wb" else open_descriptor(fd, mode)
    )
    lines: list[str] = []
    cache = EmbeddingCache(tmp_path, HashEncoder(), limit=0, warn=lines.append)
    texts = [str(i) for i in range(3 * CHUNK)]
    np.testing.assert_array_equal(cache.encode(texts), HashEncoder().encode(texts))
    assert "No space left" in lines[0]
    assert os.listdir(tmp_path) == [cache.path.name]
    assert not Cache(tmp_path).put("k", ARRAYS)
    assert os.listdir(tmp_path) == [cache.path.name]
    monkeypatch.undo()
    cache.encode(["another"])  # with room again, it is halved
    assert CHUNK <= len(cache) <= 2 * CHUNK


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.test_cache import HashEncoder
from bot.encoding.cache import EmbeddingCache
cache = EmbeddingCache(Path(sys.argv[1]), HashEncoder())
for i in range(10**9):
    cache.encode([f"{sys.argv[3]} {i} {j}" for j in range(97)])
    if i == 3:
        print("writing", flush=True)
"""


def test_killed_writers_lose_nothing_of_others(tmp_path: Path) -> None:
    """Two processes append until they are killed; then every row left is whole and right."""
    for round_ in range(3):
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(tmp_path), str(ROOT), f"{round_}{name}"],
                stdout=subprocess.PIPE,
            )
            for name in "ab"
        ]
        for writer in writers:
            assert writer.stdout is not None
            writer.stdout.readline()
        time.sleep(0.05 * round_)
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            assert writer.stdout is not None
            writer.stdout.close()
    encoder = HashEncoder()
    cache = EmbeddingCache(tmp_path, encoder)
    first = [f"{r}{n} {i} {j}" for r in range(3) for n in "ab" for i in range(4) for j in range(97)]
    np.testing.assert_array_equal(cache.encode(first), HashEncoder().encode(first))
    assert not encoder.asked
    rows = cache._rows()
    assert np.array_equal(cache._check(rows["key"], rows["vector"]), rows["check"])
    assert len(np.unique(rows["key"], axis=0)) == len(rows)


class WideEncoder(HashEncoder):
    """Vectors as wide as the bundled model's."""

    dim = 384

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.repeat(super().encode(texts), 96, axis=1)


def test_ten_thousand_vectors_are_quick_to_load(tmp_path: Path) -> None:
    """Less than 50 ms of CPU time, in the best of eight."""
    texts = [f"how long do people with {i} live" for i in range(10_000)]
    EmbeddingCache(tmp_path, WideEncoder()).encode(texts)
    spent = []
    for _ in range(8):
        encoder = WideEncoder()
        start = time.process_time()
        EmbeddingCache(tmp_path, encoder).encode(texts)
        spent.append(time.process_time() - start)
        assert not encoder.asked
    assert min(spent) < 0.05


def test_the_real_encoder_gives_the_same_from_the_cache(tmp_path: Path, encoder: Encoder) -> None:
    texts = ["is ms fatal", "", "How long do people with ALS live?"]
    wanted = encoder.encode(texts)
    EmbeddingCache(tmp_path, encoder).encode(texts[:1])
    cache = EmbeddingCache(tmp_path, encoder)
    np.testing.assert_allclose(cache.encode(texts), wanted, atol=1e-5)
    np.testing.assert_array_equal(cache.encode(texts), cache.encode(texts))
