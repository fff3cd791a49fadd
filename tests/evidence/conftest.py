"""One small world in which every identifying value and every text is a canary, its case, and bags of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from stillwatch.cli import app
from stillwatch.evidence.contents import Log, Options
from stillwatch.evidence.folder import Directory, Memory, read
from stillwatch.evidence.seal import Effects, SealedBag, seal
from stillwatch.lab.generate import generate
from stillwatch.lab.scenario import dials, load
from stillwatch.sources import open_log, read_accounts, read_licences
from tests.evidence.tsa import Authority

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
CANARY = "xqcanary"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NAMED = ("account_id", "org_id", "api_key_id", "end_user_id", "session_id", "user_agent")
OWNED = (
    "account_id",
    "org_id",
    "email_domain",
    "phone_fingerprint",
    "payment_fingerprint",
    "device_fingerprint",
)


def _marked(table: pa.Table, names: tuple[str, ...]) -> pa.Table:
    for name in names:
        if name in table.column_names:
            marked = pc.binary_join_element_wise(CANARY, table[name].cast(pa.string()), "-")
            table = table.set_column(table.schema.get_field_index(name), name, marked)
    return table


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """exchanges.parquet, accounts.parquet, licences.yaml."""
    out = tmp_path_factory.mktemp("world")
    honest = {"chat": 300, "developers": 140, "tool": 60, "backends": 30, "company": 30}
    campaign = {"accounts": 30, "requests_per_account_day": 8, "payment_sharing": 2}
    changes = {"honest": honest} | {f"campaigns.0.{dial}": value for dial, value in campaign.items()}
    generate(dials(load("power-base"), changes), 4, out)
    exchanges = _marked(pq.read_table(out / "exchanges.parquet"), NAMED)
    for name in ("prompt", "system_prompt", "response"):
        if name in exchanges.column_names:
            text = pc.binary_join_element_wise(exchanges[name], f"{CANARY} said to nobody", " ")
            exchanges = exchanges.set_column(exchanges.schema.get_field_index(name), name, text)
    pq.write_table(exchanges, out / "exchanges.parquet")
    pq.write_table(_marked(pq.read_table(out / "accounts.parquet"), OWNED), out / "accounts.parquet")
    return out


@pytest.fixture(scope="session")
def case(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case of the world: one campaign."""
    out = tmp_path_factory.mktemp("case") / "case"
    arguments = ["scan", str(world / "exchanges.parquet"), "--accounts", str(world / "accounts.parquet")]
    done = CliRunner().invoke(
        app, [*arguments, "--licences", str(world / "licences.yaml"), "--out", str(out), "--quiet"]
    )
    assert done.exit_code == 3, done.output
    return out


def sealed(case: Path, world: Path, out: Path, options: Options, authority: Authority | None = None) -> SealedBag:
    """A bag with everything that comes from outside held fixed."""
    reader = open_log([world / "exchanges.parquet"])
    log = Log(
        reader=reader,
        files=reader.files,
        accounts=read_accounts(world / "accounts.parquet").table,
        accounts_file=world / "accounts.parquet",
        licences=read_licences(world / "licences.yaml"),
        licences_file=world / "licences.yaml",
    )
    stamp = authority.stamp if authority else None
    return seal(case, log, out, options, Effects(NOW, bytes(range(64)), KEY, None, stamp))


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority(NOW)


@pytest.fixture(scope="session")
def stamped(case: Path, world: Path, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> SealedBag:
    """A bag at default settings, with a timestamp."""
    return sealed(case, world, tmp_path_factory.mktemp("stamped") / "bag", Options(actor="tests"), authority)


@pytest.fixture(scope="session")
def populated(case: Path, world: Path, tmp_path_factory: pytest.TempPathFactory) -> SealedBag:
    """A bag that holds the whole log."""
    return sealed(case, world, tmp_path_factory.mktemp("populated") / "bag", Options(everybody=True, threads=1))


def in_memory(bag: Path) -> Memory:
    """The bag as a checker of single bytes wants it."""
    folder = Directory(bag)
    return Memory({name: read(folder, name) for name in folder.names()})
