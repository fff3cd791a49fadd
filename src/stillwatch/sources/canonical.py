"""One batch of a log in the contract's types, wherever the engine got it from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.domain.errors import InputError
from stillwatch.sources.values import Bad, cast_column, check_column

Quarantined = tuple[str, int, str, str]
"""A row set aside: name of the file, row, column, error."""


def canonical(
    raw: pa.RecordBatch, fields: Sequence[pa.Field], file: npt.NDArray[np.int32], row: npt.NDArray[np.int64]
) -> tuple[pa.RecordBatch, list[Bad]]:
    """The contract's columns (absent ones null) with ``source_file`` and ``source_row``, and why rows are not in it.

    ``file`` and ``row`` say where each of the n rows stands. One reason for each row left out, in order of the rows.
    """
    columns: dict[str, pa.Array] = {}
    bad: list[Bad] = []
    for field in fields:
        if field.name not in raw.schema.names:
            columns[field.name] = pa.nulls(raw.num_rows, field.type)
            continue
        columns[field.name], wrong = cast_column(raw.column(field.name), field)
        bad += wrong
        known = {b.row for b in wrong}
        bad += [b for b in check_column(columns[field.name], field) if b.row not in known]
    columns["source_file"] = pa.array(file)
    columns["source_row"] = pa.array(row)
    batch = pa.RecordBatch.from_pydict(columns)
    if not bad:
        return batch, []
    reasons: dict[int, Bad] = {}
    for item in bad:
        reasons.setdefault(item.row, item)
    keep = np.ones(raw.num_rows, np.bool_)
    keep[list(reasons)] = False
    return batch.filter(pa.array(keep)), [reasons[i] for i in sorted(reasons)]


def bad_row(file: str, row: int, column: str, error: str) -> InputError:
    """The error that a bad row is, where bad rows are errors."""
    parts = (file, f"row {row}" if row >= 0 else "", f"column {column}" if column else "")
    return InputError(
        error, where=", ".join(p for p in parts if p), remedy="correct the row, or use --on-bad-row quarantine"
    )


def quarantined(rows: Sequence[Quarantined]) -> pa.Table:
    """Rows set aside, as the case's table of them."""
    names = ("file", "row", "column", "error")
    types = (pa.string(), pa.int64(), pa.string(), pa.string())
    columns = list(zip(*rows, strict=True)) or [()] * 4
    return pa.table({n: pa.array(list(c), t) for n, c, t in zip(names, columns, types, strict=True)})
