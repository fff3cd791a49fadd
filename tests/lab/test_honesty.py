"""The honesty checks find what is planted and nothing in an untouched world."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.lab.honesty import DishonestWorldError, check, require_honest

Tables = tuple[pa.Table, pa.Table, pa.Table]
Plant = Callable[[pa.Table, pa.Table, pa.Array, pa.Array], Tables]


def put(table: pa.Table, name: str, column: object) -> pa.Table:
    return table.set_column(table.column_names.index(name), table.schema.field(name), column)


def prefixed(x: pa.Table, hostile: pa.Array, name: str, change: Callable[[pa.Array], pa.Array]) -> pa.Table:
    return put(x, name, pc.if_else(hostile, change(x[name]), x[name]).cast(x.schema.field(name).type))


def add(text: str) -> Callable[[pa.Array], pa.Array]:
    return lambda column: pc.binary_join_element_wise(column, text, "")


PLANTS: dict[str, tuple[str, Callable[[pa.Table, pa.Array], pa.Table]]] = {
    "exchange ids of another form": ("x", lambda x, h: prefixed(x, h, "exchange_id", add("0"))),
    "whole milliseconds": ("x", lambda x, h: prefixed(x, h, "ts", lambda c: pc.floor_temporal(c, unit="millisecond"))),
    "a blank after the prompt": ("x", lambda x, h: prefixed(x, h, "prompt", add(" "))),
    "an own seed": ("x", lambda x, h: put(x, "seed", pc.if_else(h, pa.scalar(7, pa.int64()), None).cast(pa.int64()))),
    "more cached than input": (
        "x",
        lambda x, h: prefixed(x, h, "cached_input_tokens", lambda c: pc.add(x["input_tokens"], 1)),
    ),
    "no answer on success": (
        "x",
        lambda x, h: put(x, "response", pc.if_else(h, None, x["response"]).cast(pa.string())),
    ),
    "sign-up after the traffic": (
        "a",
        lambda a, h: put(
            a, "created_at", pc.if_else(h, pa.scalar(2**51), a["created_at"].cast("int64")).cast(a["created_at"].type)
        ),
    ),
    "one mail domain": ("a", lambda a, h: put(a, "email_domain", pc.if_else(h, "x.example", a["email_domain"]))),
    "one country": ("a", lambda a, h: put(a, "country", pc.if_else(h, "XX", a["country"]))),
    "payment names of another length": ("a", lambda a, h: prefixed(a, h, "payment_fingerprint", add("ff"))),
    "phones unknown": ("a", lambda a, h: put(a, "phone_fingerprint", pc.if_else(h, None, "ph_0").cast(pa.string()))),
    "hostile accounts listed first": (
        "a",
        lambda a, h: a.take(pc.sort_indices(pa.array(np.asarray(pc.invert(h)).astype(int)))),
    ),
}


def test_an_untouched_world_has_no_leak(world: Path) -> None:
    require_honest(world)


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_leak_is_found(world: Path, tmp_path: Path, plant: str) -> None:
    shutil.copytree(world, tmp_path / "w")
    which, change = PLANTS[plant]
    path = tmp_path / "w" / ("exchanges.parquet" if which == "x" else "accounts.parquet")
    table, truth = pq.read_table(path), pq.read_table(world / "truth.parquet")
    hostile = truth.filter(pc.equal(truth["role"], "hostile"))["account_id"].combine_chunks()
    pq.write_table(change(table, pc.is_in(table["account_id"], hostile)), path)
    with pytest.raises(DishonestWorldError):
        require_honest(tmp_path / "w")


def test_accounts_renamed_by_role_are_found(world: Path, tmp_path: Path) -> None:
    truth = pq.read_table(world / "truth.parquet")
    bad = set(truth.filter(pc.equal(truth["role"], "hostile"))["account_id"].to_pylist())
    for name in ("exchanges", "accounts", "truth"):
        table = pq.read_table(world / f"{name}.parquet")
        ids = [f"b{a}" if a in bad else a for a in table["account_id"].to_pylist()]
        pq.write_table(put(table, "account_id", pa.array(ids)), tmp_path / f"{name}.parquet")
    assert any("account_id" in leak.rule for leak in check(tmp_path))
