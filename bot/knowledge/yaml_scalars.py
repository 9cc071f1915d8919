"""YAML as a person would write it: text bare where that is safe, one text a line.

Written so that diffs stay small and that `yaml_fields` reads back exactly what was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from bot.errors import KnowledgeError

# Words that other YAML readers take for a value of another type.
_NOT_TEXT = re.compile(
    r"null|true|false|yes|no|on|off|y|n|0[xo][\da-f]+|[\d+.-][\d.,:_+-]*(?:e[+-]?\d+)?"
    r"|[\d-]+[t ][\d:.z+-]+",
    re.IGNORECASE,
)
# What YAML forbids in a file, and what it would take for the end of a line.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")
_BARE = re.compile(r"[^\W_](?:[^:#\t\n]|:(?=\S)|(?<=\S)#)*")
_BARE_IN_FLOW = re.compile(r"[^\W_][\w .'’()-]*")
_ESCAPED = re.compile(r'[\\"\t\n]|' + UNPRINTABLE.pattern)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def scalar(text: str, *, flow: bool = False) -> str:
    """`text` as YAML on one line, bare where that is safe (in `[...]` when `flow`), else quoted.

    Raises KnowledgeError on half a character (a lone surrogate), which UTF-8 has no form for.
    """
    bare = (_BARE_IN_FLOW if flow else _BARE).fullmatch(text) is not None
    if (
        bare
        and text == text.strip()
        and not UNPRINTABLE.search(text)
        and not _NOT_TEXT.fullmatch(text)
    ):
        return text
    return '"' + _ESCAPED.sub(lambda found: _escape(found.group()), text) + '"'


def entry(key: str, text: str, *, indent: str = "") -> Iterator[str]:
    """The lines of `key: text`; a text of several lines stands as a block, as it reads."""
    if not _reads_back_as_block(text):
        yield f"{indent}{scalar(key)}: {scalar(text)}"
        return
    yield f"{indent}{scalar(key)}: |-"
    for line in text.split("\n"):
        yield f"{indent}  {line}" if line else ""


def listing(key: str, texts: Sequence[str], *, indent: str = "") -> Iterator[str]:
    """The lines of a list, one text a line; nothing where it is empty."""
    if texts:
        yield f"{indent}{scalar(key)}:"
    for text in texts:
        yield f"{indent}  - {scalar(text)}"


def item(lines: Iterable[str], *, indent: str = "") -> Iterator[str]:
    """`lines` as one entry of a list."""
    for number, line in enumerate(lines):
        mark = "- " if number == 0 else "  "
        yield f"{indent}{mark}{line}" if line else ""


def flow(texts: Sequence[str]) -> str:
    """A short list on one line: `[MS, ALS]`."""
    return "[" + ", ".join(scalar(text, flow=True) for text in texts) + "]"


def _escape(char: str) -> str:
    code = ord(char)
    if 0xD800 <= code < 0xE000:
        raise KnowledgeError(f"half a character (U+{code:04X}) cannot be written; delete it")
    return _ESCAPES.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _reads_back_as_block(text: str) -> bool:
    """Whether a literal block gives back `text`: no blank ends of lines, no odd characters."""
    lines = text.split("\n")
    return (
        len(lines) > 1
        and bool(lines[0] and lines[-1])
        and not lines[0][0].isspace()
        and "\t" not in text
        and not UNPRINTABLE.search(text)
        and all(line == line.rstrip() for line in lines)
    )
