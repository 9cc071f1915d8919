"""LINE: texts, quick replies, mentions in groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.channels.messaging.body import body_of, part_key
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import at, clean, id_at, objects_at, parse_json, text_at, to_json
from bot.channels.messaging.incoming import (
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.options import labels, read_pick
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.signatures import hmac_matches
from bot.channels.messaging.splitting import shorten, utf16_units
from bot.types import Reply

API = "https://api.line.me"
TEXT, MESSAGES, QUICK_REPLIES, LABEL, DATA = 5000, 5, 13, 20, 300


@dataclass(frozen=True, slots=True)
class Line:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        return ChannelInfo(
            name="line",
            title="LINE",
            settings=(
                Setting("CHANNEL_SECRET", "the channel's secret", rotates=True),
                Setting("ACCESS_TOKEN", "the channel's access token"),
                Setting(
                    "DELIVERY",
                    "push (counted by LINE, never doubled) or reply (free, may get lost or late)",
                    required=False,
                    pattern="push|reply",
                    form="push or reply",
                ),
            ),
            limits=Limits(TEXT, "UTF-16 units", options=QUICK_REPLIES, label=LABEL),
            delivery="exactly once",
            acknowledge_seconds=1.0,
            per_second=30,
            delivered=frozenset({409}),
            probe=OutgoingRequest(
                "GET", f"{self.setup.api or API}/v2/bot/info", auth="bearer:ACCESS_TOKEN"
            ),
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        if request.method != "POST":
            return Rejected("method")
        keys = [secret.encode() for secret in secrets.active("CHANNEL_SECRET")]
        given = request.header("x-line-signature")
        if not hmac_matches(keys, request.body, given, encoding="base64"):
            return Rejected("signature")
        payload = parse_json(request.body)
        if payload is None:
            return Rejected("malformed")
        found = [_message(event, secrets) for event in objects_at(payload, "events")]
        return tuple(message for message in found if message) or Ignored("no message to answer")

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        options = body.options if len(body.options) <= QUICK_REPLIES else ()
        names, whole = labels(options, LABEL, utf16_units)
        texts = body.pieces(TEXT, size=utf16_units, listed=not (whole and options))
        messages: list[dict[str, object]] = [{"type": "text", "text": text} for text in texts]
        if options:
            messages[-1]["quickReply"] = {
                "items": [
                    {
                        "type": "action",
                        "action": {
                            "type": "postback",
                            "label": name,
                            "data": option.payload(DATA, utf16_units),
                            "displayText": shorten(option.text, DATA, utf16_units),
                        },
                    }
                    for option, name in zip(options, names, strict=True)
                ]
            }
        return tuple(
            self._request(messages[first : first + MESSAGES], to, part_key(reply, first), not first)
            for first in range(0, len(messages), MESSAGES)
        )

    def _request(
        self, messages: object, to: Mapping[str, str], key: str, first: bool
    ) -> OutgoingRequest:
        api = self.setup.api or API
        headers = {"Content-Type": "application/json"}
        if first and to.get("token"):  # good for one request
            body = to_json({"replyToken": to["token"], "messages": messages})
            url, repeatable = f"{api}/v2/bot/message/reply", None
        else:
            body = to_json({"to": to["to"], "messages": messages})
            url, repeatable = f"{api}/v2/bot/message/push", key
            headers["X-Line-Retry-Key"] = key
        return OutgoingRequest(
            "POST", url, body, headers, auth="bearer:ACCESS_TOKEN", idempotency_key=repeatable
        )


def _message(event: object, secrets: Secrets) -> IncomingMessage | None:
    """The message, None where it is no text or not for us."""
    kind = text_at(event, "source", "type")
    place = id_at(event, "source", f"{kind}Id") if kind in ("user", "group", "room") else ""
    key, user = id_at(event, "webhookEventId"), id_at(event, "source", "userId")
    if not key or not place or at(event, "mode") == "standby":
        return None
    pick = None
    text, called = "", False
    if text_at(event, "type") == "message" and text_at(event, "message", "type") == "text":
        text, called = _called(event)
    elif text_at(event, "type") == "postback":
        pick = read_pick(text_at(event, "postback", "data"))
        text, called = (pick.text if pick else ""), True
    if not text.strip() or not (called or kind == "user"):
        return None
    reply_to = {"to": place}
    if secrets.get("DELIVERY") == "reply" and id_at(event, "replyToken"):
        reply_to["token"] = id_at(event, "replyToken")
    return IncomingMessage(
        channel="line",
        event_key=key,
        conversation_key=secrets.pseudonym("conversation", place),
        sender=secrets.pseudonym("person", user or place),
        text=text if pick else spoken(text),
        picked=pick.key if pick else None,
        reply_to=reply_to,
    )


def _called(event: object) -> tuple[str, bool]:
    """(the text without a mention of us, whether there was one)."""
    text = text_at(event, "message", "text")
    units = text.encode("utf-16-le")
    for mention in objects_at(event, "message", "mention", "mentionees"):
        start, length = at(mention, "index"), at(mention, "length")
        if mention.get("isSelf") is not True:
            continue
        if not isinstance(start, int) or not isinstance(length, int) or min(start, length) < 0:
            return text, True
        rest = units[: 2 * start] + b" \0" + units[2 * (start + length) :]
        return clean(rest.decode("utf-16-le", "ignore")).strip() or "help", True
    return text, False
