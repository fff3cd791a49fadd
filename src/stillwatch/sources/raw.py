"""One file as raw batches: Parquet by row groups, CSV and JSON by blocks. Bounded in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain.errors import InputError
from stillwatch.sources.block import BLOCK_BYTES, I64, Block, Raw
from stillwatch.sources.csv_rows import csv_rows, header
from stillwatch.sources.files import Opened, kind
from stillwatch.sources.formats import Format
from stillwatch.sources.lines import pieces
from stillwatch.sources.paths import Record
from stillwatch.sources.quarantine import Quarantine

BATCH_ROWS = 16_384
"""Rows of a Parquet file at a time, fewer where they are large: text is larger in memory than in the file."""
_DECODER = msgspec.json.Decoder()
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What a record of another shape than its format's makes the extracting functions raise."""


class Want(NamedTuple):
    """What is to be read of a file."""

    layout: Format
    names: tuple[str, ...]
    """Columns, canonical names."""
    required: tuple[str, ...]
    only: I64 | None = None
    """Numbers of the records wanted, ascending; all when absent."""
    group: int | None = None
    """The one row group wanted of a Parquet file; all when absent."""

    def last(self, row: int) -> bool:
        """Whether no wanted record comes after ``row``."""
        return self.only is not None and (not len(self.only) or row >= int(self.only[-1]))


def raw_batches(path: Path, name: str, want: Want, quarantine: Quarantine) -> Iterator[Raw]:
    """A file's records; what cannot be read goes to the quarantine. ``name`` is what messages call the file."""
    what = kind(path)
    if what == "parquet":
        yield from _parquet(path, name, want, quarantine)
        return
    with Opened(path) as opened:
        yield from (_csv if what == "csv" else _json)(opened, name, want, quarantine)


def need(name: str, required: Sequence[str], have: Sequence[str] | set[str]) -> None:
    """:class:`InputError` for a required column that a file has not."""
    missing = [column for column in required if column not in have]
    if missing:
        raise InputError(
            f"required column {missing[0]} is missing",
            where=name,
            remedy="rename it, or describe the log in a mapping file (--source FILE.yaml)",
        )


# -- Parquet -----------------------------------------------------------------------------------------------------------


def _parquet(path: Path, name: str, want: Want, quarantine: Quarantine) -> Iterator[Raw]:
    size = path.stat().st_size
    with pq.ParquetFile(path, buffer_size=1 << 20) as file:
        names = file.schema_arrow.names
        picked = None
        if not want.layout.columns:
            need(name, want.required, names)
            picked = [column for column in want.names if column in names]
            twice = [column for column in picked if names.count(column) > 1]
            if twice:
                raise InputError("a column stands twice in the file", where=f"{name}, column {twice[0]}")
        first, total = 0, max(file.metadata.num_rows, 1)
        for group in range(file.num_row_groups):
            about = file.metadata.row_group(group)
            wanted = want.only is None or bool(((want.only >= first) & (want.only < first + about.num_rows)).any())
            if wanted and about.num_rows and want.group in (None, group):
                at = first
                try:
                    for batch in _group(file, group, picked, alone=want.group is None):
                        numbers = np.arange(at, at + batch.num_rows, dtype=np.int64)
                        at += batch.num_rows
                        if want.only is not None:
                            low, high = np.searchsorted(want.only, [at - batch.num_rows, at])
                            numbers = want.only[low:high]
                            batch = batch.take(pa.array(numbers - (at - batch.num_rows)))
                            if not len(numbers):
                                continue
                        position = size * at // total
                        if not want.layout.columns:
                            yield Raw(batch, numbers, numbers, position)
                        else:
                            yield from _through_layout(batch, numbers, position, name, want, quarantine)
                except (pa.ArrowException, OSError) as exc:  # the next row group stands by itself
                    why = f"row group {group} cannot be read to its end ({type(exc).__name__}): damaged"
                    quarantine.lose(name, why, exc)
            first += about.num_rows


