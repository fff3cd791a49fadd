"""The accounts table and the licences file."""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.domain.licence import Licence, LicenceFile
from stillwatch.domain.log import ACCOUNTS
from stillwatch.sources.lines import DECODER, csv_rows, kind_by_name, raw_batch, text_lines
from stillwatch.sources.values import cast_column, check_column


def read_accounts(path: str | Path) -> pa.Table:
    """The accounts table of a file (Parquet, NDJSON, CSV; plain or packed), as :func:`accounts_table` gives it."""
    return accounts_table(_read_table(Path(path)), Path(path).name)


def accounts_table(table: pa.Table, name: str) -> pa.Table:
    """An accounts table in the contract's types and order of columns, absent ones null.

    Raises :class:`InputError` naming file, row and column for a value that cannot be read or a repeated account.
    """
    if "account_id" not in table.column_names:
        raise InputError("required column account_id is missing", where=name)
    columns = {}
    for field in ACCOUNTS:
        if field.name not in table.column_names:
            columns[field.name] = pa.nulls(table.num_rows, field.type)
            continue
        column = table[field.name].combine_chunks()
        columns[field.name], bad = cast_column(column, field)
        bad += check_column(columns[field.name], field)
        if bad:
            raise InputError(bad[0].error, where=f"{name}, row {bad[0].row}, column {field.name}")
    ids = columns["account_id"]
    counts = pc.value_counts(ids)
    repeated = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(repeated):
        row = pc.index(ids, repeated[0]["values"]).as_py()
        raise InputError("account_id is repeated", where=f"{name}, row {row}, column account_id")
    return pa.table(columns, schema=ACCOUNTS)


def _read_table(path: Path) -> pa.Table:
    """A whole small table (accounts) in any of the canonical file formats, values as they are."""
    if not path.is_file():
        raise InputError("no such file", where=str(path))
    kind = kind_by_name(path)
    try:
        if kind == ".parquet":
            return pq.read_table(path)
        if kind == ".csv":
            names, *rows = list(csv_rows(path)) or [[]]
            wrong = next((i for i, r in enumerate(rows) if r and len(r) != len(names)), None)
            if wrong is not None:
                raise InputError("has another number of fields than the header", where=f"{path.name}, row {wrong}")
            kept = [r for r in rows if r]
            return pa.Table.from_batches([raw_batch({n: [r[i] or None for r in kept] for i, n in enumerate(names)})])
        records = [DECODER.decode(line) for line in text_lines(path) if line.strip()]
    except (pa.ArrowException, OSError, EOFError, ValueError, zlib.error) as exc:
        raise InputError("cannot be read: truncated, damaged or of another format", where=path.name) from exc
    if not all(isinstance(r, dict) for r in records):
        raise InputError("holds a line that is not a JSON object", where=path.name)
    names = sorted({name for r in records for name in r})
    return (
        pa.Table.from_batches([raw_batch({n: [r.get(n) for r in records] for n in names})]) if names else pa.table({})
    )


def read_licences(path: Path) -> tuple[Licence, ...]:
    """The licences of a YAML file; an empty list is fine, an unknown key or a wrong type is an error."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return msgspec.convert(raw or {"licences": []}, LicenceFile, strict=False).licences
    except OSError as exc:
        raise InputError("cannot be read", where=str(path)) from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise InputError("is not YAML", where=path.name) from exc
    except msgspec.ValidationError as exc:
        raise InputError(f"is not a licences file: {exc}", where=path.name) from exc
