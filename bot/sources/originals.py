"""What a source is before and after its text is taken out of its format."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from bot.documents.documents import slug
from bot.errors import DocumentError

_SPACE = re.compile(r"[ \t\r\n\f\v\u2028\u2029]+")  # a no-break space is kept: it is a character
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Original:
    """A file to read; its suffix tells the format.

    `name` is what messages and the knowledge call it: a file's path or an address. `path` is where
    its bytes lie, of a page fetched from `url` a temporary file. `charset` is what the server said.
    """

    path: Path
    name: str
    url: str | None = None
    charset: str | None = None

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()

    @property
    def stem(self) -> str:
        """What a document is called after where nothing better is known."""
        if self.url is None:
            return self.path.stem
        parts = urlsplit(self.url)
        name = PurePosixPath(unquote(parts.path)).stem
        return name if slug(name) and name.lower() != "index" else parts.hostname or name

    @property
    def called(self) -> str:
        """How the knowledge names it: a file by its name without folders, a page by its address."""
        return self.url or self.path.name

    def digest(self) -> str:
        """SHA-256 of its bytes, in hex. Raises DocumentError without its name."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(error) from error


@dataclass(frozen=True, slots=True)
class Extracted:
    """The text of a source: paragraphs between blank lines, with Markdown's marks of headings,
    lists, tables and code, a form feed on a line of its own where a page ends.

    `notes` say what was left out.
    """

    text: str
    title: str | None = None
    url: str | None = None
    notes: tuple[str, ...] = ()


def read_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a file, at most `limit` of them. Raises DocumentError without its name."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise _unreadable(error) from error
    if len(data) > limit:
        raise DocumentError(f"is larger than {limit >> 20} MB. Split it into parts.")
    if not data.strip():
        raise DocumentError("is empty. Give a file with at least one sentence.")
    return data


def _unreadable(error: OSError) -> DocumentError:
    return DocumentError(f"cannot be read ({error.strerror}). Check its permissions.")


def one_line(text: str) -> str:
    """`text` without control characters and new lines, single spaces, none at the ends."""
    return _CONTROL.sub("", _SPACE.sub(" ", text)).strip()


def table_lines(rows: list[list[str]]) -> str:
    """A table in Markdown's marks; rows are made equally long."""
    width = max(map(len, rows))
    lines = []
    for number, row in enumerate(rows):
        cells = [cell.replace("|", "\\|") for cell in row] + [""] * (width - len(row))
        lines.append("| " + " | ".join(cells) + " |")
        if number == 0:
            lines.append("|" + " --- |" * width)
    return "\n".join(lines)
