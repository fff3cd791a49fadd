"""Templates: the fixed parts that many accounts' requests share, found from fingerprints alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.engine import Columns, Threads
from stillwatch.kernels import marks
from stillwatch.kernels.coding import grouped
from stillwatch.kernels.groups import union_find

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

LEAST_ACCOUNTS = 6
HUGE_SHARE = 0.3
CO_OCCURRENCE = 0.5
COVERAGE = 0.5
LEAST_BLOCKS = 3
"""A shared part with fewer winnowing marks (about 25 tokens) is a phrase, not a template."""
HABIT = 0.01
"""A phrase is an account's own from this share of its exchanges: who sends thousands has said everything."""
_ROWS = 131_072
"""Rows at a time."""
_PAIRS = 1 << 23
"""Phrases of accounts that are looked at together."""
_MOST_SLOTS = 1 << 30
_CODED, _PHRASES = "coded_fingerprints", "phrases"


class Uses(NamedTuple):
    """(row, code) pairs, rows ascending, and a stable 64-bit name per code."""

    rows: I32
    codes: I32
    names: U64


class Templates(NamedTuple):
    """What exchanges have in common with those of others."""

    templates: Uses
    phrases: Uses
    huge: int
    """Fingerprints held by more than 30 % of all accounts: left out, and reported."""


def find_templates(columns: Columns, account: I32, row: I32, counts: I64, *, threads: int) -> Templates:
    """Fingerprints that at least six accounts share, joined into templates and phrases by adjacent co-occurrence.

    Two neighbouring shared fingerprints belong together when they follow each other in at least half of the
    exchanges that hold the commoner one. An exchange uses a template when it holds at least half of its
    fingerprints. Method: winnowing (Schleimer et al. 2003) for the marks; the joining is ours.

    ``columns`` has the fingerprints as lists; ``account`` and ``row`` say whose each exchange there is and what it is
    called (-1: it is left out); ``counts`` has the exchanges of each account. The fingerprints pass by a few times, a
    piece at a time; most are rare and stay behind after the first, which only counts them by their slot in a table.
    """
    with Threads(threads) as work:
        return _find(work, columns, account, row, counts)


def _find(work: Threads, columns: Columns, account: I32, row: I32, counts: I64) -> Templates:
    name, uses = _code(work, columns, account)
    huge = _huge(columns, account, uses > _most(len(counts)), len(counts))
    place = np.where(huge, -1, np.cumsum(~huge, dtype=np.int32) - 1).astype(np.int32)
    name, uses = name[~huge], uses[~huge]
    component = _join(work, columns, place, uses)
    blocks = np.bincount(component, minlength=len(name)).astype(np.int32)
    # A template's name must not depend on which other fingerprints the log holds: the smallest of its own.
    names = np.full(len(name), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(names, component, name)
    rows, templates = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]

    def covered(low: int, lengths: I32, codes: I32) -> tuple[int, int, I32, I32]:
        return low, len(lengths), *marks.covered(lengths, codes, place, component, blocks, COVERAGE)

    for low, n, at, found in work.in_order(partial(covered, *piece) for piece in _lists(columns, _CODED)):
        whole = blocks[found] >= LEAST_BLOCKS
        rows.append(low + at[whole])
        templates.append(found[whole])
        columns.extend_lists(_PHRASES, np.bincount(at[~whole], minlength=n), found[~whole])
    columns.drop(_CODED)
    phrases = _uses(*_recurring(work, columns, account, counts, len(name)), row, names)
    columns.drop(_PHRASES)
    return Templates(_uses(np.concatenate(rows), np.concatenate(templates), row, names), phrases, int(huge.sum()))


def _uses(at: I32, codes: I32, row: I32, names: U64) -> Uses:
    """Pairs of rows of the log and codes, by row, without the codes that nothing uses."""
    used = np.zeros(len(names), np.bool_)
    used[codes] = True
    codes, rows = (np.cumsum(used, dtype=np.int32) - 1)[codes], row[at]
    if (rows[1:] < rows[:-1]).any():
        order = np.argsort(rows, kind="stable")
        rows, codes = rows[order], codes[order]
    return Uses(rows, codes, names[used])


