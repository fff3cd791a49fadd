"""A world of four days in which one campaign is banned after the second and comes back with nothing it had."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.lab.generate import generate
from stillwatch.lab.scenario import Campaign, Scenario, load

DAY_US = 86_400_000_000
STEADY = Campaign(name="steady", accounts=80, requests_per_account_day=15, tactics=("T-COT",), signup="spread")
PURGED = Campaign(
    name="purged",
    accounts=80,
    requests_per_account_day=15,
    tactics=("T-RUBRIC", "T-LOADBAL"),
    infrastructure="unique",
    payment_sharing=1,
    device_sharing=1,
    purge_day=2.0,
    purge_pause=0.1,
)


def four_days(folder: Path, seed: int) -> list[Path]:
    """The world, and its log as a file a day."""
    honest = load("power-rubric").honest
    generate(Scenario(name="days", days=4, volume=0.3, honest=honest, campaigns=(STEADY, PURGED)), seed, folder)
    log = pq.read_table(folder / "exchanges.parquet")
    day = pc.divide(log["ts"].cast(pa.int64()), DAY_US)
    first, last = pc.min(day).as_py(), pc.max(day).as_py()
    out = []
    for number in range(first, last + 1):
        out.append(folder / f"day-{number - first + 1}.parquet")
        pq.write_table(log.filter(pc.equal(day, number)), out[-1])
    return out
