"""Concurrent callers' texts in one forward pass: a batch costs less than its texts one by one.

There is no thread and no timer. A caller that finds a free lane leads: it runs its own texts with
those that are queued, wakes their owners, and hands the lane to the first caller that waits by
then. Whoever comes while all lanes are busy queues. So a lone caller never waits, and batches
grow just as the load does.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np

from bot.encoding.encoders import Encoder, Encoding, Vectors
from bot.errors import EncoderError

LIMIT = 8  # texts in one pass; more gain little and make the first wait for the last


def free_lanes(threads: int) -> int:
    """How many passes may run at once on this machine, where each takes `threads`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // threads)


class _Request:
    """One caller's texts; woken when its future is done, or to lead a batch with itself in it."""

    __slots__ = ("future", "leads", "texts", "tokens", "wake")

    def __init__(self, texts: Sequence[str], tokens: bool) -> None:
        self.texts, self.tokens = texts, tokens
        self.leads = False
        self.future: Future[Vectors | list[Encoding]] = Future()
        self.wake = threading.Event()


class BatchingEncoder:
    """An encoder that runs concurrent calls together, at most `limit` texts in one pass.

    A call of more than `limit` texts is a batch already and runs by itself. `lanes` passes run
    at once: one a core that the encoder's own threads leave free. Vectors don't depend on who
    shares the batch (1e-5, as the encoder guarantees). An error reaches only the caller whose
    text causes it.
    """

    def __init__(self, encoder: Encoder, limit: int = LIMIT, *, lanes: int = 1) -> None:
        if limit < 1 or lanes < 1:
            raise ValueError("limit and lanes are at least 1")
        self._encoder, self._limit = encoder, limit
        self._queue: deque[_Request] = deque()
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._free = self._lanes = lanes
        self._closed = False

    @property
    def digest(self) -> str:
        return self._encoder.digest

    @property
    def dim(self) -> int:
        return self._encoder.dim

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's; raises EncoderError once closed."""
        self._check_open()
        if not 0 < len(texts) <= self._limit:
            return self._encoder.encode(texts)
        found = self._ask(_Request(texts, tokens=False))
        assert not isinstance(found, list)
        return found

    def encode_tokens(self, text: str) -> Encoding:
        """As the encoder's; raises EncoderError once closed."""
        return self.encode_each([text])[0]

    def encode_each(self, texts: Sequence[str]) -> list[Encoding]:
        """As the encoder's; raises EncoderError once closed."""
        self._check_open()
        if not 0 < len(texts) <= self._limit:
            return self._encoder.encode_each(texts)
        found = self._ask(_Request(texts, tokens=True))
        assert isinstance(found, list)
        return found

    def close(self) -> None:
        """Refuse new calls and wait for the ones under way. May be called twice."""
        with self._lock:
            self._closed = True
            self._idle.wait_for(lambda: self._free == self._lanes)

    def __enter__(self) -> BatchingEncoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, request: _Request) -> Vectors | list[Encoding]:
        with self._lock:
            self._check_open()
            if self._free:  # then nobody is queued
                self._free -= 1
                request.leads = True
            else:
                self._queue.append(request)
        if not request.leads:
            request.wake.wait()
        if request.leads:
            self._lead(request)
        return request.future.result()

    def _check_open(self) -> None:
        if self._closed:
            raise EncoderError("the encoder is closed: the server is shutting down")

    def _lead(self, first: _Request) -> None:
        """Run one batch, `first` in it, then hand the lane on or free it."""
        batch = [first]
        try:
            self._gather(batch)
            self._run(batch)
        finally:
            with self._lock:
                if self._queue:
                    heir = self._queue.popleft()
                    heir.leads = True
                    heir.wake.set()
                else:
                    self._free += 1
                    self._idle.notify_all()
            for request in batch:
                if not request.future.done():  # this thread is being interrupted
                    request.future.set_exception(EncoderError("the encoder was interrupted"))
                request.wake.set()

    def _gather(self, batch: list[_Request]) -> None:
        """Add the requests at the head of the queue that fit the pass."""
        room = self._limit - len(batch[0].texts)
        with self._lock:
            while self._queue and len(self._queue[0].texts) <= room:
                request = self._queue.popleft()
                room -= len(request.texts)
                batch.append(request)

    def _run(self, batch: list[_Request]) -> None:
        try:
            results = self._together(batch)
        except Exception:
            for request in batch:  # one of them is at fault: each by itself
                try:
                    (result,) = self._together([request])
                except Exception as error:
                    request.future.set_exception(error)
                else:
                    request.future.set_result(result)
            return
        for request, result in zip(batch, results, strict=True):
            request.future.set_result(result)

    def _together(self, batch: list[_Request]) -> list[Vectors | list[Encoding]]:
        texts = [text for request in batch for text in request.texts]
        results: list[Vectors | list[Encoding]] = []
        start = 0
        if any(request.tokens for request in batch):  # tokens cost next to nothing more
            each = self._encoder.encode_each(texts)
            for request in batch:
                own = each[start : start + len(request.texts)]
                start += len(request.texts)
                results.append(own if request.tokens else np.stack([e.vector for e in own]))
            return results
        vectors = self._encoder.encode(texts)
        for request in batch:
            results.append(vectors[start : start + len(request.texts)].copy())
            start += len(request.texts)
        return results
