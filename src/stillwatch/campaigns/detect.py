"""From judged groups to campaigns: verdict, membership, merging."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.judge import MATERIAL, SIGNIFICANT, Judged, bonferroni, judge_all, judge_one, own_hand
from stillwatch.campaigns.lookalikes import Facts, weigh
from stillwatch.campaigns.membership import SURE, UNSURE, Membership, membership
from stillwatch.campaigns.membership import prepare as prepare_membership
from stillwatch.campaigns.parts import own_parts
from stillwatch.campaigns.places import joined, joined_to_others, one_pool
from stillwatch.campaigns.traits import Traits, openly_owned, repeated_share, traits
from stillwatch.domain.verdict import Alternative, Family
from stillwatch.links.candidates import find_candidates
from stillwatch.signals.base import Group, Verdict, cut
from stillwatch.signals.infrastructure import SIGNAL as INFRASTRUCTURE
from stillwatch.signals.population import Population, union
from stillwatch.signals.tactics import catalogue
from stillwatch.signals.timing import prepare as prepare_timing

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
LEAST_CAMPAIGN = 12
LEAST_WATCHED = 8
"""Accounts that a group is named from, and watched from."""
WEAK_IDENTITY = 0.5
ONLY_ADDRESSES = 0.4
STACK_OF_PAYERS = 0.4
JOINED = 0.5
SPECIFIC = 0.3
ONLY_TIMING_P = 1e-6
CONFIRMED_P = 1e-4
"""The same for what is left of a group that passed it: a few are tested again where thousands were tested before."""
ONLY_TIMING_CUSTOMERS = 40
CONTAINED = 0.8
"""Of a candidate's accounts, where a campaign already found holds them."""
SAME = 0.5
"""Common accounts of two grown groups, of the smaller one, from which they are one campaign."""
MOSTLY_LICENSED = 0.5
REPEATED = 0.6
REPEATED_LEAST = 10
REPEATERS = 6
SHARED = 1.0
"""Log likelihood ratio of hand or place from which an account has it in common with a group."""
BORNE_OUT = 0.75
OPEN_LEAST = 3.5
"""Log likelihood ratio that place and rhythm must add before an openly owned account is named with a campaign."""
FLEET = 5
FLEET_SHARE = 0.1
"""Accounts of one payer, and their share of a group, from which they may be a customer's fleet that speaks for it."""
LEAST_SUBSTREAM = 0.15
"""Work that is less than this of its accounts' traffic and shows in words only is a habit of speech: watched."""
LEAST_COVERED = 0.03
"""So deep in cover nothing is certain, and a watched group would hold half of the log."""


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
    """Members among the accounts that the tests were made on; 0 where nothing was grown."""
    fringe: I32 = np.zeros(0, np.int32)
    """Accounts that may belong to it."""
    probability: F64 = np.zeros(0)
    """Of membership, per account of a grown group."""
    elsewhere: I32 = np.zeros(0, np.int32)
    """Accounts that the same start held and that have an honest explanation of their own: they are no members."""


def strong_families(judged: Judged) -> dict[Family, Verdict]:
    """Families that are significant and material for a group."""
    strong = {f: v for f, v in judged.verdicts.items() if v.p_value <= SIGNIFICANT and v.effect >= MATERIAL[f]}
    identity = strong.get(Family.IDENTITY)
    # a mail provider goes with a country, and country is never evidence: it is shown, it does not count
    by_hand = own_hand(judged.verdicts.get(Family.IDENTITY))
    if by_hand >= MATERIAL[Family.IDENTITY]:
        strong[Family.IDENTITY] = judged.verdicts[Family.IDENTITY]
    elif identity is not None and (
        identity.channel == "mail_domain" or (identity.channel == "cohort" and identity.effect < WEAK_IDENTITY)
    ):
        del strong[Family.IDENTITY]
    return strong


