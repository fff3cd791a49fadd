"""Candidate groups: accounts that hold one telling value, and communities of accounts that share several."""

from __future__ import annotations

import threading
from collections.abc import Callable

import networkit as nk
import numpy as np
import numpy.typing as npt

from stillwatch.domain.verdict import Family
from stillwatch.kernels.groups import union_find
from stillwatch.links.weights import kind_weights
from stillwatch.signals.base import Group, Kind
from stillwatch.signals.continuity import HANDOVERS
from stillwatch.signals.population import Population, Values, union
from stillwatch.signals.registry import KINDS
from stillwatch.signals.tactics import catalogue

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

LEAST_MEMBERS = 8
HUGE_SHARE = 0.3
_ONE_AT_A_TIME = threading.Lock()


def value_groups(population: Population, kind: Kind) -> list[Group]:
    """One candidate per value that at least eight customers and at most 30 % of all accounts hold."""
    values = population.kinds[kind.name]
    out = []
    most = HUGE_SHARE * population.size
    specific = [i for i, tactic in enumerate(catalogue()) if tactic.specific]
    for value in np.flatnonzero((values.frequency >= LEAST_MEMBERS) & (values.frequency <= max(most, 50))).tolist():
        if kind.family is Family.INTENT and int(values.raw[value]) - 1 not in specific:
            continue
        accounts = values.holders_of(value)
        rows = values.rows_of(value) if len(values.rows) else population.rows_of_accounts(accounts)
        if kind.family in (Family.IDENTITY, Family.INFRASTRUCTURE):
            rows = population.rows_of_accounts(accounts)
        out.append(Group(accounts, rows, frozenset({kind.family}), kind.software, kind.name))
    return out


def communities(population: Population, kinds: tuple[Kind, ...], *, seed: int) -> list[Group]:
    """Communities of the bipartite graph account–value, weighted by learned kind weight × log(N/frequency).

    Linear in holdings, without a hub cap: a hub's edges are light, and its excess is judged later.
    """
    weights = kind_weights(population)
    parts: list[tuple[Values, float]] = [
        (population.kinds[k.name], weights[k.name])
        for k in kinds
        if population.kinds[k.name].size and weights[k.name] > 0
    ]
    if not parts:
        return []
    n = population.size
    left, right, weight = [], [], []
    at = n
    for values, kind_weight in parts:
        useful = (values.frequency >= 2) & (values.frequency <= max(HUGE_SHARE * n, 50))
        keep = useful[values.values]
        left.append(values.owner[keep].astype(np.int64))
        right.append(values.values[keep].astype(np.int64) + at)
        weight.append(kind_weight * np.log(n / np.maximum(values.frequency[values.values[keep]], 1)))
        at += values.size
    u, v, w = np.concatenate(left), np.concatenate(right), np.concatenate(weight)
    if not len(u):
        return []
    there = np.zeros(at, np.bool_)
    there[v] = True
    value = np.cumsum(there) - 1
    label = louvain(u, value[v] + n, w, nodes=n + int(value[-1]) + 1, seed=seed)[:n]
    touched = np.zeros(n, np.bool_)
    touched[u] = True
    out: list[Group] = []
    families = frozenset(k.family for k in kinds)
    software = all(k.software for k in kinds)
    content = families == {Family.CONTENT}
    for community in np.unique(label[touched]).tolist():
        accounts = np.flatnonzero((label == community) & touched).astype(np.int32)
        if int(population.representative[accounts].sum()) < LEAST_MEMBERS:
            continue
        rows = _shared_rows(population, kinds, accounts) if content else population.rows_of_accounts(accounts)
        if len(rows):
            accounts = np.unique(population.account[rows]).astype(np.int32)
            if len(accounts) >= LEAST_MEMBERS:
                out.append(Group(accounts, rows, families, software, "community"))
    return out


def louvain(u: I64, v: I64, weight: npt.NDArray[np.float64], *, nodes: int, seed: int) -> I64:
    """Community of each node under edges u–v: Louvain with refinement (Staudt & Meyerhenke 2016, networkit PLM),
    single-threaded for repeatable results."""
    with _ONE_AT_A_TIME:  # the library's seed is one for all threads
        nk.setNumberOfThreads(1)
        nk.setSeed(seed, False)
        graph = nk.GraphFromCoo((weight, (u, v)), n=nodes, weighted=True, directed=False)
        plm = nk.community.PLM(graph, refine=True)
        plm.run()
        return np.array(plm.getPartition().getVector(), np.int64)


