"""Serve a knowledge to browsers and programs: the composition root of the web server.

    python server.py [--knowledge DIR]

DIR is a knowledge, or a folder of several: a site each, at /NAME/. An edit is served as soon as its
files are whole; SIGHUP has them read at once. All else is set by QUOTH_... in the environment. Exit
codes: 0 stopped by a signal after the last answer was sent, 1 an error, 2 the command line is
wrong, 130 broken off with Ctrl-C.
"""

from __future__ import annotations

import argparse
import errno
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bot.errors import QuothError, SettingsError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from bot.settings import Settings

DONE, FAILED, BROKEN_OFF = 0, 1, 130
BACKLOG = 512  # connections that wait to be taken
DRAIN_SECONDS = 20  # for answers under way after a SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="server.py", description="Serve a knowledge over HTTP.")
    parser.add_argument("--knowledge", type=Path, metavar="DIR", help="default: knowledge/")
    parsed = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    try:
        _serve(parsed.knowledge)
    except QuothError as error:
        _say(str(error))
        return FAILED
    except KeyboardInterrupt:
        return BROKEN_OFF
    return DONE


def _serve(knowledge: Path | None) -> None:
    # A start makes a hundred thousand objects that all stay: looking for garbage among them
    # would cost a sixth of its time.
    gc.disable()
    from bot.settings import load_settings

    settings = load_settings(knowledge=knowledge)
    _log(settings)
    # Port and database come before the model: what is wrong with them shows at once.
    with _bound(settings) as listening, ExitStack() as ending:
        from bot.bot import Bot, Engine
        from bot.channels.apart import load_apart
        from bot.channels.http import create_app
        from bot.channels.sites import Sites, folders_in
        from bot.channels.watching import Watcher
        from bot.state.store import Keeping, Store

        folders = folders_in(settings.knowledge)
        connections = None
        needed: tuple[str, ...] = ()
        if os.environ.get("QUOTH_CHANNELS", "").strip():
            from bot.channels.messaging.runtime import Connections

            connections = Connections.of(os.environ, folders)
            ending.callback(connections.egress.close)
            needed = connections.sites
        keeping = Keeping(
            turns=settings.conversation_turns,
            minutes=settings.conversation_minutes,
            questions=settings.store_questions,
            days=settings.retention_days,
        )

        def open_store(site: str) -> Store:
            store = Store(settings.database_url, keeping, site=site)
            ending.callback(store.close)
            return store

        engine = Engine(settings, _say)

        def load(folder: Path) -> Bot:
            own = settings.model_copy(update={"knowledge": folder})
            return Bot.load(own, engine=engine, progress=_say)

        sites = Sites(settings, open_store, names=folders)
        watcher = Watcher(
            settings.knowledge,
            sites,
            load,
            settings.reload_seconds,
            prepare=lambda folder, given_up: load_apart(folder, settings, given_up),
            needed=needed,
        )
        watcher.load_all()
        served = {site.name: site for site in sites.all()}
        for name in needed:
            if name not in served:
                raise SettingsError(
                    f"{folders[name]} can't be served, and messaging platforms are answered "
                    "from it. Mend it, or leave QUOTH_CHANNELS empty."
                )
        for site in served.values():
            for fault in site.bot.faults():
                _say(fault)
        app = create_app(sites, connections)
        try:
            listening.listen(BACKLOG)
        except OSError as error:  # of two servers that bound at once one can listen
            raise _unusable(settings, error) from None
        # A terminal that is closed says it too, and then it means the end.
        if hasattr(signal, "SIGHUP") and not sys.stdin.isatty():
            signal.signal(signal.SIGHUP, lambda *_: watcher.look_now())
        watcher.start()
        ending.callback(watcher.stop)
        _run(app, listening)


def _run(app: FastAPI, listening: socket.socket) -> None:
    """Serve until a signal, then finish what is under way."""
    import uvicorn

    class Announced(uvicorn.Server):
        """Says where it answers as soon as it does."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            print(f"Quoth answers on {_address(listening)}", flush=True)

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # it would log the query, and with it questions
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    gc.freeze()
    gc.enable()
    Announced(config).run(sockets=[listening])


def _log(settings: Settings) -> None:
    """Log to stderr; of libraries warnings only, for what they tell below may hold a question."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("quoth").setLevel(settings.log_level.upper())


def _bound(settings: Settings) -> socket.socket:
    """A socket bound to the settings' host and port, not yet listening."""
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = found[0]
        bound = socket.socket(family, kind, protocol)
    except UnicodeError:  # "a..b"
        raise _unusable(settings, OSError(errno.EINVAL, "it is no host name")) from None
    except OSError as error:
        raise _unusable(settings, error) from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _unusable(settings, error) from None
    return bound


def _unusable(settings: Settings, error: OSError) -> SettingsError:
    place = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return SettingsError(
            f"{place} is taken by another program. Stop it, or set QUOTH_PORT to another port."
        )
    return SettingsError(
        f"{place} can't be served on ({error.strerror}). Set QUOTH_HOST and QUOTH_PORT."
    )


def _address(listening: socket.socket) -> str:
    """The URL that opens in a browser on this machine."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _say(message: str) -> None:
    print(f"quoth: {message}", file=sys.stderr, flush=True)


def _leave(*_: object) -> NoReturn:
    raise SystemExit(DONE)


if __name__ == "__main__":
    sys.exit(main())
