"""One-time export of a sentence-transformers model to ONNX, so that serving needs no torch.

The graph takes `input_ids` and `attention_mask`, both int64 [n, tokens], and gives
`token_embeddings` float32 [n, tokens, d] and `sentence_embedding` float32 [n, dim]: the model's
own modules run inside it, whatever their pooling. The weights lie in a file beside the graph,
so that they are mapped into memory instead of copied.

Run as a process of its own (`python -m bot.encoding.export MODEL FOLDER`): torch's 300 MB and
its threads never enter the process that serves. It prints one JSON object as its last line, either
`{"digest": ...}` or `{"error": ...}`.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shutil
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from bot.encoding import graph as graphs
from bot.encoding.exported import GRAPH, TOKENIZER, WEIGHTS, token_limit, write_meta
from bot.errors import EncoderError

PROBES = (
    "what is this",
    "How long do people live with it, and does that depend on when it was found?",
    "",
    "ALS 5–10 years, “naïve” reply 😀 " * 5,
)
SAME = 1e-4  # largest difference of a component that still counts as the same vector
LIKE = 0.99  # least cosine of a vector to that of the full weights; the bundled model has 0.996
OPSET = 23  # the first that has attention as one operator
# Texts of many kinds, on which the size of each channel is measured before 8 bits are chosen.
SAMPLES = (
    *PROBES,
    "hi",
    "cancel my order please, it still hasn't arrived!!",
    "Which of the two drugs was approved in 1995, and by whom?",
    "my grandmother lost her hearing at 70 and nobody can tell us why",
    "The capital of Australia is Canberra, not Sydney.",
    "def main(): return 0",
    "pls tell me opening hours sunday",
    "Symptoms include numbness, tingling, weakness, fatigue, vision problems and trouble walking.",
    "How many people voted for the second candidate in Ohio (2016)?",
    "no, I meant the other one",
)


def load_sentence_transformer(name_or_folder: str) -> Any:
    """Load any sentence-transformers model by name or folder; EncoderError says what to do.

    A folder is loaded without a look at the network, and so is a name that was fetched before.
    Texts are cut off at MAX_TOKENS.
    """
    folder = Path(name_or_folder)
    if folder.exists() and not (folder / "config.json").is_file() and not _has_modules(folder):
        raise EncoderError(
            f"{folder} is not a model folder: it has no config.json. Set QUOTH_MODEL to a folder "
            "saved by sentence-transformers, or to a model's name."
        )
    from sentence_transformers import SentenceTransformer

    try:
        try:
            model = SentenceTransformer(name_or_folder, device="cpu", local_files_only=True)
        except Exception:
            if folder.exists():
                raise
            model = SentenceTransformer(name_or_folder, device="cpu")
    except Exception as error:  # the library raises many kinds; the remedy is the same
        why = " ".join(str(error).split())[:300]
        raise EncoderError(
            f"model {name_or_folder!r} could not be loaded ({type(error).__name__}: {why}). "
            "Set QUOTH_MODEL to a sentence-transformers folder or name; a name needs a network "
            "once."
        ) from error
    limit = token_limit(model.max_seq_length)
    if limit != model.max_seq_length:
        with contextlib.suppress(AttributeError):  # static models take texts of any length
            model.max_seq_length = limit
    return model


def _has_modules(folder: Path) -> bool:
    return (folder / "modules.json").is_file()


def weights_digest(model: Any) -> str:
    """SHA-256 over a loaded model: names, shapes and bytes of its tensors, and its tokenizer.

    For a model named on a hub, whose files lie where only the hub's client knows.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {tuple(values.shape)} {values.dtype}\n".encode())
        digest.update(values.flatten().view(dtype=_bytes()).numpy())
    backend = _fast_tokenizer(model)
    digest.update(b"" if backend is None else backend.to_str().encode("utf-8"))
    return digest.hexdigest()


def _bytes() -> Any:
    import torch

    return torch.uint8


def _fast_tokenizer(model: Any) -> Any | None:
    return getattr(getattr(model, "tokenizer", None), "backend_tokenizer", None)


def export_onnx(model: Any, folder: Path) -> None:
    """Write `model` (a SentenceTransformer) to `folder` as graph, weights and tokenizer.

    Raises EncoderError where the model has no fast tokenizer, wants a prompt before each text,
    or cannot be exported by torch.
    """
    import torch

    class Graph(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any, attention_mask: Any) -> tuple[Any, Any]:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            for module in self.model:
                features = module(features)
            return features["token_embeddings"], features["sentence_embedding"]

    backend = _fast_tokenizer(model)
    if backend is None:
        raise EncoderError("it has no fast tokenizer")
    if getattr(model, "default_prompt_name", None):
        raise EncoderError("it puts a prompt before each text")
    model.eval()
    sample = model.tokenizer(["what is this", "a somewhat longer question?"], padding=True)
    ids = torch.tensor(sample["input_ids"])
    mask = torch.tensor(sample["attention_mask"])
    n, tokens = torch.export.Dim("n", min=1, max=4096), torch.export.Dim("tokens", min=2, max=512)
    target = folder / GRAPH
    try:
        with torch.no_grad():
            torch.onnx.export(
                Graph().eval(),
                (ids, mask),
                str(target),
                input_names=["input_ids", "attention_mask"],
                output_names=["token_embeddings", "sentence_embedding"],
                dynamic_shapes={
                    "input_ids": {0: n, 1: tokens},
                    "attention_mask": {0: n, 1: tokens},
                },
                dynamo=True,
                external_data=False,
                opset_version=OPSET,
                verbose=False,
            )
        _split(target)
    except Exception as error:
        raise EncoderError(
            f"torch can't export it: {' '.join(str(error).split())[:300]}"
        ) from error
    backend.no_padding()
    backend.no_truncation()
    backend.save(str(folder / TOKENIZER), pretty=False)


