"""A database: SQLite or PostgreSQL, its tables made or brought up to date, and its transactions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from bot.errors import QuothError, SettingsError
from bot.state.tables import METADATA, VERSION

SCHEMA_VERSION = 3
BUSY_MILLISECONDS = 5000  # how long a writer waits for another one
_ADVISORY_LOCK = 7_168_116  # any fixed number: two servers must not make the tables at once
_CONNECT_SECONDS = 5


class StoreError(QuothError):
    """The database did not do what was asked; the message holds nothing a person wrote."""


class Duplicate(StoreError):
    """A row with the same key is there already."""


class Database:
    """An open database that many threads share.

    Opening raises SettingsError where `url` is wrong, the driver is missing, the database can't
    be reached or written, or a newer version of Quoth wrote it.
    """

    def __init__(self, url: str, site: str = "") -> None:
        """`site` names one of several sites, whose state is apart: in a file of its own beside
        that of `url`, or in a schema of its own."""
        self._engine = open_engine(url, site)
        # Writers of one process queue here: waiting in SQLite itself means to poll, and whoever
        # polls least often waits longest. Of those with patience one at a time stands at the
        # door, so that those without never wait for many.
        self._one_writer = self._engine.dialect.name == "sqlite"
        self._door, self._queue = threading.Lock(), threading.Lock()

    @contextmanager
    def transaction(
        self, write: bool = False, *, durable: bool = False, patience: float | None = None
    ) -> Iterator[sa.Connection]:
        """A transaction, rolled back where anything is raised inside. Raises StoreError.

        A `durable` one is on the disk when it ends, so that it outlives a power failure (on
        PostgreSQL all are); any other outlives the process. One that waits for others waits
        `patience` seconds at most (default: BUSY_MILLISECONDS).
        """
        options = {"write": write, "durable": durable, "patience": patience}
        try:
            with (
                self._turn(write, patience),
                self._engine.connect().execution_options(**options) as db,
                db.begin(),
            ):
                yield db
        except IntegrityError:
            raise Duplicate("this is there already") from None
        except SQLAlchemyError as error:
            # Its text can hold the statement: only its class and the driver's word go on.
            cause = type(getattr(error, "orig", None) or error).__name__
            raise StoreError(f"the database failed ({type(error).__name__}: {cause})") from None

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _turn(self, write: bool, patience: float | None) -> Iterator[None]:
        if not write or not self._one_writer:
            yield
        elif patience is not None:
            with _held(self._door, patience):
                yield
        else:
            seconds = BUSY_MILLISECONDS / 1000
            with _held(self._queue, seconds), _held(self._door, seconds):
                yield


@contextmanager
def _held(lock: threading.Lock, seconds: float) -> Iterator[None]:
    if not lock.acquire(timeout=seconds):
        raise StoreError("the database failed (other writers take too long)")
    try:
        yield
    finally:
        lock.release()


def upsert(db: sa.Connection, table: sa.Table, keys: dict[str, Any], rest: dict[str, Any]) -> None:
    """Insert the row with `keys` and `rest`, or put `rest` where the row stands."""
    statement = inserting(db, table).values({**keys, **rest})
    db.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=rest))


def inserting(db: sa.Connection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT, of the database's own dialect."""
    if db.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
    return insert(table)


def open_engine(url: str, site: str = "") -> sa.Engine:
    """An engine for `url` whose database has all tables; raises SettingsError as `Database`."""
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number
        raise SettingsError(
            "QUOTH_DATABASE_URL is not a database URL. Write sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = _sqlite(parsed, site)
    elif backend == "postgresql":
        engine = _postgresql(parsed, site)
    else:
        raise SettingsError(
            f"QUOTH_DATABASE_URL names {backend!r}; Quoth keeps its state in sqlite or postgresql."
        )
    try:
        _make_tables(engine, site)
    except SQLAlchemyError as error:
        engine.dispose()
        why = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())
        raise SettingsError(
            f"the database {parsed.render_as_string(hide_password=True)} can't be used ({why}). "
            "Check QUOTH_DATABASE_URL, and that this user may write there."
        ) from None
    except SettingsError:
        engine.dispose()
        raise
    return engine


def _sqlite(url: sa.URL, site: str) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsError(
            "QUOTH_DATABASE_URL must name a file (sqlite:///quoth.db): a database in memory can't "
            "be shared by the server's threads."
        )
    if site:
        file = Path(url.database)
        url = url.set(database=str(file.with_name(f"{file.stem}-{site}{file.suffix}")))
    assert url.database is not None
    try:
        Path(url.database).expanduser().absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the folder of the database {url.database} can't be made ({error.strerror}). "
            "Set QUOTH_DATABASE_URL to a file that can be written."
        ) from None
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite", database=str(Path(url.database).expanduser())),
        hide_parameters=True,
        connect_args={"isolation_level": None},  # transactions begin below, not in the driver
        pool_size=32,  # a connection is a file handle: no thread need wait for one
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # WAL: readers don't wait for the writer, and a killed process loses no committed turn.
        # secure_delete: what is deleted for privacy is overwritten, not only unlinked.
        for pragma in (
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        write = options.get("write")
        if write:
            patience = options.get("patience")
            wait = BUSY_MILLISECONDS if patience is None else int(patience * 1000)
            connection.exec_driver_sql(f"PRAGMA busy_timeout={wait}")
            level = "FULL" if options.get("durable") else "NORMAL"
            connection.exec_driver_sql(f"PRAGMA synchronous={level}")
        # A writer takes the lock when it begins: a lock taken later can't wait, only fail.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _postgresql(url: sa.URL, site: str) -> sa.Engine:
    try:
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            pool_pre_ping=True,
            pool_size=4 if site else 16,  # connections are dear there, and sites share the threads
            max_overflow=28 if site else 16,
            connect_args={
                "connect_timeout": _CONNECT_SECONDS,
                **({"options": f"-c search_path={_schema(site)}"} if site else {}),
            },
        )
    except ImportError:
        raise SettingsError(
            "PostgreSQL needs the psycopg driver: pip install 'quoth[postgres]'."
        ) from None

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        patience = connection.get_execution_options().get("patience")
        if patience is not None:
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(patience * 1000)}")

    return engine


def _schema(site: str) -> str:
    return f'"quoth_{site}"'


def _make_tables(engine: sa.Engine, site: str) -> None:
    with engine.connect().execution_options(write=True) as db, db.begin():
        if engine.dialect.name == "postgresql":
            db.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
            if site:
                db.execute(sa.text(f"CREATE SCHEMA IF NOT EXISTS {_schema(site)}"))
        VERSION.create(db, checkfirst=True)
        found = db.scalar(sa.select(sa.func.max(VERSION.c.version)))
        if found is not None and found > SCHEMA_VERSION:
            raise SettingsError(
                f"the database was written by a newer Quoth (its tables have version {found}, this "
                f"Quoth knows {SCHEMA_VERSION}). Upgrade Quoth, or set QUOTH_DATABASE_URL to "
                "another database."
            )
        if found is None or found < SCHEMA_VERSION:
            METADATA.create_all(db)
            if found is not None and found < 3:
                for table in ("questions", "feedback"):
                    db.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN handled VARCHAR(16)"))
            db.execute(sa.delete(VERSION))
            db.execute(sa.insert(VERSION).values(version=SCHEMA_VERSION))
