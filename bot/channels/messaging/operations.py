"""What the owner does from the command line: dead letters, and a channel's configuration."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import httpx

from bot.channels.messaging.authorise import authorised
from bot.channels.messaging.credentials import PREFIX
from bot.channels.messaging.egress import Egress, trusted_addresses
from bot.channels.messaging.incoming import OutgoingRequest
from bot.channels.messaging.outcome import Delivered, Refused, outcome
from bot.channels.messaging.protocol import DELIVERIES
from bot.channels.messaging.registry import CHANNELS, ENABLED, PUBLIC_URL, Enabled, load_channels
from bot.channels.messaging.tokens import AccessTokens, TokenError
from bot.channels.sites import folders_in
from bot.egress import EgressError
from bot.errors import QuothError, SettingsError, UsageError
from bot.settings import load_settings
from bot.state.database import Database
from bot.state.outbox import Letter, Outbox
from bot.types import Reply, SmallTalk

DONE, FAILED = 0, 1
TEST_MESSAGE = "This is a test message of Quoth. The channel works."


Letters = Mapping[str, tuple[str, Letter]]  # by what they are called: the site, the letter


def outbox(parsed: argparse.Namespace) -> int:
    """List, replay or drop dead letters, of all sites where there are several."""
    settings = load_settings(knowledge=parsed.knowledge)
    with ExitStack() as stack:
        boxes: dict[str, Outbox] = {}
        for site in sorted(folders_in(settings.knowledge)):
            database = Database(settings.database_url, site)
            stack.callback(database.close)
            boxes[site] = Outbox(database)
        letters = {
            f"{site}/{one.id}" if site else one.id: (site, one)
            for site, box in boxes.items()
            for one in box.letters(parsed.channel)
        }
        if parsed.action == "list":
            _list(letters, parsed.json)
            return DONE
        chosen = _chosen(letters, parsed.letters, parsed.all)
        count = 0
        for site, box in boxes.items():
            own = [one for of, one in chosen if of == site]
            count += box.replay(own) if parsed.action == "replay" else box.drop(own)
        done = "wait again; a running server sends them" if parsed.action == "replay" else "deleted"
        print(f"{count} of {len(chosen)} {done}")
        return DONE if count == len(chosen) else FAILED


def _list(letters: Letters, as_json: bool) -> None:
    for id, (_, one) in letters.items():
        if as_json:
            fields = {
                "id": id,
                "channel": one.channel,
                "since": one.since,
                "attempts": one.attempts,
                "error": one.error,
            }
            print(json.dumps(fields))
        else:
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.since))
            print(f"{id:<12} {one.channel:<12} {since}  {one.attempts:>3} tries  {one.error}")
    if not letters and not as_json:
        print("no dead letters")


def _chosen(letters: Letters, ids: Sequence[str], every: bool) -> list[tuple[str, Letter]]:
    if bool(ids) == every:
        raise UsageError("name the letters (see `outbox list`), or take all of them with --all")
    if every:
        return list(letters.values())
    if unknown := [id for id in ids if id not in letters]:
        raise UsageError(f"there is no dead letter {', '.join(unknown)}; see `outbox list`")
    return [letters[id] for id in dict.fromkeys(ids)]


def channel(parsed: argparse.Namespace) -> int:
    """Say what is missing or wrong in a channel's configuration; send a test message if asked."""
    name = parsed.name.lower()
    if name not in CHANNELS:
        raise UsageError(f"there is no channel {name!r}; there are: {', '.join(CHANNELS)}")
    environ = dict(os.environ)
    enabled_names = [n.strip().lower() for n in environ.get(ENABLED, "").split(",")]
    say = _Lines()
    if name in enabled_names:
        say.good(f"{ENABLED} names it")
    else:
        say.bad(f"{ENABLED} does not name it: add {name}, and the server serves it")
    sites = folders_in(load_settings(knowledge=parsed.knowledge).knowledge)
    try:
        enabled = load_channels({**environ, ENABLED: name}, sites=sites)[name]
    except SettingsError as error:
        for fault in str(error).split("; "):
            say.bad(fault)
        return say.code
    say.good("its settings are there, and of the right form")
    if enabled.site:
        say.good(f"it is answered from the site {enabled.site}")
    address = environ[PUBLIC_URL].rstrip("/")
    say.good(f"the address for the platform's console: {address}/webhooks/{name}")
    if not address.startswith("https://"):
        say.bad(f"{PUBLIC_URL} should be https: the platforms call no other address")
    print(f"       {enabled.info.delivery}: {DELIVERIES[enabled.info.delivery]}")
    egress = Egress(trusted_addresses(environ))
    try:
        _probe(enabled, egress, environ, say)
        if parsed.send_to is not None:
            _send(enabled, egress, environ, parsed.send_to, say)
    finally:
        egress.close()
    return say.code


