"""The benchmark: start-up, time a question, throughput and memory, as ratios on one machine.

Each case runs in a fresh process. Rounds alternate the cases' order; ratios are taken within a
round and their median is shown, so that a busy machine disturbs both sides alike.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bot.errors import QuothError, UsageError
from bot.evaluation.cases import (
    BOT,
    CASES,
    LARGE_BOT,
    Ready,
    Unavailable,
    questions,
    quiet_environment,
    write_large_bank,
)

if TYPE_CHECKING:
    from bot.settings import Settings

ROUNDS = 3
THREADS = 8
_WARM, _BLOCKS, _BLOCK = 4, 5, 12  # questions before, blocks of questions timed, questions a block


@dataclass(frozen=True, slots=True)
class Figures:
    """One case in one round. CPU time is the process's own, all threads, from its very start."""

    start_cpu_s: float  # start to first answer, without indexing
    cpu_ms: float  # a question, one at a time; median of the blocks
    questions_s: float  # one at a time, by the clock
    questions_s_threads: float  # from THREADS threads, by the clock
    cpu_ms_threads: float
    rss_mb: float  # the most held, until and with questions one at a time
    rss_mb_threads: float  # the most held in all


Rounds = Mapping[str, Sequence[Figures]]


def run(
    settings: Settings,
    *,
    as_json: bool = False,
    cases: Sequence[str] = tuple(CASES),
    rounds: int = ROUNDS,
    one_thread: bool = False,
) -> None:
    """Measure `cases` and print the table with its ratios, or one JSON object.

    With `one_thread` no library may use more; by default each does as it would for a user.
    Raises UsageError for a case that doesn't exist or no round, QuothError where one fails.
    """
    unknown = [name for name in cases if name not in CASES]
    if unknown or not cases:
        raise UsageError(f"unknown case {', '.join(unknown)}; there are {', '.join(CASES)}")
    if rounds < 1:
        raise UsageError(f"at least one round is needed, not {rounds}")
    found: dict[str, list[Figures]] = {name: [] for name in cases}
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="quoth-benchmark-") as folder:
        large = Path(folder) / "large"
        if any(CASES[name].large for name in cases):
            write_large_bank(large)
        for round_ in range(-1, rounds):  # the first fills the caches and isn't counted
            for name in cases if round_ % 2 else tuple(reversed(cases)):
                if name in missing or (round_ < 0 and name not in (BOT, LARGE_BOT, "encoder")):
                    continue
                _say(f"{'warming up' if round_ < 0 else f'round {round_ + 1} of {rounds}'}: {name}")
                knowledge = large if CASES[name].large else settings.knowledge
                result = _measure_apart(name, settings, knowledge, one_thread)
                if isinstance(result, str):
                    missing[name] = result
                elif round_ >= 0:
                    found[name].append(result)
    measured = {name: figures for name, figures in found.items() if figures}
    if as_json:
        print(json.dumps(as_object(measured, missing), indent=2))
    else:
        print("\n".join(as_lines(measured, missing)))


def measure(ready: Ready, asked: Sequence[str], *, started: float = 0.0) -> Figures:
    """Ask `ready` the questions, one at a time and then from threads.

    `started` is the CPU time of this process that isn't the case's own.
    """
    ready.ask(asked[0])
    start_cpu = time.process_time() - ready.indexing - started
    for question in asked[1:_WARM]:
        ready.ask(question)
    blocks: list[float] = []
    clock = time.perf_counter()
    rest = asked[_WARM:]
    for block in range(_BLOCKS):
        cpu = time.process_time()
        for question in rest[block * _BLOCK : (block + 1) * _BLOCK]:
            ready.ask(question)
        blocks.append((time.process_time() - cpu) / _BLOCK)
    one_by_one = _BLOCKS * _BLOCK / (time.perf_counter() - clock)
    rss = peak_mb()
    at_once = rest[_BLOCKS * _BLOCK :]
    cpu, clock = time.process_time(), time.perf_counter()
    _ask_from_threads(ready, at_once)
    together = len(at_once) / (time.perf_counter() - clock)
    return Figures(
        start_cpu_s=start_cpu,
        cpu_ms=median(blocks) * 1e3,
        questions_s=one_by_one,
        questions_s_threads=together,
        cpu_ms_threads=(time.process_time() - cpu) / len(at_once) * 1e3,
        rss_mb=rss,
        rss_mb_threads=peak_mb(),
    )


