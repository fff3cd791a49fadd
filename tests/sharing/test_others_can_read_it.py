"""Whatever a case shares is accepted by the readers that others use, and says what it must in each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from stillwatch.sharing.stix.extension import EXTENSION, schema
from stillwatch.sharing.stix.ids import observable_id
from tests.sharing.conftest import Provider, stillwatch
from tests.sharing.readers import ExternalSTIX2toMISPParser, MISPEvent, run_validator, stix2, stix2validator


@pytest.fixture(scope="module")
def objects(bundle: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(bundle)["objects"]
    return found


def test_stix2_parses_it_strictly(bundle: bytes) -> None:
    parsed = stix2.parse(bundle.decode(), allow_custom=False)
    kinds = {item["type"] for item in parsed.objects}
    assert kinds >= {
        "campaign", "infrastructure", "indicator", "attack-pattern", "observed-data", "sighting", "course-of-action",
        "note", "report", "extension-definition", "marking-definition", "identity", "relationship", "ipv4-addr",
    }  # fmt: skip
    assert not kinds & {"intrusion-set", "threat-actor"}


def test_stix2_validator_finds_no_error(bundle: bytes) -> None:
    found = stix2validator.validate_string(bundle.decode(), stix2validator.ValidationOptions(version="2.1"))
    assert found.is_valid
    assert found.errors == []


def test_every_pattern_is_one(objects: list[dict[str, Any]]) -> None:
    patterns = [o["pattern"] for o in objects if o["type"] == "indicator"]
    assert len(patterns) >= 5
    assert [p for p in patterns if run_validator(p, "2.1")] == []


def test_extensions_are_as_their_schema_has_it(objects: list[dict[str, Any]]) -> None:
    check = jsonschema.Draft202012Validator(schema())
    extended = [o["extensions"][EXTENSION] for o in objects if EXTENSION in o.get("extensions", {})]
    assert {e["about"] for e in extended} == {"campaign", "indicator"}
    assert [error.message for e in extended for error in check.iter_errors(e)] == []
    shipped = next(o for o in objects if o["type"] == "extension-definition")
    assert json.loads(shipped["schema"]) == schema()


def test_ids_of_observables_are_those_of_the_standard() -> None:
    assert observable_id("ipv4-addr", {"value": "8.8.4.0/24"}) == stix2.IPv4Address(value="8.8.4.0/24").id
    assert observable_id("ipv6-addr", {"value": "2001:db8::/40"}) == stix2.IPv6Address(value="2001:db8::/40").id
    assert observable_id("autonomous-system", {"number": 3407}) == stix2.AutonomousSystem(number=3407).id


def test_misp_stix_imports_it_with_the_key_facts(bundle: bytes) -> None:
    parser = ExternalSTIX2toMISPParser()
    parser.load_stix_bundle(stix2.parse(bundle.decode(), allow_custom=False))
    parser.parse_stix_bundle(single_event=True)
    event = json.loads(parser.misp_event.to_json())
    text = json.dumps(event)
    campaign = next(o for o in json.loads(bundle)["objects"] if o["type"] == "campaign")
    more = campaign["extensions"][EXTENSION]
    (model, *_) = more["models"]
    for fact in (f"{more['accounts']} accounts", "AML.T0024.002", "T-COT", "tlp:amber", "q = ", model):
        assert fact in text, fact
    assert event["info"] == campaign["name"]


def test_pymisp_reads_what_misp_is_given(providers: tuple[Provider, Provider], objects: list[dict[str, Any]]) -> None:
    a = providers[0]
    given = json.loads(stillwatch("share", "misp", a.case, *a.options, "--producer", a.name))
    (found,) = given["response"]
    event = MISPEvent()
    event.load(found)
    assert {o.name for o in event.objects} >= {"attack-pattern", "course-of-action", "stix2-pattern"}
    assert "tlp:amber" in {t.name for t in event.tags}
    prefixes = {a.value for a in event.attributes if a.type == "ip-src"}
    assert prefixes == {o["value"] for o in objects if o["type"] == "ipv4-addr"}


def test_references_to_atlas_f3_and_owasp_are_there(objects: list[dict[str, Any]]) -> None:
    named = {
        (r["source_name"], r["external_id"])
        for o in objects
        if o["type"] == "attack-pattern"
        for r in o["external_references"]
    }
    assert named >= {("mitre-atlas", "AML.T0024.002"), ("mitre-f3", "F1002.002"), ("owasp-llm", "LLM06:2026")}


@pytest.mark.parametrize("level", ["clear", "green", "amber+strict", "red"])
def test_every_level_of_tlp_is_marked(level: str, providers: tuple[Provider, Provider], tmp_path: Path) -> None:
    out = tmp_path / "bundle.json"
    stillwatch("share", "stix", providers[0].case, "--tlp", level, "--out", out)
    parsed = stix2.parse(out.read_text(), allow_custom=False)
    marking = next(o for o in parsed.objects if o["type"] == "marking-definition")
    assert marking.name == f"TLP:{level.upper()}"
    campaign = next(o for o in parsed.objects if o["type"] == "campaign")
    assert campaign.object_marking_refs == [marking.id]
