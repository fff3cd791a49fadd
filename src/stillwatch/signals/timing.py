"""Timing: one dispatcher behind many accounts (dispatch order, common mode, no human rhythm)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from stillwatch.domain.verdict import Family
from stillwatch.kernels.groups import Activity, co_activity, damped
from stillwatch.kernels.rhythm import binned, events_of, first_events, rhythm, short_returns
from stillwatch.signals.base import Group, Verdict
from stillwatch.signals.nulls import combine_minimum, group_seed, matched_groups, tail_p
from stillwatch.signals.population import DAY_US, Population, dense

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

BIN_US = 1_800_000_000
MOST_EVENTS = 40_000
SHUFFLES = 40
ORDER_SHARE = 0.02
"""Of the family's error that the order of dispatch may spend (weighted Bonferroni, Genovese, Roeder & Wasserman 2006):
little, for where there is an order its p-value is far smaller than that costs."""
LOOK_EVENTS = 6_000
LOOK_SHUFFLES = 3
LOOK_ORDER = -4.0
LEAST_MEMBERS = 8
FAR_ABOVE = 5
LEAST_SHARE = 0.2
"""A sub-stream that is less of an account's traffic says nothing of its rhythm: any thinned stream looks calm."""


class Reference(NamedTuple):
    """Every account's own rhythm and binned activity, computed once per log."""

    burst: F64
    calm: F64
    activity: Activity
    profile: F64
    window_us: int


def sequences(population: Population, rows: I32, members: I32) -> tuple[I64, I64]:
    """The members' events among ``rows``, grouped by member and ascending in time. Returns (ts, indptr)."""
    out: tuple[I64, I64] = events_of(
        rows, population.account, population.ts, _places(population, members), len(members)
    )
    return out


def _places(population: Population, members: I32) -> I32:
    """Each account's place among the members; -1 for the others (n,)."""
    place = np.full(population.size, -1, np.int32)
    place[members] = np.arange(len(members), dtype=np.int32)
    return place


def activity(ts: I64, indptr: I64, start: int) -> Activity:
    """Counts per half hour of each sequence, damped."""
    out: Activity = damped(*binned(ts, indptr, start, BIN_US))
    return out


