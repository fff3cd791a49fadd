"""24,000 indicators: as many as the largest campaign that was reported had accounts."""

from __future__ import annotations

import json

import pytest

from stillwatch.case import read_case
from stillwatch.domain.verdict import Campaign
from stillwatch.sharing.case import Shareable, share_stix, span
from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.inbound.bundle import load_bundle
from stillwatch.sharing.inbound.wanted import asked
from stillwatch.sharing.stix.producer import Producer
from tests.sharing.conftest import Provider

MANY = 24_000


def many(number: int) -> tuple[Fingerprint, ...]:
    """Networks, as many as asked for."""
    values = (f"{1 + n // 65536}.{n // 256 % 256}.{n % 256}.0/24" for n in range(number))
    return tuple(Fingerprint("network", v, 5, 0, 10, 1_781_481_610_000_000, 1_781_654_275_000_000) for v in values)


@pytest.fixture(scope="module")
def written(providers: tuple[Provider, Provider]) -> bytes:
    case = read_case(providers[0].case)
    campaigns: tuple[Campaign, ...] = tuple(c for c in case.campaigns if c.verdict == "campaign")
    shared = Shareable(campaigns, {campaigns[0].id: many(MANY)}, span(case))
    return share_stix(shared, Producer("Provider A", "amber", shared.span.last))


def test_every_indicator_has_an_id_of_its_own_and_what_it_indicates(written: bytes) -> None:
    objects = json.loads(written)["objects"]
    ids = [o["id"] for o in objects]
    assert len(ids) == len(set(ids))
    indicators = {o["id"] for o in objects if o["type"] == "indicator"}
    assert len(indicators) == MANY
    links = {o["source_ref"] for o in objects if o.get("relationship_type") == "indicates"}
    assert links == indicators


def test_it_is_read_and_understood_by_whoever_gets_it(written: bytes, providers: tuple[Provider, Provider]) -> None:
    seen = span(read_case(providers[1].case))
    found = asked([load_bundle(written, "large")], seen.first, seen.last)
    assert found.indicators == MANY and not found.skipped
    (subject,) = found.subjects
    assert len(subject.indicators) == MANY
