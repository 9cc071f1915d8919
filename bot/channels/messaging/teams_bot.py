"""Microsoft Teams, bot: activities with a token of the Bot Framework, in chats and channels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from bot.channels.messaging import markup
from bot.channels.messaging.body import body_of
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import id_at, objects_at, parse_json, text_at, to_json
from bot.channels.messaging.incoming import (
    Handshake,
    Ignored,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.options import Option, labels, read_pick
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.signatures import bearer, jwt_claims, same
from bot.channels.messaging.splitting import utf16_units
from bot.channels.messaging.teams import words
from bot.types import Reply

ISSUER = "https://api.botframework.com"
KEYS_URL = "https://login.botframework.com/v1/.well-known/keys"
TEXT = 12_000  # of markup; a message of some 28 kB in UTF-16 is refused
BUTTONS, LABEL = 5, 80

_SERVICE_URL = re.compile(r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?:/[\w./-]*)?")
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass(frozen=True, slots=True)
class TeamsBot:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        return ChannelInfo(
            name="teams_bot",
            title="Microsoft Teams (bot)",
            settings=(
                Setting("APP_ID", "the bot's Microsoft app id", pattern=_UUID, form="a UUID"),
                Setting("APP_PASSWORD", "the bot's client secret"),
                Setting(
                    "TENANT_ID",
                    "the tenant of a single-tenant bot",
                    required=False,
                    pattern=_UUID,
                    form="a UUID",
                ),
            ),
            limits=Limits(TEXT, "UTF-16 units", options=BUTTONS, label=LABEL),
            delivery="at least once",
            acknowledgement=Handshake(b"{}"),
            acknowledge_seconds=15.0,
            per_second=30,
            oauth="microsoft",
            retried=frozenset({412}),
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        if request.method != "POST":
            return Rejected("method")
        found = jwt_claims(
            bearer(request.header("authorization")),
            self.setup.keys,
            KEYS_URL,
            issuers=(ISSUER,),
            audiences=secrets.active("APP_ID"),
            now=now,
        )
        if isinstance(found, Rejected):
            return found
        claims, key = found
        activity = parse_json(request.body)
        if activity is None:
            return Rejected("malformed")
        service = text_at(activity, "serviceUrl")
        endorsed = key.get("endorsements")
        # The address to answer at must be the one that Microsoft signed, else we could be sent
        # anywhere with our own token; and the key must be one of this channel.
        if (
            not same(text_at(claims, "serviceurl") or text_at(claims, "serviceUrl"), service)
            or not isinstance(endorsed, list)
            or activity.get("channelId") not in endorsed
        ):
            return Rejected("signature")
        if not self._may_answer(service):
            return Rejected("malformed")
        if activity.get("type") != "message":
            return Ignored("another activity")
        return self._message(activity, service, secrets)

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        options = body.options if len(body.options) <= BUTTONS else ()
        names, whole = labels(options, LABEL, utf16_units)
        listed = not (whole and options)
        texts = body.pieces(TEXT, size=utf16_units, escape=markup.teams, listed=listed)
        conversation = quote(to["conversation"], safe="")
        url = f"{to['service'].rstrip('/')}/v3/conversations/{conversation}/activities"
        requests = []
        for number, text in enumerate(texts, 1):
            activity: dict[str, object] = {
                "type": "message",
                "from": {"id": to["bot"]},
                "conversation": {"id": to["conversation"]},
                "replyToId": to["activity"],
                "textFormat": "xml",
                "text": text,
            }
            if options and number == len(texts):
                activity["attachments"] = [_card(options, names)]
            requests.append(
                OutgoingRequest(
                    "POST",
                    f"{url}/{quote(to['activity'], safe='')}",
                    to_json(activity),
                    {"Content-Type": "application/json"},
                    auth="oauth",
                )
            )
        return tuple(requests)

    def _message(self, activity: Mapping[str, object], service: str, secrets: Secrets) -> Received:
        bot = id_at(activity, "recipient", "id")
        ids = [id_at(activity, "id"), id_at(activity, "from", "id")]
        conversation = id_at(activity, "conversation", "id")
        if not all(ids) or not bot or not conversation:
            return Rejected("malformed")
        key, user = ids
        text = words(text_at(activity, "text"))
        pick = read_pick(text_at(activity, "value", "pick"), text)
        mentions = [e for e in objects_at(activity, "entities") if e.get("type") == "mention"]
        called = any(id_at(mention, "mentioned", "id") == bot for mention in mentions)
        personal = text_at(activity, "conversation", "conversationType") == "personal"
        if not (personal or called or pick):
            return Ignored("not addressed")
        return (
            IncomingMessage(
                channel="teams_bot",
                event_key=key,
                conversation_key=secrets.pseudonym("conversation", conversation),
                sender=secrets.pseudonym("person", user),
                text=pick.text if pick else spoken(text),
                picked=pick.key if pick else None,
                reply_to={
                    "service": service,
                    "conversation": conversation,
                    "activity": key,
                    "bot": bot,
                },
            ),
        )

    def _may_answer(self, service: str) -> bool:
        """Whether `service` is a host by name, over TLS (or the other address that is set)."""
        if self.setup.api and service.rstrip("/") == self.setup.api.rstrip("/"):
            return True
        return bool(_SERVICE_URL.fullmatch(service))


def _card(options: Sequence[Option], names: Sequence[str]) -> dict[str, object]:
    buttons = [
        {
            "type": "messageBack",
            "title": name,
            "displayText": option.text,
            "text": option.text,
            "value": {"pick": option.key},
        }
        for option, name in zip(options, names, strict=True)
    ]
    return {
        "contentType": "application/vnd.microsoft.card.hero",
        "content": {"buttons": buttons},
    }
