"""Which tactics of the catalogue a campaign shows: those visible in a request, and those visible only over a group."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.detect import Found
from stillwatch.domain.verdict import Family, TacticFinding
from stillwatch.signals.population import DAY_US, Population
from stillwatch.signals.tactics import Tactic, catalogue

I64 = npt.NDArray[np.int64]
LEAST_SHARE = 0.2


SENDERS = 12
"""Accounts whose requests are compared to show what a tactic's text has in common."""


def tactic_senders(population: Population, found: Found) -> dict[str, I64]:
    """Per tactic that single requests show, one exchange each of up to a dozen accounts."""
    out = {}
    for tactic, hit in _exchange_hits(population, found.group.rows):
        _, first = np.unique(population.account[hit], return_index=True)
        out[tactic.id] = hit[first[:SENDERS]]
    return out


def _exchange_hits(population: Population, rows: I64) -> list[tuple[Tactic, I64]]:
    """Tactics that enough of a group's exchanges show by themselves, with those exchanges."""
    out = []
    for i, tactic in enumerate(catalogue()):
        if tactic.level == "exchange":
            hit = rows[(population.columns["tactics"][rows] >> np.uint32(i)) & np.uint32(1) == 1]
            least = 0.02 if tactic.id == "T-SEARCH" else LEAST_SHARE
            if len(hit) >= 10 and len(hit) >= least * len(rows):
                out.append((tactic, hit))
    return out


def campaign_tactics(
    population: Population, found: Found, exchange_ids: Callable[[I64], list[str]], examples: Mapping[str, str]
) -> tuple[TacticFinding, ...]:
    """Findings in the order of the catalogue, each with its evidence in words, example exchanges, and a text to show
    where ``examples`` has one."""
    rows = found.group.rows
    out: list[TacticFinding] = []

    def add(tactic: Tactic, hit: I64, share: float, evidence: str) -> None:
        out.append(
            TacticFinding(
                id=tactic.id,
                name=tactic.name,
                atlas=tactic.atlas,
                accounts=len(np.unique(population.account[hit])),
                exchanges=len(hit),
                share=float(min(share, 1.0)),
                evidence=evidence,
                example_exchange_ids=tuple(exchange_ids(hit[:3])),
                redacted_examples=(examples[tactic.id],) if examples.get(tactic.id) else (),
            )
        )

    group_level = _group_tactics(population, found)
    by_exchange = {tactic.id: hit for tactic, hit in _exchange_hits(population, rows)}
    for tactic in catalogue():
        if tactic.id in by_exchange:
            hit = by_exchange[tactic.id]
            add(tactic, hit, len(hit) / len(rows), f"{len(hit) / len(rows):.0%} of the harvest exchanges carry it")
        elif tactic.id in group_level:
            hit, share, evidence = group_level[tactic.id]
            add(tactic, hit, share, evidence)
    return tuple(out)


def _group_tactics(population: Population, found: Found) -> dict[str, tuple[I64, float, str]]:
    accounts, rows = found.group.accounts, found.group.rows
    out: dict[str, tuple[I64, float, str]] = {}
    strong = {f: v for f, v in found.verdicts.items() if v.p_value <= 0.001}
    timing = strong.get(Family.TIMING)
    if timing is not None and timing.channel in ("dispatch_order", "one_dispatcher"):
        how = "in an order that repeats" if timing.channel == "dispatch_order" else "evenly and without human sessions"
        out["T-LOADBAL"] = (rows, 1.0, f"the work is dealt out to the accounts {how}")
    elif Family.IDENTITY in strong and strong[Family.IDENTITY].channel == "payment":
        out["T-LOADBAL"] = (rows, 1.0, "unrelated-looking accounts share payment instruments")
    if 0.05 < found.traits.substream < 0.85:
        cover = 1 - found.traits.substream
        out["T-COVER"] = (rows, cover, f"{cover:.0%} of the accounts' traffic is unrelated to the shared work")
    intent = strong.get(Family.INTENT)
    if intent is not None and intent.channel == "relay":
        out["T-RELAY"] = (
            rows,
            intent.effect,
            f"{intent.effect:.0%} of the accounts serve four or more clients in a day",
        )
    channels = np.unique(population.columns["channel"][rows])
    if len(channels) >= 3:
        out["T-CHANNELS"] = (rows, 1.0, f"the same work over {len(channels)} channels")
    if found.traits.top_programme >= 0.5:
        out["T-PROGRAMME"] = (
            rows,
            found.traits.top_programme,
            f"{found.traits.top_programme:.0%} of the accounts are in one programme",
        )
    for kind, tactic, text in (
        ("failover", "T-FAILOVER", "refused requests were continued by other accounts"),
        ("replay", "T-REPLAY", "reasoning references were presented by accounts that they were not issued to"),
    ):
        values = population.kinds[kind]
        if values.size:
            inside = np.zeros(population.size, np.bool_)
            inside[accounts] = True
            hit = np.unique(values.rows[inside[population.account[values.rows]]])
            if len(np.unique(population.account[hit])) >= 3:
                out[tactic] = (hit, len(np.unique(population.account[hit])) / len(accounts), text)
    created = population.table["created_at"][accounts]
    young = (created > 0) & (population.first[accounts] - created < DAY_US) & (population.counts[accounts] >= 100)
    if young.mean() >= 0.3:
        hit = rows[np.isin(population.account[rows], accounts[young])]
        if len(hit):
            out["T-NORAMP"] = (
                hit,
                float(young.mean()),
                f"{young.mean():.0%} of the accounts ran at full volume within a day of sign-up",
            )
    banned = population.columns["status"][rows] == 403
    stopped = np.unique(population.account[rows[banned]])
    born = np.sort(created[created > 0])
    if len(stopped) >= 3 and len(born):
        last = population.last[stopped]
        after = np.searchsorted(born, last + DAY_US) - np.searchsorted(born, last)
        if (after > 0).mean() >= 0.5:
            out["T-HYDRA"] = (
                rows[banned],
                len(stopped) / len(accounts),
                f"{len(stopped)} banned accounts; new ones signed up within a day",
            )
    agents = population.columns["client"][rows]
    if (agents == 0).mean() >= 0.8 and (population.columns["client"] == 0).mean() < 0.4:
        out["T-SANITISE"] = (
            rows[agents == 0],
            float((agents == 0).mean()),
            "client strings are missing where other customers send them",
        )
    return out
