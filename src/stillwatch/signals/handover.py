"""Derived continuity rows: a request that failed on one account and goes on at another; references used elsewhere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.kernels.coding import moved_on, repeated_codes, rows_by_value

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

WITHIN_US = 2 * 3_600_000_000
COMMON_PREFIX = 12


class Moves(NamedTuple):
    """Pairs (from exchange, to exchange) in which work moved from one account to another."""

    source: I64
    target: I64


def failovers(prefix: U64, account: I32, ts: I64, failed: npt.NDArray[np.bool_]) -> Moves:
    """The same conversation prefix at another account within two hours after an exchange that ``failed``: a refusal,
    403 or 429. Rows are in order of time.

    Prefixes that more than a dozen accounts send (benchmarks, viral prompts) say nothing and are left out.
    """
    codes, names = repeated_codes(prefix)
    offsets, order = rows_by_value(codes, np.arange(len(names), dtype=np.int32), len(names))
    moves = moved_on(offsets, order, account, ts, failed, WITHIN_US, COMMON_PREFIX).astype(np.int64)
    return Moves(moves[:, 0], moves[:, 1])


def replays(issued: U64, presented: U64, account: I32) -> Moves:
    """A reasoning reference presented by an account that it was not issued to."""
    made = np.flatnonzero(issued != 0)
    used = np.flatnonzero(presented != 0)
    if not len(made) or not len(used):
        return Moves(np.zeros(0, np.int64), np.zeros(0, np.int64))
    order = made[np.argsort(issued[made], kind="stable")]
    names = issued[order]
    place = np.minimum(np.searchsorted(names, presented[used]), len(names) - 1)
    hit = (names[place] == presented[used]) & (account[order[place]] != account[used])
    return Moves(order[place[hit]], used[hit])


def as_holdings(moves: Moves, account: I32, tag: int) -> tuple[I64, U64, I64]:
    """Rows (account, value, exchange): both ends of a move hold the value "this pair of accounts"."""
    if not len(moves.source):
        return np.zeros(0, np.int64), np.zeros(0, np.uint64), np.zeros(0, np.int64)
    a, b = account[moves.source].astype(np.uint64), account[moves.target].astype(np.uint64)
    pair = (np.minimum(a, b) << np.uint64(32) | np.maximum(a, b)) ^ (np.uint64(tag) << np.uint64(60))
    accounts = np.concatenate([account[moves.source], account[moves.target]]).astype(np.int64)
    return accounts, np.concatenate([pair, pair]) + np.uint64(1), np.concatenate([moves.source, moves.target])
