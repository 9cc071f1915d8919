"""What each platform would send and show: the counterpart of the adapters, written from the
platforms' documents and not from the adapters."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.incoming import IncomingMessage, OutgoingRequest, RawRequest
from bot.channels.messaging.protocol import Channel, Setup
from bot.channels.messaging.registry import CHANNELS

NOW = 1_800_000_000.0
PUBLIC = "https://quoth.example.org"
GUARD = "\u200b"

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_PEM = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ED_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ED_PUBLIC = ED_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
APP_ID = "11111111-2222-3333-4444-555555555555"
SERVICE_URL = "https://smba.trafficmanager.net/emea/"
TEAMS_TOKEN = "vqF0En+Z0ucuRTM/01o2GuhMH3hKKk/N2bOmlM31zaA="
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def jwks() -> dict[str, object]:
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key()))
    return {"keys": [{**key, "kid": "key-1", "endorsements": ["msteams"]}]}


_JWKS = jwks()


def keys(url: str, anew: bool) -> Mapping[str, object]:
    return _JWKS


def token(claims: Mapping[str, object], kid: str = "key-1") -> str:
    times = {"iat": int(NOW) - 60, "exp": int(NOW) + 3600}
    return _token(json.dumps({**times, **claims}), kid)


@cache  # signing takes long, and most tokens are the same
def _token(claims: str, kid: str) -> str:
    return jwt.encode(json.loads(claims), RSA_KEY, algorithm="RS256", headers={"kid": kid})


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _hmac(secret: str | bytes, message: bytes, digest: Any = hashlib.sha256) -> bytes:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, message, digest).digest()


def request(
    name: str, body: bytes, headers: Mapping[str, str], method: str = "POST", rest: str = ""
) -> RawRequest:
    return RawRequest(method, f"{PUBLIC}/webhooks/{name}{rest}", dict(headers), body)


@dataclass(frozen=True)
class Platform:
    """One platform. `event` is a message to the bot, `sign` makes a request of a body as the
    platform would, `shown` is what people read of the requests, `buttons` (label, payload) of
    each, `press` the body sent when the button with that label and payload is pressed."""

    name: str
    secrets: Secrets
    event: Callable[[str, str], bytes]  # (text, event id)
    sign: Callable[[bytes], RawRequest]
    shown: Callable[[OutgoingRequest], list[str]]
    check: Callable[[OutgoingRequest], None]
    buttons: Callable[[OutgoingRequest], list[tuple[str, str]]] = lambda r: []
    press: Callable[[OutgoingRequest, str, str], bytes] | None = None
    covers_body: bool = True  # the signature is over the body
    signature: str = ""  # the header that proves the sender
    timestamp: str = ""  # the header with the signed time
    secret: str = ""  # the setting that it is checked with
    chunk: int = 0
    setup: Setup = field(default_factory=lambda: Setup(None, PUBLIC, keys))

    @property
    def channel(self) -> Channel:
        return CHANNELS[self.name](self.setup)

    def message(self, text: str = "What is MS?", key: str = "1") -> IncomingMessage:
        found = self.channel.receive(self.sign(self.event(text, key)), self.secrets, NOW)
        assert isinstance(found, tuple), found
        assert isinstance(found[-1], IncomingMessage)
        return found[-1]


def payload(sent: OutgoingRequest) -> dict[str, Any]:
    loaded = json.loads(sent.body)
    assert isinstance(loaded, dict)
    return loaded


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


# Slack ------------------------------------------------------------------------------------------


def slack_sign(body: bytes, secret: str = "slack-secret", now: float = NOW) -> RawRequest:
    time = str(int(now))
    signature = "v0=" + _hmac(secret, f"v0:{time}:".encode() + body).hex()
    headers = {"x-slack-request-timestamp": time, "x-slack-signature": signature}
    return request("slack", body, headers)


def slack_event(text: str, key: str) -> bytes:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _json(
        {
            "type": "event_callback",
            "event_id": f"Ev{key}",
            "team_id": "T1",
            "authorizations": [{"user_id": "UBOT", "is_bot": True}],
            "event": {
                "type": "app_mention",
                "user": "U1",
                "text": f"<@UBOT> {text}",
                "channel": "C1",
                "ts": "1700000000.000100",
            },
        }
    )


def slack_shown(sent: OutgoingRequest) -> list[str]:
    texts = [b["text"]["text"] for b in payload(sent)["blocks"] if b["type"] == "section"]
    return [html.unescape(text) for text in texts]


def slack_buttons(sent: OutgoingRequest) -> list[tuple[str, str]]:
    actions = [b for b in payload(sent)["blocks"] if b["type"] == "actions"]
    return [(e["text"]["text"], e["value"]) for block in actions for e in block["elements"]]


def slack_check(sent: OutgoingRequest) -> None:
    blocks = payload(sent)["blocks"]
    assert len(blocks) <= 50
    assert sum(len(b["text"]["text"]) for b in blocks if b["type"] == "section") <= 11_000
    for block in blocks:
        if block["type"] == "section":
            assert 1 <= len(block["text"]["text"]) <= 3000
            assert not re.search(r"[<>]", block["text"]["text"])
            assert not re.search(r"&(?!amp;|lt;|gt;)", block["text"]["text"])
    assert len(payload(sent)["text"]) <= 40_000
    for label, value in slack_buttons(sent):
        assert 1 <= len(label) <= 75
        assert 1 <= len(value) <= 2000


def slack_press(sent: OutgoingRequest, label: str, value: str) -> bytes:
    pressed = {
        "type": "block_actions",
        "trigger_id": "13.37",
        "team": {"id": "T1"},
        "user": {"id": "U1"},
        "channel": {"id": "C1"},
        "container": {"type": "message", "is_ephemeral": False},
        "message": {"ts": "1700000001.000100", "thread_ts": "1700000000.000100"},
        "actions": [{"value": value, "text": {"type": "plain_text", "text": label}}],
        "response_url": "https://hooks.slack.com/actions/T1/2/3",
    }
    return urlencode({"payload": json.dumps(pressed)}).encode()


# Telegram ---------------------------------------------------------------------------------------


TELEGRAM_ME = {
    "ok": True,
    "result": {"id": 123, "is_bot": True, "first_name": "Quoth", "username": "Q_Bot"},
}


def telegram_sign(body: bytes) -> RawRequest:
    return request("telegram", body, {"x-telegram-bot-api-secret-token": "telegram-secret"})


def telegram_event(text: str, key: str) -> bytes:
    return _json(
        {
            "update_id": int(key),
            "message": {
                "message_id": 7,
                "date": 1700000000,
                "chat": {"id": 42, "type": "private"},
                "from": {"id": 42, "is_bot": False, "first_name": "A"},
                "text": text,
            },
        }
    )


def telegram_buttons(sent: OutgoingRequest) -> list[tuple[str, str]]:
    rows = payload(sent).get("reply_markup", {}).get("inline_keyboard", [])
    return [(b["text"], b["callback_data"]) for row in rows for b in row]


def telegram_check(sent: OutgoingRequest) -> None:
    text = payload(sent)["text"]
    assert 1 <= units(text) <= 4096
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text)
    for label, data in telegram_buttons(sent):
        assert label
        assert 1 <= len(data.encode()) <= 64


def telegram_press(sent: OutgoingRequest, label: str, value: str) -> bytes:
    return _json(
        {
            "update_id": 99,
            "callback_query": {
                "id": "4711",
                "from": {"id": 42, "is_bot": False, "first_name": "A"},
                "chat_instance": "1",
                "data": value,
                "message": {
                    "message_id": 8,
                    "date": 1700000000,
                    "chat": {"id": 42, "type": "private"},
                    "text": html.unescape(payload(sent)["text"]),
                    "reply_markup": payload(sent)["reply_markup"],
                },
            },
        }
    )


# WhatsApp, Messenger, Instagram -----------------------------------------------------------------


def meta_sign(name: str, body: bytes, secret: str = "app-secret") -> RawRequest:
    return request(name, body, {"x-hub-signature-256": "sha256=" + _hmac(secret, body).hex()})


def whatsapp_body(message: Mapping[str, object]) -> bytes:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "1", "phone_number_id": "555"},
        "messages": [{"from": "4917012345", "timestamp": "1700000000", **message}],
    }
    changes = [{"field": "messages", "value": value}]
    return _json(
        {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
    )


def whatsapp_event(text: str, key: str) -> bytes:
    return whatsapp_body({"id": f"wamid.{key}", "type": "text", "text": {"body": text}})


def whatsapp_shown(sent: OutgoingRequest) -> list[str]:
    message = payload(sent)
    if message["type"] == "text":
        return [message["text"]["body"]]
    return [message["interactive"]["body"]["text"]]


def whatsapp_buttons(sent: OutgoingRequest) -> list[tuple[str, str]]:
    message = payload(sent)
    if message["type"] != "interactive":
        return []
    action = message["interactive"]["action"]
    if message["interactive"]["type"] == "button":
        return [(b["reply"]["title"], b["reply"]["id"]) for b in action["buttons"]]
    return [(row["title"], row["id"]) for s in action["sections"] for row in s["rows"]]


def whatsapp_check(sent: OutgoingRequest) -> None:
    message = payload(sent)
    if message["type"] == "text":
        assert 1 <= units(message["text"]["body"]) <= 4096
        return
    interactive = message["interactive"]
    assert 1 <= units(interactive["body"]["text"]) <= 1024
    titles = [title for title, _ in whatsapp_buttons(sent)]
    assert len(set(titles)) == len(titles)
    if interactive["type"] == "button":
        assert 1 <= len(titles) <= 3
        assert all(1 <= units(title) <= 20 for title in titles)
        assert all(len(key) <= 256 for _, key in whatsapp_buttons(sent))
    else:
        rows = interactive["action"]["sections"][0]["rows"]
        assert 1 <= len(rows) <= 10
        assert 1 <= units(interactive["action"]["button"]) <= 20
        for row in rows:
            assert 1 <= units(row["title"]) <= 24
            assert 1 <= units(row["id"]) <= 200
            assert units(row.get("description", "")) <= 72


def whatsapp_press(sent: OutgoingRequest, label: str, value: str) -> bytes:
    kind = "button_reply" if payload(sent)["interactive"]["type"] == "button" else "list_reply"
    interactive = {"type": kind, kind: {"id": value, "title": label}}
    return whatsapp_body({"id": "wamid.9", "type": "interactive", "interactive": interactive})


def messenger_event(kind: str) -> Callable[[str, str], bytes]:
    def event(text: str, key: str) -> bytes:
        return messenger_body(kind, {"mid": f"m_{key}", "text": text})

    return event


def messenger_body(kind: str, message: Mapping[str, object]) -> bytes:
    messaging = {
        "sender": {"id": "1001"},
        "recipient": {"id": "2002"},
        "timestamp": 1700000000000,
        "message": message,
    }
    entry = [{"id": "2002", "time": 1, "messaging": [messaging]}]
    return _json({"object": kind, "entry": entry})


def messenger_buttons(sent: OutgoingRequest) -> list[tuple[str, str]]:
    replies = payload(sent)["message"].get("quick_replies", [])
    return [(reply["title"], reply["payload"]) for reply in replies]


def messenger_check(name: str) -> Callable[[OutgoingRequest], None]:
    def check(sent: OutgoingRequest) -> None:
        text = payload(sent)["message"]["text"]
        if name == "messenger":
            assert 1 <= units(text) <= 2000
        else:
            assert 1 <= len(text.encode()) <= 1000
        assert len(messenger_buttons(sent)) <= 13
        for title, key in messenger_buttons(sent):
            assert 1 <= units(title) <= 20
            assert 1 <= len(key.encode()) <= 1000

    return check


def messenger_press(kind: str) -> Callable[[OutgoingRequest, str, str], bytes]:
    def press(sent: OutgoingRequest, label: str, value: str) -> bytes:
        message = {"mid": "m_9", "text": label, "quick_reply": {"payload": value}}
        return messenger_body(kind, message)

    return press


# Discord ----------------------------------------------------------------------------------------


def discord_sign(body: bytes, now: float = NOW) -> RawRequest:
    time = str(int(now))
    signature = ED_KEY.sign(time.encode() + body).hex()
    headers = {"x-signature-ed25519": signature, "x-signature-timestamp": time}
    return request("discord", body, headers)


def discord_body(kind: int, **fields: object) -> bytes:
    return _json(
        {
            "type": kind,
            "application_id": "77",
            "token": "aW50ZXJhY3Rpb24.token_-",
            "guild_id": "5",
            "channel_id": "6",
            "member": {"user": {"id": "8", "username": "a"}},
            **fields,
        }
    )


def discord_event(text: str, key: str) -> bytes:
    data = {"id": "1", "name": "ask", "options": [{"name": "q", "type": 3, "value": text}]}
    return discord_body(2, id=key, data=data)


def discord_shown(sent: OutgoingRequest) -> list[str]:
    return [unescaped_discord(payload(sent)["content"])]


def unescaped_discord(text: str) -> str:
    return re.sub(r"\\([\\*_~`|<>@#\[\]()-]|[.)])", r"\1", text)


def discord_buttons(sent: OutgoingRequest) -> list[tuple[str, str]]:
    rows = payload(sent).get("components", [])
    return [(b["label"], b["custom_id"]) for row in rows for b in row["components"]]


def discord_check(sent: OutgoingRequest) -> None:
    message = payload(sent)
    assert 1 <= units(message["content"]) <= 2000
    assert message["allowed_mentions"] == {"parse": []}
    rows = message.get("components", [])
    assert len(rows) <= 5
    assert all(1 <= len(row["components"]) <= 5 for row in rows)
    for label, key in discord_buttons(sent):
        assert 1 <= units(label) <= 80
        assert 1 <= units(key) <= 100


def discord_press(sent: OutgoingRequest, label: str, value: str) -> bytes:
    message = {"id": "1", "content": payload(sent)["content"], **payload(sent)}
    return discord_body(3, id="9", data={"custom_id": value, "component_type": 2}, message=message)


# Teams ------------------------------------------------------------------------------------------


def teams_sign(body: bytes) -> RawRequest:
    mac = base64.b64encode(_hmac(base64.b64decode(TEAMS_TOKEN), body)).decode()
    return request("teams", body, {"authorization": f"HMAC {mac}"})


def teams_event(text: str, key: str) -> bytes:
    return _json(
        {
            "type": "message",
            "id": f"act-{key}",
            "text": f"<at>Quoth</at> {html.escape(text)}",
            "from": {"id": "29:user"},
            "conversation": {"id": "19:abc@thread.tacv2;messageid=1"},
        }
    )


def teams_shown(sent: OutgoingRequest) -> list[str]:
    text = payload(sent)["text"].replace("<br>", "\n")
    return [html.unescape(re.sub(r"</?a\b[^>]*>", "", text))]


def teams_check(sent: OutgoingRequest) -> None:
    assert 1 <= units(payload(sent)["text"]) <= 14_000
    assert len(teams_buttons(sent)) <= 5


def teams_buttons(sent: OutgoingRequest) -> list[tuple[str, str]]:
    cards = payload(sent).get("attachments", [])
    return [(b["title"], json.dumps(b["value"])) for c in cards for b in c["content"]["buttons"]]


def teams_bot_sign(body: bytes, service: str = SERVICE_URL, **claims: object) -> RawRequest:
    claims = {
        "iss": "https://api.botframework.com",
        "aud": APP_ID,
        "serviceurl": service,
        **claims,
    }
    return request("teams_bot", body, {"authorization": f"Bearer {token(claims)}"})


def teams_bot_body(**fields: object) -> bytes:
    activity = {
        "type": "message",
        "channelId": "msteams",
        "serviceUrl": SERVICE_URL,
        "id": "1",
        "from": {"id": "29:user", "name": "A"},
        "recipient": {"id": "28:bot", "name": "Quoth"},
        "conversation": {"id": "a:1", "conversationType": "personal"},
        **fields,
    }
    return _json(activity)


def teams_bot_event(text: str, key: str) -> bytes:
    return teams_bot_body(id=key, text=html.escape(text))


def teams_bot_press(sent: OutgoingRequest, label: str, value: str) -> bytes:
    card = payload(sent)["attachments"][0]["content"]["buttons"]
    button = next(b for b in card if json.dumps(b["value"]) == value)
    return teams_bot_body(id="9", text=html.escape(button["text"]), value=button["value"])


# Twilio -----------------------------------------------------------------------------------------

SID = "AC" + "0" * 32


def twilio_sign(body: bytes) -> RawRequest:
    url = f"{PUBLIC}/webhooks/twilio"
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    except UnicodeDecodeError:
        fields = {}
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    mac = base64.b64encode(_hmac("twilio-token", signed.encode(), hashlib.sha1)).decode()
    return request("twilio", body, {"x-twilio-signature": mac})


def twilio_event(text: str, key: str) -> bytes:
    fields = {
        "MessageSid": f"SM{key}",
        "AccountSid": SID,
        "From": "+4917012345",
        "To": "+15550100",
        "Body": text,
        "NumMedia": "0",
    }
    return urlencode(fields).encode()


def twilio_shown(sent: OutgoingRequest) -> list[str]:
    return [parse_qs(sent.body.decode())["Body"][0]]


def twilio_check(sent: OutgoingRequest) -> None:
    assert 1 <= units(twilio_shown(sent)[0]) <= 1600


# LINE -------------------------------------------------------------------------------------------


def line_sign(body: bytes, secret: str = "line-secret") -> RawRequest:
    mac = base64.b64encode(_hmac(secret, body)).decode()
    return request("line", body, {"x-line-signature": mac})


def line_body(**fields: object) -> bytes:
    event = {
        "mode": "active",
        "timestamp": 1700000000000,
        "source": {"type": "user", "userId": "U" + "1" * 32},
        "webhookEventId": "01H0",
        "deliveryContext": {"isRedelivery": False},
        "replyToken": "token-1",
        **fields,
    }
    return _json({"destination": "U" + "0" * 32, "events": [event]})


def line_event(text: str, key: str) -> bytes:
    message = {"type": "text", "id": "1", "quoteToken": "q", "text": text}
    return line_body(type="message", webhookEventId=f"01H{key}", message=message)


def line_shown(sent: OutgoingRequest) -> list[str]:
    return [message["text"] for message in payload(sent)["messages"]]


def line_buttons(sent: OutgoingRequest) -> list[tuple[str, str]]:
    items = payload(sent)["messages"][-1].get("quickReply", {}).get("items", [])
    return [(item["action"]["label"], item["action"]["data"]) for item in items]


def line_check(sent: OutgoingRequest) -> None:
    messages = payload(sent)["messages"]
    assert 1 <= len(messages) <= 5
    assert all(1 <= units(message["text"]) <= 5000 for message in messages)
    assert all("quickReply" not in message for message in messages[:-1])
    assert len(line_buttons(sent)) <= 13
    for label, data in line_buttons(sent):
        assert 1 <= units(label) <= 20
        assert 1 <= units(data) <= 300


def line_press(sent: OutgoingRequest, label: str, value: str) -> bytes:
    return line_body(type="postback", webhookEventId="01H9", postback={"data": value})


# Google Chat ------------------------------------------------------------------------------------


def googlechat_sign(body: bytes, **claims: object) -> RawRequest:
    claims = {"iss": "chat@system.gserviceaccount.com", "aud": "123456", **claims}
    return request("googlechat", body, {"authorization": f"Bearer {token(claims)}"})


def googlechat_event(text: str, key: str) -> bytes:
    return _json(
        {
            "type": "MESSAGE",
            "eventTime": "2027-01-15T08:00:00Z",
            "space": {"name": "spaces/AAA", "type": "ROOM"},
            "user": {"name": "users/1", "type": "HUMAN"},
            "message": {
                "name": f"spaces/AAA/messages/{key}",
                "sender": {"name": "users/1", "type": "HUMAN"},
                "text": f"@Quoth {text}",
                "argumentText": f" {text}",
                "thread": {"name": "spaces/AAA/threads/BBB"},
            },
        }
    )


def googlechat_buttons(sent: OutgoingRequest) -> list[tuple[str, str]]:
    cards = payload(sent).get("cardsV2", [])
    widgets = [w for c in cards for s in c["card"]["sections"] for w in s["widgets"]]
    buttons = [button for widget in widgets for button in widget["buttonList"]["buttons"]]
    return [(b["text"], b["onClick"]["action"]["parameters"][0]["value"]) for b in buttons]


def googlechat_check(sent: OutgoingRequest) -> None:
    assert payload(sent)["text"]
    assert len(sent.body) <= 32_000


def googlechat_press(sent: OutgoingRequest, label: str, value: str) -> bytes:
    return _json(
        {
            "type": "CARD_CLICKED",
            "eventTime": "2027-01-15T08:01:00Z",
            "space": {"name": "spaces/AAA", "type": "ROOM"},
            "user": {"name": "users/1", "type": "HUMAN"},
            "message": {
                "name": "spaces/AAA/messages/9",
                "thread": {"name": "spaces/AAA/threads/BBB"},
            },
            "action": {
                "actionMethodName": "pick",
                "parameters": [{"key": "pick", "value": value}],
            },
        }
    )


# Matrix -----------------------------------------------------------------------------------------


def matrix_sign(body: bytes) -> RawRequest:
    rest = "/_matrix/app/v1/transactions/17"
    return request("matrix", body, {"authorization": "Bearer hs-token"}, "PUT", rest)


def matrix_body(**fields: object) -> bytes:
    event = {
        "type": "m.room.message",
        "event_id": "$1",
        "room_id": "!room:example.org",
        "sender": "@ann:example.org",
        **fields,
    }
    return _json({"events": [event]})


def matrix_event(text: str, key: str) -> bytes:
    content = {
        "msgtype": "m.text",
        "body": f"@quoth:example.org: {text}",
        "m.mentions": {"user_ids": ["@quoth:example.org"]},
    }
    return matrix_body(event_id=f"${key}", content=content)


def matrix_shown(sent: OutgoingRequest) -> list[str]:
    message = payload(sent)
    formatted = html.unescape(message["formatted_body"].replace("<br>", "\n"))
    assert formatted == message["body"]
    return [message["body"]]


def matrix_check(sent: OutgoingRequest) -> None:
    assert payload(sent)["body"]
    assert len(sent.body) <= 60_000  # the homeserver adds its own fields


# Generic ----------------------------------------------------------------------------------------


def generic_sign(body: bytes, key: str = "msg_1", now: float = NOW) -> RawRequest:
    secret = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(_hmac(secret, f"{key}.{int(now)}.".encode() + body)).decode()
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": f"v1,{mac}",
    }
    return request("generic", body, headers)


def generic_event(text: str, key: str) -> bytes:
    data = {"conversation": "room 7", "sender": "ann", "text": text}
    return _json({"type": "message", "data": data})


def generic_shown(sent: OutgoingRequest) -> list[str]:
    return [payload(sent)["data"]["text"]]


def generic_buttons(sent: OutgoingRequest) -> list[tuple[str, str]]:
    return [(option["text"], option["pick"]) for option in payload(sent)["data"]["options"]]


def generic_check(sent: OutgoingRequest) -> None:
    assert payload(sent)["data"]["text"]
    assert len(sent.body) <= 20_000


def generic_press(sent: OutgoingRequest, label: str, value: str) -> bytes:
    data = {"conversation": "room 7", "sender": "ann", "pick": value}
    return _json({"type": "message", "data": data})


def _field(*path: str) -> Callable[[OutgoingRequest], list[str]]:
    def shown(sent: OutgoingRequest) -> list[str]:
        found: Any = payload(sent)
        for name in path:
            found = found[name]
        return [found]

    return shown


META = {"APP_SECRET": "app-secret", "VERIFY_TOKEN": "verify-me", "ACCESS_TOKEN": "access"}

PLATFORMS: Sequence[Platform] = (
    Platform(
        "slack",
        Secrets.of("slack", SIGNING_SECRET="slack-secret", BOT_TOKEN="xoxb-token"),
        slack_event,
        slack_sign,
        slack_shown,
        slack_check,
        slack_buttons,
        slack_press,
        signature="x-slack-signature",
        timestamp="x-slack-request-timestamp",
        secret="SIGNING_SECRET",
        chunk=3000,
    ),
    Platform(
        "telegram",
        Secrets.of("telegram", TOKEN="123:abc", SECRET_TOKEN="telegram-secret"),
        telegram_event,
        telegram_sign,
        lambda sent: [html.unescape(payload(sent)["text"])],
        telegram_check,
        telegram_buttons,
        telegram_press,
        covers_body=False,
        signature="x-telegram-bot-api-secret-token",
        secret="SECRET_TOKEN",
        chunk=4096,
        setup=Setup(None, PUBLIC, keys, lambda request, secrets: TELEGRAM_ME),
    ),
    Platform(
        "whatsapp",
        Secrets.of("whatsapp", **META),
        whatsapp_event,
        lambda body: meta_sign("whatsapp", body),
        whatsapp_shown,
        whatsapp_check,
        whatsapp_buttons,
        whatsapp_press,
        signature="x-hub-signature-256",
        secret="APP_SECRET",
        chunk=1024,
    ),
    *(
        Platform(
            name,
            Secrets.of(name, **META),
            messenger_event(kind),
            lambda body, name=name: meta_sign(name, body),  # type: ignore[misc]
            _field("message", "text"),
            messenger_check(name),
            messenger_buttons,
            messenger_press(kind),
            signature="x-hub-signature-256",
            secret="APP_SECRET",
            chunk=limit,
        )
        for name, kind, limit in (("messenger", "page", 2000), ("instagram", "instagram", 1000))
    ),
    Platform(
        "discord",
        Secrets.of("discord", PUBLIC_KEY=ED_PUBLIC),
        discord_event,
        discord_sign,
        discord_shown,
        discord_check,
        discord_buttons,
        discord_press,
        signature="x-signature-ed25519",
        timestamp="x-signature-timestamp",
        secret="PUBLIC_KEY",
        chunk=2000,
    ),
    Platform(
        "teams",
        Secrets.of("teams", TOKEN=TEAMS_TOKEN),
        teams_event,
        teams_sign,
        teams_shown,
        teams_check,
        signature="authorization",
        secret="TOKEN",
        chunk=12_000,
    ),
    Platform(
        "teams_bot",
        Secrets.of("teams_bot", APP_ID=APP_ID, APP_PASSWORD="password"),
        teams_bot_event,
        teams_bot_sign,
        teams_shown,
        teams_check,
        teams_buttons,
        teams_bot_press,
        covers_body=False,
        signature="authorization",
        secret="APP_ID",
        chunk=12_000,
    ),
    Platform(
        "twilio",
        Secrets.of("twilio", ACCOUNT_SID=SID, AUTH_TOKEN="twilio-token"),
        twilio_event,
        twilio_sign,
        twilio_shown,
        twilio_check,
        signature="x-twilio-signature",
        secret="AUTH_TOKEN",
        chunk=1600,
    ),
    Platform(
        "line",
        Secrets.of("line", CHANNEL_SECRET="line-secret", ACCESS_TOKEN="access"),
        line_event,
        line_sign,
        line_shown,
        line_check,
        line_buttons,
        line_press,
        signature="x-line-signature",
        secret="CHANNEL_SECRET",
        chunk=5000,
    ),
    Platform(
        "googlechat",
        Secrets.of(
            "googlechat",
            AUDIENCE="123456",
            SERVICE_ACCOUNT=json.dumps({"client_email": "bot@x", "private_key": RSA_PEM}),
        ),
        googlechat_event,
        googlechat_sign,
        _field("text"),
        googlechat_check,
        googlechat_buttons,
        googlechat_press,
        covers_body=False,
        signature="authorization",
        secret="AUDIENCE",
        chunk=24_000,
    ),
    Platform(
        "matrix",
        Secrets.of(
            "matrix",
            HS_TOKEN="hs-token",
            AS_TOKEN="as-token",
            HOMESERVER="https://matrix.example.org",
            USER_ID="@quoth:example.org",
        ),
        matrix_event,
        matrix_sign,
        matrix_shown,
        matrix_check,
        covers_body=False,
        signature="authorization",
        secret="HS_TOKEN",
        chunk=40_000,
        setup=Setup("https://matrix.example.org", PUBLIC, keys),
    ),
    Platform(
        "generic",
        Secrets.of("generic", SECRET=WEBHOOK_SECRET, REPLY_URL="https://example.org/in"),
        generic_event,
        generic_sign,
        generic_shown,
        generic_check,
        generic_buttons,
        generic_press,
        signature="webhook-signature",
        timestamp="webhook-timestamp",
        secret="SECRET",
        chunk=12_000,
        setup=Setup("https://example.org/in", PUBLIC, keys),
    ),
)
BY_NAME = {platform.name: platform for platform in PLATFORMS}