def _group(file: pq.ParquetFile, group: int, columns: list[str] | None, *, alone: bool) -> Iterator[pa.RecordBatch]:
    """``alone`` unless other threads read other row groups."""
    about = file.metadata.row_group(group)
    rows = min(BATCH_ROWS, max(1, BLOCK_BYTES * about.num_rows // max(about.total_byte_size, 1)))
    return map(_plain, file.iter_batches(rows, row_groups=[group], columns=columns, use_threads=alone))


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Bytes and text in Arrow's plain layouts, whatever layout the writer chose."""
    for at, field in enumerate(batch.schema):
        kind = field.type
        if pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind):
            batch = batch.set_column(at, field.name, batch.column(at).cast(pa.binary()))
        elif pa.types.is_string_view(kind):
            batch = batch.set_column(at, field.name, batch.column(at).cast(pa.string()))
    return batch


def _through_layout(
    batch: pa.RecordBatch, numbers: I64, position: int, name: str, want: Want, quarantine: Quarantine
) -> Iterator[Raw]:
    block, values = Block(want.names), _extractor(want, name, quarantine)
    for row, record in zip(numbers.tolist(), records_of(batch), strict=True):
        found = values(record, row) if record is not None else None
        if record is None:
            quarantine.reject(name, row, "", "cannot be read")
        elif found is not None:
            block.add(found, row, row, 0)
        if block.full:
            yield block.take(position)
    if len(block):
        yield block.take(position)


def records_of(batch: pa.RecordBatch) -> list[Record | None]:
    """The rows as dictionaries; None where Python cannot hold one."""
    try:
        return list(batch.to_pylist())
    except (ValueError, OverflowError):  # text that is not UTF-8, a time beyond Python's
        if batch.num_rows == 1:
            return [None]
        return [record for i in range(batch.num_rows) for record in records_of(batch.slice(i, 1))]


# -- CSV ---------------------------------------------------------------------------------------------------------------


def _csv(opened: Opened, name: str, want: Want, quarantine: Quarantine) -> Iterator[Raw]:
    rows = csv_rows(opened.text())
    names = header(rows, name)
    if not want.layout.columns:
        need(name, want.required, names)
    block, values = Block(want.names), _extractor(want, name, quarantine)
    only = None if want.only is None else set(want.only.tolist())
    for row, fields in enumerate(rows):
        if only is not None and row not in only:
            if want.last(row):
                break
            continue
        if isinstance(fields, str):
            quarantine.reject(name, row, "", fields)
            continue
        if len(fields) != len(names):
            quarantine.reject(name, row, "", "has another number of fields than the header")
            continue
        found = values({n: value or None for n, value in zip(names, fields, strict=True)}, row)
        if found is not None:
            block.add(found, row, row, sum(map(len, fields)))
        if block.full:
            yield block.take(opened.position())
    if len(block):
        yield block.take(opened.position())


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json(opened: Opened, name: str, want: Want, quarantine: Quarantine) -> Iterator[Raw]:
    block, values = Block(want.names), _extractor(want, name, quarantine)
    only = None if want.only is None or want.layout.expand else set(want.only.tolist())
    seen: set[str] = set()
    row = 0  # of the record; the line's number is what a person is told
    for line, piece in enumerate(pieces(opened.stream)):
        if want.last(row - 1):
            break
        if only is not None and row not in only:
            row += 1
            continue
        if piece is None:
            quarantine.reject(name, line, "", "is longer than 64 MiB")
            row += 1
            continue
        records = _decoded(piece, want.layout)
        if records is None:
            quarantine.reject(name, line, "", "is not a JSON object of this format")
            row += 1
            continue
        for record in records:
            if record is None:
                quarantine.passed_over += 1
                continue
            if not want.layout.columns:
                seen |= {n for n in want.required if n in record}
            found = values(record, line)
            if found is not None:
                block.add(found, row, line, len(piece) // max(len(records), 1))
            row += 1
        if block.full:
            _need_seen(name, want, seen)
            yield block.take(opened.position())
    if len(block):
        _need_seen(name, want, seen)
        yield block.take(opened.position())


def _decoded(piece: bytes, layout: Format) -> list[Record | None] | None:
    try:
        record = _DECODER.decode(piece)
        return list(layout.records(record)) if isinstance(record, dict) else None
    except UNREADABLE:
        return None


def _need_seen(name: str, want: Want, seen: set[str]) -> None:
    """Where no record at all has a required column, the format is another one; a single row without it is a bad row."""
    if not want.layout.columns and want.only is None:
        need(name, want.required, seen)


# -- values of one record ----------------------------------------------------------------------------------------------


def _extractor(want: Want, name: str, quarantine: Quarantine) -> Callable[[Record, int], list[Any] | None]:
    """The wanted values of a record, or None where one of them cannot be read (then the row is rejected)."""
    if not want.layout.columns:
        return lambda record, _: [record.get(column) for column in want.names]
    getters = [(column, want.layout.getters.get(column)) for column in want.names]

    def extract(record: Record, line: int) -> list[Any] | None:
        out: list[Any] = []
        for column, get in getters:
            try:
                out.append(None if get is None else get(record))
            except UNREADABLE:
                quarantine.reject(name, line, column, "cannot be read")
                return None
        return out

    return extract
