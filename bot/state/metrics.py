"""What the server counts, for Prometheus. No label holds anything that a person wrote."""

from __future__ import annotations

from typing import TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

M = TypeVar("M", Gauge, Histogram)

_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_LONG_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)


class MessagingMetrics:
    """What the messaging channels count, each by channel."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(
                f"quoth_messaging_{name}", meaning, ("channel", *labels), registry=registry
            )

        def seconds(name: str, meaning: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(
                f"quoth_messaging_{name}_seconds",
                meaning,
                ("channel",),
                buckets=buckets,
                registry=registry,
            )

        self.received = counter("received", "Events kept to be answered")
        self.repeated = counter("repeated", "Events sent again that were known")
        self.ignored = counter("ignored", "Genuine requests with nothing to answer")
        self.rejected = counter("rejected", "Requests not taken", "reason")
        self.answered = counter("answered", "Messages answered, by the kind of reply", "kind")
        self.declined = counter("declined", "Messages declined, by reason", "reason")
        self.deleted = counter("deleted", "Conversations deleted on request")
        self.delivered = counter("delivered", "Messages delivered")
        self.retried = counter("retried", "Deliveries to be tried again, by reason", "reason")
        self.dead = counter("dead", "Dead letters: not answered (in), not delivered (out)", "box")
        self.lost_leases = counter("lost_leases", "Work given up as another server had taken it")
        self.acknowledging = seconds(
            "acknowledge", "From a webhook's arrival to its acknowledgement", _SECONDS
        )
        self.answering = seconds("answer", "From an event's receipt to its answer", _LONG_SECONDS)
        self.delivering = seconds(
            "deliver", "From an event's receipt to the delivery of a message", _LONG_SECONDS
        )


class Metrics:
    """The counters of one server, in a registry of their own.

    `by_site`: what is said of replies has the site as a label; else its name doesn't count.
    """

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, *, by_site: bool = False) -> None:
        self._by_site = by_site
        site = ("site",) if by_site else ()
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
        self._replies = Counter(
            "quoth_replies",
            "Replies by kind and reason",
            (*site, "kind", "reason"),
            registry=self.registry,
        )
        self._answering = Histogram(
            "quoth_answer_seconds",
            "Seconds from a question to its reply, without the wait for a thread",
            site,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._feedback = Counter(
            "quoth_feedback", "Verdicts of visitors", (*site, "helpful"), registry=self.registry
        )
        self._pairs = Gauge("quoth_pairs", "Pairs that are served", site, registry=self.registry)
        self._quarantined = Gauge(
            "quoth_pairs_quarantined",
            "Pairs whose answer no longer stands",
            site,
            registry=self.registry,
        )
        self._loaded = Counter(
            "quoth_knowledge_loads",
            "States of a knowledge that were served, or refused as broken",
            (*site, "outcome"),
            registry=self.registry,
        )
        self.store_errors = Counter(
            "quoth_store_errors", "Failures of the database", registry=self.registry
        )
        self.under_way = Gauge(
            "quoth_questions_under_way",
            "Questions being answered or waiting for it",
            registry=self.registry,
        )

        self.messaging = MessagingMetrics(self.registry)

    def replied(self, kind: str, reason: str | None, site: str = "") -> None:
        self._replies.labels(*self._label(site), kind, reason or "").inc()

    def answered(self, seconds: float, site: str = "") -> None:
        """A question took so long."""
        self._of(self._answering, site).observe(seconds)

    def judged(self, helpful: bool, site: str = "") -> None:
        """A visitor's verdict."""
        self._feedback.labels(*self._label(site), str(helpful).lower()).inc()

    def serves(self, site: str, pairs: int, quarantined: int) -> None:
        """A state of the knowledge is served from now on."""
        self._of(self._pairs, site).set(pairs)
        self._of(self._quarantined, site).set(quarantined)
        self._loaded.labels(*self._label(site), "served").inc()

    def ended(self, site: str) -> None:
        """The site is gone, if it was served at all."""
        for gauge in (self._pairs, self._quarantined):
            gauge.remove(site)

    def refused(self, site: str) -> None:
        """A state of the knowledge can't be served."""
        self._loaded.labels(*self._label(site), "refused").inc()

    def _label(self, site: str) -> tuple[str, ...]:
        return (site,) if self._by_site else ()

    def _of(self, metric: M, site: str) -> M:
        return metric.labels(site) if self._by_site else metric

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)
