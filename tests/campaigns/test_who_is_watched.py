"""A group that nobody is named of puts only those under suspicion who carry its evidence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.campaigns.detect import LEAST_WATCHED, Found, watched
from stillwatch.domain.verdict import Family
from stillwatch.signals.base import Group, Verdict
from stillwatch.signals.population import Population
from tests.campaigns.test_honest_explanations import HARVEST
from tests.signals.synthetic import honest_population


def group_of(population: Population, **carried: npt.NDArray[np.bool_]) -> Found:
    """A group of the first forty accounts, whose families are carried by some of them."""
    accounts = np.arange(40, dtype=np.int32)
    group = Group(accounts, population.rows_of_accounts(accounts), frozenset({Family.CONTENT}), False, "community")
    channels = {"payment": (1e-9, 0.9)}
    verdicts = {
        Family(name): Verdict(1e-9, 1.0, 0.9, "payment", some.astype(np.float64), channels=channels)
        for name, some in carried.items()
    }
    return Found("watch", group, verdicts, group.formed_by, HARVEST, (), 1e-9, 1e-8, 0)


def test_strangers_of_a_loose_community_are_not_watched() -> None:
    population, at = honest_population(3), np.arange(40)
    (left,) = watched(population, group_of(population, identity=at < 20, infrastructure=at >= 5, timing=at % 2 == 0))
    two = (at < 20).astype(int) + (at >= 5) + (at % 2 == 0) >= 2
    assert left.group.accounts.tolist() == at[two].tolist()
    assert np.isin(population.account[left.group.rows], left.group.accounts).all()


def test_one_kind_beside_what_drew_the_group_is_two() -> None:
    population, at = honest_population(3), np.arange(40)
    (left,) = watched(population, group_of(population, infrastructure=at < 15))
    assert left.group.accounts.tolist() == list(range(15))


def test_too_few_are_not_watched_at_all() -> None:
    population, at = honest_population(3), np.arange(40)
    assert watched(population, group_of(population, infrastructure=at < LEAST_WATCHED - 1)) == []
    assert len(watched(population, group_of(population, infrastructure=at < LEAST_WATCHED))) == 1
