"""Rows of a log that carry marks of something known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
_BITS = np.uint64((1 << 20) - 1)


@njit(cache=True, nogil=True)
def mark_filter(marks: U64) -> npt.NDArray[np.bool_]:
    """A table that says at once of most values that they are no mark."""
    out = np.zeros(np.int64(_BITS) + 1, np.bool_)
    for mark in marks:
        out[(mark >> np.uint64(20)) & _BITS] = True
    return out


@njit(cache=True, nogil=True)
def rows_of_known(
    offsets: I64, values: U64, whole: U64, marks: U64, owner: I32, there: npt.NDArray[np.bool_], out: I32
) -> None:
    """For each row the owner of most of its marks, from two on; -1 for none.

    ``offsets``/``values`` list the row's fingerprints, ``whole`` (rows, k) what stands for all of its text and counts
    for two. ``marks`` is ascending, each with its owner; ``there`` is their :func:`mark_filter`.
    """
    most = 0
    for i in range(len(owner)):
        most = max(most, owner[i] + 1)
    count = np.zeros(most, np.int32)
    met = np.empty(most, np.int32)
    for row in range(len(offsets) - 1):
        n_met = 0
        low, high = offsets[row], offsets[row + 1]
        for i in range(low, high + whole.shape[1]):
            value = values[i] if i < high else whole[row, i - high]
            if not there[(value >> np.uint64(20)) & _BITS]:
                continue
            at = np.searchsorted(marks, value)
            if at < len(marks) and marks[at] == value:
                if count[owner[at]] == 0:
                    met[n_met] = owner[at]
                    n_met += 1
                count[owner[at]] += 1 if i < high else 2
        best = -1
        for i in range(n_met):
            if count[met[i]] >= 2 and (
                best < 0 or count[met[i]] > count[best] or (count[met[i]] == count[best] and met[i] < best)
            ):
                best = met[i]
        for i in range(n_met):
            if met[i] != best:
                count[met[i]] = 0
        if best >= 0:
            count[best] = 0
        out[row] = best
