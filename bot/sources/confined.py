"""Taking files out of their format in a process of its own, bounded in memory and time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import bot
from bot.documents.documents import MAX_BYTES
from bot.errors import DocumentError
from bot.sources.originals import Extracted, Original
from bot.sources.sitemap import Sitemap

SECONDS = 60.0  # for one file


class Confined:
    """Extracts files one after the other; a process that is lost with a file is replaced.

    To be used in one thread, and closed: `with Confined() as confined`.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Confined:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def extract(self, original: Original) -> Extracted:
        """The text of a web page, PDF or Word document. Raises DocumentError without its name."""
        found = self._ask(original)
        text = found["text"]
        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise DocumentError(f"holds more than {MAX_BYTES >> 20} MB of text. Split it.")
        return Extracted(text, found["title"], found["url"], tuple(found["notes"]))

    def sitemap(self, original: Original) -> Sitemap:
        """What a sitemap lists. Raises DocumentError without its name."""
        found = self._ask(original)
        return Sitemap(tuple(found["pages"]), tuple(found["sitemaps"]))

    def _ask(self, original: Original) -> Any:
        process = self._process = self._process or _start()
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._seconds, stop)
        timer.start()
        request = {"path": str(original.path.resolve()), "charset": original.charset}
        try:
            with suppress(BrokenPipeError):
                print(json.dumps(request), file=process.stdin, flush=True)
            line = process.stdout.readline()
        finally:
            timer.cancel()
        if not line.endswith("\n"):
            self.close()
            raise DocumentError(
                f"takes longer than {self._seconds:.0f} seconds to read. Split it, or save it anew."
                if late.is_set()
                else "breaks what reads it; it is damaged or made to do harm. Save it anew."
            )
        answer = json.loads(line)
        if "error" in answer:
            raise DocumentError(answer["error"])
        return answer


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot.sources.worker"],
        cwd=Path(bot.__file__).resolve().parents[1],  # where the worker finds this package
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