def _split(graph: Path) -> None:
    """Flatten attention; weights into a file of their own; drop the notes on every node."""
    import onnx

    model = onnx.load(str(graph))
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in (*model.graph.value_info, *model.graph.initializer):
        value.doc_string = ""
        del value.metadata_props[:]
    graphs.flatten_attention(model)
    graph.unlink()
    _save(model, graph)


def _save(model: Any, graph: Path) -> None:
    import onnx

    onnx.save_model(
        model, str(graph), save_as_external_data=True, location=WEIGHTS, size_threshold=1024
    )
    for path in (graph, graph.with_name(WEIGHTS)):
        path.chmod(0o644)  # onnx writes the weights for their owner alone; caches are shared


def check_export(model: Any, folder: Path, limits: dict[str, int]) -> None:
    """Compare the graph's vectors with the model's on PROBES, alone and together.

    Raises EncoderError where a component differs by more than SAME.
    """
    together, alone = _vectors(folder, limits)
    wanted = model.encode(list(PROBES), normalize_embeddings=True, show_progress_bar=False)
    worst = float(max(abs(together - wanted).max(), abs(alone - wanted).max()))
    if not worst <= SAME:
        raise EncoderError(f"the exported graph's vectors are off by {worst:.2g}")


def shrink(folder: Path, limits: dict[str, int]) -> bool:
    """Keep the graph's matrices in 8 bits (`graph.to_eight_bits`), if its vectors stay alike.

    A pass takes under half the time. False, and nothing done, where a vector of PROBES would have
    a cosine below LIKE to what it was or depend on its batch.
    """
    import onnx

    full, _ = _vectors(folder, limits)
    model = onnx.load(str(folder / GRAPH))
    graphs.to_eight_bits(model, _largest(folder, limits))
    small = folder / "small"
    small.mkdir()
    try:
        _save(model, small / GRAPH)
        shutil.copyfile(folder / TOKENIZER, small / TOKENIZER)
        together, alone = _vectors(small, limits)
        alike = (together * full).sum(axis=1).min() >= LIKE and abs(together - alone).max() <= SAME
        if alike:
            for name in (GRAPH, WEIGHTS):
                (small / name).replace(folder / name)
        return bool(alike)
    finally:
        shutil.rmtree(small)


def _largest(folder: Path, limits: dict[str, int]) -> dict[str, Any]:
    """The largest magnitude of each channel of what meets a matrix of weights, over SAMPLES."""
    import numpy as np
    import onnx

    from bot.encoding.encoders import OnnxEncoder

    model = onnx.load(str(folder / GRAPH))
    names = graphs.matrix_inputs(model)
    known = {o.name for o in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=n) for n in names if n not in known)
    measured = folder / "measured"
    measured.mkdir()
    try:
        _save(model, measured / GRAPH)
        shutil.copyfile(folder / TOKENIZER, measured / TOKENIZER)
        encoder = OnnxEncoder.open(measured, digest="", **limits)
        largest: dict[str, Any] = {}
        for text in SAMPLES:
            for name, values in zip(names, encoder.values(text, names), strict=True):
                sizes = np.abs(values).reshape(-1, values.shape[-1]).max(axis=0)
                largest[name] = np.maximum(largest.get(name, 0), sizes)
        return largest
    finally:
        shutil.rmtree(measured)


def _vectors(folder: Path, limits: dict[str, int]) -> tuple[Any, Any]:
    """What the graph in `folder` makes of PROBES: together, and each alone."""
    import numpy as np

    from bot.encoding.encoders import OnnxEncoder

    encoder = OnnxEncoder.open(folder, digest="", **limits)
    alone = np.concatenate([encoder.encode([text]) for text in PROBES])
    return encoder.encode(PROBES), alone


def export(name_or_folder: str, folder: Path) -> str:
    """Fill the existing, empty `folder` for `bot.encoding.exported`; the digest of the weights.

    Where no export is possible the folder only records why; such a model is then served by
    sentence-transformers itself.
    """
    model = load_sentence_transformer(name_or_folder)
    limits = {
        "dim": int(model.get_embedding_dimension() or 0),
        "max_tokens": token_limit(model.max_seq_length),
        "pad_id": int(getattr(model.tokenizer, "pad_token_id", None) or 0),
    }
    reason = None
    try:
        export_onnx(model, folder)
        check_export(model, folder, limits)
        shrink(folder, limits)
    except EncoderError as error:
        reason = str(error)
        for path in folder.iterdir():
            path.unlink()
    write_meta(folder, reason=reason, **limits)
    return weights_digest(model)


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise EncoderError(f"{folder} is not empty; name a new folder")
    except OSError as error:
        raise EncoderError(f"{folder} can't be made: {error.strerror}") from error


def main(arguments: list[str]) -> int:
    """`python -m bot.encoding.export MODEL FOLDER`; exit 0, or 1 with the error in the JSON.

    FOLDER is made where it is not there. One with something in it is refused, for an export that
    fails empties it.
    """
    result: dict[str, str]
    noise = io.StringIO()
    try:
        if len(arguments) != 2:
            raise EncoderError("two arguments are needed: a model (a name or folder) and a folder")
        _make_empty(Path(arguments[1]))
        with redirect_stdout(noise), redirect_stderr(noise), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = {"digest": export(arguments[0], Path(arguments[1]))}
    except EncoderError as error:
        result = {"error": str(error)}
    print(json.dumps(result), flush=True)
    return 1 if "error" in result else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
