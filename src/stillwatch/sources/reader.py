"""Opening a log: files, formats, batches, bad rows. Bounded in memory: one block or row group at a time."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES, REQUIRED
from stillwatch.engine import Threads
from stillwatch.sources.block import Raw
from stillwatch.sources.detect import detect_file
from stillwatch.sources.files import Files, digest, expand, kind
from stillwatch.sources.formats import Format
from stillwatch.sources.mapping import by_name
from stillwatch.sources.notes import Notes
from stillwatch.sources.quarantine import Quarantine
from stillwatch.sources.raw import BATCH_ROWS, Want, raw_batches
from stillwatch.sources.values import Bad, cast_column, check_column

__all__ = ["BATCH_ROWS", "LogReader", "canonical", "open_log", "readable"]
I64 = npt.NDArray[np.int64]
DAMAGED = (pa.ArrowException, OSError, EOFError, zlib.error, msgspec.DecodeError, UnicodeDecodeError)


class Share(NamedTuple):
    """A part of a log that can be read by itself: a file, or one row group of a Parquet file."""

    file: int
    group: int | None = None
    rows: tuple[int, int] | None = None
    """Its first record and the one after its last, where it is a row group."""


class LogReader:
    """An opened log. ``batches`` may be called more than once; the quarantine tells of the latest pass.

    Other processes that see the same files may read it by shares (an :class:`engine.SharedLog`).
    """

    def __init__(self, files: Files, layout: Format, *, fail: bool, threads: int = 1) -> None:
        self.files, self.names, self.ignored = files
        self.format = layout.name
        self.on_progress: Callable[[float], None] = _unseen
        self._layout = layout
        self._fail = fail
        self._threads = threads
        self._notes = Notes(fail=fail)

    def __getstate__(self) -> dict[str, Any]:
        """Who looks on stays where he is."""
        return self.__dict__ | {"on_progress": _unseen}

    @property
    def quarantine(self) -> Quarantine:
        """What the latest pass could not read."""
        return self._notes.quarantine

    @property
    def columns_present(self) -> frozenset[str]:
        """Columns in which the latest pass met a value."""
        return frozenset(self._notes.present)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Record batches of the canonical columns (absent ones null) with ``source_file`` and ``source_row``."""
        fields = [f for f in EXCHANGES if columns is None or f.name in columns]
        self._notes = Notes(fail=self._fail)
        sizes = [path.stat().st_size for path in self.files]
        total, before, rows = max(sum(sizes), 1), 0, 0
        for number, size in enumerate(sizes):
            for batch, position in self._share(Share(number), fields):
                self.on_progress((before + position) / total)
                rows += batch.num_rows
                if batch.num_rows:
                    yield batch
            before += size
        if rows == 0:
            self._nothing()

    def shares(self) -> list[Share]:
        """Row groups of Parquet files, other files whole, in the order of ``batches``."""
        return [share for number, path in enumerate(self.files) for share in _shares(number, path)]

    def read(self, share: Share) -> Iterator[pa.RecordBatch]:
        """The batches of one share; what is noted meanwhile waits for ``take_problems``."""
        if not self.files[share.file].is_file():
            raise InputError(
                "cannot be seen where it is to be read",
                where=self.names[share.file],
                remedy="put the log where every worker sees it under the same path, or name a URI or a table",
            )
        for batch, _ in self._share(share, list(EXCHANGES)):
            if batch.num_rows:
                yield batch

    def take_problems(self) -> list[Any]:
        """What has been noted since the last call."""
        taken, self._notes = self._notes, Notes(fail=self._fail)
        return taken.plain()

    def settle(self, problems: list[Any], rows: int) -> None:
        """What was noted of all shares becomes what one pass would have. Raises :class:`InputError` for no rows."""
        self._notes = Notes(fail=self._fail)
        self._notes.put(problems)
        if rows == 0:
            self._nothing()

    def inputs(self) -> list[dict[str, Any]]:
        """Name, size and digest of every file."""
        return [digest(path, name) for path, name in zip(self.files, self.names, strict=True)]

    def _share(self, share: Share, fields: list[pa.Field]) -> Iterator[tuple[pa.RecordBatch, int]]:
        """Canonical batches, and how many bytes of the file were read for them and all before."""
        path, name = self.files[share.file], self.names[share.file]
        want = Want(self._layout, tuple(f.name for f in fields), REQUIRED, group=share.group)
        for raw in readable(path, name, want, self._notes.quarantine):
            batch = canonical(raw, fields, name, self._notes.quarantine)
            self._notes.see(batch.select([f.name for f in fields]))
            yield in_file(batch, share.file), raw.position

    def _nothing(self) -> None:
        held = len(self.quarantine)
        why = f" ({held:,} rows could not be read, first: {self.quarantine.first()})" if held else ""
        why += (
            f" ({self.quarantine.passed_over:,} records are no model requests)" if self.quarantine.passed_over else ""
        )
        raise InputError(
            f"no exchanges{why}",
            where=", ".join(self.names[:3]) + (" …" if len(self.names) > 3 else ""),
            remedy="name a log with at least one readable row, or its format with --source",
        )

    def fetch_rows(self, wanted: Mapping[int, Sequence[int]], columns: Sequence[str]) -> pa.Table:
        """A few rows again, by file and row number, in file order; rows that cannot be read are left out."""
        fields = [f.with_nullable(True) for f in EXCHANGES if f.name in columns]

        def some(share: Share, rows: I64) -> list[pa.RecordBatch]:
            path, name, silent = self.files[share.file], self.names[share.file], Quarantine(fail=False)
            want = Want(self._layout, tuple(f.name for f in fields), (), rows, share.group)
            found = (
                canonical(raw, fields, name, silent).filter(pa.array(np.isin(raw.rows, rows)))
                for raw in readable(path, name, want, silent)
            )
            return [batch.select([f.name for f in fields]) for batch in found if batch.num_rows]

        tasks = (
            partial(some, share, rows)
            for number, rows in ((number, np.array(sorted(wanted[number]), np.int64)) for number in sorted(wanted))
            for share in _shares(number, self.files[number])
            if share.rows is None or np.ptp(np.searchsorted(rows, share.rows)) > 0
        )
        with Threads(self._threads) as threads:
            parts = [batch for batches in threads.in_order(tasks) for batch in batches]
        return pa.Table.from_batches(parts, pa.schema(fields))

    def quarantine_table(self) -> pa.Table:
        """Rows that could not be read: file, row (−1: the rest of the file), column, error."""
        return self.quarantine.table()


