"""How matching does on question banks that nobody here wrote: public data sets, side by side.

A bank is a FAQ (`faq.jsonl`: {"id", "question", "answer", "group"?}) and queries with the entries
that are accepted for each (`queries.jsonl`: {"query", "gold": [ids], "split"}), or a labelled one
(`NAME_bank.jsonl`: {"question", "label"} and `NAME.jsonl`: {"query", "label", "peers"}), where a
label that the bank doesn't hold must be declined. Everything is measured without a threshold of
its own; the plain cosine to the nearest question is the baseline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.documents.passages import split_passages
from bot.encoding.cache import EmbeddingCache
from bot.encoding.encoders import Encoder, load_encoder
from bot.errors import QuothError
from bot.evaluation.measures import auroc, calibration_error
from bot.faqs.as_documents import faq_document
from bot.faqs.json_lines import read_rows
from bot.knowledge.knowledge import Knowledge
from bot.matching.calibration import shipped
from bot.matching.index import build_index
from bot.matching.retrieval import Retriever, Signals
from bot.settings import Settings
from bot.subjects import Subjects
from bot.wording import normalise

SETS = (
    "clinc150",
    "banking77_oos",
    "hint3_sofmattress",
    "hint3_powerplay11",
    "covid_paraphrase",
    "rqe_clinical",
    "rqe_nlm",
)
PEER_SETS = ("sofmattress", "powerplay11")
RISKS = (0.02, 0.05, 0.10)
FEW = 10  # queries without an answer, below which declining isn't measured


@dataclass(frozen=True, slots=True)
class Bank:
    """Rows of a FAQ and queries; `accepted[i]` are the texts of the right entries."""

    name: str
    rows: tuple[dict[str, str], ...]
    queries: tuple[str, ...]
    accepted: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query's best candidate, and the plain cosine's (cosine, right)."""

    signals: Signals
    right: bool
    answerable: bool
    nearest: tuple[float, bool]


@dataclass(frozen=True, slots=True)
class BankFigures:
    """`in_scope` is the share of answerable queries answered right where nine in ten of the
    others are declined; `right` the best share at each of RISKS (wrong replies of all queries).

    `curve` are all points (share of all queries answered wrong, share of the answerable ones
    answered right) that a threshold can choose, the safest first.
    """

    name: str
    method: str
    queries: int
    answerable: int
    first: float
    auroc: float
    in_scope: float | None
    right: tuple[float, ...]
    calibration_error: float | None
    curve: tuple[tuple[float, float], ...]

    def to_json(self) -> dict[str, object]:
        return {field: getattr(self, field) for field in self.__slots__ if field != "curve"}


def read_bank(folder: Path, split: str) -> Bank:
    """The bank in `folder` with the queries of `split`; QuothError where it isn't one."""
    lines = read_lines(folder / "faq.jsonl")
    entries = {str(row["id"]): row for row in lines if str(row["question"]).strip()}
    queries = [q for q in read_lines(folder / "queries.jsonl") if q.get("split") == split]
    rows = tuple(
        {
            "question": str(row["question"]),
            "answer": str(row.get("answer") or row.get("group") or row["id"]),
            "group": str(row.get("group") or row["id"]),
        }
        for row in entries.values()
    )
    return Bank(
        folder.name,
        rows,
        tuple(str(q["query"]) for q in queries),
        tuple(
            frozenset(
                str(entries[str(i)]["question"]) for i in _ids(q["gold"]) if str(i) in entries
            )
            for q in queries
        ),
    )


def read_peer_bank(folder: Path, name: str) -> tuple[Bank, dict[str, list[tuple[float, bool]]]]:
    """A labelled bank, and what each peer system answered: (score, right) a query."""
    bank = list(read_lines(folder / f"{name}_bank.jsonl"))
    messages = list(read_lines(folder / f"{name}.jsonl"))
    labels: dict[str, set[str]] = {}
    for row in bank:
        labels.setdefault(str(row["label"]), set()).add(str(row["question"]))
    peers: dict[str, list[tuple[float, bool]]] = {}
    for message in messages:
        given = message["peers"]
        assert isinstance(given, dict)
        for system, (label, score) in given.items():
            declined = label not in labels
            peers.setdefault(system, []).append(
                (0.0 if declined else float(score), label == message["label"] and not declined)
            )
    made = Bank(
        f"peers/{name}",
        tuple(
            {
                "question": str(row["question"]),
                "answer": str(row["label"]),
                "group": str(row["label"]),
            }
            for row in bank
        ),
        tuple(str(m["query"]) for m in messages),
        tuple(frozenset(labels.get(str(m["label"]), ())) for m in messages),
    )
    return made, peers


def measure(bank: Bank, encoder: Encoder, vectors: EmbeddingCache) -> tuple[BankFigures, ...]:
    """The figures of the plain cosine and of Quoth on `bank`."""
    asked, wordings = ask(bank, encoder, vectors)
    confidence = shipped(wordings)
    answerable = [a.answerable for a in asked]
    ours = [(confidence.probability(a.signals), a.right) for a in asked]
    plain = [a.nearest for a in asked]
    return (
        figures(bank.name, "nearest cosine", plain, answerable, calibrated=False),
        figures(bank.name, "quoth", ours, answerable, calibrated=True),
    )


