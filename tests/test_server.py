"""server.py as it is started: real processes on loopback, with the bundled knowledge."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from shops import FACTS, make_shop

from bot.encoding.encoders import Encoder

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 300  # a first start indexes; on a busy machine that takes its time


class Server:
    """One process of server.py, its address and all that it printed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "server.py"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # whatever started the tests may ignore interrupts (a background job does)
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.address = ""

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def ready(self) -> Server:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"^Quoth answers on (http://\S+)$", self.output, re.M)
            if found:
                self.address = found[1]
                return self
            time.sleep(0.05)
        raise AssertionError(f"the server did not start:\n{self.output}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.ended()

    def ended(self, seconds: float = 60) -> int:
        code = self.process.wait(seconds)
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def ask(self, question: str, **fields: str) -> dict[str, str]:
        response = httpx.post(
            f"{self.address}/api/ask", json={"question": question, **fields}, timeout=60
        )
        assert response.status_code == 200, response.text
        return dict(response.json())


@pytest.fixture
def start(tmp_path: Path, cache_folder: Path, encoder: Encoder) -> Iterator[Callable[..., Server]]:
    """Start servers that share a database and the tests' cache; the rest ends with the test."""
    started: list[Server] = []

    def start(**settings: str) -> Server:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("QUOTH_")} | {
            "QUOTH_PORT": "0",
            "QUOTH_CACHE_DIR": str(cache_folder),
            "QUOTH_DATABASE_URL": f"sqlite:///{tmp_path}/quoth.db",
            **settings,
        }
        started.append(Server(environment))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.ended()


def test_it_answers_on_loopback_logs_no_question_and_stops_cleanly(
    start: Callable[..., Server],
) -> None:
    server = start(QUOTH_LOG_LEVEL="debug").ready()
    assert server.address.startswith("http://127.0.0.1:")
    reply = server.ask("how many years do zebrafinches with ALS live?")
    assert reply["kind"] in ("answer", "decline")
    assert server.ask("How long do people with ALS live?")["kind"] == "answer"
    for path in ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/source/ms-vs-als"):
        assert httpx.get(server.address + path).status_code == 200
    httpx.get(server.address + "/api/suggestions", params={"q": "zebrafinch"})
    httpx.get(server.address + "/ask", params={"question": "zebrafinch"})
    httpx.get(server.address + "/zebrafinch")
    httpx.get(server.address + "/?" + "zebrafinch" * 6500)  # more than a request line may have
    maps = Path(f"/proc/{server.process.pid}/maps")
    if maps.exists():
        assert "libtorch" not in maps.read_text()
    assert server.stop() == 0
    assert "zebrafinch" not in server.output
    assert "/api/suggestions 200" in server.output
    assert "Traceback" not in server.output


def test_a_request_under_way_is_answered_before_it_stops(start: Callable[..., Server]) -> None:
    server = start().ready()
    host, port = server.address.removeprefix("http://").split(":")
    body = b'{"question": "How long do people with ALS live?"}'
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /api/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        )
        connection.sendall(body[:10])
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        with pytest.raises(OSError):  # noqa: PT011 - refused or reset: it takes no new ones
            socket.create_connection((host, int(port)), timeout=5).close()
        connection.sendall(body[10:])
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"three to five years" in answer
    assert server.ended() == 0


def test_a_conversation_outlives_a_killed_server(start: Callable[..., Server]) -> None:
    server = start().ready()
    id = server.ask("How long do people with ALS live?")["conversation_id"]
    server.stop(signal.SIGKILL)
    again = start().ready()
    reply = again.ask("source?", conversation_id=id)
    assert reply["conversation_id"] == id
    assert again.stop(signal.SIGINT) == 130


