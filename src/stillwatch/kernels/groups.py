"""Compiled work on groups of accounts: how much they share beyond chance, and matched pseudo-groups."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from stillwatch.kernels.coding import grouped

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
B1 = npt.NDArray[np.bool_]
Small = npt.NDArray[np.unsignedinteger[Any]]


@njit(cache=True, nogil=True)
def held_by(accounts: I32, indptr: I64, values: I32) -> tuple[I64, I32]:
    """What some accounts hold: pairs of place among ``accounts`` and value, in their order."""
    total = 0
    for account in accounts:
        total += indptr[account + 1] - indptr[account]
    place, held = np.empty(total, np.int64), np.empty(total, np.int32)
    at = 0
    for i, account in enumerate(accounts):
        for j in range(indptr[account], indptr[account + 1]):
            place[at], held[at] = i, values[j]
            at += 1
    return place, held


@njit(cache=True, nogil=True)
def tied_members(
    members: I32,
    offsets: I64,
    holds: B1,
    indptr: I64,
    values: I32,
    frequency: I32,
    population: int,
    seen: I32,
    tie: F64,
) -> F64:
    """How many members of each group are tied to another member by a shared value, beyond chance.

    ``members`` with ``offsets`` lists G groups; ``holds`` tells who has the kind at all, ``indptr``/``values`` give
    each account's distinct values (those that nobody else holds may be left out: they tie nobody); ``frequency``
    counts accounts per value in a population of ``population`` accounts that have the kind at all.
    For a value seen x times in a group of k such members and y times among the others, k·y/(population - k) are
    expected; what exceeds that by two standard deviations and one, divided by x, is each holder's degree of tie; a
    member's tie is the largest over its values. Hubs thus count only for what the group shares beyond everybody.
    ``seen`` (per value) is zeros before and after, ``tie`` is room for as much. Returns (G,).
    """
    n_groups = len(offsets) - 1
    out = np.zeros(n_groups, np.float64)
    for g in range(n_groups):
        known = 0
        for i in range(offsets[g], offsets[g + 1]):
            account = members[i]
            if holds[account]:
                known += 1
            for j in range(indptr[account], indptr[account + 1]):
                seen[values[j]] += 1
        if known >= 2:
            total = 0.0
            for i in range(offsets[g], offsets[g + 1]):
                account = members[i]
                best = 0.0
                for j in range(indptr[account], indptr[account + 1]):
                    value = values[j]
                    x = seen[value]
                    if x >= 2:  # not done with yet
                        expected = known * max(frequency[value] - x, 0) / max(population - known, 1)
                        tie[value] = (x - 1.0 - expected - 2.0 * np.sqrt(expected)) / x
                        seen[value] = -1
                    if x != 1 and tie[value] > best:
                        best = tie[value]
                total += best
            out[g] = total
        for i in range(offsets[g], offsets[g + 1]):
            account = members[i]
            for j in range(indptr[account], indptr[account + 1]):
                seen[values[j]] = 0
    return out


@njit(cache=True, nogil=True)
def tie_degrees(
    members: I32, holds: B1, indptr: I64, values: I32, frequency: I32, population: int, seen: I32
) -> tuple[F64, I32]:
    """Per member of one group its tie (0…1) and the value that gives it (-1: none); see :func:`tied_members`."""
    degree = np.zeros(len(members), np.float64)
    by = np.full(len(members), -1, np.int32)
    known = 0
    for account in members:
        if holds[account]:
            known += 1
        for j in range(indptr[account], indptr[account + 1]):
            seen[values[j]] += 1
    for i, account in enumerate(members):
        for j in range(indptr[account], indptr[account + 1]):
            x = seen[values[j]]
            if x >= 2:
                expected = known * max(frequency[values[j]] - x, 0) / max(population - known, 1)
                excess = (x - 1.0 - expected - 2.0 * np.sqrt(expected)) / x
                if excess > degree[i]:
                    degree[i] = excess
                    by[i] = values[j]
    for account in members:
        for j in range(indptr[account], indptr[account + 1]):
            seen[values[j]] = 0
    return degree, by


@njit(cache=True, nogil=True)
def _next(state: np.uint64) -> np.uint64:
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@njit(cache=True, nogil=True)
def draw_matched(pool: I32, pool_offsets: I64, need: I64, draws: int, seed: int) -> I32:
    """``draws`` pseudo-groups without replacement, ``need[h]`` accounts from stratum h each.

    Stratum h is ``pool[pool_offsets[h]:pool_offsets[h+1]]`` and holds at least ``need[h]`` accounts.
    Partial Fisher–Yates on a private copy, xorshift64 seeded by ``seed``. Returns (draws × sum(need),).
    """
    size = int(need.sum())
    out = np.empty(draws * size, np.int32)
    work = pool.copy()
    state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0xD1B54A32D192ED03)
    if state == np.uint64(0):
        state = np.uint64(1)
    for _ in range(8):
        state = _next(state)
    at = 0
    for _ in range(draws):
        for h in range(len(need)):
            low = pool_offsets[h]
            count = pool_offsets[h + 1] - low
            for i in range(need[h]):
                state = _next(state)
                pick = low + i + np.int64((state >> np.uint64(11)) % np.uint64(count - i))
                work[low + i], work[pick] = work[pick], work[low + i]
                out[at] = work[low + i]
                at += 1
    return out


class Activity(NamedTuple):
    """Every account's binned activity, in as few bytes as it takes: groups that are drawn at random are read all over.

    Its loads are the roots of the counts: one heavy account must not stand for a group.
    """

    indptr: I64
    bins: Small
    """Bins of account a: ``bins[indptr[a]:indptr[a + 1]]``."""
    counts: Small
    """Events in each of ``bins``."""
    roots: F64
    """The root of every count."""
    total: F64
    """Sum of an account's loads (n,)."""
    events: I64
    """Sum of an account's counts (n,): of its squared loads."""


