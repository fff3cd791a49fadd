"""From judged groups to campaigns: verdict, membership, merging."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.judge import MATERIAL, Judged, bonferroni, judge_all, judge_one
from stillwatch.campaigns.lookalikes import Facts, weigh
from stillwatch.campaigns.members import members, own_parts
from stillwatch.campaigns.traits import Traits, traits
from stillwatch.domain.verdict import Alternative, Family
from stillwatch.kernels.groups import tie_degrees
from stillwatch.links.candidates import find_candidates
from stillwatch.signals.base import Group, Verdict
from stillwatch.signals.infrastructure import SIGNAL as INFRASTRUCTURE
from stillwatch.signals.population import Population
from stillwatch.signals.registry import TIES
from stillwatch.signals.tactics import catalogue

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
LEAST_CAMPAIGN = 12
SIGNIFICANT = 1e-4
WEAK_IDENTITY = 0.5
ONLY_ADDRESSES = 0.4
ONLY_TIMING_P = 1e-6
ONLY_TIMING_CUSTOMERS = 40
OVERLAP = 0.3
MOSTLY_ITS = 0.8
CONTAINED = 0.95
MUCH_SMALLER = 0.25
FLEET = 5
FLEET_SHARE = 0.1
"""Accounts of one payer, and their share of a group, from which they may be a customer's fleet that speaks for it."""
LEAST_SUBSTREAM = 0.15
"""Work that is less than this of its accounts' traffic is a habit of speech or deep cover: watched, not named."""


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
    strong = {f: v for f, v in judged.verdicts.items() if v.p_value <= SIGNIFICANT and v.effect >= MATERIAL[f]}
    identity = strong.get(Family.IDENTITY)
    # a mail provider goes with a country, and country is never evidence: it is shown, it does not count
    if identity is not None and (
        identity.channel == "mail_domain" or (identity.channel == "cohort" and identity.effect < WEAK_IDENTITY)
    ):
        del strong[Family.IDENTITY]
    return strong


def verdict_of(
    population: Population, judged: Judged, settings: Settings
) -> tuple[str, Traits, tuple[Alternative, ...]]:
    """``campaign``, ``watch``, ``lookalike:<kind>`` or ``clear`` by the contract's rule.

    A campaign needs evidence of two families, one of which did not form the group, a q-value under the rate and no
    honest explanation that stands. Families that one program explains together (content, client stack, wording
    that is not specific) count as one.
    """
    t = traits(population, judged.group)
    strong = strong_families(judged)
    kind, alternatives = weigh(Facts(t, strong, judged.group.formed_by))
    if not strong or judged.q_value > settings.rate:
        return ("clear" if not strong else "watch"), t, alternatives
    if kind is not None:
        return f"lookalike:{kind}", t, alternatives
    enough = independent_kinds(population, judged.group, strong) >= 2
    others = set(strong) - {Family.CONTENT, Family.INTENT}
    if others == {Family.TIMING} and not {Family.IDENTITY, Family.CONTINUITY} & judged.group.formed_by:
        enough &= strong[Family.TIMING].p_value <= ONLY_TIMING_P and t.customers >= ONLY_TIMING_CUSTOMERS
    enough &= int(population.representative[judged.group.accounts].sum()) >= LEAST_CAMPAIGN
    enough &= t.substream >= LEAST_SUBSTREAM
    enough = bool(enough) and without_first_payer(population, judged, strong, settings)
    return ("campaign" if enough else "watch"), t, alternatives


def without_first_payer(
    population: Population, judged: Judged, strong: dict[Family, Verdict], settings: Settings
) -> bool:
    """Whether two kinds of evidence are left without the accounts of the payer that has most of them.

    A customer's own fleet is one owner's: it must not speak for the strangers that a loose group holds beside it.
    """
    group = judged.group
    payer = population.table["payment_fingerprint"][group.accounts]
    names, counts = np.unique(payer[payer != 0], return_counts=True)
    if not len(names) or counts.max() < max(FLEET, FLEET_SHARE * len(group.accounts)):
        return True
    rest = group.accounts[payer != names[counts.argmax()]]
    if int(population.representative[rest].sum()) < LEAST_CAMPAIGN:
        return False
    rows = group.rows[np.isin(population.account[group.rows], rest)]
    group = group._replace(accounts=rest, rows=rows)
    verdicts = judge_one(population, group, seed=settings.seed, draws=settings.draws, families=frozenset(strong))
    return independent_kinds(population, group, strong_families(judged._replace(group=group, verdicts=verdicts))) >= 2


