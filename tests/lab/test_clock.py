"""Times of a world."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.lab.clock import run_sum


@given(st.lists(st.integers(0, 4), max_size=12))
def test_every_run_begins_at_zero_and_an_empty_one_is_no_error(sizes: list[int]) -> None:
    values = np.arange(1, sum(sizes) + 1, dtype=np.float64)
    at, expected = 0, []
    for size in sizes:
        run = values[at : at + size]
        expected += (np.cumsum(run) - run[:1]).tolist() if size else []
        at += size
    assert run_sum(values, np.array(sizes, np.int64)).tolist() == expected
