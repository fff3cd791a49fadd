"""The test that five families share: do members hold the same values more than matched accounts do?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.domain.verdict import Family
from stillwatch.kernels.groups import tie_degrees, tied_members
from stillwatch.signals.base import Group, Kind, Verdict
from stillwatch.signals.nulls import combine_minimum, matched_groups, tail_p
from stillwatch.signals.population import Population, Values
from stillwatch.signals.scratch import scratch

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

PILOT = 4
CLEARLY_NULL = 0.2
CLEARLY_NOT = 1e-12
"""A quarter of the draws decides what is clear (p above the one or below the other): most groups are (sequential
Monte-Carlo tests, Besag & Clifford 1991). About the upper limit p-values come out a little too large."""
LEAST_SCALE = 0.35
"""Scale of the tail in tied members when no draw ties at all: an extra member is believed e^-2.9."""


class TieSignal(NamedTuple):
    """A family of evidence made of kinds of shared values; see :func:`kernels.groups.tied_members`."""

    family: Family
    kinds: tuple[Kind, ...]
    null: str
    source: str
    evades: str

    def available(self, population: Population) -> bool:
        """At least one kind has values in this log."""
        return any(population.kinds[kind.name].present for kind in self.kinds)

    def judge(self, population: Population, group: Group, *, seed: int, draws: int) -> Verdict:
        """Monte-Carlo test on representatives, min-P over the kinds.

        Software kinds sit out where software formed the group."""
        kinds = [k for k in self.kinds if population.kinds[k.name].present and not (k.software and group.software)]
        members = group.accounts[population.representative[group.accounts]]
        if not kinds or len(members) < 2:
            return Verdict(1.0, 0.0, 0.0, "", np.zeros(len(group.accounts)))
        values = [population.kinds[kind.name] for kind in kinds]
        flat, offsets = matched_groups(population, members, stratum=population.stratum, seed=seed, draws=draws)
        # the group itself, then as many draws as are looked at first
        both = np.concatenate([members, flat[: offsets[draws // PILOT]]])
        ends = np.concatenate([[0], len(members) + offsets[: draws // PILOT + 1]])
        looks = [_tied(both, ends, v) for v in values]
        observed = [float(look[0]) for look in looks]
        nulls = [look[1:] for look in looks]
        p_values = [tail_p(u, n, least_scale=LEAST_SCALE) for u, n in zip(observed, nulls, strict=True)]
        if CLEARLY_NOT <= min(p_values) <= CLEARLY_NULL:
            rest = [_tied(flat, offsets[draws // PILOT :], v) for v in values]
            nulls = [np.concatenate(two) for two in zip(nulls, rest, strict=True)]
            p_values = [tail_p(u, n, least_scale=LEAST_SCALE) for u, n in zip(observed, nulls, strict=True)]
        best = min(range(len(kinds)), key=lambda i: (p_values[i], -observed[i]))
        p, strict = combine_minimum(np.array(p_values), np.array(observed), np.array(nulls))
        tied = np.zeros(len(group.accounts))
        for v, p_kind in zip(values, p_values, strict=True):
            if p_kind <= 0.01:
                degree, _ = tie_degrees(group.accounts, *v.ties, scratch("seen", v.size, np.int32))
                tied = np.maximum(tied, degree)
        channels = {
            kind.name: (p_kind, seen / len(members))
            for kind, p_kind, seen in zip(kinds, p_values, observed, strict=True)
        }
        return Verdict(
            p, observed[best], observed[best] / len(members), kinds[best].name, tied, p_strict=strict, channels=channels
        )


def _tied(members: I32, offsets: I64, v: Values) -> F64:
    room = scratch("seen", v.size, np.int32), scratch("tie", v.size, np.float64)
    out: F64 = tied_members(members, offsets, *v.ties, *room)
    return out


def screen(population: Population, kind: Kind, groups: Sequence[Group]) -> npt.NDArray[np.float64]:
    """The tied share of each group's representatives for one kind, without a null: a cheap look. Returns (G,)."""
    v = population.kinds[kind.name]
    members = [g.accounts[population.representative[g.accounts]] for g in groups]
    offsets = np.zeros(len(groups) + 1, np.int64)
    np.cumsum([len(m) for m in members], out=offsets[1:])
    if not v.size or not len(groups):
        return np.zeros(len(groups))
    tied = _tied(np.concatenate(members), offsets, v)
    out: npt.NDArray[np.float64] = tied / np.maximum(np.diff(offsets), 1)
    return out
