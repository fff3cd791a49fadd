"""Which tactics of the catalogue a campaign shows: those visible in a request, and those visible only over a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.detect import Found
from stillwatch.campaigns.group_tactics import group_tactics
from stillwatch.domain.verdict import TacticFinding
from stillwatch.signals.population import Population
from stillwatch.signals.tactics import Tactic, catalogue

I32 = npt.NDArray[np.int32]
LEAST_SHARE = 0.2
SENDERS = 12
"""Accounts whose requests are compared to show what a tactic's text has in common."""
EXAMPLES = 3


class Shown(NamedTuple):
    """A tactic that a group shows."""

    tactic: Tactic
    rows: I32
    """The exchanges that show it; the first few are its examples."""
    share: float
    evidence: str
    """In words."""

    @property
    def examples(self) -> I32:
        """Exchanges to be named."""
        return self.rows[:EXAMPLES]


def tactic_senders(population: Population, found: Found) -> dict[str, I32]:
    """Per tactic that single requests show, one exchange each of up to a dozen accounts."""
    out = {}
    for tactic, hit in _exchange_hits(population, found.group.rows):
        out[tactic.id] = hit[first_of_each(population.account[hit], SENDERS)]
    return out


def first_of_each(owners: I32, most: int) -> I32:
    """Places of the first rows of as many owners, the earliest ones: rows that lie together are soon read again."""
    _, first = np.unique(owners, return_index=True)
    return np.sort(first)[:most].astype(np.int32)


def _exchange_hits(population: Population, rows: I32) -> list[tuple[Tactic, I32]]:
    """Tactics that enough of a group's exchanges show by themselves, with those exchanges."""
    out = []
    for i, tactic in enumerate(catalogue()):
        if tactic.level == "exchange":
            hit = rows[(population.columns["tactics"][rows] >> np.uint32(i)) & np.uint32(1) == 1]
            least = 0.02 if tactic.id == "T-SEARCH" else LEAST_SHARE
            if len(hit) >= 10 and len(hit) >= least * len(rows):
                out.append((tactic, hit))
    return out


def campaign_tactics(population: Population, found: Found) -> list[Shown]:
    """The tactics of a group, in the order of the catalogue."""
    rows = found.group.rows
    out: list[Shown] = []
    group_level = group_tactics(population, found)
    by_exchange = {tactic.id: hit for tactic, hit in _exchange_hits(population, rows)}
    for tactic in catalogue():
        if tactic.id in by_exchange:
            hit = by_exchange[tactic.id]
            share = len(hit) / len(rows)
            out.append(Shown(tactic, hit, share, f"{share:.0%} of the harvest exchanges carry it"))
        elif tactic.id in group_level:
            out.append(Shown(tactic, *group_level[tactic.id]))
    return out


def tactic_findings(
    population: Population, shown: Sequence[Shown], ids: Mapping[int, str], texts: Mapping[str, str]
) -> tuple[TacticFinding, ...]:
    """The same as findings: ``ids`` names exchanges by row, ``texts`` has a text to show for some tactics."""
    return tuple(
        TacticFinding(
            id=tactic.id,
            name=tactic.name,
            atlas=tactic.atlas,
            accounts=len(np.unique(population.account[rows])),
            exchanges=len(rows),
            share=float(min(share, 1.0)),
            evidence=evidence,
            example_exchange_ids=tuple(ids[r] for r in rows[:EXAMPLES].tolist()),
            redacted_examples=(texts[tactic.id],) if texts.get(tactic.id) else (),
        )
        for tactic, rows, share, evidence in shown
    )
