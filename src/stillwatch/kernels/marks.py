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
    """Values met so far that may be common; arrays are longer than what is known and grow."""

    table: I32
    names: U64
    uses: I32
    accounts: I32
    """(…, least): the first different accounts of each value, -1 where fewer."""


def no_marks(least: int) -> Shared:
    """Nothing met yet; values count as shared from ``least`` accounts on."""
    return Shared(
        np.full(1 << 12, -1, np.int32),
        np.zeros(1 << 11, np.uint64),
        np.zeros(1 << 11, np.int32),
        np.full((1 << 11, least), -1, np.int32),
    )


@njit(cache=True, nogil=True)
def _grown(shared: Shared, known: int) -> Shared:
    size = 2 * len(shared.names)
    names, uses = np.zeros(size, np.uint64), np.zeros(size, np.int32)
    accounts = np.full((size, shared.accounts.shape[1]), -1, np.int32)
    names[:known], uses[:known], accounts[:known] = shared.names[:known], shared.uses[:known], shared.accounts[:known]
    table = np.full(2 * size, -1, np.int32)
    for k in range(known):
        slot = np.int64(mix(names[k])) & (len(table) - 1)
        while table[slot] >= 0:
            slot = (slot + 1) & (len(table) - 1)
        table[slot] = k
    return Shared(table, names, uses, accounts)


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
    least = shared.accounts.shape[1]
    for i in range(len(account)):
        if account[i] < 0:
            continue
        for j in range(offsets[i], offsets[i + 1]):
            value = values[j]
            at = ((value * SEED) >> np.uint64(20)) & mask
            if at < low or at >= high or slots[at] < least:
                continue
            slot = np.int64(mix(value)) & (len(shared.table) - 1)
            while shared.table[slot] >= 0 and shared.names[shared.table[slot]] != value:
                slot = (slot + 1) & (len(shared.table) - 1)
            code = int(shared.table[slot])
            if code < 0:
                if known == len(shared.names):
                    shared = _grown(shared, known)
                    slot = np.int64(mix(value)) & (len(shared.table) - 1)
                    while shared.table[slot] >= 0:
                        slot = (slot + 1) & (len(shared.table) - 1)
                code = known
                shared.table[slot] = code
                shared.names[code] = value
                known += 1
            shared.uses[code] += 1
            for k in range(least):
                if shared.accounts[code, k] == account[i]:
                    break
                if shared.accounts[code, k] < 0:
                    shared.accounts[code, k] = account[i]
                    break
    return shared, known


@njit(cache=True, nogil=True)
def table_of(names: U64) -> I32:
    """An open-addressing table of distinct values' places (-1: free)."""
    size = 16
    while size < 2 * len(names):
        size *= 2
    table = np.full(size, -1, np.int32)
    for k in range(len(names)):
        slot = np.int64(mix(names[k])) & (size - 1)
        while table[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        table[slot] = k
    return table


@njit(cache=True, nogil=True)
def code_marks(
    offsets: I64, values: U64, account: I32, slots: U8, least: int, names: U64, table: I32
) -> tuple[I32, I32]:
    """Places of each row's values among ``names`` (others left out; rows without an account have none). Returns
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
            slot = np.int64(mix(value)) & (len(table) - 1)
            while table[slot] >= 0 and names[table[slot]] != value:
                slot = (slot + 1) & (len(table) - 1)
            if table[slot] >= 0:
                codes[written] = table[slot]
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


class Neighbours(NamedTuple):
    """How often two values follow each other in a row: an open-addressing table, key 0 free."""

    keys: U64
    counts: I32


def no_neighbours() -> Neighbours:
    """None yet."""
    return Neighbours(np.zeros(1 << 12, np.uint64), np.zeros(1 << 12, np.int32))


@njit(cache=True, nogil=True)
def _slot(keys: U64, key: np.uint64) -> np.int64:
    slot = np.int64(mix(key)) & (len(keys) - 1)
    while keys[slot] != np.uint64(0) and keys[slot] != key:
        slot = (slot + 1) & (len(keys) - 1)
    return slot


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
    slots: U8,
    least: int,
    part: int,
    parts: int,
    found: Neighbours,
    known: int,
) -> tuple[Neighbours, int]:
    """Count the same pairs one by one, those that may be there ``least`` times; of one part of the slots."""
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
                at_slot = ((key * SEED) >> np.uint64(20)) & mask
                if low <= at_slot < high and slots[at_slot] >= least:
                    slot = _slot(found.keys, key)
                    if found.keys[slot] == np.uint64(0):
                        found.keys[slot] = key
                        known += 1
                    found.counts[slot] += 1
                    if 2 * known > len(found.keys):
                        keys = np.zeros(2 * len(found.keys), np.uint64)
                        counts = np.zeros(2 * len(found.keys), np.int32)
                        for k in range(len(found.keys)):
                            if found.keys[k] != np.uint64(0):
                                moved = _slot(keys, found.keys[k])
                                keys[moved] = found.keys[k]
                                counts[moved] = found.counts[k]
                        found = Neighbours(keys, counts)
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
