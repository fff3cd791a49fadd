"""From 64-bit hashes to dense codes, and from codes to who holds what. One pass each, no sorting, no object per row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from stillwatch.kernels._mix import SEED, combine_one, mix

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
B1 = npt.NDArray[np.bool_]

UNKNOWN, SINGLE = -1, -2
"""Codes of a row whose value is not known, and of one whose value no other row has."""
_BITS = 16
"""Bits of the first look at a column per row: a value that is alone is taken for one of several in one case in 16."""


@njit(cache=True, nogil=True)
def _seen_twice(raw: U64, once: U64, twice: U64) -> None:
    """Bits that at least one row, and at least two rows, fell on."""
    shift = np.uint64(64)
    size = np.uint64(len(once)) << np.uint64(6)
    while size > np.uint64(1):
        size >>= np.uint64(1)
        shift -= np.uint64(1)
    for i in range(len(raw)):
        if raw[i] != np.uint64(0):
            bit = (raw[i] * SEED) >> shift
            word, mask = bit >> np.uint64(6), np.uint64(1) << (bit & np.uint64(63))
            if once[word] & mask:
                twice[word] |= mask
            else:
                once[word] |= mask


@njit(cache=True, nogil=True)
def _code(raw: U64, twice: U64, out: I32) -> U64:
    """Number the values that may be repeated in the order in which they appear; returns them in that order."""
    shift = np.uint64(64)
    size = np.uint64(len(twice)) << np.uint64(6)
    while size > np.uint64(1):
        size >>= np.uint64(1)
        shift -= np.uint64(1)
    table = np.full(1 << 10, -1, np.int32)
    names = np.empty(1 << 9, np.uint64)
    known = 0
    last, last_code = np.uint64(0), np.int32(UNKNOWN)
    for i in range(len(raw)):
        value = raw[i]
        if value == last:
            out[i] = last_code
            continue
        bit = (value * SEED) >> shift
        if value == np.uint64(0):
            code = np.int32(UNKNOWN)
        elif not (twice[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1):
            code = np.int32(SINGLE)
        else:
            slot = np.int64(mix(value)) & (len(table) - 1)
            while table[slot] >= 0 and names[table[slot]] != value:
                slot = (slot + 1) & (len(table) - 1)
            code = table[slot]
            if code < 0:
                code = np.int32(known)
                table[slot] = code
                names[known] = value
                known += 1
                if known == len(names):
                    grown = np.empty(2 * len(names), np.uint64)
                    grown[:known] = names
                    names = grown
                    table = np.full(2 * len(table), -1, np.int32)
                    for k in range(known):
                        slot = np.int64(mix(names[k])) & (len(table) - 1)
                        while table[slot] >= 0:
                            slot = (slot + 1) & (len(table) - 1)
                        table[slot] = k
        out[i] = code
        last, last_code = value, code
    return names[:known].copy()


def repeated_codes(raw: U64) -> tuple[I32, U64]:
    """Code each of n rows' values in the order of their appearance. Returns (n,) codes and the values by code.

    ``UNKNOWN`` for raw 0, ``SINGLE`` for a value that no other row has (a few such get a code all the same). Room: a
    quarter byte per bit of the first look, 16 bits per row, and 16 bytes per repeated value.
    """
    words = 1 << max(4, (len(raw) * _BITS // 64).bit_length())
    once, twice = np.zeros(words, np.uint64), np.zeros(words, np.uint64)
    _seen_twice(raw, once, twice)
    del once
    out = np.empty(len(raw), np.int32)
    return out, _code(raw, twice, out)


class Held(NamedTuple):
    """Who holds which of the values that at least two accounts hold."""

    distinct: I32
    """Per account, how many values it holds, those that nobody else holds among them."""
    kept: I32
    """The code of each value, ascending; values are numbered by their place here."""
    holders: I32
    """Accounts per value."""
    indptr: I64
    values: I32
    """Values of account a, ascending: ``values[indptr[a]:indptr[a + 1]]``."""
    uses: I32
    """Rows of each of ``values``."""


@njit(cache=True, nogil=True)
def held_values(codes: I32, offsets: I64, order: I32, n_codes: int) -> Held:
    """Distinct values per account from coded rows; those of account a are ``order[offsets[a]:offsets[a + 1]]``."""
    n = len(offsets) - 1
    last = np.full(n_codes, -1, np.int32)
    count = np.zeros(n_codes, np.int32)
    distinct = np.zeros(n, np.int32)
    for a in range(n):
        for i in range(offsets[a], offsets[a + 1]):
            code = codes[order[i]]
            if code >= 0:
                if last[code] != a:
                    last[code] = a
                    count[code] += 1
                    distinct[a] += 1
            elif code == SINGLE:
                distinct[a] += 1
    place = np.full(n_codes, -1, np.int32)
    n_kept = 0
    n_pairs = 0
    for code in range(n_codes):
        if count[code] > 1:
            place[code] = n_kept
            n_kept += 1
            n_pairs += count[code]
    kept, holders = np.empty(n_kept, np.int32), np.empty(n_kept, np.int32)
    for code in range(n_codes):
        if place[code] >= 0:
            kept[place[code]] = code
            holders[place[code]] = count[code]
    indptr = np.zeros(n + 1, np.int64)
    values, uses = np.empty(n_pairs, np.int32), np.empty(n_pairs, np.int32)
    count[:] = 0
    at = 0
    for a in range(n):
        for i in range(offsets[a], offsets[a + 1]):
            code = codes[order[i]]
            if code >= 0 and place[code] >= 0:
                if count[code] == 0:
                    values[at] = code
                    at += 1
                count[code] += 1
        indptr[a + 1] = at
        values[indptr[a] : at].sort()
        for j in range(indptr[a], at):
            code = values[j]
            values[j] = place[code]
            uses[j] = count[code]
            count[code] = 0
    return Held(distinct, kept, holders, indptr, values, uses)


@njit(cache=True, nogil=True)
def rows_by_value(codes: I32, place: I32, n_values: int) -> tuple[I64, I32]:
    """Offsets (n_values+1) and the places in ``codes``, ascending, of each value; ``place`` numbers codes, -1: none."""
    offsets = np.zeros(n_values + 1, np.int64)
    for code in codes:
        if code >= 0 and place[code] >= 0:
            offsets[place[code] + 1] += 1
    for v in range(n_values):
        offsets[v + 1] += offsets[v]
    at = offsets[:-1].copy()
    rows = np.empty(offsets[n_values], np.int32)
    for i in range(len(codes)):
        if codes[i] >= 0 and place[codes[i]] >= 0:
            v = place[codes[i]]
            rows[at[v]] = i
            at[v] += 1
    return offsets, rows


@njit(cache=True, nogil=True)
def grouped(keys: I32 | I64, n: int) -> tuple[I64, I32]:
    """Offsets (n+1) and the stable order that groups ``keys`` (0…n-1): a counting sort, linear in both."""
    offsets = np.zeros(n + 1, np.int64)
    for key in keys:
        offsets[key + 1] += 1
    for i in range(n):
        offsets[i + 1] += offsets[i]
    at = offsets[:-1].copy()
    order = np.empty(len(keys), np.int32)
    for i in range(len(keys)):
        order[at[keys[i]]] = i
        at[keys[i]] += 1
    return offsets, order


@njit(cache=True, nogil=True)
def appearance(codes: I32, at: I32, n_codes: int) -> tuple[I64, U64]:
    """Per code the first place ``at`` which it appears, and a mark of all its places (repeats count)."""
    first = np.full(n_codes, np.iinfo(np.int64).max, np.int64)
    together = np.zeros(n_codes, np.uint64)
    for i in range(len(codes)):
        first[codes[i]] = min(first[codes[i]], np.int64(at[i]))
        together[codes[i]] += combine_one(np.uint64(at[i]))
    return first, together


@njit(cache=True, nogil=True)
def look_up(names: U64, raw: U64, out: I32) -> None:
    """The place of each raw value among ``names`` (distinct, all that occur)."""
    size = 16
    while size < 2 * len(names):
        size *= 2
    table = np.full(size, -1, np.int32)
    for k in range(len(names)):
        slot = np.int64(mix(names[k])) & (size - 1)
        while table[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        table[slot] = k
    for i in range(len(raw)):
        slot = np.int64(mix(raw[i])) & (size - 1)
        while names[table[slot]] != raw[i]:
            slot = (slot + 1) & (size - 1)
        out[i] = table[slot]


@njit(cache=True, nogil=True)
def order_ties(order: I32, ts: I64, key: U64) -> None:
    """Within equal times of a stable order by time, order by key; equal keys stay as they are."""
    low = 0
    n = len(order)
    while low < n:
        high = low + 1
        while high < n and ts[order[high]] == ts[order[low]]:
            high += 1
        if high - low > 1:
            picked = order[low:high].copy()
            keys = key[picked]
            order[low:high] = picked[np.argsort(keys, kind="mergesort")]
        low = high


@njit(cache=True, nogil=True)
def shared_rows(codes: I32, offsets: I64, order: I32, customer: I32, n_codes: int) -> I64:
    """Per account, how many of its rows have a value that a row of another customer has too."""
    n = len(offsets) - 1
    owner = np.full(n_codes, -1, np.int32)
    shared = np.zeros(n_codes, np.bool_)
    for a in range(n):
        for i in range(offsets[a], offsets[a + 1]):
            code = codes[order[i]]
            if code >= 0:
                shared[code] = shared[code] or (owner[code] >= 0 and owner[code] != customer[a])
                owner[code] = customer[a]
    out = np.zeros(n, np.int64)
    for a in range(n):
        for i in range(offsets[a], offsets[a + 1]):
            code = codes[order[i]]
            out[a] += code >= 0 and shared[code]
    return out


class Dealt(NamedTuple):
    """How the values of some rows lie with those who hold the rows."""

    distinct: int
    """Different values."""
    known: int
    """Rows whose value is known."""
    repeated: int
    """Rows whose value two or more have."""
    each: I64
    """Different values of everybody."""


@njit(cache=True, nogil=True)
def dealt(codes: I32, rows: I32, offsets: I64, order: I32, n_codes: int) -> Dealt:
    """Who has which values: the rows of everybody are ``rows[order[offsets[k]:offsets[k + 1]]]``."""
    last, holders = np.full(n_codes, -1, np.int32), np.zeros(n_codes, np.int32)
    each = np.zeros(len(offsets) - 1, np.int64)
    distinct = known = repeated = 0
    for k in range(len(each)):
        for i in range(offsets[k], offsets[k + 1]):
            code = codes[rows[order[i]]]
            known += code != UNKNOWN
            if code == SINGLE:
                distinct += 1
                each[k] += 1
            elif code >= 0 and last[code] != k:
                last[code] = k
                distinct += holders[code] == 0
                holders[code] += 1
                each[k] += 1
    for row in rows:
        repeated += codes[row] >= 0 and holders[codes[row]] >= 2
    return Dealt(distinct, known, repeated, each)


@njit(cache=True, nogil=True)
def commonest(codes: I32, offsets: I64, order: I32, n_codes: int) -> I64:
    """Per account, how many of its rows have its commonest value."""
    n = len(offsets) - 1
    seen = np.zeros(n_codes, np.int32)
    out = np.zeros(n, np.int64)
    for a in range(n):
        best = 0
        for i in range(offsets[a], offsets[a + 1]):
            code = codes[order[i]]
            if code >= 0:
                seen[code] += 1
                best = max(best, seen[code])
            elif code == SINGLE:
                best = max(best, 1)
        for i in range(offsets[a], offsets[a + 1]):
            if codes[order[i]] >= 0:
                seen[codes[order[i]]] = 0
        out[a] = best
    return out


@njit(cache=True, nogil=True)
def most_in_a_day(codes: I32, day: I32, offsets: I64, order: I32, n_codes: int) -> I32:
    """Per account, the most different values among its rows of one day (rows ascending in time); 0: none is known."""
    n = len(offsets) - 1
    stamp = np.full(n_codes, -1, np.int64)
    out = np.zeros(n, np.int32)
    turn = 0
    for a in range(n):
        here, today = 0, -1
        for i in range(offsets[a], offsets[a + 1]):
            row = order[i]
            if day[row] != today:
                today = day[row]
                turn += 1
                here = 0
            code = codes[row]
            if code == SINGLE or (code >= 0 and stamp[code] != turn):
                if code >= 0:
                    stamp[code] = turn
                here += 1
                out[a] = max(out[a], here)
    return out


@njit(cache=True, nogil=True)
def moved_on(offsets: I64, order: I32, account: I32, ts: I64, failed: B1, within: int, common: int) -> I32:
    """Consecutive rows of one value, the first failed, the second soon after and another account's.

    ``order`` groups rows by value, ascending in time; values of more than ``common`` accounts are left out. Returns
    pairs (moves × 2).
    """
    out = np.empty((len(order), 2), np.int32)
    written = 0
    seen = np.empty(common + 1, np.int32)
    for v in range(len(offsets) - 1):
        known = 0
        for i in range(offsets[v], offsets[v + 1]):
            mine = account[order[i]]
            new = True
            for k in range(known):
                new = new and seen[k] != mine
            if new:
                seen[known] = mine
                known += 1
                if known > common:
                    break
        if known > common:
            continue
        for i in range(offsets[v] + 1, offsets[v + 1]):
            before, after = order[i - 1], order[i]
            if failed[before] and account[before] != account[after] and ts[after] - ts[before] <= within:
                out[written, 0], out[written, 1] = before, after
                written += 1
    return out[:written].copy()
