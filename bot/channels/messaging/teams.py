"""Microsoft Teams, outgoing webhook: the answer is the response to the request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape

from bot.channels.messaging import markup
from bot.channels.messaging.body import body_of
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import clean, id_at, parse_json, text_at, to_json
from bot.channels.messaging.incoming import (
    Handshake,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.signatures import base64_secret, hmac_matches
from bot.channels.messaging.splitting import utf16_units
from bot.types import Reply

TEXT = 12_000  # of markup; a message of some 28 kB in UTF-16 is refused

# A name is short; without a bound the time would grow with the square of an odd text's length.
_MENTION = re.compile(r"<at\b[^>]{0,300}>.{0,300}?</at>", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>|</p>|</div>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Teams:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        return ChannelInfo(
            name="teams",
            title="Microsoft Teams (outgoing webhook)",
            settings=(
                Setting(
                    "TOKEN",
                    "the webhook's security token",
                    rotates=True,
                    pattern=r"[A-Za-z0-9+/]+={0,2}",
                    form="base64, as Teams shows it",
                ),
            ),
            limits=Limits(TEXT, "UTF-16 units"),
            delivery="in the response",
            acknowledgement=Handshake(b"{}"),
            acknowledge_seconds=5.0,
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        if request.method != "POST":
            return Rejected("method")
        keys = [base64_secret(token) for token in secrets.active("TOKEN")]
        given = request.header("authorization")
        if not hmac_matches(keys, request.body, given, encoding="base64", prefix="HMAC "):
            return Rejected("signature")
        activity = parse_json(request.body)
        if activity is None:
            return Rejected("malformed")
        if activity.get("type") != "message":
            return Ignored("another activity")
        key, user = id_at(activity, "id"), id_at(activity, "from", "id")
        conversation = id_at(activity, "conversation", "id")
        if not key or not user or not conversation:
            return Rejected("malformed")
        return (
            IncomingMessage(
                channel="teams",
                event_key=key,
                conversation_key=secrets.pseudonym("conversation", conversation),
                sender=secrets.pseudonym("person", user),
                text=spoken(words(text_at(activity, "text"))),
            ),
        )

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        text = body.piece(TEXT, size=utf16_units, escape=markup.teams)
        answer = to_json({"type": "message", "textFormat": "xml", "text": text})
        return (OutgoingRequest("RESPOND", "", answer, {"Content-Type": "application/json"}),)


def words(text: str) -> str:
    """What was written: without mentions and markup."""
    text = _BREAK.sub("\n", _MENTION.sub(" ", text))
    return clean(unescape(_TAG.sub("", text)).replace("\xa0", " ")).strip()
