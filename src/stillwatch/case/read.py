"""Reading a case back as the value it was written from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.case import layout
from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import ACCOUNT_VERDICTS, CaseResult, Evidence


def read_case(path: Path) -> CaseResult:
    """The result in a case directory. ``run`` is without what is the case's own (format, timings).

    Raises :class:`InputError` when a file is missing, damaged, or of another format version.
    """
    run = _json(path / layout.RUN)
    if not isinstance(run, dict) or run.get("format") != layout.CASE_FORMAT:
        raise InputError(f"is not of format {layout.CASE_FORMAT}", where=str(path / layout.RUN))
    try:
        groups = msgspec.convert(_json(path / layout.CAMPAIGNS), layout.CampaignsFile)
    except msgspec.ValidationError as exc:
        raise InputError(f"is not as a case has it: {exc}", where=str(path / layout.CAMPAIGNS)) from exc
    if groups.format != layout.CASE_FORMAT:
        raise InputError(f"is not of format {layout.CASE_FORMAT}", where=str(path / layout.CAMPAIGNS))
    quarantine = path / layout.QUARANTINE
    return CaseResult(
        accounts=_table(path / layout.ACCOUNTS, ACCOUNT_VERDICTS),
        campaigns=groups.campaigns + groups.other_groups,
        evidence=_evidence(path / layout.EVIDENCE),
        run={key: value for key, value in run.items() if key not in layout.RESERVED},
        quarantine=_table(quarantine, None) if quarantine.exists() else None,
    )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as exc:
        raise InputError("is missing", where=str(path), remedy="is this a case directory?") from exc
    except (OSError, ValueError) as exc:
        raise InputError("cannot be read as JSON", where=str(path)) from exc


def _table(path: Path, schema: pa.Schema | None) -> pa.Table:
    # ParquetFile, not read_table: the latter reads columns out of directory names such as "day=1"
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except FileNotFoundError as exc:
        raise InputError("is missing", where=str(path), remedy="is this a case directory?") from exc
    except (OSError, pa.ArrowException) as exc:
        raise InputError("cannot be read as Parquet", where=str(path)) from exc
    if schema is None:
        return table
    if missing := [name for name in schema.names if name not in table.column_names]:
        raise InputError(f"column {missing[0]} is missing", where=str(path))
    return table.select(schema.names).cast(schema)


def _evidence(path: Path) -> tuple[Evidence, ...]:
    rows = _table(path, layout.EVIDENCE_ROWS).to_pylist()
    try:
        return tuple(msgspec.convert(rows, list[Evidence]))
    except msgspec.ValidationError as exc:
        raise InputError(f"is not as a case has it: {exc}", where=str(path)) from exc
