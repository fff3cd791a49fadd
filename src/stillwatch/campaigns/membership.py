"""Who belongs to a campaign: expectation–maximisation over all accounts, with likelihood ratios learned for the group.

A group found by the tests is a start, not the answer: it misses members that hold other things than those that drew
it, and holds bystanders of a shared exit or a popular program. Here every account of the log is either a member or
not, with a probability. Evidence comes in blocks that are independent given membership:

* ``hand``: payment instruments, devices, phones, and work that moved between accounts;
* ``place``: addresses and networks;
* ``work``: templates, system prompts, skeletons, tool schemas: the form of what is asked;
* ``said``: phrases that recur with an account;
* ``stack``: clients, TLS fingerprints, parameters;
* ``rhythm``: the lack of sessions in the sub-stream and the place in its order, where timing showed one dispatcher.

One program explains a form, the phrases that fill it and the client that sends it. So what is said and the stack of
accounts with the group's work are compared with the others who have that work.

In each block an account is as close to the group as its closest value: log of (share of members that hold it, the
account itself left out) over (share of the others that hold it). Those closenesses are cut into levels, and how much
a level says is learned from the group and the log itself (agreement levels, Fellegi & Sunter 1969; EM, Winkler 1988).
A hub that everybody uses is close to nobody, and a level that honest accounts reach by holding many values says as
little as it does there. What an account does not hold speaks against it as far as members do hold it.

A household or office agrees in payer and place at once, and would vouch for itself. So an account lends its hand and
place to others only as far as it is a member by the rest of what it does, unless hand and place drew the group and it
was drawn with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from stillwatch.campaigns.beat import Beat, kept_time, rhythm_ratio
from stillwatch.domain.verdict import Family
from stillwatch.engine import Threads
from stillwatch.kernels.coding import grouped
from stillwatch.kernels.nearness import held_inside, nearest
from stillwatch.signals.base import Group
from stillwatch.signals.population import Population, Values, union
from stillwatch.signals.scratch import scratch

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

BLOCKS: Mapping[str, tuple[str, ...]] = {
    "hand": ("payment", "device", "phone", "failover", "replay", "session", "end_user"),
    "place": ("address", "network", "signup_address"),
    "work": ("template", "system", "skeleton", "edge_template", "schema"),
    "said": ("phrase",),
    "stack": ("tls", "client", "parameters", "stack"),
}
WORK = ("work", "said")
"""Blocks whose values are exchanges' own; less than ``HABIT`` of an account's exchanges is not there."""
LEAST = 1.5
"""Less than this (4.5 times the share of the others) is what chance and half-filled values give."""
LEVELS = np.array([0.0, 2.0, 2.5, 3.5, 4.5, 5.5, 7.0])
"""Where closeness is cut; level 0 holds what is no closer than chance."""
SURE = 0.99
UNSURE = 0.5
"""Probability of membership from which an account is shown beside a campaign, unnamed; from ``SURE`` it is named."""
ROUNDS = 12
"""Of expectation and maximisation, for each of ``AGAINST``. Where all evidence is one shared value, any share of its
holders explains itself: more rounds would only drift."""
SETTLED = 1e-3
PSEUDO = 0.5
BORROWED = 6.0
"""How many accounts the general rate of a level stands for where few share the group's work."""
AGAINST = (1.0, 3.5)
"""How much one block may say against an account: little while a group still grows, more when it has."""
OWN_WORK = 3.5
HABIT = 0.02
"""Work that is less than this of an account's exchanges is nobody's mark: who sends thousands has sent everything."""
START = 0.99
NEGLIGIBLE = 1e-3
"""Of the group's share of all accounts: smaller memberships do not count where values are weighed."""


class Membership(NamedTuple):
    """Every account's probability of being a member (n,), and the log likelihood ratios by block (block → (n,))."""

    probability: F64
    blocks: dict[str, F64]
    rows: I32
    """Exchanges of accounts that may be members: those that carry the group's own work, or all where it has none."""
    sent: Bools
    """Whether an account sent any of it; where there is one dispatcher: of what its rhythm was measured by (n,)."""


class _Closeness(NamedTuple):
    level: I64
    """0: nothing in common; -1: the log does not say."""
    value: F64


