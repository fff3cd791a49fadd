"""Fingerprints of a whole log, read in pieces: which ones accounts share, and which of those come together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from stillwatch.kernels._mix import SEED, mix

U8 = npt.NDArray[np.uint8]
U64 = npt.NDArray[np.uint64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
B1 = npt.NDArray[np.bool_]


@njit(cache=True, nogil=True)
def count_marks(values: U64, slots: U8, part: int, parts: int) -> None:
    """Count values by hashed slot (a power of two of them), up to 255: what is rare for its slot is rare.

    Only slots of one of ``parts`` equal parts: several may be worked on at a time."""
    mask = np.uint64(len(slots) - 1)
    low, high = np.uint64(len(slots) * part // parts), np.uint64(len(slots) * (part + 1) // parts)
    for i in range(len(values)):
        slot = ((values[i] * SEED) >> np.uint64(20)) & mask
        if low <= slot < high and slots[slot] < 255:
            slots[slot] += 1


class Shared(NamedTuple):
    """Values met so far that may be common; arrays are longer than what is known and grow.

    Nearly every look misses the processor's caches: for a value that is known to be shared, its place in the table is
    the only one.
    """

    table: U64
    """(…, 2): open addressing by hash; a value, and above its rows, below its code and 1 (0: free)."""
    first: I32
    """(…, least): the first different accounts of each value, -1 where fewer."""


_ROW = np.uint64(1 << 32)
_CODE = np.uint64((1 << 31) - 1)
_ENOUGH = np.uint64(1 << 31)
"""Set beside the code of a value that enough accounts have."""


def no_marks(least: int) -> Shared:
    """Nothing met yet; values count as shared from ``least`` accounts on."""
    return Shared(np.zeros((1 << 12, 2), np.uint64), np.full((1 << 11, least), -1, np.int32))


def shared_marks(met: Shared) -> tuple[U64, I64]:
    """The values that enough accounts have, and the rows of each."""
    entries = met.table[(met.table[:, 1] & _ENOUGH) > 0]
    return entries[:, 0], (entries[:, 1] >> np.uint64(32)).astype(np.int64)


@njit(cache=True, nogil=True, inline="always")
def _place(table: U64, value: np.uint64) -> np.int64:
    """Where a value stands in a table, or is to stand."""
    slot = np.int64(mix(value)) & (len(table) - 1)
    while table[slot, 1] != np.uint64(0) and table[slot, 0] != value:
        slot = (slot + 1) & (len(table) - 1)
    return slot


@njit(cache=True, nogil=True)
def _grown(shared: Shared, known: int) -> Shared:
    size = 2 * len(shared.first)
    first = np.full((size, shared.first.shape[1]), -1, np.int32)
    first[:known] = shared.first[:known]
    table = np.zeros((2 * size, 2), np.uint64)
    for old in range(len(shared.table)):
        if shared.table[old, 1] != np.uint64(0):
            table[_place(table, shared.table[old, 0])] = shared.table[old]
    return Shared(table, first)


@njit(cache=True, nogil=True)
def note_marks(
    offsets: I64, values: U64, account: I32, slots: U8, part: int, parts: int, shared: Shared, known: int
) -> tuple[Shared, int]:
    """Count the rows and note the first accounts of values that may be common enough, those of one part of the slots.

    Row i has ``values[offsets[i]:offsets[i + 1]]``, distinct, and belongs to ``account[i]`` (-1: left out). Returns
    what is known now.
    """
    mask = np.uint64(len(slots) - 1)
    low, high = np.uint64(len(slots) * part // parts), np.uint64(len(slots) * (part + 1) // parts)
    least = shared.first.shape[1]
    for i in range(len(account)):
        if account[i] < 0:
            continue
        for j in range(offsets[i], offsets[i + 1]):
            value = values[j]
            at = ((value * SEED) >> np.uint64(20)) & mask
            if at < low or at >= high or slots[at] < least:
                continue
            slot = _place(shared.table, value)
            about = shared.table[slot, 1] + _ROW
            if about & _ENOUGH:
                shared.table[slot, 1] = about
                continue
            if about == _ROW:
                if known == len(shared.first):
                    shared = _grown(shared, known)
                    slot = _place(shared.table, value)
                known += 1
                shared.table[slot, 0] = value
                about += np.uint64(known)
            code = np.int64(about & _CODE) - 1
            for k in range(least):
                if shared.first[code, k] == account[i]:
                    break
                if shared.first[code, k] < 0:
                    shared.first[code, k] = account[i]
                    if k == least - 1:
                        about |= _ENOUGH
                    break
            shared.table[slot, 1] = about
    return shared, known


@njit(cache=True, nogil=True)
def table_of(names: U64) -> U64:
    """A table, as in :class:`Shared`, of distinct values' places."""
    size = 16
    while size < 2 * len(names):
        size *= 2
    table = np.zeros((size, 2), np.uint64)
    for k in range(len(names)):
        slot = _place(table, names[k])
        table[slot, 0], table[slot, 1] = names[k], np.uint64(k + 1)
    return table


