"""Reading JSON that nobody has checked: what is missing or of another type is simply empty."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

_ID = re.compile(r"[\x21-\x7e]{1,600}")
_ITEMS = 1000  # of one list; no platform sends as many at once


def parse_json(body: bytes | str) -> dict[str, Any] | None:
    """The object that `body` is, None where it is anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def parse_form(body: bytes) -> dict[str, str] | None:
    """The fields of a form, the first of each name, not cleaned; None where it is none.

    Strict: every field has its "=", and what is escaped is UTF-8.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=1000,
        )
    except ValueError:
        return None
    return dict(reversed(pairs))


def at(value: object, *path: str) -> object:
    """What stands at `path` of nested objects; None where there is nothing."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def text_at(value: object, *path: str) -> str:
    """The text at `path`, "" where there is none; without NUL and lone surrogates."""
    found = at(value, *path)
    return clean(found) if isinstance(found, str) else ""


def id_at(value: object, *path: str) -> str:
    """The id at `path`, a number or visible ASCII; "" where there is none that can be trusted."""
    found = at(value, *path)
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 1 << 63:
        return str(found)
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def number_at(value: object, *path: str) -> str:
    """The whole number at `path` in digits, "" where there is none."""
    found = at(value, *path)
    if not isinstance(found, int) or isinstance(found, bool) or abs(found) >= 1 << 63:
        return ""
    return str(found)


def objects_at(value: object, *path: str) -> list[dict[str, Any]]:
    """The objects in the list at `path`, in order."""
    found = at(value, *path)
    if not isinstance(found, list):
        return []
    return [item for item in found[:_ITEMS] if isinstance(item, dict)]


def clean(text: str) -> str:
    """`text` as every database and encoding takes it: no NUL, no lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def to_json(value: object) -> bytes:
    """Compact UTF-8 JSON, the same bytes for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
