"""The tokeniser: bytes of one text to 64-bit token hashes, once exactly and once as a skeleton."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from stillwatch.kernels._arrow import I64, U8
from stillwatch.kernels._characters import (
    ASCII_RUN,
    DIGIT,
    DROPPED,
    FOLD,
    INFO,
    KIND_BITS,
    OWN,
    QUOTE,
    RUN,
    SCRIPT_SHIFT,
    astral,
)
from stillwatch.kernels._mix import ODD, SEED, mix

U64 = npt.NDArray[np.uint64]

SLOT = np.uint64(0x510751075107510F)
"""Stands in a skeleton for what varies: a token with a digit, a quotation."""
QUOTATION_MOST = 200
"""Bytes between two quotation marks, at most, for what they hold to be a value and not half a text."""
TOKEN_MOST = 256
"""Bytes of a token that are hashed; a longer one is its first bytes and its length."""

_BYTE, _LOW = np.uint64(0xFF), np.uint64(0xFFFFFFFF)
_8, _32 = np.uint64(8), np.uint64(32)


@njit(cache=True, nogil=True, inline="always")
def decode(data: U8, at: int, end: int) -> tuple[np.int64, int]:
    """Code point from 0x80 on and its length in bytes; (0, 1), a separator, for a byte that is not valid UTF-8."""
    b = np.int64(data[at])
    size = 2 if 0xC2 <= b < 0xE0 else 3 if 0xE0 <= b < 0xF0 else 4 if 0xF0 <= b < 0xF5 else 0
    if size == 0 or at + size > end:
        return np.int64(0), 1
    cp = b & (0x7F >> size)
    for i in range(1, size):
        following = np.int64(data[at + i])
        if following & 0xC0 != 0x80:
            return np.int64(0), 1
        cp = (cp << 6) | (following & 0x3F)
    overlong = (size == 3 and cp < 0x800) or (size == 4 and cp < 0x10000)
    if overlong or 0xD800 <= cp <= 0xDFFF or cp > 0x10FFFF:
        return np.int64(0), 1
    return cp, size


@njit(cache=True, nogil=True, inline="always")
def _token(h: np.uint64, size: int) -> np.uint64:
    return mix(h if size <= TOKEN_MOST else h ^ np.uint64(size))


@njit(cache=True, nogil=True, inline="always")
def _ascii_run(data: U8, at: int, end: int, h: np.uint64, room: int) -> tuple[int, np.uint64, np.uint64]:
    """Pass ASCII letters, digits and underscores, hashing the first ``room``; returns where they end, the hash, and
    how many were letters (low half) and digits (high half). Unsigned indices spare Numba's test for negative ones.
    """
    counts = np.uint64(0)
    stop = min(end, at + room)
    entry = np.uint64(1)
    while at < stop:
        entry = ASCII_RUN[data[np.uint64(at)]]
        if entry == np.uint64(0):
            break
        h = (h + (entry & _BYTE)) * ODD
        counts += entry >> _8
        at += 1
    while at < end and entry != np.uint64(0):  # beyond what is hashed
        entry = ASCII_RUN[data[np.uint64(at)]]
        if entry != np.uint64(0):
            counts += entry >> _8
            at += 1
    return at, h, counts


@njit(cache=True, nogil=True)
def tokenise(data: U8, start: int, end: int, exact: U64, skeleton: U64, letters: I64) -> tuple[int, int]:
    """Token hashes of ``data[start:end]``; returns how many were written to ``exact`` and to ``skeleton``.

    Runs of letters, digits and underscores, in small letters; ideographs, kana and hangul one by one; see
    :mod:`stillwatch.kernels._characters`. In the skeleton, a token with a digit is a slot, and so is everything from
    a quotation mark that does not follow a letter to the next mark of its kind; while it is open, marks of another
    kind are part of it, and what is found too long at a later mark is no quotation. Buffers hold 2/3 of the bytes + 2:
    a token takes a byte and a separator, an empty quotation takes two bytes. Adds to ``letters`` (9,) by script.
    """
    n_exact = n_skeleton = 0
    opened_at, opened_mark, opened_token = -1, np.int64(0), 0
    h, size, digits, latin = SEED, 0, np.int64(0), np.int64(0)
    at = start
    while at <= end:
        run_from = at
        at, h, counts = _ascii_run(data, at, end, h, TOKEN_MOST - size)  # most bytes of most logs pass here
        size += at - run_from
        latin += np.int64(counts & _LOW)
        digits |= np.int64(counts >> _32)
        cp, step, info = np.int64(0), 1, np.int64(0)  # the end is a separator
        if at < end:
            cp = np.int64(data[at])
            if cp >= 0x80:
                cp, step = decode(data, at, end)
            info = np.int64(INFO[cp] if cp < 0x10000 else astral(cp))
        kind = info & KIND_BITS
        if kind == RUN:
            if size < TOKEN_MOST:
                h = (h + np.uint64(FOLD[cp] if cp < 0x10000 else cp)) * ODD
            size += step
            digits |= info & DIGIT
            letters[info >> SCRIPT_SHIFT] += 1
        elif kind != DROPPED:
            after_letter = size > 0
            if after_letter:
                token = _token(h, size)
                exact[n_exact] = token
                skeleton[n_skeleton] = SLOT if digits else token
                n_exact += 1
                n_skeleton += 1
                h, size, digits = SEED, 0, np.int64(0)
            if kind == OWN:
                token = mix((SEED + np.uint64(FOLD[cp] if cp < 0x10000 else cp)) * ODD)
                exact[n_exact] = token
                skeleton[n_skeleton] = token
                n_exact += 1
                n_skeleton += 1
                letters[info >> SCRIPT_SHIFT] += 1
            elif info & QUOTE:
                if opened_at >= 0 and at - opened_at > QUOTATION_MOST:
                    opened_at = -1
                if opened_at < 0:
                    if not after_letter and cp != 0x201D:
                        opened_at, opened_token = at + step, n_skeleton
                        opened_mark = np.int64(0x201D) if cp == 0x201C else cp
                elif cp == opened_mark:
                    skeleton[opened_token] = SLOT
                    n_skeleton = opened_token + 1
                    opened_at = -1
        at += step
    letters[1] += latin
    return n_exact, n_skeleton
