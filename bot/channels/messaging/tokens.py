"""What is fetched to trust and to be trusted: the platforms' public keys, our access tokens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

import httpx

from bot.channels.messaging.authorise import read_token, token_request
from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.egress import Egress
from bot.channels.messaging.fields import parse_json
from bot.channels.messaging.googlechat import PROJECT_KEYS_URL, URL_KEYS_URL
from bot.channels.messaging.incoming import OutgoingRequest
from bot.channels.messaging.teams_bot import KEYS_URL
from bot.egress import EgressError

KEYS_SECONDS = 6 * 3600.0  # how long fetched keys are good without another look
ANEW_SECONDS = 60.0  # between two looks for a key that was not there, or after a failed one
EARLY_SECONDS = 120.0  # a token is fetched anew so long before it ends

KeysFor = {
    KEYS_URL: "QUOTH_TEAMS_BOT_KEYS_URL",
    PROJECT_KEYS_URL: "QUOTH_GOOGLECHAT_KEYS_URL",
    URL_KEYS_URL: "QUOTH_GOOGLECHAT_KEYS_URL",
}


@dataclass
class _Fetched:
    keys: Mapping[str, object] | None = None
    at: float = float("-inf")  # of the last success
    tried: float = float("-inf")


class PublicKeys:
    """JSON Web Key Sets, kept for hours; see `protocol.Keys` for what calling it means.

    Anybody can send a token that names an unknown key, so that is looked up once a minute at
    most, by one thread, while others go on with the keys there are.
    """

    def __init__(
        self,
        egress: Egress,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._egress = egress
        self._environ = environ or {}
        self._clock = clock
        self._sets: dict[str, _Fetched] = {}
        self._lock = threading.Lock()

    def __call__(self, url: str, anew: bool) -> Mapping[str, object] | None:
        now = self._clock()
        with self._lock:
            known = self._sets.setdefault(url, _Fetched())
            old = now - known.at > (ANEW_SECONDS if anew else KEYS_SECONDS)
            if not old or now - known.tried < (ANEW_SECONDS if known.keys else 1.0):
                return known.keys
            known.tried = now
        found = self._fetch(self._environ.get(KeysFor.get(url, ""), "").strip() or url)
        with self._lock:
            if found is not None:
                known.keys, known.at = found, now
            return known.keys

    def _fetch(self, url: str) -> Mapping[str, object] | None:
        try:
            status, _, body = self._egress.send(OutgoingRequest("GET", url))
        except (httpx.HTTPError, EgressError):
            return None
        found = parse_json(body) if status == 200 else None
        return found if found is not None and isinstance(found.get("keys"), list) else None


class TokenError(Exception):
    """No access token can be had; the message says why without any secret."""


class AccessTokens:
    """OAuth access tokens by channel, fetched when needed and before they end."""

    def __init__(
        self,
        egress: Egress,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._egress = egress
        self._environ = environ or {}
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, secrets: Secrets, kind: str) -> str:
        """A token for the channel of `secrets`. Raises TokenError, SettingsError."""
        with self._lock:
            lock = self._locks.setdefault(secrets.channel, threading.Lock())
        with lock:  # one thread fetches, the others wait for it
            now = self._clock()
            token, until = self._tokens.get(secrets.channel, ("", 0.0))
            if token and now < until - EARLY_SECONDS:
                return token
            token, seconds = self._fetch(secrets, kind, now)
            self._tokens[secrets.channel] = token, now + max(seconds, 2 * EARLY_SECONDS)
            return token

    def forget(self, channel: str) -> None:
        """The token was refused: the next one is fetched."""
        self._tokens.pop(channel, None)

    def _fetch(self, secrets: Secrets, kind: str, now: float) -> tuple[str, float]:
        request = token_request(cast(Literal["google", "microsoft"], kind), secrets, now)
        variable = f"QUOTH_{secrets.channel.upper()}_TOKEN_URL"
        if other := self._environ.get(variable, "").strip():
            request = replace(request, url=other)
        try:
            status, _, body = self._egress.send(request)
        except EgressError as error:
            raise TokenError(str(error)) from None
        except httpx.HTTPError as error:
            raise TokenError(f"no access token: {type(error).__name__}") from None
        found = read_token(body) if status == 200 else None
        if found is None:
            raise TokenError(f"no access token: HTTP {status}")
        return found
