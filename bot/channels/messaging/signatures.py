"""Who sent this: HMAC, Ed25519, shared tokens, JSON Web Tokens. Every comparison is constant-time.

Signatures are compared in their canonical spelling, so that no other spelling of the same bytes
passes. Each check takes all active secrets and tries every one, whichever matches.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import jwt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bot.channels.messaging.incoming import Rejected
from bot.channels.messaging.protocol import Keys

WINDOW = 300.0  # seconds that a signed time may be off
_SECONDS = re.compile(r"[0-9]{1,12}")
_HEX_32_BYTES = re.compile(r"[0-9a-f]{64}")
_HEX_64_BYTES = re.compile(r"[0-9a-f]{128}")
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")


def same(expected: str, given: str) -> bool:
    """Whether two texts are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(
        expected.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass")
    )


def token_matches(secrets: Iterable[str], given: str) -> bool:
    """Whether `given` is one of the shared tokens; an empty one never is."""
    found = [same(secret, given) for secret in secrets]
    return bool(given) and any(found)


def hmac_signature(
    secret: bytes,
    message: bytes,
    *,
    digest: Literal["sha1", "sha256"] = "sha256",
    encoding: Literal["hex", "base64"] = "hex",
) -> str:
    raw = hmac.new(secret, message, digest).digest()
    return raw.hex() if encoding == "hex" else base64.b64encode(raw).decode("ascii")


def hmac_matches(
    secrets: Iterable[bytes],
    message: bytes,
    given: str,
    *,
    digest: Literal["sha1", "sha256"] = "sha256",
    encoding: Literal["hex", "base64"] = "hex",
    prefix: str = "",
) -> bool:
    """Whether `given` is `prefix` and the HMAC of `message` under one of the secrets."""
    return token_matches(
        [
            prefix + hmac_signature(secret, message, digest=digest, encoding=encoding)
            for secret in secrets
        ],
        given,
    )


def ed25519_matches(public_keys: Iterable[str], message: bytes, given: str) -> bool:
    """Whether `given` (128 lower-case hex digits) is a signature under one of the keys (hex)."""
    if not _HEX_64_BYTES.fullmatch(given):
        return False
    signature = bytes.fromhex(given)
    found = False
    for key in public_keys:
        if not _HEX_32_BYTES.fullmatch(key):
            continue
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, message)
        except (InvalidSignature, ValueError):
            continue
        found = True
    return found


def base64_secret(secret: str) -> bytes:
    """The key that `secret` spells in base64, padded or not.

    Another spelling than base64 has for these bytes is taken as it stands, and so matches nothing.
    """
    try:
        raw = base64.b64decode(secret.rstrip("=") + "=" * (-len(secret.rstrip("=")) % 4))
    except (binascii.Error, ValueError):
        return secret.encode("utf-8", "surrogatepass")
    spelled = base64.b64encode(raw).decode("ascii").rstrip("=")
    same_spelling = secret.rstrip("=") == spelled
    return raw if same_spelling else secret.encode("utf-8", "surrogatepass")


def is_fresh(timestamp: str, now: float, window: float = WINDOW) -> bool:
    """Whether `timestamp` (whole Unix seconds) lies within `window` seconds of `now`."""
    return bool(_SECONDS.fullmatch(timestamp)) and abs(now - int(timestamp)) <= window


def bearer(header: str) -> str:
    """The token of an Authorization header; "" where it is of another form."""
    token = header.removeprefix("Bearer ")
    return token if token != header and _TOKEN.fullmatch(token) else ""


def body_sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def jwt_claims(
    token: str,
    keys: Keys,
    keys_url: str,
    *,
    issuers: Iterable[str],
    audiences: Iterable[str],
    now: float,
    leeway: float = WINDOW,
) -> tuple[Mapping[str, Any], Mapping[str, Any]] | Rejected:
    """(the claims, the public key with its own fields) of a token that is right in all respects.

    RS256 only, by the key of `keys_url` that it names. The time is compared with `now`, not with
    the machine's clock.
    """
    if not _canonical(token):
        return Rejected("signature")
    key = _key_of(token, keys, keys_url)
    if isinstance(key, Rejected):
        return key
    try:
        claims = jwt.decode(
            token,
            jwt.PyJWK.from_dict(dict(key), algorithm="RS256").key,
            algorithms=["RS256"],
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
                "verify_iss": False,
                "verify_sub": False,
                "verify_jti": False,
            },
        )
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return Rejected("signature")
    if claims.get("iss") not in list(issuers) or claims.get("aud") not in list(audiences):
        return Rejected("signature")
    if not _in_time(claims, now, leeway):
        return Rejected("stale")
    return claims, key


def _key_of(token: str, keys: Keys, keys_url: str) -> Mapping[str, Any] | Rejected:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return Rejected("signature")
    named = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(named, str):
        return Rejected("signature")
    for anew in (False, True):  # a key that is not there may be a new one
        found = keys(keys_url, anew)
        if found is None:
            return Rejected("unavailable")
        listed = found.get("keys")
        for key in listed if isinstance(listed, list) else []:
            if isinstance(key, Mapping) and key.get("kid") == named:
                return key
    return Rejected("signature")


def _in_time(claims: Mapping[str, Any], now: float, leeway: float) -> bool:
    ends, starts = claims.get("exp"), claims.get("nbf", claims.get("iat", 0))
    return (
        isinstance(ends, int | float)
        and isinstance(starts, int | float)
        and starts - leeway <= now <= ends + leeway
    )


def _canonical(token: str) -> bool:
    """Whether the three parts are spelled as base64url spells their bytes, and in no other way."""
    parts = token.split(".")
    if len(parts) != 3:
        return False
    for part in parts:
        try:
            raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return False
        if base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=") != part:
            return False
    return True
