"""The result as a value: campaigns with their reasons, dispositions of every account, evidence rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.campaigns.charts import charts
from stillwatch.campaigns.detect import Found
from stillwatch.campaigns.licences import Licensed
from stillwatch.campaigns.phrases import seen
from stillwatch.campaigns.registry import Taken
from stillwatch.campaigns.tactics import campaign_tactics, first_of_each, tactic_findings, tactic_senders
from stillwatch.domain.verdict import (
    ACCOUNT_VERDICTS,
    Campaign,
    CaseResult,
    Evidence,
    Family,
    FamilyFinding,
    Impact,
    TacticFinding,
    Template,
)
from stillwatch.kernels.hashing import hash_strings
from stillwatch.signals.population import DAY_US, Population
from stillwatch.signals.registry import SIGNALS
from stillwatch.signals.tactics import catalogue

I32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
MOST_TEMPLATES = 8
COMPARED = 12
"""Accounts whose requests are compared to show what a template's texts have in common."""
EXAMPLES = 5
FRINGE_SCORE = 0.3
"""Of accounts that may belong to a campaign but are not named with it."""


class Names(NamedTuple):
    """What turns integers back into the log's own names: models, channels, exchange ids, prompts."""

    models: pa.Array
    channels: pa.Array
    exchange_ids: Callable[[I32], dict[int, str]]
    """By row; asked once for all, because an engine answers a question about many as fast as one about few."""
    prompts: Callable[[I32], dict[int, str]]
    """Texts of some exchanges (system prompt and prompt), by row."""
    show: Callable[[Sequence[str]], str]
    """How a template's texts are shown: what they have in common, the rest masked, unless the user asked for text."""


def iso(us: int) -> str:
    """ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def campaign_id(population: Population, accounts: I32, taken: Collection[str]) -> str:
    """Stable over runs and under growth: the smallest hash among the ids of the members that were there on its first
    day (UTC), so that a log of more days gives the same, that no stronger group of the case goes by (groups may share
    members)."""
    day = population.first[accounts] // DAY_US
    late = day > day.min()
    hashes = hash_strings(population.account_ids.take(pa.array(accounts)))
    hashes = np.concatenate([np.sort(hashes[~late]), np.sort(hashes[late])])
    names = [f"c-{int(h):016x}"[:14] for h in hashes[: len(taken) + 1]]
    free = (name for name in names if name not in taken)
    return next(free, f"{names[0]}-{len(taken)}")


def _families(population: Population, found: Found) -> tuple[FamilyFinding, ...]:
    out = []
    for signal in SIGNALS:
        family = signal.family
        verdict = found.verdicts.get(family)
        formed = family in found.formed_by
        if not signal.available(population):
            out.append(
                FamilyFinding(family=family, available=False, formed_group=False, summary="The log does not carry it.")
            )
        elif verdict is None:
            out.append(
                FamilyFinding(
                    family=family,
                    available=True,
                    formed_group=formed,
                    summary="It drew the group; it does not judge it.",
                )
            )
        else:
            out.append(
                FamilyFinding(
                    family=family,
                    available=True,
                    formed_group=formed,
                    statistic=float(verdict.statistic),
                    p_value=float(verdict.p_value),
                    effect=float(min(verdict.effect, 1.0)),
                    summary=seen(verdict),
                )
            )
    return tuple(out)


class _Draft(NamedTuple):
    """A template before its text is fetched: the exchanges to compare."""

    id: str
    accounts: int
    exchanges: int
    rows: I32


def _templates(population: Population, found: Found, rows_in: Bools, covered: Bools) -> list[_Draft]:
    """What many of a group's exchanges have in common; two scratch columns are false before and after."""
    rows_in[found.group.rows] = True
    candidates = []
    for kind in ("template", "system", "skeleton", "phrase"):
        values = population.kinds[kind]
        x = np.bincount(values.held_by(found.group.accounts)[1], minlength=values.size)
        for value in np.flatnonzero(x >= 3).tolist():
            rows = values.rows_of(value)
            rows = rows[rows_in[rows]]
            if len(rows):
                candidates.append((-len(rows), kind, value, int(x[value]), rows))
    candidates.sort(key=lambda c: (c[0], c[1], c[2]))
    out: list[_Draft] = []
    for negative, kind, _, accounts, rows in candidates:
        if len(out) >= MOST_TEMPLATES:
            break
        if covered[rows].mean() > 0.8:
            continue
        covered[rows] = True
        owners = population.account[rows]
        out.append(_Draft(f"{kind}-{len(out) + 1}", accounts, -negative, rows[first_of_each(owners, COMPARED)]))
    rows_in[found.group.rows] = covered[found.group.rows] = False
    return out


