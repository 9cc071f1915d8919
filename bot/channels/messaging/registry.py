"""The channels there are, and those that the environment enables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from bot.channels.messaging.credentials import PREFIX, Secrets, Setting, load_secrets
from bot.channels.messaging.discord import Discord
from bot.channels.messaging.generic import Generic
from bot.channels.messaging.googlechat import GoogleChat
from bot.channels.messaging.line import Line
from bot.channels.messaging.matrix import Matrix
from bot.channels.messaging.messenger import INSTAGRAM, Messenger
from bot.channels.messaging.protocol import Account, Channel, ChannelInfo, Keys, Setup
from bot.channels.messaging.slack import Slack
from bot.channels.messaging.teams import Teams
from bot.channels.messaging.teams_bot import TeamsBot
from bot.channels.messaging.telegram import Telegram
from bot.channels.messaging.twilio import Twilio
from bot.channels.messaging.whatsapp import WhatsApp
from bot.errors import SettingsError

CHANNELS: Mapping[str, Callable[[Setup], Channel]] = {
    "slack": Slack,
    "telegram": Telegram,
    "whatsapp": WhatsApp,
    "messenger": Messenger,
    "instagram": lambda setup: Messenger(setup, INSTAGRAM),
    "discord": Discord,
    "teams": Teams,
    "teams_bot": TeamsBot,
    "twilio": Twilio,
    "line": Line,
    "googlechat": GoogleChat,
    "matrix": Matrix,
    "generic": Generic,
}

ENABLED = f"{PREFIX}CHANNELS"
PUBLIC_URL = f"{PREFIX}PUBLIC_URL"
HASH_KEY = f"{PREFIX}HASH_KEY"


@dataclass(frozen=True, slots=True)
class Enabled:
    """A channel that is served, what it says of itself, its secrets, and the site that answers."""

    channel: Channel
    info: ChannelInfo
    secrets: Secrets
    site: str = ""


def load_channels(
    environ: Mapping[str, str],
    keys: Keys = lambda url, anew: None,
    sites: Collection[str] = ("",),
    account: Account = lambda request, secrets: None,
) -> dict[str, Enabled]:
    """The channels of QUOTH_CHANNELS by name, each with all that it needs.

    QUOTH_PUBLIC_URL is our own address as the platforms reach it. Of several `sites` a channel is
    answered from the one that QUOTH_<CHANNEL>_SITE names, else from the first. Raises
    SettingsError that names every variable that is missing or wrong, and never a value.
    """
    names = list(dict.fromkeys(n.strip().lower() for n in environ.get(ENABLED, "").split(",")))
    names = [name for name in names if name]
    if unknown := [name for name in names if name not in CHANNELS]:
        raise SettingsError(
            f"{ENABLED} names {', '.join(map(repr, unknown))}; known: {', '.join(CHANNELS)}"
        )
    public_url = environ.get(PUBLIC_URL, "").strip().rstrip("/") or None
    if names and not (public_url or "").startswith(("https://", "http://")):
        raise SettingsError(
            f"{PUBLIC_URL} must be the address that the platforms reach this server at, such as "
            "https://quoth.example.org"
        )
    hash_key = environ.get(HASH_KEY, "").encode() or None
    enabled = {}
    faults = []
    for name in names:
        info = CHANNELS[name](Setup()).describe()
        settings = info.settings
        if info.address not in [setting.name for setting in settings]:
            settings = (*settings, _address(info.address))
        try:
            secrets = load_secrets(name, settings, environ, hash_key)
        except SettingsError as error:
            faults.append(str(error))
            continue
        variable = f"{PREFIX}{name.upper()}_SITE"
        site = environ.get(variable, "").strip() or min(sites)
        if site not in sites:
            known = ", ".join(sorted(filter(None, sites)))
            remedy = f"there are {known}" if known else "there is only one, leave it empty"
            faults.append(f"{variable} names no site: {remedy}")
            continue
        api = secrets.get(info.address).rstrip("/") or None
        base = f"/{site}" if site else ""  # the documents that are linked are below it
        channel = CHANNELS[name](Setup(api, f"{public_url}{base}", keys, account))
        enabled[name] = Enabled(channel, channel.describe(), secrets, site)
    if faults:
        raise SettingsError("; ".join(faults))
    return enabled


def _address(name: str) -> Setting:
    return Setting(
        name,
        "another address of the platform's API",
        required=False,
        pattern=r"https?://\S+",
        form="an http or https address",
    )
