"""Look-alikes that are one account each: resellers, benchmarks, batch jobs, agent swarms. Never an accusation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.detect import Found
from stillwatch.campaigns.traits import named, repeated_share
from stillwatch.kernels.rhythm import own_clock
from stillwatch.signals.population import Population
from stillwatch.signals.timing import sequences

I32 = npt.NDArray[np.int32]
MANY_USERS = 20
BUSY = 200


def single_accounts(population: Population, found: Sequence[Found]) -> dict[str, I32]:
    """Kind → accounts, for accounts that no group with a verdict holds."""
    n = population.size
    free = np.ones(n, np.bool_)
    for f in found:
        free[f.group.accounts] = False
    users = np.diff(population.kinds["end_user"].indptr)
    reseller = users >= MANY_USERS
    everyone = np.arange(n, dtype=np.int32)
    ts, indptr = sequences(population.account, population.ts, np.arange(len(population.ts)), everyone)
    clock = np.nan_to_num(own_clock(ts, indptr))
    repeated = repeated_share(population)
    fixed = _largest_share(population, "system_skeleton", "skeleton")
    hours = np.bincount(
        np.unique(population.account.astype(np.int64) * 24 + (population.ts // 3_600_000_000) % 24) // 24, minlength=n
    )
    batch = (population.counts >= BUSY) & (fixed >= 0.8)
    red = np.isin(population.table["programme"], named("security-research", "red-team", "safety-research"))
    kinds = {
        "aggregator": reseller,
        "red-team": red,
        "benchmark": (repeated >= 0.6) & (population.counts >= 50),
        "cron": clock >= 0.7,
        "batch": batch & (hours >= 18),
    }
    out: dict[str, I32] = {}
    for kind, mask in kinds.items():
        out[kind] = np.flatnonzero(mask & free).astype(np.int32)
        free[out[kind]] = False
    return {kind: accounts for kind, accounts in out.items() if len(accounts)}


def _largest_share(population: Population, *columns: str) -> npt.NDArray[np.float64]:
    """Per account the share of its exchanges that carry its commonest value, the best over some columns."""
    n = population.size
    best = np.zeros(n)
    for column in columns:
        value, n_codes = population.codes(column)
        known = value != 0
        pairs, counts = np.unique(population.account[known] * np.int64(n_codes) + value[known], return_counts=True)
        top = np.zeros(n)
        np.maximum.at(top, pairs // n_codes, counts)
        best = np.maximum(best, top / population.counts)
    return best
