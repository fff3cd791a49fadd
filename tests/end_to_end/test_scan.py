"""The promises of `stillwatch scan`, kept through the real command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.lab.generate import generate
from stillwatch.lab.scenario import dials, load

CASE_FILES = ("accounts.parquet", "campaigns.json", "evidence.parquet", "report.html")


def stillwatch(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stillwatch", *map(str, args)], capture_output=True, text=True, check=False
    )


def scan(world: Path, case: Path, *more: object, log: Path | None = None) -> subprocess.CompletedProcess[str]:
    return stillwatch(
        "scan", log or world / "exchanges.parquet", "--accounts", world / "accounts.parquet",
        "--licences", world / "licences.yaml", "--out", case, "--quiet", *more,
    )  # fmt: skip


def outcome(world: Path, case: Path) -> tuple[float, int]:
    """Share of hostile accounts named, and honest accounts named."""
    truth = pq.read_table(world / "truth.parquet").to_pydict()
    named = pq.read_table(case / "accounts.parquet").to_pydict()
    flagged = {a for a, d in zip(named["account_id"], named["disposition"], strict=True) if d == "campaign"}
    seen = set(named["account_id"])
    hostile = {a for a, r in zip(truth["account_id"], truth["role"], strict=True) if r == "hostile"} & seen
    return len(flagged & hostile) / max(len(hostile), 1), len(flagged - hostile)


@pytest.fixture(scope="module")
def hostile_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hostile")
    generate(load("power-rubric"), 5, out)
    return out


@pytest.fixture(scope="module")
def hostile_case(hostile_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    case = tmp_path_factory.mktemp("case") / "case"
    done = scan(hostile_world, case)
    assert done.returncode == 3, done.stderr
    return case


def test_a_hidden_campaign_is_named_and_honest_accounts_are_not(hostile_world: Path, hostile_case: Path) -> None:
    recall, false = outcome(hostile_world, hostile_case)
    assert recall >= 0.95
    assert false == 0


def test_every_campaign_carries_its_reasons(hostile_case: Path) -> None:
    campaigns = json.loads((hostile_case / "campaigns.json").read_text())["campaigns"]
    for campaign in campaigns:
        families = campaign["families"]
        assert {f["family"] for f in families} == {
            "identity",
            "infrastructure",
            "content",
            "timing",
            "continuity",
            "intent",
        }
        judged = [f for f in families if f["p_value"] is not None and f["p_value"] <= 1e-4 and not f["formed_group"]]
        assert judged or len([f for f in families if f["formed_group"]]) >= 2
        assert all(a["rejected"] for a in campaign["alternatives"])
        assert campaign["q_value"] <= 0.01


@pytest.mark.parametrize("scenario", ["honest", "honest-machines"])
def test_honest_traffic_yields_no_campaign(scenario: str, tmp_path: Path) -> None:
    generate(load(scenario), 3, tmp_path / "world")
    done = scan(tmp_path / "world", tmp_path / "case")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "case" / "campaigns.json").read_text())["campaigns"] == []


def test_the_same_bytes_for_any_threads_any_row_order_and_twice(
    hostile_world: Path, hostile_case: Path, tmp_path: Path
) -> None:
    table = pq.read_table(hostile_world / "exchanges.parquet")
    order = np.random.default_rng(1).permutation(table.num_rows)
    shuffled = tmp_path / "shuffled.parquet"
    pq.write_table(table.take(pa.array(order)), shuffled, row_group_size=7_000)
    runs = {
        "one thread": scan(hostile_world, tmp_path / "one", "--threads", 1),
        "again": scan(hostile_world, tmp_path / "again"),
        "shuffled": scan(hostile_world, tmp_path / "mixed", log=shuffled),
    }
    assert {r.returncode for r in runs.values()} == {3}
    for name, folder in (("one thread", "one"), ("again", "again"), ("shuffled", "mixed")):
        for file in CASE_FILES:
            if name == "shuffled" and file == "report.html":
                continue  # the report names the input file's hash
            assert (tmp_path / folder / file).read_bytes() == (hostile_case / file).read_bytes(), (name, file)


def test_sketches_find_the_same_campaign_without_any_text(hostile_world: Path, tmp_path: Path) -> None:
    sketched = tmp_path / "sketched.parquet"
    assert stillwatch("sketch", hostile_world / "exchanges.parquet", "--out", sketched).returncode == 0
    columns = pq.read_table(sketched, columns=["prompt", "system_prompt", "response"])
    assert all(column.null_count == len(column) for column in columns.columns)
    assert scan(hostile_world, tmp_path / "case", log=sketched).returncode == 3
    recall, false = outcome(hostile_world, tmp_path / "case")
    assert recall >= 0.95
    assert false == 0


def test_a_repeated_exchange_id_is_an_error_that_names_the_row_or_is_quarantined(
    hostile_world: Path, tmp_path: Path
) -> None:
    table = pq.read_table(hostile_world / "exchanges.parquet")
    log = tmp_path / "twice.parquet"
    pq.write_table(pa.concat_tables([table, table.slice(10, 2)]), log)
    done = scan(hostile_world, tmp_path / "case", log=log)
    assert done.returncode == 2
    assert "exchange_id" in done.stderr and "twice.parquet" in done.stderr and "Traceback" not in done.stderr
    done = scan(hostile_world, tmp_path / "case", "--on-bad-row", "quarantine", log=log)
    assert done.returncode == 3
    assert pq.read_table(tmp_path / "case" / "quarantine.parquet").num_rows == 2


def test_small_dials_change_the_world_not_the_rule(tmp_path: Path) -> None:
    world = dials(load("power-base"), {"campaigns.0.cover": 0.3})
    generate(world, 9, tmp_path / "world")
    scan(tmp_path / "world", tmp_path / "case")
    _, false = outcome(tmp_path / "world", tmp_path / "case")
    assert false == 0
