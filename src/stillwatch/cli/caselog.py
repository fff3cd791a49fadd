"""The log of a case, opened once more as it was scanned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from stillwatch.domain.errors import InputError
from stillwatch.sources import LogReader, open_log


def open_as_scanned(case: Path, log: list[str], source: str | None) -> LogReader:
    """The log with the format and the treatment of bad rows that ``run.json`` records."""
    source = source or _settings(case).get("source")
    return open_log(log, source=str(source) if source else None, on_bad_row=bad_rows_of(case))


def bad_rows_of(case: Path) -> Literal["fail", "quarantine"]:
    """What the scan did with rows that could not be read."""
    return "quarantine" if _settings(case).get("on_bad_row") == "quarantine" else "fail"


def _settings(case: Path) -> dict[str, Any]:
    try:
        run = json.loads((case / "run.json").read_bytes())
    except (OSError, ValueError) as exc:
        raise InputError(
            "is not a case", where=str(case), remedy="name a directory that stillwatch scan wrote"
        ) from exc
    return dict(run.get("settings") or {}) if isinstance(run, dict) else {}
