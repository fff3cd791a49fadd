"""64-bit hashes of exact strings: ids, addresses, names. Stable over engines, threads and runs; 0 means null."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from stillwatch.kernels._arrow import U8, Strings, chunks, strings
from stillwatch.kernels._mix import SEED, extend, finish, mix

U64 = npt.NDArray[np.uint64]


@njit(cache=True, nogil=True, inline="always")
def _word(data: U8, at: int) -> np.uint64:
    """Eight bytes, little endian; LLVM makes one load of it."""
    word = np.uint64(data[at])
    for i in range(1, 8):
        word |= np.uint64(data[at + i]) << np.uint64(8 * i)
    return word


@njit(cache=True, nogil=True)
def _hash_rows(rows: Strings) -> U64:
    n = len(rows.valid)
    out = np.zeros(n, np.uint64)
    for i in range(n):
        if not rows.valid[i]:
            continue
        at, end = rows.offsets[i], rows.offsets[i + 1]
        h = extend(SEED, np.uint64(end - at))
        while at + 8 <= end:
            h = extend(h, _word(rows.data, at))
            at += 8
        rest = np.uint64(0)
        while at < end:
            rest = (rest << np.uint64(8)) | np.uint64(rows.data[at])
            at += 1
        out[i] = finish(extend(h, rest))
    return out


@njit(cache=True, nogil=True)
def _combine(out: U64, other: U64) -> None:
    for i in range(len(out)):
        out[i] = extend(out[i], mix(other[i] + SEED))


@njit(cache=True, nogil=True)
def _finish(out: U64) -> None:
    for i in range(len(out)):
        out[i] = finish(out[i])


def hash_strings(array: pa.Array | pa.ChunkedArray) -> U64:
    """One hash per value, of its exact bytes; 0 for null and only for null. Returns (n,).

    >>> hash_strings(pa.array(["a", None, "a"])).tolist()[1]
    0
    """
    parts = [_hash_rows(strings(chunk)) for chunk in chunks(array)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def combine(*hashes: U64) -> U64:
    """An order-dependent mix of one or more hash columns of equal length n, never 0. Returns (n,)."""
    out = np.full(len(hashes[0]), SEED, np.uint64)
    for column in hashes:
        if len(column) != len(out):
            raise ValueError(f"columns of {len(out)} and {len(column)} values cannot be combined")
        _combine(out, np.ascontiguousarray(column, np.uint64))
    _finish(out)
    return out
