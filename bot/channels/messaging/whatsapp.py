"""WhatsApp Cloud API: texts, reply buttons and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.channels.messaging import markup
from bot.channels.messaging.body import Body, body_of
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
from bot.channels.messaging.options import Pick, labels, read_pick
from bot.channels.messaging.protocol import ChannelInfo, Limits, Setup
from bot.channels.messaging.splitting import shorten, utf16_units
from bot.types import Reply

API = "https://graph.facebook.com/v23.0"
TEXT, INTERACTIVE = 4096, 1024
BUTTONS, BUTTON, BUTTON_ID = 3, 20, 256
ROWS, ROW, ROW_DESCRIPTION, ROW_ID = 10, 24, 72, 200
OPEN_LIST = "Choose"  # what the button says that opens a list


@dataclass(frozen=True, slots=True)
class WhatsApp:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        return ChannelInfo(
            name="whatsapp",
            title="WhatsApp Cloud API",
            settings=META_SETTINGS,
            limits=Limits(TEXT, "UTF-16 units", options=ROWS, label=ROW),
            delivery="at least once",
            acknowledge_seconds=1.0,
            per_second=40,
            probe=OutgoingRequest("GET", f"{self._api}/me", auth="bearer:ACCESS_TOKEN"),
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        payload = verified(request, secrets, "whatsapp_business_account")
        if isinstance(payload, Handshake | Rejected):
            return payload
        found = [
            _message(message, id_at(change, "value", "metadata", "phone_number_id"), secrets)
            for entry in objects_at(payload, "entry")
            for change in objects_at(entry, "changes")
            for message in objects_at(change, "value", "messages")
        ]
        return tuple(message for message in found if message) or Ignored("no message to answer")

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        names, whole = labels(body.options, BUTTON, utf16_units)
        whole = whole and len(body.options) <= BUTTONS
        native = 0 < len(body.options) <= ROWS
        # The text that buttons stand under may be less long than others.
        limit = INTERACTIVE if native else TEXT
        texts = body.pieces(limit, size=utf16_units, escape=markup.whatsapp, listed=not whole)
        contents = [_text(text) for text in texts]
        if native:
            contents[-1] = _buttons(body, names, texts[-1]) if whole else _list(body, texts[-1])
        return tuple(self._request(content, to) for content in contents)

    @property
    def _api(self) -> str:
        return self.setup.api or API

    def _request(self, content: Mapping[str, object], to: Mapping[str, str]) -> OutgoingRequest:
        message = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": to["to"],
            **content,
        }
        return OutgoingRequest(
            "POST",
            f"{self._api}/{to['phone']}/messages",
            to_json(message),
            {"Content-Type": "application/json"},
            auth="bearer:ACCESS_TOKEN",
        )


def _message(message: object, phone: str, secrets: Secrets) -> IncomingMessage | None:
    """The message, None where it is nothing that a person said to us alone."""
    key, sender = id_at(message, "id"), id_at(message, "from")
    if not key or not sender or not phone.isdecimal() or at(message, "group_id") is not None:
        return None
    pick = None
    text = text_at(message, "text", "body")
    for kind in ("button_reply", "list_reply"):
        if chosen := _pressed(message, kind):
            pick = read_pick(*chosen) or Pick("", chosen[1])
            text = pick.text
    if not text.strip():
        text = text_at(message, "button", "text")  # of a template
    if not text.strip():
        return None
    return IncomingMessage(
        channel="whatsapp",
        event_key=key,
        conversation_key=secrets.pseudonym("conversation", phone, sender),
        sender=secrets.pseudonym("person", sender),
        text=spoken(text),
        picked=pick.key or None if pick else None,
        reply_to={"to": sender, "phone": phone},
    )


def _pressed(message: object, kind: str) -> tuple[str, str] | None:
    """(the payload, the title) of a button or row that was pressed."""
    payload = text_at(message, "interactive", kind, "id")
    return (payload, text_at(message, "interactive", kind, "title")) if payload else None


def _text(text: str) -> dict[str, object]:
    return {"type": "text", "text": {"body": text, "preview_url": False}}


def _buttons(body: Body, names: Sequence[str], text: str) -> dict[str, object]:
    buttons = [
        {"type": "reply", "reply": {"id": option.payload(BUTTON_ID, utf16_units), "title": name}}
        for option, name in zip(body.options, names, strict=True)
    ]
    action = {"buttons": buttons}
    interactive = {"type": "button", "body": {"text": text}, "action": action}
    return {"type": "interactive", "interactive": interactive}


def _list(body: Body, text: str) -> dict[str, object]:
    """A list: the numbered lines are in the text, the rows repeat as much as they can hold."""
    rows = []
    for option in body.options:
        row = {
            "id": option.payload(ROW_ID, utf16_units),
            "title": shorten(f"{option.number}. {option.text}", ROW, utf16_units),
        }
        if row["title"].endswith("…"):
            row["description"] = shorten(option.text, ROW_DESCRIPTION, utf16_units)
        rows.append(row)
    action = {"button": OPEN_LIST, "sections": [{"title": OPEN_LIST, "rows": rows}]}
    interactive = {"type": "list", "body": {"text": text}, "action": action}
    return {"type": "interactive", "interactive": interactive}
