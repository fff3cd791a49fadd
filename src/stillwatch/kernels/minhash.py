"""One-permutation MinHash of what each account wrote: who shares fingerprints with whom, in constant space.

Sources: Li, Owen & Zhang 2012, "One Permutation Hashing" (NIPS); Shrivastava & Li 2014, "Improved Densification of One
Permutation Hashing" (UAI). One hash per value gives its bin and its rank in the bin, instead of one hash per bin.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from stillwatch.kernels._mix import SEED, extend, finish, mix

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
F64 = npt.NDArray[np.float64]

EMPTY = np.uint32(0xFFFFFFFF)
"""A bin that no value of the account fell into."""
_SALT = np.uint64(0x6D696E68617368)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


@njit(cache=True, nogil=True)
def _update(fp_offsets: I64, fp_values: U64, codes: I32, sketch: U32) -> None:
    bins = np.uint64(sketch.shape[1])
    for i in range(len(codes)):
        if codes[i] < 0:
            continue
        for j in range(fp_offsets[i], fp_offsets[i + 1]):
            h = mix(fp_values[j] ^ _SALT)
            bin_ = np.int64(((h >> _32) * bins) >> _32)
            rank = np.uint32(min(h & _LOW, _LOW - np.uint64(1)))
            if rank < sketch[codes[i], bin_]:
                sketch[codes[i], bin_] = rank


def account_minhash(
    fp_offsets: I64, fp_values: U64, account_codes: I32, n_accounts: int, sketch: U32 | None = None, bins: int = 128
) -> U32:
    """Sketch the union of all fingerprints of each account. Returns (n_accounts, bins), ``EMPTY`` where nothing fell.

    Text i has ``fp_values[fp_offsets[i]:fp_offsets[i + 1]]`` and belongs to ``account_codes[i]`` (negative: nobody).
    Give the ``sketch`` of earlier batches and it is updated in place; order and repetition do not matter.
    """
    if sketch is None:
        sketch = np.full((n_accounts, bins), EMPTY, np.uint32)
    if sketch.shape != (n_accounts, bins):
        raise ValueError(f"the sketch has shape {sketch.shape}, not {(n_accounts, bins)}")
    codes = np.ascontiguousarray(account_codes, np.int32)
    if len(fp_offsets) != len(codes) + 1 or (len(codes) and int(codes.max()) >= n_accounts):
        raise ValueError(f"{len(fp_offsets)} offsets and {len(codes)} codes do not describe {n_accounts} accounts")
    _update(np.ascontiguousarray(fp_offsets, np.int64), np.ascontiguousarray(fp_values, np.uint64), codes, sketch)
    return sketch


@njit(cache=True, nogil=True)
def _densify(sketch: U32, out: U32) -> None:
    n, bins = sketch.shape
    for a in range(n):
        if np.all(sketch[a] == EMPTY):
            continue
        for b in range(bins):
            # The coin is a property of the bin, the same for all accounts, or equal sets would get unequal sketches.
            step = 1 if mix(SEED + np.uint64(b)) & np.uint64(1) else bins - 1
            at, distance = b, 0
            while sketch[a, at] == EMPTY:
                at = (at + step) % bins
                distance += 1
            value = np.uint64(sketch[a, at])
            if distance > 0:
                value = min(finish(extend(extend(SEED, value), np.uint64(distance))) & _LOW, _LOW - np.uint64(1))
            out[a, b] = np.uint32(value)


def densify(sketch: U32) -> U32:
    """Fill each empty bin from the nearest filled one, to the left or right by the bin's own coin. Returns a copy.

    The borrowed value is mixed with the distance, so that two accounts agree in a bin only when they borrowed the same
    value over the same way: the collision probability of every bin stays the Jaccard similarity (Shrivastava & Li
    2014). The coin costs less variance than always borrowing from the right. An account without any value stays empty.
    Densify once, after the last batch.
    """
    out = sketch.copy()
    _densify(np.ascontiguousarray(sketch, np.uint32), out)
    return out


@njit(cache=True, nogil=True)
def _bands(sketch: U32, rows: int, out: U64) -> None:
    for a in range(len(sketch)):
        for band in range(out.shape[1]):
            h = extend(SEED, np.uint64(band))
            filled = False
            for b in range(band * rows, (band + 1) * rows):
                h = extend(h, np.uint64(sketch[a, b]))
                filled = filled or sketch[a, b] != EMPTY
            out[a, band] = finish(h) if filled else np.uint64(0)


def band_keys(sketch: U32, rows: int = 4) -> U64:
    """One key per band of ``rows`` bins; accounts with an equal key are candidates (sort, then read off the runs).

    Two densified accounts of Jaccard similarity s meet in a given band with probability s^rows. Returns
    (n_accounts, bins // rows); 0 where a band is wholly empty: no key, not a shared one. Keys differ between bands.
    """
    if rows < 1:
        raise ValueError("a band has at least one row")
    out = np.zeros((len(sketch), sketch.shape[1] // rows), np.uint64)
    _bands(np.ascontiguousarray(sketch, np.uint32), rows, out)
    return out


def estimate(a: U32, b: U32) -> F64:
    """Estimated Jaccard similarity of sketches of shape (…, bins), densified or not. Returns (…,).

    Equal bins over bins that are not empty in both: unbiased (Li, Owen & Zhang 2012). Two empty
    accounts: 0. The standard error is about sqrt(s(1-s)/bins).
    """
    filled = (a != EMPTY) | (b != EMPTY)
    equal = ((a == b) & filled).sum(axis=-1)
    return np.asarray(equal / np.maximum(filled.sum(axis=-1), 1), np.float64)
