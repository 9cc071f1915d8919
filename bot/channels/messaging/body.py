"""What a reply says, ready to be cut into messages."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from bot.channels.messaging.markup import plain
from bot.channels.messaging.options import Option, options_of
from bot.channels.messaging.splitting import Size, split
from bot.channels.pages import source_link
from bot.readable import readable
from bot.types import Reply

_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Body:
    """A reply's text without its options; `whole` are the spans of it that must not be cut:
    quotes, sources with their links, the disclaimer."""

    text: str
    whole: tuple[tuple[int, int], ...]
    options: tuple[Option, ...]

    def pieces(
        self,
        limit: int,
        *,
        size: Size = len,
        escape: Callable[[str], str] = plain,
        listed: bool,
    ) -> tuple[str, ...]:
        """The escaped texts of the messages, each at most `limit` long, never none.

        With the options as numbered lines at the end where they are `listed`.
        """
        text, whole = self._listed() if listed else (self.text, self.whole)
        return tuple(escape(p) for p in split(text, limit, lambda t: size(escape(t)), whole))

    def piece(self, limit: int, *, size: Size = len, escape: Callable[[str], str] = plain) -> str:
        """All of it, options listed, as the one message that there can be.

        Where that is too long: the quotes, the sources, the disclaimer, as much of that in this
        order as fits, and an ellipsis where something is missing.
        """
        found = self.pieces(limit, size=size, escape=escape, listed=True)
        if len(found) == 1:
            return found[0]
        outer = [s for s in self.whole if not any(o != s and _within(s, o) for o in self.whole)]
        text, whole = _joined([self.text[start:end] for start, end in outer] or [self.text], "\n\n")
        room = limit - size(escape("…")) - 1
        kept = split(text, room, lambda t: size(escape(t)), whole)
        return escape(kept[0] if len(kept) == 1 and outer else kept[0] + "\n…")

    def _listed(self) -> tuple[str, tuple[tuple[int, int], ...]]:
        if not self.options:
            return self.text, self.whole
        text, whole = _joined([f"{o.number}. {o.text}" for o in self.options], "\n")
        behind = len(self.text) + 1
        return f"{self.text}\n{text}", self.whole + tuple(
            (start + behind, end + behind) for start, end in whole
        )


def body_of(reply: Reply, public_url: str | None) -> Body:
    """The body of `reply`.

    A document without an address of its own is linked at `public_url`, where that is known, and
    the disclaimer of an answer is there whole even where the answer quotes from it.
    """
    text = reply.text
    listed = "\n".join(f"{n}. {option}" for n, option in enumerate(reply.suggestions, 1))
    if listed and text.endswith(f"\n{listed}"):
        text = text.removesuffix(listed).rstrip()
    note = reply.disclaimer if reply.citations else None
    if note and text.endswith(f"\n\n{note}"):
        text = text.removesuffix(note).rstrip()
    head = shown(text)
    text, (_, *others) = _joined([head or "…", *_links(reply, public_url)], "\n")
    whole = [*_quotes_and_sources(reply, head), *others]
    if note and (note := shown(note)):
        start = len(text) + 2
        text = f"{text}\n\n{note}"
        whole.append((start, len(text)))
    return Body(text, tuple(whole), options_of(reply))


def shown(text: str) -> str:
    """`text` without control characters and lone surrogates, line ends as "\\n"."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNSHOWN.sub("", text).strip()


def part_key(reply: Reply, part: int) -> str:
    """The idempotency key of the reply's part `part`: a UUID, the same for the same reply."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"quoth:{reply.turn_id}:{part}"))


def _quotes_and_sources(reply: Reply, head: str) -> Iterator[tuple[int, int]]:
    """Where the quotes stand in `head`, and behind them the lines of their sources."""
    behind = 0
    for citation in reply.citations:
        quote = shown(readable(citation.quote))
        at = head.find(quote, behind)
        if at >= 0:
            behind = at + len(quote)
            yield at, behind
    for citation in reply.citations:
        for part in (shown(citation.title), shown(citation.url or "")):
            at = head.find(part, behind) if part else -1
            if at >= 0:
                yield at, at + len(part)
                end = head.find("\n", at + len(part))
                yield head.rfind("\n", 0, at) + 1, end if end >= 0 else len(head)


def _links(reply: Reply, public_url: str | None) -> list[str]:
    """The addresses of quoted documents that the reply's text doesn't have."""
    if public_url is None:
        return []
    citations = cast(list[dict[str, Any]], reply.to_json()["citations"])
    links = [source_link(citation) for citation in citations]
    local = [public_url.rstrip("/") + link for link in links if link.startswith("/")]
    return list(dict.fromkeys(local))


def _joined(parts: Sequence[str], between: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The parts joined, and where each stands."""
    spans = []
    start = 0
    for part in parts:
        spans.append((start, start + len(part)))
        start += len(part) + len(between)
    return between.join(parts), tuple(spans)


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]
