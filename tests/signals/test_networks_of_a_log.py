"""Where exchanges came from is still known when groups are weighed: a pool is told from a shared place by it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.campaigns.places import one_pool
from stillwatch.domain.verdict import Family
from stillwatch.engine import DuckEngine
from stillwatch.signals.base import Group
from stillwatch.signals.prepare import build_population, read_log
from stillwatch.sources import open_log

MEMBERS, EACH = 40, 12


def log(path: Path) -> str:
    """Forty accounts that change their address within one pool of many operators, and as many that stay at home."""
    rng = np.random.default_rng(2)
    rows = []
    for n in range(2 * MEMBERS * EACH):
        account, pooled = n % (2 * MEMBERS), n % (2 * MEMBERS) < MEMBERS
        prefix = int(rng.integers(1, 30)) if pooled else 100 + account
        rows.append(
            {
                "ts": dt.datetime(2026, 6, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=n),
                "account_id": f"a{account:02d}",
                "client_ip": f"10.{prefix}.1.{int(rng.integers(1, 250))}",
                "asn": 64500 + prefix % 9,
            }
        )
    pq.write_table(pa.Table.from_pylist(rows), path)
    return str(path)


def test_a_pool_is_recognised_in_a_log(tmp_path: Path) -> None:
    reader = open_log([log(tmp_path / "log.parquet")], source=None, on_bad_row="fail")
    with DuckEngine(threads=1) as engine:
        read_log(engine, reader)
        population = build_population(engine, None)
        for first, pooled in ((0, True), (MEMBERS, False)):
            accounts = np.arange(first, first + MEMBERS, dtype=np.int32)
            rows = population.rows_of_accounts(accounts)
            assert one_pool(population, Group(accounts, rows, frozenset({Family.CONTENT}), True, "template")) is pooled
