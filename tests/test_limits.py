"""The rate limit and the bounded pool."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from clock import Clock
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.state.limits import Overloaded, RateLimit, WorkPool, caller_of


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    clock = Clock()
    limit = RateLimit(30, clock)
    assert [limit.take("a") for _ in range(31)] == [0] * 30 + [2]
    clock.now += 2
    assert [limit.take("a") for _ in range(2)] == [0, 2]
    clock.now += 3600
    assert sum(limit.take("a") == 0 for _ in range(100)) == 30


def test_waiting_as_long_as_told_is_enough() -> None:
    clock = Clock()
    limit = RateLimit(7, clock)
    for _ in range(50):
        clock.now += limit.take("a")
    clock.now += limit.take("a")
    assert limit.take("a") == 0 or limit.take("a") > 0


def test_callers_have_limits_of_their_own() -> None:
    limit = RateLimit(1, Clock())
    assert [limit.take(c) > 0 for c in "aabb"] == [False, True, False, True]


def test_the_callers_kept_are_bounded() -> None:
    clock = Clock()
    limit = RateLimit(60, clock, callers=100)
    for number in range(1000):
        limit.take(str(number))
        assert len(limit._due) <= 100
    clock.now += 120
    limit.take("x")


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 30, allow_nan=False), max_size=80),
    st.integers(1, 20),
)
def test_no_minute_and_a_bit_has_more_than_twice_the_rate(gaps: list[float], rate: int) -> None:
    """The bound of the algorithm: a full burst plus what a minute lets through."""
    clock = Clock()
    limit = RateLimit(rate, clock)
    passed = []
    for gap in gaps:
        clock.now += gap
        if limit.take("a") == 0:
            passed.append(clock.now)
    for start in passed:
        assert sum(start <= moment < start + 60 for moment in passed) <= 2 * rate


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("2001:db8:1:2::9", "2001:0db8:0001:0002"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80:0000:0000:0000"),
        (None, "unknown"),
        ("testclient", "testclient"),
    ],
)
def test_who_an_address_counts_as(address: str | None, caller: str) -> None:
    assert caller_of(address) == caller


def test_a_full_pool_refuses_at_once_and_takes_work_again() -> None:
    async def scenario() -> None:
        pool = WorkPool(threads=1, waiting=1)
        gate = threading.Event()
        tasks = [asyncio.create_task(pool.run(gate.wait, 10)) for _ in range(2)]
        await asyncio.sleep(0)
        started = time.perf_counter()
        with pytest.raises(Overloaded):
            await pool.run(int)
        assert time.perf_counter() - started < 1
        assert pool.full
        gate.set()
        assert await asyncio.gather(*tasks) == [True, True]
        assert await pool.run(int, "7") == 7
        await asyncio.sleep(0.05)
        assert pool.under_way == 0
        pool.close()

    asyncio.run(scenario())


def test_a_pool_raises_what_its_work_raises() -> None:
    async def scenario() -> None:
        pool = WorkPool(threads=1)
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 / 0)
        pool.close()

    asyncio.run(scenario())


def test_work_given_up_by_its_caller_still_counts_until_it_ends() -> None:
    async def scenario() -> None:
        pool = WorkPool(threads=1, waiting=0)
        gate = threading.Event()
        task = asyncio.create_task(pool.run(gate.wait, 10))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.sleep(0.05)
        assert pool.full
        gate.set()
        await asyncio.sleep(0.05)
        assert not pool.full
        pool.close()

    asyncio.run(scenario())
