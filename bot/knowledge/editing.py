"""Edits of a knowledge's files in place: what is not meant stays as it is, comments included.

An edit is made in the text, at the place where the file's parser saw the value, and then read
back: a text that says anything but what was meant is not written.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.errors import KnowledgeError
from bot.knowledge.files import DOCUMENT_KEYS, PAIR_KEYS
from bot.knowledge.yaml_fields import read_data
from bot.knowledge.yaml_scalars import entry, item, scalar

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
TOPIC_KEYS = ("topic", "says", "questions")


@dataclass(frozen=True, slots=True)
class _Value:
    """A value's place in the text: `start` of its key (of itself in a list), where it begins and
    ends, and the same of its entries where it is a list of lines."""

    start: int
    begin: int
    end: int
    entries: tuple[_Value, ...] = ()
    flow: bool = False


@dataclass(frozen=True, slots=True)
class _Item:
    """An entry of the file's list; `flow`: written in braces, on which no line can be edited."""

    begin: int
    end: int
    values: Mapping[str, _Value]
    flow: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """The text of a file that is a list of keys with values, such as pairs.yaml.

    `keys` are the known keys in the order in which they are written. Every method gives the new
    text; `at` counts the entries from 0.
    """

    text: str
    keys: Sequence[str]

    def put(self, at: int, key: str, text: str) -> Listed:
        """The entry with `key: text`, in place of what it says now; a comment behind it stays."""
        value = self._item(at).values.get(key)
        if value is not None and not (value.entries or value.flow):
            block = self.text[value.begin : value.begin + 1] in ("|", ">")
            rest = self.text[value.end : self._past(value.end)]
            if not block and ("\n" not in text or rest.strip()):
                gap = " " if value.begin == value.end else ""
                return self._changed(value.begin, value.end, gap + scalar(text))
        return self._put_lines(at, key, list(entry(key, text)))

    def _put_lines(self, at: int, key: str, lines: Sequence[str]) -> Listed:
        """The entry with `key` as `lines`; where it is new, in its place in the order of keys."""
        found = self._item(at)
        value = found.values.get(key)
        body = self._indented(found, lines)
        if value is not None:
            start = self._line_start(value.start)
            if start <= found.begin:  # the first key, behind the "- "
                body, start = body.lstrip(" "), value.start
            return self._changed(start, self._line_end(value), body)
        earlier = [k for k in self.keys[: self.keys.index(key)] if k in found.values]
        last = max((found.values[k] for k in earlier), key=lambda v: v.end)
        return self._insert(self._line_end(last), body)

    def drop(self, at: int, key: str) -> Listed:
        """The entry without `key`, which is not its first one."""
        value = self._item(at).values.get(key)
        if value is None:
            return self
        return self._changed(self._line_start(value.start), self._line_end(value), "")

    def add(self, at: int, key: str, text: str, comment: str = "") -> Listed:
        """The entry with `text` at the end of its list `key`, and `comment` behind it."""
        value = self._item(at).values.get(key)
        line = scalar(text) + (f"  # {comment}" if comment else "")
        if value is None or value.flow or not value.entries:
            kept = [scalar(t) for t in self._texts(value)] if value else []
            return self._put_lines(at, key, [f"{key}:", *(f"  - {t}" for t in (*kept, line))])
        last = value.entries[-1]
        before = self.text[self._line_start(last.start) : last.begin]  # the indent and the "- "
        return self._insert(self._line_end(last), before + line + self._end_of_line)

    def take(self, at: int, key: str, number: int) -> Listed:
        """The entry without the text `number` (from 0) of its list `key`."""
        value = self._item(at).values[key]
        if len(value.entries) == 1:
            return self.drop(at, key)
        if value.flow:
            texts = self._texts(value)
            del texts[number]
            return self._put_lines(at, key, [f"{key}:", *(f"  - {scalar(t)}" for t in texts)])
        line = value.entries[number]
        return self._changed(self._line_start(line.start), self._line_end(line), "")

    def remove(self, at: int) -> Listed:
        """The list without an entry, and without one blank line beside it."""
        found = self._item(at)
        start = self._line_start(found.begin)
        end = self._past(found.end)
        before = self.text[:start]
        if before.endswith(("\n\n", "\r\n\r\n")):
            start -= len(self._end_of_line)
        return self._changed(start, end, "")

    def insert(self, at: int, lines: Iterable[str]) -> Listed:
        """The list with an entry of `lines` before the one `at`, or at its end."""
        items = self._items()
        if at >= len(items):
            return self.extend([lines])
        body = self._entry(items, lines)
        return self._insert(self._line_start(items[at].begin), body + self._end_of_line)

    def extend(self, entries: Iterable[Iterable[str]]) -> Listed:
        """The list with entries of such lines behind the last one, before comments that follow."""
        items = self._items()
        bodies = [self._entry(items, lines) for lines in entries]
        if not bodies:
            return self
        body = self._end_of_line.join(bodies)
        if not items:
            text = "" if self.text.strip() == "[]" else self.text.replace("\n[]", "", 1)
            return Listed(text + ("" if text.endswith("\n") else "\n") + "\n" + body, self.keys)
        return self._insert(self._past(items[-1].end), self._end_of_line + body)

    def _entry(self, items: Sequence[_Item], lines: Iterable[str]) -> str:
        """`lines` as an entry, indented as those of the list are."""
        dash = self._dash(items[0]) if items else 0
        indent = " " * (dash - self._line_start(dash))
        return self._end_of_line.join(item(lines, indent=indent)) + self._end_of_line

    def pieces(self) -> tuple[str, tuple[Listed, ...]]:
        """What stands before the first entry, and each entry as a list of its own, with what
        follows it: put together they are the text. For many edits, which cost less on a piece."""
        starts = [self._line_start(self._dash(found)) for found in self._items()]
        ends = [*starts[1:], len(self.text)]
        pieces = (self.text[start:end] for start, end in zip(starts, ends, strict=True))
        return self.text[: (starts or ends)[0]], tuple(Listed(text, self.keys) for text in pieces)

    def _dash(self, found: _Item) -> int:
        """The place of the "-" before an entry (of a list in brackets: no such place)."""
        return max(0, self.text.rfind("-", 0, found.begin))

    @property
    def _end_of_line(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _indented(self, found: _Item, lines: Sequence[str]) -> str:
        column = found.begin - self._line_start(found.begin)
        return "".join((" " * column + line if line else "") + self._end_of_line for line in lines)

    def _texts(self, value: _Value) -> list[str]:
        return [str(yaml.load(self.text[v.begin : v.end], Loader=_Loader)) for v in value.entries]

    def _changed(self, start: int, end: int, new: str) -> Listed:
        return Listed(self.text[:start] + new + self.text[end:], self.keys)

    def _insert(self, place: int, new: str) -> Listed:
        if place and self.text[place - 1] != "\n":  # the file ends without a line break
            new = self._end_of_line + new
        return self._changed(place, place, new)

    def _line_start(self, place: int) -> int:
        return self.text.rfind("\n", 0, place) + 1

    def _line_end(self, value: _Value) -> int:
        return self._past(value.entries[-1].end if value.entries and not value.flow else value.end)

    def _past(self, place: int) -> int:
        """Behind the end of the line in which a value ends at `place`; a block's blank lines at
        its end belong to what comes next."""
        while place > 0 and self.text[place - 1] in " \r\n":
            place -= 1
        end = self.text.find("\n", place)
        return len(self.text) if end < 0 else end + 1

    def _item(self, at: int) -> _Item:
        found = self._items()[at]
        if found.flow:
            raise KnowledgeError(
                "the entry is written in braces, where no line can be changed; write its keys one "
                "a line"
            )
        return found

    def _items(self) -> list[_Item]:
        events: Iterator[Any] = iter(yaml.parse(self.text, Loader=_Loader))
        return [
            _item(events, event)
            for event in _in_list(events)
            if isinstance(event, yaml.MappingStartEvent)
        ]


def _in_list(events: Iterator[Any]) -> Iterator[Any]:
    for event in events:
        if isinstance(event, yaml.SequenceStartEvent):
            break
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            return
        yield event


def _item(events: Iterator[Any], first: Any) -> _Item:
    values: dict[str, _Value] = {}
    end = first.end_mark.index
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        value, end = _value(events, next(events), event.start_mark.index)
        values[event.value] = value
    return _Item(first.start_mark.index, end, values, first.flow_style)


def _value(events: Iterator[Any], event: Any, start: int) -> tuple[_Value, int]:
    begin, end = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.ScalarEvent):
        return _Value(start, begin, end), end
    flow: bool = event.flow_style
    entries: list[_Value] = []
    for inside in events:
        at, until = inside.start_mark.index, inside.end_mark.index
        if isinstance(inside, yaml.SequenceEndEvent):
            end = until if flow else end
            break
        entries.append(_Value(at, at, until))
        end = until
    return _Value(start, begin, end, tuple(entries), flow), end


