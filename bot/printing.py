"""A reply on paper: the lines a person reads, and the one JSON line a program reads.

Nothing printed can steer the terminal: control and escape sequences are taken out of whatever a
document or a visitor wrote. Nothing is taken out of JSON; what could harm there is escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

from bot.readable import readable
from bot.types import Citation, Clarified, Reply

Role = Literal["text", "quote", "passage", "source", "choice", "disclaimer", "note"]

_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, erasing
    r"|(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles, links, clipboard
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c]*(?:\x1b\\|\x9c)"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"  # two-character sequences
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNSAFE_IN_JSON = re.compile(r"[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_ITEM = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")


def printable(text: str) -> str:
    """`text` without escape sequences, control characters and direction overrides.

    Line feeds and tabs stay; a lone surrogate becomes U+FFFD, for it can't be encoded.
    """
    text = _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n"))
    return _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))


def one_line(text: str) -> str:
    """`text` printable and on one line."""
    return " ".join(printable(text).split())


def json_line(reply: Reply) -> str:
    """The reply contract as one line of JSON, no line feed at its end.

    Letters stay readable; lone surrogates, C1 controls and Unicode line ends are escaped, so that
    the line can always be encoded and is one line to every reader.
    """
    line = json.dumps(reply.to_json(), ensure_ascii=False)
    return _UNSAFE_IN_JSON.sub(lambda m: f"\\u{ord(m.group()):04x}", line)


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph of a reply and what it is; `mark` is where the quote stands in a passage."""

    role: Role
    text: str
    mark: tuple[int, int] | None = None


def choices(reply: Reply) -> tuple[str, ...]:
    """The questions that can be picked by number, in the order shown."""
    if not reply.suggestions and isinstance(reply.decision, Clarified):
        return tuple(match.pair.question for match in reply.decision.options)
    return reply.suggestions


def lay_out(reply: Reply) -> tuple[Line, ...]:
    """The paragraphs of `reply`, top to bottom.

    An answer is its quotes, the passage of each where that is longer, where it stands, and the
    disclaimer; anything else is its text, the words not covered, and numbered choices. What a
    list belongs to stands right above it.
    """
    return tuple(_answer_lines(reply) if reply.citations else _text_lines(reply))


def _answer_lines(reply: Reply) -> Iterator[Line]:
    if lead := _lead(reply):
        yield Line("text", lead)
    for citation in reply.citations:
        yield Line("quote", printable(readable(citation.quote)))
        if citation.row:
            yield Line("passage", printable(citation.row))
        if citation.passage.strip() != citation.quote.strip():
            yield passage_line(citation)
        yield Line("source", source_of(citation))
    yield from _numbered(choices(reply))
    note = reply.disclaimer
    if note and not any(citation.quote in note for citation in reply.citations):
        yield Line("disclaimer", printable(note).strip())


def _lead(reply: Reply) -> str:
    """What the text says before its first quote, such as what an answer leaves open."""
    before, found, _ = reply.text.partition(readable(reply.citations[0].quote))
    return printable(before).rstrip("“\"'«„ \n").strip() if found else ""


def _text_lines(reply: Reply) -> Iterator[Line]:
    offered = choices(reply)
    numbered = {one_line(choice) for choice in offered}
    lines = printable(reply.text).splitlines()
    # The text lists the choices by itself; below they stand once, with the numbers that pick them.
    kept = [line for line in lines if one_line(_ITEM.sub("", line)) not in numbered]
    text, offer = "\n".join(kept).strip(), ""
    if len(kept) < len(lines) and "\n\n" in text:
        text, _, offer = text.rpartition("\n\n")
    if text:
        yield Line("text", text)
    unsaid = [word for word in reply.missing if word.casefold() not in reply.text.casefold()]
    if unsaid:
        yield Line("note", "Not covered: " + ", ".join(map(one_line, unsaid)))
    if offer:
        yield Line("text", offer)
    yield from _numbered(offered)


def _numbered(offered: tuple[str, ...]) -> Iterator[Line]:
    for number, choice in enumerate(offered, 1):
        yield Line("choice", f"{number}. {one_line(choice)}")


def passage_line(citation: Citation) -> Line:
    """The passage with the quote's place in it."""
    before, found, after = (
        printable(readable(part)) for part in citation.passage.partition(citation.quote)
    )
    mark = (len(before), len(before) + len(found)) if found else None
    return Line("passage", before + found + after, mark)


