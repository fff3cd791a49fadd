"""The records of a bag: one canonical line each, so that one can be shown and proven without the others."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa

from stillwatch.evidence.canonical import canonical
from stillwatch.evidence.pseudonyms import Pseudonyms
from stillwatch.signals.tactics import catalogue

_SLICE = 4_096


def record_lines(accounts: pa.Table, exchanges: pa.Table, names: Pseudonyms) -> Iterator[bytes]:
    """Lines without their ends: accounts first, then exchanges in order of time; unknown columns are absent."""
    place = 0
    for table, rows in (("accounts", accounts), ("exchanges", exchanges)):
        for start in range(0, rows.num_rows, _SLICE):
            for row in rows.slice(start, _SLICE).to_pylist():
                yield canonical({"table": table, "salt": names.salt(place), **_shown(row)})
                place += 1


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in row.items():
        if value is None:
            continue
        if name == "tactics":
            out[name] = [t.id for i, t in enumerate(catalogue()) if value >> i & 1]
        elif name == "network":
            out[name] = f"{value:016x}" if value else None
        elif isinstance(value, datetime):
            out[name] = value.isoformat(timespec="microseconds").replace("+00:00", "Z")
        elif isinstance(value, bytes):
            out[name] = base64.b64encode(value).decode()
        else:
            out[name] = value
    return {name: value for name, value in out.items() if value is not None}
