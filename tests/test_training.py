"""Training gives what is served: the same scores, and a chance that evidence can't lower."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bot.encoding.encoders import Encoder
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
    folds_of,
    next_document,
)
from bot.training.examples import Examples, prepare  # noqa: E402
from bot.training.pages import read_pages  # noqa: E402
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
    speaks = rng.random(400)
    sure = fit_sure(x, right.astype(float), np.ones(400), speaks)
    for row in sure.weights.tolist():
        weights = dict(zip(names, row, strict=True))
        assert all(weights[n] >= 0 for n in RAISES)
        assert all(weights[n] <= 0 for n in LOWERS)
        assert all(weights[n] == 0 for n in UNUSED)
        assert weights["asked"] > 0
    again = fit_sure(x, right.astype(float), np.ones(400), speaks)
    assert np.array_equal(sure.weights, again.weights)
    assert np.all((sure.of(x, speaks) > 0) & (sure.of(x, speaks) < 1))


def test_evidence_may_weigh_otherwise_where_a_document_speaks_to_its_readers() -> None:
    rng = np.random.default_rng(3)
    names = (*SIGNALS, *GRADED)
    x, speaks = rng.normal(size=(2000, len(names))), (rng.random(2000) < 0.5).astype(float)
    score, covered = names.index("score"), names.index("covered")
    telling = np.where(speaks > 0, x[:, score], x[:, covered])
    right = (rng.random(2000) < 1 / (1 + np.exp(-2 * telling))).astype(float)
    plain, practical = fit_sure(x, right, np.ones(2000), speaks).weights
    assert plain[covered] > 4 * practical[covered]
    assert practical[score] > 4 * plain[score]


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
    many = np.full(8, 10_000)
    assert next_document(np.full(8, 0.02), many) == pytest.approx(0.02)
    assert next_document(np.array([0.0, 0.04] * 4), many) > 0.04


def test_chance_among_few_questions_is_no_difference_between_documents() -> None:
    shares = np.array([0.0, 0.0, 0.0, 0.0, 0.025, 0.025, 0.025, 0.025])
    assert next_document(shares, np.full(8, 40)) < next_document(shares, np.full(8, 10_000))


def test_pages_of_one_author_are_held_out_together(tmp_path: Path, encoder: Encoder) -> None:
    page = {"title": "Pool", "text": "We open on Mondays.\n\nThe pool is closed at Easter."}
    asked = [{"q": "open monday?", "gold": ["We open on Mondays."]}, {"q": "why", "gold": []}]
    rows = [page | {"set": name, "questions": asked} for name in "aabbc"]
    file = tmp_path / "pages.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    pages = read_pages(file)
    assert [q.kind for q in pages[0].questions] == ["answerable", "unanswerable"]
    folds = folds_of([Examples(prepare(article, encoder)) for article in pages])
    assert folds[0] == folds[1] != folds[2] == folds[3] != folds[4]


def test_gold_that_no_page_holds_is_refused(tmp_path: Path) -> None:
    asked = [{"q": "when?", "gold": ["On Sundays."]}]
    row = {"set": "a", "title": "Pool", "text": "Open on Mondays.", "questions": asked}
    (tmp_path / "pages.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(ValueError, match="no such text for 'when\\?'"):
        read_pages(tmp_path / "pages.jsonl")
