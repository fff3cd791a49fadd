"""A bag at default settings holds no name, no text, no address of the log; the encrypted file beside it leads back."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import ACCOUNTS, EXCHANGES
from stillwatch.evidence.columns import declared, treatment
from stillwatch.evidence.contents import Options
from stillwatch.evidence.minimise import Minimiser
from stillwatch.evidence.pseudonyms import Pseudonyms
from stillwatch.evidence.reidentify import close, open_names
from stillwatch.evidence.seal import SealedBag
from tests.evidence.conftest import CANARY, KEY, in_memory, sealed


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def texts_of(bag: Path) -> dict[str, str]:
    """Every file as text; compressed tables also by their values and their metadata."""
    out = {}
    for name, data in in_memory(bag).files.items():
        out[name] = data.decode("latin-1")
        if name.endswith(".parquet"):
            table = pq.read_table(pa.BufferReader(data))
            out[name] += "\n".join(strings(table.to_pylist())) + str(table.schema.metadata)
    return out


@pytest.fixture(params=["stamped", "populated"])
def bag(request: pytest.FixtureRequest) -> Path:
    made: SealedBag = request.getfixturevalue(request.param)
    return made.bag


def test_no_canary_comes_through(bag: Path) -> None:
    found = texts_of(bag)
    assert len(found) >= 15
    assert [name for name, text in found.items() if CANARY in text.lower()] == []


def test_no_value_that_names_anybody_comes_through(bag: Path, world: Path) -> None:
    """The values themselves, so that a canary that was cut off would not hide one."""
    exchanges = pq.read_table(world / "exchanges.parquet")
    accounts = pq.read_table(world / "accounts.parquet")
    secret: set[str] = set()
    for table in (exchanges, accounts):
        for name in table.column_names:
            known = EXCHANGES if table is exchanges else ACCOUNTS
            if name in known.names and treatment(name) in ("pseudonym", "address", "sketch", "drop"):
                secret |= {str(v) for v in pc.unique(table[name]).to_pylist() if v is not None and len(str(v)) >= 7}
    everything = "\n".join(texts_of(bag).values())
    words = set(everything.replace('"', "\n").replace("<", "\n").replace(">", "\n").split("\n"))
    assert len(secret) > 5_000
    assert secret & words == set()
    addresses = {a for a in secret if a.count(".") == 3 and a.replace(".", "").isdigit()}
    assert len(addresses) > 100
    assert [a for a in addresses if f'"{a}"' in everything] == []


def test_what_is_revealed_is_only_what_was_asked_for(case: Path, world: Path, tmp_path: Path) -> None:
    made = sealed(case, world, tmp_path / "bag", Options(reveal=("user_agent",)))
    rows = [json.loads(x) for x in (made.bag / "data/records/records.ndjson").read_text().splitlines()]
    agents = {r["user_agent"] for r in rows if "user_agent" in r}
    assert agents
    assert all(a.startswith(CANARY) for a in agents)
    others = [{name: value for name, value in r.items() if name != "user_agent"} for r in rows]
    assert not any(CANARY in text for text in strings(others))
    assert json.loads((made.bag / "data/provenance.json").read_text())["revealed"] == ["user_agent"]
    with pytest.raises(InputError, match="no column of the log"):
        sealed(case, world, tmp_path / "other", Options(reveal=("password",)))


def test_only_members_are_sealed_by_default(stamped: SealedBag, case: Path) -> None:
    members = pq.read_table(case / "accounts.parquet", filters=[("disposition", "=", "campaign")]).num_rows
    rows = [json.loads(x) for x in (stamped.bag / "data/records/records.ndjson").read_text().splitlines()]
    assert len({r["account_id"] for r in rows}) == members
    assert pq.read_table(stamped.bag / "data/case/accounts.parquet").num_rows == members
    left = json.loads((stamped.bag / "data/provenance.json").read_text())["left_out"]
    assert left["members"] == members
    assert left["accounts_in_the_log"] == members + sum(left["accounts_by_disposition"].values())
    assert left["exchanges_in_the_log"] == left["exchanges_of_members"] + left["exchanges_of_these_accounts"]


def test_equal_values_stay_equal_and_examples_can_be_looked_up(stamped: SealedBag, world: Path) -> None:
    rows = [json.loads(x) for x in (stamped.bag / "data/records/records.ndjson").read_text().splitlines()]
    exchanges = {r["exchange_id"]: r for r in rows if r["table"] == "exchanges"}
    accounts = {r["account_id"] for r in rows if r["table"] == "accounts"}
    assert {r["account_id"] for r in exchanges.values()} <= accounts
    findings = pq.read_table(stamped.bag / "data/case/evidence.parquet").to_pylist()
    examples = {e for f in findings for e in f["example_exchange_ids"]}
    assert examples
    assert examples <= exchanges.keys()


def test_every_column_of_the_contract_has_a_declared_treatment() -> None:
    found = declared()
    assert set(found["exchanges"]) == set(EXCHANGES.names)
    assert set(found["accounts"]) == set(ACCOUNTS.names)
    assert treatment("prompt") == "sketch"
    assert treatment("country") == "drop"


def test_words_that_clients_invent_are_replaced() -> None:
    rows = {f.name: pa.nulls(2, f.type) for f in EXCHANGES}
    rows["ts"] = pa.array([0, 1], EXCHANGES.field("ts").type)
    rows["account_id"] = pa.array(["a", "b"])
    rows["response_format"] = pa.array(["json_schema", "my diary"])
    out = Minimiser(Pseudonyms(bytes(32))).exchanges(pa.table(rows, schema=EXCHANGES), remember=False)
    kept, replaced = out["response_format"].to_pylist()
    assert kept == "json_schema"
    assert replaced.startswith("word-")


def test_the_signer_or_the_custodian_can_lead_back_and_nobody_else(stamped: SealedBag, world: Path) -> None:
    names = open_names(stamped.names.read_bytes(), KEY, "names")
    accounts = set(pq.read_table(world / "accounts.parquet")["account_id"].to_pylist())
    rows = [json.loads(x) for x in (stamped.bag / "data/records/records.ndjson").read_text().splitlines()]
    assert {names.original(r["account_id"]) for r in rows} <= accounts
    address = next(r["client_ip"] for r in rows if "client_ip" in r)
    true = names.original(address)
    assert true in set(pq.read_table(world / "exchanges.parquet")["client_ip"].to_pylist())
    assert names.original("acct-00000000000000000000") is None
    assert stamped.names.stat().st_mode & 0o777 == 0o600
    with pytest.raises(InputError, match="does not open"):
        open_names(stamped.names.read_bytes(), Ed25519PrivateKey.generate(), "names")
    changed = bytearray(stamped.names.read_bytes())
    changed[-1] ^= 1
    with pytest.raises(InputError, match="does not open"):
        open_names(bytes(changed), KEY, "names")
    custodian = X25519PrivateKey.generate()
    pseudonyms = Pseudonyms(bytes(32))
    pseudonyms.names("acct", ["a"])
    data = close(pseudonyms, "0" * 64, custodian.public_key(), bytes(range(32)))
    assert list(open_names(data, custodian, "names").all().values()) == ["a"]
    with pytest.raises(InputError, match="sealed to a custodian"):
        open_names(data, KEY, "names")


def test_another_bag_gives_other_pseudonyms() -> None:
    one, two = Pseudonyms(bytes(32)), Pseudonyms(bytes(31) + b"\x01")
    assert one.name("acct", "a") == one.name("acct", "a") != two.name("acct", "a")
    assert one.name("acct", "a").split("-")[1] != one.name("org", "a").split("-")[1]
    assert ipaddress.ip_address(one.address_names(["192.0.2.7"])["192.0.2.7"]).version == 4
