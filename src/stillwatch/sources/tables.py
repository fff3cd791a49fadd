"""The accounts table and the licences file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.domain.licence import Licence, LicenceFile
from stillwatch.domain.log import ACCOUNTS
from stillwatch.sources.block import Raw
from stillwatch.sources.files import expand
from stillwatch.sources.formats import FORMATS
from stillwatch.sources.quarantine import Quarantine
from stillwatch.sources.raw import Want
from stillwatch.sources.reader import canonical, readable

NEEDED = tuple(f.name for f in ACCOUNTS if not f.nullable)


class Accounts(NamedTuple):
    """The accounts table as read."""

    table: pa.Table
    """Columns of ``ACCOUNTS``, absent ones null, in the order of the files."""
    quarantine: pa.Table
    """Rows that could not be read."""


def read_accounts(path: str | Path, *, on_bad_row: Literal["fail", "quarantine"] = "fail") -> Accounts:
    """The accounts table (Parquet, NDJSON, CSV; plain or packed; a path, a glob or a directory).

    Raises :class:`InputError` naming file, row and column for a value that cannot be read or a repeated account; with
    ``quarantine`` such rows are set aside instead, and of a repeated account the first row counts.
    """
    files = expand([path])
    quarantine = Quarantine(fail=on_bad_row == "fail")
    want = Want(FORMATS[0], tuple(ACCOUNTS.names), NEEDED)
    raws = (
        (name, raw)
        for file, name in zip(files.paths, files.names, strict=True)
        for raw in readable(file, name, want, quarantine)
    )
    return accounts_of(raws, ", ".join(files.names[:3]), quarantine)


def accounts_of(raws: Iterable[tuple[str, Raw]], where: str, quarantine: Quarantine) -> Accounts:
    """The accounts table out of raw batches, each with the name of its file."""
    fields = list(ACCOUNTS)
    parts: list[pa.RecordBatch] = []
    places: list[tuple[str, int]] = []
    for name, raw in raws:
        batch = canonical(raw, fields, name, quarantine)
        lines = dict(zip(raw.rows.tolist(), raw.lines.tolist(), strict=True))
        places += [(name, lines[row]) for row in batch.column("source_row").to_pylist()]
        parts.append(batch.select(ACCOUNTS.names))
    if not any(part.num_rows for part in parts):
        first = f" ({quarantine.first()})" if len(quarantine) else ""
        raise InputError(f"no accounts{first}", where=where, remedy="leave --accounts out")
    table = pa.concat_tables(
        [ACCOUNTS.empty_table(), *(pa.Table.from_arrays(p.columns, schema=ACCOUNTS) for p in parts)]
    )
    return Accounts(_each_once(table, places, quarantine).combine_chunks(), quarantine.table())


def _each_once(table: pa.Table, places: list[tuple[str, int]], quarantine: Quarantine) -> pa.Table:
    codes = pc.dictionary_encode(table["account_id"].combine_chunks()).indices.to_numpy()
    first = np.zeros(len(codes), np.bool_)
    first[np.unique(codes, return_index=True)[1]] = True
    for row in np.flatnonzero(~first).tolist():
        quarantine.reject(*places[row], "account_id", "account_id is repeated")
    return table if first.all() else table.filter(pa.array(first))


def read_licences(path: Path) -> tuple[Licence, ...]:
    """The licences of a YAML file; an empty list is fine, an unknown key or a wrong type is an error."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return msgspec.convert(raw or {"licences": []}, LicenceFile, strict=False).licences
    except OSError as exc:
        raise InputError("cannot be read", where=str(path)) from exc
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as exc:
        raise InputError("is not YAML", where=path.name) from exc
    except msgspec.ValidationError as exc:
        raise InputError(f"is not a licences file: {exc}", where=path.name) from exc
    except ValueError as exc:  # a date that is none
        raise InputError("holds a value that cannot be read", where=path.name) from exc
