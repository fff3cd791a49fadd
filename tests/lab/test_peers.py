"""Peers answer in the contract's form and see what they were made to see."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import ACCOUNTS, EXCHANGES
from stillwatch.lab.evaluate import evaluate
from stillwatch.lab.peers import PEERS
from stillwatch.lab.peers.base import open_world, write_case

START = datetime.fromisoformat("2026-06-15T08:00:00+00:00")
NEEDS = {"minhash": "datasketch", "splink": "splink"}


def fill(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """Twenty accounts of one card and address send one text within seconds; sixty send their own; one is licensed."""
    exchanges: list[dict[str, Any]] = []
    accounts: list[dict[str, Any]] = []
    for number in range(81):
        mine, name = number < 20, f"a{number:02}"
        org = "lab" if number == 80 else None
        means = {
            "payment_fingerprint": f"pm{number // 20 if mine else number}",
            "device_fingerprint": f"dv{number // 4 if mine else number}",
            "signup_ip": f"10.0.0.{number // 20 if mine else number}",
            "email_domain": f"mail{number % 3}.example",
        }
        accounts.append({"account_id": name, "org_id": org, "created_at": START - timedelta(days=90), **means})
        for turn in range(6):
            own = " ".join(
                f"{word}{number}x{turn}" for word in ("river", "stone", "letter", "window", "garden", "cloud")
            )
            text = f"Grade  answer {turn} on accuracy, style and depth; reply with one number" if mine else own
            at = START + timedelta(minutes=40 * turn, seconds=number if mine else number * 67)
            address = "192.0.2.1" if mine else f"198.51.100.{number}"
            exchanges.append({"ts": at, "account_id": name, "org_id": org, "prompt": text, "client_ip": address})
    pq.write_table(fill(exchanges, EXCHANGES), tmp_path / "exchanges.parquet")
    pq.write_table(fill(accounts, ACCOUNTS), tmp_path / "accounts.parquet")
    (tmp_path / "licences.yaml").write_text(yaml.safe_dump({"licences": [{"id": "l", "org_id": "lab"}]}))
    truth = [
        {
            "account_id": a["account_id"],
            "role": "hostile" if n < 20 else "honest:chat",
            "campaign": "c" if n < 20 else None,
        }
        | {"language": "en", "vpn": False, "new": False}
        for n, a in enumerate(accounts)
    ]
    pq.write_table(pa.Table.from_pylist(truth), tmp_path / "truth.parquet")
    return tmp_path


@pytest.mark.parametrize("name", sorted(PEERS))
def test_a_peer_names_copies_and_nobody_else(name: str, copies: Path, tmp_path: Path) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    world = open_world(copies)
    write_case(world, PEERS[name](world), tmp_path / "case")
    found = evaluate(tmp_path / "case", copies / "truth.parquet")
    assert found["accounts"]["recall"]["value"] == 1.0, name
    assert found["accounts"]["false_positive_rate"]["hits"] == 0, name
    assert found["campaigns"]["each"]["c"]["found"] and found["unknown_accounts"] == 0


def test_licensed_customers_are_kept_from_every_peer(copies: Path) -> None:
    world = open_world(copies)
    seen = {r[0] for r in world.db.execute("SELECT DISTINCT account_id FROM exchanges").fetchall()}
    assert "a80" not in seen and "a80" in world.accounts


def test_partitioned_work_is_invisible_to_identical_texts(copies: Path) -> None:
    table = pq.read_table(copies / "exchanges.parquet").to_pylist()
    for number, row in enumerate(table):
        row["prompt"] = f"{row['prompt']} {number}"
    pq.write_table(fill(table, EXCHANGES), copies / "exchanges.parquet")
    assert not any(PEERS["co-tweet"](open_world(copies)).group)


@pytest.mark.parametrize("name", ["co-tweet", "minhash"])
def test_a_log_without_text_names_nobody(name: str, copies: Path) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    table = pq.read_table(copies / "exchanges.parquet").to_pylist()
    pq.write_table(fill([row | {"prompt": None} for row in table], EXCHANGES), copies / "exchanges.parquet")
    assert not any(PEERS[name](open_world(copies)).group)


def test_a_folder_that_is_no_world_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        open_world(tmp_path)


def test_a_peer_runs_in_a_process_of_its_own(copies: Path, tmp_path: Path) -> None:
    call = [sys.executable, "-m", "stillwatch.lab.peers"]
    done = subprocess.run([*call, "rules", copies, tmp_path / "out"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "accounts.parquet").exists()
    wrong = subprocess.run([*call, "nobody", copies, tmp_path / "out"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1 and "usage" in wrong.stderr
