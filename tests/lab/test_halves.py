"""One world cut in two: nothing lost, nothing twice, an account whole at one provider."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.domain.errors import InputError
from stillwatch.lab.halves import TABLES, split


def test_every_account_is_whole_at_one_provider(tmp_path: Path) -> None:
    world, places = tmp_path / "world", [tmp_path / "a", tmp_path / "b"]
    world.mkdir()
    accounts = [f"acct-{n % 50}" for n in range(500)]
    for name in TABLES:
        pq.write_table(pa.table({"account_id": accounts, "n": list(range(500))}), world / name)
    split(world, places)
    for name in TABLES:
        a, b = (pq.read_table(place / name) for place in places)
        assert sorted(a["n"].to_pylist() + b["n"].to_pylist()) == list(range(500))
        assert not set(a["account_id"].to_pylist()) & set(b["account_id"].to_pylist())
        assert min(a.num_rows, b.num_rows) > 100


def test_a_world_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"exchanges\.parquet"):
        split(tmp_path, [tmp_path / "a"])