def _counts(hashes: npt.NDArray[np.uint64], labels: pa.Array) -> dict[str, int]:
    names = {
        int(h): (name if name is not None else "unknown")
        for h, name in zip(hash_strings(labels), labels.to_pylist(), strict=True)
    }
    seen, counts = np.unique(hashes, return_counts=True)
    pairs = [(names.get(int(h), "unknown"), int(c)) for h, c in zip(seen, counts, strict=True)]
    return dict(sorted(pairs, key=lambda p: (-p[1], p[0]))[:12])


def taken(population: Population, rows: I32, names: Names) -> Taken:
    """What some exchanges took, by model and channel and in tokens."""
    columns = population.columns
    return Taken(
        models=_counts(columns["model"][rows], names.models),
        channels=_counts(columns["channel"][rows], names.channels),
        impact=Impact(
            input_tokens=int(columns["input_tokens"][rows].sum()),
            output_tokens=int(np.maximum(columns["output_tokens"][rows], 0).sum()),
            reasoning_tokens=int(columns["reasoning_tokens"][rows].sum()),
        ),
    )


def build_campaign(
    population: Population,
    found: Found,
    names: Names,
    identity: str,
    templates: tuple[Template, ...],
    tactics: tuple[TacticFinding, ...],
    *,
    breach: str | None = None,
) -> Campaign:
    """One group as the case shows it."""
    accounts, rows = found.group.accounts, found.group.rows
    took = taken(population, rows, names)
    capabilities: dict[str, int] = {}
    by_id = {t.id: t for t in catalogue()}
    for finding in tactics:
        if by_id[finding.id].capability:
            what = by_id[finding.id].capability
            capabilities[what] = max(capabilities.get(what, 0), finding.exchanges)
    strong = [f.value for f, v in sorted(found.verdicts.items()) if v.p_value <= 0.001]
    return Campaign(
        id=identity,
        verdict=found.verdict,
        title=_title(found, [t.id for t in tactics], strong, iso(int(population.ts[rows[0]])) if len(rows) else ""),
        accounts=len(accounts),
        core_accounts=found.core or len(accounts),
        exchanges=int(population.counts[accounts].sum()),
        harvest_exchanges=len(rows),
        first_seen=iso(int(population.ts[rows].min())),
        last_seen=iso(int(population.ts[rows].max())),
        q_value=float(min(found.q_value, 1.0)),
        confidence=_confidence(found),
        families=_families(population, found),
        tactics=tactics,
        alternatives=found.alternatives,
        models=took.models,
        channels=took.channels,
        capabilities=capabilities,
        templates=templates,
        impact=took.impact,
        charts=charts(population, found.group),
        licence_breach=breach,
        note="confidence is a heuristic: it grows with the number of independent families; p- and q-values are tests",
    )


def _title(found: Found, tactics: Sequence[str], strong: Sequence[str], since: str) -> str:
    what = ", ".join(tactics[:3]) or "shared work"
    return (
        f"{what} over {len(found.group.accounts):,} accounts since {since} ({', '.join(strong) or 'no strong family'})"
    )


def _confidence(found: Found) -> float:
    families = len(found.formed_by) + sum(
        v.p_value <= 0.001 and f not in found.formed_by for f, v in found.verdicts.items()
    )
    certainty = 1 - min(found.q_value, 1.0)
    return float(round(certainty * (1 - 0.5 ** min(families, 6)), 4))


def _examples(found: Found) -> I32:
    """Exchanges to be named: spread evenly over the group's."""
    rows = found.group.rows
    return rows[np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows))).astype(np.int64)] if len(rows) else rows


def _evidence(found: Found, identity: str, ids: Mapping[int, str]) -> list[Evidence]:
    rows = found.group.rows
    examples = tuple(ids[r] for r in _examples(found).tolist())
    nulls = {s.family: s.null for s in SIGNALS}
    return [
        Evidence(
            campaign_id=identity,
            family=family,
            channel=v.channel or "none",
            statistic=float(v.statistic),
            null=nulls[family],
            p_value=float(v.p_value),
            accounts=round(min(v.effect, 1.0) * len(found.group.accounts)),
            exchanges=len(rows),
            example_exchange_ids=examples,
        )
        for family, v in sorted(found.verdicts.items(), key=lambda item: item[0].value)
    ]


