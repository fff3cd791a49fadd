"""A campaign's pool of accounts: who works when, when items arrive, which account gets which."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stillwatch.lab import clock
from stillwatch.lab.clock import DAY, Floats, Ints
from stillwatch.lab.scenario import Campaign
from stillwatch.lab.world import PART, World


@dataclass(frozen=True)
class Seats:
    """A pool keeps its number of working accounts: seat by seat, a banned account is followed by a new one."""

    seat: Ints
    begin: Floats
    end: Floats


def seats(campaign: Campaign, days: float, rng: np.random.Generator) -> Seats:
    """Who sits where from when to when (days); bans hit at random, the successor works within hours."""
    rows: list[tuple[int, float, float]] = []
    rate = campaign.ban_rate or (0.04 if "T-HYDRA" in campaign.tactics else 0.0)
    for seat in range(campaign.accounts):
        at = -1.0
        while True:
            gone = max(at, campaign.start_day) + (rng.exponential(1 / rate) if rate > 0 else np.inf)
            purged = campaign.purge_day is not None and at < campaign.purge_day <= gone
            gone = campaign.purge_day if purged and campaign.purge_day is not None else gone
            rows.append((seat, at, gone))
            if gone >= days:
                break
            at = gone + (campaign.purge_pause if purged else 0.0) + float(rng.gamma(2, 1.5 / 24))
    table = np.array(rows)
    return Seats(table[:, 0].astype(np.int64), table[:, 1], table[:, 2])


STEP = 1 / 96
"""Grid of the job queue in days."""


def load(campaign: Campaign, world: World, begin: float, end: float) -> tuple[Floats, Floats]:
    """The job queue's rate over a grid of quarters of an hour: its days, and its weights (sum 1)."""
    rng = world.rng
    grid = np.arange(begin, end, STEP)
    weight = np.ones(len(grid))
    if campaign.working_hours:
        weight = clock.OFFICE[((grid * 24 + rng.integers(0, 24)) % 24).astype(int)]
    jobs = rng.lognormal(0, 1.0, len(grid) // 10 + 2) * (
        rng.random(len(grid) // 10 + 2) > 0.35 * campaign.job_modulation
    )
    weight = weight * (1 - campaign.job_modulation + campaign.job_modulation * jobs[np.arange(len(grid)) // 10])
    if campaign.slow_start > 0:
        weight = weight * np.clip((grid - begin) / campaign.slow_start, 0.03, 1)
    return grid, weight / weight.sum()


def queue(grid: Floats, weight: Floats, total: int, rng: np.random.Generator) -> Ints:
    """Sorted arrival times of ``total`` jobs."""
    cell = rng.choice(len(grid), total, p=weight / weight.sum())
    return np.sort(((grid[cell] + rng.random(total) * STEP) * DAY).astype(np.int64))


def stretches(weight: Floats, total: int, rng: np.random.Generator) -> list[tuple[slice, int]]:
    """The grid in stretches of about ``PART`` jobs: cells, and how many jobs arrive there."""
    if total <= PART:
        return [(slice(None), total)]
    block = (np.cumsum(weight) * total / PART).astype(np.int64)
    edges = [0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), len(weight)]
    cells = [slice(low, high) for low, high in pairwise(edges)]
    share = np.array([weight[c].sum() for c in cells])
    counts = rng.multinomial(total, share / share.sum()).tolist()
    return [(c, n) for c, n in zip(cells, counts, strict=True) if n]


def dispatch(campaign: Campaign, total: int, rng: np.random.Generator) -> Ints:
    """The seat that gets each item of the queue."""
    n = campaign.accounts
    weight = rng.lognormal(0, campaign.volume_dispersion, n)
    exact = weight / weight.sum() * total
    count = np.floor(exact + rng.random(n)).astype(np.int64)
    seat = np.repeat(np.arange(n), count)
    k = clock.run_sum(np.ones(len(seat)), count)
    per = count[seat]
    phase = (np.arange(n) / n)[seat]
    if campaign.dispatch == "round_robin":
        at = (k + phase + rng.normal(0, campaign.jitter, len(seat))) / per
    elif campaign.dispatch == "least_loaded":
        at = (k + rng.random(len(seat)) + rng.normal(0, campaign.jitter, len(seat))) / per
    elif campaign.dispatch == "sticky":
        run = rng.integers(5, 40, n)[seat]
        at = (k // run + rng.random(n)[seat] + (k % run) * 1e-4) * run / per
    else:
        at = rng.random(len(seat))
    order = seat[np.argsort(at, kind="stable")]
    return np.resize(order, total) if len(order) < total else order[:total]


def occupant(pool: Seats, seat: Ints, day: Floats) -> Ints:
    """The account on a seat at a time; -1 between a ban and its replacement."""
    order = np.lexsort((pool.begin, pool.seat))
    key = pool.seat[order] * 10_000.0 + pool.begin[order]
    found = order[np.searchsorted(key, seat * 10_000.0 + day, side="right") - 1]
    return np.where((pool.seat[found] == seat) & (day < pool.end[found]), found, -1)
