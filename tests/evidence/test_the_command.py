"""`stillwatch evidence` from keys to check, as a user types it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import Result
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from stillwatch.cli import app
from stillwatch.domain.errors import InputError
from stillwatch.evidence.seal import SealedBag
from tests.evidence.tsa import Authority, serving


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evidence", *map(str, arguments)])


def refused(*arguments: object) -> str:
    """The message with which input is refused."""
    done = run(*arguments)
    assert isinstance(done.exception, InputError), done.output
    return str(done.exception)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("keys")
    assert run("keygen", "--out", out / "signer").exit_code == 0
    assert run("keygen", "--out", out / "custodian", "--for", "custodian").exit_code == 0
    return out


@pytest.fixture(scope="module")
def bag(case: Path, world: Path, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sealed through the command, stamped over HTTP on loopback, with STIX and decisions."""
    place = tmp_path_factory.mktemp("bags")
    (place / "bundle.json").write_text('{"type": "bundle"}')
    (place / "decisions.ndjson").write_text('{"by": "analyst 1", "what": "confirmed"}\n')
    authority = Authority(datetime.now(UTC))
    (place / "root.pem").write_bytes(authority.root.public_bytes(Encoding.PEM))
    with serving(authority) as address:
        done = run(
            "seal", case, "--log", world / "exchanges.parquet", "--accounts", world / "accounts.parquet",
            "--licences", world / "licences.yaml", "--key", keys / "signer.key", "--custodian", keys / "custodian.pub",
            "--tsa", address, "--actor", "analyst 1", "--stix", place / "bundle.json",
            "--decisions", place / "decisions.ndjson", "--out", place / "bag", "--json",
        )  # fmt: skip
    assert done.exit_code == 0, (done.output, done.exception)
    assert json.loads(done.output)["bag"] == str(place / "bag")
    return place / "bag"


def test_a_sealed_bag_verifies_offline(bag: Path, keys: Path) -> None:
    done = run("verify", bag, "--key", keys / "signer.pub", "--tsa-root", bag.parent / "root.pem", "--json")
    found = json.loads(done.output)
    assert done.exit_code == 0
    assert found["sound"] is True
    assert found["facts"]["timestamp"]
    assert (bag / "data/stix/bundle.json").is_file()
    assert (bag / "data/decisions/decisions.ndjson").is_file()


def test_a_broken_bag_is_told_in_words_and_by_status(bag: Path, keys: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bag"
    shutil.copytree(bag, copy)
    (copy / "data/stix/bundle.json").write_text('{"type": "bundlE"}')
    done = run("verify", copy, "--key", keys / "signer.pub")
    assert done.exit_code == 1
    assert "BROKEN  data/stix/bundle.json: was changed: same length, other content  [changed]" in done.output
    assert "NOT SOUND" in done.output


def test_one_record_goes_from_hand_to_hand(bag: Path, keys: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    assert run("show-record", bag, "--index", 40, "--out", proof).exit_code == 0
    assert run("check-record", proof, "--key", keys / "signer.pub").exit_code == 0
    changed = proof.read_text().replace("acct-", "acct+", 1)
    proof.write_text(changed)
    done = run("check-record", proof, "--key", keys / "signer.pub", "--json")
    assert done.exit_code == 1
    assert json.loads(done.output)["sealed"] is False
    assert "--index or --exchange" in refused("show-record", bag, "--out", tmp_path / "x")
    assert "exists already" in refused("show-record", bag, "--index", 1, "--out", proof)


def test_custody_is_added_to_and_shown(bag: Path, keys: Path, tmp_path: Path) -> None:
    copy = tmp_path / "bag"
    shutil.copytree(bag, copy)
    added = run("custody", copy, "--add", "handed over", "--actor", "analyst 1", "--key", keys / "signer.key")
    assert added.exit_code == 0
    assert "sealed by analyst 1" in added.output
    assert "handed over by analyst 1" in added.output
    assert run("verify", copy, "--key", keys / "signer.pub").exit_code == 0
    assert "--actor and --key" in refused("custody", copy, "--add", "x")
    log = copy / "seal/custody.ndjson"
    log.write_bytes(log.read_bytes().replace(b"handed", b"Handed"))
    assert run("custody", copy).exit_code == 1
    again = ("custody", copy, "--add", "x", "--actor", "a", "--key", keys / "signer.key")
    assert "is broken" in refused(*again)


def test_the_custodian_alone_leads_back(bag: Path, keys: Path) -> None:
    names = bag.with_name("bag.reidentify")
    done = run("reidentify", names, "--key", keys / "custodian.key")
    assert done.exit_code == 0
    assert any(value.startswith("xqcanary") for value in json.loads(done.output).values())
    assert "give the custodian's key" in refused("reidentify", names, "--key", keys / "signer.key")
    assert run("reidentify", names, "--key", keys / "custodian.key", "--name", "acct-none").exit_code == 1


def test_replay_without_population_says_what_to_do(bag: Path) -> None:
    assert "--with-population" in refused("replay", bag)


def test_replay_says_what_it_found(populated: SealedBag) -> None:
    done = run("replay", populated.bag, "--threads", 1)
    assert done.exit_code == 0
    assert "to the last digit" in done.output
    assert done.output.rstrip().endswith("same findings")
    assert json.loads(run("replay", populated.bag, "--json").output)["case"]["same"] is True


def test_bad_input_is_refused_with_a_reason(case: Path, world: Path, keys: Path, bag: Path, tmp_path: Path) -> None:
    log = world / "exchanges.parquet"
    seal = ("seal", case, "--log", log, "--key", keys / "signer.key")
    assert "not the one that the case was made from" in refused(
        "seal", case, "--log", _shorter(log, tmp_path), "--key", keys / "signer.key", "--out", tmp_path / "b"
    )
    assert "exists already" in refused(*seal, "--out", bag)
    assert "no group" in refused(*seal, "--out", tmp_path / "b", "--campaign", "c-none")
    nowhere = ("seal", tmp_path, *seal[2:])
    assert "not a case" in refused(*nowhere, "--out", tmp_path / "b")
    assert "Ed25519 private key" in refused(*seal[:-1], keys / "custodian.key", "--out", tmp_path / "b")
    assert "not a time" in refused(*seal, "--out", tmp_path / "b", "--detected-at", "yesterday")
    assert "not a directory" in refused("verify", tmp_path / "none", "--key", keys / "signer.pub")
    assert "exists already" in refused("keygen", "--out", keys / "signer")
    odd = tmp_path / "50% sure\n.txt"
    odd.write_text("yes")
    assert "not plain" in refused(*seal, "--out", tmp_path / "b", "--decisions", odd)
    assert "does not answer" in refused(*seal, "--out", tmp_path / "b", "--tsa", "http://127.0.0.1:1/")
    assert not (tmp_path / "b").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".b")] == []


def _shorter(log: Path, place: Path) -> Path:
    out = place / "shorter.parquet"
    pq.write_table(pq.read_table(log).slice(5), out)
    return out


def test_the_core_works_without_the_extra() -> None:
    """In a process of its own, where the extra's packages are hidden."""
    program = (
        "import sys\n"
        "for name in ('cryptography', 'rfc8785', 'rfc3161_client'): sys.modules[name] = None\n"
        "from stillwatch.cli import main\n"
        "sys.argv = ['stillwatch', *sys.argv[1:]]\n"
        "main()\n"
    )

    def stillwatch(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)

    assert stillwatch("sources").returncode == 0
    done = stillwatch("evidence", "keygen", "--out", "x")
    assert done.returncode == 2
    assert "pip install 'stillwatch[evidence]'" in done.stderr
