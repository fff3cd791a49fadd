"""The engine that `--engine` names, and the log and accounts that it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

import pyarrow as pa

from stillwatch.campaigns.run import Reader
from stillwatch.domain.errors import InputError
from stillwatch.engine import DuckEngine, Engine
from stillwatch.sources import open_log, read_accounts

_ENGINES = "one of duckdb, spark, spark:MASTER (local[4], spark://HOST:7077, yarn, k8s://…)"


class Opened(NamedTuple):
    """What a scan runs on and reads."""

    engine: Engine
    reader: Reader
    accounts: pa.Table | None
    format: str
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
) -> Iterator[Opened]:
    """Raises :class:`InputError` for an engine that is not there and for inputs that it cannot read."""
    name, master = parsed(engine)
    of_spark = [given for given in (*exchanges, accounts or "") if _only_spark(given)]
    if name == "duckdb":
        if of_spark:
            raise InputError("is a table or a URI", where=of_spark[0], remedy="use --engine spark")
        found = open_log(exchanges, source=source, on_bad_row=on_bad_row)
        people = read_accounts(accounts) if accounts else None
        with DuckEngine(threads=threads) as duck:
            yield Opened(duck, found, people, found.format, {})
        return
    tables = any(map(_only_spark, exchanges))
    if tables and (source is not None or not all(map(_only_spark, exchanges))):
        raise InputError("tables and URIs hold the canonical columns, and are not mixed with files or --source")
    if master.startswith("sc://"):
        raise InputError("Spark Connect is not supported", where=engine, remedy="name the cluster's own master")
    # what can go wrong without Spark goes wrong before Spark takes its time
    files = None if tables else open_log(exchanges, source=source, on_bad_row=on_bad_row)
    people = read_accounts(accounts) if accounts and not _only_spark(accounts) else None
    try:
        from stillwatch.engine.spark.engine import SparkEngine
        from stillwatch.sources.spark_tables import SparkTables, read_spark_accounts
    except ImportError as exc:
        raise InputError(
            f"--engine spark needs a package that is not there: {exc.name}", remedy="pip install 'stillwatch[spark]'"
        ) from exc
    with SparkEngine(master=master or None, threads=threads) as spark:
        if accounts and people is None:
            people = read_spark_accounts(spark, accounts)
        log = files or SparkTables(spark, exchanges, on_bad_row)
        yield Opened(spark, log, people, log.format, {"spark": spark.capabilities.version})


def parsed(engine: str) -> tuple[str, str]:
    """An engine's name and its master, empty where none is named.

    >>> parsed("spark:local[2]"), parsed("spark://host:7077"), parsed("spark")
    (('spark', 'local[2]'), ('spark', 'spark://host:7077'), ('spark', ''))
    """
    name, _, master = engine.partition(":")
    if name not in ("duckdb", "spark") or (name == "duckdb" and master):
        raise InputError(f"engine {engine!r} is not known", remedy=_ENGINES)
    return name, engine if master.startswith("//") else master


def _only_spark(given: str) -> bool:
    return given.startswith("table:") or re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", given) is not None
