"""YAML that a person edits, read strictly: every fault has a file and a line.

Every scalar is text: `no`, `1.0` and `2020-01-01` mean what they look like. What YAML offers
beyond nested lists and keys (tags, anchors, several documents in a file) is refused.
"""

from __future__ import annotations

import difflib
import errno
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.errors import KnowledgeError
from bot.knowledge.yaml_scalars import UNPRINTABLE

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # BaseLoader: every scalar is text
_MAX_DEPTH = 8  # of lists and mappings in each other; the files here need four
_LINE_ENDS = "\r\x85\u2028\u2029"
_NULLS = ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar and the line it begins on (from 1); `bare` says that it stands without quotes."""

    value: str
    line: int
    bare: bool = False

    @property
    def is_null(self) -> bool:
        return self.bare and self.value in _NULLS


@dataclass(frozen=True, slots=True)
class Entries:
    """A list."""

    nodes: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping in the order of the file, duplicate keys included."""

    nodes: tuple[tuple[Node, Node], ...]
    line: int


Node = Text | Entries | Keys


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping whose keys are known; every getter raises KnowledgeError with file and line.

    `what` names the thing in messages ("a pair").
    """

    nodes: Mapping[str, Node]
    file: Path
    line: int
    what: str

    @classmethod
    def of(cls, node: Node, file: Path, what: str, known: Sequence[str] | None = None) -> Fields:
        """The fields of `node`; keys outside `known` are refused (None: any key)."""
        if not isinstance(node, Keys):
            expected = f" ({', '.join(known)})" if known else ""
            raise KnowledgeError(f"{what} must be keys with values{expected}", file, node.line)
        nodes: dict[str, Node] = {}
        for key_node, value in node.nodes:
            key = _text(key_node, file, f"a key of {what}").value
            if key in nodes:
                first = nodes[key].line
                raise KnowledgeError(
                    f"{key!r} stands twice in {what}, first near line {first}; keep one",
                    file,
                    key_node.line,
                )
            if known is not None and key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise KnowledgeError(
                    f"unknown key {key!r} in {what}; {hint}Keys: {', '.join(known)}",
                    file,
                    key_node.line,
                )
            nodes[key] = value
        return cls(nodes, file, node.line, what)

    def text(self, key: str) -> Text | None:
        """The text under `key`; None where it is absent, empty, `null` or `~`."""
        node = self._present(key)
        return None if node is None else _text(node, self.file, self._name(key))

    def required(self, key: str) -> Text:
        """The text under `key`, which must be there and say something."""
        if key not in self.nodes:
            raise KnowledgeError(f"{self.what} has no {key!r}; add one", self.file, self.line)
        text = _text(self.nodes[key], self.file, self._name(key))
        if not text.value.strip():
            raise KnowledgeError(f"{self._name(key)} is empty; fill it in", self.file, text.line)
        return text

    def texts(self, key: str) -> tuple[Text, ...]:
        """The list of texts under `key`, empty ones included; () where it is absent."""
        what = f"an entry of {self._name(key)}"
        return tuple(_text(node, self.file, what) for node in self.entries(key))

    def entries(self, key: str) -> tuple[Node, ...]:
        """The list under `key`; () where it is absent."""
        node = self._present(key)
        return () if node is None else entries_of(node, self.file, self._name(key))

    def fields(self, key: str, known: Sequence[str] | None = None) -> Fields | None:
        """The mapping under `key` with the keys `known` (None: any); None where it is absent."""
        node = self._present(key)
        return None if node is None else Fields.of(node, self.file, self._name(key), known)

    def _present(self, key: str) -> Node | None:
        node = self.nodes.get(key)
        return None if isinstance(node, Text) and node.is_null else node

    def _name(self, key: str) -> str:
        return f"{key!r} of {self.what}"


def entries_of(node: Node, file: Path, what: str) -> tuple[Node, ...]:
    """The entries of `node`, which must be a list."""
    if not isinstance(node, Entries):
        message = f"{what} must be a list; begin each entry with '- '"
        raise KnowledgeError(message, file, node.line)
    return node.nodes


def read_data(file: Path) -> bytes:
    """The bytes of a file. Raises OSError, also for a pipe, for which a server would wait for
    ever."""
    if not stat.S_ISREG(file.stat().st_mode) and not file.is_dir():
        raise OSError(errno.EINVAL, "it is no regular file", str(file))
    return file.read_bytes()


def read_text(file: Path) -> str:
    """The text of a UTF-8 file (a byte order mark is dropped). Raises KnowledgeError."""
    try:
        data = read_data(file)
    except FileNotFoundError:
        raise KnowledgeError("the file is missing; restore it, or draw it anew", file) from None
    except OSError as error:
        message = f"cannot be read ({error.strerror}); check what it is and its rights"
        raise KnowledgeError(message, file) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise KnowledgeError("is not UTF-8; save the file as UTF-8", file, line) from error


def read_yaml(file: Path) -> Node:
    """The one YAML document of `file`. Raises KnowledgeError with the line of the fault."""
    text = read_text(file)
    try:
        events = yaml.parse(text, Loader=_Loader)
        next(events)  # the stream begins
        if isinstance(next(events), yaml.StreamEndEvent):
            raise KnowledgeError("is empty; fill it in, or restore it", file, 1)
        node = _build(events, next(events), file, 0)
        next(events)  # the document ends
        after: Any = next(events)
    except yaml.reader.ReaderError as error:
        found = (m.start() for m in UNPRINTABLE.finditer(text) if m.group() not in _LINE_ENDS)
        line = text.count("\n", 0, next(found, 0)) + 1
        message = "has a character that YAML doesn't allow; delete it"
        raise KnowledgeError(message, file, line) from error
    except yaml.MarkedYAMLError as error:
        raise KnowledgeError(_explain(error), file, _error_line(error)) from error
    if not isinstance(after, yaml.StreamEndEvent):
        line = int(after.start_mark.line) + 1
        raise KnowledgeError("has a second part; delete the line '---'", file, line)
    if isinstance(node, Text) and node.is_null:
        raise KnowledgeError("is empty; fill it in, or restore it", file, 1)
    return node


def _build(events: Iterator[Any], event: Any, file: Path, depth: int) -> Node:
    """The node that begins with `event`. Not yaml.compose: its recursion overflows the C stack."""
    line = int(event.start_mark.line) + 1
    if depth > _MAX_DEPTH:
        raise KnowledgeError("lists and keys stand too deep in each other", file, line)
    if isinstance(event, yaml.AliasEvent):
        message = f"'*{event.anchor}' is an alias, which isn't used here; put the text in quotes"
        raise KnowledgeError(message, file, line)
    if event.anchor or event.tag:
        sign = f"&{event.anchor}" if event.anchor else event.tag
        message = f"{sign!r} begins the text and isn't used here; put the text in quotes"
        raise KnowledgeError(message, file, line)
    if isinstance(event, yaml.ScalarEvent):
        return Text(event.value, line, event.style in (None, ""))
    if isinstance(event, yaml.SequenceStartEvent):
        entries = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            entries.append(_build(events, event, file, depth + 1))
        return Entries(tuple(entries), line)
    pairs = []
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key = _build(events, event, file, depth + 1)
        pairs.append((key, _build(events, next(events), file, depth + 1)))
    return Keys(tuple(pairs), line)


def _text(node: Node, file: Path, what: str) -> Text:
    if isinstance(node, Text):
        return node
    kind = "a list" if isinstance(node, Entries) else "keys with values"
    message = f"{what} must be a text, not {kind}; put it in double quotes"
    raise KnowledgeError(message, file, node.line)


def _error_line(error: yaml.MarkedYAMLError) -> int | None:
    mark = error.problem_mark or error.context_mark
    return None if mark is None else int(mark.line) + 1


def _explain(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "a fault"
    if "tab" in problem:
        remedy = "indent with spaces, no tabs"
    elif "cannot start any token" in problem:
        remedy = "indent with spaces, no tabs, and put a text that begins with a sign in quotes"
    elif "mapping values are not allowed" in problem:
        remedy = "a text with a colon goes in double quotes"
    else:
        remedy = "check quotes, colons and indentation there"
    return f"is not YAML ({problem}); {remedy}"
