"""Who belongs to a campaign: expectation–maximisation over all accounts, with likelihood ratios learned for the group.

A group found by the tests is a start, not the answer: it misses members that hold other things than those that drew
it, and holds bystanders of a shared exit or a popular program. Here every account of the log is either a member or
not, with a probability. Evidence comes in blocks that are independent given membership:

* ``hand``: payment instruments, devices, phones, and work that moved between accounts;
* ``place``: addresses and networks;
* ``work``: templates, phrases, system prompts, skeletons, tool schemas;
* ``stack``: clients, TLS fingerprints, parameters. For accounts with the group's work it is compared with the others
  who have that work, for one program explains both;
* ``rhythm``: the lack of sessions in the sub-stream, where timing showed one dispatcher.

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
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import special

from stillwatch.domain.verdict import Family
from stillwatch.kernels.nearness import held_inside, nearest
from stillwatch.signals import timing
from stillwatch.signals.base import Group
from stillwatch.signals.population import Population, Values, csr, union

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

BLOCKS: Mapping[str, tuple[str, ...]] = {
    "hand": ("payment", "device", "phone", "failover", "replay", "session", "end_user"),
    "place": ("address", "network", "signup_address"),
    "work": ("template", "phrase", "system", "skeleton", "edge_template", "schema"),
    "stack": ("tls", "client", "parameters", "stack"),
}
LEAST = 1.5
"""Less than this (4.5 times the share of the others) is what chance and half-filled values give."""
LEVELS = np.array([0.0, 2.0, 2.5, 3.5, 4.5, 5.5, 7.0])
"""Where closeness is cut; level 0 holds what is no closer than chance."""
SURE = 0.97
UNSURE = 0.5
"""Probability of membership from which an account is shown beside a campaign, unnamed; from ``SURE`` it is named."""
ROUNDS = 25
SETTLED = 1e-3
PSEUDO = 0.5
BORROWED = 6.0
"""How many accounts the general rate of a level stands for where few share the group's work."""
RHYTHM_MOST = 2.5
"""How much calm and volume may say for or against one account."""
AGAINST = 3.5
"""How much one block may say against an account."""
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
    rows: I64
    """Exchanges of accounts that may be members: those that carry the group's own work, or all where it has none."""


class _Closeness(NamedTuple):
    level: I64
    """0: nothing in common; -1: the log does not say."""
    value: F64


def membership(population: Population, group: Group, *, rhythm: bool, apart: Bools | None = None) -> Membership:
    """Membership of all accounts, started from a group's; ``rhythm`` says that timing showed one dispatcher.

    Accounts ``apart`` (under a licence) are nobody's members and are no measure of others either.
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
    for _ in range(2):
        calm, held = substream_rhythm(population, own_rows(population, p, scale)) if rhythm else (None, None)
        for _ in range(ROUNDS):
            ratios = _ratios(population, p, vouch, scale, calm, held)
            share = np.clip((weight * p).sum() / weight.sum(), 1.0 / n, 2 * prior)
            odds = np.log(share) - np.log1p(-share) + sum(ratios.values())
            posterior = special.expit(odds)
            if apart is not None:
                posterior[apart] = 0.0
            alone = special.expit(odds - ratios["hand"] - ratios["place"])
            vouch = np.where(anchors, posterior, np.minimum(posterior, alone))
            settled = float(np.abs(posterior - p).sum()) <= SETTLED * max(float(p.sum()), 1.0)
            p = posterior
            if settled or p.sum() < 1.0:
                break
    rows = own_rows(population, p, scale)
    mine = p >= UNSURE
    if rows is None:
        return Membership(p, ratios, population.rows_of_accounts(np.flatnonzero(mine).astype(np.int32)))
    return Membership(p, ratios, rows[mine[population.account[rows]]])


def own_rows(population: Population, p: F64, scale: _Scale) -> I64 | None:
    """The exchanges that carry work of the group's own, whoever sent them; None (all of them) where it has none."""
    members, others = float((scale.weight * p).sum()), float((scale.weight * (1 - p)).sum())
    mass = scale.weight * p
    active = np.flatnonzero(p > scale.least).astype(np.int32)
    parts = []
    for name in BLOCKS["work"]:
        held = scale.held[name]
        inside = np.zeros(len(held.everybody))
        met = held_inside(held.indptr, held.values, active, mass, inside)
        x = inside[met]
        y = np.maximum(held.everybody[met] - x, 0.0)
        near = np.log((x + 1e-3) / max(members, 1.0)) - np.log((y + PSEUDO) / max(others, 1.0))
        own = np.sort(met[(x >= 2.5) & (near >= OWN_WORK)])
        parts += [population.kinds[name].rows_of(value) for value in own.tolist()]
    rows = union(parts, len(population.ts))
    mine = p >= UNSURE
    if np.count_nonzero(mine[population.account[rows]]) < 0.1 * population.counts[mine].sum():
        return None
    return rows


