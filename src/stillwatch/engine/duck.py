"""The embedded engine: DuckDB for relations, files of columns for bulk, threads for kernels (they release the GIL)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from stillwatch.engine.columns import KEEP_BYTES, Columns, marked
from stillwatch.engine.protocol import Capabilities, Kernel, Log, SharedLog, StepError
from stillwatch.engine.threads import Threads

TOGETHER = 64
"""Small tables that become rows of a relation at a time."""


class _Done(NamedTuple):
    """What came of one piece of a log: tables of each batch, rows read, what was set aside."""

    tables: list[dict[str, pa.Table]]
    rows: int
    problems: list[Any]


class DuckEngine:
    """DuckDB in memory, columns on disk, spill beside them: a temporary directory that goes away with the engine.

    Of ``memory_bytes`` DuckDB, which has names only, may take an eighth, and an eighth is for columns that are kept.
    """

    def __init__(self, *, threads: int = 2, memory_bytes: int | None = None) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix="stillwatch-")
        self._con = duckdb.connect(":memory:")
        self._con.execute(f"SET threads = {max(1, threads)}")
        self._con.execute(f"SET temp_directory = '{Path(self._spill.name).as_posix()}'")
        self._con.execute("SET preserve_insertion_order = false")
        self._con.execute("SET enable_progress_bar = false")
        if memory_bytes is not None:
            self._con.execute(f"SET memory_limit = '{memory_bytes // 8_000_000}MB'")
        self._threads = max(1, threads)
        self._keep = KEEP_BYTES if memory_bytes is None else memory_bytes // 8
        self._created: set[str] = set()
        self._columns: dict[str, Columns] = {}
        self._waiting: dict[str, list[pa.Table]] = {}

    def __enter__(self) -> DuckEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._con.close()
        for columns in self._columns.values():
            columns.close()
        self._spill.cleanup()

    @property
    def capabilities(self) -> Capabilities:
        """DuckDB's version and the number of threads in use."""
        return Capabilities(name="duckdb", version=duckdb.__version__, distributed=False, threads=self._threads)

    def scan(self, name: str, table: pa.Table) -> None:
        """Copy an Arrow table into the relation ``name`` (created on first use, appended to afterwards)."""
        self._con.register("incoming", table)
        verb = f"INSERT INTO {name}" if name in self._created else f"CREATE OR REPLACE TABLE {name} AS"
        self._run(name, f"{verb} SELECT * FROM incoming")
        self._con.unregister("incoming")
        self._created.add(name)

    def map_batches(self, log: Log, kernel: Kernel) -> None:
        """Pieces of the log are worked on ``threads`` wide, a bounded number ahead; results are appended in order.

        A log that can be read by shares is also read in the threads, provided that it has enough of them.
        """
        shares = log.shares() if isinstance(log, SharedLog) else ()
        problems: list[Any] = []
        rows = 0
        if isinstance(log, SharedLog) and len(shares) >= 2 * self._threads:
            for done in self._ahead(partial(_share, copy(log), share, kernel) for share in shares):
                rows += done.rows
                problems += done.problems
                self._append(done.tables)
            log.settle(problems, rows)
        else:
            for done in self._ahead(partial(_batch, batch, kernel) for batch in log.batches()):
                self._append(done.tables)
        for name in self._waiting:
            self._flush(name)

    def columns(self, relation: str) -> Columns:
        """A relation of numbers as columns on disk."""
        if relation not in self._columns:
            folder = Path(self._spill.name) / relation
            folder.mkdir()
            self._columns[relation] = Columns(folder, keep_bytes=self._keep)
        return self._columns[relation]

    def sql(self, step: str, query: str) -> None:
        """Materialise one named step."""
        self._run(step, f"CREATE OR REPLACE TABLE {step} AS {query}")
        self._created.add(step)

    def collect(self, query: str) -> pa.Table:
        """Rows in the order that the query asks for (through ``con.sql``: see knowledge of DuckDB 2.0's trap)."""
        try:
            return self._con.sql(query).to_arrow_table()
        except duckdb.Error as exc:
            raise StepError(f"collect failed: {exc}\nSQL: {query}") from exc

    def _ahead(self, tasks: Iterator[Callable[[], _Done]]) -> Iterator[_Done]:
        with Threads(self._threads) as threads:
            yield from threads.in_order(tasks)

    def _append(self, batches: list[dict[str, pa.Table]]) -> None:
        for tables in batches:
            for name, table in tables.items():
                if marked(table.schema):
                    self.columns(name).append(table)
                else:
                    self._waiting.setdefault(name, []).append(table)
                    if len(self._waiting[name]) >= TOGETHER:
                        self._flush(name)

    def _flush(self, name: str) -> None:
        waiting, self._waiting[name] = self._waiting[name], []
        if waiting:
            self.scan(name, pa.concat_tables(waiting))

    def _run(self, step: str, query: str) -> None:
        try:
            self._con.execute(query)
        except duckdb.Error as exc:
            raise StepError(f"step {step} failed: {exc}\nSQL: {query}") from exc


def _batch(batch: pa.RecordBatch, kernel: Kernel) -> _Done:
    return _Done([kernel(batch)], batch.num_rows, [])


def _share(log: SharedLog, share: Any, kernel: Kernel) -> _Done:
    log.take_problems()  # what the copy was made with
    tables, rows = [], 0
    for batch in log.read(share):
        tables.append(kernel(batch))
        rows += batch.num_rows
    return _Done(tables, rows, log.take_problems())
