"""Who belongs to a group that was found: by what is the group's own, not by what brought the candidates together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from stillwatch.domain.verdict import Family
from stillwatch.kernels.groups import tie_degrees
from stillwatch.links.candidates import louvain
from stillwatch.signals import timing
from stillwatch.signals.base import Group, Verdict
from stillwatch.signals.continuity import HANDOVERS
from stillwatch.signals.population import DAY_US, Population, Values
from stillwatch.signals.registry import TIES

Bools = npt.NDArray[np.bool_]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

LEAST = 12
PURITY = 0.8
ADDRESS_PURITY = 0.95
SPREAD = 0.05
PHRASE = 0.3
BRIDGED = 1 / 3
FRINGE = 0.2
PART = 0.3
ROUNDS = 3
MOSTLY = 0.7
TELLING = 0.8
TIMING_P = 1e-4
PERSON_MOST = 300
"""Exchanges a day."""
_NOT_OWN = ("cohort", "mail_domain", "tls", "client", "parameters")
_OWN_KINDS = tuple(k for s in TIES if s.family is not Family.INTENT for k in s.kinds if k.name not in _NOT_OWN)
_ADDRESSES = ("address", "network", "signup_address")


def members(population: Population, group: Group, verdicts: dict[Family, Verdict]) -> Group:
    """The accounts of a merged group that stay, and their exchanges of it."""
    group = specific(population, group)
    if one_dispatcher(verdicts):
        group = drop_people(population, group)
    return grown(population, corroborated(population, group, rhythm=one_dispatcher(verdicts)))


def one_dispatcher(verdicts: dict[Family, Verdict]) -> bool:
    """Whether timing says that a dispatcher stands behind the group."""
    verdict = verdicts.get(Family.TIMING)
    return verdict is not None and verdict.p_value <= TIMING_P and verdict.channel != "common_mode"


def corroborated(population: Population, group: Group, *, rhythm: bool) -> Group:
    """Where most members are held by two things, those held by one only are bystanders.

    Two of: the same hand (payment, device, phone, continuity), the same place, the same client stack, the same work,
    one dispatcher's rhythm (where ``rhythm``; accounts that share the work and are too quiet to show a rhythm get the
    benefit of it). Without such a majority only those fall out who share nothing but a place. Where nearly all share
    a hand, a place or a stack, the others are users of the same program; where nearly all share a hand, a stack or
    the work, the others are neighbours at the same exits.
    """
    inside = np.zeros(population.size, np.bool_)
    inside[group.accounts] = True
    held: dict[str, Bools] = {}
    for kind in _OWN_KINDS:
        v = population.kinds[kind.name]
        if v.size:
            mine = inside[v.owner] & _own(v, inside, kind.software)[v.values]
            what = "place" if kind.name in _ADDRESSES else "stack" if kind.name == "stack" else kind.family.value
            flags = held.setdefault(
                "hand" if what in ("identity", "continuity") else what, np.zeros(population.size, np.bool_)
            )
            flags[v.owner[mine]] = True
    nobody = np.zeros(population.size, np.bool_)
    classes = np.zeros(len(group.accounts), np.int64)
    for flags in held.values():
        classes += flags[group.accounts]
    if rhythm:
        sent = timing.dispatched(population, group)
        same_work = held.get(Family.CONTENT.value, nobody)[group.accounts]
        classes += np.where(np.isnan(sent), same_work, sent >= 0.5)
    sure = classes >= 2
    if sure.mean() < MOSTLY:
        sure = (classes >= 1) & ~((classes == 1) & held.get("place", nobody)[group.accounts])
    else:
        for telling in (("hand", "place", "stack"), ("hand", "stack", Family.CONTENT.value)):
            holds = np.any([held.get(what, nobody)[group.accounts] for what in telling], axis=0)
            if holds[sure].mean() >= TELLING:
                sure &= holds
    sure |= _same_hand(population, group.accounts[sure])[group.accounts]
    if not sure.any():
        return group
    accounts = group.accounts[sure]
    return group._replace(accounts=accounts, rows=group.rows[np.isin(population.account[group.rows], accounts)])


def grown(population: Population, group: Group) -> Group:
    """With the accounts that no candidate held and that the members' own hand holds all the same."""
    for _ in range(ROUNDS):
        more = _same_hand(population, group.accounts)
        more[group.accounts] = False
        joined = np.flatnonzero(more).astype(np.int32)
        if not len(joined):
            break
        group = group._replace(
            accounts=np.union1d(group.accounts, joined).astype(np.int32),
            rows=np.union1d(group.rows, population.rows_of_accounts(joined)),
        )
    return group


