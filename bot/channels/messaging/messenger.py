"""Facebook Messenger and Instagram: texts, quick replies, postbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bot.channels.messaging.body import body_of
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.fields import at, id_at, objects_at, text_at, to_json
from bot.channels.messaging.incoming import (
    Handshake,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.meta import META_SETTINGS, verified
from bot.channels.messaging.options import labels, read_pick
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup, Unit
from bot.channels.messaging.splitting import Size, utf8_bytes, utf16_units
from bot.types import Reply

QUICK_REPLIES, LABEL, PAYLOAD = 13, 20, 1000


@dataclass(frozen=True, slots=True)
class _Platform:
    name: Literal["messenger", "instagram"]
    title: str
    object: str  # what the webhook's payload calls itself
    api: str
    text: int
    unit: Unit
    size: Size


MESSENGER = _Platform(
    "messenger",
    "Facebook Messenger",
    "page",
    "https://graph.facebook.com/v23.0",
    2000,
    "UTF-16 units",
    utf16_units,
)
INSTAGRAM = _Platform(
    "instagram",
    "Instagram",
    "instagram",
    "https://graph.instagram.com/v23.0",
    1000,
    "bytes",
    utf8_bytes,
)


@dataclass(frozen=True, slots=True)
class Messenger:
    setup: Setup = field(default_factory=Setup)
    platform: _Platform = MESSENGER

    def describe(self) -> ChannelInfo:
        platform = self.platform
        return ChannelInfo(
            name=platform.name,
            title=platform.title,
            settings=META_SETTINGS,
            limits=Limits(platform.text, platform.unit, options=QUICK_REPLIES, label=LABEL),
            delivery="at least once",
            acknowledge_seconds=1.0,
            per_second=10,
            probe=OutgoingRequest("GET", f"{self._api}/me", auth="bearer:ACCESS_TOKEN"),
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        payload = verified(request, secrets, self.platform.object)
        if isinstance(payload, Handshake | Rejected):
            return payload
        found = [
            self._message(event, secrets)
            for entry in objects_at(payload, "entry")
            for event in objects_at(entry, "messaging")
        ]
        return tuple(message for message in found if message) or Ignored("no message to answer")

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        platform = self.platform
        body = body_of(reply, self.setup.public_url)
        options = body.options if len(body.options) <= QUICK_REPLIES else ()
        names, whole = labels(options, LABEL, utf16_units)
        listed = not (whole and options)
        texts = body.pieces(platform.text, size=platform.size, listed=listed)
        requests = []
        for number, text in enumerate(texts, 1):
            message: dict[str, object] = {"text": text}
            if options and number == len(texts):
                message["quick_replies"] = [
                    {
                        "content_type": "text",
                        "title": name,
                        "payload": option.payload(PAYLOAD, utf8_bytes),
                    }
                    for option, name in zip(options, names, strict=True)
                ]
            sent = {"recipient": {"id": to["to"]}, "message": message}
            if platform.name == "messenger":
                sent = {"messaging_type": "RESPONSE", **sent}
            requests.append(
                OutgoingRequest(
                    "POST",
                    f"{self._api}/me/messages",
                    to_json(sent),
                    {"Content-Type": "application/json"},
                    auth="bearer:ACCESS_TOKEN",
                )
            )
        return tuple(requests)

    @property
    def _api(self) -> str:
        return self.setup.api or self.platform.api

    def _message(self, event: object, secrets: Secrets) -> IncomingMessage | None:
        """The message, None where it is an echo, a receipt, or not in words."""
        sender, us = id_at(event, "sender", "id"), id_at(event, "recipient", "id")
        if not sender or not us or at(event, "message", "is_echo") is True:
            return None
        payload = text_at(event, "message", "quick_reply", "payload")
        text, key = text_at(event, "message", "text"), id_at(event, "message", "mid")
        if at(event, "postback") is not None:
            payload = text_at(event, "postback", "payload")
            text = text_at(event, "postback", "title")
            key = id_at(event, "postback", "mid") or secrets.pseudonym(
                "postback", us, sender, id_at(event, "timestamp"), payload
            )
        pick = read_pick(payload, text)
        text = pick.text if pick else text
        if not key or not text.strip():
            return None
        return IncomingMessage(
            channel=self.platform.name,
            event_key=key,
            conversation_key=secrets.pseudonym("conversation", us, sender),
            sender=secrets.pseudonym("person", sender),
            text=spoken(text),
            picked=pick.key if pick else None,
            reply_to={"to": sender},
        )