@njit(cache=True, nogil=True)
def code_marks(offsets: I64, values: U64, account: I32, slots: U8, least: int, table: U64) -> tuple[I32, I32]:
    """Places of each row's values in a table (others left out; rows without an account have none). Returns
    (lengths, places)."""
    mask = np.uint64(len(slots) - 1)
    lengths = np.zeros(len(account), np.int32)
    codes = np.empty(len(values), np.int32)
    written = 0
    for i in range(len(account)):
        if account[i] < 0:
            continue
        for j in range(offsets[i], offsets[i + 1]):
            value = values[j]
            if slots[((value * SEED) >> np.uint64(20)) & mask] < least:
                continue
            code = table[_place(table, value), 1]
            if code > np.uint64(0):
                codes[written] = np.int64(code) - 1
                written += 1
                lengths[i] += 1
    return lengths, codes[:written].copy()


@njit(cache=True, nogil=True)
def note_accounts(lengths: I32, codes: I32, account: I32, which: I32, seen: B1) -> None:
    """Note in ``seen`` (values × accounts) who has the values of number ``which[code]`` (-1: not looked at)."""
    at = 0
    for i in range(len(lengths)):
        for j in range(at, at + lengths[i]):
            if which[codes[j]] >= 0:
                seen[which[codes[j]], account[i]] = True
        at += lengths[i]


def no_neighbours() -> U64:
    """None yet: an open-addressing table of pairs (…, 2), a pair's key and how often it was met (0: free)."""
    return np.zeros((1 << 12, 2), np.uint64)


@njit(cache=True, nogil=True, inline="always")
def _key(one: np.int32, other: np.int32) -> np.uint64:
    return (np.uint64(min(one, other)) << np.uint64(32)) | np.uint64(max(one, other))


