"""Derived continuity rows: a request that failed on one account and goes on at another; references used elsewhere."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

WITHIN_US = 2 * 3_600_000_000
COMMON_PREFIX = 12


class Moves(NamedTuple):
    """Pairs (from exchange, to exchange) in which work moved from one account to another."""

    source: I64
    target: I64


def failovers(
    prefix: U64, account: I32, ts: I64, status: npt.NDArray[np.int16], refused: npt.NDArray[np.bool_]
) -> Moves:
    """The same conversation prefix at another account within two hours after a refusal, 403 or 429.

    Prefixes that more than a dozen accounts send (benchmarks, viral prompts) say nothing and are left out.
    """
    at = np.flatnonzero(prefix != 0)
    order = at[np.lexsort((ts[at], prefix[at]))]
    same = prefix[order][1:] == prefix[order][:-1]
    runs = np.zeros(len(order), np.int64)
    if len(order):
        runs[1:] = np.cumsum(~same)
    pairs = np.unique(runs * (int(account.max(initial=0)) + 1) + account[order])
    spread = np.bincount(pairs // (int(account.max(initial=0)) + 1), minlength=1)
    failed = ((status == 403) | (status == 429) | refused)[order]
    before, after = order[:-1], order[1:]
    moved = (
        same
        & failed[:-1]
        & (account[before] != account[after])
        & (ts[after] - ts[before] <= WITHIN_US)
        & (spread[runs[1:]] <= COMMON_PREFIX)
    )
    return Moves(before[moved], after[moved])


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