def pairs_of(text: str) -> Listed:
    """pairs.yaml, to be edited."""
    return Listed(text, PAIR_KEYS)


def documents_of(text: str) -> tuple[str, Listed, str]:
    """The documents of knowledge.yaml, to be edited, and the text before and behind them."""
    whole = Listed(text, DOCUMENT_KEYS)
    node: Any = yaml.compose(text, Loader=_Loader)
    for key, value in node.value:
        if key.value == "documents":
            start = whole._line_start(value.start_mark.index)
            behind = whole._past(value.value[-1].value[-1][1].end_mark.index)
            return text[:start], Listed(text[start:behind], DOCUMENT_KEYS), text[behind:]
    raise KnowledgeError("the knowledge names no documents; list them under 'documents:'")


def topics_of(text: str) -> Listed:
    """out_of_scope.yaml, to be edited."""
    return Listed(text, TOPIC_KEYS)


def read_raw(file: Path) -> str | None:
    """The file's text with its own line ends, without a byte order mark; None where there is no
    file.

    Raises KnowledgeError where it can't be read, is not UTF-8, or has lines that end with CR alone:
    those can't be edited one by one.
    """
    try:
        text = read_data(file).decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"can't be read ({error}); check what it is", file) from error
    if "\r" in text.replace("\r\n", ""):
        message = "has lines that end with CR alone; save it with the line ends of Unix or Windows"
        raise KnowledgeError(message, file)
    return text


def write_checked(
    file: Path, text: str | None, before: str | None, reads: Callable[[Path], object]
) -> None:
    """Put `text` (None: no file) in place of `before`, whole or not at all.

    `reads` is called with a file of the new text, and may refuse it. Raises KnowledgeError where
    it does, where the file no longer says `before`, and where it can't be written.
    """
    try:
        if text is None:
            _refuse_changed(file, before)
            file.unlink(missing_ok=True)
            return
        handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as written:
                written.write(text.encode("utf-8"))
                written.flush()
                os.fsync(written.fileno())
            try:
                reads(Path(name))
            except KnowledgeError as error:
                raise KnowledgeError(str(error).replace(name, str(file))) from error
            os.chmod(name, file.stat().st_mode & 0o777 if file.exists() else 0o644)
            _refuse_changed(file, before)
            os.replace(name, file)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise KnowledgeError(f"can't be written: {error.strerror}", file) from error


class Changed(KnowledgeError):
    """The file is another one on disk than was read."""


def _refuse_changed(file: Path, before: str | None) -> None:
    if read_raw(file) != before:
        raise Changed("was changed by someone else in the meantime; read it again", file)
