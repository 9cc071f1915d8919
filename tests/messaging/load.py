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
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import checkout  # noqa: F401
from platform_fake import PlatformFake
from senders import SENDERS, environment
from village import QUESTIONS, write_village
from world import ServerProcess, waiting

CHANNELS = tuple(name for name in SENDERS if name != "teams")


def requests(address: str, fake: str, rate: float, seconds: float) -> list[str]:
    """The signed requests of all platforms in turn, as the bytes on the wire."""
    host = address.removeprefix("http://")
    found = []
    for number in range(int(rate * seconds)):
        sender = SENDERS[CHANNELS[number % len(CHANNELS)]]
        text = QUESTIONS[number % len(QUESTIONS)]
        # Forty conversations a platform, so that none is asked faster than people ask.
        hook = sender.event(number // len(CHANNELS) % 40, number + 1000, text, fake)
        head = [f"{hook.method} {hook.path} HTTP/1.1", f"host: {host}"]
        head += [f"{name}: {value}" for name, value in hook.headers().items()]
        head += [f"content-length: {len(hook.body)}", "", ""]
        found.append(("\r\n".join(head).encode() + hook.body).decode("latin-1"))
    return found


async def flood(port: int, rate: float, sent: Sequence[bytes]) -> tuple[list[float], int]:
    """(milliseconds from when each was due to its acknowledgement, how many were not taken)."""
    times: list[float] = []
    failed = 0
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    begun = time.perf_counter() + 0.2

    async def send(number: int, raw: bytes) -> None:
        nonlocal failed
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        while idle and idle[-1][0].at_eof():  # the server has closed it meanwhile
            idle.pop()[1].close()
        try:
            async with asyncio.timeout(30):
                reader, writer = (
                    idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
                )
                writer.write(raw)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length:")[2].split(b"\r\n")[0]
                await reader.readexactly(int(length or 0))
            idle.append((reader, writer))
            failed += int(head.split(b" ", 2)[1]) >= 300
        except (OSError, EOFError, TimeoutError):
            failed += 1
        times.append((time.perf_counter() - due) * 1000)

    await asyncio.gather(*(send(number, raw) for number, raw in enumerate(sent)))
    for _, writer in idle:
        writer.close()
    return times, failed


def flooded(port: int, rate: float, sent: Sequence[str]) -> tuple[list[float], int]:
    """`flood` in a process of its own, so that the platforms' work does not delay its clock."""
    child = subprocess.run(
        [sys.executable, __file__, "--child"],
        input=json.dumps([port, rate, sent]),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    times, failed = json.loads(child.stdout)
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
        warm = requests(server.address, fake.address, 10, 1.2)  # keys, tokens, threads
        flooded(server.port, 10, warm)
        sent = requests(server.address, fake.address, parsed.rate, parsed.seconds)
        times, failed = flooded(server.port, parsed.rate, sent[len(warm) :])
        behind: Counter[str] = Counter()
        for (box, _, _), count in waiting(url).items():
            behind[box] += count
        code = server.stop()
    times.sort()
    figures = {
        "events": len(times),
        "failed": failed,
        "p50_ms": round(times[len(times) // 2], 1),
        "p95_ms": round(times[int(len(times) * 0.95)], 1),
        "p99_ms": round(times[int(len(times) * 0.99)], 1),
        "worst_ms": round(times[-1], 1),
        "to_answer_at_the_end": behind["in"],
        "to_deliver_at_the_end": behind["out"],
        "exit_code": code,
    }
    print(json.dumps(figures) if parsed.json else figures)
    return 0 if not failed and code == 0 and figures["p99_ms"] <= parsed.p99 else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--child"]:
        port, rate, sent = json.load(sys.stdin)
        raw = [one.encode("latin-1") for one in sent]
        print(json.dumps(asyncio.run(flood(port, rate, raw))))
    else:
        sys.exit(main())
