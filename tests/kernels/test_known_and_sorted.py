"""Compiled looks into sorted values agree with plain Python."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.kernels.known import mark_filter, rows_of_known
from stillwatch.kernels.sorted import times_held

VALUES = st.integers(0, 30).map(lambda i: (i * 0x9E3779B97F4A7C15) % (1 << 64))


@given(
    rows=st.lists(st.tuples(st.lists(VALUES, max_size=8), st.tuples(VALUES, VALUES)), min_size=1, max_size=12),
    marks=st.dictionaries(VALUES, st.integers(0, 3), min_size=1),
)
def test_a_row_is_its_commonest_owners(rows: list[tuple[list[int], tuple[int, int]]], marks: dict[int, int]) -> None:
    names = np.array(sorted(marks), np.uint64)
    owner = np.array([marks[m] for m in sorted(marks)], np.int32)
    offsets = np.cumsum([0, *(len(values) for values, _ in rows)]).astype(np.int64)
    values = np.array([v for mine, _ in rows for v in mine], np.uint64)
    whole = np.array([w for _, w in rows], np.uint64)
    out = np.empty(len(rows), np.int32)
    rows_of_known(offsets, values, whole, names, owner, mark_filter(names), out)
    expected = []
    for mine, all_of_it in rows:
        seen = Counter(marks[v] for v in mine if v in marks)
        seen.update(marks[w] for w in (*all_of_it, *all_of_it) if w in marks)
        best = max(seen, key=lambda o: (seen[o], -o), default=-1)
        expected.append(best if best >= 0 and seen[best] >= 2 else -1)
    assert out.tolist() == expected


@given(st.sets(st.integers(0, 40)), st.lists(st.integers(0, 40)))
def test_times_held_counts(wanted: set[int], held: list[int]) -> None:
    asked = np.array(sorted(wanted), np.uint64)
    out = np.zeros(len(asked), np.int32)
    times_held(asked, np.sort(np.array(held, np.uint64)), out)
    assert out.tolist() == [held.count(w) for w in sorted(wanted)]
