"""The figures of a stretch of days: asked, answered, declined by reason, how sure, how helpful."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.channels.review.learning import Cluster
from bot.faqs.delimited import guarded
from bot.state.figures import TENTHS, ReplyCount, VerdictCount, day_of

MOST_DAYS = 366
REASONS = {
    "not_covered": "Not covered",
    "unsure": "Not sure enough",
    "off_topic": "Off topic",
    "personal_advice": "Personal advice",
    "emergency": "Emergency",
    "ambiguous": "Asked back",
    "language": "Another language",
    "not_understood": "Not understood",
    "nothing_asked": "Told, nothing asked",
    "unreviewed": "Pair not reviewed",
    "out_of_date": "Pair past its date",
    "unhelpful": "Answer did not help",
    "error": "Error",
}
KINDS = (("answer", "Answered"), ("clarify", "Asked back"), ("decline", "Declined"))
WEIGHED = ("answer", "clarify", "decline")  # kinds of reply for which candidates were weighed


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted from `first` to `last`, both included."""

    first: date
    last: date
    replies: tuple[ReplyCount, ...]
    verdicts: tuple[VerdictCount, ...]

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(
            self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)
        )

    @property
    def questions(self) -> int:
        """Replies to what asked for something: neither small talk nor a safety case."""
        return self.total(*WEIGHED)

    def total(self, *kinds: str) -> int:
        return sum(c.count for c in self.replies if c.kind in kinds)

    def by_day(self, *kinds: str) -> list[int]:
        counts: Counter[date] = Counter()
        for one in self.replies:
            if one.kind in kinds:
                counts[one.day] += one.count
        return [counts[day] for day in self.days]

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why there was no answer, in words, the commonest first."""
        counts: Counter[str] = Counter()
        for one in self.replies:
            if one.kind != "answer" and one.reason:
                counts[REASONS.get(one.reason, one.reason)] += one.count
        return counts.most_common()

    @property
    def confidence(self) -> tuple[list[int], list[int]]:
        """Answered and not answered, by the tenth of the confidence."""
        answered, other = [0] * TENTHS, [0] * TENTHS
        for one in self.replies:
            if one.kind in WEIGHED:
                (answered if one.kind == "answer" else other)[one.tenth] += one.count
        return answered, other

    @property
    def helpful(self) -> tuple[int, int]:
        return sum(v.helpful for v in self.verdicts), sum(v.unhelpful for v in self.verdicts)

    def helpful_by_day(self) -> tuple[list[int], list[int]]:
        known = {v.day: v for v in self.verdicts}
        none = VerdictCount(self.first, 0, 0)
        found = [known.get(day, none) for day in self.days]
        return [v.helpful for v in found], [v.unhelpful for v in found]


def stretch(first: str, last: str, today: date) -> tuple[date, date]:
    """The days a form names, in order and at most a year; the last thirty where it names none."""

    def day(text: str, default: date) -> date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            return default

    end = day(last, today)
    start = day(first, end - timedelta(days=29))
    start, end = min(start, end), max(start, end)
    return max(start, end - timedelta(days=MOST_DAYS - 1)), end


def spread(cluster: Cluster, first: date, last: date, bins: int = 12) -> list[int]:
    """How often a cluster was asked over the days, in equal stretches."""
    counts = [0] * bins
    width = ((last - first).days + 1) / bins
    for one in cluster.questions:
        day = day_of(one.asked)
        if first <= day <= last:
            counts[min(bins - 1, int((day - first).days / width))] += 1
    return counts


def replies_csv(figures: Figures) -> str:
    """A row for each day, kind, reason and tenth of the confidence; then the verdicts."""
    rows: list[Sequence[object]] = [("day", "kind", "reason", "confidence_from", "count")]
    rows += [(c.day, c.kind, c.reason, c.tenth / TENTHS, c.count) for c in figures.replies]
    for verdict in figures.verdicts:
        rows.append((verdict.day, "feedback", "helpful", "", verdict.helpful))
        rows.append((verdict.day, "feedback", "unhelpful", "", verdict.unhelpful))
    return _csv(rows)


def unanswered_csv(clusters: Iterable[Cluster]) -> str:
    """A row for each question kept, with the number and the head of its cluster."""
    rows: list[Sequence[object]] = [("cluster", "head", "day", "reason", "question")]
    for number, cluster in enumerate(clusters, 1):
        for one in cluster.questions:
            day = day_of(one.asked)
            rows.append(
                (number, guarded(cluster.head), day, one.reason or "", guarded(one.question))
            )
    return _csv(rows)


def _csv(rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
