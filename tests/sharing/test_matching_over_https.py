"""The real command in another process, asked over HTTPS on loopback; sets hold campaign members and nobody else."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from stillwatch.domain.errors import InputError
from stillwatch.sharing.match.envelope import is_word_of
from stillwatch.sharing.match.wire import Wire
from tests.sharing.conftest import CANARY, Provider, refused, stillwatch

SCOPE = ("--kind", "payment", "--epoch", "2026-11")


def _certificate(folder: Path) -> None:
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_two_processes_count_and_reveal_over_https(tmp_path: Path) -> None:
    _certificate(tmp_path)
    keys = {}
    for side in ("a", "b"):
        stillwatch("evidence", "keygen", "--out", tmp_path / side)
        keys[side] = stillwatch("share", "match", "key", "--key", tmp_path / f"{side}.key").strip()
    both = [f"{CANARY}-both-{n:06d}" for n in range(30)]
    (tmp_path / "ours").write_text("\n".join([*both, *(f"{CANARY}-here-{n:06d}" for n in range(90))]))
    (tmp_path / "theirs").write_text("\n".join([*both, *(f"{CANARY}-there-{n:06d}" for n in range(200))]))
    (tmp_path / "peers.yaml").write_text(f"peers: [{{name: A, key: {keys['a']}, questions: 2}}]")
    serving = subprocess.Popen(
        [sys.executable, "-m", "stillwatch", "share", "match", "serve", tmp_path / "theirs", *SCOPE,
         "--key", tmp_path / "b.key", "--peers", tmp_path / "peers.yaml", "--ledger", tmp_path / "ledger",
         "--tls-cert", tmp_path / "tls.crt", "--tls-key", tmp_path / "tls.key", "--port", "0",
         "--consent-by", "Ann", "--reveal-from", "20", "--largest", "150", "--record", tmp_path / "record",
         "--opening", tmp_path / "opening"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert serving.stderr is not None
        while "answering" not in (line := serving.stderr.readline()):
            assert line, "it ended before it answered"
        url = next(word for word in line.split() if word.startswith("https://"))
        whole = [tmp_path / "ours", *SCOPE, "--url", url, "--peer-key", keys["b"], "--key", tmp_path / "a.key"]
        assert "cannot be asked" in refused("share", "match", "ask", *whole), "its certificate is nobody's word"
        whole += ["--ca", tmp_path / "tls.crt"]
        with (
            Wire(url, tmp_path / "tls.crt") as wire,
            pytest.raises(InputError, match="longer than the longest message of this step, 65536 bytes"),
        ):
            wire.post("hello", bytes(70_000))
        found = json.loads(stillwatch("share", "match", "ask", *whole, "--json", "--record", tmp_path / "asked"))
        assert (found["common"], found["theirs"], found["revealed"]) == (30, 230, False)
        word = ["--consent-by", "Jo", "--reveal-from", "10", "--out", tmp_path / "common"]
        stillwatch("share", "match", "ask", *whole, *word)
        assert sorted((tmp_path / "common").read_text().split()) == both
        assert (tmp_path / "common").stat().st_mode & 0o077 == 0
        assert "the budget of 2 questions" in refused("share", "match", "ask", *whole)
    finally:
        serving.terminate()
        _, said = serving.communicate(timeout=60)
    assert CANARY not in said + (tmp_path / "record").read_text() + (tmp_path / "ledger").read_text()
    audit = ["share", "match", "audit", "--opening", tmp_path / "opening", "--commitment", found["their_commitment"]]
    stillwatch(*audit, tmp_path / "theirs")
    stillwatch(*audit, tmp_path / "ours", status=1)
    signed = ["--record", tmp_path / "asked", "--peer-key"]
    assert "was signed with that key" in stillwatch(*audit, tmp_path / "theirs", *signed, keys["b"])
    assert "was NOT signed" in stillwatch(*audit, tmp_path / "theirs", *signed, keys["a"], status=1)
    forged = (tmp_path / "asked").read_text().replace('"size": 230', '"size": 231')
    (tmp_path / "asked").write_text(forged)
    assert "was NOT signed" in stillwatch(*audit, tmp_path / "theirs", *signed, keys["b"], status=1)
    last = json.loads((tmp_path / "record").read_text().splitlines()[-1])
    assert is_word_of(last["word"], keys["a"]) and last["word"]["body"]["message"] == "common"


@pytest.mark.parametrize("kind", ["payment", "device", "template", "access"])
def test_a_set_holds_identifiers_of_members_only(
    kind: str, providers: tuple[Provider, Provider], tmp_path: Path
) -> None:
    a, out = providers[0], tmp_path / "set"
    stillwatch("share", "match", "set", a.case, "--kind", kind, *a.options, "--out", out)
    listed = out.read_text().splitlines()
    assert listed and out.stat().st_mode & 0o077 == 0
    case = pq.read_table(a.case / "accounts.parquet").to_pylist()
    members = {row["account_id"] for row in case if row["disposition"] == "campaign"}
    if kind in ("payment", "device"):
        table = pq.read_table(a.accounts).to_pylist()
        column = f"{kind}_fingerprint"
        assert set(listed) == {row[column] for row in table if row["account_id"] in members and row[column]}
    elif kind == "access":
        assert all(len(line.split(" ")) == 3 and "/" in line for line in listed)


@pytest.mark.parametrize(("kind", "reason"), [("address", "IPv4"), ("phone", "minutes"), ("email", "write the set")])
def test_sets_that_would_give_people_away_are_not_written(
    kind: str, reason: str, providers: tuple[Provider, Provider], tmp_path: Path
) -> None:
    a = providers[0]
    assert reason in refused("share", "match", "set", a.case, "--kind", kind, *a.options, "--out", tmp_path / "set")
    assert not (tmp_path / "set").exists()
