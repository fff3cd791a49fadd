"""Tactics that no single request shows, only a group over time: one function each, in the words of the threat."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.campaigns.detect import Found
from stillwatch.campaigns.traits import prompt_codes
from stillwatch.domain.verdict import Family
from stillwatch.kernels.coding import UNKNOWN, grouped
from stillwatch.kernels.hashing import hash_strings
from stillwatch.signals.base import Verdict
from stillwatch.signals.population import DAY_US, Population

I32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

STRONG = 0.001
HOUR_US = 3_600_000_000
LEAST_ROWS = 20
LEAST_ACCOUNTS = 3
"""What fewer accounts do is a coincidence in a large group."""
BUSY = 100
"""Exchanges from which an account is at work, not trying out."""


class Shown(NamedTuple):
    """A tactic that a group shows."""

    rows: I32
    """Exchanges that show it."""
    share: float
    """Share of the work, or of the accounts, 0…1."""
    evidence: str


class Seen(NamedTuple):
    """A group, and what is looked at."""

    population: Population
    found: Found
    accounts: I32
    rows: I32
    """Exchanges of the group's own work."""
    inside: Bools
    """Which accounts of the population are members."""
    strong: dict[Family, Verdict]


def group_tactics(population: Population, found: Found) -> dict[str, Shown]:
    """Tactic id → what shows it."""
    inside = np.zeros(population.size, np.bool_)
    inside[found.group.accounts] = True
    strong = {f: v for f, v in found.verdicts.items() if v.p_value <= STRONG}
    seen = Seen(population, found, found.group.accounts, found.group.rows, inside, strong)
    shown = {tactic: look(seen) for tactic, look in _LOOKS.items()} if len(seen.rows) else {}
    return {tactic: what for tactic, what in shown.items() if what is not None}


def _load_balancing(s: Seen) -> Shown | None:
    timing, identity = s.strong.get(Family.TIMING), s.strong.get(Family.IDENTITY)
    if timing is not None and timing.channel == "dispatch_order":
        return Shown(s.rows, 1.0, "the work is dealt out to the accounts in an order that repeats")
    if timing is not None and timing.channel == "one_dispatcher":
        return Shown(s.rows, 1.0, "the work is dealt out to the accounts evenly and without human sessions")
    if identity is not None and identity.channel == "payment":
        return Shown(s.rows, 1.0, "unrelated-looking accounts share payment instruments")
    return None


def _cover(s: Seen) -> Shown | None:
    cover = 1 - s.found.traits.substream
    if not 0.15 < cover < 0.95:
        return None
    return Shown(s.rows, cover, f"{cover:.0%} of the accounts' traffic is unrelated to the shared work")


def _relay(s: Seen) -> Shown | None:
    intent = s.strong.get(Family.INTENT)
    if intent is None or intent.channel != "relay":
        return None
    return Shown(s.rows, intent.effect, f"{intent.effect:.0%} of the accounts serve four or more clients in a day")


def _channels(s: Seen) -> Shown | None:
    channels = np.unique(s.population.columns["channel"][s.rows])
    return Shown(s.rows, 1.0, f"the same work over {len(channels)} channels") if len(channels) >= 3 else None


def _programme(s: Seen) -> Shown | None:
    """Programmes and trials, where others are not in one; security research is enrolled for such work."""
    enrolled = s.population.table["programme"]
    research = hash_strings(pa.array(["security-research"]))[0]
    given = (enrolled != 0) & (enrolled != research)
    share = float(given[s.inside].mean())
    usual = float(given[~s.inside].mean()) if (~s.inside).any() else 0.0
    if share < 0.5 or usual > share / 2:
        return None
    rows = s.rows[given[s.population.account[s.rows]]]
    return Shown(rows, share, f"{share:.0%} of the accounts are in a programme or on trial, {usual:.0%} of all others")


def _pivot(s: Seen) -> Shown | None:
    """Much of the work moves to a model within a day of the model's first request, much more than other traffic."""
    model, ts = s.population.columns["model"], s.population.ts
    own = s.rows
    everything = s.population.rows_of_accounts(s.accounts)
    for name in np.unique(model[own]).tolist():
        start, all_hits, low, high = _first_day(s.population, name)
        if name == 0 or start - int(ts[0]) < 6 * HOUR_US:
            continue
        before, after = own[ts[own] < start], own[(ts[own] >= start) & (ts[own] < start + DAY_US)]
        if min(len(before), len(after)) < LEAST_ROWS:
            continue
        hit = after[model[after] == name]
        theirs = everything[(everything >= low) & (everything < high)]
        others = high - low - len(theirs)
        usual = all_hits - int((model[theirs] == name).sum())
        share, rest = len(hit) / len(after), usual / others if others else 0.0
        if share >= 0.3 and share >= 3 * rest:
            said = (
                f"{share:.0%} of the work moved to a new model within a day of its appearance, {rest:.0%} of all else"
            )
            return Shown(hit, share, said)
    return None


