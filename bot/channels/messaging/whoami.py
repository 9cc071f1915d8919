"""What a platform says of the bot's own account: asked for once, and kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

import httpx

from bot.channels.messaging.authorise import authorised
from bot.channels.messaging.credentials import Secrets
from bot.channels.messaging.egress import Egress
from bot.channels.messaging.fields import parse_json
from bot.channels.messaging.incoming import OutgoingRequest
from bot.egress import EgressError

ANEW_SECONDS = 60.0  # between two tries where one has failed
PATIENCE = 3.0  # seconds to wait for a try of another thread

log = logging.getLogger("quoth.messaging")


class WhoAmI:
    """See `protocol.Account` for what calling it means. Many threads may use it.

    It is asked for with the first message that needs it, so that a start needs no platform, and
    by one thread.
    """

    def __init__(self, egress: Egress, clock: Callable[[], float] = time.monotonic) -> None:
        self._egress = egress
        self._clock = clock
        self._known: dict[str, Mapping[str, object]] = {}  # by channel
        self._tried: dict[str, float] = {}
        self._lock = threading.Lock()

    def __call__(self, request: OutgoingRequest, secrets: Secrets) -> Mapping[str, object] | None:
        channel = secrets.channel
        if channel not in self._known and self._lock.acquire(timeout=PATIENCE):
            try:
                since = self._clock() - self._tried.get(channel, float("-inf"))
                if channel not in self._known and since >= ANEW_SECONDS:
                    self._tried[channel] = self._clock()
                    self._ask(request, secrets)
            finally:
                self._lock.release()
        return self._known.get(channel)

    def _ask(self, request: OutgoingRequest, secrets: Secrets) -> None:
        channel = secrets.channel
        try:
            ready = authorised(request, secrets, time.time())
            status, _, body = self._egress.send(ready, channel)
        except (EgressError, httpx.HTTPError) as error:
            log.warning("%s did not tell the bot's own name (%s)", channel, type(error).__name__)
            return
        found = parse_json(body) if status == 200 else None
        if found is None:
            log.warning("%s did not tell the bot's own name (HTTP %d)", channel, status)
            return
        self._known[channel] = found
