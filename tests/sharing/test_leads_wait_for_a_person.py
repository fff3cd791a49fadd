"""What others send becomes leads; a person confirms; a sighting goes back. Nothing happens by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from stillwatch.sharing.inbound.bundle import load_bundle
from stillwatch.sharing.stix.extension import EXTENSION
from stillwatch.sharing.stix.tlp import marking_id
from tests.sharing.conftest import Provider, refused, stillwatch
from tests.sharing.readers import stix2, stix2validator


@pytest.fixture(scope="module")
def sent(bundle: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sent") / "bundle.json"
    path.write_bytes(bundle)
    return path


def _leads(provider: Provider, sent: Path, out: Path) -> dict[str, Any]:
    stillwatch("share", "leads", sent, "--case", provider.case, "--log", provider.log, "--out", out)
    found: dict[str, Any] = json.loads((out / "leads.json").read_bytes())
    return found


def test_the_other_half_of_the_campaign_is_found_on_two_kinds_of_evidence(
    providers: tuple[Provider, Provider], sent: Path, tmp_path: Path
) -> None:
    b = providers[1]
    found = _leads(b, sent, tmp_path / "leads")
    (lead,) = found["leads"]
    assert lead["strength"] == "two kinds" and lead["producer"] == "Provider A" and lead["tlp"] == "amber"
    table = pq.read_table(tmp_path / "leads" / "accounts.parquet").to_pylist()
    both = {row["account_id"] for row in table if row["two_kinds"]}
    assert both and both <= b.hostile
    seen = b.hostile & set(pq.read_table(b.log)["account_id"].to_pylist())
    assert len({row["account_id"] for row in table} & seen) >= 0.8 * len(seen)


def test_what_is_common_here_is_no_lead_on_anybody(
    providers: tuple[Provider, Provider], sent: Path, tmp_path: Path
) -> None:
    """A client that everybody uses at our place, sent as an indicator by somebody with few users of it."""
    b = providers[1]
    agents = pq.read_table(b.log)["user_agent"].to_pylist()
    commonest = max(set(agents) - {None}, key=agents.count)
    item = next(o for o in json.loads(sent.read_bytes())["objects"] if o["type"] == "indicator")
    path = "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"
    item = {k: v for k, v in item.items() if k != "extensions"} | {"pattern": f"[{path} = '{commonest}']"}
    hub = tmp_path / "hub.json"
    hub.write_text(json.dumps({"type": "bundle", "id": "x", "objects": [item]}))
    (lead,) = _leads(b, hub, tmp_path / "leads")["leads"]
    assert lead["strength"] == "common" and lead["accounts"] == 0
    assert pq.read_table(tmp_path / "leads" / "accounts.parquet").num_rows == 0


def test_revoked_and_outdated_indicators_are_not_looked_for(
    providers: tuple[Provider, Provider], sent: Path, tmp_path: Path
) -> None:
    objects = json.loads(sent.read_bytes())["objects"]
    for o in objects:
        if o["type"] == "indicator":
            o["revoked"] = True
    path = tmp_path / "revoked.json"
    path.write_text(json.dumps({"type": "bundle", "id": "x", "objects": objects}))
    found = _leads(providers[1], path, tmp_path / "leads")
    assert found["leads"] == [] and set(found["skipped"]) == {"it was revoked"}
    for o in objects:
        if o["type"] == "indicator":
            del o["revoked"]
            o["valid_from"], o["valid_until"] = "2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z"
    path.write_text(json.dumps({"type": "bundle", "id": "x", "objects": objects}))
    found = _leads(providers[1], path, tmp_path / "again")
    assert found["leads"] == [] and set(found["skipped"]) == {"it is not valid at any time of the log"}


def test_nobody_takes_back_or_rewrites_what_another_said(
    providers: tuple[Provider, Provider], sent: Path, tmp_path: Path
) -> None:
    """A second partner repeats the first one's ids: as revoked, and as something that nobody has."""
    whole = json.loads(sent.read_bytes())
    (alone,) = _leads(providers[1], sent, tmp_path / "alone")["leads"]
    for change in ({"revoked": True}, {"pattern": "[ipv4-addr:value = '8.8.8.8']"}):
        changed = [
            {**o, **change, "modified": "2027-01-01T00:00:00Z"} if o["type"] in ("indicator", "campaign") else o
            for o in whole["objects"]
        ]
        other = tmp_path / f"{min(change)}.json"
        other.write_text(json.dumps(whole | {"objects": changed}))
        out = tmp_path / f"leads-{min(change)}"
        b = providers[1]
        stillwatch("share", "leads", other, sent, "--case", b.case, "--log", b.log, "--out", out)
        found = json.loads((out / "leads.json").read_bytes())["leads"]
        (lead,) = (x for x in found if x["strength"] == "two kinds")
        assert {**lead, "id": alone["id"]} == alone
        stillwatch("share", "leads", other, "--case", b.case, "--log", b.log, "--out", tmp_path / f"{out.name}-only")
        theirs = json.loads((tmp_path / f"{out.name}-only" / "leads.json").read_bytes())
        assert theirs["leads"] == []
        if "pattern" in change:
            assert theirs["skipped"]["marks that are not those of its pattern"] > 0


def test_a_lead_is_marked_as_narrowly_as_the_narrowest_indicator_that_it_rests_on(
    providers: tuple[Provider, Provider], sent: Path, tmp_path: Path
) -> None:
    whole = json.loads(sent.read_bytes())
    for item in whole["objects"]:
        if item["type"] == "indicator" and item["name"].startswith("Template"):
            item["object_marking_refs"] = [marking_id("amber+strict")]
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps(whole))
    (lead,) = _leads(providers[1], path, tmp_path / "leads")["leads"]
    assert lead["tlp"] == "amber+strict"