def _recurring(work: Threads, columns: Columns, account: I32, counts: I64, n_codes: int) -> tuple[I32, I32]:
    """Phrases that recur with their account, a bounded number of accounts at a time: places in the log and codes."""
    per_account = np.zeros(len(counts), np.int64)
    for low, lengths, _ in _lists(columns, _PHRASES):
        mine = account[low : low + len(lengths)]
        per_account += np.bincount(mine[mine >= 0], weights=lengths[mine >= 0], minlength=len(counts)).astype(np.int64)
    before = np.cumsum(per_account) - per_account
    turn = before // _PAIRS

    def some(first: int) -> tuple[I32, I32]:
        last = first + int(np.count_nonzero(turn == turn[first]))
        size = int(per_account[first:last].sum())
        at, code, filled = np.empty(size, np.int32), np.empty(size, np.int32), 0
        for low, lengths, found in _lists(columns, _PHRASES):
            mine = account[low : low + len(lengths)]
            filled = marks.pick_accounts(lengths, found, mine, first, last, low, at, code, filled)
        groups = grouped(account[at] - first, last - first)
        keep = marks.recurring(code, *groups, counts[first:last], np.zeros(n_codes, np.int32), HABIT)
        return at[keep], code[keep]

    turns = np.flatnonzero(np.diff(turn, prepend=-1)).tolist()
    found = list(work.in_order(partial(some, first) for first in turns))
    none = np.zeros(0, np.int32)
    return np.concatenate([none, *(at for at, _ in found)]), np.concatenate([none, *(code for _, code in found)])


def _most(n_accounts: int) -> float:
    return max(HUGE_SHARE * n_accounts, 50)


def _code(work: Threads, columns: Columns, account: I32) -> tuple[U64, I64]:
    """The fingerprints of enough accounts, ascending, and how many rows have each; their places here become a column of
    lists."""
    slots = _slots(columns, "fingerprints")
    for _, _, values in work.read_ahead(columns.lists("fingerprints", _ROWS)):
        work.by_part(marks.count_marks, (values, slots), [()] * work.count)
    shared = [(marks.no_marks(LEAST_ACCOUNTS), 0) for _ in range(work.count)]
    for low, offsets, values in work.read_ahead(columns.lists("fingerprints", _ROWS)):
        given = offsets, values, account[low : low + len(offsets) - 1], slots
        shared = work.by_part(marks.note_marks, given, shared)
    kept = [marks.shared_marks(met) for met, _ in shared]
    names, uses = np.concatenate([values for values, _ in kept]), np.concatenate([rows for _, rows in kept])
    del shared, kept
    order = np.argsort(names, kind="stable")
    names, uses = names[order], uses[order]
    table = marks.table_of(names)

    def coded(low: int, offsets: I64, values: U64) -> tuple[I32, I32]:
        mine = account[low : low + len(offsets) - 1]
        found: tuple[I32, I32] = marks.code_marks(offsets, values, mine, slots, LEAST_ACCOUNTS, table)
        return found

    for lengths, codes in work.in_order(partial(coded, *piece) for piece in columns.lists("fingerprints", _ROWS)):
        columns.extend_lists(_CODED, lengths, codes)
    return names, uses


def _slots(columns: Columns, name: str) -> npt.NDArray[np.uint8]:
    """A table to count the values of a column of lists in, or their pairs, by hash."""
    total = columns.list_values(name)
    return np.zeros(min(1 << max(10, (total // 2).bit_length()), _MOST_SLOTS), np.uint8)


def _lists(columns: Columns, name: str) -> Iterator[tuple[int, I32, I32]]:
    for low, offsets, codes in columns.lists(name, _ROWS):
        yield low, np.diff(offsets).astype(np.int32), codes


def _huge(columns: Columns, account: I32, maybe: npt.NDArray[np.bool_], n_accounts: int) -> npt.NDArray[np.bool_]:
    """Which fingerprints more than 30 % of the accounts hold, of those that are used that often."""
    candidates = np.flatnonzero(maybe)
    if not len(candidates):
        return maybe
    which = np.full(len(maybe), -1, np.int32)
    which[candidates] = np.arange(len(candidates))
    seen = np.zeros((len(candidates), n_accounts), np.bool_)
    for low, lengths, codes in _lists(columns, _CODED):
        marks.note_accounts(lengths, codes, account[low : low + len(lengths)], which, seen)
    out = np.zeros(len(maybe), np.bool_)
    out[candidates] = seen.sum(axis=1) > _most(n_accounts)
    return out


def _join(work: Threads, columns: Columns, place: I32, uses: I64) -> I32:
    """Component of each shared fingerprint under neighbours that mostly come together."""
    slots = _slots(columns, _CODED)
    for _, lengths, codes in work.read_ahead(_lists(columns, _CODED)):
        work.by_part(marks.count_pairs, (lengths, codes, place, slots), [()] * work.count)
    found = [(marks.no_neighbours(), 0) for _ in range(work.count)]
    for _, lengths, codes in work.read_ahead(_lists(columns, _CODED)):
        found = work.by_part(marks.count_neighbours, (lengths, codes, place, uses, slots, CO_OCCURRENCE), found)
    left, right = [], []
    for table, _ in found:
        keys, times = table[table[:, 1] > 0].T
        low, high = (keys >> np.uint64(32)).astype(np.int64), (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
        strong = times >= CO_OCCURRENCE * np.maximum(uses[low], uses[high])
        left.append(low[strong])
        right.append(high[strong])
    out: I32 = union_find(len(uses), np.concatenate(left), np.concatenate(right))
    return out
