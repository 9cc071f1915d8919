"""A clock that a test sets."""

from __future__ import annotations


class Clock:
    def __init__(self, now: float = 1_800_000_000.0) -> None:  # 15 January 2027, in the morning
        self.now = now

    def __call__(self) -> float:
        return self.now
