"""All platforms' APIs on one loopback port, as unreliable as asked for."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from platforms import jwks
from senders import SENDERS, Seen

# How a sending ends. What is not "delivered" or "lost" has not reached anybody.
FAULTS = ("drop", "slow", "429", "500", "lost", "late")
REFUSED = "400"  # not one of them: it never passes


@dataclass(frozen=True)
class Arrival:
    """A message that reached its reader. `lost`: the sender never learned of it."""

    at: float
    channel: str
    seen: Seen
    lost: bool
    repeated: bool  # known by its key: shown once all the same


@dataclass
class Log:
    arrivals: list[Arrival] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    early: int = 0  # sent before the time that a 429 had asked for
    strange: list[str] = field(default_factory=list)


class PlatformFake:
    """Serves from `start` to `stop`. Every sending fails with probability `faulty`, in one of the
    ways above; `choose` may say otherwise for a channel and conversation."""

    def __init__(
        self,
        faulty: float = 0.0,
        seed: int = 1,
        *,
        retry_after: float = 1.0,
        late: float = 12.0,
        choose: Callable[[str, int], str | None] | None = None,
    ) -> None:
        self.log = Log()
        self.faulty = faulty
        self.retry_after = retry_after
        self.late = late  # seconds: longer than the sender waits
        self._choose = choose
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._keys: set[tuple[str, str]] = set()
        self._blocked: dict[tuple[str, int], float] = {}
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                fake.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = handle_any

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: Any) -> None:  # a killed sender breaks off
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> PlatformFake:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("content-length") or 0)
        body = request.rfile.read(length)
        if len(body) < length:  # its sender was killed amid the request: nothing was sent
            request.close_connection = True
            return
        _, name, rest = request.path.split("/", 2)
        if rest == "keys":
            self._answer(request, 200, jwks())
        elif rest == "token":
            self._answer(request, 200, {"access_token": "fetched-token", "expires_in": 3600})
        else:
            headers = {key.lower(): value for key, value in request.headers.items()}
            try:
                seen = SENDERS[name].read(request.path, headers, body)
            except Exception as error:
                with self._lock:
                    self.log.strange.append(f"{name}: {type(error).__name__}: {error}")
                self._answer(request, 400, {})
                return
            self._deliver(request, name, seen)

    def _deliver(self, request: BaseHTTPRequestHandler, name: str, seen: Seen) -> None:
        now = time.time()
        with self._lock:
            fault = self._choose(name, seen.conversation) if self._choose else None
            if fault is None and self._random.random() < self.faulty:
                fault = self._random.choice(FAULTS)
            self.log.faults[fault or "none"] = self.log.faults.get(fault or "none", 0) + 1
            place = (name, seen.conversation)
            self.log.early += now < self._blocked.pop(place, 0.0) - 0.01
            if fault == "429":
                self._blocked[place] = now + self.retry_after
            reaches = fault not in ("drop", "429", "500", REFUSED)
            again = seen.key is not None and (name, seen.key) in self._keys
            if reaches:
                lost = fault == "lost" or (fault == "late" and self.late > 10)
                self.log.arrivals.append(Arrival(now, name, seen, lost, again))
                if seen.key is not None:
                    self._keys.add((name, seen.key))
        if fault in ("drop", "lost"):
            request.close_connection = True
            return
        if fault == "late":
            time.sleep(self.late)
        if fault == "slow":
            time.sleep(0.3)
        if fault == "429":
            self._refuse(request, name)
        elif fault in ("500", REFUSED):
            self._answer(request, int(fault), {})
        else:
            self._answer(request, *SENDERS[name].answer(again))

    def _refuse(self, request: BaseHTTPRequestHandler, name: str) -> None:
        """As the platforms do it: most in a header, Telegram and Discord in the body."""
        after = self.retry_after
        if name == "telegram":
            self._answer(request, 429, {"ok": False, "parameters": {"retry_after": after}})
        elif name == "discord":
            self._answer(request, 429, {"retry_after": after, "global": False})
        else:
            self._answer(request, 429, {}, {"Retry-After": str(after)})

    @staticmethod
    def _answer(
        request: BaseHTTPRequestHandler,
        status: int,
        value: object,
        headers: dict[str, str] | None = None,
    ) -> None:
        body = json.dumps(value).encode()
        try:
            request.send_response(status)
            for key, said in (headers or {}).items():
                request.send_header(key, said)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        except OSError:  # the sender is gone
            request.close_connection = True
