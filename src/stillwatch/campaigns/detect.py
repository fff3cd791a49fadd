"""From judged groups to campaigns: verdict, membership, merging."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.judge import MATERIAL, Judged, bonferroni, judge_all, judge_one
from stillwatch.campaigns.lookalikes import Facts, weigh
from stillwatch.campaigns.traits import Traits, traits
from stillwatch.domain.verdict import Alternative, Family
from stillwatch.kernels.groups import tie_degrees
from stillwatch.links.candidates import find_candidates
from stillwatch.signals.base import Group, Verdict
from stillwatch.signals.population import Population
from stillwatch.signals.registry import TIES
from stillwatch.signals.tactics import catalogue

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
LEAST_CAMPAIGN = 12
SIGNIFICANT = 0.001
OVERLAP = 0.3
PURITY = 0.8
SPREAD = 0.05
FRINGE = 0.2
_NOT_OWN = ("cohort", "mail_domain", "tls", "client", "parameters")


class Settings(NamedTuple):
    """What a user may set of the detection."""

    rate: float = 0.01
    seed: int = 1
    draws: int = 199
    threads: int = 2


class Found(NamedTuple):
    """A group with its verdict."""

    verdict: str
    group: Group
    verdicts: dict[Family, Verdict]
    formed_by: frozenset[Family]
    traits: Traits
    alternatives: tuple[Alternative, ...]
    p_value: float
    q_value: float
    core: int


def strong_families(judged: Judged) -> dict[Family, Verdict]:
    """Families that are significant and material for a group."""
    return {f: v for f, v in judged.verdicts.items() if v.p_value <= SIGNIFICANT and v.effect >= MATERIAL[f]}


def verdict_of(population: Population, judged: Judged, rate: float) -> tuple[str, Traits, tuple[Alternative, ...]]:
    """``campaign``, ``watch``, ``lookalike:<kind>`` or ``clear`` by the contract's rule.

    A campaign needs evidence of two families, one of which did not form the group, a q-value under the rate and no
    honest explanation that stands. Families that one program explains together (content, client stack, wording
    that is not specific) count as one.
    """
    t = traits(population, judged.group)
    strong = strong_families(judged)
    kind, alternatives = weigh(Facts(t, strong))
    if not strong or judged.q_value > rate:
        return ("clear" if not strong else "watch"), t, alternatives
    if kind is not None:
        return f"lookalike:{kind}", t, alternatives
    enough = independent_kinds(judged.group, strong) >= 2
    small = int(population.representative[judged.group.accounts].sum()) < LEAST_CAMPAIGN
    return ("campaign" if enough and not small else "watch"), t, alternatives


def independent_kinds(group: Group, strong: dict[Family, Verdict]) -> int:
    """How many kinds of evidence do not follow from one another."""
    seen = set(group.formed_by) | set(strong)
    work = {Family.CONTENT, Family.INTENT} & seen or ({Family.INFRASTRUCTURE} if group.software else set())
    hand = {Family.IDENTITY, Family.INFRASTRUCTURE, Family.CONTINUITY} & seen
    if group.software and Family.INFRASTRUCTURE in group.formed_by:
        hand -= {Family.INFRASTRUCTURE} if Family.INFRASTRUCTURE not in strong else set()
    timing = strong.get(Family.TIMING)
    rhythm = timing is not None and timing.channel in ("one_dispatcher", "dispatch_order")
    return bool(work) + bool(hand) + rhythm + (len(hand) >= 3)


def substream(population: Population, judged: Judged) -> Group:
    """For a group drawn by who its accounts are: only the exchanges, and members, of the work that they share."""
    group = judged.group
    content = judged.verdicts.get(Family.CONTENT)
    if Family.CONTENT in group.formed_by or content is None or content.p_value > SIGNIFICANT:
        return group
    inside = np.zeros(population.size, np.bool_)
    inside[group.accounts] = True
    picked: list[I64] = []
    for signal in TIES:
        if signal.family is not Family.CONTENT:
            continue
        for kind in signal.kinds:
            values = population.kinds[kind.name]
            if not values.size:
                continue
            degree, by = tie_degrees(group.accounts, values.indptr, values.values, values.frequency, values.known)
            for value in np.unique(by[degree >= 0.5]).tolist():
                rows = values.rows_of(value)
                picked.append(rows[inside[population.account[rows]]])
    rows = np.unique(np.concatenate(picked)) if picked else group.rows
    accounts = np.unique(population.account[rows]).astype(np.int32)
    if len(accounts) < max(LEAST_CAMPAIGN, len(group.accounts) // 4):
        return group
    return group._replace(accounts=accounts, rows=rows)


def prune(population: Population, judged: Judged, settings: Settings) -> Group:
    """Take out the fringe: members without any tie of their own, unless they carry the evidence without the others."""
    group = judged.group
    tied = np.zeros(len(group.accounts))
    for family, verdict in strong_families(judged).items():
        if family is not Family.INTENT:
            tied = np.maximum(tied, verdict.tied)
    rest = group.accounts[tied < 0.3]
    if len(rest) < 8 or len(rest) < 0.05 * len(group.accounts):
        return group
    rows = group.rows[np.isin(population.account[group.rows], rest)]
    alone = judge_one(population, group._replace(accounts=rest, rows=rows), seed=settings.seed, draws=settings.draws)
    alone.pop(Family.INTENT, None)
    if any(v.p_value <= 0.01 and v.effect >= MATERIAL[f] for f, v in alone.items()):
        return group
    core = group.accounts[tied >= 0.3]
    return group._replace(accounts=core, rows=group.rows[np.isin(population.account[group.rows], core)])


def detect(population: Population, settings: Settings, *, step: Callable[[str], None] = lambda _: None) -> list[Found]:
    """All groups with a verdict other than ``clear``, merged into campaigns, strongest first."""
    step("candidates")
    candidates = find_candidates(population, seed=settings.seed, step=step)
    judged = judge_all(
        population, candidates, seed=settings.seed, draws=settings.draws, threads=settings.threads, step=step
    )
    found: list[Found] = []
    step("verdicts")
    for j in judged:
        if not strong_families(j):
            continue
        j = _weaken_intent(population, j, candidates)
        verdict, t, alternatives = verdict_of(population, j, settings.rate)
        group = j.group
        if verdict == "campaign":
            group = substream(population, j) if Family.CONTENT in j.verdicts else prune(population, j, settings)
        if verdict != "clear":
            found.append(Found(verdict, group, j.verdicts, j.group.formed_by, t, alternatives, j.p_value, j.q_value, 0))
    return merge(population, found, settings)


def _weaken_intent(population: Population, judged: Judged, candidates: list[Group]) -> Judged:
    """Where one program's wording formed the group, intent is one observation: its unit is the template."""
    intent = judged.verdicts.get(Family.INTENT)
    if intent is None or not judged.group.software or intent.p_value > SIGNIFICANT:
        return judged
    if any(tactic.specific and _share(population, judged.group, i) >= 0.3 for i, tactic in enumerate(catalogue())):
        return judged
    peers = sum(1 for c in candidates if c.software and Family.CONTENT in c.formed_by)
    verdicts = dict(judged.verdicts)
    verdicts[Family.INTENT] = intent._replace(p_value=max(intent.p_value, 1 / (1 + peers)))
    return judged._replace(verdicts=verdicts, p_value=bonferroni(verdicts))


