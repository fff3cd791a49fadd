"""Membership grows to what is the group's own and takes in nobody for a hub, a household or a common phrase."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.detect import _houses_apart, _houses_drawn_in, _took_part
from stillwatch.campaigns.membership import BLOCKS, SURE, Membership, membership
from stillwatch.domain.verdict import Family
from stillwatch.signals.base import Group
from stillwatch.signals.holdings import make_values
from stillwatch.signals.population import Population
from tests.signals.synthetic import honest_population

TEMPLATE = 77
HOUSEHOLD = range(900, 906)


def world(seed: int, members: npt.NDArray[np.int64]) -> Population:
    """Members send one template in half of their exchanges, five to a card; the others are honest, six a household."""
    population = honest_population(seed)
    n, rows = population.size, len(population.ts)
    rng = np.random.default_rng(seed)
    mine = np.isin(population.account, members) & (rng.random(rows) < 0.5)
    payment, address = np.arange(1, n + 1), np.where(np.arange(n) % 7 == 0, 1, 10 + np.arange(n))
    payment[members] = 70_000 + np.arange(len(members)) // 5
    payment[list(HOUSEHOLD)] = 50_000
    address[list(HOUSEHOLD)] = 60_000
    everyone, represent = np.arange(n), population.representative
    kinds = {
        name: make_values(name, everyone, np.zeros(n, np.uint64), represent)
        for names in BLOCKS.values()
        for name in names
    }
    kinds["payment"] = make_values("payment", everyone, payment.astype(np.uint64), represent)
    kinds["address"] = make_values("address", everyone, address.astype(np.uint64), represent)
    kinds["phrase"] = population.kinds["phrase"]
    text = np.where(mine, TEMPLATE, 0).astype(np.uint64)
    kinds["template"] = make_values("template", population.account, text, represent, rows=np.arange(rows))
    return replace(population, kinds=kinds)


def started(population: Population, accounts: npt.NDArray[np.int64]) -> Group:
    chosen = np.sort(accounts).astype(np.int32)
    return Group(chosen, population.rows_of_accounts(chosen), frozenset({Family.CONTENT}), True, "template")


def sure(population: Population, group: Group) -> set[int]:
    p = membership(population, group, rhythm=False).probability
    return set(np.flatnonzero(p >= SURE).tolist())


def test_the_rest_of_a_campaign_is_found_and_bystanders_fall_out() -> None:
    busy = np.flatnonzero(honest_population(5).counts >= 6)
    members = busy[:80]
    population = world(5, members)
    start = np.concatenate([members[:50], busy[200:215]])
    assert sure(population, started(population, start)) == set(members.tolist())


def test_a_hub_that_everybody_uses_makes_nobody_a_member() -> None:
    busy = np.flatnonzero(honest_population(6).counts >= 6)
    members = busy[busy % 7 == 0][:60]
    population = world(6, members)
    found = sure(population, started(population, members))
    assert found == set(members.tolist())


def test_a_household_does_not_vouch_for_itself() -> None:
    busy = np.flatnonzero(honest_population(7).counts >= 6)
    members = busy[~np.isin(busy, list(HOUSEHOLD))][:80]
    population = world(7, members)
    start = np.concatenate([members, np.array(HOUSEHOLD)])
    assert not sure(population, started(population, start)) & set(HOUSEHOLD)


def test_a_licensed_account_is_nobodys_member() -> None:
    busy = np.flatnonzero(honest_population(8).counts >= 6)
    members = busy[:60]
    population = world(8, members)
    apart = np.zeros(population.size, np.bool_)
    apart[members[:10]] = True
    found = membership(population, started(population, members), rhythm=False, apart=apart)
    assert found.probability[members[:10]].max() == 0.0
    assert found.probability[members[10:]].min() >= SURE


def test_membership_does_not_depend_on_what_the_start_missed() -> None:
    busy = np.flatnonzero(honest_population(9).counts >= 6)
    members = busy[:80]
    population = world(9, members)
    assert sure(population, started(population, members[:40])) == sure(population, started(population, members[30:]))


def test_work_of_a_like_alone_makes_nobody_a_member() -> None:
    """Accounts: took part; shares a card; shares a place; has the same kind of work and nothing else."""
    blocks = {"hand": np.array([0.0, 2.0, 0.0, 0.0]), "place": np.array([0.0, 0.0, 2.0, 0.5])}
    sent = np.array([True, False, False, False])
    member = Membership(np.ones(4), blocks, np.zeros(0, np.int32), sent)
    assert _took_part(np.arange(4, dtype=np.int32), member).tolist() == [True, True, True, False]
    assert _took_part(np.array([3, 0], np.int32), member).tolist() == [False, True]


def test_who_sent_nothing_of_the_work_is_told() -> None:
    busy = np.flatnonzero(honest_population(5).counts >= 6)
    population = world(5, busy[:80])
    found = membership(population, started(population, busy[:80]), rhythm=True)
    assert found.sent[busy[:80]].mean() >= 0.95
    assert found.sent[busy[200:]].mean() <= 0.05


def owned(*houses: range) -> Population:
    """Everybody with a card and a mail domain of their own, but for houses with one card and one domain each."""
    population = honest_population(4)
    table = {
        name: np.arange(1, population.size + 1, dtype=np.uint64) for name in ("payment_fingerprint", "email_domain")
    }
    for house in houses:
        for column in table.values():
            column[list(house)] = 1_000_000 + house.start
    return replace(population, table=dict(population.table) | table, cache={})


def test_a_house_among_strangers_is_judged_apart_and_not_drawn_in() -> None:
    house, strangers = np.arange(100, 120, dtype=np.int32), np.arange(40, dtype=np.int32)
    population = owned(range(100, 120))
    both = np.concatenate([strangers, house])
    assert [part.tolist() for part in _houses_apart(population, both)] == [strangers.tolist(), house.tolist()]
    assert both[_houses_drawn_in(population, both, strangers)].tolist() == house.tolist()
    assert not _houses_drawn_in(population, both, both).any(), "it was there at the start: it is judged apart"


def test_a_few_accounts_of_one_payer_are_no_house_and_a_disguise_is_none_either() -> None:
    strangers = np.arange(40, dtype=np.int32)
    few = np.concatenate([strangers, np.arange(100, 108, dtype=np.int32)])
    assert len(_houses_apart(owned(range(100, 108)), few)) == 1
    cells = [range(100, 120), range(200, 220), range(300, 320)]
    all_owned = np.concatenate([strangers[:20], *map(np.array, cells)]).astype(np.int32)
    assert len(_houses_apart(owned(*cells), all_owned)) == 1
    assert not _houses_drawn_in(owned(*cells), all_owned, strangers).any()
