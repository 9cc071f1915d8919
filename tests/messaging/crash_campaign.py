"""Kill the server again and again while every platform talks to it; then count what is missing.

    python tests/messaging/crash_campaign.py --events 2000 --kills 30 [--postgres --servers 3]

Real processes of server.py with the real adapters, the real model and a tiny knowledge, on
loopback. The platforms resend what was not acknowledged, sometimes also what was, and swap
neighbours; their APIs drop, delay, answer 429 and 500, and lose or delay their answer after they
have taken a message. Exits non-zero where an event was lost, a conversation's answers came out of
order or torn apart, or a message was shown twice though no answer was lost.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import checkout  # noqa: F401
import httpx
from databases import postgresql
from platform_fake import Arrival, PlatformFake
from senders import SENDERS, Seen, environment, teams_shown
from village import QUESTIONS, answer_marks, marks, write_village
from world import ServerProcess, waiting

QUIET_SECONDS = 120.0  # without any progress, after which the rest counts as lost
NOTED_SECONDS = 1.5
_SENDING_THREADS = 24
_RESPONDING = "teams"  # answers in the response


@dataclass
class Sent:
    """One event and its fate at the webhook."""

    channel: str
    conversation: int
    question: int
    first_sent: float = 0.0
    acknowledged: float = 0.0


@dataclass
class Report:
    events: int = 0
    kills: int = 0
    answers: int = 0
    lost: list[str] = field(default_factory=list)
    disordered: list[str] = field(default_factory=list)
    twice: Counter[str] = field(default_factory=Counter)  # shown twice, by cause
    unexplained: list[str] = field(default_factory=list)
    absorbed: int = 0  # repeated, but known to the platform by its key
    statuses: Counter[str] = field(default_factory=Counter)
    faults: dict[str, int] = field(default_factory=dict)
    trouble: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not (self.lost or self.disordered or self.unexplained or self.trouble)

    def lines(self) -> list[str]:
        return [
            f"events             {self.events} sent, {self.answers} answered whole",
            f"kills              {self.kills}",
            f"lost               {len(self.lost)}",
            f"out of order       {len(self.disordered)}",
            f"shown twice        {sum(self.twice.values())} {dict(self.twice)}",
            f"unexplained twice  {len(self.unexplained)}",
            f"repeated, absorbed {self.absorbed} (known to the platform by their key)",
            f"webhook answers    {dict(self.statuses)}",
            f"platform faults    {self.faults}",
            f"seconds            {self.seconds:.0f}",
            *(f"! {line}" for line in [*self.lost, *self.disordered][:20]),
            *(f"! {line}" for line in [*self.unexplained, *self.trouble][:20]),
        ]


class Campaign:
    def __init__(
        self,
        servers: Sequence[ServerProcess],
        fake: PlatformFake,
        events: int,
        kills: int,
        seed: int,
        channels: Sequence[str],
    ) -> None:
        self._servers = servers
        self._fake = fake
        self._random = random.Random(seed)
        self._plan = self._planned(events, channels)
        self._kill_at = self._moments(events, kills)
        self._killed: list[float] = []
        self._lock = threading.Lock()
        self._acknowledged = 0
        self._events: list[Sent] = []
        self._responses: list[Arrival] = []
        self.report = Report(events=events)
        self._client = httpx.Client(timeout=httpx.Timeout(15, connect=2), trust_env=False)

    def run(self) -> Report:
        started = time.monotonic()
        killer = threading.Thread(target=self._kill)
        killer.start()
        with ThreadPoolExecutor(_SENDING_THREADS) as pool:
            for failure in [pool.submit(self._converse, *one) for one in self._plan]:
                failure.result()
        killer.join()
        self._settle()
        self.report.seconds = time.monotonic() - started
        self._client.close()
        self._judge()
        return self.report

    def _planned(
        self, events: int, channels: Sequence[str]
    ) -> list[tuple[str, int, list[int], int]]:
        """(channel, conversation, questions, seed): as many of each channel as of any other."""
        plan = []
        left, number = events, 0
        while left > 0:
            longest = max(3, min(len(QUESTIONS), events // (3 * len(channels))))
            count = min(left, self._random.randint(3, longest))
            questions = self._random.sample(range(len(QUESTIONS)), count)
            channel = channels[number % len(channels)]
            plan.append((channel, number, questions, self._random.randrange(1 << 30)))
            left -= count
            number += 1
        return plan

    def _moments(self, events: int, kills: int) -> list[int]:
        """How many acknowledged events come before each kill; some come when all have."""
        late = kills // 6
        early = [self._random.randint(1, max(1, events - 1)) for _ in range(kills - late)]
        return [*sorted(early), *[events] * late]

    def _converse(self, channel: str, conversation: int, questions: list[int], seed: int) -> None:
        chance = random.Random(seed)
        time.sleep(chance.random())
        waiting = [Sent(channel, conversation, question) for question in questions]
        with self._lock:
            self._events += waiting
        again: list[Sent] = []
        while waiting:
            event = waiting.pop(0)
            if waiting and chance.random() < 0.1:  # its neighbour overtakes it
                self._send(waiting.pop(0), chance)
            self._send(event, chance)
            if chance.random() < 0.15:
                again.append(event)
            if again and chance.random() < 0.3:  # sent again though it was acknowledged
                self._send(again.pop(), chance)
            time.sleep(chance.random() * 0.3)
        for event in again:
            self._send(event, chance)

    def _send(self, event: Sent, chance: random.Random) -> None:
        """Send until it is acknowledged, as a platform does."""
        sender = SENDERS[event.channel]
        text = QUESTIONS[event.question]
        hook = sender.event(event.conversation, event.question, text, self._fake.address)
        attempt = 0
        while True:
            server = chance.choice(self._servers)
            headers = hook.headers()
            if event.channel == "slack" and attempt:
                headers |= {"x-slack-retry-num": str(attempt), "x-slack-retry-reason": "timeout"}
            event.first_sent = event.first_sent or time.time()
            try:
                answer = self._client.request(
                    hook.method, server.address + hook.path, content=hook.body, headers=headers
                )
                said = str(answer.status_code)
            except httpx.HTTPError as error:
                answer, said = None, type(error).__name__
            now = time.time()
            with self._lock:
                self.report.statuses[said] += 1
                if answer is not None and answer.status_code < 300:
                    if not event.acknowledged:
                        event.acknowledged = now
                        self._acknowledged += 1
                        if event.channel == _RESPONDING:
                            seen = Seen(event.conversation, teams_shown(answer.content), None)
                            self._responses.append(Arrival(now, event.channel, seen, False, False))
                    return
                if answer is not None and answer.status_code not in (503, 429):
                    self.report.trouble.append(f"{event.channel}: HTTP {said}: {answer.text[:200]}")
                    return
            attempt += 1
            time.sleep(min(1.0, 0.1 * attempt) + chance.random() * 0.2)

    def _kill(self) -> None:
        chance = random.Random(self._random.randrange(1 << 30))
        for moment in self._kill_at:
            deadline = time.monotonic() + 300
            while self._acknowledged < moment and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(chance.random() * 0.5)
            server = chance.choice(self._servers)
            server.kill()
            self._killed.append(time.time())
            server.start()
            server.wait_ready()
            self.report.kills += 1
            if moment == self._kill_at[-1]:
                time.sleep(chance.random() * 3)

    def _settle(self) -> None:
        """Wait until every answer is there, or nothing moves any more."""
        last, moved = -1, time.monotonic()
        needed = sum(len(answer_marks(e.question)) for e in self._events)
        while time.monotonic() - moved < QUIET_SECONDS:
            arrivals = list(self._fake.log.arrivals)
            if len(arrivals) != last:
                last, moved = len(arrivals), time.monotonic()
            if len(self._shown([*arrivals, *self._responses])) >= needed:
                break
            time.sleep(0.5)
        time.sleep(2.0)  # for what should not come

    @staticmethod
    def _shown(arrivals: Sequence[Arrival]) -> set[tuple[int, int, str]]:
        """Marks of answers that reached their reader, each once."""
        found: set[tuple[int, int, str]] = set()
        current: dict[int, str] = {}
        for one in arrivals:
            for mark in marks(one.seen.text):
                if mark.startswith("K"):
                    current[one.seen.conversation] = mark
                key = current.get(one.seen.conversation, "")
                found.add((one.seen.conversation, int(key[1:] or 0), mark))
        return found

    def _judge(self) -> None:
        by_conversation: dict[int, list[Arrival]] = {}
        for one in sorted([*self._fake.log.arrivals, *self._responses], key=lambda a: a.at):
            by_conversation.setdefault(one.seen.conversation, []).append(one)
        events: dict[int, list[Sent]] = {}
        for event in self._events:
            events.setdefault(event.conversation, []).append(event)
        for conversation, asked in events.items():
            self._judge_one(asked, by_conversation.get(conversation, []))
        log = self._fake.log
        self.report.faults = dict(log.faults)
        self.report.trouble += log.strange[:10]
        if log.early:
            self.report.trouble.append(f"{log.early} messages came before a Retry-After was over")

    def _judge_one(self, asked: list[Sent], arrivals: list[Arrival]) -> None:
        place = f"{asked[0].channel} conversation {asked[0].conversation}"
        visible: list[Arrival] = []
        for one in arrivals:
            if one.repeated:
                self.report.absorbed += 1
            elif visible and one.seen.text == visible[-1].seen.text:
                cause = self._cause(visible[-1], one)
                if cause:
                    self.report.twice[cause] += 1
                else:
                    self.report.unexplained.append(f"{place}: {marks(one.seen.text)[:1]} twice")
                visible[-1] = one
            else:
                visible.append(one)
        shown = [mark for one in visible for mark in marks(one.seen.text)]
        order = [int(mark[1:]) for mark in shown if mark.startswith("K")]
        for event in asked:
            if order.count(event.question) == 0:
                self.report.lost.append(f"{place}: question {event.question} got no answer")
            elif order.count(event.question) > 1:
                self.report.unexplained.append(f"{place}: {event.question} was answered twice")
        if shown != [mark for question in order for mark in answer_marks(question)]:
            self.report.disordered.append(f"{place}: torn apart: {' '.join(shown)[:200]}")
        else:
            self.report.answers += len(set(order))
        for one in asked:
            for other in asked:
                if (
                    one.acknowledged < other.first_sent
                    and one.question in order
                    and other.question in order
                    and order.index(one.question) > order.index(other.question)
                ):
                    self.report.disordered.append(
                        f"{place}: {other.question} was answered before {one.question}"
                    )

    def _cause(self, before: Arrival, after: Arrival) -> str | None:
        if SENDERS[after.channel].idempotent:
            return None
        if before.lost:
            return "the platform's answer was lost"
        # From when the platform took it to when its answer is noted, on a busy machine.
        if any(-0.1 <= killed - before.at <= NOTED_SECONDS for killed in self._killed):
            return "killed before the answer was noted"
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--servers", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--faulty", type=float, default=0.1, help="share of sendings that fail")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--channels", help="separated by commas (default: all)")
    parser.add_argument("--late", type=float, default=12.0, help="seconds of a late answer")
    parser.add_argument("--cache", type=Path, help="the cache folder to use")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quoth-campaign-")))
        url = f"sqlite:///{folder}/quoth.db"
        if parsed.postgres:
            url = stack.enter_context(postgresql())
        fake = PlatformFake(parsed.faulty, parsed.seed, late=parsed.late).start()
        stack.callback(fake.stop)
        channels = tuple(parsed.channels.split(",")) if parsed.channels else tuple(SENDERS)
        environ = environment(fake.address, channels) | {
            "QUOTH_KNOWLEDGE": str(write_village(folder / "village")),
            "QUOTH_DATABASE_URL": url,
            "QUOTH_LEASE_SECONDS": "3",
            "QUOTH_DELIVERY_WAIT": "0.3",
            "QUOTH_DELIVERY_ATTEMPTS": "200",
        }
        if parsed.cache:
            environ["QUOTH_CACHE_DIR"] = str(parsed.cache)
        servers = [ServerProcess(environ, folder, n) for n in range(parsed.servers)]
        for server in servers:
            server.start()
            stack.callback(server.stop)
            server.wait_ready()
        campaign = Campaign(servers, fake, parsed.events, parsed.kills, parsed.seed, channels)
        report = campaign.run()
        codes = [server.stop() for server in servers]
        if any(codes):
            report.trouble.append(f"servers ended with {codes}")
        for server in servers:
            output = server.output.read_text(encoding="utf-8", errors="replace")
            bad = [line for line in output.splitlines() if "Traceback" in line or "ERROR" in line]
            report.trouble += [f"logged: {line[:300]}" for line in bad[:5]]
        if left := waiting(url):
            report.trouble.append(f"left behind: {left}")
    if parsed.json:
        print(json.dumps({**report.__dict__, "passed": report.passed}, default=dict))
    else:
        print("\n".join(report.lines()))
    return 0 if report.passed else 1


if __name__ == "__main__":
    sys.exit(main())
