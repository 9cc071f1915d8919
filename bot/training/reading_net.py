"""The reading model as it is trained: the same sums as `bot.reading.model`, in torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bot.reading.model import CLIP, FORMAT
from bot.reading.signals import GRADED, OF_QUESTION, SIGNALS

WIDTH, HIDDEN, LAST = 96, 64, 48
DROP = 0.2


class ReadingNet(nn.Module):
    """Scores of sentences for questions; the names of its parts are those of the arrays."""

    def __init__(self, dim: int, mean: Tensor, spread: Tensor) -> None:
        super().__init__()
        signals = len(SIGNALS)
        self.project = nn.Linear(dim, WIDTH, bias=False)
        self.sharpness = nn.Parameter(torch.tensor(6.0))
        self.sharpness_beside = nn.Parameter(torch.tensor(6.0))
        self.weigh = nn.Linear(WIDTH, 1, bias=False)
        self.compare = nn.Linear(5 * WIDTH + 3, HIDDEN)
        self.compare2 = nn.Linear(HIDDEN, HIDDEN)
        self.join = nn.Linear(3 * HIDDEN + signals, LAST)
        self.score = nn.Linear(LAST, 1)
        self.linear = nn.Linear(signals, 1, bias=False)
        self.none = nn.Linear(signals, 1)
        self.drop = nn.Dropout(DROP)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.none.weight)
        nn.init.zeros_(self.none.bias)
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        asked = torch.tensor([float(name in OF_QUESTION) for name in SIGNALS])
        self.register_buffer("of_question", asked)

    def tokens(self, reduced: Tensor) -> Tensor:
        """Tokens as they are compared, [..., WIDTH]."""
        found: Tensor = self.drop(self.project(reduced))
        return found

    def forward(
        self,
        q: Tensor,
        asked: Tensor,
        own: Tensor,
        held: Tensor,
        near: Tensor,
        held_near: Tensor,
        signals: Tensor,
    ) -> Tensor:
        """Scores [b, k], above 0 where likelier than "none of these".

        Tokens as `tokens` gives them: of the question q [b, m, WIDTH] with asked [b, m], of the
        sentences own [b, k, t, WIDTH] with held, of those beside likewise; signals
        [b, k, signals].
        """
        z = ((signals - self.mean) / self.spread).clamp(-CLIP, CLIP)
        unit = F.normalize(q, dim=-1)
        a, found = _look_up(unit, own, held, self.sharpness)
        b, found_near = _look_up(unit, near, held_near, self.sharpness_beside)
        both = q[:, None].expand_as(a)
        agree = (unit[:, None] * F.normalize(a, dim=-1)).sum(-1)
        scalars = torch.stack([found, torch.maximum(found, found_near), agree], -1)
        h = torch.cat([both, a, (both - a).abs(), both * a, both * b, scalars], -1)
        h = torch.relu(self.compare2(self.drop(torch.relu(self.compare(h)))))
        real = asked[:, None, :, None]
        weight = self.weigh(q).squeeze(-1).masked_fill(~asked, -1e9).softmax(-1)
        pooled = (
            (h * weight[:, None, :, None]).sum(2),
            (h * real).sum(2) / real.sum(2).clamp(min=1),
            h.masked_fill(~real, 0).max(2).values,
            z,
        )
        last = torch.relu(self.join(self.drop(torch.cat(pooled, -1))))
        scores = (self.score(last) + self.linear(z)).squeeze(-1)
        return scores - self.none(z[:, 0] * self.of_question)


def _look_up(
    question: Tensor, tokens: Tensor, held: Tensor, sharpness: Tensor
) -> tuple[Tensor, Tensor]:
    lengths = tokens.norm(dim=-1).clamp(min=1e-12)
    cosines = torch.einsum("bmd,bktd->bkmt", question, tokens) / lengths[:, :, None]
    cosines = cosines.masked_fill(~held[:, :, None, :], -9.0)
    found = torch.einsum("bkmt,bktd->bkmd", (cosines * sharpness).softmax(-1), tokens)
    return found, cosines.max(-1).values.clamp(min=-1)


def loss(scores: Tensor, gold: Tensor, weights: Tensor) -> Tensor:
    """Of the right choice among the sentences and "none", and of the choice among them alone."""
    none = torch.zeros(len(scores), 1)
    answered = gold.any(1)
    options = torch.cat([scores, none], 1)
    right = torch.cat([gold, ~answered[:, None]], 1)
    choice = torch.logsumexp(options.masked_fill(~right, -1e9), 1) - torch.logsumexp(options, 1)
    rank = torch.logsumexp(scores.masked_fill(~gold, -1e9), 1) - torch.logsumexp(scores, 1)
    rank = torch.where(answered, rank, torch.zeros(()))
    return -((choice + 0.5 * rank) * weights).sum() / weights.sum()


def arrays_of(net: ReadingNet) -> dict[str, np.ndarray]:
    """The weights by the names under which `bot.reading.model` knows them."""
    found = {}
    for name, values in net.state_dict().items():
        if name == "of_question":
            continue
        key = name.removesuffix(".weight").replace(".bias", "_bias")
        array = values.detach().numpy().astype(np.float32)
        if key in ("weigh", "score", "linear", "none"):
            array = array[0]
        elif key in ("score_bias", "none_bias"):
            array = array.reshape(())
        found[key] = array
    return found


def export(
    net: ReadingNet,
    basis: Tensor,
    more: Mapping[str, np.ndarray | np.float32],
    notes: Mapping[str, object],
    file: Path,
) -> None:
    """Write the model with `more` arrays: matrices in float16, whose rounding changes no figure."""
    found = arrays_of(net)
    found["project"] = found["project"] @ basis.numpy()
    arrays = {n: a.astype(np.float16) if a.ndim > 1 else a for n, a in found.items()}
    arrays |= {name: np.asarray(array, np.float32) for name, array in more.items()}
    noted = {"format": FORMAT, "signals": (*SIGNALS, *GRADED), **notes}
    arrays["notes"] = np.frombuffer(json.dumps(noted).encode("utf-8"), np.uint8)
    stream = BytesIO()
    np.savez_compressed(stream, **arrays)
    file.write_bytes(stream.getvalue())


def principal(tokens: Sequence[np.ndarray], count: int, seed: int = 0) -> Tensor:
    """The `count` directions in which tokens differ most, [count, dim]."""
    some = np.concatenate([t[::5] for t in tokens]).astype(np.float32)
    some = np.random.default_rng(seed).permutation(some)[:8000]
    _, _, directions = np.linalg.svd(some, full_matrices=False)
    return torch.from_numpy(directions[:count].copy())
