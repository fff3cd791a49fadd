"""The parts of a group between which nothing of its own is shared: what only a common start drew together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.domain.verdict import Family
from stillwatch.kernels.groups import met_parts
from stillwatch.links.candidates import louvain
from stillwatch.signals.base import Group
from stillwatch.signals.continuity import HANDOVERS
from stillwatch.signals.population import Population, Values
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
_NOT_OWN = ("cohort", "mail_domain", "tls", "client", "parameters")
_OWN_KINDS = tuple(k for s in TIES if s.family is not Family.INTENT for k in s.kinds if k.name not in _NOT_OWN)
_ADDRESSES = ("address", "network", "signup_address")


def own_parts(population: Population, group: Group, *, seed: int) -> list[I32]:
    """The parts of a group, at least a dozen accounts each, between which few share a value of the group's own.

    Communities of the graph account–own value (Louvain with refinement, as for candidates), joined again while at
    least a third of the smaller one's accounts hold a value that an account of the other holds.
    """
    left, right, at = [], [], len(group.accounts)
    for kind in _OWN_KINDS:
        v = population.kinds[kind.name]
        if v.size:
            place, held = v.held_by(group.accounts)
            keep = _own(v, held, len(group.accounts), kind.software)[held]
            left.append(place[keep])
            right.append(held[keep].astype(np.int64) + at)
            at += v.size
    account = np.concatenate(left)
    n = len(group.accounts)
    if not len(account):
        return [group.accounts]
    there = np.zeros(at, np.bool_)
    there[np.concatenate(right)] = True
    value = (np.cumsum(there) - 1)[np.concatenate(right)]
    label = louvain(account, value + n, np.ones(len(account)), nodes=n + int(value.max()) + 1, seed=seed)[:n]
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
    sizes = np.bincount(part)
    share = met_parts(account, value, part, len(sizes), int(value.max()) + 1) / sizes
    share = np.where(sizes[None, :] <= sizes[:, None], share, share.T)
    np.fill_diagonal(share, -1.0)
    return share


def _own(v: Values, held: I32, size: int, software: bool) -> Bools:
    """Values that are a group's own: enough of its ``size`` members hold them, and few others."""
    x = np.bincount(held, minlength=v.size)
    least = max(6, SPREAD * size) if software else 3
    if v.name in HANDOVERS:
        least = 2
    elif v.name == "phrase":  # a few words are somebody's own only where they are much of the work
        least = max(6, PHRASE * size)
    # an exit address that strangers use too brings strangers in
    purity = ADDRESS_PURITY if v.name in _ADDRESSES else PURITY
    return np.asarray((x >= least) & ((x - 1) >= purity * (np.diff(v.holders_ptr) - 1)))
