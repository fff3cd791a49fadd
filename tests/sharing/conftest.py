"""One small world in which every identifying value and text is a canary, cut in two providers, and their cases."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from stillwatch.cli import app
from stillwatch.domain.errors import InputError
from stillwatch.lab.generate import generate
from stillwatch.lab.scenario import dials, load

CANARY = "xqcanary"
NAMED = ("account_id", "exchange_id", "org_id", "api_key_id", "end_user_id", "session_id")
OWNED = ("account_id", "org_id", "email_domain", "phone_fingerprint", "payment_fingerprint", "device_fingerprint")


class Provider(NamedTuple):
    """One provider: its log and the case that it made."""

    name: str
    log: Path
    accounts: Path
    case: Path
    hostile: frozenset[str]
    """The campaign's accounts, as the lab made them."""

    @property
    def options(self) -> list[str]:
        return ["--log", str(self.log), "--accounts", str(self.accounts)]


def stillwatch(*arguments: object, status: int = 0) -> str:
    """The command; its standard output."""
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert done.exit_code == status, (done.output, done.exception)
    return done.stdout


def refused(*arguments: object) -> str:
    """What the command says when it refuses."""
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    assert isinstance(done.exception, InputError), (done.output, done.exception)
    return str(done.exception)


def _marked(table: pa.Table, names: tuple[str, ...]) -> pa.Table:
    for name in names:
        if name in table.column_names:
            marked = pc.binary_join_element_wise(CANARY, table[name].cast(pa.string()), "-")
            table = table.set_column(table.schema.get_field_index(name), name, marked)
    return table


def _of_provider(table: pa.Table, number: int) -> pa.Table:
    ids = table["account_id"].to_pylist()
    return table.filter(pa.array([hashlib.sha256(a.encode()).digest()[0] % 2 == number for a in ids]))


@pytest.fixture(scope="session")
def providers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Provider, Provider]:
    """Half of the accounts of one world each: one campaign, seen by both in part."""
    out = tmp_path_factory.mktemp("world")
    honest = {"chat": 300, "developers": 140, "tool": 60, "backends": 30, "company": 30}
    campaign = {"accounts": 90, "requests_per_account_day": 8, "payment_sharing": 2}
    changes = {"honest": honest} | {f"campaigns.0.{dial}": value for dial, value in campaign.items()}
    generate(dials(load("power-base"), changes), 4, out)
    exchanges = _marked(pq.read_table(out / "exchanges.parquet"), NAMED)
    for name in ("prompt", "system_prompt", "response"):
        whose = pc.binary_join_element_wise(f"{CANARY} said", exchanges["account_id"], " ")
        text = pc.binary_join_element_wise(exchanges[name], whose, " ")
        exchanges = exchanges.set_column(exchanges.schema.get_field_index(name), name, text)
    asked = [f"{CANARY}-model" if n % 211 == 0 else m for n, m in enumerate(exchanges["model"].to_pylist())]
    exchanges = exchanges.set_column(exchanges.schema.get_field_index("model"), "model", pa.array(asked, pa.string()))
    accounts = _marked(pq.read_table(out / "accounts.parquet"), OWNED)
    truth = _marked(pq.read_table(out / "truth.parquet"), NAMED).filter(pc.field("role") == "hostile")
    made = []
    for number, name in enumerate(("Provider A", "Provider B")):
        place = tmp_path_factory.mktemp("provider")
        found = Provider(
            name,
            place / "exchanges.parquet",
            place / "accounts.parquet",
            place / "case",
            frozenset(_of_provider(truth, number)["account_id"].to_pylist()),
        )
        pq.write_table(_of_provider(exchanges, number), found.log)
        pq.write_table(_of_provider(accounts, number), found.accounts)
        stillwatch("scan", found.log, "--accounts", found.accounts, "--out", found.case, "--quiet", status=3)
        made.append(found)
    return made[0], made[1]


@pytest.fixture(scope="session")
def bundle(providers: tuple[Provider, Provider]) -> bytes:
    """What provider A shares at default settings."""
    a = providers[0]
    return stillwatch("share", "stix", a.case, *a.options, "--producer", a.name).encode()
