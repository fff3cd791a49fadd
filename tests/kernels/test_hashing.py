"""Hashes of exact values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.kernels.hashing import combine, hash_strings
from tests.kernels.reference import M64, ODD, SEED, chain, mix

values = st.lists(st.one_of(st.none(), st.binary(max_size=40)), max_size=12)


def plain(value: bytes | None) -> int:
    if value is None:
        return 0
    whole = len(value) // 8 * 8
    words = [int.from_bytes(value[at : at + 8], "little") for at in range(0, whole, 8)]
    return chain([len(value), *words, int.from_bytes(value[whole:], "big")])


@given(values, st.sampled_from([pa.binary(), pa.large_binary()]))
@settings(max_examples=150, deadline=None)
def test_hashes_agree_with_the_reference(given_values: list[bytes | None], kind: pa.DataType) -> None:
    expected = [plain(v) for v in given_values]
    array = pa.array(given_values, kind)
    assert hash_strings(array).tolist() == expected
    assert hash_strings(array.slice(1)).tolist() == expected[1:]
    assert hash_strings(pa.chunked_array([array.slice(0, 2), array.slice(2)])).tolist() == expected


def test_hashes_of_a_million_ids_differ() -> None:
    ids = pa.array([f"account-{i}" for i in range(300_000)] + [str(i) for i in range(700_000)])
    assert len(np.unique(hash_strings(ids))) == 1_000_000


def test_only_null_is_zero() -> None:
    assert hash_strings(pa.array([None, "", "\0", "\0\0"])).tolist().count(0) == 1
    assert len(set(hash_strings(pa.array([None, "", "\0", "\0\0"])).tolist())) == 4
    assert hash_strings(pa.nulls(2)).tolist() == [0, 0]
    assert len(hash_strings(pa.chunked_array([], pa.string()))) == 0


@given(st.lists(st.tuples(st.integers(0, M64), st.integers(0, M64)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_combine_agrees_with_the_reference(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array([p[i] for p in pairs], np.uint64) for i in (0, 1))
    expected = [chain([mix((x + SEED) & M64), mix((y + SEED) & M64)]) for x, y in pairs]
    assert combine(a, b).tolist() == expected


def test_combine_depends_on_order_and_leaves_its_inputs_alone() -> None:
    a, b = np.arange(5, dtype=np.uint64), np.arange(5, 10, dtype=np.uint64)
    assert not (combine(a, b) == combine(b, a)).any()
    assert a.tolist() == [0, 1, 2, 3, 4] and ODD % 2 == 1
    with pytest.raises(ValueError, match="cannot be combined"):
        combine(a, b[:2])
