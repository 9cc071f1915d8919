"""Discord interactions: the slash command and buttons, answered to the one who asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from bot.channels.messaging import markup
from bot.channels.messaging.body import body_of, part_key
from bot.channels.messaging.commands import from_command
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import at, id_at, objects_at, parse_json, text_at, to_json
from bot.channels.messaging.incoming import (
    Handshake,
    IncomingMessage,
    OutgoingRequest,
    RawRequest,
    Received,
    Rejected,
)
from bot.channels.messaging.options import Option, labels, read_pick
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.signatures import ed25519_matches, is_fresh
from bot.channels.messaging.splitting import utf16_units
from bot.types import Reply

API = "https://discord.com/api/v10"
TEXT, LABEL, CUSTOM_ID, PER_ROW, BUTTONS = 2000, 80, 100, 5, 25
EPHEMERAL = 64  # a flag: seen by the one who asked alone

_PING, _COMMAND, _COMPONENT, _AUTOCOMPLETE = 1, 2, 3, 4
_LATER = Handshake(to_json({"type": 5, "data": {"flags": EPHEMERAL}}))
_NOTHING = Handshake(to_json({"type": 6}))


@dataclass(frozen=True, slots=True)
class Discord:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        return ChannelInfo(
            name="discord",
            title="Discord",
            settings=(
                Setting(
                    "PUBLIC_KEY",
                    "the application's public key",
                    rotates=True,
                    pattern=r"[0-9a-f]{64}",
                    form="64 hexadecimal digits in lower case",
                ),
            ),
            limits=Limits(TEXT, "UTF-16 units", options=BUTTONS, label=LABEL),
            delivery="at least once",
            acknowledgement=_LATER,
            per_second=50,
            per_conversation=2,
            retried=frozenset({404}),  # sent before Discord has read our acknowledgement
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        if request.method != "POST":
            return Rejected("method")
        time = request.header("x-signature-timestamp")
        given = request.header("x-signature-ed25519")
        signed = time.encode("utf-8", "surrogatepass") + request.body
        if not ed25519_matches(secrets.active("PUBLIC_KEY"), signed, given):
            return Rejected("signature")
        if not is_fresh(time, now):
            return Rejected("stale")
        interaction = parse_json(request.body)
        if interaction is None:
            return Rejected("malformed")
        kind = interaction.get("type")
        if kind == _PING:
            return Handshake(to_json({"type": 1}))
        if kind == _AUTOCOMPLETE:
            return Handshake(to_json({"type": 8, "data": {"choices": []}}))
        picked = None
        if kind == _COMMAND:
            said = [text_at(o, "value") for o in objects_at(interaction, "data", "options")]
            text = from_command(text_at(interaction, "data", "name"), " ".join(said))
        elif kind == _COMPONENT:
            custom = text_at(interaction, "data", "custom_id")
            pick = read_pick(custom, _label(interaction, custom))
            if pick is None:
                return _NOTHING
            text, picked = pick.text, pick.key
        else:
            return _NOTHING
        user = id_at(interaction, "member", "user", "id") or id_at(interaction, "user", "id")
        ids = [id_at(interaction, name) for name in ("id", "application_id", "token")]
        if not all(ids) or not user:
            return Rejected("malformed")
        key, application, token = ids
        channel = id_at(interaction, "channel_id") or id_at(interaction, "channel", "id")
        return (
            IncomingMessage(
                channel="discord",
                event_key=key,
                conversation_key=secrets.pseudonym("conversation", channel, user),
                sender=secrets.pseudonym("person", user),
                text=text,
                picked=picked,
                reply_to={"application": application, "token": token},
            ),
        )

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        options = body.options if len(body.options) <= BUTTONS else ()
        names, whole = labels(options, LABEL, utf16_units)
        listed = not (whole and options)
        texts = body.pieces(TEXT, size=utf16_units, escape=markup.discord, listed=listed)
        webhook = (
            f"{self.setup.api or API}/webhooks/"
            f"{quote(to['application'], safe='')}/{quote(to['token'], safe='')}"
        )
        requests = []
        for number, text in enumerate(texts, 1):
            message: dict[str, object] = {"content": text, "allowed_mentions": {"parse": []}}
            if options and number == len(texts):
                message["components"] = _rows(options, names)
            if number > 1:
                message["flags"] = EPHEMERAL
            requests.append(
                OutgoingRequest(
                    # Editing the acknowledgement twice is the same as once.
                    "PATCH" if number == 1 else "POST",
                    f"{webhook}/messages/@original" if number == 1 else webhook,
                    to_json(message),
                    {"Content-Type": "application/json"},
                    idempotency_key=part_key(reply, 1) if number == 1 else None,
                )
            )
        return tuple(requests)


def _rows(options: Sequence[Option], names: Sequence[str]) -> list[dict[str, object]]:
    buttons = [
        {"type": 2, "style": 2, "label": name, "custom_id": option.payload(CUSTOM_ID, utf16_units)}
        for option, name in zip(options, names, strict=True)
    ]
    return [
        {"type": 1, "components": buttons[start : start + PER_ROW]}
        for start in range(0, len(buttons), PER_ROW)
    ]


def _label(interaction: object, custom: str) -> str:
    for row in objects_at(interaction, "message", "components"):
        for button in objects_at(row, "components"):
            if at(button, "custom_id") == custom:
                return text_at(button, "label")
    return ""