def across_owners(population: Population, group: Group) -> bool:
    """Whether infrastructure still ties the group when every payer counts once: one household or office does not."""
    payment = population.table["payment_fingerprint"][group.accounts]
    order = np.lexsort((group.accounts, -population.counts[group.accounts], payment))
    first = np.ones(len(order), np.bool_)
    first[1:] = payment[order][1:] != payment[order][:-1]
    keep = np.sort(order[first | (payment[order] == 0)])
    alone = group._replace(accounts=group.accounts[keep], software=True)
    if len(keep) < LEAST_CAMPAIGN // 2:
        return False
    verdict = INFRASTRUCTURE.judge(population, alone, seed=1, draws=199)
    return verdict.p_value <= 1e-3 and verdict.effect >= MATERIAL[Family.INFRASTRUCTURE]


def independent_kinds(population: Population, group: Group, strong: dict[Family, Verdict]) -> int:
    """How many kinds of evidence do not follow from one another.

    The same work (content, intent), the same hand (identity, infrastructure, continuity) and one dispatcher (timing).
    Identity and infrastructure count apart where addresses tie accounts of different payers. The same client stack
    counts as the same work only beside payment instruments that its users share.
    """
    seen = set(group.formed_by) | set(strong)
    work = {Family.CONTENT, Family.INTENT} & seen
    hand = {Family.IDENTITY, Family.INFRASTRUCTURE, Family.CONTINUITY} & seen
    if group.software and Family.INFRASTRUCTURE in group.formed_by:
        hand -= {Family.INFRASTRUCTURE} if Family.INFRASTRUCTURE not in strong else set()
    timing = strong.get(Family.TIMING)
    rhythm = timing is not None and timing.channel in ("one_dispatcher", "dispatch_order")
    identity = strong.get(Family.IDENTITY)
    own_hand = identity is not None and identity.channel in ("payment", "device", "phone")
    if hand == {Family.INFRASTRUCTURE} and Family.INFRASTRUCTURE in strong:
        # several offices and classes in one loose group look like this too
        hand = hand if strong[Family.INFRASTRUCTURE].effect >= ONLY_ADDRESSES else set()
    if not work and group.software and own_hand and identity is not None and identity.effect >= 0.4:
        work = {Family.INFRASTRUCTURE}
    apart = {Family.IDENTITY, Family.INFRASTRUCTURE} <= hand and across_owners(population, group)
    return bool(work) + bool(hand) + rhythm + apart


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
            degree, by = tie_degrees(group.accounts, *values.ties)
            for value in values.tied[np.unique(by[degree >= 0.5])].tolist():
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
        if not strong_families(j) or _contained(j.group, found):
            continue
        j = _weaken_intent(population, j, candidates)
        verdict, t, alternatives = verdict_of(population, j, settings)
        group = j.group
        if verdict == "campaign":
            group = substream(population, j) if Family.CONTENT in j.verdicts else prune(population, j, settings)
        if verdict != "clear":
            found.append(Found(verdict, group, j.verdicts, j.group.formed_by, t, alternatives, j.p_value, j.q_value, 0))
    return merge(population, found, settings)


def _contained(group: Group, found: list[Found]) -> bool:
    """Whether a much larger campaign already found in the same way holds nearly all of a group: nothing is added."""
    return any(
        f.verdict == "campaign"
        and f.formed_by == group.formed_by
        and len(group.accounts) <= MUCH_SMALLER * len(f.group.accounts)
        and np.isin(group.accounts, f.group.accounts, assume_unique=True).mean() >= CONTAINED
        for f in found
    )


