"""The same case and log give the same bytes, whatever the threads, the order of the log and the hour."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.case import read_case
from stillwatch.domain.errors import InputError
from stillwatch.engine import DuckEngine
from stillwatch.sharing.case import members, shareable
from stillwatch.sharing.fingerprints import Limits, gather
from stillwatch.sources import open_log, read_accounts
from tests.sharing.conftest import Provider, stillwatch


@pytest.mark.parametrize("kind", ["stix", "misp"])
def test_twice_and_with_other_threads(kind: str, providers: tuple[Provider, Provider]) -> None:
    a = providers[0]
    first = stillwatch("share", kind, a.case, *a.options, "--producer", a.name)
    assert stillwatch("share", kind, a.case, *a.options, "--producer", a.name, "--threads", 1) == first


def test_the_order_of_the_log_does_not_show(providers: tuple[Provider, Provider], tmp_path: Path) -> None:
    a = providers[0]
    case = read_case(a.case)
    campaigns = [c for c in case.campaigns if c.verdict == "campaign"]
    table = pq.read_table(a.log)
    pq.write_table(table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows))), tmp_path / "x.parquet")
    found = []
    for log in (a.log, tmp_path / "x.parquet"):
        with DuckEngine(threads=2) as engine:
            who = members(case, campaigns)
            found.append(gather(engine, open_log([log]), read_accounts(a.accounts).table, who, Limits()))
    assert found[0] == found[1]


def test_another_log_than_the_cases_is_refused(providers: tuple[Provider, Provider]) -> None:
    a, b = providers
    with DuckEngine() as engine, pytest.raises(InputError, match="not the one that the case was made from"):
        shareable(read_case(a.case), (), engine, open_log([b.log]), None, Limits())


def test_ids_are_the_same_from_every_producer_only_where_they_speak_of_the_same(
    providers: tuple[Provider, Provider],
) -> None:
    a = providers[0]
    one, other = (
        {o["id"]: o for o in json.loads(stillwatch("share", "stix", a.case, "--producer", name))["objects"]}
        for name in ("Provider A", "Provider C")
    )
    shared = {o["type"] for name, o in one.items() if name in other}
    assert shared == {"marking-definition", "extension-definition", "identity", "attack-pattern", "course-of-action",
                      "relationship"}  # fmt: skip
    assert all(one[name] == other[name] for name in one if name in other)
