"""From a request that waits in the outbox to the platform, as often as it takes."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from bot.channels.messaging.authorise import authorised
from bot.channels.messaging.egress import Egress
from bot.channels.messaging.incoming import OutgoingRequest
from bot.channels.messaging.outcome import Delivered, Outcome, Refused, Retry, outcome
from bot.channels.messaging.registry import Enabled
from bot.channels.messaging.tokens import AccessTokens, TokenError
from bot.egress import EgressError
from bot.errors import SettingsError
from bot.state.lanes import Lanes, Lease, LeaseLost
from bot.state.metrics import Metrics
from bot.state.outbox import Outbox
from bot.state.store import StoreError

LONGEST_WAIT = 900.0  # seconds between two tries, unless the platform asks for more
NOTE_SECONDS = 5.0  # between two tries to write down what became of a message

log = logging.getLogger("quoth.messaging")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: any time up to `wait` * 2 ** (attempt - 1) seconds,
    at most `longest`; given up after `attempts`.

    (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
    """

    wait: float = 2.0
    attempts: int = 20
    longest: float = LONGEST_WAIT

    def after(self, attempt: int, asked: float | None, chance: Callable[[], float]) -> float:
        """Seconds before the try that follows the failed `attempt`; never less than `asked`,
        which is what the platform asked for. `chance` gives 0..1."""
        within = min(self.longest, self.wait * 2.0 ** min(attempt - 1, 60))
        if asked is None:
            return chance() * within
        return asked + chance() * min(within, 1.0 + asked / 10)


class Courier:
    """Sends the request that a lease is for. Synchronous; many threads may use it."""

    def __init__(
        self,
        outbox: Outbox,
        lanes: Lanes,
        channels: Mapping[str, Enabled],
        egress: Egress,
        tokens: AccessTokens,
        metrics: Metrics,
        backoff: Backoff,
        *,
        clock: Callable[[], float] = time.time,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._lanes = lanes
        self._channels = channels
        self._egress = egress
        self._tokens = tokens
        self._metrics = metrics
        self._backoff = backoff
        self._clock = clock
        self._chance = chance
        self._leaving = threading.Event()

    def leave(self) -> None:
        """Don't wait any longer for a database that fails."""
        self._leaving.set()

    def work(self, lease: Lease) -> None:
        """Send it and write down what became of it, which ends the lease.

        Raises StoreError where the request can't be read. What became of a sent one is written
        as soon as the database works again: sent twice it would be shown twice.
        """
        outgoing = self._outbox.outgoing(lease)
        if outgoing is None:
            found: Outcome = Delivered(before=True)
        elif lease.attempt > self._backoff.attempts:
            found = Refused("given up")
        else:
            found = self._send(lease.channel, OutgoingRequest.from_json(outgoing.request))
        while True:
            try:
                self._note(lease, found)
            except LeaseLost:
                self._metrics.messaging.lost_leases.labels(lease.channel).inc()
                return
            except StoreError as error:
                self._metrics.store_errors.inc()
                log.warning("a delivery by %s is not noted yet: %s", lease.channel, error)
                if self._leaving.wait(NOTE_SECONDS):
                    return
            else:
                break
        if outgoing is not None and isinstance(found, Delivered):
            self._metrics.messaging.delivered.labels(lease.channel).inc()
            seconds = max(0.0, self._clock() - outgoing.received)
            self._metrics.messaging.delivering.labels(lease.channel).observe(seconds)

    def _send(self, channel: str, request: OutgoingRequest) -> Outcome:
        enabled = self._channels[channel]
        oauth = request.auth == "oauth"
        try:
            # Checked before the token is added, and again where it is connected to.
            self._egress.check(_bare(request.url), channel)
            token = self._tokens.get(enabled.secrets, enabled.info.oauth) if oauth else ""
            ready = authorised(request, enabled.secrets, self._clock(), token)
            status, headers, body = self._egress.send(ready, channel)
        except TokenError:
            return Retry()
        except (EgressError, SettingsError) as error:
            return Refused(str(error) if isinstance(error, EgressError) else "settings")
        except httpx.InvalidURL:
            return Refused("the address is none")
        except httpx.HTTPError as error:
            log.info("%s did not answer (%s)", channel, type(error).__name__)
            return Retry()
        if status == 401 and oauth:
            self._tokens.forget(channel)
            return Retry()
        return outcome(enabled.info, status, headers, body, self._clock())

    def _note(self, lease: Lease, found: Outcome) -> None:
        metrics = self._metrics.messaging
        if isinstance(found, Delivered):
            per_second = self._channels[lease.channel].info.per_conversation
            self._outbox.sent(self._lanes, lease, 1.0 / per_second if per_second else 0.0)
        elif isinstance(found, Retry) and lease.attempt < self._backoff.attempts:
            after = self._backoff.after(lease.attempt, found.after, self._chance)
            reason = "no answer" if found.after is None else "asked to wait"
            self._outbox.retry(self._lanes, lease, after, reason)
            metrics.retried.labels(lease.channel, reason).inc()
        else:
            why = found.reason if isinstance(found, Refused) else "given up"
            count = self._outbox.dead(self._lanes, lease, why)
            metrics.dead.labels(lease.channel, "out").inc(count)
            log.warning("a message by %s could not be delivered (%s)", lease.channel, why)


def _bare(url: str) -> str:
    """`url` with the names of secrets that are put in later as plain words."""
    return url.replace("{", "").replace("}", "")
