"""The accounts table and the licences file."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.domain.licence import Licence, LicenceFile
from stillwatch.domain.log import ACCOUNTS
from stillwatch.sources.reader import read_table
from stillwatch.sources.values import cast_column, check_column


def read_accounts(path: str | Path) -> pa.Table:
    """The accounts table (Parquet, NDJSON, CSV; plain or packed), columns in the contract's order, absent ones null.

    Raises :class:`InputError` naming file, row and column for a value that cannot be read or a repeated account.
    """
    name = Path(path).name
    table = read_table(Path(path))
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
