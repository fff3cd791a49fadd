"""The real command, as a user calls it, and what its case says of accounts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq


def stillwatch(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stillwatch", *map(str, args)], capture_output=True, text=True, check=False
    )


def scan(world: Path, case: Path, *more: object, log: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Scan a log of a world of the lab, its whole log if none is named."""
    return stillwatch(
        "scan", log or world / "exchanges.parquet", "--accounts", world / "accounts.parquet",
        "--licences", world / "licences.yaml", "--out", case, "--quiet", *more,
    )  # fmt: skip


def named(case: Path) -> dict[str, str]:
    """Campaign of every account that is named."""
    table = pq.read_table(case / "accounts.parquet").to_pydict()
    rows = zip(table["account_id"], table["campaign_id"], table["disposition"], strict=True)
    return {account: campaign for account, campaign, disposition in rows if disposition == "campaign"}