def _weaken_intent(population: Population, judged: Judged, candidates: list[Group]) -> Judged:
    """Where one program's wording formed the group, intent is one observation: its unit is the template."""
    intent = judged.verdicts.get(Family.INTENT)
    if intent is None or not judged.group.software or intent.p_value > SIGNIFICANT:
        return judged
    if any(tactic.specific and _share(population, judged.group, i) >= 0.3 for i, tactic in enumerate(catalogue())):
        return judged
    peers = sum(1 for c in candidates if c.software and Family.CONTENT in c.formed_by)
    verdicts = dict(judged.verdicts)
    verdicts[Family.INTENT] = intent._replace(p_value=max(intent.p_value, 2 * SIGNIFICANT, 1 / (1 + peers)))
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
    unions: list[I32] = []
    by_size = sorted(campaigns, key=lambda f: (-len(f.group.accounts), f.p_value, int(f.group.accounts[0])))
    # one tactic is many campaigns' tactic: a group drawn by intent joins a campaign, it does not join two
    for one in sorted(by_size, key=lambda f: f.formed_by == frozenset({Family.INTENT})):
        mine = one.group.accounts
        near = [
            i
            for i, union in enumerate(unions)
            if len(np.intersect1d(union, mine)) >= OVERLAP * min(len(union), len(mine))
        ]
        if not near:
            merged.append([one])
            unions.append(mine)
        elif len(near) == 1 or one.formed_by != frozenset({Family.INTENT}):
            merged[near[0]].append(one)
            unions[near[0]] = np.unique(np.concatenate([unions[near[0]], mine]))
    out = [one for bucket in merged for one in _campaigns(population, bucket, settings)]
    taken = np.zeros(population.size, np.bool_)
    for f in out:
        taken[f.group.accounts] = True
    kept: list[Found] = []
    for f in others:
        if taken[f.group.accounts].mean() < 0.5:
            kept.append(f)
            taken[f.group.accounts] = True
    return out + kept


def _campaigns(population: Population, bucket: list[Found], settings: Settings) -> list[Found]:
    """The campaigns that a bucket of overlapping groups holds: one, or several that only a common hub drew together.

    Each has groups of its own: most of their accounts are its members."""
    whole = _union(population, bucket, settings)
    parts = own_parts(population, whole.group, seed=settings.seed)
    if whole.verdict != "campaign" or len(parts) < 2:
        return [whole]
    own: list[list[Found]] = [
        [f for f in bucket if np.isin(f.group.accounts, part).mean() >= MOSTLY_ITS] for part in parts
    ]
    if not all(own):
        return [whole]
    rows = whole.group.rows
    return [
        _union(
            population,
            mine,
            settings,
            whole.group._replace(accounts=part, rows=rows[np.isin(population.account[rows], part)]),
        )
        for part, mine in zip(parts, own, strict=True)
    ]


def _union(population: Population, bucket: list[Found], settings: Settings, group: Group | None = None) -> Found:
    """One campaign out of overlapping groups; families that formed one part may have judged another."""
    # a tactic says what was done, not by whom: groups drawn by intent add evidence, members only where they stand alone
    drawn = [f for f in bucket if f.formed_by != frozenset({Family.INTENT})] or bucket
    lead = min(drawn, key=lambda f: (f.p_value, -len(f.group.accounts)))
    if group is None:
        accounts = np.unique(np.concatenate([f.group.accounts for f in drawn])).astype(np.int32)
        rows = np.unique(np.concatenate([f.group.rows for f in drawn]))
        rows = rows[np.isin(population.account[rows], accounts)]
        group = lead.group._replace(accounts=accounts, rows=rows)
    verdicts: dict[Family, Verdict] = {}
    for f in bucket:
        for family, v in f.verdicts.items():
            if family not in verdicts or v.p_value < verdicts[family].p_value:
                verdicts[family] = v
    group = members(population, group, verdicts)
    # the group that is left may be one that an honest explanation fits
    final = traits(population, group)
    strong = strong_families(Judged(group, verdicts, lead.p_value, lead.q_value))
    kind, alternatives = weigh(Facts(final, strong, lead.formed_by))
    small = int(population.representative[group.accounts].sum()) < LEAST_CAMPAIGN
    verdict = f"lookalike:{kind}" if kind is not None else "watch" if small else "campaign"
    return lead._replace(
        verdict=verdict,
        group=group,
        verdicts=verdicts,
        traits=final,
        alternatives=alternatives,
        q_value=min(f.q_value for f in bucket),
        core=len(lead.group.accounts),
    )
