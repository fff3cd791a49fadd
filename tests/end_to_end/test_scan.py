"""The promises of `stillwatch scan`, kept through the real command."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.lab.generate import generate
from stillwatch.lab.scenario import dials, load
from tests.command import named, scan, stillwatch
from tests.state.worlds import four_days

CASE_FILES = ("accounts.parquet", "campaigns.json", "evidence.parquet", "report.html")


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


def result(case: Path) -> dict[str, bytes]:
    """A case without what tells the files of one log from those of another: times, and names and hashes of inputs."""
    run = json.loads((case / "run.json").read_text())
    for own in ("timings", "inputs", "ignored_files", "tables"):
        del run[own]
    run["settings"].pop("source")
    report = re.sub(
        rb"<tr><td>[^<]*</td><td><code>[0-9a-f]{32}</code></td></tr>", b"", (case / "report.html").read_bytes()
    )
    report = re.sub(rb"<tr><td>source</td><td><code>\w+</code></td></tr>", b"", report)
    plain = {name: (case / name).read_bytes() for name in CASE_FILES if name != "report.html"}
    return {**plain, "report.html": report, "run.json": json.dumps(run, sort_keys=True).encode()}


def test_the_same_bytes_for_one_thread_and_two_and_twice_in_a_row(
    hostile_world: Path, hostile_case: Path, tmp_path: Path
) -> None:
    assert scan(hostile_world, tmp_path / "one", "--threads", 1).returncode == 3
    assert scan(hostile_world, tmp_path / "again").returncode == 3
    for name in ("one", "again"):
        for file in CASE_FILES:
            assert (tmp_path / name / file).read_bytes() == (hostile_case / file).read_bytes(), (name, file)
        mine, first = (json.loads((folder / "run.json").read_text()) for folder in (tmp_path / name, hostile_case))
        assert mine.pop("timings").keys() == first.pop("timings").keys()
        assert mine == first


def test_the_same_bytes_however_the_log_lies_on_disk(hostile_world: Path, hostile_case: Path, tmp_path: Path) -> None:
    """Shuffled rows, several files, other names, another file format: nothing of it is evidence."""
    table = pq.read_table(hostile_world / "exchanges.parquet")
    mixed = table.take(pa.array(np.random.default_rng(1).permutation(table.num_rows)))
    pq.write_table(mixed, tmp_path / "renamed-and-shuffled.parquet", row_group_size=7_000)
    parts = tmp_path / "parts"
    parts.mkdir()
    third = table.num_rows // 3
    pq.write_table(mixed.slice(0, third), parts / "z.parquet")
    pq.write_table(mixed.slice(third, third), parts / "a.parquet", row_group_size=1_000)
    pq.write_table(mixed.slice(2 * third), parts / "m.parquet")
    lines = tmp_path / "log.ndjson.gz"
    with gzip.open(lines, "wt", encoding="utf-8", compresslevel=1) as file:
        for batch in table.to_batches(10_000):
            for record in batch.to_pylist():
                known = {k: v for k, v in record.items() if v is not None}
                file.write(json.dumps(known | {"ts": record["ts"].isoformat()}, ensure_ascii=False) + "\n")
    for log in (tmp_path / "renamed-and-shuffled.parquet", parts, lines):
        case = tmp_path / f"case of {log.name}"
        done = scan(hostile_world, case, log=log)
        assert done.returncode == 3, done.stderr
        mine, first = result(case), result(hostile_case)
        assert [name for name in first if mine[name] != first[name]] == [], log.name


def test_what_a_run_records_is_enough_to_repeat_it(hostile_world: Path, hostile_case: Path) -> None:
    run = json.loads((hostile_case / "run.json").read_text())
    assert [i["file"] for i in run["inputs"]] == ["exchanges.parquet"]
    digest = hashlib.blake2b((hostile_world / "accounts.parquet").read_bytes(), digest_size=16).hexdigest()
    assert run["tables"]["accounts"][0]["blake2b"] == digest and "licences" in run["tables"]
    assert {"rate", "seed", "on_bad_row", "engine", "source"} <= set(run["settings"])
    assert {"stillwatch", "duckdb", "numba", "numpy", "pyarrow", "python"} <= set(run["versions"])
    assert run["timings"]["text pass"] > 0 and "capped" in run and "unavailable" in run


def test_sketches_find_the_same_campaign_without_any_text(
    hostile_world: Path, hostile_case: Path, tmp_path: Path
) -> None:
    sketched = tmp_path / "sketched.parquet"
    assert stillwatch("sketch", hostile_world / "exchanges.parquet", "--out", sketched).returncode == 0
    columns = pq.read_table(sketched, columns=["prompt", "system_prompt", "response"])
    assert all(column.null_count == len(column) for column in columns.columns)
    assert scan(hostile_world, tmp_path / "case", log=sketched).returncode == 3
    assert named(tmp_path / "case") == named(hostile_case)
    run = json.loads((tmp_path / "case" / "run.json").read_text())
    assert {"T-COT", "T-RUBRIC", "T-REWRITE", "T-PERSONA", "T-LANGUAGE", "T-LAUNDER"} <= set(run["unknown_tactics"])
    assert "prompt" not in run["columns"] and "prompt_sketch" in run["columns"]
    assert json.loads((hostile_case / "run.json").read_text())["unknown_tactics"] == []
    again = tmp_path / "again.parquet"
    assert stillwatch("sketch", sketched, "--out", again).returncode == 0
    assert pq.read_table(again).equals(pq.read_table(sketched)), "what is sketched already stays as it is"


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


def test_two_campaigns_at_once_are_both_found(tmp_path: Path) -> None:
    """Their contents draw them together after the first is found by what it shares: the second must not get lost."""
    four_days(tmp_path / "world", seed=3)
    assert scan(tmp_path / "world", tmp_path / "case").returncode == 3
    recall, false = outcome(tmp_path / "world", tmp_path / "case")
    assert recall >= 0.95 and false == 0
    truth = pq.read_table(tmp_path / "world" / "truth.parquet").to_pylist()
    of = {r["account_id"]: r["campaign"] for r in truth if r["campaign"]}
    assert len({(of[a], c) for a, c in named(tmp_path / "case").items()}) == 2


def test_small_dials_change_the_world_not_the_rule(tmp_path: Path) -> None:
    world = dials(load("power-base"), {"campaigns.0.cover": 0.3})
    generate(world, 9, tmp_path / "world")
    scan(tmp_path / "world", tmp_path / "case")
    _, false = outcome(tmp_path / "world", tmp_path / "case")
    assert false == 0
