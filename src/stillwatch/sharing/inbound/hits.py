"""Indicators in a log: whose requests match, how often, from when to when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from stillwatch.engine import Engine
from stillwatch.sharing.inbound.search import SearchPass
from stillwatch.sharing.inbound.wanted import Wanted


class Reader(Protocol):
    """What a search needs of an open log."""

    files: tuple[Path, ...]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of the canonical table with ``source_file`` and ``source_row``."""
        ...


class Hits(NamedTuple):
    """One indicator's accounts, and how often each matched."""

    accounts: tuple[int, ...]
    exchanges: tuple[int, ...]
    first_us: int
    last_us: int


def search(engine: Engine, reader: Reader, wanted: tuple[Wanted, ...]) -> dict[Wanted, Hits]:
    """Indicator → its hits, within the time that the indicator is valid."""
    distinct = list(dict.fromkeys(wanted))
    if not distinct:
        return {}
    engine.map_batches(reader, SearchPass(distinct))
    never = np.iinfo(np.int64).max
    engine.scan(
        "windows",
        pa.table(
            {
                "indicator": np.arange(len(distinct), dtype=np.int64),
                "start": np.array([int(one.valid_from.timestamp() * 1e6) for one in distinct], np.int64),
                "until": np.array(
                    [never if one.valid_until is None else int(one.valid_until.timestamp() * 1e6) for one in distinct],
                    np.int64,
                ),
            }
        ),
    )
    table = engine.collect(
        """SELECT h.indicator AS indicator, h.account AS account, count(DISTINCT h.key) AS exchanges,
                  min(h.ts) AS first, max(h.ts) AS last
           FROM hits AS h JOIN windows AS w ON w.indicator = h.indicator
           WHERE h.ts >= w.start AND h.ts < w.until GROUP BY h.indicator, h.account ORDER BY indicator, account"""
    )
    number = table["indicator"].to_numpy()
    bounds = np.searchsorted(number, np.arange(len(distinct) + 1))
    accounts, exchanges = table["account"].to_pylist(), table["exchanges"].to_pylist()
    first, last = table["first"].to_numpy(), table["last"].to_numpy()
    return {
        one: Hits(tuple(accounts[a:b]), tuple(exchanges[a:b]), int(first[a:b].min()), int(last[a:b].max()))
        for one, a, b in zip(distinct, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
        if b > a
    }
