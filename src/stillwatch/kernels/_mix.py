"""64-bit mixing, shared by every hash of the package. Stable: a change here changes every stored value."""

from __future__ import annotations

import numpy as np
from numba import njit

SEED = np.uint64(0x9E3779B97F4A7C15)
"""Start of every hash (the golden ratio in 64 bits)."""
ODD = np.uint64(0xD1342543DE82EF95)
"""Multiplier of the running hashes: odd, spectrally good (Steele & Vigna 2021, table of 64-bit multipliers)."""
_M1 = np.uint64(0xFF51AFD7ED558CCD)
_M2 = np.uint64(0xC4CEB9FE1A85EC53)
_33 = np.uint64(33)
_32 = np.uint64(32)


@njit(cache=True, nogil=True, inline="always")
def mix(h: np.uint64) -> np.uint64:
    """The finaliser of MurmurHash3 (Appleby): a bijection of 64 bits that spreads every bit."""
    h = (h ^ (h >> _33)) * _M1
    h = (h ^ (h >> _33)) * _M2
    return h ^ (h >> _33)


@njit(cache=True, nogil=True, inline="always")
def extend(h: np.uint64, value: np.uint64) -> np.uint64:
    """Append one 64-bit value to a running hash that started at SEED; :func:`finish` ends it."""
    h = (h ^ value) * ODD
    return h ^ (h >> _32)


@njit(cache=True, nogil=True, inline="always")
def finish(h: np.uint64) -> np.uint64:
    """The end of a running hash; never 0, which means null everywhere in the package."""
    h = mix(h)
    return h if h != np.uint64(0) else np.uint64(1)


@njit(cache=True, nogil=True, inline="always")
def combine_one(value: np.uint64) -> np.uint64:
    """What :func:`stillwatch.kernels.hashing.combine` makes of a single value."""
    return finish(extend(SEED, mix(value + SEED)))
