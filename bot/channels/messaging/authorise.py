"""Credentials, added when a request is sent, so that none lies in an outbox.

`OutgoingRequest.auth` is one of:

    ""                    none
    "bearer:NAME"         Authorization: Bearer, the setting NAME
    "basic:USER:NAME"     Authorization: Basic, two settings
    "url:NAME"            "{NAME}" in the address
    "oauth"               Authorization: Bearer, a token fetched by `token_request`
    "webhook:NAME"        signed after the Standard Webhooks specification

"{NAME}" in an address is the setting NAME in every case.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import Literal
from urllib.parse import quote, urlencode

import jwt

from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.fields import at, parse_json, text_at
from bot.channels.messaging.generic import signed_headers
from bot.channels.messaging.incoming import OutgoingRequest
from bot.errors import SettingsError

GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"
GOOGLE_SCOPE = "https://www.googleapis.com/auth/chat.bot"
MICROSOFT_LOGIN = "https://login.microsoftonline.com"
MICROSOFT_SCOPE = "https://api.botframework.com/.default"
ANY_TENANT = "botframework.com"
LONGEST_LIFE = 86_400.0  # seconds for which a token is kept at the most, whatever is said of it

_NAMED = re.compile(r"\{([A-Z_]+)\}")


def authorised(
    request: OutgoingRequest, secrets: Secrets, now: float, token: str = ""
) -> OutgoingRequest:
    """`request` as it is sent at `now`; `token` is what `token_request` brought, for "oauth"."""
    headers = dict(request.headers)
    url = _NAMED.sub(lambda found: quote(secrets.get(found[1]), safe=":"), request.url)
    kind, _, rest = request.auth.partition(":")
    if kind == "bearer":
        headers["Authorization"] = f"Bearer {secrets.get(rest)}"
    elif kind == "oauth":
        headers["Authorization"] = f"Bearer {token}"
    elif kind == "basic":
        user, _, password = rest.partition(":")
        pair = f"{secrets.get(user)}:{secrets.get(password)}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
    elif kind == "webhook":
        key = request.idempotency_key or ""
        headers |= signed_headers(secrets.active(rest), key, now, request.body)
    return replace(request, url=url, headers=headers, auth="")


def token_request(
    kind: Literal["google", "microsoft"], secrets: Secrets, now: float
) -> OutgoingRequest:
    """The request for an access token (see `read_token` for its answer).

    Raises SettingsError where the service account's key is not one.
    """
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    if kind == "microsoft":
        fields = {
            "grant_type": "client_credentials",
            "client_id": secrets.get("APP_ID"),
            "client_secret": secrets.get("APP_PASSWORD"),
            "scope": MICROSOFT_SCOPE,
        }
        tenant = secrets.get("TENANT_ID") or ANY_TENANT
        url = f"{MICROSOFT_LOGIN}/{tenant}/oauth2/v2.0/token"
        return OutgoingRequest("POST", url, urlencode(fields).encode(), form)
    fields = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": _assertion(secrets, now),
    }
    return OutgoingRequest("POST", GOOGLE_TOKEN_URL, urlencode(fields).encode(), form)


def read_token(body: bytes) -> tuple[str, float] | None:
    """(the token, the seconds it is good for) from the answer to `token_request`.

    The seconds are in 0..LONGEST_LIFE, and 0 where the answer doesn't say, or says no number.
    """
    answer = parse_json(body)
    token, said = text_at(answer, "access_token"), at(answer, "expires_in")
    if not token:
        return None
    try:
        seconds = float(said) if isinstance(said, int | float | str) else 0.0
    except ValueError:
        seconds = 0.0
    except OverflowError:  # a whole number beyond any float
        seconds = LONGEST_LIFE
    return token, min(seconds, LONGEST_LIFE) if seconds > 0 else 0.0  # not-a-number is not


def _assertion(secrets: Secrets, now: float) -> str:
    try:
        account = json.loads(secrets.get("SERVICE_ACCOUNT"))
        claims = {
            "iss": account["client_email"],
            "scope": GOOGLE_SCOPE,
            "aud": GOOGLE_TOKEN_URL,
            "iat": int(now),
            "exp": int(now) + 3600,
        }
        return jwt.encode(
            claims,
            account["private_key"],
            algorithm="RS256",
            headers={"kid": account.get("private_key_id", "")},
        )
    except (ValueError, TypeError, KeyError, jwt.PyJWTError):
        raise SettingsError(
            f"QUOTH_{secrets.channel.upper()}_SERVICE_ACCOUNT is not a service account's key; "
            "download a new one as JSON from the Google Cloud console"
        ) from None
