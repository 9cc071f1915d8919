"""How much one caller may ask, and how much is taken on at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class RateLimit:
    """`per_minute` requests a caller at once, and from then on that many a minute.

    The generic cell rate algorithm (ITU-T I.371): one number a caller, the time at which all
    that it asked for would have arrived evenly. Not for several threads: the event loop's alone.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float] = time.monotonic,
        callers: int = 10_000,
    ) -> None:
        if per_minute < 1:
            raise ValueError("a rate limit lets at least one request a minute through")
        self._interval = 60.0 / per_minute
        self._burst = 60.0 - self._interval
        self._clock = clock
        self._callers = callers
        self._due: dict[str, float] = {}  # in the order of last use

    def take(self, caller: str) -> int:
        """0 where the request may pass; else after how many whole seconds (>= 1) to try again."""
        now = self._clock()
        due = max(self._due.pop(caller, now), now)
        wait = due - self._burst - now
        if wait > 1e-9:
            self._due[caller] = due
            return max(1, ceil(wait))
        self._due[caller] = due + self._interval
        if len(self._due) > self._callers:
            self._forget(now)
        return 0

    def _forget(self, now: float) -> None:
        """Drop callers with nothing due; where all have, the longest unseen tenth."""
        self._due = {caller: due for caller, due in self._due.items() if due > now}
        for caller in list(self._due)[: max(0, len(self._due) - self._callers * 9 // 10)]:
            del self._due[caller]


def caller_of(address: str | None) -> str:
    """Who an address counts as: itself, and for IPv6 its /64, which one household owns."""
    try:
        ip = ip_address((address or "").split("%")[0])
    except ValueError:
        return address or "unknown"
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return ip.exploded[:19]
    return str(ip)


class Overloaded(Exception):
    """As much is under way as may be: try again after `retry_after` seconds."""

    retry_after = 1


class WorkPool:
    """Threads for the synchronous core, with a bounded queue before them.

    `run` raises Overloaded at once rather than letting requests pile up: whoever waits in a
    queue longer than a visitor waits is answered for nothing.
    """

    def __init__(self, threads: int = 8, waiting: int = 64) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="ask")
        self._capacity = threads + waiting
        self._under_way = 0

    @property
    def under_way(self) -> int:
        return self._under_way

    @property
    def full(self) -> bool:
        return self._under_way >= self._capacity

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(*args, **kwargs)` in a thread; what it raises is raised here."""
        if self.full:
            raise Overloaded
        self._under_way += 1
        future = self._executor.submit(work, *args, **kwargs)
        # Counted down where the work ends, not where its caller stops waiting for it.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Wait for the work under way, then end the threads."""
        self._executor.shutdown(wait=True)

    def _done(self) -> None:
        self._under_way -= 1
