"""Winnowing (Schleimer, Wilkerson & Aiken 2003, "Winnowing: local algorithms for document fingerprinting")."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from stillwatch.kernels._arrow import I64
from stillwatch.kernels._mix import ODD, mix

U64 = npt.NDArray[np.uint64]

_SECOND = np.uint64(0xA5A5A5A5A5A5A5A5)


@njit(cache=True, nogil=True)
def k_grams(tokens: U64, n: int, k: int, grams: U64) -> int:
    """Hashes of all runs of k tokens by a rolling polynomial; of all n tokens, if they are fewer. Returns how many."""
    if n == 0:
        return 0
    k = min(k, n)
    leaving = np.uint64(1)
    for _ in range(k):
        leaving *= ODD
    rolled = np.uint64(0)
    for i in range(n):
        rolled = rolled * ODD + tokens[i]
        if i >= k:
            rolled -= leaving * tokens[i - k]
        if i >= k - 1:
            grams[i - k + 1] = mix(rolled)
    return n - k + 1


@njit(cache=True, nogil=True)
def window_minima(grams: U64, n: int, window: int, marks: U64) -> int:
    """The minimum (rightmost of equals) of each window of gram hashes; returns how many were written.

    Once per position, and once where neighbours are equal: ten megabytes of one word give one mark, not millions.
    """
    if n == 0:
        return 0
    window = min(window, n)
    picked, count = -1, 0
    for first in range(n - window + 1):
        last = first + window - 1
        if picked < first:
            picked = first
            for g in range(first + 1, last + 1):
                if grams[g] <= grams[picked]:
                    picked = g
        elif grams[last] <= grams[picked]:
            picked = last
        else:
            continue
        if count == 0 or marks[count - 1] != grams[picked]:
            marks[count] = grams[picked]
            count += 1
    return count


@njit(cache=True, nogil=True)
def drop_repeats(marks: U64, count: int, seen: U64, seen_in: I64, text: int) -> int:
    """Leave the first of equal marks, in place; returns how many are left.

    ``seen``/``seen_in`` is an open-addressing table of a power of two ≥ 2·count slots; a slot is taken if it was
    written for this ``text`` (any number not used before), so that nothing is ever cleared.
    """
    size = 8
    while size < 2 * count:
        size *= 2
    kept = 0
    for i in range(count):
        slot = np.int64(marks[i] & np.uint64(size - 1))
        while seen_in[slot] == text and seen[slot] != marks[i]:
            slot = (slot + 1) & (size - 1)
        if seen_in[slot] != text:
            seen[slot] = marks[i]
            seen_in[slot] = text
            marks[kept] = marks[i]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def keep_smallest(marks: U64, count: int, smallest: U64) -> int:
    """Of distinct marks leave the ``len(smallest)`` that are smallest under a second mix, in place and in order.

    The second mix matters: marks are minima already. The choice depends on the mark alone (a bottom-k sketch,
    Broder 1997), so texts that share a part tend to keep the same of its marks.
    """
    most = len(smallest)
    if count <= most:
        return count
    filled = 0
    for i in range(count):
        key = mix(marks[i] ^ _SECOND)
        if filled == most:
            if key >= smallest[most - 1]:
                continue
            filled -= 1
        at = filled
        while at > 0 and smallest[at - 1] > key:
            smallest[at] = smallest[at - 1]
            at -= 1
        smallest[at] = key
        filled += 1
    kept = 0
    for i in range(count):
        if mix(marks[i] ^ _SECOND) <= smallest[most - 1]:
            marks[kept] = marks[i]
            kept += 1
    return kept