def _same_hand(population: Population, sure: I32) -> Bools:
    """Accounts that share a payment instrument, device or phone with two sure members, who are most of its holders, or
    whose work moved to or from two sure members."""
    known = np.zeros(population.size, np.bool_)
    known[sure] = True
    joined = np.zeros(population.size, np.bool_)
    for name in ("payment", "device", "phone"):
        v = population.kinds[name]
        members = np.bincount(v.values[known[v.owner]], minlength=v.size)
        joined[v.owner[((members >= 2) & (2 * members >= np.diff(v.holders_ptr)))[v.values]]] = True
    moves = np.zeros(population.size, np.int64)
    for name in HANDOVERS:
        v = population.kinds[name]
        members = np.bincount(v.values[known[v.owner]], minlength=v.size)
        moves += np.bincount(v.owner[(members >= 1)[v.values]], minlength=population.size)
    return np.asarray(joined | (moves >= 2))


def specific(population: Population, group: Group) -> Group:
    """Members hold something that is the group's own: a value most of whose other holders are members too.

    Repeated until it settles (at most five rounds): what a common phrase or a hub brought in falls out. A group without
    any such value (its template is that of a popular program) stays as it is.
    """
    inside = np.zeros(population.size, np.bool_)
    inside[group.accounts] = True
    of_group = np.zeros(len(population.ts), np.bool_)
    of_group[group.rows] = True
    own_rows = np.zeros(len(population.ts), np.bool_)
    for _ in range(5):
        kept = np.zeros(population.size, np.bool_)
        own_rows[:] = False
        for kind in _OWN_KINDS:
            v = population.kinds[kind.name]
            if not v.size:
                continue
            mine = inside[v.owner]
            own = _own(v, inside, kind.software)
            kept[v.owner[mine & own[v.values]]] = True
            if kind.family is Family.CONTENT:
                for value in np.flatnonzero(own).tolist():
                    own_rows[v.rows_of(value)] = True
        own_rows &= of_group & kept[population.account]
        if own_rows.sum() >= 0.5 * of_group.sum():
            kept &= ~_fringe(population, kept, own_rows)
        if kept.sum() < LEAST or (kept == inside).all():
            break
        inside = kept
    inside = _main_parts(population, inside)
    accounts = np.flatnonzero(inside).astype(np.int32)
    return group._replace(accounts=accounts, rows=group.rows[inside[population.account[group.rows]]])


def own_parts(population: Population, group: Group, *, seed: int) -> list[I32]:
    """The parts of a group, at least a dozen accounts each, between which few share a value of the group's own.

    Communities of the graph account–own value (Louvain with refinement, as for candidates), joined again while at
    least a third of the smaller one's accounts hold a value that an account of the other holds.
    """
    inside = np.zeros(population.size, np.bool_)
    inside[group.accounts] = True
    left, right, at = [], [], len(group.accounts)
    place = np.cumsum(inside) - 1
    for kind in _OWN_KINDS:
        v = population.kinds[kind.name]
        if v.size:
            keep = inside[v.owner] & _own(v, inside, kind.software)[v.values]
            left.append(place[v.owner[keep]])
            right.append(v.values[keep].astype(np.int64) + at)
            at += v.size
    account = np.concatenate(left)
    names, value = np.unique(np.concatenate(right), return_inverse=True)
    n = len(group.accounts)
    if not len(names):
        return [group.accounts]
    label = louvain(account, value + n, np.ones(len(account)), nodes=n + len(names), seed=seed)[:n]
    _, part = np.unique(label, return_inverse=True)
    while part.max() > 0:
        share = _bridges(account, value, part)
        sizes = np.bincount(part)
        i, j = divmod(int(share.argmax()), len(share))
        if share[i, j] < BRIDGED:
            if sizes.min() >= LEAST:
                break
            i = int(sizes.argmin())  # a remainder goes where it has most ties
            j = int(np.where(np.arange(len(sizes)) == i, -1.0, share[i] + sizes / (1e3 * n)).argmax())
        _, part = np.unique(np.where(part == i, j, part), return_inverse=True)
    return [group.accounts[part == p] for p in range(int(part.max()) + 1)]