def membership(
    population: Population,
    group: Group,
    *,
    rhythm: bool,
    apart: Bools | None = None,
    elsewhere: I32 | None = None,
    threads: int = 1,
) -> Membership:
    """Membership of all accounts, started from a group's; ``rhythm`` says that timing showed one dispatcher.

    Accounts ``apart`` (under a licence) are nobody's members and are no measure of others either; those ``elsewhere``
    (explained by something else) are no members here.
    """
    n = population.size
    scale = _scale(population, apart)
    weight = scale.weight
    start = np.zeros(n, np.bool_)
    start[group.accounts] = True
    if apart is not None:
        start &= ~apart
    p = np.where(start, START, 0.0)
    prior = float((weight * start).sum() / weight.sum())
    scale = scale._replace(least=NEGLIGIBLE * prior)
    ratios: dict[str, F64] = {}
    anchors = start & (not group.formed_by <= {Family.CONTENT, Family.INTENT})
    vouch = p
    with Threads(threads) as work:
        for against in AGAINST:
            beat = kept_time(population, own_rows(population, p, scale), p >= UNSURE) if rhythm else None
            for _ in range(ROUNDS):
                ratios = _ratios(population, p, vouch, scale, beat, against, work)
                share = np.clip((weight * p).sum() / weight.sum(), 1.0 / n, 2 * prior)
                odds = np.log(share) - np.log1p(-share) + sum(ratios.values())
                posterior = special.expit(odds)
                if apart is not None:
                    posterior[apart] = 0.0
                if elsewhere is not None:
                    posterior[elsewhere] = 0.0
                alone = special.expit(odds - ratios["hand"] - ratios["place"])
                vouch = np.where(anchors, posterior, np.minimum(posterior, alone))
                settled = float(np.abs(posterior - p).sum()) <= SETTLED * max(float(p.sum()), 1.0)
                p = posterior
                if settled or p.sum() < 1.0:
                    break
    rows = own_rows(population, p, scale)
    mine = p >= UNSURE
    if rows is None:
        rows = population.rows_of_accounts(np.flatnonzero(mine).astype(np.int32))
    sent = beat.held if beat is not None else np.bincount(population.account[rows], minlength=n)
    return Membership(p, ratios, rows[mine[population.account[rows]]], sent > 0)


def prepare(population: Population, apart: Bools | None) -> None:
    """Compute what all groups are measured by before threads share it."""
    _scale(population, apart)


def own_rows(population: Population, p: F64, scale: _Scale) -> I32 | None:
    """The exchanges that carry work of the group's own, whoever sent them; None (all of them) where it has none."""
    members, others = float((scale.weight * p).sum()), float((scale.weight * (1 - p)).sum())
    mass = scale.weight * p
    active = np.flatnonzero(p > scale.least).astype(np.int32)
    parts = []
    for name in (kind for block in WORK for kind in BLOCKS[block]):
        held = scale.held[name]
        inside = scratch("inside", len(held.everybody), np.float64)
        met = held_inside(held.indptr, held.values, active, mass, inside)
        x = inside[met]
        inside[met] = 0.0
        y = np.maximum(held.everybody[met] - x, 0.0)
        near = np.log((x + 1e-3) / max(members, 1.0)) - np.log((y + PSEUDO) / max(others, 1.0))
        own = np.sort(met[(x >= 2.5) & (near >= OWN_WORK)])
        parts += [population.kinds[name].rows_of(value) for value in own.tolist()]
    rows = union(parts, len(population.ts))
    mine = p >= UNSURE
    if np.count_nonzero(mine[population.account[rows]]) < 0.1 * population.counts[mine].sum():
        return None
    return rows


class _Held(NamedTuple):
    """Holdings of one kind that count: by account, and by value."""

    indptr: I64
    values: I32
    holders_ptr: I64
    holders: I32
    everybody: F64
    """Weight of all who hold each value."""


class _Scale(NamedTuple):
    """What holdings are measured by: the same for all groups of a log."""

    weight: F64
    """A declared customer with many accounts counts once: the share of it that each account stands for (n,)."""
    held: dict[str, _Held]
    """By kind. Work that is less than ``HABIT`` of an account's exchanges is not there."""
    least: float = 0.0
    """Memberships up to this are passed over when values are weighed."""


def _scale(population: Population, apart: Bools | None) -> _Scale:
    key = ("membership scale", id(apart))
    if key not in population.cache:
        _, code, size = np.unique(population.customer, return_inverse=True, return_counts=True)
        weight: F64 = 1.0 / size[code]
        if apart is not None:
            weight = np.where(apart, 0.0, weight)
        held = {}
        for block, kinds in BLOCKS.items():
            for name in kinds:
                v = population.kinds[name]
                least = HABIT * population.counts[v.owner] if block in WORK else 0
                counted = v.uses >= least
                held[name] = _counting(v, counted, weight)
        # what it was made for is kept with it, so that its id stays its own
        population.cache[key] = (_Scale(weight, held), apart)
    found: _Scale = population.cache[key][0]
    return found


