"""Fetching a document from an address, without being led anywhere it should not go.

Addresses come from pages and sitemaps too. Hence only http and https on their usual ports of
public machines, checked again at every redirect; at most so many bytes, packed or unpacked, and so
many seconds, however slowly they drip. What the owner has named as trusted may be elsewhere.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import httpx

from bot.egress import EgressError, Host, http_client, origin_of
from bot.errors import DocumentError
from bot.sources.originals import Original, one_line

MAX_BYTES = 100 * 1024 * 1024
SECONDS = 60.0  # for one document, redirects included
REDIRECTS = 5

_TYPES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/gzip": ".xml.gz",
    "application/x-gzip": ".xml.gz",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/jsonl": ".jsonl",
    "application/x-ndjson": ".jsonl",
}
_VAGUE = ("", "text/plain", "application/octet-stream", "binary/octet-stream")  # say nothing


class Fetcher:
    """Fetches into the folder `into`; `trusted` are hosts that may be private, on any port."""

    def __init__(self, into: Path, trusted: Iterable[Host] = (), seconds: float = SECONDS) -> None:
        self._into = into
        self._trusted = frozenset(trusted)
        self._seconds = seconds
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._number = 0

    def fetch(self, url: str) -> Original:
        """The document at `url` as a file, whose suffix is of the type that the server says.

        Raises DocumentError without the address: a redirect to somewhere else is named.
        """
        deadline = time.monotonic() + self._seconds
        timeout = httpx.Timeout(20.0, connect=10.0)
        seen: list[str] = []
        address = _without_fragment(url)
        with http_client(self._trusted, timeout, lambda: deadline, tls=self._tls) as client:
            while len(seen) <= REDIRECTS:
                led = f"leads to {one_line(address)[:200]}, which " if seen else ""
                try:
                    self._check(address, seen)
                    found = self._get(client, address, deadline)
                except EgressError as error:
                    raise DocumentError(
                        f"{led}is not fetched: {error}. If it is a machine of your own, name its "
                        "address and allow it with --allow-private."
                    ) from error
                except httpx.TimeoutException as error:
                    raise DocumentError(
                        f"{led}doesn't answer within {self._seconds:.0f} seconds. Try again later, "
                        "or save the page as a file."
                    ) from error
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    raise DocumentError(
                        f"{led}can't be reached ({one_line(str(error))[:120]}). Check the address."
                    ) from error
                except DocumentError as error:
                    raise DocumentError(f"{led}{error}") from error
                if isinstance(found, Original):
                    return found
                seen.append(address)
                address = _without_fragment(found, address)
                if address in seen:
                    raise DocumentError(
                        f"redirects in a circle, by way of {one_line(address)[:200]}. Check it in "
                        "a browser."
                    )
        raise DocumentError(f"redirects more than {REDIRECTS} times. Name the last address.")

    def _check(self, address: str, seen: list[str]) -> None:
        origin = origin_of(address)
        if origin is None:
            raise EgressError("it is no address of http or https, or names a user")
        scheme, host, port = origin
        if (host, port) in self._trusted:
            return
        if port != (443 if scheme == "https" else 80):
            raise EgressError(f"port {port} of {host} is not one of the web")
        if scheme == "http" and seen and seen[-1].startswith("https:"):
            raise EgressError("it goes from https back to http")

    def _get(self, client: httpx.Client, address: str, deadline: float) -> Original | str:
        """The document at `address`, or the address that it redirects to."""
        headers = {"User-Agent": "quoth", "Accept-Encoding": "gzip", "Accept": "*/*"}
        with client.stream("GET", address, headers=headers) as answer:
            if answer.status_code in (301, 302, 303, 307, 308) and "location" in answer.headers:
                return answer.headers["location"]
            if answer.status_code != 200:
                raise DocumentError(_refused(answer))
            suffix = _suffix(address, answer.headers.get("content-type", ""))
            self._number += 1
            path = self._into / f"{self._number}{suffix}"
            with path.open("wb") as file:
                for piece in _unpacked(answer, deadline):
                    file.write(piece)
        charset = re.search(r"charset=[\"']?([\w:.-]+)", answer.headers.get("content-type", ""))
        return Original(path, address, address, charset[1] if charset else None)


def _without_fragment(url: str, base: str = "") -> str:
    """`url`, as it reads on the page `base`; what can't be taken apart is left for the check."""
    try:
        return urlunsplit((*urlsplit(urljoin(base, url))[:4], ""))
    except ValueError:
        return url


def _refused(answer: httpx.Response) -> str:
    status = f"{answer.status_code} {answer.reason_phrase}".strip()
    if answer.status_code in (401, 403):
        return f"may not be read without a login ({status}). Save it as a file and give that."
    if answer.status_code in (404, 410):
        return f"is not there ({status}). Check the address."
    if answer.status_code in (429, 503):
        wait = answer.headers.get("retry-after", "")
        when = f"in {wait} seconds" if wait.isdecimal() else "later"
        return f"is busy ({status}). Try again {when}."
    return f"is answered with {status}. Check the address in a browser."


def _suffix(address: str, content_type: str) -> str:
    """The suffix for the type that the server says, or where that is vague, the address's own."""
    kind = content_type.split(";")[0].strip().lower()
    name = PurePosixPath(unquote(urlsplit(address).path)).name.lower()
    own = ".xml.gz" if name.endswith(".xml.gz") else PurePosixPath(name).suffix
    if kind in _VAGUE and own in (*_TYPES.values(), ".htm", ".xhtml", ".text", ".markdown"):
        return own
    if kind in _TYPES:
        return _TYPES[kind]
    if kind.endswith("+xml"):
        return ".xml"
    said = f"is {kind}, which" if kind else "comes without a type and"
    raise DocumentError(f"{said} is not read. Give a page, a PDF, a Word document or a text.")


def _unpacked(answer: httpx.Response, deadline: float) -> Iterator[bytes]:
    """The body, unpacked piece by piece so that a small one can't become a huge one."""
    packing = answer.headers.get("content-encoding", "identity").strip().lower()
    unpacker = None
    if packing in ("gzip", "x-gzip"):
        unpacker = zlib.decompressobj(wbits=31)
    elif packing not in ("identity", ""):
        raise DocumentError(f"is packed as {packing!r}, which is not read. Save it as a file.")
    total = 0
    for raw in answer.iter_raw():
        while raw:
            if unpacker is not None and unpacker.eof:  # another member (RFC 1952, section 2.2)
                if raw[:1] != b"\x1f":
                    return  # what some servers put behind the end
                unpacker = zlib.decompressobj(wbits=31)
            try:
                piece = unpacker.decompress(raw, 1 << 20) if unpacker else raw
            except zlib.error as error:
                raise DocumentError("is packed wrongly. Save it as a file.") from error
            raw = unpacker.unconsumed_tail or unpacker.unused_data if unpacker else b""
            total += len(piece)
            if total > MAX_BYTES:
                raise DocumentError(f"is larger than {MAX_BYTES >> 20} MB. Split it into parts.")
            yield piece
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the time for the whole answer is over")
    if unpacker is not None and not unpacker.eof:
        raise DocumentError("is cut short, or packed wrongly. Try again, or save it as a file.")
