"""Small logs after the text pass, as the state takes them in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain.log import EXCHANGES
from stillwatch.engine import DuckEngine
from stillwatch.signals.features import FEATURES, FeaturePass
from stillwatch.sources import open_log
from stillwatch.state import State

DAY = 86_400_000_000
START = 1_780_000_000_000_000 // DAY * DAY


def write_log(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A canonical log of some rows; columns that no row has are null."""
    columns = {f.name: pa.array([r.get(f.name) for r in rows], f.type) for f in EXCHANGES}
    pq.write_table(pa.table(columns), path)
    return path


def day(number: int, *, accounts: int = 20, each: int = 5, ids: bool = True) -> list[dict[str, Any]]:
    """A day of ordinary rows."""
    return [
        {
            "ts": START + number * DAY + i * 1_000_000,
            "account_id": f"a{i % accounts:03d}",
            "exchange_id": f"x-{number}-{i}" if ids else None,
            "prompt": f"Tell me number {i} of day {number}, at some length please, so that it can be told from others",
            "model": "atlas-large",
        }
        for i in range(accounts * each)
    ]


def opened(folder: Path) -> State:
    return State.open(folder, features=FEATURES, create=True)


def taken_in(state: State, log: Path, *, commit: bool = True, blobs: dict[str, bytes] | None = None) -> int:
    """Take a log in, as a scan does; how many rows were new."""
    with DuckEngine(threads=1) as engine:
        engine.map_batches(open_log([str(log)]), FeaturePass())
        columns = engine.columns("exchanges")
        staged = state.stage(columns, threads=1)
        names = engine.collect("SELECT 'account' AS kind, hash, name FROM accounts_seen ORDER BY name")
        if commit:
            state.commit(staged, names, blobs or {}, ["prompt"])
    return int(staged.new.sum())