class _Lines:
    def __init__(self) -> None:
        self.code = DONE

    def good(self, line: str) -> None:
        print(f"ok     {line}")

    def bad(self, line: str) -> None:
        print(f"WRONG  {line}")
        sys.stdout.flush()
        self.code = FAILED


def _probe(enabled: Enabled, egress: Egress, environ: Mapping[str, str], say: _Lines) -> None:
    """Ask the platform whether the credentials are right."""
    probe = enabled.info.probe
    if enabled.info.oauth:
        try:
            AccessTokens(egress, environ).get(enabled.secrets, enabled.info.oauth)
        except (TokenError, SettingsError) as error:
            say.bad(f"the credentials bring no access token: {error}")
        else:
            say.good("the credentials bring an access token")
    if probe is None:
        if not enabled.info.oauth:
            print("       the platform has no call to try the credentials with")
        return
    _deliver(enabled, egress, environ, probe, say, "the platform takes the credentials")


def _send(
    enabled: Enabled, egress: Egress, environ: Mapping[str, str], to: Sequence[str], say: _Lines
) -> None:
    """Send a test message to `to`, "KEY=VALUE" each."""
    reply = Reply(
        text=TEST_MESSAGE,
        decision=SmallTalk("ack"),
        question="",
        conversation_id="test",
        turn_id=uuid.uuid4().hex,
    )
    address = dict(part.partition("=")[::2] for part in to if "=" in part)
    try:
        requests = enabled.channel.render(reply, address)
    except (KeyError, ValueError) as error:
        wanted = error.args[0] if isinstance(error, KeyError) else "a right value"
        raise UsageError(
            f"--send-to needs {wanted}, as in --send-to {wanted}=... (more than one are separate)"
        ) from None
    for request in requests:
        if request.method == "RESPOND":
            say.bad("this platform takes answers to its own requests only; nothing can be sent")
            return
        _deliver(enabled, egress, environ, request, say, "the test message was delivered")


def _deliver(
    enabled: Enabled,
    egress: Egress,
    environ: Mapping[str, str],
    request: OutgoingRequest,
    say: _Lines,
    meaning: str,
) -> None:
    name = enabled.info.name
    try:
        token = ""
        if request.auth == "oauth":
            token = AccessTokens(egress, environ).get(enabled.secrets, enabled.info.oauth)
        ready = authorised(request, enabled.secrets, time.time(), token)
        status, headers, body = egress.send(ready, name)
    except (EgressError, TokenError, QuothError) as error:
        say.bad(f"{PREFIX}{name.upper()}: {error}")
        return
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        say.bad(f"the platform can't be reached ({type(error).__name__})")
        return
    found = outcome(enabled.info, status, headers, body, time.time())
    if isinstance(found, Delivered):
        say.good(meaning)
    elif isinstance(found, Refused):
        say.bad(f"the platform refuses it: {found.reason} (HTTP {status})")
    else:
        say.bad(f"the platform says to try again later (HTTP {status})")
