"""Which campaigns of different members are one: the rule, and what keeps unrelated ones apart.

Two campaigns of different organisations are **joined** when

1. they share what they do and where they come from: at least one value of the class ``work`` (template marks, system
   prompts, whole prompts, tool schemas) and at least one of the class ``place`` (prefixes, autonomous systems), at
   least three values of the two together; client stacks are counted and shown but join nothing, since one popular
   program serves many operators; and
2. they were active within thirty days of one another: addresses change hands.

A value is **common**, and does not count, when, with this value left out, its holders fall into groups that nothing
joins, of which three belong to three different organisations: it is a commercial proxy's prefix or a published prompt,
not a campaign's own. Leaving values out can part others, so this is repeated until nothing changes; a value is never
common because *many* hold it: the parts of one large campaign hold one another by their other values. Nor because
*one* organisation says so often: whoever copies another's values into many campaigns of its own is one voice.

Null hypothesis: campaigns of different operators share values only through suppliers and publications that others use
as well. The rule is a heuristic: it has no error rate of its own beyond what the tests and the documentation measure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, maximum_bipartite_matching

from stillwatch.sharing.hub.parts import Part
from stillwatch.sharing.inbound.conditions import Atom

LEAST_SHARED = 3
APART = timedelta(days=30)
GROUPS = 3
"""So many unrelated groups of holders make a value common."""
Matrix = npt.NDArray[np.int32]
Allowed = npt.NDArray[np.bool_]


class Match(NamedTuple):
    """Two campaigns that are joined; how many values of each class they share, common ones left out."""

    one: int
    other: int
    place: int
    stack: int
    work: int


class Correlation(NamedTuple):
    """Which of the given campaigns belong together."""

    groups: tuple[tuple[int, ...], ...]
    """Places of campaigns, for groups of at least two; ordered."""
    matches: tuple[Match, ...]
    common: frozenset[Atom]
    """Values that did not count."""


def correlate(parts: Sequence[Part]) -> Correlation:
    """Apply the rule. The order of the campaigns does not matter."""
    allowed = _allowed(parts)
    common: set[Atom] = set()
    while True:
        place = _shared([p.place - common for p in parts])
        work = _shared([p.work - common for p in parts])
        more = set(_common([p.place - common for p in parts], parts, allowed, place, work, leave=(1, 0)))
        more |= set(_common([p.work - common for p in parts], parts, allowed, place, work, leave=(0, 1)))
        if not more:
            break
        common |= more
    joined = _joined(allowed, place, work)
    stack = _shared([p.stack for p in parts])
    matches = tuple(
        Match(int(i), int(j), int(place[i, j]), int(stack[i, j]), int(work[i, j]))
        for i, j in zip(*np.nonzero(np.triu(joined)), strict=True)
    )
    groups = tuple(g for g in _components(joined) if len(g) > 1)
    return Correlation(groups, matches, frozenset(common))


def _allowed(parts: Sequence[Part]) -> Allowed:
    """Pairs of different organisations that were active within thirty days of one another."""
    orgs = np.array([p.org for p in parts], dtype=object)
    start = np.array([p.start.timestamp() for p in parts])
    end = np.array([p.end.timestamp() for p in parts])
    gap = np.maximum(start[:, None], start[None, :]) - np.minimum(end[:, None], end[None, :])
    found: Allowed = (orgs[:, None] != orgs[None, :]) & (gap <= APART.total_seconds())
    return found


def _shared(sets: Sequence[frozenset[Atom]]) -> Matrix:
    """How many values each pair has in common."""
    number: dict[Atom, int] = {}
    columns = [number.setdefault(v, len(number)) for values in sets for v in values]
    starts = np.cumsum([0, *map(len, sets)])
    held = csr_array((np.ones(len(columns), np.int32), columns, starts), shape=(len(sets), len(number)))
    found: Matrix = np.asarray((held @ held.T).todense(), np.int32)
    return found


def _joined(allowed: Allowed, place: Matrix, work: Matrix) -> Allowed:
    found: Allowed = allowed & (place >= 1) & (work >= 1) & (place + work >= LEAST_SHARED)
    return found


def _common(
    sets: Sequence[frozenset[Atom]],
    parts: Sequence[Part],
    allowed: Allowed,
    place: Matrix,
    work: Matrix,
    *,
    leave: tuple[int, int],
) -> Iterable[Atom]:
    """Values of one class whose holders are unrelated without them. ``leave``: what one value less takes from each."""
    holders: dict[Atom, list[int]] = {}
    for number, values in enumerate(sets):
        for value in values:
            holders.setdefault(value, []).append(number)
    alike: dict[tuple[int, ...], list[Atom]] = {}
    for value, who in holders.items():
        if len({parts[n].org for n in who}) >= GROUPS:
            alike.setdefault(tuple(who), []).append(value)
    for group, held in alike.items():
        at = np.ix_(group, group)
        joined = _joined(allowed[at], place[at] - leave[0], work[at] - leave[1])
        if _voices([{parts[group[n]].org for n in part} for part in _components(joined)]) >= GROUPS:
            yield from held


def _voices(groups: Sequence[set[str]]) -> int:
    """How many groups can be given an organisation each that takes part in it, no organisation twice."""
    orgs = sorted(set().union(*groups))
    takes_part = csr_array([[org in group for org in orgs] for group in groups], dtype=np.int8)
    return int((maximum_bipartite_matching(takes_part) >= 0).sum())


def _components(joined: Allowed) -> list[tuple[int, ...]]:
    """Connected components, each sorted, by their first place."""
    number, label = connected_components(joined, directed=False)
    out: list[list[int]] = [[] for _ in range(number)]
    for place, of in enumerate(label.tolist()):
        out[of].append(place)
    return sorted(map(tuple, out))