def test_an_honest_log_gives_no_lead_on_two_kinds(
    providers: tuple[Provider, Provider], sent: Path, tmp_path: Path
) -> None:
    """Provider B without the campaign: what is left must not be accused by somebody else's bundle."""
    b = providers[1]
    table = pq.read_table(b.log)
    hostile = pc.is_in(table["account_id"], pa.array(sorted(b.hostile)))
    pq.write_table(table.filter(pc.invert(hostile)), tmp_path / "honest.parquet")
    stillwatch("scan", tmp_path / "honest.parquet", "--out", tmp_path / "case", "--quiet")
    honest = b._replace(log=tmp_path / "honest.parquet", case=tmp_path / "case")
    found = _leads(honest, sent, tmp_path / "leads")
    assert not [lead for lead in found["leads"] if lead["strength"] == "two kinds"]


def test_a_confirmed_lead_becomes_a_sighting_that_names_nobody(
    providers: tuple[Provider, Provider], sent: Path, tmp_path: Path
) -> None:
    b, out = providers[1], tmp_path / "leads"
    (lead,) = _leads(b, sent, out)["leads"]
    assert "no lead is confirmed" in refused("share", "sightings", out)
    stillwatch("share", "confirm", out, "--lead", lead["id"], "--by", "Jo Doe", "--reason", "looked at ten accounts")
    data = stillwatch("share", "sightings", out, "--producer", b.name, "--tlp", "green")
    parsed = stix2.parse(data, allow_custom=False)
    assert stix2validator.validate_string(data, stix2validator.ValidationOptions(version="2.1")).errors == []
    (sighting,) = (o for o in json.loads(data)["objects"] if o["type"] == "sighting")
    campaign = next(o for o in json.loads(sent.read_bytes())["objects"] if o["type"] == "campaign")
    assert sighting["sighting_of_ref"] == campaign["id"] and sighting["count"] == lead["exchanges"]
    assert "Jo Doe" not in data and "looked at" not in data
    assert set(sighting["extensions"][EXTENSION]) == {"extension_type", "about", "accounts", "kinds"}
    (marking,) = (o for o in parsed.objects if o["type"] == "marking-definition")
    assert marking.name == "TLP:AMBER", "no wider than what it is a sighting of"
    assert load_bundle(data.encode(), "sightings").versions == len(parsed.objects)


def test_decisions_are_kept_in_order_and_cannot_be_changed_unseen(
    providers: tuple[Provider, Provider], sent: Path, tmp_path: Path
) -> None:
    b, out = providers[1], tmp_path / "leads"
    (lead,) = _leads(b, sent, out)["leads"]
    before = {p: p.read_bytes() for p in (b.case / "accounts.parquet", b.case / "campaigns.json", b.log)}
    for who, more in (("Jo", ()), ("Ann", ("--dismiss",))):
        stillwatch("share", "confirm", out, "--lead", lead["id"], "--by", who, "--reason", "because", *more)
    record = out / "decisions.ndjson"
    lines = record.read_bytes().splitlines(keepends=True)
    assert [(json.loads(x)["by"], json.loads(x)["decision"]) for x in lines] == [
        ("Jo", "confirmed"), ("Ann", "dismissed"),
    ]  # fmt: skip
    assert "no lead is confirmed" in refused("share", "sightings", out), "the latest decision counts"
    assert before == {p: p.read_bytes() for p in before}, "nothing else happened"
    for changed in (lines[1], lines[0].replace(b"Jo", b"Xo") + lines[1], lines[1] + lines[0], lines[0] + b"{}\n"):
        record.write_bytes(changed)
        said = refused("share", "sightings", out)
        assert "does not follow" in said or "not a decision" in said
    record.write_bytes(lines[0])
    leads = json.loads((out / "leads.json").read_bytes())
    leads["leads"][0]["exchanges"] += 1
    (out / "leads.json").write_text(json.dumps(leads))
    assert "changed after it was decided" in refused("share", "sightings", out)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--lead", "lead-nowhere", "--by", "Jo", "--reason", "because"], "no lead"),
        (["--by", " ", "--reason", "because"], "--by is empty"),
        (["--by", "Jo", "--reason", ""], "--reason is empty"),
        (["--by", "Jo\x1b[2J", "--reason", "because"], "control characters"),
    ],
)
def test_a_decision_has_a_lead_a_person_and_a_reason(
    options: list[str], reason: str, providers: tuple[Provider, Provider], sent: Path, tmp_path: Path
) -> None:
    (lead,) = _leads(providers[1], sent, tmp_path / "leads")["leads"]
    given = options if "--lead" in options else ["--lead", lead["id"], *options]
    assert reason in refused("share", "confirm", tmp_path / "leads", *given)
    assert not (tmp_path / "leads" / "decisions.ndjson").exists()


def test_an_attribution_is_stated_whole_or_not_at_all(providers: tuple[Provider, Provider], tmp_path: Path) -> None:
    a = providers[0]
    for part in (["--attributed-to", "X"], ["--attribution-confidence", 10], ["--attribution-basis", "a guess"]):
        assert "confidence and its basis" in refused("share", "stix", a.case, *part, "--out", tmp_path / "x.json")
    whole = ["--attributed-to", "X", "--attribution-confidence", 10, "--attribution-basis", "a seller's own words"]
    for kind in ("intrusion-set", "threat-actor"):
        data = stillwatch("share", "stix", a.case, *whole, "--actor-type", kind)
        stix2.parse(data, allow_custom=False)
        (actor,) = (o for o in json.loads(data)["objects"] if o["type"] == kind)
        assert actor["confidence"] == 10 and "a seller's own words" in actor["description"]