def _ask_from_threads(ready: Ready, asked: Sequence[str]) -> None:
    waiting = iter(asked)
    lock = threading.Lock()
    errors: list[Exception] = []

    def work() -> None:
        while not errors:
            with lock:
                question = next(waiting, None)
            if question is None:
                return
            try:
                ready.ask(question)
            except Exception as error:
                errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def peak_mb() -> float:
    """The most memory this process has held, in MB (RSS)."""
    try:  # getrusage would count what the parent held when it forked
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError, ValueError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (1024**2 if sys.platform == "darwin" else 1024)


def _measure_apart(
    name: str, settings: Settings, knowledge: Path, one_thread: bool
) -> Figures | str:
    """The figures of a case from a process of its own, or why it can't run."""
    given = {
        "model": settings.model,
        "cache_dir": str(settings.cache_dir),
        "threads": settings.threads,
        "knowledge": str(knowledge.resolve()),
    }
    here = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, here, name],
        input=json.dumps(given),
        env=quiet_environment(one_thread=one_thread),
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    try:
        result = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise QuothError(f"the benchmark's case {name} failed: {last}") from None
    return str(result["missing"]) if "missing" in result else Figures(**result)


_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from bot.evaluation.benchmark import child; child()"
)


def child() -> None:
    """Prepare and measure the case named last on the command line; prints one JSON line."""
    from bot.settings import load_settings

    settings = load_settings(**json.load(sys.stdin))
    try:
        result = asdict(measure(CASES[sys.argv[-1]].prepare(settings), tuple(questions())))
    except Unavailable as error:
        result = {"missing": str(error)}
    print(json.dumps(result))


def ratio(found: Rounds, name: str, rival: str, figure: str) -> float:
    """How many times `rival` spends what `name` spends: the median over the rounds."""
    pairs = zip(found[name], found[rival], strict=True)
    return float(median(getattr(other, figure) / getattr(own, figure) for own, other in pairs))


def comparisons(found: Rounds) -> list[dict[str, str | float]]:
    """The ratios of each measured case to its rivals; above 1 the case is the better one."""
    return [
        {
            "case": name,
            "rival": rival,
            "start_cpu": ratio(found, name, rival, "start_cpu_s"),
            "cpu": ratio(found, name, rival, "cpu_ms"),
            "questions": 1 / ratio(found, name, rival, "questions_s"),
            "questions_threads": 1 / ratio(found, name, rival, "questions_s_threads"),
            "rss": ratio(found, name, rival, "rss_mb"),
        }
        for name in found
        for rival in CASES[name].rivals
        if rival in found
    ]


def as_object(found: Rounds, missing: Mapping[str, str]) -> dict[str, object]:
    """All that was measured, for JSON."""
    return {
        "threads": THREADS,
        "cases": {name: [asdict(figures) for figures in all_] for name, all_ in found.items()},
        "ratios": comparisons(found),
        "missing": dict(missing),
    }


def as_lines(found: Rounds, missing: Mapping[str, str]) -> list[str]:
    """The table of medians, then a line for each comparison."""
    head = (
        f"{'':32}{'start':>9}{'CPU ms':>10}{'questions/s':>13}{f'{THREADS} threads':>11}{'RSS':>8}"
    )
    under = f"{'':32}{'CPU s':>9}{'each':>10}{'one by one':>13}{'/s':>11}{'MB':>8}"
    lines = [head, under]
    for name, all_ in found.items():
        cells = {key: median(asdict(f)[key] for f in all_) for key in asdict(all_[0])}
        lines.append(
            f"{CASES[name].title:32}{cells['start_cpu_s']:9.2f}{cells['cpu_ms']:10.2f}"
            f"{cells['questions_s']:13.0f}{cells['questions_s_threads']:11.0f}{cells['rss_mb']:8.0f}"
        )
    lines.append("")
    for row in comparisons(found):
        own, rival = CASES[str(row["case"])], CASES[str(row["rival"])]
        lines.append(
            f"{own.title} against {rival.title}: CPU a question {row['cpu']:.1f} times less, "
            f"start-up {row['start_cpu']:.1f}, memory {row['rss']:.1f}; questions a second "
            f"{row['questions']:.1f} times more, from {THREADS} threads "
            f"{row['questions_threads']:.1f}"
        )
    if BOT in found and LARGE_BOT in found:
        pairs = zip(found[BOT], found[LARGE_BOT], strict=True)
        more = median(large.cpu_ms - small.cpu_ms for small, large in pairs)
        lines.append(f"10,000 pairs cost {more:.1f} CPU ms a question more")
    lines += [f"{CASES[name].title}: left out, for {why}" for name, why in missing.items()]
    return lines


def _say(line: str) -> None:
    print(f"quoth: {line}", file=sys.stderr, flush=True)
