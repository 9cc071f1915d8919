"""The process in which a file is taken out of its format, so that a hostile one harms nothing.

It reads a request a line, {"path": …, "charset": …}, and writes a line for each: what was
extracted, or {"error": …}. It may use `MEMORY` bytes and write no file.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

from bot.errors import DocumentError
from bot.sources.originals import Extracted

MEMORY = 1 << 30  # bytes of address space
WEB, PDF, WORD, MAP = (".html", ".htm", ".xhtml"), (".pdf",), (".docx",), (".xml", ".gz")


def extract(path: Path, charset: str | None) -> dict[str, object]:
    """What `bot.sources.confined` hands on: the fields of an Extracted, or of a Sitemap."""
    suffix = path.suffix.lower()
    if suffix in MAP:
        from bot.sources.sitemap import read_sitemap

        found = read_sitemap(path)
        return {"pages": found.pages, "sitemaps": found.sitemaps}
    taken: Extracted
    if suffix in PDF:
        from bot.sources.pdf import extract_pdf

        taken = extract_pdf(path)
    elif suffix in WORD:
        from bot.sources.word import extract_word

        taken = extract_word(path)
    else:
        from bot.sources.web_page import extract_page

        taken = extract_page(path, charset)
    return {"text": taken.text, "title": taken.title, "url": taken.url, "notes": taken.notes}


def main() -> None:
    """Serve requests until standard input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    logging.disable()
    _limit()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = extract(Path(request["path"]), request["charset"])
        except DocumentError as error:
            answer = {"error": str(error)}
        except MemoryError:
            answer = {"error": f"needs more than {MEMORY >> 20} MB of memory. Split it into parts."}
        except RecursionError:
            answer = {"error": "has parts that stand too deep in each other. Simplify it."}
        except Exception as error:  # a parser's own fault ends with this file
            kind = type(error).__name__
            answer = {"error": f"can't be read ({kind}). It may be damaged: save it anew."}
        print(json.dumps(answer), file=out, flush=True)


def _limit() -> None:
    """Bound what this process can use, where the system lets it."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    for what, limit in (("RLIMIT_AS", MEMORY), ("RLIMIT_FSIZE", 0), ("RLIMIT_CORE", 0)):
        try:
            resource.setrlimit(getattr(resource, what), (limit, limit))
        except (OSError, ValueError, AttributeError):
            continue


if __name__ == "__main__":
    main()
