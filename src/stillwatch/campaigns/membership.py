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

from stillwatch.campaigns.holdings import largest, shared_holdings
from stillwatch.domain.verdict import Family
from stillwatch.signals import timing
from stillwatch.signals.base import Group
from stillwatch.signals.population import Population, Values

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


class Membership(NamedTuple):
    """Every account's probability of being a member (n,), and the log likelihood ratios by block (block → (n,))."""

    probability: F64
    blocks: dict[str, F64]
    rows: I64
    """The exchanges that carry the group's own work, whoever sent them; all where it has none."""


class _Closeness(NamedTuple):
    level: I64
    """0: nothing in common; -1: the log does not say."""
    value: F64


def membership(population: Population, group: Group, *, rhythm: bool, apart: Bools | None = None) -> Membership:
    """Membership of all accounts, started from a group's; ``rhythm`` says that timing showed one dispatcher.

    Accounts ``apart`` (under a licence) are nobody's members and are no measure of others either.
    """
    n = population.size
    weight = customer_weight(population)
    if apart is not None:
        weight = np.where(apart, 0.0, weight)
    start = np.zeros(n, np.bool_)
    start[group.accounts] = True
    if apart is not None:
        start &= ~apart
    p = np.where(start, START, 0.0)
    prior = float((weight * start).sum() / weight.sum())
    ratios: dict[str, F64] = {}
    anchors = start & (not group.formed_by <= {Family.CONTENT, Family.INTENT})
    vouch = p
    for _ in range(2):
        rows = own_rows(population, p, weight)
        calm, held = substream_rhythm(population, rows) if rhythm else (None, None)
        for _ in range(ROUNDS):
            ratios = _ratios(population, p, vouch, weight, calm, held)
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
    return Membership(p, ratios, own_rows(population, p, weight))


def own_rows(population: Population, p: F64, weight: F64) -> I64:
    """The exchanges that carry work of the group's own, whoever sent them; all of them where the group has none."""
    members, others = float((weight * p).sum()), float((weight * (1 - p)).sum())
    mine = np.zeros(len(population.ts), np.bool_)
    for name in BLOCKS["work"]:
        v = population.kinds[name]
        if not v.size:
            continue
        h = shared_holdings(population, v, weight, HABIT)
        x = np.bincount(h.value, weights=h.own * p[h.owner], minlength=v.size).astype(np.float64)
        many = x >= 2.5
        there = np.flatnonzero(many[h.value])
        other = h.own[there] * (1 - p[h.owner[there]])
        y = np.bincount(h.value[there], weights=other, minlength=v.size).astype(np.float64)
        near = _nearness(x[many], y[many], members, others)
        for value in np.flatnonzero(many)[near >= OWN_WORK].tolist():
            mine[v.rows_of(value)] = True
    by_members = p[population.account] >= 0.5
    if mine[by_members].sum() < 0.1 * by_members.sum():
        return np.arange(len(mine))
    return np.flatnonzero(mine)


def substream_rhythm(population: Population, rows: I64) -> tuple[F64, I64]:
    """Per account the normal score of its lack of sessions among some exchanges, and how many of them it sent."""
    everyone = np.arange(population.size, dtype=np.int32)
    group = Group(everyone, rows, frozenset(), False, "")
    return timing.calm_members(population, group), np.bincount(population.account[rows], minlength=population.size)


def customer_weight(population: Population) -> F64:
    """A declared customer with many accounts counts once: the share of it that each account stands for (n,)."""
    _, code, size = np.unique(population.customer, return_inverse=True, return_counts=True)
    out: F64 = 1.0 / size[code]
    return out


def _ratios(
    population: Population, p: F64, vouch: F64, weight: F64, calm: F64 | None, held: I64 | None
) -> dict[str, F64]:
    out: dict[str, F64] = {}
    close: dict[str, _Closeness] = {}
    for block, kinds in BLOCKS.items():
        by = vouch if block in ("hand", "place") else p
        values = [population.kinds[k] for k in kinds if population.kinds[k].size]
        close[block] = _closeness(population, values, p, by, weight, HABIT if block == "work" else 0.0)
        if block == "stack":
            out[block] = _given_work(close["stack"], close["work"].value >= OWN_WORK, p, weight)
        else:
            out[block] = _learned(close[block], p, weight)
    if calm is not None and held is not None:
        out["rhythm"] = _rhythm(calm, held, p, weight, close["work"].value >= OWN_WORK)
    return out


def _closeness(population: Population, kinds: list[Values], p: F64, by: F64, weight: F64, habit: float) -> _Closeness:
    """Each account's closest value to the group over some kinds of value; other holders count as ``by``.

    Holdings that are less than ``habit`` of an account's exchanges are left out.
    """
    n = len(p)
    best = np.zeros(n)
    known = np.zeros(n, np.bool_)
    members = float((weight * p).sum())
    others = float(weight.sum() - members)
    for v in kinds:
        known |= v.holds
        h = shared_holdings(population, v, weight, habit)
        lent = h.own * by[h.owner]
        inside = np.bincount(h.value, weights=lent, minlength=v.size)
        x = np.maximum(inside[h.value] - lent, 0.0)
        held = np.flatnonzero(x >= 0.5)
        y = np.maximum(h.everybody[h.value[held]] - h.own[held] - x[held], 0.0)
        near = _nearness(x[held], y, members, others)
        largest(best, h.owner[held], np.where(near >= LEAST, near, 0.0))
    level = np.searchsorted(LEVELS, best, side="left")
    return _Closeness(np.where(known, level, -1), best)


def _nearness(x: F64, y: F64, members: float, others: float) -> F64:
    """Log of the share of members that hold a value over that of the others (half an account more of these)."""
    out: F64 = np.log((x + 1e-3) / max(members, 1.0)) - np.log((y + PSEUDO) / max(others, 1.0))
    return out


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
