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


def households(population: Population, accounts: I32) -> float:
    """Share of a group's accounts that share a hand or a home with a few others of it, and with nobody beyond them.

    Whose payment, device or phone is shared must be at home with those who share it: a card that is used all over the
    world is no household's.
    """
    own = {kind: _own(population, kind, accounts, least=2) for kind in HANDS + HOMES}
    hand, home, any_of_both = (
        _together(population, {k: own[k] for k in kinds}, accounts) for kinds in (HANDS, HOMES, own)
    )
    size = np.bincount(any_of_both)[any_of_both]
    several = np.bincount(np.unique(np.stack([hand, home]), axis=1)[0], minlength=len(accounts)) > 1  # homes of a hand
    return float(((size >= 2) & (size <= HOUSEHOLD) & ~several[hand]).mean())


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
