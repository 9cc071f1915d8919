"""The messaging channels of one server: their parts put together, started and ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.channels.messaging.answering import Answerer
from bot.channels.messaging.delivery import Backoff, Courier
from bot.channels.messaging.egress import Egress, trusted_addresses
from bot.channels.messaging.reception import Reception
from bot.channels.messaging.registry import PUBLIC_URL, Enabled, load_channels
from bot.channels.messaging.tokens import AccessTokens, PublicKeys
from bot.channels.messaging.whoami import WhoAmI
from bot.channels.messaging.workers import Workers
from bot.state.inbox import Inbox
from bot.state.lanes import Lanes, Lease
from bot.state.limits import WorkPool
from bot.state.metrics import Metrics
from bot.state.outbox import Outbox
from bot.state.store import Store

if TYPE_CHECKING:
    from bot.channels.site import Site
    from bot.settings import Settings

# Requests that are verified and kept at once, and those that may wait for it.
RECEPTION_THREADS, RECEPTION_WAITING = 4, 200
ANSWER_THREADS = 3
DELIVERY_THREADS = 16
PER_CHANNEL = 8  # deliveries of one channel at a time
DRAIN_SECONDS = 8.0  # for what is due when the server is told to end


@dataclass(frozen=True)
class Connections:
    """The channels that are enabled, and the ways to their platforms."""

    channels: Mapping[str, Enabled]
    egress: Egress
    tokens: AccessTokens
    public_url: str

    @classmethod
    def of(cls, environ: Mapping[str, str], sites: Collection[str] = ("",)) -> Connections:
        """As the environment says, for a server of `sites`. Raises SettingsError that names all
        that is wrong."""
        egress = Egress(trusted_addresses(environ))
        channels = load_channels(environ, PublicKeys(egress, environ), sites, WhoAmI(egress))
        public_url = environ.get(PUBLIC_URL, "").strip().rstrip("/")
        return cls(channels, egress, AccessTokens(egress, environ), public_url)

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that a channel is answered from, by name."""
        return tuple(sorted({enabled.site for enabled in self.channels.values()}))

    def of_site(self, name: str) -> Connections:
        """The same with the channels of one site."""
        own = {channel: e for channel, e in self.channels.items() if e.site == name}
        return replace(self, channels=own)


class Messaging:
    """Receives, answers and delivers for one site from `start` to `drain`;
    `site` gives it as it is now."""

    def __init__(
        self,
        connections: Connections,
        site: Callable[[], Site],
        store: Store,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        channels = connections.channels
        self.public_url = connections.public_url
        self.enabled = frozenset(channels)
        self.pool = WorkPool(RECEPTION_THREADS, RECEPTION_WAITING)
        self.inbox, self.outbox = Inbox(store.database), Outbox(store.database)
        lease = settings.lease_seconds
        incoming = Lanes(store.database, "in", lease_seconds=lease, channels=channels)
        outgoing = Lanes(
            store.database,
            "out",
            lease_seconds=lease,
            channels=channels,
            paces={name: enabled.info.per_second for name, enabled in channels.items()},
        )
        answerer = Answerer(site, store, self.inbox, incoming, channels, metrics)
        self._courier = Courier(
            self.outbox,
            outgoing,
            channels,
            connections.egress,
            connections.tokens,
            metrics,
            Backoff(settings.delivery_wait, settings.delivery_attempts),
        )
        self._deliverers = Workers(
            "deliver",
            outgoing,
            self._courier.work,
            metrics,
            threads=DELIVERY_THREADS,
            per_channel=PER_CHANNEL,
        )

        def answer(lease: Lease) -> None:
            answerer.work(lease)
            self._deliverers.wake()

        self._answerers = Workers("answer", incoming, answer, metrics, threads=ANSWER_THREADS)
        self.reception = Reception(
            channels, self.inbox, incoming, answerer, metrics, kept=self._wake
        )

    def start(self) -> None:
        self._answerers.start()
        self._deliverers.start()

    def drain(self) -> None:
        """Answer and deliver what is due, for some seconds; the rest waits for the next start."""
        self.pool.close()
        self._answerers.drain(DRAIN_SECONDS)
        self._courier.leave()
        self._deliverers.drain(DRAIN_SECONDS)

    def _wake(self) -> None:
        self._answerers.wake()
        self._deliverers.wake()  # an event may need no answer but a request
