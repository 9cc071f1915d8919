"""Twilio: SMS and WhatsApp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from bot.channels.messaging import markup
from bot.channels.messaging.body import body_of
from bot.channels.messaging.commands import spoken
from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import id_at, parse_form, text_at
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
from bot.channels.messaging.signatures import body_sha256, hmac_matches, same
from bot.channels.messaging.splitting import utf16_units
from bot.types import Reply

API = "https://api.twilio.com"
TEXT = 1600

_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Twilio:
    setup: Setup = field(default_factory=Setup)

    def describe(self) -> ChannelInfo:
        account = f"{self.setup.api or API}/2010-04-01/Accounts/{{ACCOUNT_SID}}.json"
        return ChannelInfo(
            name="twilio",
            title="Twilio (SMS, WhatsApp)",
            settings=(
                Setting(
                    "ACCOUNT_SID",
                    "the account's SID",
                    pattern=r"AC[0-9a-f]{32}",
                    form="AC and 32 hexadecimal digits",
                ),
                Setting("AUTH_TOKEN", "the account's auth token", rotates=True),
            ),
            limits=Limits(TEXT, "UTF-16 units"),
            delivery="at least once",
            acknowledgement=Handshake(b"<Response/>", "text/xml"),
            acknowledge_seconds=15.0,
            per_second=1,
            probe=OutgoingRequest("GET", account, auth="basic:ACCOUNT_SID:AUTH_TOKEN"),
        )

    def receive(self, request: RawRequest, secrets: Secrets, now: float) -> Received:
        if request.method != "POST":
            return Rejected("method")
        form = parse_form(request.body)
        if not _signed(request, form, secrets):
            return Rejected("signature")
        if form is None:
            return Ignored("not a message")
        if "Body" not in form:
            return Ignored("a status, or a message without text")
        key, account = id_at(form, "MessageSid"), id_at(form, "AccountSid")
        sender, us = id_at(form, "From"), id_at(form, "To")
        if not key or not sender or not us or not same(secrets.get("ACCOUNT_SID"), account):
            return Rejected("malformed")
        text = text_at(form, "Body") or text_at(form, "ButtonText")
        if not text.strip():
            return Ignored("no text")
        return (
            IncomingMessage(
                channel="twilio",
                event_key=key,
                conversation_key=secrets.pseudonym("conversation", us, sender),
                sender=secrets.pseudonym("person", sender),
                text=spoken(text),
                reply_to={"from": us, "to": sender, "account": account},
            ),
        )

    def render(self, reply: Reply, to: Mapping[str, str]) -> tuple[OutgoingRequest, ...]:
        body = body_of(reply, self.setup.public_url)
        escape = markup.whatsapp if to["to"].startswith("whatsapp:") else markup.plain
        url = f"{self.setup.api or API}/2010-04-01/Accounts/{to['account']}/Messages.json"
        return tuple(
            OutgoingRequest(
                "POST",
                url,
                urlencode({"From": to["from"], "To": to["to"], "Body": text}).encode(),
                {"Content-Type": "application/x-www-form-urlencoded"},
                auth="basic:ACCOUNT_SID:AUTH_TOKEN",
            )
            for text in body.pieces(TEXT, size=utf16_units, escape=escape, listed=True)
        )


def _signed(request: RawRequest, form: Mapping[str, str] | None, secrets: Secrets) -> bool:
    """Whether the request is signed for the address it was sent to, with or without its port.

    A form is signed with its fields in order of their names; anything else by its hash, which
    then is a parameter of the (signed) address.
    """
    given = request.header("x-twilio-signature")
    digest = _digest(request.header("x-twilio-webhooks-signature-settings"))
    try:
        query = parse_qs(urlsplit(request.url).query)
        urls = _with_and_without_port(request.url)
    except ValueError:
        return False
    fields = ""
    if "bodySHA256" in query:
        if not same(body_sha256(request.body), query["bodySHA256"][0]):
            return False
    elif form is None:
        return False
    else:
        fields = "".join(name + form[name] for name in sorted(form))
    keys = [token.encode() for token in secrets.active("AUTH_TOKEN")]
    found = [
        hmac_matches(
            keys,
            (url + fields).encode("utf-8", "surrogatepass"),
            given,
            digest=digest,
            encoding="base64",
        )
        for url in urls
        if digest
    ]
    return any(found)


def _digest(settings: str) -> Literal["sha1", "sha256"] | None:
    """The hash that the header names; None for one that isn't known."""
    named = [
        value.strip().upper()
        for name, _, value in (part.partition("=") for part in settings.split(","))
        if name.strip() == "algorithm"
    ]
    if not named:
        return "sha1"
    return {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}.get(named[0])  # type: ignore[return-value]


def _with_and_without_port(url: str) -> tuple[str, str]:
    """`url` without its port and with it (the scheme's own where it names none)."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    bare = host.rpartition(":")[0] if parts.port else host
    user = parts.netloc.removesuffix(host)
    port = parts.port or _PORTS.get(parts.scheme, 443)
    rest = url.partition("://")[2][len(parts.netloc) :]
    return (
        f"{parts.scheme}://{user}{bare}{rest}",
        f"{parts.scheme}://{user}{bare}:{port}{rest}",
    )
