"""Unsigned numbers survive the way through an engine that has none."""

from __future__ import annotations

from itertools import count

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
from stillwatch.engine.spark import wire

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=30)


@given(HASHES)
def test_a_hash_comes_back_and_keeps_its_order(values: list[int]) -> None:
    table = pa.table({"u": pa.array(values, pa.uint64())})
    signed = wire.to_signed(table)
    assert wire.from_signed(signed, table.schema).equals(table)
    order = np.argsort(np.array(values, np.uint64), kind="stable")
    assert order.tolist() == np.argsort(signed["u"].to_numpy(), kind="stable").tolist()


def test_every_unsigned_type_comes_back_nulls_included() -> None:
    table = pa.table({str(t): pa.array([0, None, 2**t.bit_width - 1], t) for t in map(pa.type_for_alias, NAMES)})
    assert wire.from_signed(wire.to_signed(table), table.schema).equals(table)


NAMES = ("uint8", "uint16", "uint32", "uint64")


@given(st.integers(0, 3), HASHES)
def test_packets_hold_every_row_once_in_order(place: int, values: list[int]) -> None:
    many = np.resize(np.array(values, np.uint64), len(values) * 4000)
    table = pa.table({"u": many, "text": pa.array(["é"] * len(many), pa.string())})
    rows = list(wire.pack("r", place, count(7), table))
    assert {(r["relation"][0].as_py(), r["place"][0].as_py()) for r in rows} <= {("r", place)}
    assert [r["nth"][0].as_py() for r in rows] == list(range(7, 7 + len(rows)))
    back = list(wire.unpack(r.select(["packet"]) for r in rows))
    assert pa.Table.from_batches(back, wire.signed_schema(table.schema)).equals(wire.to_signed(table))
