"""What travels between a platform and the bot: a raw request in, typed results, requests out.

Nothing here shows a message, an address or a token in its repr: reprs end up in logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

RejectedReason = Literal[
    "signature",  # missing or wrong: a signature, a token, a key
    "stale",  # a right signature of the wrong time: a replay
    "malformed",  # not what the platform sends
    "method",  # GET where only POST is served
    "unavailable",  # the platform's public keys can't be had at the moment
]
_STATUS: Mapping[RejectedReason, int] = {
    "signature": 401,
    "stale": 401,
    "malformed": 400,
    "method": 405,
    "unavailable": 503,
}


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A request as it arrived. `url` is the public address that the platform called, query
    included; `headers` has lower-case names; `body` is untouched."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """The value of a header, "" where there is none; `name` in lower case."""
        return self.headers.get(name, "")

    @property
    def path(self) -> str:
        try:
            return urlsplit(self.url).path
        except ValueError:
            return ""

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the address; the first value of each."""
        try:
            pairs = parse_qsl(urlsplit(self.url).query, keep_blank_values=True, max_num_fields=100)
        except ValueError:
            return {}
        return dict(reversed(pairs))


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request to deliver, without its credentials: it can be stored as it is.

    `auth` tells `authorise.authorised` which secret to add when it is sent. A method of "RESPOND"
    is no request of its own: its body is the answer to the platform's request. Sent again with
    the same `idempotency_key`, the platform delivers it once; None where it knows no such key.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "RESPOND"]
    url: str = field(repr=False)
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: str = ""
    idempotency_key: str | None = None

    def to_json(self) -> dict[str, object]:
        """As it is kept in an outbox; `from_json` reads it back equal."""
        return {
            "method": self.method,
            "url": self.url,
            "body": self.body.decode("utf-8"),
            "headers": dict(self.headers),
            "auth": self.auth,
            "idempotency_key": self.idempotency_key,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, object]) -> OutgoingRequest:
        headers, key = kept["headers"], kept["idempotency_key"]
        assert isinstance(headers, Mapping)
        return cls(
            method=str(kept["method"]),  # type: ignore[arg-type]
            url=str(kept["url"]),
            body=str(kept["body"]).encode("utf-8"),
            headers={str(name): str(value) for name, value in headers.items()},
            auth=str(kept["auth"]),
            idempotency_key=None if key is None else str(key),
        )


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """One message of a person.

    `event_key` is the platform's own id of the event: the same when it is sent again. Messages of
    one `conversation_key` are answered in order, with their follow-ups understood. `sender` is a
    keyed hash. `picked` is the payload of a button (see `options.chosen`), and `text` then the
    option's words as far as the platform repeats them. `addressed` is False for a message in a
    group that is not meant for the bot: it must not be answered or kept (the channels here say
    Ignored at once). `reply_to` is what `Channel.render` needs to answer.
    """

    channel: str
    event_key: str
    conversation_key: str
    sender: str
    text: str = field(repr=False)
    picked: str | None = None
    addressed: bool = True
    reply_to: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Action:
    """An event that needs requests but no answer of the bot, such as joining when invited."""

    channel: str
    event_key: str
    conversation_key: str
    requests: tuple[OutgoingRequest, ...]


@dataclass(frozen=True, slots=True)
class Handshake:
    """A request that is answered on the spot: a challenge, a ping. Nothing is to be kept."""

    body: bytes = b""
    content_type: str = "application/json"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Ignored:
    """A genuine request with nothing to answer: an edit, a receipt, a bot's own message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A request that is not taken. `status` is the HTTP status to answer with."""

    reason: RejectedReason

    @property
    def status(self) -> int:
        return _STATUS[self.reason]


Received = tuple[IncomingMessage | Action, ...] | Handshake | Ignored | Rejected
