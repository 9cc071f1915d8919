"""Encoders: texts to vectors, by any sentence-transformers model, without torch where possible.

`load_encoder` exports the model once to the cache folder and from then on serves the export
with onnxruntime. Cosines of the vectors are dot products, for all are L2-normalised.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bot.encoding.exported import (
    FORMAT,
    GRAPH,
    TOKENIZER,
    Exported,
    install,
    read_exported,
    temporary_folder,
    token_limit,
)
from bot.encoding.model_source import ModelSource, find_model, remember
from bot.errors import EncoderError
from bot.types import Span

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

Vectors = NDArray[np.float32]
Progress = Callable[[str], None]

BATCH_TEXTS = 32
BATCH_TOKENS = 1024  # padding included: more is no quicker and costs memory
# A fusion of two operators of which the fused one takes twice the time of both.
SLOWER = ["SkipLayerNormFusion"]
_TINY = 1e-12
_WORD = re.compile(r"\w+|[^\w\s]")
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """One text: its vector float32 [dim], and of each token a vector float32 [t, d] and a span.

    All vectors are L2-normalised; `spans[i]` is where token i stands in the text. Special tokens
    and what lies behind the token limit are left out. `d` is `dim` unless the model projects.
    """

    vector: Vectors
    tokens: Vectors
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        if self.tokens.shape[0] != len(self.spans):
            raise ValueError("each token needs one vector and one span")


class Encoder(Protocol):
    """Texts to unit vectors. A text's vector doesn't depend on the texts it comes with (1e-5)."""

    @property
    def digest(self) -> str: ...  # of the model: vectors of equal digests may be compared

    @property
    def dim(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors float32 [n, dim], L2-normalised, in the order of `texts`; [0, dim] for none."""
        ...

    def encode_tokens(self, text: str) -> Encoding:
        """The vector of `text` and those of its tokens, from one pass."""
        ...

    def encode_each(self, texts: Sequence[str]) -> list[Encoding]:
        """`encode_tokens` of each text, in one pass for all."""
        ...


class OnnxEncoder:
    """An exported model run by onnxruntime. Threads may share one."""

    def __init__(
        self,
        session: InferenceSession,
        tokenizer: Tokenizer,
        *,
        digest: str,
        dim: int,
        pad_id: int,
    ) -> None:
        self._session, self._tokenizer = session, tokenizer
        self._pad_id = pad_id
        self.digest, self.dim = digest, dim

    @classmethod
    def open(
        cls, folder: Path, *, digest: str, dim: int, max_tokens: int, pad_id: int, threads: int = 1
    ) -> OnnxEncoder:
        """Open the graph, weights and tokenizer in `folder`; EncoderError where they don't load."""
        import onnxruntime as ort
        from tokenizers import Tokenizer

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # A question needs a few MB for milliseconds; the arena would keep the largest batch's
        # memory for good. Measured: no slower without it.
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            session = ort.InferenceSession(
                str(folder / GRAPH),
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=SLOWER,
            )
        except Exception as error:  # both libraries raise kinds of their own
            raise EncoderError(
                f"the exported model in {folder} can't be opened: {error}"
            ) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        return cls(session, tokenizer, digest=digest, dim=dim, pad_id=pad_id)

    def encode(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dim), np.float32)
        encoded = [self._tokenize(text) for text in texts]
        for batch in batches([len(e.ids) for e in encoded]):
            (found,) = self._run([encoded[i] for i in batch], "sentence_embedding")
            vectors[batch] = unit(found)
        return vectors

    def encode_tokens(self, text: str) -> Encoding:
        return self.encode_each([text])[0]

    def encode_each(self, texts: Sequence[str]) -> list[Encoding]:
        encoded = [self._tokenize(text) for text in texts]
        each: dict[int, Encoding] = {}
        for batch in batches([len(e.ids) for e in encoded]):
            vectors, tokens = self._run(
                [encoded[i] for i in batch], "sentence_embedding", "token_embeddings"
            )
            for row, i in enumerate(batch):
                e = encoded[i]
                each[i] = _encoding(
                    unit(vectors[row]), tokens[row], e.offsets, e.special_tokens_mask
                )
        return [each[i] for i in range(len(texts))]

    def values(self, text: str, names: Sequence[str]) -> list[NDArray[Any]]:
        """What the graph makes of `text` at its outputs `names`."""
        return self._run([self._tokenize(text)], *names)

    def _tokenize(self, text: str) -> Any:
        return self._tokenizer.encode(_SURROGATES.sub("\ufffd", text))

    def _run(self, encoded: Sequence[Any], *outputs: str) -> list[NDArray[Any]]:
        # At least two tokens: the graph is exported for that, and a bare tokenizer may give none.
        longest = max(2, *(len(e.ids) for e in encoded))
        ids = np.full((len(encoded), longest), self._pad_id, np.int64)
        mask = np.zeros_like(ids)
        for row, e in enumerate(encoded):
            ids[row, : len(e.ids)] = e.ids
            mask[row, : len(e.ids)] = 1
        found = self._session.run(list(outputs), {"input_ids": ids, "attention_mask": mask})
        return [np.asarray(values) for values in found]