def build_case(
    population: Population,
    found: Sequence[Found],
    licensed: Sequence[Licensed],
    single: dict[str, I32],
    names: Names,
    run: dict[str, object],
    known: Mapping[int, str] = MappingProxyType({}),
    taken_ids: Collection[str] = (),
) -> CaseResult:
    """Everything the scan found. ``single`` holds look-alikes that are one account each (``kind`` → accounts).

    ``known`` names groups (places in ``found``) that earlier scans knew; no other group goes by one of ``taken_ids``.
    """
    n = population.size
    disposition = np.full(n, "clear", dtype=object)
    campaign = np.full(n, None, dtype=object)
    score = np.zeros(n)
    q = np.ones(n)
    harvest = np.zeros(n, np.int64)
    for kind, accounts in sorted(single.items()):
        disposition[accounts] = f"lookalike:{kind}"
    groups, evidence = [], []
    covered = np.zeros(n, np.bool_)
    breaches: dict[int, str] = {}
    for item in licensed:
        covered[item.accounts] = True
        if item.breach:
            breaches.update({int(a): f"licence {item.licence.id}: {item.breach}" for a in item.accounts})
    places = sorted(range(len(found)), key=lambda i: (found[i].verdict == "campaign", -found[i].q_value))
    ordered = [found[i] for i in places]
    identities: dict[str, Found] = {}
    for i in reversed(places):
        ids_in_use = {*identities, *known.values(), *taken_ids}
        identities[known.get(i) or campaign_id(population, found[i].group.accounts, ids_in_use)] = found[i]
    scratch = np.zeros((2, len(population.ts)), np.bool_)
    drafts = [_templates(population, f, *scratch) for f in ordered]
    shown = [tactic_senders(population, f) for f in ordered]
    wanted = [d.rows for group in drafts for d in group] + [rows for by in shown for rows in by.values()]
    texts = names.prompts(np.unique(np.concatenate(wanted))) if wanted else {}
    tactics = [campaign_tactics(population, f) for f in ordered]
    to_name = [_examples(f) for f in ordered] + [t.examples for by in tactics for t in by]
    ids = names.exchange_ids(np.unique(np.concatenate(to_name))) if to_name else {}
    for f, draft, senders, shows, identity in zip(ordered, drafts, shown, tactics, reversed(identities), strict=True):
        examples = {tactic: names.show([texts[int(r)] for r in rows]) for tactic, rows in senders.items()}
        templates = tuple(
            Template(
                id=d.id, accounts=d.accounts, exchanges=d.exchanges, text=names.show([texts[int(r)] for r in d.rows])
            )
            for d in draft
        )
        accounts = f.group.accounts
        breach = next((breaches[int(a)] for a in accounts if int(a) in breaches), None)
        inside = covered[accounts].mean() > 0.5
        verdict = "licensed" if inside and f.verdict in ("campaign", "watch") else f.verdict
        built = build_campaign(
            population,
            f._replace(verdict=verdict),
            names,
            identity,
            templates,
            tactic_findings(population, shows, ids, examples),
            breach=breach,
        )
        groups.append(built)
        evidence += _evidence(f, built.id, ids)
        mine = accounts if inside else accounts[~covered[accounts]]
        disposition[mine] = verdict
        if verdict in ("campaign", "watch"):
            campaign[mine] = built.id
            strength = built.confidence if verdict == "campaign" else 0.4 * built.confidence
            volume = np.bincount(population.account[f.group.rows], minlength=n)[mine]
            score[mine] = np.maximum(
                score[mine],
                (0.5 if verdict == "campaign" else 0.1) + 0.4 * strength + 0.1 * volume / population.counts[mine],
            )
            q[mine] = np.minimum(q[mine], built.q_value)
            harvest += np.where(
                np.isin(np.arange(n), mine), np.bincount(population.account[f.group.rows], minlength=n), 0
            )
        beside = f.fringe[disposition[f.fringe] == "clear"]
        disposition[beside], score[beside] = "watch", FRINGE_SCORE
    disposition[covered & (disposition != "licensed")] = "licensed"
    table = pa.table(
        {
            "account_id": population.account_ids,
            "campaign_id": pa.array(campaign.tolist(), pa.string()),
            "disposition": pa.array(disposition.tolist(), pa.string()),
            "score": np.round(np.minimum(score, 1.0), 6),
            "q_value": np.minimum(q, 1.0),
            "exchanges": population.counts,
            "harvest_exchanges": np.minimum(harvest, population.counts),
            "first_seen": pa.array(population.first).cast(pa.timestamp("us", tz="UTC")),
            "last_seen": pa.array(population.last).cast(pa.timestamp("us", tz="UTC")),
        }
    ).cast(ACCOUNT_VERDICTS)
    run = dict(run)
    run["unavailable"] = list(population.unavailable)
    run["unavailable_families"] = [s.family.value for s in SIGNALS if not s.available(population)]
    run["capped"] = dict(population.capped)
    run["licences"] = [
        {"id": x.licence.id, "accounts": len(x.accounts), "exchanges": x.exchanges, "breach": x.breach}
        for x in licensed
    ]
    groups.sort(key=lambda c: (c.verdict != "campaign", -c.accounts, c.id))
    evidence.sort(key=lambda e: (e.campaign_id, e.family.value, e.channel))
    return CaseResult(accounts=table, campaigns=tuple(groups), evidence=tuple(evidence), run=run)


__all__ = ["Family", "Names", "build_campaign", "build_case", "campaign_id"]