def handover_chains(population: Population) -> list[Group]:
    """Accounts joined, however indirectly, by conversations and references that moved between them."""
    pairs = [population.kinds[name] for name in HANDOVERS]
    ends = [v.holders.reshape(-1, 2).astype(np.int64) for v in pairs if v.size]
    if not ends:
        return []
    left, right = np.concatenate(ends).T
    component = union_find(population.size, np.ascontiguousarray(left), np.ascontiguousarray(right))
    sizes = np.bincount(component[population.representative], minlength=population.size)
    moved = np.zeros(population.size, np.bool_)
    moved[left], moved[right] = True, True
    out = []
    for root in np.flatnonzero(sizes >= LEAST_MEMBERS).tolist():
        accounts = np.flatnonzero((component == root) & moved).astype(np.int32)
        if len(accounts) <= max(HUGE_SHARE * population.size, 50):
            rows = population.rows_of_accounts(accounts)
            out.append(Group(accounts, rows, frozenset({Family.CONTINUITY}), False, "handover"))
    return out


def _shared_rows(population: Population, kinds: tuple[Kind, ...], accounts: I32) -> I32:
    """The exchanges of a community's accounts that carry a value which the community shares beyond chance."""
    inside = np.zeros(population.size, np.bool_)
    inside[accounts] = True
    picked: list[I32] = []
    for kind in kinds:
        values = population.kinds[kind.name]
        if not values.size:
            continue
        x = np.bincount(values.held_by(accounts)[1], minlength=values.size)
        expected = len(accounts) * values.frequency / values.known
        for value in np.flatnonzero((x >= 3) & (x - 1 - expected - 2 * np.sqrt(expected) >= 0.5 * x)).tolist():
            rows = values.rows_of(value)
            picked.append(rows[inside[population.account[rows]]])
    return union(picked, len(population.ts))


def find_candidates(population: Population, *, seed: int, step: Callable[[str], None] = lambda _: None) -> list[Group]:
    """All candidates, near-identical ones of the same origin family once (the larger stays)."""
    groups: list[Group] = []
    for kind in KINDS:
        if kind.forms:
            groups += value_groups(population, kind)
    step("communities")
    by_family: dict[Family, tuple[Kind, ...]] = {}
    for kind in KINDS:
        # a phrase alone draws nobody; several phrases together may
        if (kind.forms or kind.family is Family.CONTENT) and kind.family is not Family.INTENT:
            by_family[kind.family] = (*by_family.get(kind.family, ()), kind)
    for family in (Family.IDENTITY, Family.INFRASTRUCTURE, Family.CONTENT, Family.CONTINUITY):
        kinds = by_family[family]
        hard = tuple(k for k in kinds if not k.software)
        groups += communities(population, hard if family is Family.INFRASTRUCTURE else kinds, seed=seed)
    groups += handover_chains(population)
    hand = by_family[Family.IDENTITY] + by_family[Family.CONTINUITY]
    groups += communities(population, hand, seed=seed)
    linked = by_family[Family.IDENTITY] + tuple(k for k in by_family[Family.INFRASTRUCTURE] if not k.software)
    groups += communities(population, linked, seed=seed)
    return _distinct(groups)


def _distinct(groups: list[Group]) -> list[Group]:
    """Of groups of the same families with nearly the same accounts keep the one with the most exchanges.

    Nearly the same: the three smallest hashes of the accounts agree (MinHash, Broder 1997; chance J³ for overlap J).
    """
    order = sorted(range(len(groups)), key=lambda i: (-len(groups[i].rows), -len(groups[i].accounts), i))
    seen: set[tuple[frozenset[Family], bool, tuple[int, ...]]] = set()
    kept: list[Group] = []
    for i in order:
        group = groups[i]
        with np.errstate(over="ignore"):
            mixed = (group.accounts.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(31)
            mixed *= np.uint64(0xBF58476D1CE4E5B9)
        signature = tuple(np.sort(mixed)[:3].tolist())
        if (group.formed_by, group.software, signature) not in seen:
            seen.add((group.formed_by, group.software, signature))
            kept.append(group)
    return kept
