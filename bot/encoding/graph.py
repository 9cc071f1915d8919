"""What is changed in an exported graph so that a question's pass is quick on a CPU.

Both changes keep a text's vector independent of the texts it is encoded with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LEVELS = 127  # of an activation, or of two neighbouring weights together, either side of zero
SMOOTHING = 0.6  # how much of the channels' unlikeness the weights take over
UNLIKE = 4.0  # largest channel over the median one, from which that is worth a multiplication


def flatten_attention(model: Any) -> None:
    """Let attention take and give [n, tokens, heads * size] instead of a transposed copy of each.

    Attention of another form than projections that are reshaped and transposed stays as it is.
    """
    from onnx import helper

    graph = model.graph
    made_by = {out: node for node in graph.node for out in node.output}
    read_by = _readers(graph)
    shapes = {v.name: v.type.tensor_type.shape.dim for v in graph.value_info}
    for node in [n for n in graph.node if n.op_type == "Attention" and len(n.output) == 1]:
        split = [_chain(made_by, name) for name in node.input[:3]]
        heads = [shapes[i][1].dim_value if i in shapes else 0 for i in node.input[:3]]
        joined = _only(read_by, node.output[0], "Transpose")
        whole = _only(read_by, joined.output[0], "Reshape") if joined is not None else None
        if not all(split) or not all(heads) or whole is None or not _swaps(joined):
            continue
        node.input[:3] = split
        node.output[0] = whole.output[0]
        node.attribute.extend(
            (
                helper.make_attribute("q_num_heads", heads[0]),
                helper.make_attribute("kv_num_heads", heads[1]),
            )
        )
        graph.node.remove(joined)
        graph.node.remove(whole)
    _prune(graph)


def matrix_inputs(model: Any) -> list[str]:
    """The values that are multiplied by a matrix of weights, in the graph's order."""
    weights = {t.name for t in model.graph.initializer if len(t.dims) == 2}
    return list(dict.fromkeys(n.input[0] for n in _products(model.graph, weights)))


