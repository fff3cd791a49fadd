"""Cases written by hand."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def write_case(folder: Path, accounts: Iterable[tuple[bool, str | None, float]]) -> None:
    """``truth.parquet`` and ``accounts.parquet`` of (hostile, group, score), as any detector may write them."""
    truth, case = [], []
    for number, (hostile, group, score) in enumerate(accounts):
        shared = {"account_id": f"a{number}"}
        role = "hostile" if hostile else "honest:chat"
        plain = {"language": "en", "vpn": False, "new": False}
        truth.append(shared | {"role": role, "campaign": "c" if hostile else None} | plain)
        case.append(shared | {"campaign_id": group, "disposition": "campaign" if group else "clear", "score": score})
    pq.write_table(pa.Table.from_pylist(truth), folder / "truth.parquet")
    pq.write_table(pa.Table.from_pylist(case), folder / "accounts.parquet")
