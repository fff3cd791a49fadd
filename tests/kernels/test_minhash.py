"""Sketches of accounts estimate what they share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.kernels.minhash import EMPTY, account_minhash, band_keys, densify, estimate

U32 = npt.NDArray[np.uint32]


def sketch_of(*sets: list[int], bins: int = 128) -> U32:
    offsets = np.cumsum([0, *map(len, sets)]).astype(np.int64)
    values = np.array([v for s in sets for v in s], np.uint64)
    return account_minhash(offsets, values, np.arange(len(sets), dtype=np.int32), len(sets), bins=bins)


def overlapping(size: int, similarity: float, seed: int) -> tuple[list[int], list[int]]:
    shared = round(2 * size * similarity / (1 + similarity))
    drawn = np.random.default_rng(seed).integers(1, 2**63, 2 * size).tolist()
    return drawn[:size], drawn[size - shared : 2 * size - shared]


@pytest.mark.parametrize("similarity", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("size", [40, 2000])
def test_estimates_are_unbiased_with_the_stated_error(similarity: float, size: int) -> None:
    pairs = [overlapping(size, similarity, seed) for seed in range(60)]
    plain = np.array([estimate(*sketch_of(a, b)) for a, b in pairs])
    dense = np.array([estimate(*densify(sketch_of(a, b))) for a, b in pairs])
    for found in (plain, dense):
        assert abs(found.mean() - similarity) < 0.04
        assert found.std() < 0.13


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=20), min_size=1, max_size=6), st.randoms())
@settings(max_examples=60, deadline=None)
def test_batches_order_and_repetition_do_not_matter(sets: list[list[int]], random: object) -> None:
    whole = sketch_of([v for s in sets for v in s])
    grown = np.full((1, 128), EMPTY, np.uint32)
    for s in [*reversed(sets), sets[0]]:
        back = account_minhash(np.array([0, len(s)]), np.array(s, np.uint64), np.zeros(1, np.int32), 1, sketch=grown)
        assert back is grown
    assert np.array_equal(whole, grown)


def test_texts_of_nobody_are_left_out() -> None:
    values = np.arange(1, 5, dtype=np.uint64)
    found = account_minhash(np.array([0, 2, 4]), values, np.array([-1, 1], np.int32), 2)
    assert (found[0] == EMPTY).all() and (found[1] != EMPTY).sum() == 2


def test_densified_sketches_have_no_empty_bin_unless_the_account_is_empty() -> None:
    sparse = sketch_of([5], [], list(range(100)))
    before = sparse.copy()
    dense = densify(sparse)
    assert np.array_equal(sparse, before)
    assert (dense[[0, 2]] != EMPTY).all() and (dense[1] == EMPTY).all()
    assert np.array_equal(dense[sparse != EMPTY], sparse[sparse != EMPTY])


def test_bands_meet_for_similar_accounts_only() -> None:
    like, unlike = overlapping(300, 0.9, 1), overlapping(300, 0.02, 2)
    keys = band_keys(densify(sketch_of(*like, *unlike, [], [])), rows=4)
    assert keys.shape == (6, 32)
    assert (keys[0] == keys[1]).mean() > 0.4 and (keys[2] == keys[3]).sum() == 0
    assert (keys[4:] == 0).all() and (keys[:4] != 0).all()
    assert len(np.unique(keys[:2])) == 64 - (keys[0] == keys[1]).sum()


def test_empty_accounts_are_not_similar() -> None:
    assert estimate(*sketch_of([], [])) == 0.0
    assert estimate(sketch_of([1], [2]), sketch_of([1], [3])).tolist() == [1.0, 0.0]


def test_bad_shapes_are_refused() -> None:
    offsets, values = np.array([0, 1]), np.ones(1, np.uint64)
    with pytest.raises(ValueError, match="shape"):
        account_minhash(offsets, values, np.zeros(1, np.int32), 2, sketch=np.zeros((1, 128), np.uint32))
    with pytest.raises(ValueError, match="do not describe"):
        account_minhash(offsets, values, np.full(1, 7, np.int32), 2)
    with pytest.raises(ValueError, match="at least one row"):
        band_keys(np.zeros((1, 8), np.uint32), rows=0)
