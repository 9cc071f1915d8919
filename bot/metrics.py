"""What the server counts, for Prometheus. No label holds anything that a person wrote."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of one server, in a registry of their own."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "quoth_requests",
            "Requests by route and status",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "quoth_request_seconds",
            "Seconds from a request's arrival to its response",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.replies = Counter(
            "quoth_replies",
            "Replies by kind and reason",
            ("kind", "reason"),
            registry=self.registry,
        )
        self.answering = Histogram(
            "quoth_answer_seconds",
            "Seconds from a question to its reply, without the wait for a thread",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.feedback = Counter(
            "quoth_feedback", "Verdicts of visitors", ("helpful",), registry=self.registry
        )
        self.store_errors = Counter(
            "quoth_store_errors", "Failures of the database", registry=self.registry
        )
        self.under_way = Gauge(
            "quoth_questions_under_way",
            "Questions being answered or waiting for it",
            registry=self.registry,
        )

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)
