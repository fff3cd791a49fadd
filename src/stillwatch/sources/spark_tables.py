"""Logs that Spark reads itself: tables of its catalog (``table:NAME``) and Parquet files by URI (``s3a://…``).

Both must be files in the end: a row is known by its file and its number in it, which Spark tells of Parquet. So a log
is the same log, row by row, whichever way it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as sql

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import ACCOUNTS, EXCHANGES, REQUIRED
from stillwatch.engine.spark.engine import SparkEngine
from stillwatch.sources.block import Raw
from stillwatch.sources.files import names_of
from stillwatch.sources.notes import Notes
from stillwatch.sources.quarantine import Quarantine
from stillwatch.sources.reader import canonical, in_file
from stillwatch.sources.tables import NEEDED, Accounts, accounts_of

TABLE = "table:"
_PATH, _ROW = "_source_path", "_source_row"
I64 = npt.NDArray[np.int64]


def _plain(path: str) -> str:
    """One spelling of a file's URI; Spark has two for local files."""
    return "file:/" + path.removeprefix("file:").lstrip("/") if path.startswith("file:") else path


class Decoder:
    """What a task knows of a log of this kind: names and numbers of its files."""

    def __init__(self, paths: Sequence[str], names: Sequence[str]) -> None:
        self._numbers = {path: i for i, path in enumerate(paths)}
        self._names = tuple(names)
        self._notes = Notes(fail=False)

    def raws(self, batch: pa.RecordBatch) -> Iterator[tuple[int, Raw]]:
        """Spark's rows, cut where a file does not go on; each piece with the number of its file."""
        paths = batch.column(_PATH).dictionary_encode()
        number = np.array([self._numbers[_plain(p)] for p in paths.dictionary.to_pylist()], np.int64)
        file, row = number[paths.indices.to_numpy()], batch.column(_ROW).to_numpy()
        cuts = (np.flatnonzero(np.diff(file << 40 | row) != 1) + 1).tolist()
        for low, high in pairwise([0, *cuts, len(row)]):
            if high > low:
                rows = row[low:high]
                yield int(file[low]), Raw(batch.slice(low, high - low), rows, rows, 0)

    def runs(self, raw: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Spark's rows as canonical ones, in pieces of consecutive rows, each with its first row's place in the log."""
        for file, piece in self.raws(raw):
            batch = canonical(piece, list(EXCHANGES), self._names[file], self._notes.quarantine)
            self._notes.see(batch.select(EXCHANGES.names))
            yield file << 40 | int(piece.rows[0]), in_file(batch, file)

    def take_problems(self) -> list[Any]:
        """What has been noted since the last call."""
        taken, self._notes = self._notes, Notes(fail=False)
        return taken.plain()


class SparkTables:
    """An opened log, read where it is."""

    format = "canonical"
    ignored: tuple[str, ...] = ()

    def __init__(self, engine: SparkEngine, inputs: Sequence[str], on_bad_row: Literal["fail", "quarantine"]) -> None:
        self._fail = on_bad_row == "fail"
        self._notes = Notes(fail=self._fail)
        self.on_progress: Callable[[float], None] = lambda _: None
        frames = [_open(engine, given, REQUIRED) for given in inputs]
        self._paths, self.names = _files(list(zip(inputs, frames, strict=True)))
        self._sizes = [f.select("_metadata.file_path", "_metadata.file_size").distinct() for f in frames]
        try:
            self.frame: DataFrame = reduce(
                lambda a, b: a.unionByName(b, allowMissingColumns=True),
                (_with_places(f, EXCHANGES.names) for f in frames),
            )
        except AnalysisException as exc:
            raise InputError("the tables have columns of different types", remedy="scan them apart") from exc
        self.decoder = Decoder(self._paths, self.names)

    @property
    def quarantine(self) -> Quarantine:
        """What the text pass could not read."""
        return self._notes.quarantine

    @property
    def columns_present(self) -> frozenset[str]:
        """Columns in which the text pass met a value."""
        return frozenset(self._notes.present)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All rows, on the driver, in the order of Spark's partitions."""
        for raw in self.frame.toArrow().to_batches():
            yield from self.decoder.runs(raw)

    def settle(self, problems: list[Any], rows: int) -> None:
        """What the tasks noted, in order of files and rows; the first bad row is the error where they are errors."""
        number = {name: i for i, name in enumerate(self.names)}
        aside = sorted((tuple(row) for _, _, some in problems for row in some), key=lambda r: (number[r[0]], r[1]))
        present = {name for _, some, _ in problems for name in some}
        self._notes = Notes(fail=self._fail)
        self._notes.put([[0, present, aside]])
        if rows == 0:
            why = f" ({len(aside):,} rows could not be read, first: {self.quarantine.first()})" if aside else ""
            raise InputError(f"no exchanges{why}", remedy="name a log with at least one readable row")

    def quarantine_table(self) -> pa.Table:
        """Rows that could not be read."""
        return self.quarantine.table()

    def inputs(self) -> list[dict[str, Any]]:
        """Name and size of every file. There is no digest: only Spark reads these files."""
        sizes = {_plain(path): size for frame in self._sizes for path, size in frame.collect()}
        return [
            {"file": name, "bytes": sizes.get(path, 0), "blake2b": ""}
            for name, path in zip(self.names, self._paths, strict=True)
        ]

    def fetch_rows(self, wanted: Mapping[int, Sequence[int]], columns: Sequence[str]) -> pa.Table:
        """A few rows again, by file and row number, in file order; rows that cannot be read are left out."""
        fields = [f.with_nullable(True) for f in EXCHANGES if f.name in columns]
        if not wanted:
            return pa.schema(fields).empty_table()
        mine = [
            sql.col(_PATH).isin(_spellings(self._paths[file])) & sql.col(_ROW).isin(list(rows))
            for file, rows in wanted.items()
        ]
        either: Column = reduce(lambda a, b: a | b, mine)
        names = [f.name for f in fields if f.name in self.frame.columns]
        raw = self.frame.select(*names, _PATH, _ROW).where(either).toArrow()
        parts: list[tuple[int, int, pa.RecordBatch]] = []
        for batch in raw.to_batches():
            for file, piece in self.decoder.raws(batch):
                read = canonical(piece, fields, self.names[file], Quarantine(fail=False))
                parts.append((file, int(piece.rows[0]), read.select([f.name for f in fields])))
        parts.sort(key=lambda p: p[:2])
        return pa.Table.from_batches([p[2] for p in parts], pa.schema(fields))


def _spellings(path: str) -> list[str]:
    return [path, "file://" + path.removeprefix("file:")] if path.startswith("file:") else [path]


def _files(frames: Sequence[tuple[str, DataFrame]]) -> tuple[list[str], tuple[str, ...]]:
    """The files of all inputs in order, and the shortest names that tell them apart."""
    paths: list[str] = []
    for given, frame in frames:
        found = sorted(map(_plain, frame.inputFiles()))
        twice = next((p for p in found if p in paths), None)
        if not found or twice is not None:
            raise InputError("no log file there" if not found else "is named twice", where=given)
        paths += found
    return paths, names_of(tuple(Path(PurePosixPath(unquote(path))) for path in paths))


def _with_places(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """Those of the columns that are there, and where each row stands."""
    return frame.select(
        *(sql.col(f"`{n}`") for n in names if n in frame.columns),
        sql.col("_metadata.file_path").alias(_PATH),
        sql.col("_metadata.row_index").alias(_ROW),
    )


def _open(engine: SparkEngine, given: str, required: Sequence[str]) -> DataFrame:
    table = given.startswith(TABLE)
    try:
        frame = engine.session.table(given.removeprefix(TABLE)) if table else engine.session.read.parquet(given)
    except AnalysisException as exc:
        raise InputError("no such table" if table else "no Parquet files there", where=given) from exc
    missing = [name for name in required if name not in frame.columns]
    if missing:
        raise InputError(f"required column {missing[0]} is missing", where=given, remedy="store it under that name")
    try:
        frame.select("_metadata.file_path", "_metadata.row_index")
    except AnalysisException as exc:
        raise InputError(
            "its rows have no place in a file, by which they are known",
            where=given,
            remedy="name a table that is stored as Parquet, not a view; or write it as one",
        ) from exc
    return frame


def read_spark_accounts(engine: SparkEngine, given: str, on_bad_row: Literal["fail", "quarantine"]) -> Accounts:
    """The accounts table, collected to the driver, as :func:`read_accounts` gives it."""
    frame = _open(engine, given, NEEDED)
    paths, names = _files([(given, frame)])
    decoder = Decoder(paths, names)
    raws = [p for b in _with_places(frame, ACCOUNTS.names).toArrow().to_batches() for p in decoder.raws(b)]
    raws.sort(key=lambda p: (p[0], int(p[1].rows[0])))
    quarantine = Quarantine(fail=on_bad_row == "fail")
    return accounts_of(((names[file], raw) for file, raw in raws), given, quarantine)
