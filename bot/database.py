"""Opening a database: the engine for SQLite or PostgreSQL, its tables and their version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bot.errors import SettingsError

SCHEMA_VERSION = 1
BUSY_MILLISECONDS = 5000  # how long a writer waits for another one
_ADVISORY_LOCK = 7_168_116  # any fixed number: two servers must not make the tables at once


METADATA = sa.MetaData()
VERSION = sa.Table("schema_version", sa.MetaData(), sa.Column("version", sa.Integer))
CONVERSATIONS = sa.Table(
    "conversations",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("updated", sa.Float, nullable=False, index=True),
)
TURNS = sa.Table(
    "turns",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", sa.String(64), nullable=False),
    sa.Column("turn_id", sa.String(64), nullable=False, index=True),
    sa.Column("client_id", sa.String(64)),  # NULLs are distinct: a turn need not have one
    sa.Column("turn", sa.Text, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.UniqueConstraint("conversation_id", "client_id"),
)
QUESTIONS = sa.Table(
    "questions",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("asked", sa.Float, nullable=False, index=True),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(32)),
    sa.Column("confidence", sa.Float, nullable=False),
)
FEEDBACK = sa.Table(
    "feedback",
    METADATA,
    sa.Column("turn_id", sa.String(64), primary_key=True),
    sa.Column("conversation_id", sa.String(64), nullable=False, index=True),
    sa.Column("given", sa.Float, nullable=False, index=True),
    sa.Column("helpful", sa.Boolean, nullable=False),
    sa.Column("comment", sa.Text),
    sa.Column("question", sa.Text),
    sa.Column("kind", sa.String(16), nullable=False),
)


def open_engine(url: str) -> sa.Engine:
    """An engine for `url` whose database has the tables above, made at the first start.

    Raises SettingsError where the URL is wrong, the driver is missing, the database can't be
    reached or written, or a newer version of Quoth wrote it.
    """
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise SettingsError(
            "QUOTH_DATABASE_URL is not a database URL. Write sqlite:///FILE or "
            "postgresql://USER:PASSWORD@HOST/DATABASE."
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        engine = _sqlite(parsed)
    elif backend == "postgresql":
        engine = _postgresql(parsed)
    else:
        raise SettingsError(
            f"QUOTH_DATABASE_URL names {backend!r}; Quoth keeps its state in sqlite or postgresql."
        )
    try:
        _make_tables(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        raise SettingsError(
            f"the database {parsed.render_as_string(hide_password=True)} can't be used "
            f"({getattr(error, 'orig', None) or type(error).__name__}). Check QUOTH_DATABASE_URL, "
            "and that this user may write there."
        ) from None
    except SettingsError:
        engine.dispose()
        raise
    return engine


def _sqlite(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsError(
            "QUOTH_DATABASE_URL must name a file (sqlite:///quoth.db): a database in memory can't "
            "be shared by the server's threads."
        )
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
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        # WAL: readers don't wait for the writer, and a killed process loses no committed turn.
        # secure_delete: what is deleted for privacy is overwritten, not only unlinked.
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            f"busy_timeout={BUSY_MILLISECONDS}",
            "secure_delete=ON",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A writer takes the lock when it begins: a lock taken later can't wait, only fail.
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(
            url.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_pre_ping=True
        )
    except ImportError:
        raise SettingsError(
            "PostgreSQL needs the psycopg driver: pip install 'quoth[postgres]'."
        ) from None


def _make_tables(engine: sa.Engine) -> None:
    with engine.connect().execution_options(write=True) as db, db.begin():
        if engine.dialect.name == "postgresql":
            db.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        VERSION.create(db, checkfirst=True)
        found = db.scalar(sa.select(sa.func.max(VERSION.c.version)))
        if found is None:
            METADATA.create_all(db)
            db.execute(sa.insert(VERSION).values(version=SCHEMA_VERSION))
        elif found > SCHEMA_VERSION:
            raise SettingsError(
                f"the database was written by a newer Quoth (its tables have version {found}, this "
                f"Quoth knows {SCHEMA_VERSION}). Upgrade Quoth, or set QUOTH_DATABASE_URL to "
                "another database."
            )
