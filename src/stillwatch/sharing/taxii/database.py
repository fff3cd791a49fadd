"""Opening the database: SQLite in a file by default, PostgreSQL by URL. Traps of both are dealt with here."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import QueuePool

from stillwatch.domain.errors import InputError
from stillwatch.sharing.taxii.tables import METADATA

POOL = 16
"""Connections at the same time; requests beyond it wait for one."""
_WAIT_S = 60


def open_database(url: str) -> Engine:
    """An engine with all tables. :class:`InputError` for an address that cannot be used; a password is not shown."""
    try:
        address = make_url(url)
        driver = address.drivername
        if driver in ("postgresql", "postgres"):
            address = address.set(drivername="postgresql+psycopg")
        elif driver != "sqlite" and driver != "postgresql+psycopg":
            raise InputError("the database is neither sqlite:///FILE nor postgresql://…", where=driver)
        engine = create_engine(
            address,
            poolclass=QueuePool,
            pool_size=POOL,
            max_overflow=0,
            pool_timeout=_WAIT_S,
            connect_args={"timeout": _WAIT_S, "check_same_thread": False} if driver == "sqlite" else {},
        )
    except (ArgumentError, NoSuchModuleError) as exc:
        raise InputError("the address of the database cannot be read") from exc
    except ModuleNotFoundError as exc:
        raise InputError(
            f"this database needs the package {exc.name}", remedy="pip install 'stillwatch[postgres]'"
        ) from exc
    if driver == "sqlite":
        _private(address.database or "")
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        METADATA.create_all(engine)
    except OperationalError as exc:
        raise InputError("the database cannot be opened", where=address.render_as_string(hide_password=True)) from exc
    return engine


def _private(place: str) -> None:
    """A new file is its owner's only, whatever the umask: it will hold what all members said to one another.

    SQLite gives its write-ahead log the rights of the file.
    """
    if place and not Path(place).exists():
        with contextlib.suppress(OSError):  # the database itself says what is wrong
            os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database."""
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that will write; what it did is kept when the block ends without an error."""
    with engine.connect().execution_options(stillwatch_writes=True) as connection, connection.begin():
        yield connection


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver opens transactions late, by itself: a read that turns into a write then fails with "locked" instead
    # of waiting. We begin them ourselves.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("stillwatch_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