def source_of(citation: Citation) -> str:
    """Where a quote stands: title, heading, page, offsets, link."""
    parts = [one_line(citation.title)]
    if citation.heading:
        parts.append(f"“{one_line(citation.heading)}”")
    if citation.page:
        parts.append(f"page {citation.page}")
    parts.append(f"characters {citation.span.start}–{citation.span.end}")
    if citation.url:
        parts.append(one_line(citation.url))
    return "— " + ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of the explanation: a name, the best candidate's value, the runner-up's."""

    name: str
    best: str
    runner_up: str = ""


def explain(receipt: Mapping[str, object]) -> tuple[Reason, ...]:
    """The receipt as rows: the best candidate beside the runner-up, then everything else."""
    best = dict(_flat(receipt.get("best")))
    second = dict(_flat(receipt.get("runner_up")))
    names = [*best, *(name for name in second if name not in best)]
    rows = [Reason(name, best.get(name, ""), second.get(name, "")) for name in names]
    shown = ("best", "runner_up", "turns")
    rest = {key: value for key, value in receipt.items() if key not in shown}
    rows.extend(Reason(name, value) for name, value in _flat(rest))
    return tuple(rows)


def _flat(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{name} {key}".strip().replace("_", " "))
    elif isinstance(value, list | tuple) and any(isinstance(v, Mapping | list) for v in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(inner, f"{name} {number}".strip())
    elif isinstance(value, list | tuple):
        yield name, ", ".join(_cell(v) for v in value) or "–"
    elif name:
        yield name, _cell(value)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}"
    return one_line(str(value))


def shorten(text: str, limit: int = 56) -> str:
    """`text`, or its beginning and "…": at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


_INDENT: Mapping[Role, str] = {"passage": "    ", "source": "    ", "choice": "  "}
_STYLE: Mapping[Role, str] = {
    "quote": "bold",
    "source": "cyan",
    "disclaimer": "dim",
    "note": "yellow",
}


class PlainScreen:
    """Prints to a stream that may be a pipe or a file: no colour, no wrapping."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def reply(self, reply: Reply) -> None:
        before: Role | None = None
        for line in lay_out(reply):
            if before is not None and not before == line.role == "choice":
                self._stream.write("\n")
            indent = _INDENT.get(line.role, "")
            self._write("\n".join(indent + part for part in line.text.splitlines()))
            before = line.role

    def passage(self, citation: Citation) -> None:
        line = passage_line(citation)
        text = line.text
        if line.mark:
            start, end = line.mark
            text = f"{text[:start]}»{text[start:end]}«{text[end:]}"
        self._write(text)
        self._write(source_of(citation))

    def table(self, rows: tuple[Reason, ...]) -> None:
        rows = tuple(
            Reason(row.name, shorten(row.best), shorten(row.runner_up)) if row.runner_up else row
            for row in rows
        )
        width = max((len(row.name) for row in rows), default=0)
        middle = max((len(row.best) for row in rows if row.runner_up), default=0)
        self._write(f"{'':{width}}  {'best':{middle}}  runner-up")
        for row in rows:
            self._write(f"{row.name:{width}}  {row.best:{middle}}  {row.runner_up}".rstrip())

    def note(self, text: str) -> None:
        self._write(printable(text))

    def gap(self) -> None:
        self._write("")

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


class StyledScreen:
    """Prints to a terminal that shows colour, with rich: wrapped, quote bold, disclaimer dim."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self._console = Console(file=stream, highlight=False, markup=False, emoji=False)

    def reply(self, reply: Reply) -> None:
        before: Role | None = None
        for line in lay_out(reply):
            if before is not None and not before == line.role == "choice":
                self._console.print()
            self._print(line)
            before = line.role

    def passage(self, citation: Citation) -> None:
        self._print(passage_line(citation), marked="reverse")
        self._print(Line("source", source_of(citation)))

    def table(self, rows: tuple[Reason, ...]) -> None:
        from rich.table import Table
        from rich.text import Text

        table = Table("", "best", "runner-up", box=None, padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(Text(row.name, "cyan"), Text(row.best), Text(row.runner_up))
        self._console.print(table)

    def note(self, text: str) -> None:
        self._print(Line("text", printable(text)))

    def gap(self) -> None:
        self._console.print()

    def _print(self, line: Line, marked: str = "bold") -> None:
        from rich.text import Text

        text = Text(line.text, _STYLE.get(line.role, ""))
        if line.mark:
            text.stylize(marked, *line.mark)
        indent = _INDENT.get(line.role, "")
        for row in text.wrap(self._console, max(20, self._console.width - len(indent))):
            row.rstrip()
            self._console.print(Text(indent) + row, soft_wrap=True)


Screen = PlainScreen | StyledScreen


def screen_for(stream: TextIO, environ: Mapping[str, str]) -> Screen:
    """Styled on a terminal, plain in a pipe, with NO_COLOR set or TERM=dumb."""
    plain = not stream.isatty() or environ.get("NO_COLOR") or environ.get("TERM") == "dumb"
    return PlainScreen(stream) if plain else StyledScreen(stream)