def to_eight_bits(model: Any, largest: Mapping[str, Floats]) -> None:
    """Multiply by matrices of weights in 8 bits: integers, scaled back afterwards.

    A column of weights has a scale, and so has each row (token) of what it is multiplied with,
    found as it comes: a scale for a whole batch would make vectors depend on it. Absolute
    maximum, symmetric, as in Dettmers et al. 2022 (LLM.int8), section 2.1. A few channels are
    much larger than the rest and would cost those their precision: `largest` has the largest
    magnitude float32 [k] of each channel of each of `matrix_inputs`, and the weights take over a
    part of it (SmoothQuant, Xiao et al. 2022, equation 4).
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    matrices = {t.name: t for t in graph.initializer if len(t.dims) == 2}
    products = {n.output[0] for n in _products(graph, set(matrices))}
    constants: dict[str, NDArray[Any]] = {
        "eight/axis": np.array([-1], np.int64),
        "eight/levels": np.array(LEVELS, np.float32),
        "eight/middle": np.array(128.5, np.float32),  # a half more: casting cuts off
        "eight/zero": np.array(128, np.uint8),
        "eight/step": np.array(1 / LEVELS, np.float32),
    }
    nodes: list[Any] = []
    factors: dict[str, Floats] = {}
    for node in graph.node:
        if node.output[0] not in products:
            nodes.append(node)
            continue
        name, matrix = node.input[0], node.input[1]
        weights = numpy_helper.to_array(matrices[matrix])
        if name not in factors:
            users = [
                numpy_helper.to_array(matrices[n.input[1]])
                for n in graph.node
                if n.output[0] in products and n.input[0] == name
            ]
            factors[name] = smoothing(largest[name], np.concatenate(users, axis=1))
            key, taken = f"eight/{name}", name
            if (factors[name] != 1).any():
                constants[f"{key}/smooth"] = 1 / factors[name]
                taken = f"{key}/smoothed"
                nodes.append(helper.make_node("Mul", [name, f"{key}/smooth"], [taken]))
            # A row of zeros: its quotient is no number, but whatever integers come of it are
            # multiplied by its maximum, which is zero.
            nodes += [
                helper.make_node("Abs", [taken], [f"{key}/size"]),
                helper.make_node("ReduceMax", [f"{key}/size", "eight/axis"], [f"{key}/most"]),
                helper.make_node("Div", ["eight/levels", f"{key}/most"], [f"{key}/scale"]),
                helper.make_node("Mul", [taken, f"{key}/scale"], [f"{key}/scaled"]),
                helper.make_node("Add", [f"{key}/scaled", "eight/middle"], [f"{key}/moved"]),
                helper.make_node("Cast", [f"{key}/moved"], [f"{key}/q"], to=TensorProto.UINT8),
            ]
        weights = weights * factors[name][:, None]
        most = _largest_pairs(weights)
        constants[f"{matrix}/q"] = np.round(weights / most * LEVELS).astype(np.int8)
        constants[f"{matrix}/scale"] = (most / LEVELS).astype(np.float32)
        out = node.output[0]
        values = [f"eight/{name}/q", f"{matrix}/q", "eight/step", f"{matrix}/scale", "eight/zero"]
        nodes += [
            helper.make_node("MatMulIntegerToFloat", values, [f"{out}/q"], domain="com.microsoft"),
            helper.make_node("Mul", [f"{out}/q", f"eight/{name}/most"], [out]),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants.items())
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    _prune(graph)


def smoothing(largest: Floats, weights: Floats) -> Floats:
    """What to divide each channel by, and multiply its weights with: float32 [k].

    `largest` [k] are the channels' largest magnitudes, `weights` [k, m]; ones where the channels
    are much alike.
    """
    sizes = np.maximum(largest, 1e-5)
    if sizes.max() <= UNLIKE * np.median(sizes):
        return np.ones_like(sizes)
    heavy = np.maximum(np.abs(weights).max(axis=1), 1e-5)
    factors: Floats = (sizes**SMOOTHING / heavy ** (1 - SMOOTHING)).astype(np.float32)
    return factors


def _largest_pairs(weights: Floats) -> Floats:
    """The largest sum of the magnitudes of two neighbours in each column, 1 where all is zero.

    Scaled by it instead of by the largest magnitude, no two products of weights and activations
    come to more than 16 bits hold: processors without VNNI add them in as many.
    """
    sizes = np.abs(weights)
    sizes = np.concatenate([sizes, np.zeros((len(sizes) % 2, sizes.shape[1]), sizes.dtype)])
    most: Floats = (sizes[0::2] + sizes[1::2]).max(axis=0)
    return np.where(most == 0, np.float32(1), most)


def _products(graph: Any, weights: set[str]) -> list[Any]:
    return [n for n in graph.node if n.op_type == "MatMul" and n.input[1] in weights]


def _readers(graph: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            found[name].append(node)
    return found


def _chain(made_by: Mapping[str, Any], name: str) -> str | None:
    """What `name` is a reshaped and transposed form of, if it is one."""
    turned = made_by.get(name)
    if turned is None or turned.op_type != "Transpose" or not _swaps(turned):
        return None
    split = made_by.get(turned.input[0])
    return str(split.input[0]) if split is not None and split.op_type == "Reshape" else None


def _swaps(transpose: Any) -> bool:
    return [list(a.ints) for a in transpose.attribute if a.name == "perm"] == [[0, 2, 1, 3]]


def _only(read_by: Mapping[str, list[Any]], name: str, kind: str) -> Any | None:
    """The one reader of `name`, if it is of that kind."""
    readers = read_by.get(name, [])
    return readers[0] if len(readers) == 1 and readers[0].op_type == kind else None


def _prune(graph: Any) -> None:
    """Drop the nodes and weights that nothing reads any more."""
    wanted = {o.name for o in graph.output}
    kept = []
    for node in reversed(graph.node):
        if any(out in wanted for out in node.output):
            kept.append(node)
            wanted.update(node.input)
    weights = [t for t in graph.initializer if t.name in wanted]
    del graph.node[:]
    graph.node.extend(reversed(kept))
    del graph.initializer[:]
    graph.initializer.extend(weights)
    del graph.value_info[:]
