"""Google Chat: messages, mentions in spaces, buttons of cards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from bot.channels.messaging import markup
from bot.channels.messaging.body import body_of, part_key
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import at, id_at, objects_at, parse_json, text_at, to_json
from bot.channels.messaging.incoming import (
    Handshake,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.options import Pick, labels, read_pick
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.signatures import bearer, jwt_claims
from bot.types import Reply

API = "https://chat.googleapis.com/v1"
CHAT = "chat@system.gserviceaccount.com"
# Google signs with one account's keys for a project number, with its own for an address.
PROJECT_KEYS_URL = f"https://www.googleapis.com/service_accounts/v1/jwk/{CHAT}"
URL_KEYS_URL = "https://www.googleapis.com/oauth2/v3/certs"
TEXT = 24_000  # bytes as JSON; a message may have 32,000 in all, its buttons included
BUTTONS, LABEL = 10, 60

_SPACE = re.compile(r"spaces/[\w-]+")
_THREAD = re.compile(r"spaces/[\w-]+/threads/[\w-]+")


@dataclass(frozen=True, slots=True)
class GoogleChat:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        return ChannelInfo(
            name="googlechat",
            title="Google Chat",
            settings=(
                Setting(
                    "AUDIENCE",
                    "the authentication audience: the project's number or the endpoint's address",
                    rotates=True,
                    pattern=r"\d+|https://\S+",
                    form="a project number or an https address",
                ),
                Setting(
                    "SERVICE_ACCOUNT",
                    "the service account's key, the JSON file's text",
                    pattern=r"(?s)\{.*\"private_key\".*\}",
                    form="the JSON of a service account's key",
                ),
            ),
            limits=Limits(TEXT, "bytes", options=BUTTONS, label=LABEL),
            delivery="exactly once",
            acknowledgement=Handshake(b"{}"),
            acknowledge_seconds=30.0,
            per_second=10,
            oauth="google",
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        if request.method != "POST":
            return Rejected("method")
        refused = self._verify(bearer(request.header("authorization")), secrets, now)
        if refused is not None:
            return refused
        event = parse_json(request.body)
        if event is None:
            return Rejected("malformed")
        kind = text_at(event, "type")
        message = at(event, "message")
        if kind == "CARD_CLICKED":
            pick = read_pick(_parameter(event))
            key = secrets.pseudonym("click", id_at(message, "name"), text_at(event, "eventTime"))
            return self._message(event, key, pick.text if pick else "", pick, secrets)
        # Added to a space by a mention, it gets the message with the news.
        if kind not in ("MESSAGE", "ADDED_TO_SPACE") or message is None:
            return Ignored("another event")
        if text_at(message, "sender", "type") == "BOT":
            return Ignored("not written by a person")
        text = text_at(message, "argumentText") or text_at(message, "text")
        return self._message(event, id_at(message, "name"), spoken(text), None, secrets)

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        options = body.options if len(body.options) <= BUTTONS else ()
        names, whole = labels(options, LABEL)
        texts = body.pieces(
            TEXT, size=_json_bytes, escape=markup.googlechat, listed=not (whole and options)
        )
        requests = []
        for number, text in enumerate(texts, 1):
            message: dict[str, object] = {"text": text}
            if "thread" in to:
                message["thread"] = {"name": to["thread"]}
            if options and number == len(texts):
                buttons = [
                    {"text": name, "onClick": {"action": _picking(option.key)}}
                    for option, name in zip(options, names, strict=True)
                ]
                card = {"sections": [{"widgets": [{"buttonList": {"buttons": buttons}}]}]}
                message["cardsV2"] = [{"cardId": "options", "card": card}]
            key = part_key(reply, number)
            parameters = {
                "requestId": key,
                "messageReplyOption": "REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD",
            }
            requests.append(
                OutgoingRequest(
                    "POST",
                    f"{self.setup.api or API}/{to['space']}/messages?{urlencode(parameters)}",
                    to_json(message),
                    {"Content-Type": "application/json"},
                    auth="oauth",
                    idempotency_key=key,
                )
            )
        return tuple(requests)

    def _verify(self, token: str, secrets: Secrets, now: float) -> Rejected | None:
        audiences = secrets.active("AUDIENCE")
        numbers = [audience for audience in audiences if audience.isdecimal()]
        addresses = [audience for audience in audiences if not audience.isdecimal()]
        refused: Rejected | None = Rejected("signature")
        if numbers:
            found = jwt_claims(
                token,
                self.setup.keys,
                PROJECT_KEYS_URL,
                issuers=(CHAT,),
                audiences=numbers,
                now=now,
            )
            refused = found if isinstance(found, Rejected) else None
        if addresses and refused is not None:
            found = jwt_claims(
                token,
                self.setup.keys,
                URL_KEYS_URL,
                issuers=("https://accounts.google.com", "accounts.google.com"),
                audiences=addresses,
                now=now,
            )
            if isinstance(found, Rejected):
                return found
            claims = found[0]
            genuine = claims.get("email") == CHAT and claims.get("email_verified") is True
            refused = None if genuine else Rejected("signature")
        return refused

    def _message(
        self, event: object, key: str, text: str, pick: Pick | None, secrets: Secrets
    ) -> Received:
        space = id_at(event, "space", "name") or id_at(event, "message", "space", "name")
        thread = id_at(event, "message", "thread", "name")
        user = id_at(event, "user", "name") or id_at(event, "message", "sender", "name")
        if not key or not user or not _SPACE.fullmatch(space):
            return Rejected("malformed")
        if not text:
            return Ignored("no text")
        direct = (
            text_at(event, "space", "type") == "DM"
            or text_at(event, "space", "spaceType") == "DIRECT_MESSAGE"
        )
        reply_to = {"space": space}
        if not direct and _THREAD.fullmatch(thread):
            reply_to["thread"] = thread
        return (
            IncomingMessage(
                channel="googlechat",
                event_key=key,
                conversation_key=secrets.pseudonym(
                    "conversation", space, reply_to.get("thread", "")
                ),
                sender=secrets.pseudonym("person", user),
                text=text,
                picked=pick.key if pick else None,
                reply_to=reply_to,
            ),
        )


def _picking(key: str) -> dict[str, object]:
    return {"function": "pick", "parameters": [{"key": "pick", "value": key}]}


def _parameter(event: object) -> str:
    """What a pressed button carries."""
    if said := text_at(event, "common", "parameters", "pick"):
        return said
    parameters = objects_at(event, "action", "parameters")
    return next((text_at(p, "value") for p in parameters if p.get("key") == "pick"), "")


def _json_bytes(text: str) -> int:
    return max(len(to_json(text)) - 2, len(text))
