"""When requests arrive: people with sessions and sleep, scripts in bursts, products with their users' day, machines.

Every function returns ``who`` (position in the given arrays), ``ts`` (microseconds from the start of the world) and,
where there are sessions, a session number; in no particular order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stillwatch.lab.fitted import FITTED

DAY = 86_400_000_000
HOUR = 3_600_000_000
SECOND = 1_000_000
Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

WAKING = np.array([2, 1, 0.6, 0.4, 0.4, 0.7, 1.5, 3, 5, 7, 8, 8, 7, 7, 8, 8, 8, 7, 6.5, 7, 8, 8, 6, 4], dtype=float)
OFFICE = np.array([0.3, 0.2, 0.1, 0.1, 0.1, 0.3, 0.8, 2, 6, 10, 11, 10, 6, 9, 11, 11, 9, 6, 3, 2, 1.5, 1.2, 0.9, 0.5])
SEEN = 0.8
"""Chance that an account shows up at least once: logs show the active, not everybody who signed up."""


def _daily(rng: np.random.Generator, n: int, days: float, first_weekday: int, weekend: float) -> Floats:
    """Random days (whole numbers) with fewer on weekends."""
    whole = int(np.ceil(days))
    weight = np.array([weekend if (first_weekday + d) % 7 >= 5 else 1.0 for d in range(whole)])
    weight[-1] *= days - (whole - 1)
    return rng.choice(whole, n, p=weight / weight.sum()).astype(float)


def _times(
    rng: np.random.Generator, tz: Floats, days: float, weekday: int, profile: Floats, weekend: float, shift: Floats
) -> Floats:
    """Start times in hours from the start, following a local daily profile."""
    n = len(tz)
    hour = rng.choice(24, n, p=profile / profile.sum()) + rng.random(n) + shift - tz
    return _daily(rng, n, days, weekday, weekend) * 24 + hour % 24


def people(
    rng: np.random.Generator,
    rate: Floats,
    tz: Floats,
    days: float,
    *,
    weekday: int = 0,
    profile: Floats = WAKING,
    weekend: float = 0.7,
    length: float = 0.9,
    gap: tuple[float, float] = (FITTED["gap"]["person_mu"] + 0.6, FITTED["gap"]["person_sigma"]),
) -> tuple[Ints, Ints, Ints]:
    """Sessions with lognormal gaps; ``rate`` is requests per day, ``length`` the ln of the session size."""
    mean = float(np.exp(length + 0.9**2 / 2))
    sessions = rng.poisson(rate * days / mean * rng.gamma(4, 0.25, len(rate)))
    sessions = np.maximum(sessions, (rate > 0) & (rng.random(len(rate)) < SEEN))
    owner = np.repeat(np.arange(len(rate)), sessions)
    size = np.maximum(1, np.round(rng.lognormal(length, 0.9, len(owner)))).astype(np.int64)
    chronotype = rng.normal(0, 1.5, len(rate))[owner]
    start = _times(rng, tz[owner], days, weekday, profile, weekend, chronotype) * HOUR
    session = np.repeat(np.arange(len(owner)), size)
    gaps = rng.lognormal(gap[0], gap[1], len(session)) * SECOND
    return owner[session], (start[session] + run_sum(gaps, size)).astype(np.int64), session


def run_sum(values: Floats, size: Ints) -> Floats:
    """Cumulative sums inside consecutive runs, each beginning at zero; runs may be empty."""
    size = size[size > 0]
    if len(size) == 0:
        return values
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    total: Floats = np.cumsum(values)
    result: Floats = total - np.repeat(total[first], size)
    return result


def stream(
    rng: np.random.Generator,
    rate: Floats,
    tz: Floats,
    days: float,
    *,
    weekday: int = 0,
    profile: Floats = WAKING,
    weekend: float = 0.8,
) -> tuple[Ints, Ints]:
    """A product's requests: Poisson in its users' day."""
    count = rng.poisson(rate * days)
    who = np.repeat(np.arange(len(rate)), count)
    at = _times(rng, tz[who], days, weekday, profile, weekend, np.zeros(len(who)))
    return who, (at * HOUR).astype(np.int64)


def scripts(
    rng: np.random.Generator, rate: Floats, tz: Floats, days: float, *, weekday: int = 0
) -> tuple[Ints, Ints, Ints]:
    """A developer's runs: bursts of a heavy-tailed number of calls a few seconds apart, in working time."""
    return people(rng, rate, tz, days, weekday=weekday, profile=OFFICE + 0.5, weekend=0.4, length=1.9, gap=(1.2, 1.3))


def steady(rng: np.random.Generator, rate: Floats, days: float, cv: float = 0.4) -> tuple[Ints, Ints]:
    """A batch job day and night: renewal process with gamma gaps."""
    count = np.maximum(1, np.round(rate * days)).astype(np.int64)
    gaps = rng.gamma(1 / cv**2, cv**2, int(count.sum())) * np.repeat(days * DAY / count, count)
    return np.repeat(np.arange(len(rate)), count), (
        run_sum(gaps, count) + rng.random(int(count.sum())) * SECOND
    ).astype(np.int64)


def cron(rng: np.random.Generator, rate: Floats, days: float) -> tuple[Ints, Ints]:
    """A round clock: the same minute every 5 minutes to 6 hours, a few calls each time."""
    periods = np.array([5, 10, 15, 30, 60, 120, 360]) * 60.0
    period = periods[rng.integers(0, len(periods), len(rate))]
    ticks = np.maximum(1, (days * 86400 / period).astype(np.int64))
    each = np.maximum(1, np.round(rate * days / ticks)).astype(np.int64)
    who = np.repeat(np.arange(len(rate)), ticks)
    tick = (run_sum(np.ones(len(who)), ticks) * period[who] + rng.integers(0, 60, len(rate))[who] * 60) * SECOND
    row = np.repeat(np.arange(len(who)), each[who])
    return who[row], (tick[row] + rng.gamma(2, 1.2, len(row)) * SECOND).astype(np.int64)
