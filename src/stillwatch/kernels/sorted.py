"""Compiled work on sorted values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
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
