"""A pool of networks joins a group; homes and households do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.places import HANDS, HOMES, HOUSEHOLD, households, joined, joined_to_others, one_pool
from stillwatch.campaigns.traits import openly_owned
from stillwatch.domain.verdict import Family
from stillwatch.signals.base import Group
from stillwatch.signals.holdings import make_values
from stillwatch.signals.population import Population
from tests.signals.synthetic import honest_population

Ids = npt.NDArray[np.int64]
MEMBERS = np.arange(60)


def at_networks(prefix: Ids, operator: Ids) -> Population:
    """Every exchange from a prefix of some operator; those of strangers from prefixes of their own."""
    population = honest_population(4)
    rows = population.account, prefix.astype(np.uint64)
    network = make_values("network", *rows, population.representative)
    columns = dict(population.columns) | {"network": rows[1], "asn": operator}
    return replace(population, kinds=dict(population.kinds) | {"network": network}, columns=columns)


def pooled(population: Population) -> bool:
    accounts = MEMBERS.astype(np.int32)
    rows = population.rows_of_accounts(accounts)
    return one_pool(population, Group(accounts, rows, frozenset({Family.CONTENT}), True, "template"))


def moving(n_prefixes: int, homes: int) -> tuple[Ids, Ids]:
    """Members' prefixes (drawn anew each time, or one for each of some homes) and those of others."""
    population = honest_population(4)
    rng = np.random.default_rng(1)
    account = population.account.astype(np.int64)
    drawn = rng.integers(1, n_prefixes + 1, len(account)) if not homes else 1 + account % homes
    return np.where(account < len(MEMBERS), drawn, 10_000 + account), rng.integers(100, 109, len(account))


def test_prefixes_of_many_operators_that_are_passed_on_are_a_pool() -> None:
    prefix, operator = moving(40, 0)
    assert pooled(at_networks(prefix, operator))


def test_a_network_of_one_operator_is_no_pool() -> None:
    prefix, operator = moving(40, 0)
    assert not pooled(at_networks(prefix, np.full_like(operator, 100)))


def test_exits_that_strangers_use_too_are_no_pool() -> None:
    prefix, operator = moving(40, 0)
    account = honest_population(4).account.astype(np.int64)
    assert not pooled(at_networks(np.where(account < 600, 1 + account % 40, prefix), operator))


def test_homes_of_a_few_accounts_each_are_no_pool() -> None:
    prefix, operator = moving(40, 15)
    assert not pooled(at_networks(prefix, operator))


def sharing(**values: Ids) -> Population:
    """An account's hands and homes; strangers have their own."""
    population = honest_population(4)
    everyone, kinds = np.arange(population.size), dict(population.kinds)
    for name in HANDS + HOMES:
        held = 10_000 + everyone
        if name in values:
            held[MEMBERS] = values[name]
        kinds[name] = make_values(name, everyone, held.astype(np.uint64), population.representative)
    return replace(population, kinds=kinds)


def test_people_with_a_few_accounts_at_home_are_households() -> None:
    accounts = MEMBERS.astype(np.int32)
    assert households(sharing(device=1 + MEMBERS // 4, address=1 + MEMBERS // 4), accounts) == 1.0
    assert households(sharing(network=1 + MEMBERS // 5), accounts) == 1.0


def test_a_card_that_is_used_in_many_places_is_no_households() -> None:
    accounts = MEMBERS.astype(np.int32)
    assert households(sharing(payment=1 + MEMBERS // 4), accounts) == 0.0


def test_hands_and_places_that_cross_are_no_households() -> None:
    accounts = MEMBERS.astype(np.int32)
    assert households(sharing(payment=1 + MEMBERS // 4, address=1 + MEMBERS % 15), accounts) == 0.0
    assert households(sharing(address=1 + MEMBERS // (HOUSEHOLD + 1)), accounts) < 0.2


def test_who_shares_nothing_is_in_no_household() -> None:
    assert households(sharing(), MEMBERS.astype(np.int32)) == 0.0


def test_who_is_at_home_is_of_a_household_though_phones_meet_strangers_behind_an_exit() -> None:
    population = sharing(payment=1 + MEMBERS // 4)
    account, exits = population.account.astype(np.int64), 500 + population.account.astype(np.int64) % 3
    often = np.arange(len(account)) % 4 > 0
    home = np.where(account < len(MEMBERS), 1 + account // 4, 10_000 + account)
    address = np.where(often, home, exits).astype(np.uint64)
    kinds = dict(population.kinds) | {"address": make_values("address", account, address, population.representative)}
    assert households(replace(population, kinds=kinds), MEMBERS.astype(np.int32)) >= 0.8


def test_hands_and_homes_that_cross_join_a_group_and_several_fleets_stay_several() -> None:
    accounts = MEMBERS.astype(np.int32)
    assert joined(sharing(payment=1 + MEMBERS // 4, address=1 + MEMBERS % 15), accounts) == 1.0
    assert joined(sharing(payment=1 + MEMBERS // 20, address=1 + MEMBERS // 20), accounts) < 0.4


def test_how_many_of_some_are_tied_to_the_others_by_hand_or_home() -> None:
    accounts, some = MEMBERS.astype(np.int32), MEMBERS >= 40
    alone = 1 + np.where(some, 100 + MEMBERS, MEMBERS // 4)  # the twenty have a card and a home each
    assert joined_to_others(sharing(payment=alone, address=1_000 + MEMBERS), accounts, some) == 0.0
    cards = 1 + MEMBERS % 40  # … or the cards of the others
    assert joined_to_others(sharing(payment=cards, address=1_000 + MEMBERS), accounts, some) == 1.0
    among_themselves = 1 + np.where(some, 100 + MEMBERS % 5, MEMBERS // 4)
    assert joined_to_others(sharing(payment=among_themselves, address=1_000 + MEMBERS), accounts, some) == 0.0


def test_of_nobody_nobody_is_openly_owned() -> None:
    population = honest_population(4)
    names = ("payment_fingerprint", "email_domain")
    table = {name: np.arange(1, population.size + 1, dtype=np.uint64) for name in names}
    assert openly_owned(replace(population, table=table), np.zeros(0, np.int32)).tolist() == []
