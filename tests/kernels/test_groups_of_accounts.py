"""Compiled counting over groups agrees with the same counting in plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.kernels.coding import dealt, grouped
from stillwatch.kernels.groups import co_activity, damped, held_by, met_parts
from stillwatch.kernels.rhythm import binned, events_of, first_events

PAIRS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 11)), min_size=1, max_size=60)


@given(PAIRS, st.lists(st.integers(0, 2), min_size=8, max_size=8))
def test_parts_meet_where_an_account_of_one_holds_a_value_of_the_other(
    pairs: list[tuple[int, int]], part: list[int]
) -> None:
    account, value = np.array(pairs, np.int64).T.copy()
    found = met_parts(account, value, np.array(part, np.int64), 3, 12)
    for i in range(3):
        theirs = {v for a, v in pairs if part[a] == i}
        for j in range(3):
            assert found[i, j] == len({a for a, v in pairs if part[a] == j and v in theirs})


@given(PAIRS, st.sets(st.integers(0, 7)))
def test_what_a_group_holds_is_listed_account_by_account(pairs: list[tuple[int, int]], members: set[int]) -> None:
    rows = sorted(set(pairs))
    indptr = np.searchsorted([a for a, _ in rows], np.arange(9)).astype(np.int64)
    accounts = np.array(sorted(members), np.int32)
    place, held = held_by(accounts, indptr, np.array([v for _, v in rows], np.int32))
    assert [(int(accounts[p]), int(v)) for p, v in zip(place, held, strict=True)] == [
        r for r in rows if r[0] in members
    ]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 6)), max_size=60))
def test_prompts_are_counted_once_per_sender(rows: list[tuple[int, int]]) -> None:
    owner, code = np.array(rows, np.int32).reshape(-1, 2).T.copy()
    found = dealt(code, np.arange(len(rows), dtype=np.int32), *grouped(owner, 6), 7)
    alone = sum(c == -2 for _, c in rows)
    senders = {c: {a for a, d in rows if d == c} for _, c in rows if c >= 0}
    assert found.distinct == alone + len(senders)
    assert found.known == sum(c != -1 for _, c in rows)
    assert found.repeated == sum(c >= 0 and len(senders[c]) >= 2 for _, c in rows)
    for a in range(6):
        assert found.each[a] == sum(x == a and c == -2 for x, c in rows) + sum(a in who for who in senders.values())


def test_a_groups_times_are_those_of_its_members() -> None:
    account = np.array([3, 1, 3, 0, 1, 2], np.int32)
    ts = np.arange(6, dtype=np.int64) * 10
    place = np.array([-1, 1, -1, 0], np.int32)
    times, ends = events_of(np.arange(6, dtype=np.int32), account, ts, place, 2)
    assert (times.tolist(), ends.tolist()) == ([0, 20, 10, 40], [0, 2, 4])
    rows, labels = first_events(np.arange(6, dtype=np.int32), account, place, 3)
    assert (rows.tolist(), labels.tolist()) == ([0, 1, 2], [0, 1, 0])


def test_activity_says_the_same_in_two_bytes_and_in_four() -> None:
    rng = np.random.default_rng(3)
    indptr = np.array([0, 40, 90, 120], np.int64)
    ts = np.concatenate([np.sort(rng.integers(0, 200, n)) for n in np.diff(indptr)]).astype(np.int64)
    ptr, bins, counts = binned(ts, indptr, 0, 10)
    small = damped(ptr, bins, counts)
    large = small._replace(bins=small.bins.astype(np.uint32), counts=small.counts.astype(np.uint32))
    assert small.bins.dtype == np.uint16
    assert damped(ptr, bins, counts * 70_000).bins.dtype == np.uint32
    group = np.array([0, 1, 2], np.int32), np.array([0, 3], np.int64)
    profile = np.full(20, 1 / 20)
    loads = np.zeros((3, 20))
    for a in range(3):
        for j in range(ptr[a], ptr[a + 1]):
            loads[a, bins[j]] = np.sqrt(counts[j])
    cross = sum(loads[a] @ loads[b] for a in range(3) for b in range(3) if a != b)
    usual = sum(loads[a].sum() * loads[b].sum() for a in range(3) for b in range(3) if a != b) / 20
    for one in (small, large):
        np.testing.assert_allclose(co_activity(*group, one, profile), cross / usual)
