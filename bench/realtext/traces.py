"""Arrival times and token lengths, resampled from real traces."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

Times = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
SECOND, DAY = 1_000_000, 86_400
WINDOW, PAUSE = 600, 1800
LEVELS = np.array([0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0])


class Traces:
    """Draws of times (microseconds, sorted) inside a span of `days` from `start`."""

    def __init__(self, data: Path, rng: np.random.Generator, start: int, days: int) -> None:
        self.data, self.rng, self.start, self.days = data, rng, start, days

    @cached_property
    def clients(self) -> list[tuple[Floats, float]]:
        """Each real API client: its 10-minute rates over two weeks and its usual coefficient of variation."""
        table = pq.read_table(self.data / "D_servegen_client_rates.parquet").to_pydict()
        rows: dict[tuple[str, int], list[tuple[int, float, float]]] = defaultdict(list)
        keys = zip(table["model"], table["client_id"], strict=True)
        values = zip(table["t_s"], table["rate_rps"], table["cv"], strict=True)
        for key, value in zip(keys, values, strict=True):
            rows[key].append(value)
        out = []
        for windows in rows.values():
            if len(windows) >= 100:
                rates = np.zeros(14 * DAY // WINDOW + 1)
                for at, rate, _ in windows:
                    rates[at // WINDOW] = rate
                out.append((rates, float(np.median([cv for _, _, cv in windows]))))
        return out

    @cached_property
    def lengths(self) -> list[Floats]:
        """Output-token quantiles of real clients."""
        table = pq.read_table(self.data / "D_servegen_client_lengths.parquet").to_pylist()
        rows = [row for row in table if row["field"] == "output_tokens" and row["mean"] > 5 and row["n_distinct"] > 40]
        return [np.array(row["quantiles"]) for row in rows]

    @cached_property
    def people(self) -> tuple[list[Floats], Floats]:
        """Gap sequences inside real editing sessions, and the seconds of the day at which real people write."""
        table = pq.read_table(self.data / "D_tensor_trust_requests.parquet", columns=["user_id", "ts"]).to_pylist()
        arena = pq.read_table(self.data / "B_lmsys_arena.parquet", columns=["user_id", "ts"]).to_pylist()
        seen: dict[str, list[float]] = defaultdict(list)
        for row in table + [row for row in arena if row["ts"] and row["user_id"]]:
            seen[row["user_id"]].append(row["ts"].timestamp())
        sessions: list[Floats] = []
        for stamps in seen.values():
            gaps = np.diff(np.sort(np.array(stamps)))
            sessions += [part[part < PAUSE] for part in np.split(gaps, np.flatnonzero(gaps >= PAUSE))]
        clock = np.array([stamp % DAY for stamps in seen.values() for stamp in stamps[:20]])
        return sessions, clock

    @cached_property
    def agents(self) -> list[list[tuple[float, int, int, int]]]:
        """Agent sessions: (seconds, input, output, cached tokens) per request."""
        columns = ["trace_id", "t_s", "in_tokens", "out_tokens", "common_prefix_blocks"]
        rows: dict[str, list[tuple[float, int, int, int]]] = defaultdict(list)
        for row in pq.read_table(self.data / "D_claude_code_traces.parquet", columns=columns).to_pylist():
            cached = min(64 * (row["common_prefix_blocks"] or 0), row["in_tokens"] or 0)
            rows[row["trace_id"]].append((row["t_s"], row["in_tokens"] or 1, row["out_tokens"] or 1, cached))
        return [sorted(steps) for steps in rows.values() if len(steps) >= 3]

    def machine(self, count: float, *, since: float = 0.0, until: float = 1.0, cv: float | None = None) -> Times:
        """About `count` arrivals of one real client, between two fractions of the span."""
        rates, usual = self.clients[int(self.rng.integers(len(self.clients)))]
        steps = max(2, round(self.days * DAY * (until - since) / WINDOW))
        for _ in range(20):
            offset = int(self.rng.integers(max(1, len(rates) - steps)))
            piece = rates[offset : offset + steps]
            if np.count_nonzero(piece) >= steps // 4:
                break
        piece = np.where(piece.sum() > 0, piece, 1.0) + 1e-12
        shape = 1.0 / max(0.3, min(cv or usual, 6.0)) ** 2
        clock = np.cumsum(self.rng.gamma(shape, 1.0 / shape, size=int(count * 3) + 20))
        grid = np.concatenate(([0.0], np.cumsum(piece))) / piece.sum() * count
        seconds = np.interp(clock[clock < count], grid, np.arange(len(grid)) * WINDOW)
        return self.start + np.int64(since * self.days * DAY * SECOND) + (seconds * SECOND).astype(np.int64)

    def person(self, count: int, *, zone: float | None = None, within: float | None = None) -> Times:
        """`count` arrivals in sessions of real people; `zone` shifts the clock, `within` fixes a start fraction."""
        sessions, clock = self.people
        shift = self.rng.choice(24) * 3600 if zone is None else zone * 3600
        out: list[float] = []
        while len(out) < count:
            moment = (clock[self.rng.integers(len(clock))] + shift) % DAY
            begin = self.rng.integers(self.days) * DAY + moment if within is None else within * self.days * DAY
            gaps = sessions[int(self.rng.integers(len(sessions)))][: count - len(out) - 1]
            stamps = begin + np.concatenate(([0.0], np.cumsum(np.maximum(gaps, 2.0))))
            out += list(stamps + self.rng.uniform(0, 1, len(stamps)))
        return self.start + (np.sort(np.array(out[:count])) * SECOND).astype(np.int64)

    def agent(self, budget: int) -> list[tuple[int, int, int, int]]:
        """One real agent session, begun when a person writes."""
        begin = int(self.person(1)[0])
        steps = self.agents[int(self.rng.integers(len(self.agents)))][:budget]
        return [(begin + int(at * SECOND), inp, out, cached) for at, inp, out, cached in steps]

    def profile(self, most: float = np.inf) -> Floats:
        """One real client's output lengths; `most` bounds their 90th percentile."""
        fitting = [lengths for lengths in self.lengths if lengths[10] <= most]
        return fitting[int(self.rng.integers(len(fitting)))]

    def output_tokens(self, profile: Floats) -> int:
        return max(1, int(np.interp(self.rng.random(), LEVELS, profile)))
