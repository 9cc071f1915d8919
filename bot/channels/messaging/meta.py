"""What WhatsApp, Messenger and Instagram share: the subscription's handshake and the signature."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.channels.messaging.credentials import Secrets, Setting
from bot.channels.messaging.fields import parse_json
from bot.channels.messaging.incoming import Handshake, RawRequest, Rejected
from bot.channels.messaging.signatures import hmac_matches, token_matches

_CHALLENGE = re.compile(r"[\w.-]{1,200}")

META_SETTINGS = (
    Setting("APP_SECRET", "the app's secret, which signs what comes in", rotates=True),
    Setting("VERIFY_TOKEN", "the token typed into the webhook's form", rotates=True),
    Setting("ACCESS_TOKEN", "the token that messages are sent with"),
)


def verified(
    request: RawRequest, secrets: Secrets, expected: str
) -> Mapping[str, object] | Handshake | Rejected:
    """The payload of a signed request about an `expected` object, or the handshake's answer."""
    if request.method == "GET":
        query = request.query
        known = token_matches(secrets.active("VERIFY_TOKEN"), query.get("hub.verify_token", ""))
        challenge = query.get("hub.challenge", "")
        if query.get("hub.mode") != "subscribe" or not _CHALLENGE.fullmatch(challenge):
            return Rejected("malformed")
        return Handshake(challenge.encode(), "text/plain") if known else Rejected("signature")
    if request.method != "POST":
        return Rejected("method")
    keys = [secret.encode() for secret in secrets.active("APP_SECRET")]
    given = request.header("x-hub-signature-256")
    if not hmac_matches(keys, request.body, given, prefix="sha256="):
        return Rejected("signature")
    payload = parse_json(request.body)
    if payload is None or payload.get("object") != expected:
        return Rejected("malformed")
    return payload
