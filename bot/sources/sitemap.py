"""The addresses that a sitemap lists (https://www.sitemaps.org/protocol.html)."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from bot.errors import DocumentError
from bot.sources.originals import one_line, read_bytes

MAX_BYTES = 50 * 1024 * 1024  # unpacked, as the protocol says
MAX_ADDRESSES = 50_000


@dataclass(frozen=True, slots=True)
class Sitemap:
    """`pages` are addresses of documents, `sitemaps` of further sitemaps."""

    pages: tuple[str, ...]
    sitemaps: tuple[str, ...]


def read_sitemap(path: Path) -> Sitemap:
    """The sitemap or index of sitemaps at `path`, also one packed with gzip.

    Raises DocumentError without the file's name.
    """
    from lxml import etree

    data = read_bytes(path, MAX_BYTES)
    if data.startswith(b"\x1f\x8b"):
        data = _unpacked(data)
    found: dict[str, dict[str, None]] = {"url": {}, "sitemap": {}}
    root = ""
    try:
        # The text of a <loc> stands in the tree when its end is reached; entities stay unread.
        for event, element in etree.iterparse(
            BytesIO(data), events=("start", "end"), resolve_entities=False, no_network=True
        ):
            name = etree.QName(element).localname if isinstance(element.tag, str) else ""
            if event == "start":
                root = root or name
                if root not in ("urlset", "sitemapindex"):
                    raise DocumentError(
                        f"is XML, but no sitemap (it begins with <{root}>). Give a sitemap, or "
                        "the documents themselves."
                    )
                continue
            if name == "loc" and element.getparent() is not None:
                kind = etree.QName(element.getparent()).localname
                address = one_line(element.text or "")
                if kind in found and address and len(found[kind]) < MAX_ADDRESSES:
                    found[kind][address] = None
            elif name in found:
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise DocumentError(
            f"{line}is no well-formed XML ({one_line(error.msg or '')[:100]}). Mend the sitemap."
        ) from error
    if not found["url"] and not found["sitemap"]:
        raise DocumentError("is a sitemap that lists nothing. Name the pages themselves.")
    return Sitemap(tuple(found["url"]), tuple(found["sitemap"]))


def _unpacked(data: bytes) -> bytes:
    try:
        with gzip.open(BytesIO(data)) as packed:
            unpacked = packed.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DocumentError("is no sound gzip file. Pack it anew, or give it unpacked.") from error
    if len(unpacked) > MAX_BYTES:
        raise DocumentError(f"unpacks to more than {MAX_BYTES >> 20} MB. Split the sitemap.")
    return unpacked
