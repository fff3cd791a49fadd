"""The embedded engine: DuckDB for relations, a thread pool for kernels (they release the GIL)."""

from __future__ import annotations

import tempfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import duckdb
import pyarrow as pa

from stillwatch.engine.protocol import Capabilities, Kernel, Log, StepError

_FLUSH_ROWS = 262_144


class DuckEngine:
    """DuckDB, in memory with spill to a temporary directory that goes away with the engine."""

    def __init__(self, *, threads: int = 2, memory_bytes: int | None = None) -> None:
        self._spill = tempfile.TemporaryDirectory(prefix="stillwatch-")
        self._con = duckdb.connect(":memory:")
        self._con.execute(f"SET threads = {max(1, threads)}")
        self._con.execute(f"SET temp_directory = '{Path(self._spill.name).as_posix()}'")
        self._con.execute("SET preserve_insertion_order = false")
        self._con.execute("SET enable_progress_bar = false")
        if memory_bytes is not None:
            self._con.execute(f"SET memory_limit = '{memory_bytes // 1_000_000}MB'")
        self._threads = max(1, threads)
        self._pending: dict[str, list[pa.Table]] = {}
        self._created: set[str] = set()

    def __enter__(self) -> DuckEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._con.close()
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
        """Kernels run ``threads`` wide over a bounded window of batches; results are appended in order."""
        window: deque[Future[dict[str, pa.Table]]] = deque()
        with ThreadPoolExecutor(self._threads) as pool:
            for batch in log.batches():
                window.append(pool.submit(kernel, batch))
                if len(window) > 2 * self._threads:
                    self._append(window.popleft().result())
            while window:
                self._append(window.popleft().result())
        for name in list(self._pending):
            self._flush(name)

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

    def _append(self, tables: dict[str, pa.Table]) -> None:
        for name, table in tables.items():
            self._pending.setdefault(name, []).append(table)
            if sum(part.num_rows for part in self._pending[name]) >= _FLUSH_ROWS:
                self._flush(name)

    def _flush(self, name: str) -> None:
        parts = self._pending.pop(name, [])
        if parts:
            self.scan(name, pa.concat_tables(parts))

    def _run(self, step: str, query: str) -> None:
        try:
            self._con.execute(query)
        except duckdb.Error as exc:
            raise StepError(f"step {step} failed: {exc}\nSQL: {query}") from exc
