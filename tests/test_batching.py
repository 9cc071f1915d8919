"""Batching: every caller gets its own result, whoever it shares the pass with."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from bot.encoding.batching import LIMIT, BatchingEncoder
from bot.encoding.encoders import Encoder, Encoding
from bot.errors import EncoderError
from bot.types import Span

QUESTIONS = [
    "what is the difference between ms and als",
    "how long do people with als live",
    "is ms fatal",
    "can you get ms from your parents",
    "what are the first signs of als",
    "does ms affect the brain",
    "is there a cure",
    "who gets als more often men or women",
]


class SlowEncoder:
    """Encodes a number to itself in a millisecond, refuses words, and notes the batches."""

    digest, dim = "slow", 1

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.running = self.most_running = 0
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        with self._lock:
            self.batches.append(len(texts))
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            time.sleep(0.001)
            return np.array([[float(text)] for text in texts], np.float32).reshape(-1, 1)
        finally:
            with self._lock:
                self.running -= 1

    def encode_tokens(self, text: str) -> Encoding:
        return self.encode_each([text])[0]

    def encode_each(self, texts: Sequence[str]) -> list[Encoding]:
        return [Encoding(v, v[None], (Span(0, 1),)) for v in self.encode(texts)]


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run work(0), work(1), ... at once; an error of any is raised here."""
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_each_caller_gets_its_own(lanes: int) -> None:
    """16 callers, calls of 0 to 12 texts, tokens or not, errors among them."""
    inner = SlowEncoder()
    batching = BatchingEncoder(inner, lanes=lanes)

    def work(caller: int) -> None:
        chance = random.Random(caller)
        for _ in range(60):
            numbers = [chance.randrange(1000) for _ in range(chance.choice([0, 1, 1, 1, 2, 5, 12]))]
            texts = [str(n) for n in numbers]
            kind = chance.randrange(4)
            if kind == 0 and texts:
                with pytest.raises(ValueError, match="could not convert"):
                    batching.encode([*texts[:-1], "word"])
            elif kind == 1:
                found = batching.encode_each(texts)
                assert [e.vector[0] for e in found] == numbers
            elif kind == 2:
                assert batching.encode_tokens("7").tokens.tolist() == [[7.0]]
            else:
                assert batching.encode(texts)[:, 0].tolist() == numbers

    in_threads(16, work)
    assert inner.most_running <= lanes + 16  # calls above the limit run by themselves
    assert max(b for b in inner.batches if b != 12) <= LIMIT
    batching.close()


class HeldEncoder(SlowEncoder):
    """Its first pass waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.let_go = threading.Event(), threading.Event()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.entered.set()
        assert self.let_go.wait(60)
        return super().encode(texts)


def test_concurrent_calls_share_passes() -> None:
    """Seven that come while the first runs are the next pass, however slow the machine is."""
    inner = HeldEncoder()
    batching = BatchingEncoder(inner)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(batching.encode, ["0"])
        assert inner.entered.wait(60)
        rest = [pool.submit(batching.encode, [str(i)]) for i in range(1, 8)]
        deadline = time.monotonic() + 30
        while len(batching._queue) < 7:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        inner.let_go.set()
        assert [f.result()[0, 0] for f in (first, *rest)] == list(range(8))
    assert inner.batches == [1, 7]
    assert inner.most_running == 1


def test_a_batch_has_at_most_limit_texts() -> None:
    inner = SlowEncoder()
    batching = BatchingEncoder(inner, 3)
    in_threads(8, lambda i: [batching.encode([str(i)] * 2) for _ in range(10)] and None)
    assert max(inner.batches) <= 3


def test_a_lone_caller_does_not_wait() -> None:
    inner = SlowEncoder()
    batching = BatchingEncoder(inner)
    start = time.perf_counter()
    for _ in range(20):
        batching.encode(["1"])
    assert time.perf_counter() - start < 1
    assert inner.batches == [1] * 20


def test_no_texts_give_no_rows() -> None:
    assert BatchingEncoder(SlowEncoder()).encode([]).shape == (0, 1)


def test_an_error_is_its_callers_alone() -> None:
    batching = BatchingEncoder(SlowEncoder())

    def work(caller: int) -> None:
        for _ in range(20):
            if caller == 3:
                with pytest.raises(ValueError, match="'bad'"):
                    batching.encode(["bad"])
            else:
                assert batching.encode([str(caller)]).tolist() == [[caller]]

    in_threads(8, work)


def test_an_interrupted_leader_leaves_the_lane() -> None:
    """Its batch mates get an error instead of waiting for ever; later calls work."""

    class Interrupted(SlowEncoder):
        def encode(self, texts: Sequence[str]) -> np.ndarray:
            if "0" in texts:
                time.sleep(0.02)
                raise KeyboardInterrupt
            return super().encode(texts)

    batching = BatchingEncoder(Interrupted())
    ends: list[str] = []

    def work(caller: int) -> None:
        try:
            batching.encode([str(caller)])
            ends.append("answered")
        except KeyboardInterrupt:
            ends.append("interrupted")
        except EncoderError:
            ends.append("error")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(ends) == 4
    assert ends.count("interrupted") == 1
    assert batching.encode(["5"]).tolist() == [[5]]


def test_closing_waits_for_calls_under_way_and_refuses_new_ones() -> None:
    inner = SlowEncoder()
    results: list[float] = []
    refused: list[EncoderError] = []
    started = threading.Event()
    with BatchingEncoder(inner) as batching:

        def work() -> None:
            try:
                while True:
                    results.append(float(batching.encode(["4"])[0, 0]))
                    started.set()
            except EncoderError as error:
                refused.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        started.wait(5)
    assert inner.running == 0
    for thread in threads:
        thread.join(5)
    assert len(refused) == 6
    assert set(results) == {4.0}
    batching.close()
    for call in (batching.encode, batching.encode_each):
        with pytest.raises(EncoderError, match="closed"):
            call(["1"])


@pytest.mark.parametrize("bounds", [{"limit": 0}, {"lanes": 0}])
def test_senseless_bounds_are_refused(bounds: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        BatchingEncoder(SlowEncoder(), **bounds)


def test_vectors_do_not_depend_on_batch_mates(encoder: Encoder) -> None:
    wanted = {q: encoder.encode([q])[0] for q in QUESTIONS}
    with BatchingEncoder(encoder) as batching:
        assert (batching.digest, batching.dim) == (encoder.digest, encoder.dim)

        def work(caller: int) -> None:
            chance = random.Random(caller)
            for _ in range(10):
                question = chance.choice(QUESTIONS)
                np.testing.assert_allclose(
                    batching.encode([question])[0], wanted[question], atol=1e-5
                )
                np.testing.assert_allclose(
                    batching.encode_tokens(question).vector, wanted[question], atol=1e-5
                )

        in_threads(8, work)