class SentenceTransformerEncoder:
    """Any model as sentence-transformers runs it: the fallback where no export is possible.

    Imports torch: slower to start, three times the time and memory. A model without vectors of
    tokens (a static one, say) encodes each word by itself for `encode_tokens`.
    """

    def __init__(self, model: Any, *, digest: str) -> None:
        self._model = model
        self.digest = digest
        self.dim = int(model.get_embedding_dimension())

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        found = self._model.encode(
            [_SURROGATES.sub("\ufffd", text) for text in texts],
            batch_size=BATCH_TEXTS,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return unit(np.asarray(found, np.float32))

    def encode_tokens(self, text: str) -> Encoding:
        clean = _SURROGATES.sub("\ufffd", text)
        (vector,) = self.encode([clean])
        tokenizer: Any = getattr(self._model, "tokenizer", None)
        if getattr(tokenizer, "backend_tokenizer", None) is None:
            spans = tuple(Span(*m.span()) for m in _WORD.finditer(clean))
            return Encoding(vector, self.encode([s.of(clean) for s in spans]), spans)
        marks = tokenizer(
            clean,
            truncation=True,
            max_length=token_limit(self._model.max_seq_length),
            return_offsets_mapping=True,
            return_special_tokens_mask=True,
        )
        tokens = self._model.encode(
            clean, output_value="token_embeddings", prompt="", show_progress_bar=False
        )
        return _encoding(
            vector,
            np.asarray(tokens.cpu(), np.float32),
            marks["offset_mapping"],
            marks["special_tokens_mask"],
        )

    def encode_each(self, texts: Sequence[str]) -> list[Encoding]:
        return [self.encode_tokens(text) for text in texts]


def unit(vectors: NDArray[Any]) -> Vectors:
    """Rows scaled to length 1, float32; a row of zeros stays one."""
    lengths = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return np.asarray(vectors / np.maximum(lengths, _TINY), dtype=np.float32)


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of `lengths` (tokens of each text) in batches of like length.

    At most BATCH_TEXTS texts and BATCH_TOKENS tokens with padding in one, but always one text.
    """
    batch: list[int] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        longest = lengths[index]  # ascending
        full = len(batch) == BATCH_TEXTS or (len(batch) + 1) * longest > BATCH_TOKENS
        if batch and full:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _encoding(
    vector: Vectors,
    tokens: NDArray[Any],
    offsets: Sequence[tuple[int, int]],
    special: Sequence[int],
) -> Encoding:
    kept = [i for i, (start, end) in enumerate(offsets) if start < end and not special[i]]
    return Encoding(vector, unit(tokens[kept]), tuple(Span(*offsets[i]) for i in kept))


def _quiet(line: str) -> None:
    """The progress of a caller that wants none."""


def load_encoder(
    model: str | None,
    cache_folder: Path,
    *,
    threads: int = 1,
    progress: Progress = _quiet,
    verify: bool = False,
) -> Encoder:
    """The encoder of `model`: a sentence-transformers folder or name; None is the bundled model.

    The first call for a model exports it to `cache_folder` (20 s, in a process of its own; one
    line to `progress`). A cache that can't be written costs the export at each start, and one
    line says so. `verify` hashes the whole export instead of its ends.

    Raises EncoderError where the model is missing, isn't one, or isn't the published one.
    """
    folder = cache_folder / "encoders"
    source = find_model(model, folder / "models")
    if source.digest is not None:
        found = read_exported(folder / _key(source.digest), verify=verify)
        if found is not None:
            try:
                return _open(source, found, source.digest, threads)
            except EncoderError:
                if found.reason is not None:
                    raise  # it is the model that doesn't load: another export won't help
    return _export(source, folder, threads, progress)


def _key(digest: str) -> str:
    return hashlib.sha256(f"{digest} {FORMAT}".encode()).hexdigest()[:32]


def _open(source: ModelSource, found: Exported, digest: str, threads: int) -> Encoder:
    if found.reason is not None:
        from bot.encoding.export import load_sentence_transformer

        return SentenceTransformerEncoder(
            load_sentence_transformer(source.name), digest=_key(digest)
        )
    return OnnxEncoder.open(
        found.folder,
        digest=_key(digest),
        dim=found.dim,
        max_tokens=found.max_tokens,
        pad_id=found.pad_id,
        threads=threads,
    )


def _export(source: ModelSource, folder: Path, threads: int, progress: Progress) -> Encoder:
    """Export `source` below `folder` and open it; in a temporary folder if that can't be."""
    progress(f"Preparing the {source.label} once for quick starts (about 20 seconds) …")
    lasting = True
    try:
        built = temporary_folder(folder)
    except OSError as error:
        lasting = False
        progress(
            f"Warning: the cache folder {folder.parent} can't be written "
            f"({error.strerror or error}), so the model is prepared again at every start. "
            "Set QUOTH_CACHE_DIR to a folder that can be written."
        )
        built = Path(tempfile.mkdtemp(prefix="quoth-"))
    try:
        loaded = _run_export(source, built)
        digest = source.digest or loaded
        place = install(built, folder / _key(digest)) if lasting else built
        remember(source, digest)
        found = read_exported(place)
        if found is None:
            raise EncoderError(
                f"the exported model in {place} can't be read back: is the disk full?"
            )
        if found.reason is not None:
            progress(
                f"The {source.label} can't be exported ({found.reason}): it is served by "
                "sentence-transformers, slower and with more memory."
            )
        return _open(source, found, digest, threads)
    except OSError as error:
        raise EncoderError(f"the {source.label} can't be prepared in {folder}: {error}") from error
    finally:
        # Gone already if it was installed. What is open stays mapped where the system allows it.
        shutil.rmtree(built, ignore_errors=True)


def _run_export(source: ModelSource, target: Path) -> str:
    """Run `bot.encoding.export` in a process of its own; the digest of the weights it loaded."""
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
    if source.folder is not None:  # everything lies here: not a look at any hub
        environment.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    done = subprocess.run(
        [sys.executable, "-m", "bot.encoding.export", source.name, str(target)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    try:
        result = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EncoderError(
            f"preparing the {source.label} failed with status {done.returncode}: {last}"
        ) from None
    if "error" in result:
        raise EncoderError(result["error"])
    return str(result["digest"])