def verdict_of(
    population: Population, judged: Judged, settings: Settings, *, only_timing: float = ONLY_TIMING_P
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
    kinds = independent_kinds(population, judged.group, strong)
    named = enough(population, judged.group, kinds)
    if "rhythm" in kinds and "hand" not in kinds and not (kinds >= {"place"} and one_pool(population, judged.group)):
        named &= strong[Family.TIMING].p_value <= only_timing and t.customers >= ONLY_TIMING_CUSTOMERS
    named &= int(population.representative[judged.group.accounts].sum()) >= LEAST_CAMPAIGN
    if set(strong) <= {Family.CONTENT, Family.INTENT}:
        named &= t.substream >= LEAST_SUBSTREAM
    enough_to_watch = len(kinds) >= 2 and t.substream >= LEAST_COVERED
    if not enough_to_watch:
        return "clear", t, alternatives
    others = without_first_payer(population, judged, strong, settings)
    return ("campaign" if named and others else "clear" if others is False else "watch"), t, alternatives


def without_first_payer(
    population: Population, judged: Judged, strong: dict[Family, Verdict], settings: Settings
) -> bool | None:
    """Whether two kinds of evidence are left without the accounts of the payer that has most of them; None where too
    few accounts are left to tell.

    A customer's own fleet is one owner's: it must not speak for the strangers that a loose group holds beside it.
    """
    group = judged.group
    payer = population.table["payment_fingerprint"][group.accounts]
    names, counts = np.unique(payer[payer != 0], return_counts=True)
    if not len(names) or counts.max() < max(FLEET, FLEET_SHARE * len(group.accounts)):
        return True
    rest = group.accounts[payer != names[counts.argmax()]]
    if int(population.representative[rest].sum()) < LEAST_CAMPAIGN:
        return None
    group = cut(population, group, rest)
    verdicts = _judge(population, group, settings, frozenset(strong))
    strong = strong_families(judged._replace(group=group, verdicts=verdicts))
    return enough(population, group, independent_kinds(population, group, strong))


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


def independent_kinds(population: Population, group: Group, strong: dict[Family, Verdict]) -> frozenset[str]:
    """The kinds of evidence for a group that do not follow from one another.

    The same ``work`` (content, intent), the same ``hand`` (payment, device, phone, work that moves between accounts),
    one dispatcher's ``rhythm``, and the same ``place`` (addresses, networks, sign-up in the same hours), which counts
    beside a hand only where it ties accounts of different payers. The same client stack counts as the same work only
    beside payment instruments that its users share, and where hands and homes join most of them: several customers'
    fleets on one popular stack are several.
    """
    identity, timing, infrastructure = (
        strong.get(family) for family in (Family.IDENTITY, Family.TIMING, Family.INFRASTRUCTURE)
    )
    by_hand = own_hand(identity)
    work = bool({Family.CONTENT, Family.INTENT} & (group.formed_by | set(strong)))
    if group.software and by_hand >= STACK_OF_PAYERS:
        work |= joined(population, group.accounts) >= JOINED
    hand = by_hand >= MATERIAL[Family.IDENTITY] or Family.IDENTITY in group.formed_by
    hand |= Family.CONTINUITY in group.formed_by | set(strong)
    rhythm = timing is not None and timing.channel in ("one_dispatcher", "dispatch_order")
    place = Family.INFRASTRUCTURE in group.formed_by and not group.software
    if infrastructure is not None:
        # several offices and classes in one loose group share a little of this too
        place |= hand or infrastructure.effect >= ONLY_ADDRESSES
    if identity is not None and identity.channel == "cohort" and not hand:
        place = True
    if place and hand:
        place = infrastructure is not None and across_owners(population, group)
    kinds = {"work": work, "hand": hand, "rhythm": rhythm, "place": place}
    return frozenset(name for name, here in kinds.items() if here)


def enough(population: Population, group: Group, kinds: frozenset[str]) -> bool:
    """Whether the kinds name anybody: two, and not only the same work from the same place, which hosted tools, classes
    and one country's users of a program behind the same exits have too, unless that work has no everyday use or the
    place is a pool of the group's own."""
    if kinds == {"work", "place"}:
        return specific_work(population, group) or one_pool(population, group)
    return len(kinds) >= 2


def specific_work(population: Population, group: Group) -> bool:
    """Whether a good part of the group's exchanges shows a tactic whose wording has no everyday use."""
    return any(t.specific and _share(population, group, i) >= SPECIFIC for i, t in enumerate(catalogue()))


def detect(
    population: Population,
    settings: Settings,
    *,
    licensed: Bools | None = None,
    leads: Sequence[Group] = (),
    step: Callable[[str], None] = lambda _: None,
) -> list[Found]:
    """All groups with a verdict other than ``clear``, campaigns grown to their members, strongest first.

    Accounts of ``licensed`` (n,) are no campaign's members. ``leads`` are judged beside the candidates of the log.
    """
    step("candidates")
    apart = np.zeros(population.size, np.bool_) if licensed is None else licensed
    with ThreadPoolExecutor(1) as beside:  # communities take one core
        ready = beside.submit(_prepare, population, apart)
        candidates = [*find_candidates(population, seed=settings.seed, step=step), *leads]
        ready.result()
    judged = judge_all(
        population, candidates, seed=settings.seed, draws=settings.draws, threads=settings.threads, step=step
    )
    campaigns: list[Found] = []
    others: list[Found] = []
    step("verdicts")
    for j in judged:
        named = _named(population, campaigns)
        if not strong_families(j) or _contained(j.group.accounts, named):
            continue
        look = _looked_at(population, candidates, settings, apart, j, named)
        if look.found is None:
            continue
        if look.pieces is not None:
            if not any(one.verdict == "campaign" for one in look.pieces):  # but nobody is surely its member
                others += watched(population, look.found._replace(verdict="watch"))
            for piece in look.pieces:
                known, beyond = _beyond(population, campaigns, piece, settings) if look.new else (piece, [])
                campaigns += beyond
                _join(population, campaigns, known, new=look.new)
        elif look.found.verdict != "clear":
            others += watched(population, look.found) if look.found.verdict == "watch" else [look.found]
    step("members")
    return _one_each(population, campaigns, others)


def _prepare(population: Population, apart: Bools) -> None:
    """What all candidates are measured by, while communities take the other core."""
    prepare_timing(population)
    prepare_membership(population, apart)
    repeated_share(population)


class Look(NamedTuple):
    """What became of a candidate, beside the campaigns found so far."""

    found: Found | None
    """None where it shows nothing beside them."""
    pieces: list[Found] | None = None
    """Where it is a campaign: what it comes to, grown to its members."""
    new: bool = False
    """Whether they are not nearly all members of those campaigns."""


def _looked_at(
    population: Population, candidates: list[Group], settings: Settings, apart: Bools, judged: Judged, named: Bools
) -> Look:
    j = _rest(population, judged, named, settings)
    if not strong_families(j):
        return Look(None)
    j = _weaken_intent(population, j, candidates)
    verdict, t, alternatives = verdict_of(population, j, settings)
    found = Found(verdict, j.group, j.verdicts, j.group.formed_by, t, alternatives, j.p_value, j.q_value, 0)
    if verdict != "campaign" or apart[j.group.accounts].mean() >= MOSTLY_LICENSED:
        return Look(found)
    whole = _with_members(population, found, settings, apart)
    new = not _contained(whole.group.accounts, named)
    return Look(found, grown(population, whole, settings, apart) if new else [whole], new)


def watched(population: Population, found: Found) -> list[Found]:
    """A group that nobody is named of, cut to the accounts that carry two of its kinds of evidence (one, where there is
    no more than one beside what drew it): a loose community must not put its strangers under suspicion."""
    strong = strong_families(Judged(found.group, found.verdicts, found.p_value, found.q_value))
    carried = np.sum([verdict.tied > 0 for verdict in strong.values()], axis=0)
    accounts = found.group.accounts[carried >= min(2, len(strong))]
    if int(population.representative[accounts].sum()) < LEAST_WATCHED:
        return []
    return [found._replace(group=cut(population, found.group, accounts))]


def _named(population: Population, found: list[Found]) -> Bools:
    """Accounts (n,) of the campaigns among what was found."""
    out = np.zeros(population.size, np.bool_)
    for f in found:
        if f.verdict == "campaign":
            out[f.group.accounts] = True
    return out


def _contained(accounts: I32, named: Bools) -> bool:
    """Whether campaigns already found hold nearly all of some accounts between them: nothing is added."""
    return bool(named.any()) and float(named[accounts].mean()) >= CONTAINED


def _judge(
    population: Population, group: Group, settings: Settings, families: frozenset[Family] = frozenset(Family)
) -> dict[Family, Verdict]:
    return judge_one(
        population, group, seed=settings.seed, draws=settings.draws, threads=settings.threads, families=families
    )


def _rest(population: Population, judged: Judged, named: Bools, settings: Settings) -> Judged:
    """A candidate of which campaigns already found hold half, as what is left of it shows by itself."""
    group = judged.group
    left = ~named[group.accounts]
    if left.mean() > SAME:
        return judged
    accounts = group.accounts[left]
    if int(population.representative[accounts].sum()) < LEAST_CAMPAIGN:
        return judged._replace(verdicts={})
    group = cut(population, group, accounts)
    verdicts = _judge(population, group, settings)
    p = max(bonferroni(verdicts), judged.p_value)
    return judged._replace(group=group, verdicts=verdicts, p_value=p, q_value=max(p, judged.q_value))


def _weaken_intent(population: Population, judged: Judged, candidates: list[Group]) -> Judged:
    """Where one program's wording formed the group, intent is one observation: its unit is the template."""
    intent = judged.verdicts.get(Family.INTENT)
    if intent is None or not judged.group.software or intent.p_value > SIGNIFICANT:
        return judged
    if specific_work(population, judged.group):
        return judged
    peers = sum(1 for c in candidates if c.software and Family.CONTENT in c.formed_by)
    verdicts = dict(judged.verdicts)
    verdicts[Family.INTENT] = intent._replace(p_value=max(intent.p_value, 2 * SIGNIFICANT, 1 / (1 + peers)))
    return judged._replace(verdicts=verdicts, p_value=bonferroni(verdicts))


def _share(population: Population, group: Group, tactic: int) -> float:
    return (
        float(((population.columns["tactics"][group.rows] >> np.uint32(tactic)) & 1).mean()) if len(group.rows) else 0.0
    )


def grown(population: Population, whole: Found, settings: Settings, apart: Bools) -> list[Found]:
    """A campaign with the members that the whole log gave it, as it stands; several where only the start drew them
    together.

    What is left is tested again by itself, so that nobody is named by evidence that others gave.
    """
    if whole.verdict != "campaign":
        return [whole]
    parts = [
        piece
        for part in own_parts(population, whole.group, seed=settings.seed)
        for house in _houses_apart(population, part)
        for piece in _repeaters_apart(population, house)
    ]
    if len(parts) < 2:
        again = _tested_again(population, whole, settings)
        return [again if again.verdict != "campaign" else _asked_again(population, again, settings, apart)]
    out = []
    tested = [_tested_again(population, _only(population, whole, part), settings) for part in parts]
    explained = [one.group.accounts for one in tested if one.verdict.startswith("lookalike")]
    for part, one in zip(parts, tested, strict=True):
        one = one._replace(elsewhere=np.concatenate([*explained, part[:0]]))
        if one.verdict == "campaign":
            one = _with_members(population, one, settings, apart)
        if one.verdict == "campaign":
            kept = [
                piece for piece in _repeaters_apart(population, one.group.accounts) if np.isin(piece, part).mean() > 0.5
            ]
            if kept:
                one = _only(population, one, np.sort(np.concatenate(kept)))
            one = _tested_again(population, one, settings)
        if one.verdict == "campaign":
            one = _asked_again(population, one, settings, apart)
        out.append(one)
    return [_with_own_tests(population, one, settings) for one in out if one.verdict != "clear"]


def _with_own_tests(population: Population, found: Found, settings: Settings) -> Found:
    """A part of a start with what is to be seen in it, not in what it was drawn together with; no test says more for it
    than it said for the start, for these accounts were chosen by all the evidence there is."""
    own = {
        family: v._replace(p_value=max(v.p_value, found.verdicts[family].p_value))
        for family, v in _judge(population, found.group, settings).items()
        if family in found.verdicts
    }
    return found._replace(verdicts={**found.verdicts, **own})


def _only(population: Population, found: Found, accounts: I32) -> Found:
    """A grown group cut to some of its accounts; the others may belong to it."""
    still = np.isin(found.group.accounts, accounts)
    return found._replace(
        group=cut(population, found.group, found.group.accounts[still]),
        fringe=np.union1d(found.fringe, found.group.accounts[~still]).astype(np.int32),
        probability=found.probability[still],
    )


def _asked_again(population: Population, found: Found, settings: Settings, apart: Bools) -> Found:
    """The accounts that may have been members and surely are when the log is asked again, from the campaign as it was
    found and by the rhythm that it then shows."""
    timing = frozenset({Family.TIMING})
    verdicts = _judge(population, found.group, settings, timing)
    again = _with_members(population, found._replace(verdicts=found.verdicts | verdicts), settings, apart)
    if again.verdict != "campaign":
        return again
    possible = np.union1d(found.group.accounts, found.fringe).astype(np.int32)
    again = _only(population, again, possible)
    again = again._replace(fringe=np.intersect1d(again.fringe, possible).astype(np.int32))  # both times, or not at all
    if int(population.representative[again.group.accounts].sum()) < LEAST_CAMPAIGN:
        return found._replace(verdict="watch")  # the log knows a campaign, but not these
    return _tested_again(population, again._replace(core=found.core, verdicts=found.verdicts), settings)


def _tested_again(population: Population, found: Found, settings: Settings) -> Found:
    """The verdict that the accounts of a grown group deserve by themselves; the reported tests stay those of the start,
    for these accounts were chosen by all the evidence there is.

    Where a hand or a place drew the group, its work may be words that everybody says beside what it is after: it may
    also stand by all that its accounts sent, as it did when it was drawn.
    """
    again = _weighed_again(population, found, settings)
    if again.verdict == "campaign" or found.formed_by & {Family.CONTENT, Family.INTENT}:
        return again
    rows = population.rows_of_accounts(found.group.accounts)
    if len(rows) == len(found.group.rows):
        return again
    whole = _weighed_again(population, found._replace(group=found.group._replace(rows=rows)), settings)
    return whole if whole.verdict == "campaign" else again


def _weighed_again(population: Population, found: Found, settings: Settings) -> Found:
    verdicts = _judge(population, found.group, settings)
    judged = Judged(found.group, verdicts, max(bonferroni(verdicts), found.p_value), found.q_value)
    verdict, t, alternatives = verdict_of(population, judged, settings, only_timing=CONFIRMED_P)
    return found._replace(verdict=verdict, traits=t, alternatives=alternatives)


def _owned_among_strangers(population: Population, accounts: I32) -> Bools:
    """Which of some accounts are openly one customer's; none where most are: that is the campaign's disguise."""
    owned = openly_owned(population, accounts)
    return owned if owned.any() and owned.mean() < SAME else np.zeros(len(accounts), np.bool_)


def _houses(population: Population, accounts: I32) -> list[I32]:
    """A dozen accounts or more that one payer openly owns, for each such payer: their own card, hours and places must
    not vouch for them among strangers."""
    owned = _owned_among_strangers(population, accounts)
    payer = population.table["payment_fingerprint"][accounts]
    names, counts = np.unique(payer[owned], return_counts=True)
    return [accounts[owned & (payer == name)] for name in names[counts >= LEAST_CAMPAIGN]]


def _houses_apart(population: Population, accounts: I32) -> list[I32]:
    """Accounts in one piece, or each house apart."""
    houses = _houses(population, accounts)
    return [np.setdiff1d(accounts, np.concatenate(houses)).astype(np.int32), *houses] if houses else [accounts]


def _houses_drawn_in(population: Population, accounts: I32, start: I32) -> Bools:
    """Which accounts are of a house that was not there at the start: once some of it are taken for members, they lend
    each other all that a house has in common."""
    new = [house for house in _houses(population, accounts) if np.isin(house, start).mean() < SAME]
    return np.isin(accounts, np.concatenate([*new, accounts[:0]]))


def _repeaters_apart(population: Population, accounts: I32) -> list[I32]:
    """Accounts in one piece, or two where some run through items that others run through too, as benchmarks do, and
    neither hand nor home ties them to the rest: two campaigns may be after the same items."""
    repeats = (repeated_share(population)[accounts] >= REPEATED) & (population.counts[accounts] >= REPEATED_LEAST)
    if repeats.sum() < REPEATERS or (~repeats).sum() < REPEATERS:
        return [accounts]
    if joined_to_others(population, accounts, repeats) >= JOINED:
        return [accounts]
    return [accounts[~repeats], accounts[repeats]]


def _with_members(population: Population, found: Found, settings: Settings, apart: Bools) -> Found:
    """The group grown and pruned to its members, and weighed again as what it then is."""
    member = membership(
        population,
        found.group,
        rhythm=one_dispatcher(found.verdicts),
        apart=apart,
        elsewhere=found.elsewhere,
        threads=settings.threads,
    )
    p = member.probability
    accounts = np.flatnonzero(p >= SURE).astype(np.int32)
    accounts = accounts[~_own_business(population, accounts, member)]
    accounts = accounts[~_houses_drawn_in(population, accounts, found.group.accounts)]
    if not one_dispatcher(found.verdicts):
        accounts = accounts[_borne_out(accounts, member)]
    accounts = accounts[_took_part(accounts, member)]
    if int(population.representative[accounts].sum()) < LEAST_CAMPAIGN:
        return found._replace(verdict="watch")
    named = np.zeros(population.size, np.bool_)
    named[accounts] = True
    rows = member.rows[named[population.account[member.rows]]]
    silent = np.setdiff1d(accounts, population.account[rows])
    rows = union([rows, population.rows_of_accounts(silent.astype(np.int32))], len(population.ts))
    return found._replace(
        group=found.group._replace(accounts=accounts, rows=rows),
        core=int(named[found.group.accounts].sum()),
        fringe=np.flatnonzero((p >= UNSURE) & ~named).astype(np.int32),
        probability=p[accounts],
    )


def _borne_out(accounts: I32, member: Membership) -> Bools:
    """Which members share a hand or a place with the group beside its work; all where most do.

    Where one queue deals the work out, that is the rhythm of all of them. Elsewhere work alone names somebody only
    where it is hardly ever found without the rest: else others have that work too.
    """
    shares = np.maximum(member.blocks["hand"], member.blocks["place"])[accounts] >= SHARED
    return shares | (shares.mean() >= BORNE_OUT) if len(accounts) else shares


def _took_part(accounts: I32, member: Membership) -> Bools:
    """Which members sent some of the work whose rhythm was measured, or share a hand or a place with the group: of the
    others nothing but work of a like is known, for which they vouch among themselves."""
    shares = np.maximum(member.blocks["hand"], member.blocks["place"])[accounts] >= SHARED
    return member.sent[accounts] | shares


def _own_business(population: Population, accounts: I32, member: Membership) -> Bools:
    """Which accounts of a campaign are openly one customer's and have the work in common with it, but neither place nor
    rhythm: a house that does what the campaign does."""
    apart = member.blocks["place"] + member.blocks.get("rhythm", 0.0)
    return _owned_among_strangers(population, accounts) & (apart[accounts] < OPEN_LEAST)


def _join(population: Population, campaigns: list[Found], found: Found, *, new: bool) -> None:
    """Groups that grew into the same accounts are one campaign, with the evidence of both; a ``new`` one is added."""
    for i, old in enumerate(campaigns):
        both = len(np.intersect1d(old.group.accounts, found.group.accounts, assume_unique=True))
        least = (
            SAME * min(len(old.group.accounts), len(found.group.accounts))
            if new
            else CONTAINED * len(found.group.accounts)
        )
        if both >= least:
            lead, other = (old, found) if (old.verdict == "campaign") >= (found.verdict == "campaign") else (found, old)
            verdicts = dict(lead.verdicts)
            for family, v in other.verdicts.items():
                if family not in verdicts or v.p_value < verdicts[family].p_value:
                    verdicts[family] = v
            if lead.verdict == other.verdict == "campaign":
                lead = _agreed(population, lead, other)
            campaigns[i] = lead._replace(verdicts=verdicts, q_value=min(lead.q_value, other.q_value))
            return
    if new:
        campaigns.append(found)


def _beyond(
    population: Population, campaigns: list[Found], found: Found, settings: Settings
) -> tuple[Found, list[Found]]:
    """A grown group of which campaigns already found hold a part, without the rest, and the rest where it is a campaign
    by itself: a start that drew two works together must neither lend one's evidence to the other nor lose it."""
    accounts = found.group.accounts
    inside = _named(population, campaigns)[accounts]
    rest = accounts[~inside]
    if found.verdict != "campaign" or inside.mean() >= SAME:
        return found, []
    if int(population.representative[rest].sum()) < LEAST_CAMPAIGN:
        return found, []
    if not any(c.verdict == "campaign" and np.isin(c.group.accounts, accounts).mean() >= SAME for c in campaigns):
        return found, []
    alone = _tested_again(population, _only(population, found, rest), settings)
    if alone.verdict != "campaign":
        return found, []
    alone = _with_own_tests(population, alone, settings)
    fringe = np.setdiff1d(alone.fringe, accounts).astype(np.int32)
    alone = alone._replace(fringe=fringe, core=min(found.core, len(rest)))
    known = _only(population, found, accounts[inside])
    return known._replace(fringe=np.setdiff1d(known.fringe, rest).astype(np.int32)), [alone]


def _agreed(population: Population, found: Found, again: Found) -> Found:
    """A campaign that was found twice, from two starts: whoever surely belongs to it by one and possibly by the other
    is named; all others of either are its fringe."""
    more = np.isin(again.group.accounts, np.setdiff1d(found.fringe, found.group.accounts))
    accounts = np.concatenate([found.group.accounts, again.group.accounts[more]])
    order = np.argsort(accounts, kind="stable")
    rows = cut(population, again.group, again.group.accounts[more]).rows
    either = np.concatenate([found.fringe, again.fringe, again.group.accounts])
    return found._replace(
        group=found.group._replace(accounts=accounts[order], rows=union([found.group.rows, rows], len(population.ts))),
        fringe=np.setdiff1d(either, accounts).astype(np.int32),
        probability=np.concatenate([found.probability, again.probability[more]])[order],
    )


def _one_each(population: Population, campaigns: list[Found], others: list[Found]) -> list[Found]:
    """Campaigns first, then the groups that are mostly nobody's yet."""
    taken = np.zeros(population.size, np.bool_)
    kept: list[Found] = []
    for f in sorted(campaigns, key=lambda f: f.verdict != "campaign") + others:
        if f.verdict == "campaign" or taken[f.group.accounts].mean() < 0.5:
            kept.append(f)
            taken[f.group.accounts] = True
    return kept


def one_dispatcher(verdicts: dict[Family, Verdict]) -> bool:
    """Whether timing says that a dispatcher stands behind the group."""
    verdict = verdicts.get(Family.TIMING)
    return verdict is not None and verdict.p_value <= SIGNIFICANT and verdict.channel != "common_mode"
