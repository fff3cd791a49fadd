"""Bounded series for the report's charts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.domain.verdict import Charts
from stillwatch.signals.base import Group
from stillwatch.signals.population import Population

MOST_BUCKETS = 96
MOST_DOTS = 3_000
MOST_NODES = 120
_STEPS = (60, 300, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400)
_GRAPH_KINDS = (
    ("payment", "payment"),
    ("device", "device"),
    ("address", "address"),
    ("network", "network"),
    ("template", "template"),
)


def charts(population: Population, group: Group) -> Charts:
    """Volume over time, dispatch raster and account graph of one group."""
    start, end = int(population.ts[0]), int(population.ts[-1])
    span = max(end - start, 1)
    step = next((s for s in _STEPS if span / (s * 1_000_000) <= MOST_BUCKETS), -(-span // (MOST_BUCKETS * 1_000_000)))
    bucket = int(step) * 1_000_000
    first = start - start % bucket
    n = (end - first) // bucket + 1
    inside = np.bincount((population.ts[group.rows] - first) // bucket, minlength=n)
    everything = _everything(population, first, bucket, n)
    picked = group.rows[np.linspace(0, len(group.rows) - 1, min(MOST_DOTS, len(group.rows))).astype(np.int64)]
    owners = population.account[picked]
    names, index = np.unique(owners, return_index=True)
    order = np.empty(len(names), np.int64)
    order[np.argsort(index, kind="stable")] = np.arange(len(names))
    nodes, edges = _graph(population, group)
    return Charts(
        bucket_us=bucket,
        bucket_start_us=int(first),
        volume_campaign=tuple(inside.tolist()),
        volume_other=tuple((everything - inside).tolist()),
        raster_us=tuple(population.ts[picked].tolist()),
        raster_account=tuple(order[np.searchsorted(names, owners)].tolist()),
        graph_nodes=nodes,
        graph_edges=edges,
    )


def _everything(population: Population, first: int, bucket: int, n: int) -> npt.NDArray[np.int64]:
    """Exchanges of everybody per bucket."""
    if "volume" not in population.cache:
        ends = first + bucket * np.arange(n + 1)
        population.cache["volume"] = np.diff(np.searchsorted(population.ts, ends))
    found: npt.NDArray[np.int64] = population.cache["volume"]
    return found


def _graph(population: Population, group: Group) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[int, int], ...]]:
    """A sample of accounts with the values that at least two of the group share, the most telling first."""
    accounts = group.accounts[
        np.linspace(0, len(group.accounts) - 1, min(MOST_NODES, len(group.accounts))).astype(np.int64)
    ]
    accounts = np.unique(accounts)
    nodes = [(f"a{i + 1}", "account") for i in range(len(accounts))]
    edges: list[tuple[int, int]] = []
    for kind, label in _GRAPH_KINDS:
        values = population.kinds[kind]
        if not values.size:
            continue
        members: dict[int, list[int]] = {}
        for i, account in enumerate(accounts.tolist()):
            for value in values.values[values.indptr[account] : values.indptr[account + 1]].tolist():
                members.setdefault(value, []).append(i)
        limit = 2 * len(group.accounts) + 5
        shared = [(v, m) for v, m in members.items() if len(m) >= 2 and values.frequency[v] <= limit]
        shared.sort(key=lambda item: (-len(item[1]), item[0]))
        for number, (_, holders) in enumerate(shared[:12]):
            nodes.append((f"{label} {number + 1}", label))
            edges += [(i, len(nodes) - 1) for i in holders]
    return tuple(nodes), tuple(edges)
