"""The way of a platform's request: verified, kept, acknowledged. Nothing is answered here, but on
platforms that take the answer in the response alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.channels.messaging.answering import Answerer
from bot.channels.messaging.incoming import (
    Action,
    Handshake,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Rejected,
    RejectedReason,
)
from bot.channels.messaging.registry import Enabled
from bot.state.inbox import Event, Inbox
from bot.state.lanes import Lanes
from bot.state.metrics import Metrics

PATIENCE = 0.8  # seconds to wait for the database: a platform wants its answer within one or so
RESPONSE_SECONDS = 4.0  # for an answer that must be in the response; Teams waits for five
_LOOK_SECONDS = 0.02

_DETAILS: Mapping[RejectedReason, str] = {
    "signature": "The request is not signed as it must be.",
    "stale": "The request is too old, or its clock is wrong.",
    "malformed": "The request is not what this platform sends.",
    "method": "This address does not take this method.",
    "unavailable": "The signature can't be checked at the moment.",
}


class NotNow(Exception):
    """The answer was not ready in time; the platform may ask again."""


class NotTaken(Exception):
    """The request is rejected with `status`; `detail` says why, without a word of it."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(_DETAILS[rejected.reason])
        self.status = rejected.status
        self.detail = _DETAILS[rejected.reason]


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = "text/plain"


class Reception:
    """Takes requests. Synchronous; many threads may use it.

    `kept` is called behind each event that is new, so that workers need not look for it.
    """

    def __init__(
        self,
        channels: Mapping[str, Enabled],
        inbox: Inbox,
        lanes: Lanes,
        answerer: Answerer,
        metrics: Metrics,
        kept: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._channels = channels
        self._inbox = inbox
        self._lanes = lanes
        self._answerer = answerer
        self._metrics = metrics
        self._kept = kept
        self._clock = clock

    def take(self, channel: str, request: RawRequest) -> Response:
        """The response to a platform's request; `channel` is one of those enabled.

        Raises NotTaken, NotNow, and StoreError where the event could not be kept: the
        platform must not be told that it was.
        """
        enabled = self._channels[channel]
        started = time.perf_counter()
        metrics = self._metrics.messaging
        found = enabled.channel.receive(request, enabled.secrets, self._clock())
        match found:
            case Rejected():
                metrics.rejected.labels(channel, found.reason).inc()
                raise NotTaken(found)
            case Handshake():
                return _response(found)
            case Ignored():
                metrics.ignored.labels(channel).inc()
                return _response(enabled.info.acknowledgement)
        events = [event for one in found if (event := _event(one)) is not None]
        if not events:
            metrics.ignored.labels(channel).inc()
            return _response(enabled.info.acknowledgement)
        new = self._inbox.accept(events, PATIENCE)
        metrics.received.labels(channel).inc(new)
        metrics.repeated.labels(channel).inc(len(events) - new)
        if enabled.info.delivery == "in the response":
            response = self._respond(events, enabled)
        else:
            if new:
                self._kept()
            response = _response(enabled.info.acknowledgement)
        metrics.acknowledging.labels(channel).observe(time.perf_counter() - started)
        return response

    def _respond(self, events: Sequence[Event], enabled: Enabled) -> Response:
        """Answer now, in the order of the conversation, and give the answer as the response.

        An event sent again gets the answer that it got before.
        """
        last = events[-1]
        until = time.monotonic() + RESPONSE_SECONDS
        while True:
            done = self._inbox.known_done(last)  # before the answer: it may be given in between
            given = self._inbox.answer_given(last)
            if given is not None:
                request = OutgoingRequest.from_json(given)
                return Response(
                    200, request.body, request.headers.get("Content-Type", "application/json")
                )
            if done:  # answered long ago, or it could not be
                return _response(enabled.info.acknowledgement)
            if time.monotonic() > until:
                raise NotNow
            lease = self._lanes.claim_one(last.conversation)
            if lease is not None:
                self._answerer.work(lease)
            else:  # another thread is at it
                time.sleep(_LOOK_SECONDS)


def _event(found: IncomingMessage | Action) -> Event | None:
    """What is kept of a message: no more than answering it takes; None where it isn't for us."""
    conversation = f"{found.channel}.{found.conversation_key}"
    if isinstance(found, Action):
        requests = [request.to_json() for request in found.requests]
        return Event(found.channel, found.event_key, conversation, requests=requests)
    if not found.addressed:
        return None
    message = {"text": found.text, "picked": found.picked, "reply_to": dict(found.reply_to)}
    return Event(found.channel, found.event_key, conversation, message)


def _response(answer: Handshake) -> Response:
    return Response(answer.status, answer.body, answer.content_type)