def _bridges(account: I64, value: I64, part: I64) -> npt.NDArray[np.float64]:
    """(P, P): the share of the smaller part's accounts that hold a value which the other part holds too."""
    n_parts = int(part.max()) + 1
    held = np.zeros((n_parts, int(value.max()) + 1), np.bool_)
    held[part[account], value] = True
    share = np.zeros((n_parts, n_parts))
    sizes = np.bincount(part, minlength=n_parts)
    for i in range(n_parts):
        hit = np.unique(account[held[i][value]])
        share[i] = np.bincount(part[hit], minlength=n_parts) / sizes
    share = np.where(sizes[None, :] <= sizes[:, None], share, share.T)
    np.fill_diagonal(share, -1.0)
    return share


def _own(v: Values, inside: Bools, software: bool) -> Bools:
    """Values that are a group's own: enough of its members hold them, and few others."""
    x = np.bincount(v.values[inside[v.owner]], minlength=v.size)
    size = inside.sum()
    least = max(6, SPREAD * size) if software else 3
    if v.name in HANDOVERS:
        least = 2
    elif v.name == "phrase":  # a few words are somebody's own only where they are much of the work
        least = max(6, PHRASE * size)
    # an exit address that strangers use too brings strangers in
    purity = ADDRESS_PURITY if v.name in _ADDRESSES else PURITY
    return np.asarray((x >= least) & ((x - 1) >= purity * (np.diff(v.holders_ptr) - 1)))


def _main_parts(population: Population, inside: Bools) -> Bools:
    """Members connected through the group's own values; parts much smaller than the largest (a family) fall out."""
    left, right, at = [], [], population.size
    for kind in _OWN_KINDS:
        v = population.kinds[kind.name]
        if v.size:
            keep = inside[v.owner] & _own(v, inside, kind.software)[v.values]
            left.append(v.owner[keep])
            right.append(v.values[keep].astype(np.int64) + at)
            at += v.size
    if not left or not sum(len(x) for x in left):
        return inside
    u, w = np.concatenate(left), np.concatenate(right)
    _, label = connected_components(coo_array((np.ones(len(u), np.int8), (u, w)), shape=(at, at)), directed=False)
    label = label[: population.size]
    sizes = np.bincount(label[inside], minlength=label.max() + 1)
    return np.asarray(inside & (sizes[label] >= PART * sizes.max()))


def drop_people(population: Population, group: Group) -> Group:
    """Where one dispatcher is what tells, members who work in sessions and share no hand with others are people.

    Only accounts with six or more exchanges can tell, and nobody is a person who sends more than people can; a common
    program's own users fall out of a campaign that hides behind it.
    """
    calm = timing.calm_members(population, group)
    held = np.bincount(population.account[group.rows], minlength=population.size)[group.accounts]
    days = max(float(population.ts[-1] - population.ts[0]) / DAY_US, 1.0)
    tied = np.zeros(len(group.accounts))
    for name in ("payment", "device", "phone", "address", "failover", "replay"):
        v = population.kinds[name]
        if v.size:
            degree, _ = tie_degrees(group.accounts, *v.ties)
            tied = np.maximum(tied, degree)
    people = (np.nan_to_num(calm, nan=1.0) < -0.3) & (tied < 0.3) & (held < PERSON_MOST * days)
    if people.mean() > 0.5:
        return group
    accounts = group.accounts[~people]
    return group._replace(accounts=accounts, rows=group.rows[np.isin(population.account[group.rows], accounts)])


def _fringe(population: Population, inside: Bools, rows: Bools) -> Bools:
    """Accounts that only brush the shared work: under a fifth of the members' median share of their own traffic."""
    share = np.bincount(population.account[rows], minlength=population.size) / population.counts
    return np.asarray(share < FRINGE * np.median(share[inside]))
