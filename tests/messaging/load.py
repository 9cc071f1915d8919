"""How soon webhooks are acknowledged under load: `python tests/messaging/load.py`.

One real server with SQLite, the real model and a tiny knowledge; signed events of all platforms at
an even rate, whatever the server does (an open loop), each timed from when it was due. Exits
non-zero where the 99th percentile is over --p99 milliseconds or an event was not acknowledged.
Teams' outgoing webhook is left out: its acknowledgement is the answer itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import checkout  # noqa: F401
import httpx
from platform_fake import PlatformFake
from senders import SENDERS, environment
from village import QUESTIONS, write_village
from world import ServerProcess, waiting

CHANNELS = tuple(name for name in SENDERS if name != "teams")


async def flood(address: str, fake: str, rate: float, seconds: float) -> tuple[list[float], int]:
    """(milliseconds of each acknowledgement, how many events were not taken)."""
    times: list[float] = []
    failed = 0
    begun = time.perf_counter() + 0.2

    async def send(client: httpx.AsyncClient, number: int) -> None:
        nonlocal failed
        due = begun + number / rate
        # Signed before it is due: what the platform does is not the server's time.
        sender = SENDERS[CHANNELS[number % len(CHANNELS)]]
        text = QUESTIONS[number % len(QUESTIONS)]
        hook = sender.event(number // len(CHANNELS) % 40, number, text, fake)
        await asyncio.sleep(max(0.0, due - 0.05 - time.perf_counter()))
        headers = hook.headers()
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        started = time.perf_counter()
        try:
            answer = await client.request(
                hook.method, address + hook.path, content=hook.body, headers=headers
            )
            failed += answer.status_code >= 300
        except httpx.HTTPError:
            failed += 1
        times.append((time.perf_counter() - started) * 1000)

    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as client:
        await asyncio.gather(*(send(client, n) for n in range(int(rate * seconds))))
    return times, failed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rate", type=float, default=50.0, help="events a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--p99", type=float, default=250.0, help="milliseconds at most")
    parser.add_argument("--cache", type=Path, help="the cache folder to use")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quoth-load-")))
        fake = PlatformFake().start()
        stack.callback(fake.stop)
        url = f"sqlite:///{folder}/quoth.db"
        environ = environment(fake.address, CHANNELS) | {
            "QUOTH_KNOWLEDGE": str(write_village(folder / "village")),
            "QUOTH_DATABASE_URL": url,
        }
        if parsed.cache:
            environ["QUOTH_CACHE_DIR"] = str(parsed.cache)
        server = ServerProcess(environ, folder, 0)
        server.start()
        stack.callback(server.stop)
        server.wait_ready()
        asyncio.run(flood(server.address, fake.address, 10, 1))  # connections, keys, tokens
        times, failed = asyncio.run(
            flood(server.address, fake.address, parsed.rate, parsed.seconds)
        )
        behind = sum(waiting(url).values())
        code = server.stop()
    times.sort()
    figures = {
        "events": len(times),
        "failed": failed,
        "p50_ms": round(times[len(times) // 2], 1),
        "p95_ms": round(times[int(len(times) * 0.95)], 1),
        "p99_ms": round(times[int(len(times) * 0.99)], 1),
        "worst_ms": round(times[-1], 1),
        "waiting_at_the_end": behind,
        "exit_code": code,
    }
    print(json.dumps(figures) if parsed.json else figures)
    return 0 if not failed and code == 0 and figures["p99_ms"] <= parsed.p99 else 1


if __name__ == "__main__":
    sys.exit(main())