def ask(bank: Bank, encoder: Encoder, vectors: EmbeddingCache) -> tuple[list[Asked], float]:
    """Every query asked, and `Index.wordings` of the bank."""
    knowledge = _knowledge(bank)
    subjects = Subjects()
    index = build_index(knowledge, subjects, encoder, embed=vectors.encode)
    retriever = Retriever(index, encoder, subjects)
    questions: dict[str, set[int]] = {}
    for p, pair in enumerate(knowledge.pairs):
        for wording in pair.wordings:
            questions.setdefault(normalise(wording), set()).add(p)
    right_pairs = [{p for q in gold for p in questions[normalise(q)]} for gold in bank.accepted]
    embedded = vectors.encode([retriever.compare(q) for q in bank.queries])
    wordings = index.pairs >= 0
    asked = []
    for query, vector, gold in zip(bank.queries, embedded, right_pairs, strict=True):
        best = retriever.retrieve(query, vector).candidates[0]
        cosines = np.where(wordings, index.vectors @ vector, -1.0)
        nearest = int(np.argmax(cosines))
        by_cosine = (float(cosines[nearest]), int(index.pairs[nearest]) in gold)
        asked.append(Asked(best.signals, best.pair in gold, bool(gold), by_cosine))
    return asked, index.wordings


def figures(
    name: str,
    method: str,
    scored: Sequence[tuple[float, bool]],
    answerable: Sequence[bool],
    *,
    calibrated: bool,
) -> BankFigures:
    """Figures from (score, right) of every query; a wrong reply is any that isn't right."""
    scores = np.array([s for s, _ in scored])
    right = np.array([r for _, r in scored], bool)
    asked = np.array(answerable, bool)
    outside = scores[~asked]
    in_scope = None
    if len(outside) >= FEW:
        in_scope = float((right & (scores > np.quantile(outside, 0.9))).sum() / asked.sum())
    curve = _curve(scores, right, int(asked.sum()))
    return BankFigures(
        name,
        method,
        len(scored),
        int(asked.sum()),
        float(right[asked].mean()),
        auroc(scored) or 0.0,
        in_scope,
        tuple(max((r for w, r in curve if w <= risk), default=0.0) for risk in RISKS),
        calibration_error(scored) if calibrated else None,
        curve,
    )


def as_table(rows: Sequence[BankFigures]) -> str:
    """The figures as a Markdown table."""
    return "\n".join(_lines(rows))


def _lines(rows: Sequence[BankFigures]) -> Iterator[str]:
    yield (
        "| set | method | queries | P@1 | AUROC | right at 90 % declined "
        "| right at 2 / 5 / 10 % wrong | ECE |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        scope = "–" if row.in_scope is None else f"{row.in_scope:.3f}"
        error = "–" if row.calibration_error is None else f"{row.calibration_error:.3f}"
        at = " / ".join(f"{share:.3f}" for share in row.right)
        yield (
            f"| {row.name} | {row.method} | {row.queries} | {row.first:.3f} | {row.auroc:.3f} "
            f"| {scope} | {at} | {error} |"
        )


def figures_of(
    folder: Path, split: str, settings: Settings, progress: Callable[[str], None]
) -> Iterator[BankFigures]:
    """Figures of every bank that is in `folder`; QuothError where none is."""
    encoder = load_encoder(
        settings.model, settings.cache_dir, threads=settings.threads, progress=progress
    )
    vectors = EmbeddingCache(settings.cache_dir / "vectors", encoder)
    found = False
    for name in SETS:
        if (folder / name / "faq.jsonl").is_file():
            found = True
            progress(f"Measuring {name} …")
            yield from measure(read_bank(folder / name, split), encoder, vectors)
    for name in PEER_SETS:
        if (folder / "hint3_peers" / f"{name}.jsonl").is_file():
            found = True
            progress(f"Measuring {name} beside other systems …")
            bank, peers = read_peer_bank(folder / "hint3_peers", name)
            answerable = [bool(gold) for gold in bank.accepted]
            for system, scored in peers.items():
                yield figures(bank.name, system, scored, answerable, calibrated=False)
            yield from measure(bank, encoder, vectors)
    if not found:
        raise QuothError(
            f"{folder} holds none of the data sets ({', '.join(SETS)}); "
            "name the folder that holds theirs"
        )


def _curve(
    scores: NDArray[np.float64], right: NDArray[np.bool_], answerable: int
) -> tuple[tuple[float, float], ...]:
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # ties stand or fall together
    wrong = np.cumsum(~right[order])[ends] / len(scores)
    found = np.cumsum(right[order])[ends] / max(1, answerable)
    return tuple(zip(wrong.tolist(), found.tolist(), strict=True))


def _knowledge(bank: Bank) -> Knowledge:
    document, pairs = faq_document(read_rows(bank.rows).entries, id="bank", title=bank.name)
    return Knowledge(
        root=Path(),
        title=bank.name,
        language="en",
        domain="general",
        documents=(document,),
        passages=split_passages(document),
        pairs=pairs,
        quarantined=(),
        prototypes=(),
        aliases=(),
        subjects=(),
        digest=bank.name,
    )


def read_lines(file: Path) -> Iterator[dict[str, object]]:
    """The objects of a file of JSON lines; QuothError where it can't be read as that."""
    try:
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield json.loads(line)
    except (OSError, ValueError) as error:
        raise QuothError(f"{file} can't be read as JSON lines: {error}") from error


def _ids(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