def _counting(v: Values, counted: Bools, weight: F64) -> _Held:
    owner, value = v.owner[counted], v.values[counted]
    indptr = np.zeros(len(v.indptr), np.int64)
    np.cumsum(np.bincount(owner, minlength=len(weight)), out=indptr[1:])
    holders_ptr, order = grouped(value, v.size)
    everybody = np.bincount(value, weights=weight[owner], minlength=v.size).astype(np.float64)
    return _Held(indptr, value, holders_ptr, owner[order], everybody)


def _ratios(
    population: Population, p: F64, vouch: F64, scale: _Scale, beat: Beat | None, against: float, work: Threads
) -> dict[str, F64]:
    out: dict[str, F64] = {}
    looks = (
        partial(_closeness, population, block, p, vouch if block in ("hand", "place") else p, scale) for block in BLOCKS
    )
    close = dict(zip(BLOCKS, work.in_order(looks), strict=True))
    for block in BLOCKS:
        if block in ("said", "stack"):
            ratio = _given_work(close[block], close["work"].value >= OWN_WORK, p, scale.weight)
        else:
            ratio = _learned(close[block], p, scale.weight)
        out[block] = np.maximum(ratio, -against)
    if beat is not None:
        out["rhythm"] = rhythm_ratio(beat, p, scale.weight, close["work"].value >= OWN_WORK)
    return out


def _closeness(population: Population, block: str, p: F64, by: F64, scale: _Scale) -> _Closeness:
    """Each account's closest value to the group over a block's kinds of value; other holders count as ``by``."""
    best = np.zeros(len(p))
    known = np.zeros(len(p), np.bool_)
    members = float((scale.weight * p).sum())
    others = float(scale.weight.sum() - members)
    mass = scale.weight * by
    active = np.flatnonzero(by > scale.least).astype(np.int32)
    for name in BLOCKS[block]:
        held = scale.held[name]
        inside = scratch("inside", len(held.everybody), np.float64)
        met = held_inside(held.indptr, held.values, active, mass, inside)
        nearest(
            met, inside, held.everybody, held.holders_ptr, held.holders, scale.weight, mass, members, others, PSEUDO,
            LEAST, best,
        )  # fmt: skip
        inside[met] = 0.0
    # whose text is seen says no such thing; whose text is not seen says nothing
    for one in WORK if block in WORK else (block,):
        for name in BLOCKS[one]:
            known |= population.kinds[name].holds
    level = np.searchsorted(LEVELS, best, side="left")
    return _Closeness(np.where(known, level, -1), best)


def _learned(close: _Closeness, p: F64, weight: F64) -> F64:
    """Log likelihood ratio of each account's level, learned under the present memberships; 0 where unknown."""
    return _capped(close, _table(close.level, p, weight)[np.maximum(close.level, 0)])


def _capped(close: _Closeness, ratio: F64) -> F64:
    """A level says no more for membership than the value itself does: its other holders may be one cluster."""
    return np.where(close.level < 0, 0.0, np.minimum(ratio, close.value))


def _given_work(close: _Closeness, same_work: Bools, p: F64, weight: F64) -> F64:
    """The same, but accounts with the group's work are compared with others who have it."""
    level = close.level
    general = _table(level, p, weight)
    known = level >= 0
    cells = len(LEVELS) + 1
    outside = np.bincount(level[known], weights=(weight * (1 - p))[known], minlength=cells) + PSEUDO / cells
    outside /= outside.sum()
    there = known & same_work
    beside = np.bincount(level[there], weights=(weight * (1 - p))[there], minlength=cells) + BORROWED * outside
    beside /= beside.sum()
    inside = np.bincount(level[known], weights=(weight * p)[known], minlength=cells) + PSEUDO * outside
    inside /= inside.sum()
    special_case = np.log(inside) - np.log(beside)
    at = np.maximum(level, 0)
    return _capped(close, np.where(same_work, special_case[at], general[at]))


def _table(level: I64, p: F64, weight: F64) -> F64:
    """Log likelihood ratio per level (Jeffreys' half an account in each cell of the others)."""
    known = level >= 0
    cells = len(LEVELS) + 1
    inside = np.bincount(level[known], weights=(weight * p)[known], minlength=cells)
    outside = np.bincount(level[known], weights=(weight * (1 - p))[known], minlength=cells)
    general = (outside + PSEUDO) / (outside + PSEUDO).sum()
    inside = (inside + PSEUDO * general) / (inside.sum() + PSEUDO)
    out: F64 = np.log(inside) - np.log(general)
    return out
