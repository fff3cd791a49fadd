"""Judging candidates: every family that did not form a group tests it; q-values over all groups looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.domain.verdict import Family
from stillwatch.engine import Threads
from stillwatch.signals import timing
from stillwatch.signals.base import Group, Verdict
from stillwatch.signals.population import Population
from stillwatch.signals.registry import SIGNALS, TIES
from stillwatch.signals.ties import screen

F64 = npt.NDArray[np.float64]

SIGNIFICANT = 1e-4
OWN_HAND = ("payment", "device", "phone")
"""What one hand holds; sign-up hours and mail providers are shared by strangers too."""

MATERIAL = {
    Family.IDENTITY: 0.15,
    Family.INFRASTRUCTURE: 0.20,
    Family.CONTENT: 0.40,
    Family.TIMING: 0.30,
    Family.CONTINUITY: 0.10,
    Family.INTENT: 0.40,
}
"""The least share of a group's accounts that must carry a family's evidence: what honest groups (families in one
house, a few friends with one tool) reach is not material, however small its p-value."""

MOST_JUDGED = 60
"""Per origin (kind of value or community): one kind with many overlapping values must not crowd out the others."""


class Judged(NamedTuple):
    """A candidate with what each judging family says."""

    group: Group
    verdicts: dict[Family, Verdict]
    p_value: float
    """Bonferroni over the judging families."""
    q_value: float


def benjamini_hochberg(p: F64, looked_at: int) -> F64:
    """q-values over ``looked_at`` groups, of which only those in ``p`` had p < 1 (Benjamini & Hochberg 1995)."""
    order = np.argsort(p, kind="stable")
    q = np.empty_like(p)
    best = 1.0
    for rank in range(len(p) - 1, -1, -1):
        best = min(best, float(p[order[rank]]) * looked_at / (rank + 1))
        q[order[rank]] = best
    return q


def promising(population: Population, groups: list[Group], *, threads: int) -> F64:
    """A cheap look without a null: ties in families that did not form the group; where they are not material, a
    dispatcher's timing. 1 = material."""
    best = np.zeros(len(groups))
    with ThreadPoolExecutor(threads) as pool:
        kinds = [(signal.family, kind) for signal in TIES for kind in signal.kinds]
        looks = pool.map(lambda pair: screen(population, pair[1], groups), kinds)
        for (family, kind), look in zip(kinds, looks, strict=True):
            silent = [family in g.formed_by or (kind.software and g.software) for g in groups]
            best = np.maximum(best, np.where(silent, 0.0, look / MATERIAL[family]))
        unsure = np.flatnonzero(best < 1.0)
        order = pool.map(lambda i: timing.look(population, groups[i]), unsure.tolist())
        best[unsure] = np.maximum(best[unsure], np.array(list(order), np.float64))
    return best


def judge_all(
    population: Population,
    candidates: list[Group],
    *,
    seed: int,
    draws: int,
    threads: int,
    step: Callable[[str], None] = lambda _: None,
) -> list[Judged]:
    """Judge the promising candidates (all others count as p = 1), strongest first."""
    look = promising(population, candidates, threads=threads)
    with ThreadPoolExecutor(threads) as pool:
        weight = look * np.sqrt([len(g.accounts) for g in candidates])
        taken: Counter[str] = Counter()
        chosen = []
        for i in np.lexsort((np.arange(len(look)), -weight)).tolist():
            if look[i] >= 0.8 and taken[candidates[i].origin] < MOST_JUDGED:
                taken[candidates[i].origin] += 1
                chosen.append(candidates[i])
        step("judging")
        verdicts = list(pool.map(lambda g: judge_one(population, g, seed=seed, draws=draws), chosen))
    p = np.array([bonferroni(v) for v in verdicts])
    q = benjamini_hochberg(p, max(len(candidates), 1))
    judged = [Judged(g, v, float(a), float(b)) for g, v, a, b in zip(chosen, verdicts, p, q, strict=True)]
    return sorted(judged, key=lambda j: (j.p_value, -len(j.group.accounts), int(j.group.accounts[0])))


def judge_one(
    population: Population,
    group: Group,
    *,
    seed: int,
    draws: int,
    threads: int = 1,
    families: frozenset[Family] = frozenset(Family),
) -> dict[Family, Verdict]:
    """The verdict of every available family that did not form the group."""
    judging = [s for s in SIGNALS if s.family in families - group.formed_by and s.available(population)]
    with Threads(threads) as work:
        verdicts = work.in_order(partial(s.judge, population, group, seed=seed, draws=draws) for s in judging)
        return {s.family: verdict for s, verdict in zip(judging, verdicts, strict=True)}


def own_hand(identity: Verdict | None) -> float:
    """The largest effect among payment, device and phone that is significant by itself (Bonferroni); 0 for none."""
    if identity is None:
        return 0.0
    tests = [identity.channels[name] for name in OWN_HAND if name in identity.channels]
    return max((effect for p, effect in tests if p * len(identity.channels) <= SIGNIFICANT), default=0.0)


def bonferroni(verdicts: dict[Family, Verdict]) -> float:
    """One p-value for a group: the smallest over its judging families, times their number."""
    if not verdicts:
        return 1.0
    return min(1.0, min(v.p_value for v in verdicts.values()) * len(verdicts))