@njit(cache=True, nogil=True)
def count_pairs(lengths: I32, codes: I32, place: I32, slots: U8, part: int, parts: int) -> None:
    """Count pairs of values next to each other by hashed slot (a power of two of them), up to 255; values out of place
    (``place[code]`` -1) are not there at all. Only slots of one of ``parts`` equal parts."""
    mask = np.uint64(len(slots) - 1)
    low, high = np.uint64(len(slots) * part // parts), np.uint64(len(slots) * (part + 1) // parts)
    at = 0
    for i in range(len(lengths)):
        before = np.int32(-1)
        for j in range(at, at + lengths[i]):
            here = place[codes[j]]
            if here < 0:
                continue
            if before >= 0:
                slot = ((_key(before, here) * SEED) >> np.uint64(20)) & mask
                if low <= slot < high and slots[slot] < 255:
                    slots[slot] += 1
            before = here
        at += lengths[i]


@njit(cache=True, nogil=True)
def count_neighbours(
    lengths: I32,
    codes: I32,
    place: I32,
    uses: I64,
    slots: U8,
    share: float,
    part: int,
    parts: int,
    found: U64,
    known: int,
) -> tuple[U64, int]:
    """Count the same pairs one by one, those that may be in a ``share`` of the ``uses`` of the commoner value; of one
    part of the slots."""
    mask = np.uint64(len(slots) - 1)
    low, high = np.uint64(len(slots) * part // parts), np.uint64(len(slots) * (part + 1) // parts)
    at = 0
    for i in range(len(lengths)):
        before = np.int32(-1)
        for j in range(at, at + lengths[i]):
            here = place[codes[j]]
            if here < 0:
                continue
            if before >= 0:
                key = _key(before, here)
                counted = ((key * SEED) >> np.uint64(20)) & mask
                # as many as fell on its slot, at the most
                if low <= counted < high and slots[counted] >= min(255.0, share * max(uses[before], uses[here])):
                    slot = _place(found, key)
                    if found[slot, 1] == np.uint64(0):
                        found[slot, 0] = key
                        known += 1
                    found[slot, 1] += np.uint64(1)
                    if 2 * known > len(found):
                        larger = np.zeros((2 * len(found), 2), np.uint64)
                        for k in range(len(found)):
                            if found[k, 1] != np.uint64(0):
                                larger[_place(larger, found[k, 0])] = found[k]
                        found = larger
            before = here
        at += lengths[i]
    return found, known


@njit(cache=True, nogil=True)
def covered(lengths: I32, codes: I32, place: I32, component: I32, blocks: I32, coverage: float) -> tuple[I32, I32]:
    """Rows (places in ``lengths``) that hold at least a share of a component's values. Returns rows, components."""
    rows, found = np.empty(len(codes), np.int32), np.empty(len(codes), np.int32)
    seen = np.zeros(len(blocks), np.int32)
    written = 0
    at = 0
    for i in range(len(lengths)):
        for j in range(at, at + lengths[i]):
            if place[codes[j]] >= 0:
                seen[component[place[codes[j]]]] += 1
        for j in range(at, at + lengths[i]):
            if place[codes[j]] >= 0:
                c = component[place[codes[j]]]
                if seen[c] > 0 and seen[c] >= coverage * blocks[c]:
                    rows[written], found[written] = i, c
                    written += 1
                seen[c] = 0
        at += lengths[i]
    return rows[:written].copy(), found[:written].copy()


@njit(cache=True, nogil=True)
def pick_accounts(
    lengths: I32, codes: I32, account: I32, low: int, high: int, first: int, rows: I32, picked: I32, at: int
) -> int:
    """Put the codes of accounts from ``low`` to below ``high`` into ``picked`` and their rows, which are numbered from
    ``first``, into ``rows``, from place ``at`` on. Returns where they end."""
    j = 0
    for i in range(len(lengths)):
        if low <= account[i] < high:
            for k in range(j, j + lengths[i]):
                rows[at], picked[at] = first + i, codes[k]
                at += 1
        j += lengths[i]
    return at


@njit(cache=True, nogil=True)
def recurring(codes: I32, offsets: I64, order: I32, totals: I64, seen: I32, share: float) -> B1:
    """Which codes stand in at least a ``share`` of the rows of their account.

    Account a has ``codes[order[offsets[a]:offsets[a + 1]]]``, each once per row, and ``totals[a]`` rows; ``seen`` (per
    code) is zeros before and after.
    """
    out = np.zeros(len(codes), np.bool_)
    for a in range(len(offsets) - 1):
        for i in range(offsets[a], offsets[a + 1]):
            seen[codes[order[i]]] += 1
        for i in range(offsets[a], offsets[a + 1]):
            out[order[i]] = seen[codes[order[i]]] >= share * totals[a]
        for i in range(offsets[a], offsets[a + 1]):
            seen[codes[order[i]]] = 0
    return out
