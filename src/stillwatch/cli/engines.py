"""The engine that `--engine` names, and the log and accounts that it reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple, Protocol

from stillwatch.campaigns.run import Reader
from stillwatch.domain.errors import InputError
from stillwatch.engine import DuckEngine, Engine
from stillwatch.sources import digest, expand, open_log, read_accounts
from stillwatch.sources.quarantine import Quarantine
from stillwatch.sources.tables import Accounts

_ENGINES = "one of duckdb, spark, spark:MASTER (local[4], spark://HOST:7077, yarn, k8s://…)"


class OpenLog(Reader, Protocol):
    """A log that a scan reads and accounts for."""

    on_progress: Callable[[float], None]
    format: str

    @property
    def ignored(self) -> tuple[str, ...]:
        """What stood beside the log and is none."""
        ...

    @property
    def quarantine(self) -> Quarantine:
        """What could not be read."""
        ...

    def inputs(self) -> list[dict[str, Any]]:
        """What was read: file, bytes, blake2b (empty where only the engine reads it)."""
        ...


class Opened(NamedTuple):
    """What a scan runs on and reads."""

    engine: Engine
    reader: OpenLog
    accounts: Accounts | None
    versions: dict[str, str]
    """Of what runs besides the libraries of every scan."""


@contextmanager
def opened(
    engine: str,
    exchanges: Sequence[str],
    accounts: str | None,
    *,
    source: str | None,
    on_bad_row: Literal["fail", "quarantine"],
    threads: int,
    memory: int | None = None,
) -> Iterator[Opened]:
    """Raises :class:`InputError` for an engine that is not there and for inputs that it cannot read."""
    name, master = parsed(engine)
    of_spark = [given for given in (*exchanges, accounts or "") if only_spark(given)]
    if name == "duckdb" and of_spark:
        raise InputError("is a table or a URI", where=of_spark[0], remedy="use --engine spark")
    tables = any(map(only_spark, exchanges))
    if tables and (source is not None or not all(map(only_spark, exchanges))):
        raise InputError("tables and URIs hold the canonical columns, and are not mixed with files or --source")
    if master.startswith("sc://"):
        raise InputError("Spark Connect is not supported", where=engine, remedy="name the cluster's own master")
    # what can go wrong without Spark goes wrong before Spark takes its time
    files = None if tables else open_log(exchanges, source=source, on_bad_row=on_bad_row, threads=threads)
    people = read_accounts(accounts, on_bad_row=on_bad_row) if accounts and not only_spark(accounts) else None
    if name == "duckdb" and files is not None:
        with DuckEngine(threads=threads, memory_bytes=memory) as duck:
            yield Opened(duck, files, people, {})
        return
    try:
        from stillwatch.engine.spark.engine import SparkEngine
        from stillwatch.sources.spark_tables import SparkTables, read_spark_accounts
    except ImportError as exc:
        raise InputError(
            f"--engine spark needs a package that is not there: {exc.name}", remedy="pip install 'stillwatch[spark]'"
        ) from exc
    with SparkEngine(master=master or None, threads=threads, memory_bytes=memory and memory // 2) as spark:
        if accounts and people is None:
            people = read_spark_accounts(spark, accounts, on_bad_row)
        log = files or SparkTables(spark, exchanges, on_bad_row)
        yield Opened(spark, log, people, {"spark": spark.capabilities.version})


def parsed(engine: str) -> tuple[str, str]:
    """An engine's name and its master, empty where none is named.

    >>> parsed("spark:local[2]"), parsed("spark://host:7077"), parsed("spark")
    (('spark', 'local[2]'), ('spark', 'spark://host:7077'), ('spark', ''))
    """
    name, _, master = engine.partition(":")
    if name not in ("duckdb", "spark") or (name == "duckdb" and master):
        raise InputError(f"engine {engine!r} is not known", remedy=_ENGINES)
    return name, engine if master.startswith("//") else master


def only_spark(given: str) -> bool:
    """Whether an input is a table or a URI, which only Spark reads."""
    return given.startswith("table:") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", given) is not None


def recorded(given: str) -> list[dict[str, Any]]:
    """What a table beside the log was, for the record of a run."""
    if only_spark(given):
        return [{"file": given, "bytes": 0, "blake2b": ""}]
    return [digest(path, name) for path, name in zip(*expand([given])[:2], strict=True)]