def _first_day(population: Population, name: int) -> tuple[int, int, int, int]:
    """When a model was first asked, how often it was within a day of that, and the exchanges of that day: from, to."""
    key = ("first day of a model", name)
    if key not in population.cache:
        model, ts = population.columns["model"], population.ts
        low = int((model == name).argmax())
        start = int(ts[low])
        low, high = np.searchsorted(ts, [start, start + DAY_US]).tolist()
        population.cache[key] = start, int((model[low:high] == name).sum()), low, high
    found: tuple[int, int, int, int] = population.cache[key]
    return found


def _probe(s: Seen) -> Shown | None:
    """A few requests that come back again and again from several accounts, over hours, and from nobody else."""
    codes, n_codes = prompt_codes(s.population)
    mine = s.population.rows_of_accounts(s.accounts)
    mine = mine[codes[mine] != UNKNOWN]
    again = mine[codes[mine] >= 0]
    offsets, order = grouped(codes[again], n_codes)
    canaries = []
    for value in np.flatnonzero(np.diff(offsets) >= 5).tolist():
        rows = again[order[offsets[value] : offsets[value + 1]]]
        lasted = int(s.population.ts[rows[-1]] - s.population.ts[rows[0]])
        if lasted >= 6 * HOUR_US and len(np.unique(s.population.account[rows])) >= LEAST_ACCOUNTS:
            canaries += [rows] if np.count_nonzero(codes == value) <= 1.1 * len(rows) else []
    rows = np.sort(np.concatenate(canaries)) if len(canaries) >= 3 else mine[:0]
    if not 0 < len(rows) <= 0.2 * len(mine):
        return None
    each = len(rows) / len(canaries)
    said = f"{len(canaries)} requests come back {each:.0f} times each, from accounts of the group only"
    return Shown(rows, len(rows) / len(mine), said)


def _moved(kind: str, said: str) -> Callable[[Seen], Shown | None]:
    def look(s: Seen) -> Shown | None:
        values = s.population.kinds[kind]
        rows = values.rows[s.inside[s.population.account[values.rows]]] if values.size else s.rows[:0]
        hit = np.unique(rows)
        who = len(np.unique(s.population.account[hit]))
        return Shown(hit, who / len(s.accounts), said) if who >= LEAST_ACCOUNTS else None

    return look


def _no_ramp(s: Seen) -> Shown | None:
    created, first = s.population.table["created_at"][s.accounts], s.population.first[s.accounts]
    young = (created > 0) & (first - created < DAY_US) & (s.population.counts[s.accounts] >= BUSY)
    hit = s.rows[np.isin(s.population.account[s.rows], s.accounts[young])]
    if young.mean() < 0.3 or not len(hit):
        return None
    share = float(young.mean())
    return Shown(hit, share, f"{share:.0%} of the accounts ran at full volume within a day of sign-up")


def _hydra(s: Seen) -> Shown | None:
    banned = s.population.columns["status"][s.rows] == 403
    stopped = np.unique(s.population.account[s.rows[banned]])
    created = s.population.table["created_at"][s.accounts]
    born = np.sort(created[created > 0])
    if len(stopped) < LEAST_ACCOUNTS or not len(born):
        return None
    last = s.population.last[stopped]
    after = np.searchsorted(born, last + DAY_US) - np.searchsorted(born, last)
    if (after > 0).mean() < 0.5:
        return None
    said = f"{len(stopped)} banned accounts; new ones signed up within a day"
    return Shown(s.rows[banned], len(stopped) / len(s.accounts), said)


def _sanitise(s: Seen) -> Shown | None:
    agents = s.population.columns["client"]
    bare = agents[s.rows] == 0
    if bare.mean() < 0.8 or (agents == 0).mean() >= 0.4:
        return None
    return Shown(s.rows[bare], float(bare.mean()), "client strings are missing where other customers send them")


_LOOKS: dict[str, Callable[[Seen], Shown | None]] = {
    "T-LOADBAL": _load_balancing,
    "T-COVER": _cover,
    "T-RELAY": _relay,
    "T-CHANNELS": _channels,
    "T-PROGRAMME": _programme,
    "T-PIVOT": _pivot,
    "T-PROBE": _probe,
    "T-FAILOVER": _moved("failover", "refused requests were continued by other accounts"),
    "T-REPLAY": _moved("replay", "reasoning references were presented by accounts that they were not issued to"),
    "T-NORAMP": _no_ramp,
    "T-HYDRA": _hydra,
    "T-SANITISE": _sanitise,
}