def readable(path: Path, name: str, want: Want, quarantine: Quarantine) -> Iterator[Raw]:
    """A file's raw batches; damage ends the file and goes to the quarantine."""
    try:
        yield from raw_batches(path, name, want, quarantine)
    except PermissionError as exc:
        raise InputError("may not be read", where=name, remedy="give the reader access") from exc
    except IsADirectoryError as exc:
        raise InputError("is a directory, not a file", where=name) from exc
    except DAMAGED as exc:
        quarantine.lose(name, f"cannot be read to its end ({type(exc).__name__}): truncated or damaged", exc)


def canonical(raw: Raw, fields: Sequence[pa.Field], name: str, quarantine: Quarantine) -> pa.RecordBatch:
    """The readable rows of a raw batch in the contract's types, with ``source_row``."""
    batch = raw.batch
    columns: dict[str, pa.Array] = {}
    bad: list[Bad] = []
    for field in fields:
        if field.name not in batch.schema.names:
            columns[field.name] = pa.nulls(batch.num_rows, field.type)
            if not field.nullable:
                bad += [Bad(row, field.name, "is required and missing") for row in range(batch.num_rows)]
            continue
        columns[field.name], wrong = cast_column(batch.column(field.name), field)
        known = {b.row for b in wrong}
        bad += wrong + [b for b in check_column(columns[field.name], field) if b.row not in known]
    columns["source_row"] = pa.array(raw.rows)
    out = pa.RecordBatch.from_pydict(columns)
    if not bad:
        return out
    bad.sort(key=lambda b: b.row)
    keep = np.ones(batch.num_rows, np.bool_)
    for item in bad:
        if keep[item.row]:
            quarantine.reject(name, int(raw.lines[item.row]), item.column, item.error)
            keep[item.row] = False
    return out.filter(pa.array(keep))


def in_file(batch: pa.RecordBatch, number: int) -> pa.RecordBatch:
    """The batch with ``source_file`` before ``source_row``."""
    column = pa.array(np.full(batch.num_rows, number, np.int32))
    return batch.add_column(batch.num_columns - 1, "source_file", column)


def _unseen(_: float) -> None:
    """Progress that nobody looks at."""


def _shares(number: int, path: Path) -> list[Share]:
    """A Parquet file's row groups; one share where a file is of another kind, empty, or cannot be opened."""
    try:
        if kind(path) == "parquet":
            about = pq.read_metadata(path)
            ends = np.cumsum([0] + [about.row_group(group).num_rows for group in range(about.num_row_groups)]).tolist()
            return [Share(number, i, (ends[i], ends[i + 1])) for i in range(len(ends) - 1)] or [Share(number)]
    except (*DAMAGED, InputError):
        pass  # whoever reads it says what is wrong
    return [Share(number)]


def open_log(
    inputs: Sequence[str | Path],
    *,
    source: str | None = None,
    on_bad_row: Literal["fail", "quarantine"] = "fail",
    threads: int = 1,
) -> LogReader:
    """Open a log: paths, globs or directories; the format is detected from the first records unless named.

    ``threads`` may read at a time where rows are fetched again.

    Raises :class:`InputError` when nothing is there, or files are of different formats.
    """
    files = expand(inputs)
    fail = on_bad_row == "fail"
    if source is not None:
        return LogReader(files, by_name(source), fail=fail, threads=threads)
    found: dict[str, tuple[Format, str]] = {}
    for path, name in zip(files.paths, files.names, strict=True):
        layout = detect_file(path)
        if layout is not None:
            found.setdefault(layout.name, (layout, name))
    if len(found) > 1:
        names = "; ".join(f"{found[n][1]} looks like {n}" for n in sorted(found))
        raise InputError(f"the files are of different formats: {names}", remedy="scan them apart, or name --source")
    layout = next(iter(found.values()))[0] if found else by_name("canonical")
    return LogReader(files, layout, fail=fail, threads=threads)
