"""Looking values up among sorted ones; NumPy's own way hashes both sides, which takes seconds for millions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]


@njit(cache=True, nogil=True)
def times_held(wanted: U64, held: U64, out: I32) -> None:
    """Add to ``out`` how often each of ``wanted`` stands among ``held``; both ascending, ``wanted`` without repeats."""
    at = 0
    for i in range(len(wanted)):
        while at < len(held) and held[at] < wanted[i]:
            at += 1
        while at < len(held) and held[at] == wanted[i]:
            out[i] += 1
            at += 1


def among(wanted: U64, names: U64) -> npt.NDArray[np.bool_]:
    """Which of ``wanted`` (n,) are among ``names``, which are ascending. Returns (n,).

    >>> among(np.array([3, 1, 3], np.uint64), np.array([2, 3], np.uint64)).tolist()
    [True, False, True]
    """
    out = np.zeros(len(wanted), np.bool_)
    _among(wanted, np.ascontiguousarray(names), out)
    return out


@njit(cache=True, nogil=True)
def _among(wanted: U64, names: U64, out: npt.NDArray[np.bool_]) -> None:
    for i in range(len(wanted)):
        at = np.searchsorted(names, wanted[i])
        out[i] = at < len(names) and names[at] == wanted[i]


def distinct(values: U64) -> U64:
    """Each value once, ascending.

    >>> distinct(np.array([3, 1, 3], np.uint64)).tolist()
    [1, 3]
    """
    once: U64 = pc.unique(pa.array(values)).to_numpy()
    return np.sort(once)
