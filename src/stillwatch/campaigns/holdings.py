"""Holdings that can make one account close to another, set apart once per log: membership goes over them many times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.signals.population import Population, Values

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]


class Shared(NamedTuple):
    """Of one kind: the holdings of values that several accounts hold (m,), ordered by account."""

    owner: I32
    value: I32
    own: F64
    """The owner's weight."""
    everybody: F64
    """Weight of all holders, per value."""


def shared_holdings(population: Population, v: Values, weight: F64, habit: float) -> Shared:
    """``weight`` is that of each account (n,); holdings that are less than ``habit`` of an account's exchanges are left
    out (0: none)."""
    key = ("shared holdings", v.name, habit)
    kept = population.cache.get(key)
    if kept is None or not np.array_equal(kept[0], weight):
        real = np.diff(v.holders_ptr)[v.values] > 1
        if habit > 0:
            real &= v.uses >= habit * population.counts[v.owner]
        owner, value = v.owner[real], v.values[real]
        own = weight[owner]
        everybody = np.bincount(value, weights=own, minlength=v.size).astype(np.float64)
        kept = population.cache[key] = (weight.copy(), Shared(owner, value, own, everybody))
    found: Shared = kept[1]
    return found


def largest(best: F64, owner: I32, score: F64) -> None:
    """Raise ``best`` (n,) to the largest score of each owner; ``owner`` is ascending."""
    if len(owner):
        first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        at = owner[first]
        best[at] = np.maximum(best[at], np.maximum.reduceat(score, first))