def substream_rhythm(population: Population, rows: I64 | None) -> tuple[F64, I64]:
    """Per account the normal score of its lack of sessions among some exchanges (None: all), and how many it sent."""
    everyone = np.arange(population.size, dtype=np.int32)
    if rows is not None:
        calm = timing.calm_members(population, Group(everyone, rows, frozenset(), False, ""))
        return calm, np.bincount(population.account[rows], minlength=population.size)
    if "calm_in_all" not in population.cache:
        group = Group(everyone, np.arange(len(population.ts)), frozenset(), False, "")
        population.cache["calm_in_all"] = timing.calm_members(population, group)
    return population.cache["calm_in_all"], population.counts


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
                least = HABIT * population.counts[v.owner] if block == "work" else 0
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
    holders_ptr, order = csr(value, v.size)
    everybody = np.bincount(value, weights=weight[owner], minlength=v.size).astype(np.float64)
    return _Held(indptr, value, holders_ptr, owner[order], everybody)


def _ratios(
    population: Population, p: F64, vouch: F64, scale: _Scale, calm: F64 | None, held: I64 | None
) -> dict[str, F64]:
    out: dict[str, F64] = {}
    close: dict[str, _Closeness] = {}
    for block in BLOCKS:
        close[block] = _closeness(population, block, p, vouch if block in ("hand", "place") else p, scale)
        if block == "stack":
            out[block] = _given_work(close["stack"], close["work"].value >= OWN_WORK, p, scale.weight)
        else:
            out[block] = _learned(close[block], p, scale.weight)
    if calm is not None and held is not None:
        out["rhythm"] = _rhythm(calm, held, p, scale.weight, close["work"].value >= OWN_WORK)
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
        known |= population.kinds[name].holds
        held = scale.held[name]
        inside = np.zeros(len(held.everybody))
        met = held_inside(held.indptr, held.values, active, mass, inside)
        nearest(
            met, inside, held.everybody, held.holders_ptr, held.holders, scale.weight, mass, members, others, PSEUDO,
            LEAST, best,
        )  # fmt: skip
    level = np.searchsorted(LEVELS, best, side="left")
    return _Closeness(np.where(known, level, -1), best)


def _learned(close: _Closeness, p: F64, weight: F64) -> F64:
    """Log likelihood ratio of each account's level, learned under the present memberships; 0 where unknown."""
    return _capped(close, _table(close.level, p, weight)[np.maximum(close.level, 0)])


def _capped(close: _Closeness, ratio: F64) -> F64:
    """A level says no more for membership than the value itself does: its other holders may be one cluster."""
    return np.where(close.level < 0, 0.0, np.maximum(np.minimum(ratio, close.value), -AGAINST))


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


def _rhythm(calm: F64, held: I64, p: F64, weight: F64, same_work: Bools) -> F64:
    """Lack of sessions in the group's sub-stream, and its volume: members around common amounts.

    Others are as sessionless as everybody (a standard normal score); their volumes are those of the others who have
    the group's work.
    """
    known = np.isfinite(calm)
    if p[known].sum() < 8:
        return np.zeros(len(p))
    x, v = np.nan_to_num(calm), np.log(np.maximum(held, 1))
    mean, spread = _normal(x, p * weight * known)
    ratio = np.where(known, -((x - mean) ** 2) / (2 * spread**2) - np.log(spread) + x * x / 2, 0.0)
    some = held > 0
    mine = _normal(v, p * weight * some)
    theirs = _normal(v, (1 - p) * weight * some * np.where(same_work, 1.0, 0.05))
    for sign, (middle, width) in ((1, mine), (-1, theirs)):
        ratio = ratio + np.where(some, sign * (-((v - middle) ** 2) / (2 * width**2) - np.log(width)), 0.0)
    return np.clip(ratio, -RHYTHM_MOST, RHYTHM_MOST)


def _normal(x: F64, weight: F64) -> tuple[float, float]:
    """Weighted mean and deviation (at least 0.3)."""
    total = max(float(weight.sum()), 1e-9)
    mean = float((weight * x).sum()) / total
    return mean, max(float(np.sqrt((weight * (x - mean) ** 2).sum() / total)), 0.3)
