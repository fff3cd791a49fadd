"""An account's place in a dispatcher's order tells it from one that has the same work and comes when it likes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stillwatch.campaigns.beat import MOST, kept_time, rhythm_ratio
from stillwatch.signals.population import DAY_US, Population
from tests.signals.synthetic import honest_population

QUEUE = 40
EACH = 8


def queue_and_others(seed: int) -> tuple[Population, np.ndarray[tuple[int], np.dtype[np.int32]]]:
    """Forty accounts of one round-robin queue, eight turns each, among an honest population; returns the forty."""
    honest = honest_population(seed)
    rng = np.random.default_rng(seed)
    busy = np.flatnonzero(honest.counts >= EACH).astype(np.int32)
    members = np.sort(rng.choice(busy, QUEUE, replace=False))
    keep = ~np.isin(honest.account, members)
    turns = np.tile(rng.permutation(members), EACH)
    times = np.linspace(0.2, 1.8, len(turns)) * DAY_US + rng.normal(0, 1e6, len(turns))
    account = np.concatenate([honest.account[keep], turns]).astype(np.int32)
    ts = np.concatenate([honest.ts[keep], times]).astype(np.int64)
    order = np.lexsort((account, ts))
    counts = np.bincount(account, minlength=honest.size).astype(np.int64)
    return replace(honest, account=account[order], ts=ts[order], counts=counts, cache={}), members


def test_who_has_a_place_in_the_order_is_told_from_who_has_none() -> None:
    for seed in (1, 2, 3):
        population, members = queue_and_others(seed)
        started = np.zeros(population.size, np.bool_)
        started[members[: QUEUE // 2]] = True
        beat = kept_time(population, None, started)
        ratio = rhythm_ratio(beat, started * 0.99, np.ones(population.size), np.ones(population.size, np.bool_))
        rest = members[QUEUE // 2 :]  # of the queue, but nobody said so
        others = np.setdiff1d(np.flatnonzero(population.counts >= EACH), members)
        assert np.median(ratio[rest]) > 1.0
        assert np.median(ratio[others]) < 0.0
        assert np.abs(ratio).max() <= MOST


def test_an_account_of_one_exchange_has_no_gaps_and_no_place() -> None:
    population, members = queue_and_others(4)
    started = np.isin(np.arange(population.size), members)
    beat = kept_time(population, None, started)
    once = population.counts == 1
    assert beat.gaps[once].sum() == 0.0
    assert beat.gaps[members].sum(axis=1).min() > 0.0
