"""Requests to platforms: where they may go, how long they may take, how much is read.

Their addresses can come from a message (Teams' serviceUrl, Slack's response_url). Hence: https on
port 443 of a public address alone, and no redirects. Origins that the owner has set in the
environment (another API address, a homeserver, a test's loopback) are trusted instead, and they
alone may be plain http or private.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterable, Mapping

import httpx

from bot.channels.messaging.incoming import OutgoingRequest
from bot.egress import EgressError, http_client, origin_of

TIMEOUT = httpx.Timeout(10.0, connect=5.0)  # of each wait
WHOLE_SECONDS = 15.0  # of a request with its answer
ANSWER_BYTES = 1_000_000  # of an answer, more is not read

# Teams' own connectors; its bot token goes nowhere else.
_TEAMS = re.compile(
    r"smba\.trafficmanager\.net|(?:[a-z0-9-]+\.)+teams\.microsoft\.(?:com|us)"
    r"|(?:[a-z0-9-]+\.)*botframework\.(?:com|us|azure\.us|azure\.cn)"
)
_ADDRESSES = re.compile(r"QUOTH_[A-Z_]+_(?:URL|HOMESERVER)")


class _Ends(threading.local):
    """When the request that a thread is at must be over, in seconds of time.monotonic()."""

    at = float("inf")


class Egress:
    """An HTTP client that keeps to the rule above; many threads may use it."""

    def __init__(self, trusted: Iterable[str] = (), seconds: float = WHOLE_SECONDS) -> None:
        """`trusted`: addresses whose origins the owner has set; `seconds`: for a request with its
        whole answer, however slowly that comes."""
        self._trusted = frozenset(filter(None, map(origin_of, trusted)))
        hosts = frozenset((host, port) for _, host, port in self._trusted)
        self._seconds = seconds
        self._ends = _Ends()
        self._client = http_client(hosts, TIMEOUT, lambda: self._ends.at)

    def send(
        self, request: OutgoingRequest, channel: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        """(status, headers with lower-case names, the answer's first bytes).

        Raises EgressError where the address is not allowed, httpx.HTTPError where it can't be
        reached or doesn't answer in time.
        """
        self.check(request.url, channel)
        self._ends.at = time.monotonic() + self._seconds
        with self._client.stream(
            request.method, request.url, content=request.body, headers=dict(request.headers)
        ) as answer:
            body = b""
            for chunk in answer.iter_bytes():
                body += chunk
                if len(body) >= ANSWER_BYTES:
                    break
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status_code, headers, body[:ANSWER_BYTES]

    def check(self, url: str, channel: str = "") -> None:
        """Raise EgressError unless a request of `channel` may go to `url`, as far as the name
        tells; which machine it is, is checked when it is connected to."""
        origin = origin_of(url)
        if origin is None:
            raise EgressError("the address is not one of http or https")
        if origin in self._trusted:
            return
        scheme, host, port = origin
        if scheme != "https" or port != 443:
            raise EgressError(f"{host} may be called by https on port 443 only")
        if channel == "teams_bot" and not _TEAMS.fullmatch(host):
            raise EgressError(f"{host} is none of Teams")

    def close(self) -> None:
        self._client.close()


def trusted_addresses(environ: Mapping[str, str]) -> list[str]:
    """The addresses that the owner has set: QUOTH_<CHANNEL>_API_URL, _REPLY_URL, _HOMESERVER,
    _KEYS_URL and _TOKEN_URL."""
    return [
        value.strip()
        for name, value in environ.items()
        if _ADDRESSES.fullmatch(name) and name not in ("QUOTH_PUBLIC_URL", "QUOTH_DATABASE_URL")
    ]
