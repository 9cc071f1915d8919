"""What the benchmark compares: each case is one way to handle a question, ready to be asked.

A case is prepared in a process of its own, so that its start-up and memory are its alone. A new
one is a function and a row in CASES.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.settings import Settings

ANSWER = "Here are the steps for {what}: look at the overview, then change what number {i} says."


class Unavailable(Exception):
    """The case can't run here; the message says why and what to install."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A case that can be asked. `indexing` CPU seconds went into vectors that others keep."""

    ask: Callable[[str], object]
    indexing: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """`prepare` gets settings whose cache is warm; `large` has the bank of 10,000 pairs."""

    title: str
    prepare: Callable[[Settings], Ready]
    large: bool = False
    rivals: tuple[str, ...] = field(default=())  # the cases it is compared with


def reference(settings: Settings) -> Ready:
    """`encode()` of sentence-transformers: what everything is compared with."""
    from bot.encoding.export import load_sentence_transformer

    model = load_sentence_transformer(model_name(settings))
    return Ready(lambda question: model.encode(question, show_progress_bar=False))


def encoder(settings: Settings) -> Ready:
    """The encoder as it serves, a question at a time."""
    from bot.encoding.encoders import load_encoder

    loaded = load_encoder(settings.model, settings.cache_dir, threads=settings.threads)
    return Ready(lambda question: loaded.encode([question]))


def batching(settings: Settings) -> Ready:
    """The same with concurrent questions in one pass."""
    from bot.encoding.batching import BatchingEncoder, free_lanes
    from bot.encoding.encoders import load_encoder

    loaded = load_encoder(settings.model, settings.cache_dir, threads=settings.threads)
    batched = BatchingEncoder(loaded, lanes=free_lanes(settings.threads))
    return Ready(lambda question: batched.encode([question]))


def whole_bot(settings: Settings) -> Ready:
    """The bot, from the question to the reply with its quote."""
    from bot.bot import Bot

    bot = Bot.load(settings)
    return Ready(lambda question: bot.ask(question))


def txtai(settings: Settings) -> Ready:
    """txtai's semantic search over the same questions, exact."""
    try:
        from txtai import Embeddings
    except ImportError as error:
        raise _not_installed("txtai", error) from error
    search = Embeddings(path=model_name(settings), method="sentence-transformers", backend="numpy")
    start = time.process_time()
    search.index(list(enumerate(bank(settings))))
    return Ready(lambda question: search.search(question, 1), time.process_time() - start)


def haystack(settings: Settings) -> Ready:
    """Haystack's text embedder and in-memory retriever over the same questions."""
    try:
        from haystack import Document
        from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
        from haystack.document_stores.in_memory import InMemoryDocumentStore
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
            SentenceTransformersTextEmbedder,
        )
    except ImportError as error:
        raise _not_installed("Haystack", error) from error
    embedder = SentenceTransformersTextEmbedder(model=model_name(settings), progress_bar=False)
    embedder.warm_up()
    start = time.process_time()
    indexer = SentenceTransformersDocumentEmbedder(model=model_name(settings), progress_bar=False)
    indexer.warm_up()
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    documents = [Document(content=text) for text in dict.fromkeys(bank(settings))]
    store.write_documents(indexer.run(documents=documents)["documents"])
    del indexer, documents
    indexing = time.process_time() - start
    retriever = InMemoryEmbeddingRetriever(store, top_k=1)

    def ask(question: str) -> object:
        return retriever.run(query_embedding=embedder.run(text=question)["embedding"])

    return Ready(ask, indexing)


REFERENCE = "sentence-transformers"
BOT, LARGE_BOT = "bot", "bot-10000"
CASES: dict[str, Case] = {
    REFERENCE: Case("sentence-transformers encode()", reference),
    "encoder": Case("encoder", encoder, rivals=(REFERENCE,)),
    "batching": Case("encoder, batching", batching, rivals=("encoder",)),
    BOT: Case("the whole bot", whole_bot, rivals=(REFERENCE, "txtai", "haystack")),
    LARGE_BOT: Case("the whole bot, 10,000 pairs", whole_bot, large=True, rivals=(BOT,)),
    "txtai": Case("txtai, same questions", txtai),
    "haystack": Case("Haystack, same questions", haystack),
}


def _not_installed(name: str, error: ImportError) -> Unavailable:
    return Unavailable(f"{name} isn't installed ({error}): pip install 'quoth[benchmark]'")


def model_name(settings: Settings) -> str:
    """The model as sentence-transformers takes it."""
    from bot.encoding.model_source import find_model

    return find_model(settings.model, settings.cache_dir / "encoders" / "models").name


def bank(settings: Settings) -> list[str]:
    """Every question that the knowledge can answer, in all its wordings."""
    from bot.knowledge.knowledge import load_knowledge

    knowledge = load_knowledge(settings.knowledge)
    return [wording for pair in knowledge.pairs for wording in pair.wordings]


_OPENINGS = ("", "please tell me ", "i was wondering ", "quick question, ", "my aunt asks ")
_SUBJECTS = ("ms", "als", "multiple sclerosis", "Lou Gehrig's disease")
_TOPICS = (
    "how long people with {} usually live after they are told",
    "whether {} runs in families",
    "what the first signs of {} are",
    "does {} hurt the mind as well as the muscles",
    "who gets {} more often, men or women",
    "is there a cure for {} yet",
    "what a doctor does to find out if someone has {}",
    "which drugs slow {} down",
)


def questions() -> Iterator[str]:
    """160 different questions of about 12 words, the kinds well mixed; none is in the bank."""
    mixed = list(product(_OPENINGS, _SUBJECTS, _TOPICS))
    for i in range(len(mixed)):
        opening, subject, topic = mixed[i * 37 % len(mixed)]
        yield opening + topic.format(subject)


def write_large_bank(folder: Path, pairs: int = 10_000) -> None:
    """Write a knowledge of `pairs` questions, each with an answer of its own, to `folder`."""
    from bot.faqs.as_documents import faq_document
    from bot.faqs.json_lines import read_rows
    from bot.knowledge.knowledge import write_knowledge

    verbs = ("change", "cancel", "find", "print", "share", "renew", "move", "check", "lock", "sort")
    things = ("order", "address", "invoice", "ticket", "photo", "lease", "parcel", "badge")
    rows: list[dict[str, Any]] = []
    for i in range(pairs):
        verb, thing = verbs[i % 10], things[i // 10 % 8]
        what = f"the {thing} of group {i // 80}"
        rows.append(
            {
                "question": f"How do I {verb} {what}?",
                "answer": ANSWER.format(what=f"{verb} {what}", i=i),
            }
        )
    document, drawn = faq_document(read_rows(rows).entries, id="large", title="A large FAQ")
    write_knowledge(folder, title="A large FAQ", documents=[document], pairs=drawn)


def quiet_environment(*, one_thread: bool) -> dict[str, str]:
    """No telemetry and no hub for the processes that are measured.

    With `one_thread` every library gets one, else each runs as it does by default.
    """
    names = ("OMP", "MKL", "OPENBLAS", "NUMEXPR") if one_thread else ()
    return {
        **os.environ,
        **{f"{name}_NUM_THREADS": "1" for name in names},
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
    }