def _share(population: Population, group: Group, tactic: int) -> float:
    return (
        float(((population.columns["tactics"][group.rows] >> np.uint32(tactic)) & 1).mean()) if len(group.rows) else 0.0
    )


def merge(population: Population, found: list[Found], settings: Settings) -> list[Found]:
    """Campaign groups that share at least 30 % of the smaller one's accounts are one campaign."""
    campaigns = [f for f in found if f.verdict == "campaign"]
    others = [f for f in found if f.verdict != "campaign"]
    merged: list[list[Found]] = []
    for one in sorted(campaigns, key=lambda f: (-len(f.group.accounts), f.p_value, int(f.group.accounts[0]))):
        for bucket in merged:
            union = np.unique(np.concatenate([f.group.accounts for f in bucket]))
            both = len(np.intersect1d(union, one.group.accounts))
            if both >= OVERLAP * min(len(union), len(one.group.accounts)):
                bucket.append(one)
                break
        else:
            merged.append([one])
    out = [_union(population, bucket, settings) for bucket in merged]
    taken = np.zeros(population.size, np.bool_)
    for f in out:
        taken[f.group.accounts] = True
    kept: list[Found] = []
    for f in others:
        if taken[f.group.accounts].mean() < 0.5:
            kept.append(f)
            taken[f.group.accounts] = True
    return out + kept


