"""Who of a group meets whom: in one pool of networks that is passed on, or in households that keep to themselves."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.kernels.groups import union_find
from stillwatch.signals.base import Group
from stillwatch.signals.population import Population

I32 = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

HANDS = ("payment", "device", "phone")
HOMES = ("address", "signup_address", "network")
OWN = 0.8
"""Share of a value's other holders that lie in the group, from which the value is the group's own."""
MET, OPERATORS, MOST_OF_ONE = 0.3, 5, 0.5
"""A pool holds at least such a share of a group, at so many network operators, of which none has more than a share."""
HOUSEHOLD = 8
"""Accounts of one household, at the most."""
AT_HOME = 0.5
"""Share of those met that are of one's own household, from which one is at home."""


def one_pool(population: Population, group: Group) -> bool:
    """Whether a good part of the accounts meets in one pool: prefixes of the group's own, passed on from account to
    account, that many network operators announce.

    A hosted tool, a cloud's runners, a class or an office come from one operator; exits of a VPN are not their own;
    homes in which a few accounts each are kept have nothing to do with one another.
    """
    own = _own(population, "network", group.accounts, least=3)
    together = _together(population, {"network": own}, group.accounts)
    pool = group.accounts[together == np.bincount(together).argmax()]
    rows = population.rows_of_accounts(pool)
    rows = rows[np.isin(population.columns["network"][rows], population.kinds["network"].raw[own])]
    account = np.unique(population.account[rows], return_inverse=True)[1]
    names, operator = np.unique(population.columns["asn"][rows], return_inverse=True)
    # an account that changes its address often has been everywhere once: its share of exchanges counts
    share = np.bincount(operator, weights=1 / np.bincount(account)[account], minlength=len(names))[names != 0]
    large = len(pool) >= MET * len(group.accounts)
    return bool(large and len(share) >= OPERATORS and share.max() <= MOST_OF_ONE * len(pool))


def joined(population: Population, accounts: I32) -> float:
    """Share of a group's accounts that hands and homes of its own join to one another, over however many others."""
    return float(np.bincount(_by_hand_or_home(population, accounts)).max() / len(accounts))


def joined_to_others(population: Population, accounts: I32, some: npt.NDArray[np.bool_]) -> float:
    """Share of some of a group's accounts (a mask) that its hands and homes join to any of the others."""
    part = _by_hand_or_home(population, accounts)
    return float((np.bincount(part, weights=~some)[part[some]] > 0).mean())


def _by_hand_or_home(population: Population, accounts: I32) -> I32:
    own = {kind: _own(population, kind, accounts, least=2) for kind in HANDS + HOMES}
    return _together(population, own, accounts)


def households(population: Population, accounts: I32) -> float:
    """Share of a group's accounts that are of a household: of a few that share a payment instrument, device or phone
    and are mostly at places where they meet one another, or, where no such thing ties them, that share a home.

    A card that is used all over the world is no household's, and a pool is where one meets everybody.
    """
    hand, home = (
        _together(population, {kind: _own(population, kind, accounts, least=2) for kind in kinds}, accounts)
        for kinds in (HANDS, HOMES)
    )
    of_hand, of_home = np.bincount(hand)[hand], np.bincount(home)[home]
    tied = (of_hand >= 2) & (of_hand <= HOUSEHOLD) & (_at_home(population, accounts, hand) >= AT_HOME)
    loose = (of_hand < 2) & (of_home >= 2) & (of_home <= HOUSEHOLD)
    return float((tied | loose).mean())


def _at_home(population: Population, accounts: I32, hand: I32) -> npt.NDArray[np.float64]:
    """Per account, of those of the group that it meets at its addresses, weighted by how often it is there, the share
    that are of its own hand (k,)."""
    v = population.kinds["address"]
    place, value = v.held_by(accounts)
    uses = np.concatenate([v.uses[v.indptr[a] : v.indptr[a + 1]] for a in accounts.tolist()] or [v.uses[:0]])
    met = np.bincount(value, minlength=v.size)[value] - 1
    _, which, count = np.unique(
        np.stack([value.astype(np.int64), hand[place]]), axis=1, return_inverse=True, return_counts=True
    )
    mates = count[which.ravel()] - 1
    weight = np.where(met > 0, uses, 0)
    total = np.bincount(place, weights=weight, minlength=len(accounts))
    own = np.bincount(place, weights=weight * mates / np.maximum(met, 1), minlength=len(accounts))
    out: npt.NDArray[np.float64] = own / np.maximum(total, 1)
    return out


def _own(population: Population, kind: str, accounts: I32, *, least: int) -> Bools:
    """Which values of a kind at least so many of some accounts hold, and hardly anybody else (n_values,)."""
    v = population.kinds[kind]
    x = np.bincount(v.held_by(accounts)[1], minlength=v.size)
    out: Bools = (x >= least) & (x - 1 >= OWN * (np.diff(v.holders_ptr) - 1))
    return out


def _together(population: Population, own: dict[str, Bools], accounts: I32) -> I32:
    """Per account the first of those that it is joined to by some values, over however many others (k,)."""
    left, right, nodes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], len(accounts)
    for kind, chosen in own.items():
        place, value = population.kinds[kind].held_by(accounts)
        kept = chosen[value]
        left.append(place[kept])
        right.append(value[kept].astype(np.int64) + nodes)
        nodes += population.kinds[kind].size
    out: I32 = union_find(nodes, np.concatenate(left), np.concatenate(right))[: len(accounts)]
    return out
