"""How accounts keep time in a group's sub-stream, and how much that says for being one of a dispatcher's accounts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.kernels.coding import grouped
from stillwatch.signals import timing
from stillwatch.signals.base import Group
from stillwatch.signals.population import Population

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

GAPS = np.array([-4.0, -3.0, -2.0, -1.0, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 1.0, 2.0])
"""Where gaps are cut: log2 of the group's exchanges between two of an account, over the group's size. Round robin has
its gaps around 0, least-loaded dispatch near it, chance is exponential, a session is far below."""
GAPS_OF_ONE = 8.0
"""An account's gaps depend on each other: more than these count as so many."""
SESSIONS_MOST, ORDER_MOST, MOST = 2.5, 3.0, 3.5
"""How much calm and volume, the order, and both together may say for or against one account."""
ELSEWHERE = 0.05
"""What accounts without the group's work count as a measure of those who have it."""
LEAST_MEMBERS = 8
PSEUDO = 0.5


class Beat(NamedTuple):
    """How every account keeps time among some exchanges."""

    calm: F64
    """Normal score of the lack of sessions (n,); NaN where unknown."""
    held: I64
    """Exchanges (n,)."""
    gaps: F64
    """Gaps between an account's own exchanges, measured in exchanges of the group, by size (n, len(GAPS) + 1)."""


def kept_time(population: Population, rows: I32 | None, members: Bools) -> Beat:
    """The beat of all accounts among exchanges that carry a group's work (None: all exchanges)."""
    everyone = np.arange(population.size, dtype=np.int32)
    if rows is not None:
        calm = timing.calm_members(population, Group(everyone, rows, frozenset(), False, ""))
        held = np.bincount(population.account[rows], minlength=population.size)
        return Beat(calm, held, _gaps(population, rows, members))
    rows = np.arange(len(population.ts), dtype=np.int32)
    if "calm_in_all" not in population.cache:
        group = Group(everyone, rows, frozenset(), False, "")
        population.cache["calm_in_all"] = timing.calm_members(population, group)
    return Beat(population.cache["calm_in_all"], population.counts, _gaps(population, rows, members))


def _gaps(population: Population, rows: I32, members: Bools) -> F64:
    account = population.account[rows]
    passed = np.cumsum(members[account])
    size = max(len(np.unique(account[members[account]])), 1)
    _, order = grouped(account, population.size)
    owner, place = account[order].astype(np.int64), passed[order]
    same = owner[1:] == owner[:-1]
    gap: I64 = (place[1:] - place[:-1])[same]
    cut = np.searchsorted(GAPS, np.log2((gap + 0.5) / size))
    cells = len(GAPS) + 1
    counts = np.bincount(owner[1:][same] * cells + cut, minlength=population.size * cells).reshape(-1, cells)
    return np.asarray(counts * np.minimum(1.0, GAPS_OF_ONE / np.maximum(counts.sum(axis=1, keepdims=True), 1)))


def rhythm_ratio(beat: Beat, p: F64, weight: F64, same_work: Bools) -> F64:
    """Log likelihood ratio (n,) of an account's beat under memberships ``p``.

    Members are around common amounts of calm and volume, and come back after like gaps. Others are as sessionless as
    everybody (a standard normal score); their volumes and gaps are those of the others who have the group's work.
    """
    others = (1 - p) * weight * np.where(same_work, 1.0, ELSEWHERE)
    order = _order_ratio(beat.gaps, p * weight, others)
    known = np.isfinite(beat.calm)
    if p[known].sum() < LEAST_MEMBERS:
        return order
    x, v = np.nan_to_num(beat.calm), np.log(np.maximum(beat.held, 1))
    mean, spread = _normal(x, p * weight * known)
    ratio = np.where(known, -((x - mean) ** 2) / (2 * spread**2) - np.log(spread) + x * x / 2, 0.0)
    some = beat.held > 0
    mine, theirs = _normal(v, p * weight * some), _normal(v, others * some)
    for sign, (middle, width) in ((1, mine), (-1, theirs)):
        ratio = ratio + np.where(some, sign * (-((v - middle) ** 2) / (2 * width**2) - np.log(width)), 0.0)
    out: F64 = np.clip(np.clip(ratio, -SESSIONS_MOST, SESSIONS_MOST) + order, -MOST, MOST)
    return out


def _order_ratio(gaps: F64, members: F64, others: F64) -> F64:
    # einsum, not BLAS: sums must not depend on how many cores share them
    inside, outside = np.einsum("i,ij->j", members, gaps), np.einsum("i,ij->j", others, gaps)
    both = inside + outside + 1e-6
    outside = outside + PSEUDO * both / both.sum()
    inside = inside + PSEUDO * outside / outside.sum()
    bins = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    ratio = np.einsum("ij,j->i", gaps, bins)
    out: F64 = np.clip(ratio, -ORDER_MOST, ORDER_MOST)
    return out


def _normal(x: F64, weight: F64) -> tuple[float, float]:
    """Weighted mean and deviation (at least 0.3)."""
    total = max(float(weight.sum()), 1e-9)
    mean = float((weight * x).sum()) / total
    return mean, max(float(np.sqrt((weight * (x - mean) ** 2).sum() / total)), 0.3)
