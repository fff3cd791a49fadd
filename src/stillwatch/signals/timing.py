"""Timing: one dispatcher behind many accounts (dispatch order, common mode, no human rhythm)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from stillwatch.domain.verdict import Family
from stillwatch.kernels.groups import co_activity
from stillwatch.kernels.rhythm import rhythm, short_returns
from stillwatch.signals.base import Group, Verdict
from stillwatch.signals.nulls import combine_minimum, group_seed, matched_groups, tail_p
from stillwatch.signals.population import DAY_US, Population, csr

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

BIN_US = 1_800_000_000
MOST_EVENTS = 40_000
SHUFFLES = 40
LEAST_MEMBERS = 8


class Reference(NamedTuple):
    """Every account's own rhythm and binned activity, computed once per log."""

    burst: F64
    spread: F64
    bins_ptr: I64
    bins: I32
    bin_counts: I32
    profile: F64
    window_us: int


def sequences(account: I32, ts: I64, rows: I64, members: I32) -> tuple[I64, I64]:
    """The members' events among ``rows``, grouped by member and ascending in time. Returns (ts, indptr)."""
    place = np.full(int(account.max(initial=0)) + 1, -1, np.int64)
    place[members] = np.arange(len(members))
    where = place[account[rows]]
    kept = rows[where >= 0]
    indptr, order = csr(where[where >= 0], len(members))
    return ts[kept][order], indptr


