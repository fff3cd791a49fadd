"""Logs that come in parts, without ids, with repeated ids, or sketched at the edge are sealed and run again alike."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from stillwatch.cli import app
from tests.evidence.conftest import KEY


def in_parts(world: Path, out: Path, *, ids: bool) -> None:
    """Two files, the first in many row groups, most of which hold no member's row."""
    rows = pq.read_table(world / "exchanges.parquet").sort_by("account_id")
    rows = rows if ids else rows.drop_columns(["exchange_id"])
    half = rows.num_rows // 2
    pq.write_table(rows.slice(0, half), out / "a.parquet", row_group_size=400)
    pq.write_table(rows.slice(half), out / "b.parquet")


def without_ids(world: Path, out: Path) -> list[str]:
    in_parts(world, out, ids=False)
    return []


def with_repeated_ids(world: Path, out: Path) -> list[str]:
    in_parts(world, out, ids=True)
    pq.write_table(pq.read_table(out / "a.parquet").slice(100, 300), out / "c.parquet")
    return ["--on-bad-row", "quarantine"]


def sketched(world: Path, out: Path) -> list[str]:
    done = CliRunner().invoke(app, ["sketch", str(world / "exchanges.parquet"), "--out", str(out / "s.parquet")])
    assert done.exit_code == 0
    return []


@pytest.mark.parametrize("shape", [without_ids, with_repeated_ids, sketched], ids=lambda f: f.__name__)
def test_it_is_sealed_and_gives_the_same_findings(shape: object, world: Path, tmp_path: Path) -> None:
    log, case, bag, key = tmp_path / "log", tmp_path / "case", tmp_path / "bag", tmp_path / "signer.key"
    log.mkdir()
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    options = shape(world, log)  # type: ignore[operator]
    tables = ["--accounts", str(world / "accounts.parquet"), "--licences", str(world / "licences.yaml")]
    done = CliRunner().invoke(app, ["scan", str(log), *tables, "--out", str(case), "--quiet", *options])
    assert done.exit_code == 3, done.output
    places = ["--log", str(log), "--key", str(key), "--out", str(bag)]
    made = CliRunner().invoke(app, ["evidence", "seal", str(case), *places, *tables, "--with-population", "--json"])
    assert made.exit_code == 0, (made.output, made.exception)
    assert json.loads(made.output)["replay"]["same"] is True
    rows = [json.loads(x) for x in (bag / "data/records/records.ndjson").read_text().splitlines()]
    names = [r["exchange_id"] for r in rows if r["table"] == "exchanges"]
    assert len(set(names)) == len(names)
    findings = pq.read_table(bag / "data/case/evidence.parquet").to_pylist()
    groups = {c["id"] for c in json.loads((bag / "data/case/campaigns.json").read_text())["campaigns"]}
    assert {e for f in findings if f["campaign_id"] in groups for e in f["example_exchange_ids"]} <= set(names)
    run = json.loads((case / "run.json").read_text())
    assert pq.read_table(bag / "data/population/exchanges.parquet").num_rows == run["exchanges"]
