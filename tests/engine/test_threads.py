"""Threads change how long something takes, not what comes of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from stillwatch.engine import Columns, Threads
from stillwatch.signals.templates import Templates, find_templates


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_the_order_of_their_tasks(count: int) -> None:
    with Threads(count) as threads:
        assert list(threads.in_order(partial(pow, i, 2) for i in range(50))) == [i * i for i in range(50)]
        assert list(threads.read_ahead(iter("abc"))) == ["a", "b", "c"]


def test_a_failing_task_is_heard_of() -> None:
    def fails() -> int:
        raise OSError("no more room")

    with Threads(2) as threads, pytest.raises(OSError, match="no more room"):
        list(threads.in_order(iter([fails])))


def templates(folder: Path, threads: int) -> Templates:
    """Forty accounts, half of which send what one template gives, among texts of their own."""
    rng = np.random.default_rng(5)
    account = np.sort(rng.integers(0, 40, 2_000)).astype(np.int32)
    shared = rng.integers(1, 1 << 60, 30, dtype=np.uint64)
    rows = [
        np.concatenate(
            [shared[:8] if a % 2 else shared[10 + a % 3 : 12 + a % 3], rng.integers(1, 1 << 60, 5, np.uint64)]
        )
        for a in account.tolist()
    ]
    columns = Columns(folder, keep_bytes=0)
    columns.extend_lists("fingerprints", np.array([len(r) for r in rows]), np.concatenate(rows))
    found = find_templates(
        columns, account, np.arange(len(account), dtype=np.int32), np.bincount(account), threads=threads
    )
    columns.close()
    return found


def test_templates_do_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    alone, together = (templates(tmp_path, threads) for threads in (1, 3))
    assert len(alone.templates.names) == 1
    assert len(alone.phrases.names) > 0
    for one, other in zip(alone[:2], together[:2], strict=True):
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine, theirs)
