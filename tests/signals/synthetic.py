"""A small honest population made of integers only: heavy-tailed volumes, sessions, hubs, families."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from stillwatch.signals.holdings import make_values
from stillwatch.signals.population import DAY_US, Population, representatives, strata

HOUR_US = DAY_US // 24


def honest_population(seed: int, accounts: int = 1200) -> Population:
    """Accounts with sessions in their own time zones, shared VPN exits, a few families, and common phrases."""
    rng = np.random.default_rng(seed)
    volume = np.maximum(rng.lognormal(1.5, 1.2, accounts).astype(int), 1)
    zone = rng.integers(0, 24, accounts)
    owner, times = [], []
    for a in range(accounts):
        left = int(volume[a])
        while left > 0:
            size = min(left, 1 + rng.poisson(4))
            start = rng.integers(0, 2) * DAY_US + ((zone[a] + rng.normal(0, 3)) % 24) * HOUR_US
            times.append(start + np.cumsum(rng.exponential(90e6, size)))
            owner += [a] * size
            left -= size
    ts = np.minimum(np.concatenate(times), 2 * DAY_US + 6 * HOUR_US).astype(np.int64)
    account = np.array(owner, np.int32)
    order = np.lexsort((account, ts))
    account, ts = account[order], ts[order]
    counts = np.bincount(account, minlength=accounts).astype(np.int64)
    created = np.where(rng.random(accounts) < 0.2, DAY_US - rng.integers(0, 20 * DAY_US, accounts), -200 * DAY_US)
    customer, representative = representatives(np.zeros(accounts, np.uint64), counts)
    everyone = np.arange(accounts)
    hub = rng.random(accounts) < 0.15
    address = np.where(hub, rng.integers(1, 12, accounts), 1000 + everyone)
    payment = 5000 + np.where(rng.random(accounts) < 0.1, everyone // 3, everyone + accounts)
    phrase = rng.zipf(1.3, len(ts)).clip(1, 4000)
    prefix = rng.integers(1, 3000, len(ts))
    kinds = {
        "address": make_values("address", everyone, address.astype(np.uint64), representative),
        "payment": make_values("payment", everyone, payment.astype(np.uint64), representative),
        "phrase": make_values("phrase", account, phrase.astype(np.uint64), representative, rows=np.arange(len(ts))),
        "failover": make_values("failover", account, prefix.astype(np.uint64), representative),
        "tactic": make_values("tactic", account, (rng.random(len(ts)) < 0.02).astype(np.uint64), representative),
    }
    return Population(
        account_ids=pa.array([f"a{i:05d}" for i in range(accounts)]),
        account=account,
        ts=ts,
        columns={"channel": np.ones(len(ts), np.uint64)},
        table={},
        counts=counts,
        first=np.zeros(accounts, np.int64),
        last=np.full(accounts, 2 * DAY_US),
        representative=representative,
        customer=customer,
        stratum=strata(counts, created, np.full(accounts, 2 * DAY_US)),
        kinds=kinds,
    )