def activity(ts: I64, indptr: I64, start: int, n_bins: int) -> tuple[I64, I32, I32]:
    """Counts per half hour of each sequence, sparse."""
    owner = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    cells, counts = np.unique(owner * n_bins + (ts - start) // BIN_US, return_counts=True)
    ptr = np.zeros(len(indptr), np.int64)
    np.cumsum(np.bincount(cells // n_bins, minlength=len(indptr) - 1), out=ptr[1:])
    return ptr, (cells % n_bins).astype(np.int32), counts.astype(np.int32)


class TimingSignal:
    """Tests on a group's sub-stream.

    Null: given volume and channel, members keep the rhythm of accounts drawn at random, are active independently of
    each other given the population's daily profile, and their order of appearance is exchangeable within a day.

    * ``no_sessions``: mean burstiness below that of matched accounts (people and most programs work in sessions).
    * ``round_the_clock``: hours of the day used, above matched accounts.
    * ``common_mode``: co-activity beyond the shared daily profile.
    * ``dispatch_order``: short returns to one account below shuffled labels (round robin, least loaded).

    The first three are calibrated by matched pseudo-groups, the last by label permutation within days with a normal
    tail (honest users' sessions push it the other way, so it is cautious).
    """

    family = Family.TIMING
    null = (
        "given volume and channel, members keep the rhythm of accounts drawn at random, are active independently of "
        "each other given the daily profile, and appear in exchangeable order"
    )
    source = "label permutation within days and common-mode over-dispersion (own derivation); matched permutation"
    evades = "random dispatch through accounts that each imitate a person's sessions and sleep"

    def available(self, population: Population) -> bool:
        """Times are required, so always."""
        return True

    def judge(self, population: Population, group: Group, *, seed: int, draws: int) -> Verdict:
        """Monte-Carlo and permutation tests as the class states; effect is the lack of sessions, 0…1."""
        members = group.accounts[population.representative[group.accounts]]
        tied = np.zeros(len(group.accounts))
        if len(members) < LEAST_MEMBERS:
            return Verdict(1.0, 0.0, 0.0, "", tied)
        reference = _reference(population)
        ts, indptr = sequences(population.account, population.ts, group.rows, members)
        held = np.diff(indptr)
        burst, spread = rhythm(ts, indptr, _window(ts, reference.window_us))
        stratum = _strata(population)
        own = stratum.copy()
        own[members] = _cell(held, stratum[members])
        flat, offsets = matched_groups(population, members, stratum=own, seed=seed, draws=draws)
        size = offsets[1]
        names: list[str] = []
        observed: list[float] = []
        nulls: list[F64] = []
        for name, sign, mine, theirs in (
            ("no_sessions", -1.0, burst, reference.burst),
            ("round_the_clock", 1.0, spread, reference.spread),
        ):
            drawn = theirs[flat].reshape(draws, size)
            if np.isfinite(mine).sum() >= LEAST_MEMBERS and np.isfinite(drawn).sum(axis=1).min() >= LEAST_MEMBERS:
                names.append(name)
                observed.append(sign * float(np.nanmean(mine)))
                nulls.append(sign * np.nanmean(drawn, axis=1))
        n_bins = len(reference.profile)
        if n_bins >= 12:
            ptr, bins, counts = activity(ts, indptr, int(population.ts[0]), n_bins)
            everyone = np.arange(len(members), dtype=np.int32)
            one = np.array([0, len(members)], np.int64)
            names.append("common_mode")
            observed.append(float(co_activity(everyone, one, ptr, bins, counts, reference.profile)[0]))
            nulls.append(
                co_activity(flat, offsets, reference.bins_ptr, reference.bins, reference.bin_counts, reference.profile)
            )
        p_values = [tail_p(o, n, least_scale=1e-9 + float(n.std()) / 3) for o, n in zip(observed, nulls, strict=True)]
        effects = {name: _effect(name, o, n) for name, o, n in zip(names, observed, nulls, strict=True)}
        p, strict = combine_minimum(np.array(p_values), np.array(nulls)) if names else (1.0, 0.0)
        z = dispatch_order(population, group.rows, members, seed=seed)
        p_order = float(stats.norm.cdf(z)) if np.isfinite(z) else 1.0
        if np.isfinite(z):
            effects["dispatch_order"] = min(1.0, max(0.0, -z / 10))
        p = min(1.0, 2 * min(p, p_order)) if p_order < p else p
        channel = "dispatch_order" if p_order < min(p_values, default=1.0) else names[int(np.argmin(p_values))]
        statistic = z if channel == "dispatch_order" else observed[names.index(channel)]
        calm = np.zeros(population.size)
        calm[members] = np.where(np.isfinite(burst), burst < 0.25, held < 2)
        tied = calm[group.accounts] * (p <= 0.01)
        return Verdict(
            max(p, 1e-300), statistic, max(effects.values(), default=0.0), channel, tied, p_strict=min(strict, p)
        )


def dispatch_order(population: Population, rows: I64, members: I32, *, seed: int) -> float:
    """z of short returns in the members' joint sequence against within-day shuffles; NaN without power."""
    place = np.full(population.size, -1, np.int32)
    place[members] = np.arange(len(members), dtype=np.int32)
    labels = place[population.account[rows]]
    kept = rows[labels >= 0][:MOST_EVENTS]
    labels = place[population.account[kept]]
    if len(labels) < 2 * len(members):
        return float("nan")
    day = population.ts[kept] // DAY_US
    breaks = np.concatenate([[0], np.flatnonzero(np.diff(day)) + 1, [len(day)]]).astype(np.int64)
    reach = max(1, len(members) // 4)
    seen, mean, deviation = short_returns(labels, breaks, reach, SHUFFLES, group_seed(members, seed) & 0x7FFFFFFF)
    if mean < 10 or deviation == 0:
        return float("nan")
    return float((seen - mean) / max(deviation, np.sqrt(mean) / 2))


def _window(ts: I64, whole: int) -> int:
    """The span in which the group was active, at least six hours (an hour's class is not a machine)."""
    low, high = np.quantile(ts, [0.01, 0.99]) if len(ts) else (0.0, 0.0)
    return int(min(max(high - low, DAY_US / 4), whole))


def _effect(name: str, observed: float, null: F64) -> float:
    typical = float(np.median(null))
    if name == "no_sessions":
        return float(np.clip(1 - observed / typical, 0, 1)) if typical < 0 else 0.0
    if name == "round_the_clock":
        return float(np.clip((observed - typical) / max(1 - typical, 0.05), 0, 1))
    return float(np.clip((observed - typical) / max(abs(typical), 1e-9) / 2, 0, 1))


def _cell(counts: I64, stratum: I32) -> I32:
    volume = np.minimum(np.floor(np.log2(np.maximum(counts, 1))), 9).astype(np.int32)
    return (volume + 16 * (stratum // 16)).astype(np.int32)


def _strata(population: Population) -> I32:
    """Volume class by the account's main channel: what is called by programs is compared with programs."""
    cached: Any = population.cache.get("timing_strata")
    if cached is None:
        _, channel = np.unique(population.columns["channel"], return_inverse=True)
        n_channels = int(channel.max()) + 1
        cells, counts = np.unique(population.account.astype(np.int64) * n_channels + channel, return_counts=True)
        order = np.lexsort((counts, cells // n_channels))
        main = np.zeros(population.size, np.int32)
        main[(cells // n_channels)[order]] = (cells % n_channels)[order]
        cached = _cell(population.counts, 16 * main)
        population.cache["timing_strata"] = cached
    out: I32 = cached
    return out


def _reference(population: Population) -> Reference:
    cached: Any = population.cache.get("timing_reference")
    if cached is None:
        start, end = int(population.ts[0]), int(population.ts[-1])
        window = max(end - start, 1)
        everyone = np.arange(population.size, dtype=np.int32)
        ts, indptr = sequences(population.account, population.ts, np.arange(len(population.ts)), everyone)
        burst, spread = rhythm(ts, indptr, window)
        n_bins = (end - start) // BIN_US + 1
        ptr, bins, counts = activity(ts, indptr, start, n_bins)
        weight = np.zeros(n_bins)
        np.add.at(weight, bins, np.sqrt(counts))
        cached = Reference(burst, spread, ptr, bins, counts, weight / weight.sum(), window)
        population.cache["timing_reference"] = cached
    out: Reference = cached
    return out


SIGNAL = TimingSignal()


def prepare(population: Population) -> None:
    """Compute the references before threads share them."""
    _reference(population)
    _strata(population)


def calmness(population: Population, group: Group) -> float:
    """A cheap look: by how much the sub-stream lacks the sessions of accounts of the same volume, 0…1 (no null)."""
    reference = _reference(population)
    usual: Any = population.cache.get("timing_usual")
    if usual is None:
        cell = _cell(population.counts, np.zeros(population.size, np.int32))
        usual = np.array(
            [np.nanmean(np.append(reference.burst[(cell == c) & np.isfinite(reference.burst)], 0.5)) for c in range(10)]
        )
        population.cache["timing_usual"] = usual
    members = group.accounts[population.representative[group.accounts]]
    ts, indptr = sequences(population.account, population.ts, group.rows, members)
    if len(members) < LEAST_MEMBERS or not len(ts):
        return 0.0
    burst, _ = rhythm(ts, indptr, _window(ts, reference.window_us))
    known = np.isfinite(burst)
    if known.sum() < LEAST_MEMBERS:
        return 0.0
    typical = float(usual[_cell(np.diff(indptr), np.zeros(len(members), np.int32))[known]].mean())
    return float(np.clip(1 - burst[known].mean() / max(typical, 1e-9), 0, 1))
