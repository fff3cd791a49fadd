"""At default settings no account, no text, no address and nothing of a payment leaves a provider, in whatever form."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.kernels.hashing import hash_strings
from tests.sharing.conftest import CANARY, Provider, stillwatch


@pytest.fixture(scope="module")
def artefacts(providers: tuple[Provider, Provider], bundle: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that a provider sends, and the part of its leads that names nobody."""
    out = tmp_path_factory.mktemp("shared")
    a, b = providers
    (out / "bundle.json").write_bytes(bundle)
    stillwatch("share", "misp", a.case, *a.options, "--producer", a.name, "--out", out / "misp.json")
    stillwatch("share", "stix", a.case, "--producer", a.name, "--out", out / "behaviour.json")
    stillwatch(
        "share", "stix", a.case, *a.options, "--producer", a.name, "--tlp", "red", "--out", out / "attributed.json",
        "--attributed-to", "Somebody", "--attribution-confidence", 30, "--attribution-basis", "a guess",
    )  # fmt: skip
    leads = out.parent / f"{out.name}-leads"
    stillwatch("share", "leads", out / "bundle.json", "--case", b.case, "--log", b.log, "--out", leads)
    (out / "leads.json").write_bytes((leads / "leads.json").read_bytes())
    (lead, *_) = json.loads((leads / "leads.json").read_bytes())["leads"]
    stillwatch("share", "confirm", leads, "--lead", lead["id"], "--by", "Jo Doe", "--reason", "seen by hand")
    stillwatch("share", "sightings", leads, "--producer", b.name, "--out", out / "sightings.json")
    return out


def test_no_canary_of_any_column_is_in_anything_shared(artefacts: Path) -> None:
    assert {p.name for p in artefacts.iterdir()} == {
        "bundle.json", "misp.json", "behaviour.json", "attributed.json", "leads.json", "sightings.json",
    }  # fmt: skip
    for path in artefacts.iterdir():
        text = path.read_text("utf-8").casefold()
        assert CANARY not in text, path.name
        assert "jo doe" not in text and "seen by hand" not in text, path.name


def test_a_model_that_hardly_anybody_asked_for_is_not_named(providers: tuple[Provider, Provider]) -> None:
    """What a client writes there may be anything: the canary above is in the case's own list."""
    campaigns = json.loads((providers[0].case / "campaigns.json").read_bytes())["campaigns"]
    assert any(f"{CANARY}-model" in c["models"] for c in campaigns if c["verdict"] == "campaign")


def test_no_address_is_shared_only_networks_of_256(artefacts: Path, providers: tuple[Provider, Provider]) -> None:
    addresses: set[str] = set()
    for provider in providers:
        addresses |= set(pq.read_table(provider.log)["client_ip"].to_pylist())
        addresses |= set(pq.read_table(provider.accounts)["signup_ip"].to_pylist())
    addresses.discard(None)  # type: ignore[arg-type]
    assert len(addresses) > 500
    for path in artefacts.iterdir():
        text = path.read_text("utf-8")
        assert not [a for a in addresses if f"'{a}'" in text or f'"{a}"' in text or f" {a} " in text], path.name
    found = [o["value"] for o in json.loads((artefacts / "bundle.json").read_bytes())["objects"] if "value" in o]
    assert found and all(value.endswith((".0/24", "::/40")) for value in found)


def test_ids_do_not_confirm_who_is_a_member(artefacts: Path, providers: tuple[Provider, Provider]) -> None:
    """The case's own ids follow from a member's account id: they and hashes of accounts stay at home."""
    for provider in providers:
        hashes = hash_strings(pq.read_table(provider.case / "accounts.parquet")["account_id"])
        ids = {c["id"] for c in json.loads((provider.case / "campaigns.json").read_bytes())["campaigns"]}
        short = {f"{int(h):016x}" for h in hashes}
        for path in artefacts.iterdir():
            if path.name == "leads.json" and provider is providers[1]:
                continue  # what stays at home may point into our own case
            text = path.read_text("utf-8")
            assert not [name for name in ids if name in text], path.name
            assert not [h for h in short if h in text], path.name


def test_the_accounts_behind_leads_stay_in_a_table_of_their_own(
    artefacts: Path, providers: tuple[Provider, Provider]
) -> None:
    table = pq.read_table(artefacts.parent / f"{artefacts.name}-leads" / "accounts.parquet")
    assert set(table["account_id"].to_pylist()) <= set(pq.read_table(providers[1].log)["account_id"].to_pylist())
    assert table.num_rows > 0
