"""Look-alikes that are one account each: resellers, benchmarks, batch jobs, agent swarms. Never an accusation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.detect import Found
from stillwatch.campaigns.traits import named, repeated_share
from stillwatch.kernels.coding import commonest, repeated_codes
from stillwatch.kernels.rhythm import hours_of_day, own_clock
from stillwatch.signals.population import Population

I32 = npt.NDArray[np.int32]
MANY_USERS = 20
BUSY = 200


def single_accounts(population: Population, found: Sequence[Found]) -> dict[str, I32]:
    """Kind → accounts, for accounts that no group with a verdict holds."""
    n = population.size
    free = np.ones(n, np.bool_)
    for f in found:
        free[f.group.accounts] = False
    users = population.kinds["end_user"].distinct
    reseller = users >= MANY_USERS
    offsets, order = population.by_account
    clock = np.nan_to_num(own_clock(population.ts[order], offsets))
    repeated = repeated_share(population)
    fixed = np.zeros(n)
    for column in ("system_skeleton", "skeleton"):
        codes, names = repeated_codes(population.columns[column])
        fixed = np.maximum(fixed, commonest(codes, offsets, order, len(names)) / population.counts)
    hours = hours_of_day(population.ts, offsets, order)
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