def test_a_taken_port_is_told_at_once(start: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = start(QUOTH_PORT=str(port))
        assert server.ended() == 1
    assert server.lines == [
        f"quoth: 127.0.0.1:{port} is taken by another program. "
        "Stop it, or set QUOTH_PORT to another port."
    ]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"QUOTH_PORT": "eighty"}, "QUOTH_PORT"),
        ({"QUOTH_HOST": "192.0.2.1"}, "QUOTH_HOST"),
        ({"QUOTH_HOST": "a..b"}, "can't be served on (it is no host name). Set QUOTH_HOST"),
        ({"QUOTH_KNOWLEDGE": "/nowhere"}, "/nowhere"),
        ({"QUOTH_DATABASE_URL": "mysql://u:geheim@h/d"}, "QUOTH_DATABASE_URL"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(
    start: Callable[..., Server], settings: dict[str, str], says: str
) -> None:
    server = start(**settings)
    assert server.ended(START_SECONDS) == 1
    assert len(server.lines) == 1
    assert server.output.startswith("quoth: ")
    assert says in server.output
    assert "geheim" not in server.output


HOURS = "When is the shop open?"


def version(folder: Path, number: int, **more: object) -> tuple[str, str]:
    """The shop's knowledge with another answer and note; gives both."""
    said = f"The shop is open from {number} to five on working days."
    note = f"Please note: number {number} is given without guarantee and may change at any time."
    make_shop(folder, {**FACTS, HOURS: said}, note=note, **more)
    return said, note


def test_edits_are_served_whole_while_questions_are_asked(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    folder = tmp_path / "shop"
    versions = {version(folder, 0)}
    server = start(
        QUOTH_KNOWLEDGE=str(folder), QUOTH_RELOAD_SECONDS="0.2", QUOTH_RATE_PER_MINUTE="100000"
    ).ready()
    said: list[tuple[str, str]] = []
    faults: list[str] = []
    over = threading.Event()

    def visit() -> None:
        with httpx.Client(base_url=server.address, timeout=60) as client:
            id = None
            while not over.is_set():
                asked = {"question": HOURS, "conversation_id": id}
                response = client.post("/api/ask", json=asked)
                if response.status_code != 200 or response.json()["kind"] != "answer":
                    faults.append(response.text)
                    return
                reply = response.json()
                if id not in (None, reply["conversation_id"]):
                    faults.append("the conversation ended")
                id = reply["conversation_id"]
                said.append((reply["citations"][0]["quote"], reply["disclaimer"]))
                over.wait(0.02)

    def served(expected: tuple[str, str]) -> None:
        deadline = time.monotonic() + 60
        while not said or said[-1] != expected:
            assert time.monotonic() < deadline, (said[-1:], server.output)
            time.sleep(0.05)

    def state() -> dict[str, str | None]:
        return dict(httpx.get(server.address + "/readyz").json())

    visitors = [threading.Thread(target=visit) for _ in range(3)]
    for visitor in visitors:
        visitor.start()
    try:
        versions.add(newest := version(folder, 1))  # edited in place
        served(newest)
        for number in range(2, 9):  # faster than it can look
            versions.add(newest := version(folder, number))
            time.sleep(0.03)
        served(newest)
        pairs = (folder / "pairs.yaml").read_text(encoding="utf-8")
        (folder / "pairs.yaml").write_text(pairs + "- question: [\n", encoding="utf-8")
        deadline = time.monotonic() + 30
        while state()["status"] == "ready":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert re.match(r"pairs\.yaml:\d+: ", state()["fault"] or "")
        versions.add(other := version(tmp_path / "other", 9))
        folder.rename(tmp_path / "before")
        time.sleep(0.5)  # for a while there is nothing at all
        (tmp_path / "other").rename(folder)
        served(other)
        assert state()["status"] == "ready"
    finally:
        over.set()
        for visitor in visitors:
            visitor.join(60)
    assert faults == []
    assert set(said) <= versions
    assert re.search(r"ERROR quoth.knowledge: .*pairs\.yaml:\d+: ", server.output)
    assert server.stop() == 0
    assert "Traceback" not in server.output


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the system has no such signal")
def test_a_signal_has_sites_read_anew_and_new_ones_found(
    start: Callable[..., Server], tmp_path: Path
) -> None:
    root = tmp_path / "sites"
    said, _ = version(root / "shop", 1)
    server = start(QUOTH_KNOWLEDGE=str(root), QUOTH_RELOAD_SECONDS="0").ready()

    def quoted(site: str) -> str:
        response = httpx.post(f"{server.address}/{site}/api/ask", json={"question": HOURS})
        return str(response.json().get("answer", response.status_code))

    assert quoted("shop") == said
    later, _ = version(root / "shop", 2)
    new, _ = version(root / "branch", 3)
    time.sleep(1)
    assert (quoted("shop"), quoted("branch")) == (said, "404")
    server.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 60
    while not all(
        f"{site}: its new state is served" in server.output for site in ("shop", "branch")
    ):
        assert time.monotonic() < deadline, server.output
        time.sleep(0.1)
    assert (quoted("shop"), quoted("branch")) == (later, new)
    assert server.stop() == 0
    assert {file.name for file in tmp_path.glob("*.db")} >= {"quoth-shop.db", "quoth-branch.db"}
