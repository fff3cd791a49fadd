"""Candidates that are looked at before their turn come out as if they had waited for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.campaigns.ahead import Ahead, Rules


def in_turn(items: list[int], threads: int) -> list[tuple[int, int]]:
    """Each item is worth a look unless it was taken, and takes what is near it; a result says what was taken before."""

    def near(item: int, taken: frozenset[int]) -> int:
        return len(taken & {item - 1, item, item + 1})

    rules: Rules[int, frozenset[int], tuple[int, int]] = Rules(
        task=lambda item, taken: (item, near(item, taken)),
        wanted=lambda item, taken: item not in taken,
        apart=lambda item, others: item % 2 == 0 or item not in others,
        holds=lambda item, result, before, now: near(item, before) == near(item, now),
    )
    taken: frozenset[int] = frozenset()
    out = []
    with Ahead(items, rules, threads=threads) as looks:
        for at, item in enumerate(items):
            if item not in taken:
                out.append(looks.take(at, taken))
                taken |= {item, item + 1}
    return out


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(2, 5))
def test_what_is_found_does_not_depend_on_looking_ahead(items: list[int], threads: int) -> None:
    assert in_turn(items, threads) == in_turn(items, 1)


def test_a_look_that_fails_is_heard_of_in_its_turn() -> None:
    def look(item: int, _: int) -> int:
        return 10 // item

    rules: Rules[int, int, int] = Rules(look, lambda *_: True, lambda *_: True, lambda *_: True)
    with Ahead([5, 0], rules, threads=2) as looks:
        assert looks.take(0, 0) == 2
        with pytest.raises(ZeroDivisionError):
            looks.take(1, 0)
