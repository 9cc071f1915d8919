"""Threads that work off the lanes of one direction, and keep their leases while they do."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bot.state.lanes import Lanes, Lease
from bot.state.metrics import Metrics
from bot.state.store import StoreError

POLL_SECONDS = 1.0  # how soon work is seen that another process has left
_AT_ONCE = 8  # leases taken in one transaction
_AHEAD = 2  # leases held for each thread: one worked on, one that it finds when it is done
_GATHER_SECONDS = 0.01  # between two looks, so that what comes together is seen together
_TROUBLE_SECONDS = 10.0  # the longest pause while the database fails

log = logging.getLogger("quoth.messaging")


class Workers:
    """`threads` of them, of which one channel gets `per_channel` at most, so that a platform that
    is slow holds up no other.

    One more thread gives out the work. It takes few leases ahead, and renews all of them three
    times in the time that they last: a lease ends early only where this whole process stands
    still or dies.
    """

    def __init__(
        self,
        name: str,
        lanes: Lanes,
        work: Callable[[Lease], None],
        metrics: Metrics,
        *,
        threads: int,
        per_channel: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._lanes = lanes
        self._work = work
        self._metrics = metrics
        self._threads = threads
        self._per_channel = per_channel or threads * _AHEAD
        self._clock = clock
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._held: dict[str, Lease] = {}  # by conversation
        self._ends: float | None = None  # when to stop at the latest; None while serving
        self._beat = time.monotonic()
        self._troubles = 0

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    def drain(self, seconds: float) -> None:
        """Work on for at most `seconds` while anything is due, finish what is begun, end."""
        self._ends = time.monotonic() + seconds
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._pool.shutdown(wait=True)

    def _run(self) -> None:
        while True:
            # Cleared before looking: what comes in behind the look wakes the next one.
            self._wake.clear()
            try:
                wait = self._give_out()
                self._renew()
                self._troubles = 0
            except StoreError as error:
                self._troubles += 1
                self._metrics.store_errors.inc()
                log.warning("no messages can be worked on: %s", error)
                wait = min(_TROUBLE_SECONDS, 0.25 * 2**self._troubles)
            if self._ends is not None:
                idle = wait > 0 and not self._held
                if idle or time.monotonic() >= self._ends:
                    break
                wait = min(wait, 0.1)
            if self._wake.wait(min(wait, self._lanes.lease_seconds / 6)):
                time.sleep(_GATHER_SECONDS)
        while self._held:  # begun, to be finished: their leases must hold so long
            time.sleep(min(0.05, self._lanes.lease_seconds / 6))
            try:
                self._renew()
            except StoreError:
                continue

    def _give_out(self) -> float:
        """Start what can be started; returns in how many seconds to look again."""
        with self._lock:
            held = list(self._held)
            channels = Counter(lease.channel for lease in self._held.values())
        free = self._threads * _AHEAD - len(held)
        if free <= 0:
            return POLL_SECONDS
        full = [channel for channel, count in channels.items() if count >= self._per_channel]
        due = self._lanes.next_due(held, full)
        if due is None:
            return POLL_SECONDS
        if due > self._clock():
            return min(POLL_SECONDS, due - self._clock())
        leases = self._lanes.claim(min(free, _AT_ONCE), held, full)
        for lease in leases:
            with self._lock:
                self._held[lease.conversation] = lease
            self._pool.submit(self._one, lease)
        # None: put off, or another process was faster.
        return 0.0 if leases else 0.01

    def _renew(self) -> None:
        now = time.monotonic()
        if now - self._beat < self._lanes.lease_seconds / 3:
            return
        self._beat = now
        with self._lock:
            leases = list(self._held.values())
        if leases:
            self._lanes.renew(leases)

    def _one(self, lease: Lease) -> None:
        try:
            self._work(lease)
        except StoreError as error:
            # The lane stays leased for a while, and is then taken up again.
            self._metrics.store_errors.inc()
            log.warning("a message of %s waits for the database: %s", lease.channel, error)
        except Exception as error:
            # Never its message: it could hold what a person wrote.
            place = traceback.extract_tb(error.__traceback__)[-1]
            what = f"{type(error).__name__} at {place.filename}:{place.lineno}"
            log.error("%s: a defect in the work for %s: %s", self._name, lease.channel, what)
        finally:
            with self._lock:
                self._held.pop(lease.conversation, None)
            self._wake.set()