def specific(population: Population, group: Group) -> Group:
    """Members hold something that is the group's own: a value most of whose other holders are members too.

    Repeated until it settles (at most five rounds): what a common phrase or a hub brought in falls out. A group without
    any such value (its template is that of a popular program) stays as it is.
    """
    kinds = [k for s in TIES if s.family is not Family.INTENT for k in s.kinds if k.name not in _NOT_OWN]
    inside = np.zeros(population.size, np.bool_)
    inside[group.accounts] = True
    of_group = np.zeros(len(population.ts), np.bool_)
    of_group[group.rows] = True
    own_rows = np.zeros(len(population.ts), np.bool_)
    for _ in range(5):
        kept = np.zeros(population.size, np.bool_)
        own_rows[:] = False
        for kind in kinds:
            v = population.kinds[kind.name]
            if not v.size:
                continue
            owner = np.repeat(np.arange(population.size), np.diff(v.indptr))
            mine = inside[owner]
            x = np.bincount(v.values[mine], minlength=v.size)
            holders = np.diff(v.holders_ptr)
            least = max(6, SPREAD * inside.sum()) if kind.software else 3
            own = (x >= least) & ((x - 1) >= PURITY * (holders - 1))
            kept[owner[mine & own[v.values]]] = True
            if kind.family is Family.CONTENT:
                for value in np.flatnonzero(own).tolist():
                    own_rows[v.rows_of(value)] = True
        own_rows &= of_group & kept[population.account]
        if own_rows.sum() >= 0.5 * of_group.sum():
            kept &= ~_fringe(population, kept, own_rows)
        if kept.sum() < LEAST_CAMPAIGN or (kept == inside).all():
            break
        inside = kept
    accounts = np.flatnonzero(inside).astype(np.int32)
    return group._replace(accounts=accounts, rows=group.rows[inside[population.account[group.rows]]])


def _fringe(population: Population, inside: npt.NDArray[np.bool_], rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Accounts that only brush the shared work: under a fifth of the members' median share of their own traffic."""
    share = np.bincount(population.account[rows], minlength=population.size) / population.counts
    return np.asarray(share < FRINGE * np.median(share[inside]))


def _union(population: Population, bucket: list[Found], settings: Settings) -> Found:
    """One campaign out of overlapping groups; families that formed one part may have judged another."""
    lead = min(bucket, key=lambda f: (f.p_value, -len(f.group.accounts)))
    accounts = np.unique(np.concatenate([f.group.accounts for f in bucket])).astype(np.int32)
    rows = np.unique(np.concatenate([f.group.rows for f in bucket]))
    rows = rows[np.isin(population.account[rows], accounts)]
    verdicts: dict[Family, Verdict] = {}
    for f in bucket:
        for family, v in f.verdicts.items():
            if family not in verdicts or v.p_value < verdicts[family].p_value:
                verdicts[family] = v
    group = specific(population, lead.group._replace(accounts=accounts, rows=rows))
    return lead._replace(
        group=group,
        verdicts=verdicts,
        traits=traits(population, group),
        q_value=min(f.q_value for f in bucket),
        core=len(lead.group.accounts),
    )
