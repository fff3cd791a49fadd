"""The log and the accounts of a case, opened once more as they were scanned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from stillwatch.domain.errors import InputError
from stillwatch.sources import LogReader, open_log, read_accounts


def open_as_scanned(case: Path, log: list[str], source: str | None) -> LogReader:
    """The log with the format and the treatment of bad rows that ``run.json`` records."""
    settings = _settings(case)
    known = source or settings.get("source")
    if known == "mapping":
        raise InputError(
            "the case was made with a mapping file", where=str(case), remedy="name it again: --source FILE"
        )
    return open_log(log, source=str(known) if known else None, on_bad_row=_on_bad_row(settings))


def accounts_as_scanned(case: Path, accounts: Path) -> pa.Table:
    """The accounts table, bad rows treated as ``run.json`` records."""
    return read_accounts(accounts, on_bad_row=_on_bad_row(_settings(case))).table


def _on_bad_row(settings: dict[str, Any]) -> Literal["fail", "quarantine"]:
    return "quarantine" if settings.get("on_bad_row") == "quarantine" else "fail"


def _settings(case: Path) -> dict[str, Any]:
    try:
        run = json.loads((case / "run.json").read_bytes())
    except (OSError, ValueError) as exc:
        raise InputError(
            "is not a case", where=str(case), remedy="name a directory that stillwatch scan wrote"
        ) from exc
    return dict(run.get("settings") or {}) if isinstance(run, dict) else {}
