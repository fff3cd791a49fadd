"""Compiled rhythm of event sequences: sessions, quiet hours, dispatch order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


@njit(cache=True, nogil=True)
def rhythm(ts: I64, indptr: I64, window_us: int) -> tuple[F64, F64]:
    """Burstiness and spread over the day, per sequence.

    ``ts`` (µs, ascending within each sequence) with ``indptr``. Burstiness: share of gaps shorter than a tenth of
    ``window_us``/n (0.095 for memoryless arrivals, near 1 for sessions, 0 for a clock); NaN for fewer than two events.
    Spread: distinct hours of the day over the number expected of uniform arrivals; NaN for fewer than eight events.
    """
    n_seq = len(indptr) - 1
    burst = np.full(n_seq, np.nan)
    spread = np.full(n_seq, np.nan)
    hours = np.zeros(24, np.bool_)
    for s in range(n_seq):
        low, high = indptr[s], indptr[s + 1]
        n = high - low
        if n >= 2:
            limit = 0.1 * window_us / n
            short = 0
            for i in range(low + 1, high):
                if ts[i] - ts[i - 1] < limit:
                    short += 1
            burst[s] = short / (n - 1.0)
        if n >= 8:
            hours[:] = False
            for i in range(low, high):
                hours[(ts[i] // 3_600_000_000) % 24] = True
            spread[s] = hours.sum() / (24.0 * (1.0 - (1.0 - 1.0 / 24.0) ** n))
    return burst, spread


@njit(cache=True, nogil=True)
def events_of(rows: I32, account: I32, ts: I64, place: I32, n: int) -> tuple[I64, I64]:
    """Times of some rows (ascending), grouped by the ``place`` (0…n-1, below 0: left out) of their account. Returns
    times and offsets (n+1)."""
    indptr = np.zeros(n + 1, np.int64)
    for row in rows:
        if place[account[row]] >= 0:
            indptr[place[account[row]] + 1] += 1
    for i in range(n):
        indptr[i + 1] += indptr[i]
    at = indptr[:-1].copy()
    out = np.empty(indptr[n], np.int64)
    for row in rows:
        where = place[account[row]]
        if where >= 0:
            out[at[where]] = ts[row]
            at[where] += 1
    return out, indptr


@njit(cache=True, nogil=True)
def first_events(rows: I32, account: I32, place: I32, most: int) -> tuple[I32, I32]:
    """The first ``most`` of some rows whose account has a ``place`` (below 0: it has none). Returns rows, places."""
    kept, labels = np.empty(min(most, len(rows)), np.int32), np.empty(min(most, len(rows)), np.int32)
    n = 0
    for row in rows:
        if n == most:
            break
        if place[account[row]] >= 0:
            kept[n], labels[n] = row, place[account[row]]
            n += 1
    return kept[:n].copy(), labels[:n].copy()


@njit(cache=True, nogil=True)
def own_clock(ts: I64, indptr: I64) -> F64:
    """Share of gaps over 50 s that are whole minutes (±2 s), per sequence: a cron job's mark; NaN under 4 gaps."""
    n_seq = len(indptr) - 1
    out = np.full(n_seq, np.nan)
    for s in range(n_seq):
        gaps = 0
        whole = 0
        for i in range(indptr[s] + 1, indptr[s + 1]):
            gap = ts[i] - ts[i - 1]
            if gap >= 50_000_000:
                gaps += 1
                rest = gap % 60_000_000
                if rest <= 2_000_000 or rest >= 58_000_000:
                    whole += 1
        if gaps >= 4:
            out[s] = whole / gaps
    return out


@njit(cache=True, nogil=True)
def hours_of_day(ts: I64, offsets: I64, order: I32) -> I64:
    """How many hours of the day (UTC) each account's events fall in; those of account a are
    ``order[offsets[a]:offsets[a + 1]]``."""
    out = np.zeros(len(offsets) - 1, np.int64)
    for a in range(len(out)):
        seen = 0
        for i in range(offsets[a], offsets[a + 1]):
            seen |= 1 << ((ts[order[i]] // 3_600_000_000) % 24)
        while seen:
            out[a] += seen & 1
            seen >>= 1
    return out


@njit(cache=True, nogil=True)
def binned(ts: I64, indptr: I64, start: int, width: int) -> tuple[I64, I32, I32]:
    """Events per bin of ``width`` from ``start`` on, sparse, per sequence (ascending in time). Returns offsets, bins,
    counts."""
    ptr = np.zeros(len(indptr), np.int64)
    bins, counts = np.empty(len(ts), np.int32), np.empty(len(ts), np.int32)
    at = -1
    for s in range(len(indptr) - 1):
        before = -1
        for i in range(indptr[s], indptr[s + 1]):
            here = (ts[i] - start) // width
            if here != before:
                at += 1
                bins[at] = here
                counts[at] = 0
                before = here
            counts[at] += 1
        ptr[s + 1] = at + 1
    return ptr, bins[: at + 1].copy(), counts[: at + 1].copy()


@njit(cache=True, nogil=True)
def short_returns(labels: I32, days: I64, reach: int, shuffles: int, seed: int) -> tuple[float, float, float]:
    """How often an account comes back within ``reach`` positions of the group's sequence, against shuffled labels.

    ``days`` delimits days; labels are shuffled within each day. Returns (observed, mean, standard deviation).
    Round-robin and least-loaded dispatch return late (observed below the mean), people in sessions return at once.
    """
    n_labels = labels.max() + 1 if len(labels) else 1
    last = np.full(n_labels, -1, np.int64)
    work = labels.copy()
    state = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x2545F4914F6CDD1D)
    counts = np.zeros(shuffles + 1, np.float64)
    for round_number in range(shuffles + 1):
        if round_number > 0:
            for d in range(len(days) - 1):
                low, high = days[d], days[d + 1]
                for i in range(high - 1, low, -1):
                    state ^= state << np.uint64(13)
                    state ^= state >> np.uint64(7)
                    state ^= state << np.uint64(17)
                    j = low + np.int64((state >> np.uint64(11)) % np.uint64(i - low + 1))
                    work[i], work[j] = work[j], work[i]
        hits = 0
        for d in range(len(days) - 1):
            for i in range(days[d], days[d + 1]):
                last[work[i]] = -1
            for i in range(days[d], days[d + 1]):
                previous = last[work[i]]
                if previous >= 0 and i - previous <= reach:
                    hits += 1
                last[work[i]] = i
        counts[round_number] = hits
    if shuffles < 2:
        return counts[0], counts[0], 0.0
    null = counts[1:]
    return counts[0], null.mean(), null.std()