class TimingSignal:
    """Tests on a group's sub-stream.

    Null: given volume and channel, members keep the rhythm of accounts drawn at random, are as unequal in volume and
    active independently of each other given the daily profile, and their order of appearance is exchangeable in a day.

    * ``one_dispatcher``: no sessions *and* equal loads, the smaller of both standardised departures. A person, a
      program and a product's back end each lack one of the two; a queue that is dealt out has both.
    * ``common_mode``: co-activity beyond the shared daily profile (a class has it too: never enough alone).
    * ``dispatch_order``: short returns to the same account below those of shuffled labels (round robin, least loaded).

    The first two are calibrated by matched pseudo-groups and need a sub-stream that is much of its accounts' traffic;
    the last by label permutation within days with a normal tail (honest users' sessions push it the other way, so it
    is cautious), which holds for any sub-stream.
    """

    family = Family.TIMING
    null = (
        "given volume and channel, members keep the rhythm of accounts drawn at random, differ as much in volume, are "
        "active independently of each other given the daily profile, and appear in exchangeable order"
    )
    source = "label permutation within days, common-mode and load dispersion (own derivation); matched permutation"
    evades = "random dispatch through accounts of unequal load that each imitate a person's sessions and sleep"

    def available(self, population: Population) -> bool:
        """Times are required, so always."""
        return True

    def judge(self, population: Population, group: Group, *, seed: int, draws: int) -> Verdict:
        """Monte-Carlo and permutation tests as the class states; effect is how far the evidence goes, 0…1."""
        everybody = group.accounts[population.representative[group.accounts]]
        if len(everybody) < LEAST_MEMBERS:
            return Verdict(1.0, 0.0, 0.0, "", np.zeros(len(group.accounts)))
        ts, indptr = sequences(population, group.rows, everybody)
        held, members = np.diff(indptr), everybody
        some = _substantial(population, held, members)
        shapes = np.count_nonzero(some) >= max(LEAST_MEMBERS, len(everybody) // 2)
        if shapes and not some.all():
            ts, indptr = ts[np.repeat(some, held)], np.concatenate([[0], np.cumsum(held[some])])
            held, members = held[some], everybody[some]
        reference = _reference(population)
        burst, _ = rhythm(ts, indptr, _window(ts, reference.window_us))
        calm = _calm_score(population, burst, held)
        flat, offsets = matched_groups(population, members, stratum=_channel(population), seed=seed, draws=draws)
        size = int(offsets[1])
        channels: dict[str, tuple[float, F64, float]] = {}
        if shapes and np.isfinite(calm).sum() >= max(LEAST_MEMBERS, len(members) // 2):
            theirs = reference.calm[flat].reshape(draws, size)
            known = np.isfinite(theirs)
            # as for the group itself: the mean over those that show a rhythm
            theirs = np.where(known, theirs, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
            evenness = equal_load(population.counts[flat].reshape(draws, size))
            even = float(equal_load(held))
            z_calm = (float(np.nanmean(calm)) - theirs.mean()) / max(theirs.std(), 1e-9)
            z_even = (even - evenness.mean()) / max(evenness.std(), 1e-9)
            null = np.minimum(
                (theirs - theirs.mean()) / max(theirs.std(), 1e-9),
                (evenness - evenness.mean()) / max(evenness.std(), 1e-9),
            )
            # equal loads alone are material only when they are nearly those of a queue
            effect = min(float(np.nanmean(calm)), even) / 1.2
            channels["one_dispatcher"] = (float(min(z_calm, z_even)), null, effect)
        if shapes and len(reference.profile) >= 12:
            everyone, one = np.arange(len(members), dtype=np.int32), np.array([0, len(members)], np.int64)
            mine = activity(ts, indptr, int(population.ts[0]))
            seen = float(co_activity(everyone, one, mine, reference.profile)[0])
            usual = co_activity(flat, offsets, reference.activity, reference.profile)
            channels["common_mode"] = (seen, usual, (seen / max(float(np.median(usual)), 1e-9) - 1) / 4)
        names = list(channels)
        p_values = [tail_p(o, n, least_scale=1e-9 + float(n.std()) / 3) for o, n, _ in channels.values()]
        p, strict = (
            combine_minimum(
                np.array(p_values),
                np.array([o for o, _, _ in channels.values()]),
                np.array([n for _, n, _ in channels.values()]),
            )
            if names
            else (1.0, 0.0)
        )
        best = names[int(np.argmin(p_values))] if names else ""
        if "one_dispatcher" in names and p_values[names.index("one_dispatcher")] <= 1e-4:
            best = "one_dispatcher"
        statistic, effect = (channels[best][0], channels[best][2]) if best else (0.0, 0.0)
        z = dispatch_order(population, group.rows, members, held, seed=seed)
        p_order = float(special.ndtr(z)) if np.isfinite(z) else 1.0
        p, strict, p_order = min(1.0, p / (1 - ORDER_SHARE)), strict / (1 - ORDER_SHARE), p_order / ORDER_SHARE
        if p_order < p:
            p = p_order
            best, statistic, effect = "dispatch_order", z, -z / 12
        still = np.zeros(population.size)
        still[members] = np.where(np.isfinite(calm), np.nan_to_num(calm) > 0, held < 2)
        tied = still[group.accounts] * (p <= 0.001)
        return Verdict(max(p, 1e-300), statistic, float(np.clip(effect, 0, 1)), best, tied, p_strict=min(strict, p))


def _substantial(population: Population, held: I64, members: I32) -> npt.NDArray[np.bool_]:
    """Members whose exchanges in the sub-stream are enough of theirs."""
    out: npt.NDArray[np.bool_] = held >= LEAST_SHARE * population.counts[members]
    return out


def equal_load(counts: I64) -> F64:
    """How equal the volumes (…, n) are: −log of the relative variance beyond Poisson noise, with a floor of 0.1."""
    mean = counts.mean(axis=-1)
    spread = counts.var(axis=-1, ddof=1) if counts.shape[-1] > 1 else mean + mean * mean
    out: F64 = -np.log(np.maximum((spread - mean) / np.maximum(mean * mean, 1e-9), 0.0) + 0.1)
    return out


def dispatch_order(
    population: Population,
    rows: I32,
    members: I32,
    held: I64,
    *,
    seed: int,
    events: int = MOST_EVENTS,
    shuffles: int = SHUFFLES,
) -> float:
    """z of short returns in the members' joint sequence against within-day shuffles; NaN without power.

    ``held`` has each member's exchanges among ``rows``. Members with over five times the median volume are left out:
    their own stream would drown the others' order. Only the first ``events`` exchanges are looked at.
    """
    members = members[held <= FAR_ABOVE * np.median(held[held > 0])] if held.any() else members
    kept, labels = first_events(rows, population.account, _places(population, members), events)
    if len(labels) < 2 * len(members):
        return float("nan")
    day = population.ts[kept] // DAY_US
    breaks = np.concatenate([[0], np.flatnonzero(np.diff(day)) + 1, [len(day)]]).astype(np.int64)
    reach = max(1, len(members) // 4)
    seen, mean, deviation = short_returns(labels, breaks, reach, shuffles, group_seed(members, seed) & 0x7FFFFFFF)
    if mean < 10:
        return float("nan")
    return float((seen - mean) / max(deviation, np.sqrt(mean) / 2))


def _window(ts: I64, whole: int) -> int:
    """The span in which the group was active, at least six hours (an hour's class is not a machine)."""
    low, high = np.quantile(ts, [0.01, 0.99]) if len(ts) else (0.0, 0.0)
    return int(min(max(high - low, DAY_US / 4), whole))


def _cell(counts: I64) -> I32:
    return np.minimum(np.floor(np.log2(np.maximum(counts, 1))), 9).astype(np.int32)


def _channel(population: Population) -> I32:
    """Each account's main channel: what is called by programs is compared with programs."""
    cached: Any = population.cache.get("main_channel")
    if cached is None:
        names, channel = dense(population.columns["channel"])
        n_channels = len(names)
        held = np.bincount(population.account.astype(np.int64) * n_channels + channel)
        cells = np.flatnonzero(held)
        counts = held[cells]
        order = np.lexsort((counts, cells // n_channels))
        cached = np.zeros(population.size, np.int32)
        cached[(cells // n_channels)[order]] = (cells % n_channels)[order]
        population.cache["main_channel"] = cached
    out: I32 = cached
    return out


def _calm_score(population: Population, burst: F64, held: I64) -> F64:
    """Normal score of the lack of bursts among all accounts of the same volume class; NaN where unknown."""
    table: Any = population.cache.get("calm_table")
    if table is None:
        reference = population.cache["timing_burst"]
        cell = _cell(population.counts)
        use = np.isfinite(reference) & population.representative
        table = [np.sort(reference[use & (np.abs(cell - c) <= 1)]) for c in range(10)]
        population.cache["calm_table"] = table
    out = np.full(len(burst), np.nan)
    cell = _cell(held)
    for c in range(10):
        at = np.flatnonzero((cell == c) & np.isfinite(burst))
        if len(at) and len(table[c]) >= 20:
            low = np.searchsorted(table[c], burst[at], side="left")
            high = np.searchsorted(table[c], burst[at], side="right")
            out[at] = -special.ndtri(np.clip((low + high + 1) / 2 / (len(table[c]) + 1), 0.005, 0.995))
    return out


def _reference(population: Population) -> Reference:
    cached: Any = population.cache.get("timing_reference")
    if cached is None:
        start, end = int(population.ts[0]), int(population.ts[-1])
        window = max(end - start, 1)
        indptr, order = population.by_account
        ts = population.ts[order]
        burst, _ = rhythm(ts, indptr, window)
        population.cache["timing_burst"] = burst
        calm = _calm_score(population, burst, population.counts)
        n_bins = (end - start) // BIN_US + 1
        everybody = activity(ts, indptr, start)
        weight = np.bincount(everybody.bins, weights=everybody.roots[everybody.counts], minlength=n_bins)
        cached = Reference(burst, calm, everybody, weight / weight.sum(), window)
        population.cache["timing_reference"] = cached
    out: Reference = cached
    return out


SIGNAL = TimingSignal()


def calm_members(population: Population, group: Group) -> F64:
    """Per account of a group the normal score of its lack of sessions in the sub-stream; NaN under six exchanges."""
    reference = _reference(population)
    ts, indptr = sequences(population, group.rows, group.accounts)
    held = np.diff(indptr)
    if not len(ts):
        return np.full(len(held), np.nan)
    burst, _ = rhythm(ts, indptr, _window(ts, reference.window_us))
    return np.where(held >= 6, _calm_score(population, burst, held), np.nan)


def prepare(population: Population) -> None:
    """Compute the references before threads share them."""
    _reference(population)
    _channel(population)


def look(population: Population, group: Group) -> float:
    """A cheap look without a null, 1 = worth a test: lack of sessions and equality of loads, or an orderly turn."""
    reference = _reference(population)
    everybody = group.accounts[population.representative[group.accounts]]
    if len(everybody) < LEAST_MEMBERS:
        return 0.0
    ts, indptr = sequences(population, group.rows, everybody)
    held = np.diff(indptr)
    z = dispatch_order(population, group.rows, everybody, held, seed=1, events=LOOK_EVENTS, shuffles=LOOK_SHUFFLES)
    if z <= LOOK_ORDER:
        return 1.0
    some = _substantial(population, held, everybody)
    if np.count_nonzero(some) < LEAST_MEMBERS:
        return 0.0
    ts, indptr = ts[np.repeat(some, held)], np.concatenate([[0], np.cumsum(held[some])])
    burst, _ = rhythm(ts, indptr, _window(ts, reference.window_us))
    calm = _calm_score(population, burst, np.diff(indptr))
    if np.isfinite(calm).sum() < LEAST_MEMBERS:
        return 0.0
    return float(np.clip(min(float(np.nanmean(calm)), float(equal_load(np.diff(indptr)))) / 1.2 / 0.3, 0, 1))
