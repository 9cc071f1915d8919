"""Training gives what is served: the same scores, and a chance that evidence can't lower."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bot.reading.model import ReadingModel
from bot.reading.signals import GRADED, SIGNALS

torch = pytest.importorskip("torch")

from bot.errors import CalibrationError  # noqa: E402
from bot.training.confidence import (  # noqa: E402
    LOWERS,
    RAISES,
    UNUSED,
    choose_point,
    fit_sure,
    next_document,
)
from bot.training.reading_net import WIDTH, ReadingNet, export  # noqa: E402


def test_the_net_that_was_trained_scores_as_the_model_that_serves(tmp_path: Path) -> None:
    torch.manual_seed(5)
    rng = np.random.default_rng(5)
    dim, reduced, k, m, t = 20, 12, 4, 5, 7
    net = ReadingNet(reduced, torch.randn(len(SIGNALS)), torch.rand(len(SIGNALS)) + 0.5).eval()
    basis = torch.linalg.qr(torch.randn(dim, reduced))[0].T
    file = tmp_path / "net.npz"
    more = {"mean": net.mean.numpy(), "spread": net.spread.numpy()}
    export(net, basis, more, {"probe": "?"}, file)
    model = ReadingModel.read(file.read_bytes())
    question = rng.normal(size=(m, dim)).astype(np.float32)
    own, near = (rng.normal(size=(k, n, dim)).astype(np.float32) for n in (t, 2 * t))
    held, held_near = (rng.random((k, n)) < 0.7 for n in (t, 2 * t))
    held[:, 0] = held_near[:, 0] = True
    signals = rng.normal(size=(k, len(SIGNALS))).astype(np.float32)
    project = model.project
    served = model.scores(project(question), project(own), held, project(near), held_near, signals)
    with torch.no_grad():
        q, o, n = (net.tokens(torch.from_numpy(x)[None] @ basis.T) for x in (question, own, near))
        masks = [torch.from_numpy(x)[None] for x in (held, held_near)]
        asked = torch.ones(1, m, dtype=torch.bool)
        trained = net(q, asked, o, masks[0], n, masks[1], torch.from_numpy(signals)[None])
    assert model.width == WIDTH
    assert served == pytest.approx(trained[0].numpy(), abs=0.02)  # matrices are kept in float16


def test_no_weight_of_the_chance_has_the_wrong_sign() -> None:
    names = (*SIGNALS, *GRADED)
    assert set(names) >= (RAISES | LOWERS | UNUSED)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, len(names)))
    truth = np.array([-1.0 if n in RAISES else 1.0 for n in names])  # all of them the wrong way
    right = x @ truth + rng.normal(size=400) > 0
    sure = fit_sure(x, right.astype(float), np.ones(400))
    weights = dict(zip(names, sure.weights.tolist(), strict=True))
    assert all(weights[n] >= 0 for n in RAISES)
    assert all(weights[n] <= 0 for n in LOWERS)
    assert all(weights[n] == 0 for n in UNUSED)
    assert weights["asked"] > 0
    again = fit_sure(x, right.astype(float), np.ones(400))
    assert np.array_equal(sure.weights, again.weights)
    assert np.all((sure.of(x) > 0) & (sure.of(x) < 1))


def test_the_threshold_holds_for_the_next_document_of_the_same_kind() -> None:
    rng = np.random.default_rng(2)

    def questions(documents: int) -> tuple[np.ndarray, ...]:
        owner = np.repeat(np.arange(documents), 200)
        chances = rng.random(len(owner))
        harder = rng.normal(0, 0.05, documents)[owner]  # documents differ
        return chances, rng.random(len(owner)) < chances + harder, owner

    kept = 0
    for _ in range(40):
        chances, right, owner = questions(9)
        first = owner < 8
        answerable = np.ones(int(first.sum()), bool)
        point = choose_point(chances[first], right[first], answerable, owner[first])
        assert point.bound <= 0.05
        assert point.wrong == (~right & (chances >= point.threshold))[first].sum()
        kept += (~right & (chances >= point.threshold))[~first].mean() <= 0.05
    assert kept >= 35


def test_no_threshold_is_chosen_where_none_holds() -> None:
    owner = np.repeat(np.arange(8), 50)
    right = np.zeros(400, bool)
    with pytest.raises(CalibrationError):
        choose_point(np.full(400, 0.995), right, ~right, owner)


def test_documents_that_differ_widen_the_bound() -> None:
    assert next_document(np.full(8, 0.02)) == pytest.approx(0.02)
    assert next_document(np.array([0.0, 0.04] * 4)) > 0.04
