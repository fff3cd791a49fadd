"""The distributed engine: Spark for relations, its Python workers for kernels."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyspark
from py4j.protocol import Py4JError
from pyspark import StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES
from stillwatch.engine.columns import KEEP_BYTES, Columns, marked
from stillwatch.engine.protocol import Capabilities, Kernel, Log, SharedLog, StepError
from stillwatch.engine.spark import wire
from stillwatch.engine.spark.dialect import to_spark
from stillwatch.engine.spark.session import Spark, start
from stillwatch.engine.spark.shapes import Shapes
from stillwatch.engine.spark.tasks import Decoder, ShareTask, TableTask, Task, read_reports

_TURNS = count()
_ROWS_AT_A_TIME = 100_000
_KEPT = StorageLevel.MEMORY_AND_DISK
_NO_ROWS = pa.RecordBatch.from_pylist(
    [], pa.schema([*EXCHANGES, ("source_file", pa.int32()), ("source_row", pa.int64())])
)


@runtime_checkable
class TableLog(Log, Protocol):
    """A log that Spark reads itself."""

    @property
    def frame(self) -> DataFrame:
        """Its rows, as they are."""
        ...

    @property
    def decoder(self) -> Decoder:
        """What makes canonical batches of them."""
        ...

    def settle(self, problems: list[object], rows: int) -> None:
        """As :meth:`SharedLog.settle`."""
        ...


class SparkEngine:
    """Relations are cached on the executors, spill to their disks and are made again should one be lost; bulk goes to
    columns on the driver's disk, packet by packet."""

    def __init__(self, *, master: str | None = None, threads: int = 2, memory_bytes: int | None = None) -> None:
        self._threads = max(1, threads)
        self._spark: Spark = start(master, memory_bytes)
        self._shapes = Shapes()
        self._kept: dict[str, DataFrame] = {}
        self._views: dict[str, str] = {}
        self._scratch = tempfile.TemporaryDirectory(prefix="stillwatch-")
        self._columns: dict[str, Columns] = {}

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._shapes.close()
        for columns in self._columns.values():
            columns.close()
        self._scratch.cleanup()
        for name in reversed(self._kept):
            self._kept[name].unpersist()
        self._spark.stop()

    @property
    def session(self) -> SparkSession:
        """Spark itself, for the reader of its tables."""
        return self._spark.session

    @property
    def capabilities(self) -> Capabilities:
        """Spark's version and the number of threads in use on the driver."""
        return Capabilities(name="spark", version=pyspark.__version__, distributed=True, threads=self._threads)

    def scan(self, name: str, table: pa.Table) -> None:
        """Ship an Arrow table to the executors into the relation ``name`` (created on first use, appended to later)."""
        self._shapes.declare(name, table.schema)
        try:
            more = self.session.createDataFrame(wire.to_signed(table))
            before = self._kept.get(name)
            self._keep(name, more if before is None else before.union(more))
        except (PySparkException, Py4JError) as exc:
            raise StepError(f"{name} could not be shipped: {exc}") from exc

    def map_batches(self, log: Log, kernel: Kernel) -> None:
        """The log is read and the kernel runs where the executors are; errors are those of the first bad row.

        Text is read once: a task's packets hold all that the kernel yields, and are let go when all has been unpacked.
        """
        task: Task
        if isinstance(log, TableLog):
            places, task = log.frame, TableTask(log.decoder, kernel, next(_TURNS)).run
        elif isinstance(log, SharedLog):
            shares = log.shares()
            places = self.session.range(0, len(shares), 1, len(shares))
            task = ShareTask(log, shares, kernel, next(_TURNS)).run
        else:
            raise StepError("the text pass failed: this log can only be read on the driver")
        try:
            packets = self._run(places, task)
            try:
                rows = self._settle(log, packets)
                for name, table in kernel(_NO_ROWS).items():
                    mine = packets.where(packets["relation"] == name)
                    if marked(table.schema):
                        self._bring(name, mine, parts=rows // _ROWS_AT_A_TIME + 1)
                    else:
                        self._unpack(name, table.schema, mine)
            finally:
                packets.unpersist()
        except (PySparkException, Py4JError) as exc:
            raise StepError(f"the text pass failed: {exc}") from exc

    def sql(self, step: str, query: str) -> None:
        """Materialise one named step."""
        with self._named(f"step {step}", query):
            spoken, _ = self._spoken(query)
            self._shapes.step(step, query)
            self._keep(step, self.session.sql(spoken))

    def columns(self, relation: str) -> Columns:
        """A relation of numbers as columns on the driver's disk."""
        if relation not in self._columns:
            folder = Path(self._scratch.name) / relation
            folder.mkdir()
            self._columns[relation] = Columns(folder, keep_bytes=KEEP_BYTES)
        return self._columns[relation]

    def collect(self, query: str) -> pa.Table:
        """Rows in the order that the query asks for, in the memory of the driver."""
        with self._named("collect", query):
            spoken, shape = self._spoken(query)
            return wire.from_signed(self.session.sql(spoken).toArrow(), shape)

    def _spoken(self, query: str) -> tuple[str, pa.Schema]:
        """A query in Spark's words, and what it gives."""
        shape = self._shapes.result(query)
        return to_spark(query, self._shapes.types, self._views), shape

    @contextmanager
    def _named(self, what: str, query: str) -> Iterator[None]:
        try:
            yield
        except StepError as exc:
            raise StepError(f"{what} failed: {exc}") from exc
        except (PySparkException, Py4JError) as exc:
            raise StepError(f"{what} failed: {exc}\nSQL: {query}") from exc

    def _run(self, places: DataFrame, task: Task) -> DataFrame:
        return places.mapInArrow(task, wire.spark_schema(wire.SCHEMA)).persist(StorageLevel.DISK_ONLY)

    def _settle(self, log: TableLog | SharedLog, packets: DataFrame) -> int:
        reports = read_reports(packets.where(packets["relation"] == wire.REPORT).toArrow())
        failed = next((r.error for r in reports if r.error is not None), None)
        if failed is not None:
            what, where, remedy = failed
            raise InputError(what, where=where, remedy=remedy)
        rows = sum(r.rows for r in reports)
        log.settle([p for r in reports for p in r.problems], rows)
        return rows

    def _bring(self, name: str, packets: DataFrame, *, parts: int) -> None:
        """In the order of the log, some dozen megabytes at a time however large the shares are."""
        columns = self.columns(name)
        ordered = packets.repartitionByRange(parts, "place", "nth").sortWithinPartitions("place", "nth")
        for (packet,) in ordered.select("packet").toLocalIterator(prefetchPartitions=True):
            columns.append(wire.opened(packet))

    def _unpack(self, name: str, schema: pa.Schema, packets: DataFrame) -> None:
        self._shapes.declare(name, schema)
        self._keep(name, packets.select("packet").mapInArrow(wire.unpack, wire.spark_schema(schema)))

    def _keep(self, name: str, frame: DataFrame) -> None:
        kept = frame.persist(_KEPT)
        try:
            kept.count()
        except (PySparkException, Py4JError):
            kept.unpersist()
            raise
        # a new name each time: to replace a view is to forget all that was kept of what it led to
        self._views[name] = f"{name}_{next(_TURNS)}"
        kept.createTempView(self._views[name])
        before = self._kept.pop(name, None)
        if before is not None:
            before.unpersist()
        self._kept[name] = kept
