"""What one request to the review page shows, and what is said of a pair."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from bot.channels.markup import Markup, element
from bot.channels.review.layout import Desk
from bot.channels.review.trials import Board, Outcome
from bot.channels.review.workspace import Entry, Snapshot

STATUSES = (
    ("", "All pairs"),
    ("open", "To review"),
    ("reviewed", "Reviewed"),
    ("overdue", "Past their date"),
    ("lost", "Not served"),
    ("warnings", "With warnings"),
)


BADGES = {"drawn": "to review", "reviewed": "reviewed", "overdue": "past its date", "lost": "lost"}


@dataclass(frozen=True, slots=True)
class Filter:
    """What is listed: a status (see STATUSES) and a topic; empty: all."""

    status: str = ""
    topic: str = ""

    @property
    def fields(self) -> dict[str, str | None]:
        return {"status": self.status or None, "topic": self.topic or None}

    def query(self, pair: str | None = None) -> str:
        given = {"pair": pair, **self.fields}
        return urlencode({key: value for key, value in given.items() if value})

    def takes(self, entry: Entry, board: Board) -> bool:
        if self.topic and topic_of(entry) != self.topic:
            return False
        match self.status:
            case "open":
                return entry.status != "reviewed"
            case "warnings":
                return bool(warnings(entry, board))
            case "":
                return True
        return entry.status == self.status


@dataclass(frozen=True)
class View:
    """What one request shows: `entry` of the `listed` ones, None where there is none."""

    look: Desk
    snapshot: Snapshot
    board: Board
    filter: Filter
    listed: Sequence[Entry]
    entry: Entry | None
    undoable: str | None = None

    def neighbour(self, step: int) -> Entry | None:
        """The entry `step` places on in the list; None at its ends."""
        if self.entry is None:
            return None
        ids = [entry.id for entry in self.listed]
        at = ids.index(self.entry.id) + step if self.entry.id in ids else 0
        return self.listed[at] if 0 <= at < len(self.listed) else None

    def link(self, entry: Entry) -> str:
        return f"{self.look.base}/review?{self.filter.query(entry.id)}#pair"

    @property
    def hidden(self) -> dict[str, str | None]:
        """The fields that every form carries."""
        return {"revision": self.snapshot.revision, **self.filter.fields}


def topic_of(entry: Entry) -> str:
    """The heading the answer stands under, else what it is about."""
    if entry.passage is not None and entry.passage.heading:
        return entry.passage.heading
    return " and ".join(text.value for text in entry.row.subjects) or "Other"


def warnings(entry: Entry, board: Board) -> list[str]:
    """What `check` has against an entry, its wordings that go astray included."""
    if entry.pair is None:
        return [entry.why or "is not served"]
    found = list(board.faults.get(entry.id, ()))
    astray = [
        o for _, o in board.own(entry.pair) if o is not None and not board.finds(entry.pair, o)
    ]
    if astray:
        found.append(_astray(astray))
    return found


def _astray(outcomes: Sequence[Outcome]) -> str:
    if len(outcomes) == 1:
        return f"One of its wordings does not find it: “{outcomes[0].asked.question}”"
    return f"{len(outcomes)} of its wordings do not find it"


KINDS = {
    "decline": "not answered",
    "clarify": "asked back",
    "safety": "safety text",
    "smalltalk": "small talk",
    "error": "can't be asked",
}


def instead(view: View, outcome: Outcome) -> Iterable[Markup | str]:
    """What a question comes to, where that is not the pair looked at."""
    other = view.snapshot.find(outcome.pair) if outcome.pair else None
    if other is None:
        return (KINDS.get(outcome.kind, "finds another"),)
    return ("finds ", element("a", other.question, href=view.link(other)))
