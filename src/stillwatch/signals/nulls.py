"""Nulls and p-values: matched pseudo-groups of honest accounts, and tails that do not promise too much."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.kernels.groups import draw_matched
from stillwatch.signals.population import Population

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


LEAST_CELL = 24
"""Accounts in a cell of the matching, at least."""


def group_seed(accounts: I32, seed: int) -> int:
    """A seed that depends on who is in the group, not on when it is looked at."""
    mixed = np.uint64(seed * 2 + 1)
    with np.errstate(over="ignore"):
        body = (accounts.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= np.bitwise_xor.reduce(body ^ (body >> np.uint64(29)))
    return int(mixed >> np.uint64(2))


def matched_groups(population: Population, accounts: I32, *, stratum: I32, seed: int, draws: int) -> tuple[I32, I64]:
    """Pseudo-groups of the same size whose members come from the same strata. Returns (flat members, offsets).

    The pool holds representatives. Neighbouring strata (numbered so that neighbours are alike) are joined from the top
    into cells of at least two dozen, whatever the group: cells that gave way to the group's own members would draw less
    busy accounts just where it holds a busy one, and p-values would be too small. A group that needs most of a cell is
    drawn from it and the next; a remainder that finds no room joins the last. Pools do not overlap, so no account is
    drawn twice into one group.
    """
    eligible, names, ends = _pool(population, stratum)
    wanted = sorted(stratum[accounts].tolist(), reverse=True)
    offsets: list[int] = [0]
    needs: list[int] = []
    at = need = 0
    for name, end in zip(names, ends, strict=True):
        while at < len(wanted) and wanted[at] >= name:
            need += 1
            at += 1
        if need == 0:
            # nobody of the group is like these: they are no null for it, unless a later need has to reach back
            if len(offsets) == len(needs) + 1 and offsets[-1] != end:
                offsets.append(end)
                needs.append(0)
        elif end - offsets[-1] >= need + need // 2 + 8:
            offsets.append(end)
            needs.append(need)
            need = 0
    need += len(wanted) - at
    if need:
        while needs and len(eligible) - offsets[-1] < need + 20:
            need += needs.pop()
            offsets.pop()
        offsets.append(len(eligible))
        needs.append(min(need, len(eligible)))
    elif offsets[-1] != len(eligible):
        offsets.append(len(eligible))
        needs.append(0)
    flat = draw_matched(
        eligible, np.array(offsets, np.int64), np.array(needs, np.int64), draws, group_seed(accounts, seed)
    )
    return flat, np.arange(draws + 1, dtype=np.int64) * sum(needs)


def _pool(population: Population, stratum: I32) -> tuple[I32, list[int], list[int]]:
    """Representatives ordered by stratum from the top, the lowest stratum of each cell, and where the cell ends."""
    key = ("pool", id(stratum))
    if key not in population.cache:
        eligible = np.flatnonzero(population.representative).astype(np.int32)
        strata = stratum[eligible]
        order = np.argsort(strata, kind="stable")[::-1]
        found, start = np.unique(-strata[order], return_index=True)
        names: list[int] = []
        ends: list[int] = []
        for name, end in zip((-found).tolist(), [*start[1:].tolist(), len(strata)], strict=True):
            if ends and ends[-1] - (ends[-2] if len(ends) > 1 else 0) < LEAST_CELL:
                names[-1], ends[-1] = name, end
            else:
                names.append(name)
                ends.append(end)
        if len(ends) > 1 and ends[-1] - ends[-2] < LEAST_CELL:
            names[-2:], ends[-2:] = names[-1:], ends[-1:]
        # the stratum is kept with its pool, so that its id stays its own
        population.cache[key] = (eligible[order], names, ends, stratum)
    kept = population.cache[key]
    return kept[0], kept[1], kept[2]


def rank_p(observed: float, null: F64) -> float:
    """Monte-Carlo p-value (1+#{null ≥ observed})/(B+1) (Davison & Hinkley 1997, §4.2)."""
    return float((1 + np.count_nonzero(null >= observed)) / (len(null) + 1))


def tail_p(observed: float, null: F64, *, least_scale: float) -> float:
    """Monte-Carlo p-value, extrapolated beyond the draws by an exponential tail.

    The tail is fitted to the excesses over the 90 % quantile (a generalised Pareto tail of shape 0, Pickands 1975;
    heavier than the normal tail that sums of many small terms have, hence on the cautious side). ``least_scale``
    is the least scale that is believed, in units of the statistic.
    """
    p = rank_p(observed, null)
    if observed <= null.max(initial=-np.inf):
        return p
    threshold = float(np.quantile(null, 0.9))
    above = null[null > threshold] - threshold
    scale = max(float(above.mean()) if len(above) else 0.0, least_scale)
    return float(max(min(p, 0.1 * np.exp(-(observed - threshold) / scale)), 1e-300))


def combine_minimum(p_values: F64, observed: F64, null: F64) -> tuple[float, float]:
    """One p-value for several channels of a family: the smallest, corrected by the same draws.

    ``p_values`` and ``observed`` hold each channel's p-value and statistic (C,), ``null`` each draw's statistics
    (C, B), larger = more extreme. What was observed and the draws are ranked among each other alike: ranks that leave
    out the one for the other favour what was observed. Returns the family's p-value (Westfall & Young 1993, min-P;
    beyond the resolution of the draws the Šidák bound over channels) and the share of draws that are strictly more
    extreme.
    """
    channels, draws = null.shape
    ranks = np.empty_like(null)
    mine = 1.0
    for c in range(channels):
        order = np.sort(null[c])
        as_extreme = draws - np.searchsorted(order, null[c], side="left")
        ranks[c] = (as_extreme + (observed[c] >= null[c])) / (draws + 1)
        mine = min(mine, rank_p(float(observed[c]), null[c]))
    smallest = ranks.min(axis=0)
    best = float(p_values.min())
    by_rank = (1 + np.count_nonzero(smallest <= mine)) / (draws + 1)
    family = by_rank if best > 2 / (draws + 1) else min(by_rank, -np.expm1(channels * np.log1p(-min(best, 0.5))))
    strict = np.count_nonzero(smallest < mine) / (draws + 1)
    return float(max(family, 1e-300)), float(min(strict, family))
