"""An exported model: a folder in the cache that is trusted only if nothing about it is off.

    <cache>/encoders/<key>/meta.json        format, dimensions, size and SHA-256 of each file
                           model.onnx       the graph
                           model.weights    its weights, mapped into memory
                           tokenizer.json   the tokenizer

Folders are built under a temporary name and renamed, so a reader sees a whole one or none, and
two processes that export at once both end well. Whatever is cut short, foreign or of another
version counts as absent and is built again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FORMAT = 4  # raise it whenever the graph, its inputs or these files change meaning
MAX_TOKENS = 128  # of one text, the two special ones among them; the rest is cut off
META, GRAPH, WEIGHTS, TOKENIZER = "meta.json", "model.onnx", "model.weights", "tokenizer.json"

_EDGE = 1 << 16  # bytes hashed at either end of the weights in the cheap check
_STALE = 24 * 3600.0  # seconds after which a temporary folder belongs to nobody


def token_limit(of_model: float | None) -> int:
    """The limit that is served: the model's own (None or infinite: none) or MAX_TOKENS."""
    return int(min(of_model or MAX_TOKENS, MAX_TOKENS))


@dataclass(frozen=True, slots=True)
class Exported:
    """A whole export. `reason` tells why there is no graph: sentence-transformers must serve."""

    folder: Path
    dim: int
    max_tokens: int
    pad_id: int
    reason: str | None = None


def write_meta(folder: Path, *, dim: int, max_tokens: int, pad_id: int, reason: str | None) -> None:
    """Seal `folder`: record what it holds, last of all its files."""
    files = {
        path.name: {"size": path.stat().st_size, "sha256": _sha256(path), "edges": _edges(path)}
        for path in sorted(folder.iterdir())
        if path.name != META
    }
    body = {
        "format": FORMAT,
        "dim": dim,
        "max_tokens": max_tokens,
        "pad_id": pad_id,
        "reason": reason,
        "files": files,
    }
    text = json.dumps(body, sort_keys=True)
    (folder / META).write_text(
        json.dumps({"body": text, "sha256": hashlib.sha256(text.encode()).hexdigest()}),
        encoding="utf-8",
    )


def read_exported(folder: Path, *, verify: bool = False) -> Exported | None:
    """The export in `folder`, or None where anything is missing, cut short or foreign.

    Small files are always hashed whole; of the weights the size and both ends (1 ms), with
    `verify` all of them (0.1 s for 90 MB).
    """
    try:
        sealed = json.loads((folder / META).read_text(encoding="utf-8"))
        text = sealed["body"]
        if hashlib.sha256(text.encode()).hexdigest() != sealed["sha256"]:
            return None
        body = json.loads(text)
        if body["format"] != FORMAT:
            return None
        files = body["files"]
        wanted = set() if body["reason"] else {GRAPH, WEIGHTS, TOKENIZER}
        if set(files) != wanted:
            return None
        for name, facts in files.items():
            path = folder / name
            if path.stat().st_size != facts["size"]:
                return None
            whole = verify or name != WEIGHTS
            if (_sha256(path) if whole else _edges(path)) != facts["sha256" if whole else "edges"]:
                return None
        return Exported(
            folder, int(body["dim"]), int(body["max_tokens"]), int(body["pad_id"]), body["reason"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def temporary_folder(parent: Path) -> Path:
    """A new folder in `parent` (made if absent); what crashes left behind is cleared first."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(".tmp-*"):
        try:
            if time.time() - left.stat().st_mtime > _STALE:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue
    folder = Path(tempfile.mkdtemp(prefix=".tmp-", dir=parent))
    folder.chmod(0o755)
    return folder


def install(built: Path, target: Path) -> Path:
    """Rename `built` to `target`; where another process was quicker, its folder is kept.

    A `target` that is not whole is moved away first. Returns the folder to use.
    """
    for _ in range(3):
        try:
            os.rename(built, target)
            return target
        except OSError:
            if read_exported(target) is not None:
                shutil.rmtree(built, ignore_errors=True)
                return target
            aside = temporary_folder(target.parent)
            try:
                os.rename(target, aside / "old")
            except FileNotFoundError:
                pass  # another process has just moved it away too
            finally:
                shutil.rmtree(aside, ignore_errors=True)
    os.rename(built, target)
    return target


def read_record(path: Path) -> Mapping[str, str]:
    """A small JSON object of strings, empty where there is none."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(record, dict):
        return {}
    return {k: v for k, v in record.items() if isinstance(k, str) and isinstance(v, str)}


def write_record(path: Path, record: Mapping[str, str]) -> None:
    """Write `record` whole or not at all. Raises OSError where the folder can't be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(dict(record), file)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _edges(path: Path) -> str:
    with path.open("rb") as file:
        digest = hashlib.sha256(file.read(_EDGE))
        file.seek(max(0, path.stat().st_size - _EDGE))
        digest.update(file.read(_EDGE))
        return digest.hexdigest()
