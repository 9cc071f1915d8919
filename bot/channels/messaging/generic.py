"""Any other system, by webhooks in and out after the Standard Webhooks specification.

In:  {"type": "message", "data": {"conversation": "...", "sender": "...", "text": "..."}}, or with
     "pick": the payload of an option instead of the text.
Out: {"type": "reply", "data": {"conversation": "...", "in_reply_to": the webhook-id answered,
     "part": 1, "parts": 1, "kind": "answer", "text": "...", "options": [{"text", "pick"}, ...]}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.channels.messaging.body import body_of, part_key
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import parse_json, text_at, to_json
from bot.channels.messaging.incoming import (
    Handshake,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.options import read_pick
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.signatures import (
    base64_secret,
    hmac_signature,
    is_fresh,
    token_matches,
)
from bot.types import Reply

BODY = 20_000  # bytes of one webhook
TEXT = 12_000  # bytes of its text, as JSON
_ID = re.compile(r"[\x21-\x7e]{1,256}")


@dataclass(frozen=True, slots=True)
class Generic:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        form = r"whsec_[A-Za-z0-9+/]{20,100}={0,2}"
        return ChannelInfo(
            name="generic",
            title="Generic webhook (Standard Webhooks)",
            settings=(
                Setting(
                    "SECRET",
                    "the secret that both directions are signed with",
                    rotates=True,
                    pattern=form,
                    form="whsec_ and 24 to 64 bytes in base64",
                ),
                Setting(
                    "REPLY_URL",
                    "where replies are posted",
                    pattern=r"https?://\S+",
                    form="an http or https address",
                ),
            ),
            limits=Limits(TEXT, "bytes"),
            delivery="exactly once",
            acknowledgement=Handshake(b"", "text/plain", 202),
            acknowledge_seconds=15.0,
            address="REPLY_URL",
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        if request.method != "POST":
            return Rejected("method")
        key, time = request.header("webhook-id"), request.header("webhook-timestamp")
        expected = [signature(s, key, time, request.body) for s in secrets.active("SECRET")]
        given = request.header("webhook-signature").split(" ")[:10]
        found = [token_matches(expected, one) for one in given]
        if not any(found) or not _ID.fullmatch(key):
            return Rejected("signature")
        if not is_fresh(time, now):
            return Rejected("stale")
        event = parse_json(request.body)
        if event is None:
            return Rejected("malformed")
        if event.get("type") != "message":
            return Ignored("another event")
        conversation = text_at(event, "data", "conversation")
        text = text_at(event, "data", "text")
        pick = read_pick(text_at(event, "data", "pick"), text)
        if not conversation or len(conversation) > 500 or not (text.strip() or pick):
            return Rejected("malformed")
        return (
            IncomingMessage(
                channel="generic",
                event_key=key,
                conversation_key=secrets.pseudonym("conversation", conversation),
                sender=secrets.pseudonym("person", text_at(event, "data", "sender")),
                text=pick.text if pick else spoken(text),
                picked=pick.key if pick else None,
                reply_to={"conversation": conversation, "in_reply_to": key},
            ),
        )

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        texts = body.pieces(TEXT, size=lambda t: len(to_json(t)), listed=True)
        requests = []
        for number, text in enumerate(texts, 1):
            data: dict[str, object] = {
                "conversation": to["conversation"],
                "in_reply_to": to["in_reply_to"],
                "part": number,
                "parts": len(texts),
                "kind": reply.decision.kind,
                "text": text,
                "options": [],
            }
            sent = {"type": "reply", "data": data}
            if number == len(texts):
                data["options"] = [{"text": o.text, "pick": o.key} for o in body.options]
                if len(to_json(sent)) > BODY:  # the numbered lines of the text still have them
                    data["options"] = []
            requests.append(
                OutgoingRequest(
                    "POST",
                    self.setup.api or "",
                    to_json(sent),
                    {"Content-Type": "application/json"},
                    auth="webhook:SECRET",
                    idempotency_key=f"msg_{part_key(reply, number)}",
                )
            )
        return tuple(requests)


def signature(secret: str, key: str, time: str, body: bytes) -> str:
    """The signature of a webhook: "v1," and base64."""
    raw = base64_secret(secret.removeprefix("whsec_"))
    signed = f"{key}.{time}.".encode("utf-8", "surrogatepass") + body
    return "v1," + hmac_signature(raw, signed, encoding="base64")


def signed_headers(secrets: tuple[str, ...], key: str, now: float, body: bytes) -> dict[str, str]:
    """The three headers of a webhook sent at `now`, signed with every active secret."""
    time = str(int(now))
    signatures = [signature(secret, key, time, body) for secret in secrets]
    return {
        "webhook-id": key,
        "webhook-timestamp": time,
        "webhook-signature": " ".join(signatures),
    }
