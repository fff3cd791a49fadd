"""STIX 2.1 Interoperability Test Document 1.0 (OASIS, CSD01): what a producer (SXP) and a consumer (SXC) must do.

Each test is named after its section of the document: 2.3.4 is the identity of a producer, 3.N.2 the support that use
case N demands of a producer, 3.N.5 that of a consumer. What Stillwatch has no use for (location, malware and its
analysis, opinion, tool, vulnerability: 3.10, 3.11, 3.12, 3.15, 3.19, 3.21) it does not produce, and reads all the same.
The objects are our own; the properties are those that the document demands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stillwatch.sharing.hub.objects import objects as hub_objects
from stillwatch.sharing.hub.picture import picture
from stillwatch.sharing.inbound.bundle import load_bundle
from stillwatch.sharing.stix.tlp import LEVELS, marking, marking_id
from tests.sharing.conftest import Provider, stillwatch
from tests.sharing.hub.campaigns import published, sighting
from tests.sharing.hub.test_one_member_cannot_stop_the_others import seen
from tests.sharing.readers import stix2, stix2validator
from tests.sharing.taxii.exchange import BOTH, exchange, of

Object = dict[str, Any]
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z")
ACTOR = ("--attributed-to", "Somebody", "--attribution-confidence", 30, "--attribution-basis", "a seller's own words")


@pytest.fixture(scope="module")
def made(providers: tuple[Provider, Provider], bundle: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    """What the real commands write: a case with both kinds of actor, and the sighting that comes back."""
    a, b = providers
    out = tmp_path_factory.mktemp("interop")
    (out / "a.json").write_bytes(bundle)
    found = json.loads(bundle)["objects"]
    for kind in ("intrusion-set", "threat-actor"):
        found += json.loads(stillwatch("share", "stix", a.case, *ACTOR, "--actor-type", kind))["objects"]
    stillwatch("share", "leads", out / "a.json", "--case", b.case, "--log", b.log, "--out", out / "leads")
    (lead, *_) = json.loads((out / "leads" / "leads.json").read_bytes())["leads"]
    stillwatch("share", "confirm", out / "leads", "--lead", lead["id"], "--by", "Jo", "--reason", "seen by hand")
    found += json.loads(stillwatch("share", "sightings", out / "leads", "--producer", b.name))["objects"]
    return list(found)


def demanded(made: list[Object], kind: str, *properties: str) -> list[Object]:
    """All objects of a type; each has what every use case demands, and these properties, none of them empty."""
    found = [o for o in made if o["type"] == kind]
    assert found, kind
    for item in found:
        assert item["spec_version"] == "2.1"
        assert re.fullmatch(f"{kind}--{UUID}", item["id"])
        assert re.fullmatch(f"identity--{UUID}", item["created_by_ref"])
        assert item["created_by_ref"] in {o["id"] for o in made}, "the identity goes with it"
        for name in ("created", "modified"):
            assert STAMP.fullmatch(item[name]), item[name]
        for name in properties:
            assert item.get(name) not in (None, "", []), (kind, name)
    return found


def test_2_3_4_a_producer_says_who_it_is(made: list[Object]) -> None:
    found = demanded(made, "identity", "name", "identity_class")
    producers = [o for o in found if o["identity_class"] == "organization"]
    assert {o["name"] for o in producers} >= {"Provider A", "Provider B"}
    assert all(o["created_by_ref"] == o["id"] for o in found)


def test_3_1_2_attack_patterns(made: list[Object]) -> None:
    for item in demanded(made, "attack-pattern", "name", "description", "external_references", "kill_chain_phases"):
        for phase in item["kill_chain_phases"]:
            assert re.fullmatch("[a-z-]+", phase["kill_chain_name"] + phase["phase_name"])
        assert all(r["external_id"] and r["source_name"] for r in item["external_references"])


def test_3_2_2_campaigns(made: list[Object]) -> None:
    for item in demanded(made, "campaign", "name", "description", "objective", "first_seen", "last_seen"):
        uses = [o for o in made if o.get("source_ref") == item["id"] and o["relationship_type"] == "uses"]
        assert {o["target_ref"].partition("--")[0] for o in uses} >= {"attack-pattern"}


def test_3_3_2_confidence(made: list[Object]) -> None:
    for kind in ("campaign", "indicator", "intrusion-set", "threat-actor"):
        assert all(isinstance(o["confidence"], int) and 0 <= o["confidence"] <= 100 for o in demanded(made, kind))


def test_3_4_2_courses_of_action(made: list[Object]) -> None:
    found = {o["id"] for o in demanded(made, "course-of-action", "name", "description")}
    links = [o for o in made if o["type"] == "relationship" and o["relationship_type"] == "mitigates"]
    assert links and {o["source_ref"] for o in links} <= found
    assert {o["target_ref"].partition("--")[0] for o in links} == {"attack-pattern"}


@pytest.mark.parametrize("tlp", LEVELS)
def test_3_5_2_data_markings(providers: tuple[Provider, Provider], tlp: str) -> None:
    """The document has TLP 1.0; what is written here is TLP 2.0, whose definitions OASIS publishes for STIX 2.1."""
    found = json.loads(stillwatch("share", "stix", providers[0].case, "--tlp", tlp))["objects"]
    assert [o for o in found if o["type"] == "marking-definition"] == [marking(tlp)]
    marked = [o for o in found if o["type"] in ("campaign", "note", "report", "sighting")]
    assert len(marked) >= 4 and all(o["object_marking_refs"] == [marking_id(tlp)] for o in marked)


def test_3_6_2_groupings() -> None:
    """The hub makes them."""
    everything = [s for who in ("ann", "ben") for s in seen(who, published(who, networks=range(4), marks=range(3)))]
    everything += seen("cat", sighting("cat", published("ann")[1]["id"]))
    (joined,) = picture(everything)
    (grouping,) = [o for o in hub_objects(joined, "ann", {}) if o["type"] == "grouping"]
    assert grouping["name"] and grouping["context"] == "suspicious-activity"
    assert {p.id for p in joined.parts} < set(grouping["object_refs"])


def test_3_7_2_indicators(made: list[Object]) -> None:
    found = demanded(
        made, "indicator", "name", "description", "indicator_types", "pattern", "pattern_type", "valid_from"
    )
    assert {o["pattern_type"] for o in found} == {"stix"}
    addresses = [o for o in found if "ipv4-addr:value" in o["pattern"]]
    assert addresses and all(re.fullmatch(r"\[ipv4-addr:value ISSUBSET '[0-9./]+'\]", o["pattern"]) for o in addresses)
    shown = {o["id"] for o in found}
    assert shown == {o["source_ref"] for o in made if o.get("relationship_type") == "indicates"}


def test_3_8_2_infrastructure(made: list[Object]) -> None:
    for item in demanded(made, "infrastructure", "name", "infrastructure_types", "first_seen", "last_seen"):
        parts = {o["target_ref"] for o in made if o.get("source_ref") == item["id"]}
        assert {p.partition("--")[0] for p in parts} >= {"ipv4-addr"}
        assert parts <= {o["id"] for o in made}


def test_3_9_2_intrusion_sets(made: list[Object]) -> None:
    for item in demanded(made, "intrusion-set", "name", "description"):
        (link,) = [o for o in made if o.get("target_ref") == item["id"]]
        assert (link["relationship_type"], link["source_ref"].partition("--")[0]) == ("attributed-to", "campaign")


def test_3_13_2_notes(made: list[Object]) -> None:
    for item in demanded(made, "note", "content", "abstract", "object_refs"):
        assert set(item["object_refs"]) <= {o["id"] for o in made}


def test_3_14_2_observed_data(made: list[Object]) -> None:
    found = demanded(made, "observed-data", "first_observed", "last_observed", "number_observed", "object_refs")
    observables = {o["id"]: o for o in made if o["type"] in ("ipv4-addr", "ipv6-addr", "autonomous-system")}
    for item in found:
        assert "objects" not in item
        assert set(item["object_refs"]) <= observables.keys()
    assert all("created" not in o and "modified" not in o for o in observables.values())


def test_3_16_2_reports(made: list[Object]) -> None:
    for item in demanded(made, "report", "name", "description", "report_types", "published", "object_refs"):
        assert STAMP.fullmatch(item["published"])
        assert set(item["object_refs"]) <= {o["id"] for o in made}


def test_3_17_2_sightings(made: list[Object]) -> None:
    found = demanded(made, "sighting", "sighting_of_ref", "count", "first_seen", "last_seen", "where_sighted_refs")
    assert {o["sighting_of_ref"] for o in found} <= {o["id"] for o in made}
    who = {o["id"]: o["name"] for o in made if o["type"] == "identity"}
    assert {who[name] for o in found for name in o["where_sighted_refs"]} >= {"Provider A", "Provider B"}


def test_3_18_2_threat_actors(made: list[Object]) -> None:
    for item in demanded(made, "threat-actor", "name", "description", "threat_actor_types"):
        (link,) = [o for o in made if o.get("target_ref") == item["id"]]
        assert (link["relationship_type"], link["source_ref"].partition("--")[0]) == ("attributed-to", "campaign")


def _versions(providers: tuple[Provider, Provider], out: Path) -> tuple[list[Object], list[Object], list[Object]]:
    """The same campaign created, changed (its label), and revoked by a case that does not find it."""
    a, b = providers
    share = ("share", "stix", a.case, *a.options, "--producer", a.name)
    stillwatch(*share, "--out", out / "1.json")
    stillwatch(*share, "--tlp", "green", "--since", out / "1.json", "--out", out / "2.json")
    other = ("share", "stix", b.case, *b.options, "--producer", a.name, "--as-of", "2026-07-01T00:00:00Z")
    stillwatch(*other, "--since", out / "2.json", "--out", out / "3.json")
    first, second, third = (json.loads((out / f"{n}.json").read_bytes())["objects"] for n in (1, 2, 3))
    return first, second, third


def test_3_20_2_3_20_6_and_3_20_10_creation_modification_and_revocation(
    providers: tuple[Provider, Provider], tmp_path: Path
) -> None:
    first, second, third = ({o["id"]: o for o in made} for made in _versions(providers, tmp_path))
    indicators = [name for name in first if name.startswith("indicator--")]
    assert indicators
    for name in indicators:
        assert first[name]["created"] == first[name]["modified"]
        assert second[name]["created"] == first[name]["created"]
        assert second[name]["modified"] > first[name]["modified"]
    gone = [o for o in third.values() if o.get("revoked")]
    assert {o["type"] for o in gone} >= {"indicator", "relationship"}
    for item in gone:
        before = second[item["id"]]
        assert item["created"] == before["created"] and item["modified"] > before["modified"]
        assert {k: v for k, v in item.items() if k not in ("modified", "revoked")} == {
            k: v for k, v in before.items() if k != "modified"
        }


# -- the consumer -----------------------------------------------------------------------------------------------------
NOW = "2026-06-15T12:00:00.000Z"
WHO = {
    "type": "identity", "id": "identity--1621d4d4-b67d-41e3-9670-f01faf20d111", "name": "ACME Corp",
    "identity_class": "organization",
}  # fmt: skip


def _object(kind: str, number: int = 1, **more: Any) -> Object:
    return {
        "type": kind, "spec_version": "2.1", "id": f"{kind}--00000000-0000-4000-8000-{number:012d}",
        "created_by_ref": WHO["id"], "created": NOW, "modified": NOW, **more,
    }  # fmt: skip


_INDICATOR = _object(
    "indicator", name="Bad IP CIDR", indicator_types=["malicious-activity"], pattern_type="stix", valid_from=NOW,
    pattern="[ipv4-addr:value ISSUBSET '198.51.100.0/24' OR ipv6-addr:value = '2001:db8::1']",
)  # fmt: skip
_SCO = {
    "type": "ipv4-addr", "spec_version": "2.1", "id": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4",
    "value": "198.51.100.3",
}  # fmt: skip
_OLD_TLP = marking_id("amber").replace("55d920b0-5e8b-4f79-9ee9-91f868d9b421", "f88d31f6-486f-44da-b317-01333bde0b82")
CONSUMED: dict[str, list[Object]] = {
    "3.1.5": [
        _object(
            "attack-pattern",
            name="Phishing",
            external_references=[{"source_name": "capec", "external_id": "CAPEC-98"}],
            kill_chain_phases=[{"kill_chain_name": "mitre-attack", "phase_name": "initial-access"}],
        )
    ],
    "3.2.5": [_object("campaign", name="Operation Example", first_seen=NOW)],
    "3.3.5": [_INDICATOR | {"confidence": 85}],
    "3.4.5": [_object("course-of-action", name="Block it")],
    "3.5.5": [_INDICATOR | {"object_marking_refs": [_OLD_TLP]}],
    "3.6.5": [
        _INDICATOR,
        _object("grouping", name="Both", context="suspicious-activity", object_refs=[_INDICATOR["id"]]),
    ],
    "3.7.5": [_INDICATOR],
    "3.8.5": [
        _object("infrastructure", name="C2", infrastructure_types=["command-and-control"]),
        _SCO,
        _object(
            "relationship",
            relationship_type="consists-of",
            source_ref=_object("infrastructure")["id"],
            target_ref=_SCO["id"],
        ),
    ],
    "3.9.5": [_object("intrusion-set", name="A set", aliases=["Another name"], goals=["acquisition"])],
    "3.10.5": [_object("location", region="northern-america", country="us")],
    "3.11.5": [_object("malware-analysis", product="scanner", version="1", result="malicious", submitted=NOW)],
    "3.12.5": [_object("malware", name="Poison", is_family=True, malware_types=["remote-access-trojan"])],
    "3.13.5": [_INDICATOR, _object("note", content="Seen before", authors=["J. Doe"], object_refs=[_INDICATOR["id"]])],
    "3.14.5": [
        _SCO,
        _object("observed-data", first_observed=NOW, last_observed=NOW, number_observed=3, object_refs=[_SCO["id"]]),
    ],
    "3.15.5": [
        _INDICATOR,
        _object("opinion", opinion="strongly-disagree", explanation="not seen", object_refs=[_INDICATOR["id"]]),
    ],
    "3.16.5": [
        _INDICATOR,
        _object("report", name="R", published=NOW, report_types=["campaign"], object_refs=[_INDICATOR["id"]]),
    ],
    "3.17.5": [
        _INDICATOR,
        _object(
            "sighting",
            sighting_of_ref=_INDICATOR["id"],
            count=50,
            first_seen=NOW,
            last_seen=NOW,
            where_sighted_refs=[WHO["id"]],
        ),
    ],
    "3.18.5": [_object("threat-actor", name="An actor", threat_actor_types=["crime-syndicate"], aliases=["x"])],
    "3.19.5": [_object("tool", name="VNC", tool_types=["remote-access"])],
    "3.20.8": [_INDICATOR, _INDICATOR | {"modified": "2026-06-16T12:00:00.000Z", "name": "Renamed"}],
    "3.20.12": [_INDICATOR, _INDICATOR | {"modified": "2026-06-17T12:00:00.000Z", "revoked": True}],
    "3.21.5": [
        _object(
            "vulnerability",
            name="CVE-2016-1234",
            external_references=[{"source_name": "cve", "external_id": "CVE-2016-1234"}],
        )
    ],
}


@pytest.mark.parametrize("section", CONSUMED)
def test_consumer_support_by_section(section: str, tmp_path: Path) -> None:
    """Read from a file, and kept by the server byte for byte in meaning: every property comes back as it was sent."""
    identity = {**WHO, "spec_version": "2.1", "created": NOW, "modified": NOW, "created_by_ref": WHO["id"]}
    listed = [identity, *CONSUMED[section]]
    text = json.dumps(
        {"type": "bundle", "id": "bundle--" + "0" * 8 + "-0000-4000-8000-000000000001", "objects": listed}
    )
    stix2.parse(text, allow_custom=False)
    latest = {o["id"]: o for o in listed}
    assert load_bundle(text.encode(), "interop").objects == latest
    with exchange(tmp_path) as server:
        assert server.post(BOTH, listed).json()["failure_count"] == 0
        found = server.get(of(BOTH) + "objects/").json()["objects"]
        assert {o["id"]: o for o in found} == latest
        versions = server.get(of(BOTH) + f"objects/{listed[-1]['id']}/versions/").json()["versions"]
        assert len(versions) == sum(o["id"] == listed[-1]["id"] for o in listed)


def test_3_7_5_a_consumer_looks_for_what_an_indicator_says(
    providers: tuple[Provider, Provider], tmp_path: Path
) -> None:
    """And 3.20.12: what was revoked is not looked for."""
    a = providers[0]
    for change, says in (({}, "1 indicators, 0 of them"), ({"revoked": True}, "it was revoked")):
        path = tmp_path / f"{len(change)}.json"
        path.write_text(json.dumps({"type": "bundle", "id": "x", "objects": [_INDICATOR | change]}))
        out = ("--out", tmp_path / f"leads-{len(change)}")
        stillwatch("share", "leads", path, "--case", a.case, "--log", a.log, *out)
        found = json.loads((out[1] / "leads.json").read_bytes())
        assert (found["indicators"], found["leads"]) == (1, [])
        assert set(found["skipped"]) == ({says} if change else set())


def test_what_is_made_is_valid_for_the_reference_validator(made: list[Object]) -> None:
    check: Callable[..., Any] = stix2validator.validate_instance
    for item in {json.dumps(o, sort_keys=True): o for o in made}.values():
        assert check(item, stix2validator.ValidationOptions(version="2.1")).errors == []
