"""Where the values of a JSON text begin and end, without decoding it: arrays larger than memory are read in pieces."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

IN_ARRAY, DEPTH, IN_TEXT, ESCAPED, START = range(5)
_QUOTE, _BACKSLASH, _COMMA = 0x22, 0x5C, 0x2C
_OPEN_ARRAY, _CLOSE_ARRAY, _OPEN_OBJECT, _CLOSE_OBJECT = 0x5B, 0x5D, 0x7B, 0x7D


def new_state() -> I64:
    """State before the first byte; ``START`` is where an unfinished value began, −1 between values."""
    return np.array([0, 0, 0, 0, -1], np.int64)


@njit(cache=True, nogil=True)
def find_values(data: U8, at: int, state: I64, bounds: I64) -> int:
    """Scan ``data[at:]``; (begin, end) of every finished value go to ``bounds`` (m, 2), m > len(data) - at.

    A top-level array counts as its entries, any other top-level value as itself. ``state`` is carried on: the bytes of
    a value that is unfinished are handed in again at the front of the next ``data``. Returns the number found.
    """
    found = 0
    for i in range(at, len(data)):
        c = data[i]
        if state[START] < 0:
            if c == _OPEN_ARRAY and state[IN_ARRAY] == 0:
                state[IN_ARRAY] = 1
                continue
            if c == _CLOSE_ARRAY and state[IN_ARRAY] == 1:
                state[IN_ARRAY] = 0
                continue
            if c == _COMMA or c == 0x20 or 0x09 <= c <= 0x0D:
                continue
            state[START] = i
            state[DEPTH] = 0
            state[IN_TEXT] = 0
        if state[IN_TEXT] == 1:
            if state[ESCAPED] == 1:
                state[ESCAPED] = 0
            elif c == _BACKSLASH:
                state[ESCAPED] = 1
            elif c == _QUOTE:
                state[IN_TEXT] = 0
            continue
        if c == _QUOTE:
            state[IN_TEXT] = 1
        elif c in (_OPEN_OBJECT, _OPEN_ARRAY):
            state[DEPTH] += 1
        elif c in (_CLOSE_OBJECT, _CLOSE_ARRAY) and state[DEPTH] > 0:
            state[DEPTH] -= 1
            if state[DEPTH] == 0:
                bounds[found, 0], bounds[found, 1] = state[START], i + 1
                found += 1
                state[START] = -1
        elif state[DEPTH] == 0 and c in (_COMMA, 0x0A, _CLOSE_ARRAY):
            bounds[found, 0], bounds[found, 1] = state[START], i
            found += 1
            state[START] = -1
            if c == _CLOSE_ARRAY:
                state[IN_ARRAY] = 0
    return found