def damped(indptr: I64, bins: I32, counts: I32) -> Activity:
    """Activity from each account's counts per bin."""
    most = int(counts.max(initial=0))
    small = max(most, int(bins.max(initial=0))) < 1 << 16
    kind: type[np.unsignedinteger[Any]] = np.uint16 if small else np.uint32
    roots = np.sqrt(np.arange(most + 1, dtype=np.float64))
    total, events = _sums(indptr, counts, roots)
    return Activity(indptr, bins.astype(kind), counts.astype(kind), roots, total, events)


@njit(cache=True, nogil=True)
def _sums(indptr: I64, counts: I32, roots: F64) -> tuple[F64, I64]:
    n = len(indptr) - 1
    total, events = np.zeros(n), np.zeros(n, np.int64)
    for a in range(n):
        for j in range(indptr[a], indptr[a + 1]):
            total[a] += roots[counts[j]]
            events[a] += counts[j]
    return total, events


@njit(cache=True, nogil=True)
def co_activity(members: I32, offsets: I64, activity: Activity, profile: F64) -> F64:
    """Common-mode activity of each group: cross products of its members' binned counts against independence.

    ``profile`` is the population's share per bin. Returns Σ_{i≠j}Σ_t x_it x_jt over what the shared profile alone
    predicts (1 = independent given the profile).
    """
    n_groups = len(offsets) - 1
    out = np.ones(n_groups, np.float64)
    totals = np.zeros(len(profile), np.float64)
    base = (profile * profile).sum()
    for g in range(n_groups):
        totals[:] = 0.0
        own = 0
        everything = 0.0
        own_pairs = 0.0
        for i in range(offsets[g], offsets[g + 1]):
            account = members[i]
            for j in range(activity.indptr[account], activity.indptr[account + 1]):
                totals[activity.bins[j]] += activity.roots[activity.counts[j]]
            own += activity.events[account]
            everything += activity.total[account]
            own_pairs += activity.total[account] ** 2
        cross = (totals * totals).sum() - own
        predicted = base * (everything * everything - own_pairs)
        if predicted > 0:
            out[g] = cross / predicted
    return out


@njit(cache=True, nogil=True)
def agreeing_pairs(left: I32, right: I32, indptr: I64, values: I32, frequency: I32, limit: int) -> int:
    """How many pairs of accounts hold a common value that at most ``limit`` hold (values ascending per account)."""
    hits = 0
    for e in range(len(left)):
        i, j = indptr[left[e]], indptr[right[e]]
        while i < indptr[left[e] + 1] and j < indptr[right[e] + 1]:
            if values[i] < values[j]:
                i += 1
            elif values[i] > values[j]:
                j += 1
            else:
                if frequency[values[i]] <= limit:
                    hits += 1
                    break
                i += 1
                j += 1
    return hits


@njit(cache=True)
def union_find(n: int, left: I64, right: I64) -> I32:
    """Component number (the smallest member) of each of n nodes under the given edges. Returns (n,)."""
    parent = np.arange(n).astype(np.int32)
    for e in range(len(left)):
        a, b = left[e], right[e]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a < b:
            parent[b] = a
        elif b < a:
            parent[a] = b
    for i in range(n):
        a = i
        while parent[a] != a:
            a = parent[a]
        parent[i] = a
    return parent


@njit(cache=True, nogil=True)
def met_parts(account: I64, value: I64, part: I64, n_parts: int, n_values: int) -> I64:
    """(P, P): how many accounts of part j hold a value that an account of part i holds, from pairs (account, value)."""
    offsets, order = grouped(value, n_values)
    holding, ends = np.empty(len(value), np.int64), np.zeros(n_values + 1, np.int64)
    seen = np.full(n_parts, -1, np.int64)
    written = 0
    for v in range(n_values):  # the parts that hold each value
        for k in range(offsets[v], offsets[v + 1]):
            p = part[account[order[k]]]
            if seen[p] != v:
                seen[p] = v
                holding[written] = p
                written += 1
        ends[v + 1] = written
    out = np.zeros((n_parts, n_parts), np.int64)
    seen[:] = -1
    begin, mine = grouped(account, len(part))
    for a in range(len(part)):
        for k in range(begin[a], begin[a + 1]):
            v = value[mine[k]]
            for i in range(ends[v], ends[v + 1]):
                if seen[holding[i]] != a:
                    seen[holding[i]] = a
                    out[holding[i], part[a]] += 1
    return out
