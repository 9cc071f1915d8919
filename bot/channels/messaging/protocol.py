"""What every messaging channel is: it receives, renders and describes itself. It does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.incoming import Handshake, OutgoingRequest, RawRequest, Received
from bot.types import Reply

Unit = Literal["characters", "UTF-16 units", "bytes"]
Delivery = Literal["exactly once", "at least once", "in the response"]
DELIVERIES: Mapping[Delivery, str] = {
    "exactly once": "Each message carries a key, so that a repeated one is not shown twice.",
    "at least once": "The platform takes no key with a message: where its answer to a sending is "
    "lost, the message is sent again and may be shown twice.",
    "in the response": "The answer is the response to the platform's own request, and comes once.",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may hold. `options` is how many buttons it can have (0: none, so that
    options are numbered lines), `label` how long a button's text may be, in `unit`."""

    text: int
    unit: Unit
    options: int = 0
    label: int = 0


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """What the rest needs to know of a channel: settings, limits, how it is answered and paced."""

    name: str
    title: str
    settings: tuple[Setting, ...]
    limits: Limits
    delivery: Delivery
    acknowledgement: Handshake = field(default_factory=lambda: Handshake(b"", "text/plain"))
    acknowledge_seconds: float = 3.0
    per_second: float = 10.0  # messages to the whole platform
    per_conversation: float = 1.0  # messages a second to one conversation
    address: str = "API_URL"  # the setting that holds the platform's address
    oauth: Literal["", "google", "microsoft"] = ""
    delivered: frozenset[int] = frozenset()  # statuses beside 2xx that mean "I have it already"
    retried: frozenset[int] = frozenset()  # statuses beside 408, 425, 429 and 5xx that may pass
    says_ok: bool = False  # a 200 with {"ok": false} is a refusal
    probe: OutgoingRequest | None = None  # asks the platform whether the credentials are right


# Given the address of a JSON Web Key Set, and True to read it anew for a key that was not in it;
# None where it can't be had.
Keys = Callable[[str, bool], Mapping[str, object] | None]

# Given a request that asks a platform about the bot's own account, and the channel's secrets; the
# answer, asked for once and kept; None while it can't be had.
Account = Callable[[OutgoingRequest, Secrets], Mapping[str, object] | None]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a channel is built with: another address of the platform, our own public address (for
    links to the sources), the public keys of those who sign tokens, and the bot's own account."""

    api: str | None = None
    public_url: str | None = None
    keys: Keys = field(default=lambda url, anew: None, repr=False)
    account: Account = field(default=lambda request, secrets: None, repr=False)


class Channel(Protocol):
    """A messaging platform. Pure: time, keys and secrets are passed in."""

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        """Verify `request` and say what it is. `now` in Unix seconds. Never raises."""
        ...

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        """The requests that deliver `reply`, in order; `to` is an IncomingMessage's `reply_to`.
        The same reply gives the same requests."""
        ...

    def describe(self) -> ChannelInfo: ...
