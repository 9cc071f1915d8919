"""What each platform sends by the machine's own clock, for many conversations, and what it reads
of a message sent to it: the parts of a loopback world in which the server really runs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from platforms import APP_ID, ED_KEY, ED_PUBLIC, RSA_PEM, SID, TEAMS_TOKEN, WEBHOOK_SECRET

PUBLIC = "https://quoth.example.org"


@dataclass(frozen=True)
class Webhook:
    """A request of a platform; its headers are made when it is sent, for they hold the time."""

    method: str
    path: str
    body: bytes
    sign: Callable[[str, bytes, int], Mapping[str, str]] = field(repr=False)
    key: str = ""

    def headers(self) -> dict[str, str]:
        return dict(self.sign(self.key, self.body, int(time.time())))


@dataclass(frozen=True)
class Seen:
    """A message as the platform got it. `key` is what it knows a repeated one by, if it does."""

    conversation: int
    text: str
    key: str | None


@dataclass(frozen=True)
class Sender:
    """One platform: `event(conversation, number, text)` is what it sends, `read` what it gets."""

    name: str
    environ: Callable[[str], Mapping[str, str]]  # given the fake's address
    event: Callable[[int, int, str, str], Webhook]  # ..., and the fake's address
    read: Callable[[str, Mapping[str, str], bytes], Seen]
    answer: Callable[[bool], tuple[int, object]] = lambda again: (200, {})

    @property
    def idempotent(self) -> bool:
        return self.name in ("line", "googlechat", "matrix", "generic")


def _hmac(secret: bytes, message: bytes, digest: Any = hashlib.sha256) -> bytes:
    return hmac.new(secret, message, digest).digest()


def _post(
    name: str, value: object, sign: Callable[[str, bytes, int], Mapping[str, str]], key: str = ""
) -> Webhook:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Webhook("POST", f"/webhooks/{name}", body, sign, key)


def _last(path: str, pattern: str) -> int:
    found = re.search(pattern, unquote(path))
    assert found, path
    return int(found[1])


# Slack: direct messages


def _slack_sign(key: str, body: bytes, now: int) -> dict[str, str]:
    mac = _hmac(b"slack-secret", f"v0:{now}:".encode() + body).hex()
    return {"x-slack-request-timestamp": str(now), "x-slack-signature": f"v0={mac}"}


def _slack_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    event = {
        "type": "message",
        "channel_type": "im",
        "user": f"U{conversation}",
        "text": text,
        "channel": f"D{conversation}",
        "ts": f"170000{number:04}.{conversation:06}",
    }
    value = {
        "type": "event_callback",
        "event_id": f"Ev{conversation}x{number}",
        "team_id": "T1",
        "event": event,
    }
    return _post("slack", value, _slack_sign)


def _slack_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    assert headers["authorization"] == "Bearer xoxb-token"
    message = json.loads(body)
    return Seen(int(message["channel"][1:]), message["text"], None)


# Telegram


def _telegram_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    person = {"id": conversation + 1, "is_bot": False, "first_name": "A"}
    message = {
        "message_id": number,
        "date": 1700000000,
        "chat": {"id": conversation + 1, "type": "private"},
        "from": person,
        "text": text,
    }
    value = {"update_id": conversation * 1000 + number + 1, "message": message}
    secret = {"x-telegram-bot-api-secret-token": "telegram-secret"}
    return _post("telegram", value, lambda key, body, now: secret)


def _telegram_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    assert "/bot123:abc/sendMessage" in path, path
    message = json.loads(body)
    return Seen(message["chat_id"] - 1, html.unescape(message["text"]), None)


# WhatsApp, Messenger, Instagram


def _meta_sign(key: str, body: bytes, now: int) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + _hmac(b"app-secret", body).hex()}


def _whatsapp_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    message = {
        "from": str(490000 + conversation),
        "id": f"wamid.{conversation}x{number}",
        "type": "text",
        "text": {"body": text},
    }
    value = {"metadata": {"phone_number_id": "555"}, "messages": [message]}
    changes = [{"field": "messages", "value": value}]
    payload = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
    return _post("whatsapp", payload, _meta_sign)


def _whatsapp_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    assert headers["authorization"] == "Bearer access"
    message = json.loads(body)
    shown = message.get("text") or message["interactive"]["body"]
    return Seen(int(message["to"]) - 490000, shown.get("body") or shown["text"], None)


def _messenger_event(name: str, kind: str) -> Callable[[int, int, str, str], Webhook]:
    def event(conversation: int, number: int, text: str, fake: str) -> Webhook:
        messaging = {
            "sender": {"id": str(conversation + 1)},
            "recipient": {"id": "2002"},
            "timestamp": 1700000000000 + number,
            "message": {"mid": f"m_{conversation}x{number}", "text": text},
        }
        value = {"object": kind, "entry": [{"id": "2002", "messaging": [messaging]}]}
        return _post(name, value, _meta_sign)

    return event


def _messenger_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    message = json.loads(body)
    return Seen(int(message["recipient"]["id"]) - 1, message["message"]["text"], None)


# Discord: the slash command


def _discord_sign(key: str, body: bytes, now: int) -> dict[str, str]:
    signature = ED_KEY.sign(str(now).encode() + body).hex()
    return {"x-signature-ed25519": signature, "x-signature-timestamp": str(now)}


def _discord_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    value = {
        "type": 2,
        "id": f"{conversation + 1}000{number}",
        "application_id": "77",
        "token": f"token-{conversation}-{number}",
        "channel_id": str(conversation),
        "member": {"user": {"id": str(conversation), "username": "a"}},
        "data": {
            "id": "1",
            "name": "ask",
            "options": [{"name": "q", "type": 3, "value": text}],
        },
    }
    return _post("discord", value, _discord_sign)


def _discord_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    text = re.sub(r"\\([\\*_~`|<>@#\[\]()-]|[.)])", r"\1", json.loads(body)["content"])
    # The first message is an edit of the acknowledgement: the same twice is the same.
    key = path if path.endswith("@original") else None
    return Seen(_last(path, r"token-(\d+)-"), text, key)


# Teams, outgoing webhook and bot


def _teams_sign(key: str, body: bytes, now: int) -> dict[str, str]:
    mac = base64.b64encode(_hmac(base64.b64decode(TEAMS_TOKEN), body)).decode()
    return {"authorization": f"HMAC {mac}"}


def _teams_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    value = {
        "type": "message",
        "id": f"act-{conversation}-{number}",
        "text": f"<at>Quoth</at> {html.escape(text)}",
        "from": {"id": "29:user"},
        "conversation": {"id": f"19:{conversation}@thread.tacv2"},
    }
    return _post("teams", value, _teams_sign)


def teams_shown(body: bytes) -> str:
    text = json.loads(body)["text"].replace("<br>", "\n")
    return html.unescape(re.sub(r"</?a\b[^>]*>", "", text))


def _jwt(claims: Mapping[str, object], now: int) -> dict[str, str]:
    times = {"iat": now - 60, "exp": now + 3600}
    signed = jwt.encode({**times, **claims}, RSA_PEM, algorithm="RS256", headers={"kid": "key-1"})
    return {"authorization": f"Bearer {signed}"}


def _teams_bot_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    service = f"{fake}/teams_bot"
    value = {
        "type": "message",
        "channelId": "msteams",
        "serviceUrl": service,
        "id": f"act-{conversation}-{number}",
        "from": {"id": "29:user", "name": "A"},
        "recipient": {"id": "28:bot", "name": "Quoth"},
        "conversation": {"id": f"a:{conversation}", "conversationType": "personal"},
        "text": html.escape(text),
    }
    claims = {"iss": "https://api.botframework.com", "aud": APP_ID, "serviceurl": service}
    return _post("teams_bot", value, lambda key, body, now: _jwt(claims, now))


def _teams_bot_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    assert headers["authorization"] == "Bearer fetched-token"
    return Seen(_last(path, r"conversations/a:(\d+)/"), teams_shown(body), None)


# Twilio


def _twilio_sign(key: str, body: bytes, now: int) -> dict[str, str]:
    fields = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    signed = f"{PUBLIC}/webhooks/twilio" + "".join(n + fields[n] for n in sorted(fields))
    mac = _hmac(b"twilio-token", signed.encode(), hashlib.sha1)
    return {
        "x-twilio-signature": base64.b64encode(mac).decode(),
        "content-type": "application/x-www-form-urlencoded",
    }


def _twilio_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    fields = {
        "MessageSid": f"SM{conversation}x{number}",
        "AccountSid": SID,
        "From": f"+49{conversation:06}",
        "To": "+15550100",
        "Body": text,
    }
    return _post("twilio", urlencode(fields).encode(), _twilio_sign)


def _twilio_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    fields = parse_qs(body.decode())
    return Seen(int(fields["To"][0][3:]), fields["Body"][0], None)


# LINE


def _line_sign(key: str, body: bytes, now: int) -> dict[str, str]:
    return {"x-line-signature": base64.b64encode(_hmac(b"line-secret", body)).decode()}


def _line_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    event = {
        "type": "message",
        "mode": "active",
        "source": {"type": "user", "userId": f"U{conversation}"},
        "webhookEventId": f"01H{conversation}x{number}",
        "message": {"type": "text", "id": "1", "text": text},
    }
    return _post("line", {"destination": "U0", "events": [event]}, _line_sign)


def _line_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    message = json.loads(body)
    text = "\n".join(one["text"] for one in message["messages"])
    return Seen(int(message["to"][1:]), text, headers["x-line-retry-key"])


# Google Chat: direct messages


def _googlechat_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    space = f"spaces/S{conversation}"
    value = {
        "type": "MESSAGE",
        "space": {"name": space, "type": "DM"},
        "user": {"name": "users/1", "type": "HUMAN"},
        "message": {
            "name": f"{space}/messages/{number}",
            "sender": {"name": "users/1", "type": "HUMAN"},
            "text": text,
        },
    }
    claims = {"iss": "chat@system.gserviceaccount.com", "aud": "123456"}
    return _post("googlechat", value, lambda key, body, now: _jwt(claims, now))


def _googlechat_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    assert headers["authorization"] == "Bearer fetched-token"
    key = parse_qs(urlsplit(path).query)["requestId"][0]
    return Seen(_last(path, r"spaces/S(\d+)/"), json.loads(body)["text"], key)


# Matrix


def _matrix_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    event = {
        "type": "m.room.message",
        "event_id": f"${conversation}x{number}",
        "room_id": f"!r{conversation}:example.org",
        "sender": "@ann:example.org",
        "content": {"msgtype": "m.text", "body": text},
    }
    path = f"/webhooks/matrix/_matrix/app/v1/transactions/{conversation}x{number}"
    body = json.dumps({"events": [event]}).encode()
    return Webhook("PUT", path, body, lambda k, b, now: {"authorization": "Bearer hs-token"})


def _matrix_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    assert headers["authorization"] == "Bearer as-token"
    return Seen(_last(path, r"rooms/!r(\d+):"), json.loads(body)["body"], path)


# Generic


def _generic_sign(key: str, body: bytes, now: int) -> dict[str, str]:
    secret = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(_hmac(secret, f"{key}.{now}.".encode() + body)).decode()
    return {"webhook-id": key, "webhook-timestamp": str(now), "webhook-signature": f"v1,{mac}"}


def _generic_event(conversation: int, number: int, text: str, fake: str) -> Webhook:
    data = {"conversation": str(conversation), "sender": "ann", "text": text}
    value = {"type": "message", "data": data}
    return _post("generic", value, _generic_sign, f"msg_{conversation}x{number}")


def _generic_read(path: str, headers: Mapping[str, str], body: bytes) -> Seen:
    expected = _generic_sign(headers["webhook-id"], body, int(headers["webhook-timestamp"]))
    assert headers["webhook-signature"] == expected["webhook-signature"]
    data = json.loads(body)["data"]
    return Seen(int(data["conversation"]), data["text"], headers["webhook-id"])


def _environ(name: str, **values: str) -> Callable[[str], Mapping[str, str]]:
    def environ(fake: str) -> Mapping[str, str]:
        upper = f"QUOTH_{name.upper()}_"
        return {upper + k: v.replace("FAKE", f"{fake}/{name}") for k, v in values.items()}

    return environ


_META = {"APP_SECRET": "app-secret", "VERIFY_TOKEN": "verify-me", "ACCESS_TOKEN": "access"}
_ACCOUNT = json.dumps({"client_email": "bot@example.org", "private_key": RSA_PEM})
SENDERS = {
    sender.name: sender
    for sender in (
        Sender(
            "slack",
            _environ(
                "slack", SIGNING_SECRET="slack-secret", BOT_TOKEN="xoxb-token", API_URL="FAKE"
            ),
            _slack_event,
            _slack_read,
            lambda again: (200, {"ok": True}),
        ),
        Sender(
            "telegram",
            _environ("telegram", TOKEN="123:abc", SECRET_TOKEN="telegram-secret", API_URL="FAKE"),
            _telegram_event,
            _telegram_read,
            lambda again: (200, {"ok": True, "result": {}}),
        ),
        Sender(
            "whatsapp",
            _environ("whatsapp", API_URL="FAKE", **_META),
            _whatsapp_event,
            _whatsapp_read,
        ),
        *(
            Sender(
                name,
                _environ(name, API_URL="FAKE", **_META),
                _messenger_event(name, kind),
                _messenger_read,
            )
            for name, kind in (("messenger", "page"), ("instagram", "instagram"))
        ),
        Sender(
            "discord",
            _environ("discord", PUBLIC_KEY=ED_PUBLIC, API_URL="FAKE"),
            _discord_event,
            _discord_read,
        ),
        Sender(
            "teams",
            _environ("teams", TOKEN=TEAMS_TOKEN),
            _teams_event,
            lambda path, headers, body: Seen(0, "", None),  # nothing is ever sent to it
        ),
        Sender(
            "teams_bot",
            _environ(
                "teams_bot",
                APP_ID=APP_ID,
                APP_PASSWORD="password",
                API_URL="FAKE",
                KEYS_URL="FAKE/keys",
                TOKEN_URL="FAKE/token",
            ),
            _teams_bot_event,
            _teams_bot_read,
        ),
        Sender(
            "twilio",
            _environ("twilio", ACCOUNT_SID=SID, AUTH_TOKEN="twilio-token", API_URL="FAKE"),
            _twilio_event,
            _twilio_read,
            lambda again: (201, {"sid": "SM1"}),
        ),
        Sender(
            "line",
            _environ("line", CHANNEL_SECRET="line-secret", ACCESS_TOKEN="access", API_URL="FAKE"),
            _line_event,
            _line_read,
            lambda again: (409 if again else 200, {}),
        ),
        Sender(
            "googlechat",
            _environ(
                "googlechat",
                AUDIENCE="123456",
                SERVICE_ACCOUNT=_ACCOUNT,
                API_URL="FAKE",
                KEYS_URL="FAKE/keys",
                TOKEN_URL="FAKE/token",
            ),
            _googlechat_event,
            _googlechat_read,
        ),
        Sender(
            "matrix",
            _environ(
                "matrix",
                HS_TOKEN="hs-token",
                AS_TOKEN="as-token",
                HOMESERVER="FAKE",
                USER_ID="@quoth:example.org",
                ADDRESSED="always",
            ),
            _matrix_event,
            _matrix_read,
            lambda again: (200, {"event_id": "$e"}),
        ),
        Sender(
            "generic",
            _environ("generic", SECRET=WEBHOOK_SECRET, REPLY_URL="FAKE/in"),
            _generic_event,
            _generic_read,
        ),
    )
}


def environment(fake: str, names: tuple[str, ...] = tuple(SENDERS)) -> dict[str, str]:
    """All variables that serve the platforms `names` against the fake at `fake`."""
    found = {"QUOTH_CHANNELS": ",".join(names), "QUOTH_PUBLIC_URL": PUBLIC}
    for name in names:
        found |= SENDERS[name].environ(fake)
    return found
