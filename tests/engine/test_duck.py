"""Traps of the embedded engine that were measured once and must stay shut."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa

import stillwatch
from stillwatch.engine import DuckEngine


def test_an_ordered_question_is_answered_in_order_whatever_the_threads() -> None:
    rng = np.random.default_rng(3)
    table = pa.table({"u": rng.integers(0, 1 << 63, 400_000, np.uint64), "id": np.arange(400_000)})
    with DuckEngine(threads=4) as engine:
        engine.scan("t", table)
        rows = engine.collect("SELECT u, id FROM t ORDER BY u, id")
    assert rows.equals(table.sort_by([("u", "ascending"), ("id", "ascending")]))


def test_rows_of_several_scans_are_all_there() -> None:
    with DuckEngine() as engine:
        for part in range(3):
            engine.scan("t", pa.table({"id": np.arange(part * 10, part * 10 + 10)}))
        assert engine.collect("SELECT id FROM t ORDER BY id")["id"].to_pylist() == list(range(30))


def test_duckdb_s_changing_arrow_calls_stand_in_one_file() -> None:
    rooms = [Path(stillwatch.__file__).parent / room for room in ("engine", "sources", "signals", "links", "campaigns")]
    calling = {
        path.name
        for room in rooms
        for path in room.rglob("*.py")
        if re.search(r"import duckdb|to_arrow_table|fetch_arrow|fetch_record_batch", path.read_text(encoding="utf-8"))
    }
    assert calling == {"duck.py"}
