"""Logs that Spark reads itself: tables of its catalog (``table:NAME``) and Parquet files by URI (``s3a://…``).

Both must be files in the end: a row is known by its file and its number in it, which Spark tells of Parquet. So a log
is the same log, row by row, whichever way it is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as sql

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import ACCOUNTS, EXCHANGES, REQUIRED
from stillwatch.engine.spark.engine import SparkEngine
from stillwatch.sources.canonical import Quarantined, bad_row, canonical, quarantined
from stillwatch.sources.tables import accounts_table

TABLE = "table:"
_PATH, _ROW = "_source_path", "_source_row"


def _plain(path: str) -> str:
    """One spelling of a file's URI; Spark has two for local files."""
    return "file:/" + path.removeprefix("file:").lstrip("/") if path.startswith("file:") else path


class Decoder:
    """What a task knows of a log of this kind."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._numbers = dict(numbers)
        self._bad: list[tuple[int, int, str, str]] = []

    def runs(self, raw: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Spark's rows as canonical ones, cut where a file does not go on; each piece with its first row's place."""
        file, row = self._where(raw)
        place = file.astype(np.int64) << 40 | row
        cuts = [0, *(np.flatnonzero(np.diff(place) != 1) + 1).tolist(), len(place)]
        for low, high in pairwise(cuts):
            if high > low:
                yield int(place[low]), self.decode(raw.slice(low, high - low))

    def decode(self, raw: pa.RecordBatch) -> pa.RecordBatch:
        """Spark's rows as canonical ones, without the bad ones."""
        file, row = self._where(raw)
        batch, bad = canonical(raw, list(EXCHANGES), file, row)
        self._bad += [(int(file[b.row]), int(row[b.row]), b.column, b.error) for b in bad]
        return batch

    def _where(self, raw: pa.RecordBatch) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        paths = raw.column(_PATH).dictionary_encode()
        number = np.array([self._numbers[_plain(p)] for p in paths.dictionary.to_pylist()], np.int32)
        return number[paths.indices.to_numpy()], raw.column(_ROW).to_numpy()

    def take_problems(self) -> list[tuple[int, int, str, str]]:
        """Rows set aside since the last call: number of the file, row, column, error."""
        taken, self._bad = self._bad, []
        return taken


class SparkTables:
    """An opened log, read where it is."""

    format = "canonical"

    def __init__(self, engine: SparkEngine, inputs: Sequence[str], on_bad_row: Literal["fail", "quarantine"]) -> None:
        self._fail = on_bad_row == "fail"
        self._quarantine: list[Quarantined] = []
        frames = [_open(engine, given) for given in inputs]
        paths: list[str] = []
        for given, frame in zip(inputs, frames, strict=True):
            found = sorted(map(_plain, frame.inputFiles()))
            twice = next((p for p in found if p in paths), None)
            if not found or twice is not None:
                raise InputError("no log file there" if not found else "is named twice", where=given)
            paths += found
        self.files = tuple(PurePosixPath(unquote(path)) for path in paths)
        self._paths = paths
        self._sizes = [f.select("_metadata.file_path", "_metadata.file_size").distinct() for f in frames]
        picked = [
            f.select(
                *(sql.col(f"`{n}`") for n in EXCHANGES.names if n in f.columns),
                sql.col("_metadata.file_path").alias(_PATH),
                sql.col("_metadata.row_index").alias(_ROW),
            )
            for f in frames
        ]
        try:
            self.frame: DataFrame = reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), picked)
        except AnalysisException as exc:
            raise InputError("the tables have columns of different types", remedy="scan them apart") from exc
        self.columns_present = frozenset(self.frame.columns) - {_PATH, _ROW}
        self.decoder = Decoder({path: i for i, path in enumerate(paths)})

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows, on the driver, in the order of Spark's partitions."""
        for raw in self.frame.toArrow().to_batches():
            yield self.decoder.decode(raw)

    def settle(self, problems: list[Any], rows: int) -> None:
        """What the tasks set aside, in order of files and rows; the first is the error where bad rows are errors."""
        for file, row, column, error in sorted(problems):
            if self._fail:
                raise bad_row(self.files[file].name, row, column, error)
            self._quarantine.append((self.files[file].name, row, column, error))
        if rows == 0:
            raise InputError("no exchanges", remedy="name a log with at least one readable row")

    def quarantine_table(self) -> pa.Table:
        """Rows that could not be read."""
        return quarantined(self._quarantine)

    def inputs(self) -> list[dict[str, object]]:
        """Name and size of every file. There is no digest: only Spark reads these files."""
        sizes = {_plain(path): size for frame in self._sizes for path, size in frame.collect()}
        return [
            {"file": file.name, "bytes": sizes.get(path, 0), "blake2b": ""}
            for file, path in zip(self.files, self._paths, strict=True)
        ]

    def fetch_rows(self, wanted: Mapping[int, Sequence[int]], columns: Sequence[str]) -> pa.Table:
        """A few rows again, by file and row number, in file order; rows that cannot be read are left out."""
        names = [n for n in EXCHANGES.names if n in columns]
        decoder = Decoder({path: i for i, path in enumerate(self._paths)})
        mine = [
            (sql.col(_PATH).isin(_spellings(self._paths[f]))) & sql.col(_ROW).isin(list(r)) for f, r in wanted.items()
        ]
        if not mine:
            return pa.table({n: pa.nulls(0, EXCHANGES.field(n).type) for n in names})
        needed = [n for n in (*REQUIRED, *names) if n in self.columns_present]
        either: Column = reduce(lambda a, b: a | b, mine)
        raw = self.frame.select(*dict.fromkeys(needed), _PATH, _ROW).where(either).toArrow()
        batches = [decoder.decode(b) for b in raw.to_batches()]
        table = pa.Table.from_batches(batches, None if batches else decoder.decode(_empty(raw.schema)).schema)
        order = pc.sort_indices(table, [("source_file", "ascending"), ("source_row", "ascending")])
        return table.take(order).select(names)


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({f.name: pa.nulls(0, f.type) for f in schema}, schema=schema)


def _spellings(path: str) -> list[str]:
    return [path, "file://" + path.removeprefix("file:")] if path.startswith("file:") else [path]


def _read(engine: SparkEngine, given: str) -> DataFrame:
    try:
        if given.startswith(TABLE):
            return engine.session.table(given.removeprefix(TABLE))
        return engine.session.read.parquet(given)
    except AnalysisException as exc:
        raise InputError("no such table" if given.startswith(TABLE) else "no Parquet files there", where=given) from exc


def _open(engine: SparkEngine, given: str) -> DataFrame:
    frame = _read(engine, given)
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        raise InputError(f"required column {missing[0]} is missing", where=given, remedy="select it under that name")
    try:
        frame.select("_metadata.file_path", "_metadata.row_index")
    except AnalysisException as exc:
        raise InputError(
            "its rows have no place in a file, by which they are known",
            where=given,
            remedy="name a table that is stored as Parquet, not a view; or write it as one",
        ) from exc
    return frame


def read_spark_accounts(engine: SparkEngine, given: str) -> pa.Table:
    """The accounts table, collected to the driver."""
    frame = _read(engine, given)
    names = [n for n in ACCOUNTS.names if n in frame.columns]
    return accounts_table(frame.select(*names).toArrow(), given)
