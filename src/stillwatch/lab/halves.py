"""One world as several providers had it: each has some of the accounts, and sees what these did."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain.errors import InputError

TABLES = ("exchanges.parquet", "accounts.parquet", "truth.parquet")


def split(world: Path, providers: Sequence[Path]) -> None:
    """Write each provider's part of a world's tables into its directory; who has an account follows from its id."""
    for name in TABLES:
        try:
            table = pq.read_table(world / name)
        except (OSError, pa.ArrowException) as exc:
            raise InputError("cannot be read", where=str(world / name)) from exc
        whose = [_provider(account, len(providers)) for account in table["account_id"].to_pylist()]
        for number, place in enumerate(providers):
            place.mkdir(parents=True, exist_ok=True)
            pq.write_table(table.filter(pa.array([n == number for n in whose])), place / name)


def _provider(account: str, providers: int) -> int:
    return hashlib.sha256(account.encode()).digest()[0] % providers
