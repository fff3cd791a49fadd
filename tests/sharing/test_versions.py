"""A bundle that follows an earlier one: what goes on keeps its id, what changed has a later version, what fell is
revoked, and what the case did not look at is left alone."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stillwatch.case import read_case
from stillwatch.engine import DuckEngine
from stillwatch.sharing.case import Shareable, share_stix, shareable
from stillwatch.sharing.fingerprints import Limits
from stillwatch.sharing.inbound.bundle import Bundle, load_bundle
from stillwatch.sharing.stix.producer import Producer
from stillwatch.sources import open_log, read_accounts
from tests.sharing.conftest import Provider, refused, stillwatch
from tests.sharing.readers import stix2

Objects = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def shared(providers: tuple[Provider, Provider]) -> Shareable:
    a = providers[0]
    with DuckEngine() as engine:
        return shareable(read_case(a.case), (), engine, open_log([a.log]), read_accounts(a.accounts).table, Limits())


@pytest.fixture(scope="module")
def producer(shared: Shareable) -> Producer:
    return Producer("Provider A", "amber", shared.span.last)


@pytest.fixture(scope="module")
def earlier(shared: Shareable, producer: Producer) -> Bundle:
    return load_bundle(share_stix(shared, producer), "earlier")


def _after(shared: Shareable, producer: Producer, earlier: Bundle) -> Objects:
    data = share_stix(shared, producer, since=earlier)
    stix2.parse(data.decode(), allow_custom=False)
    return {o["id"]: o for o in json.loads(data)["objects"]}


def _of(objects: Objects, kind: str) -> dict[str, Any]:
    (found,) = (o for o in objects.values() if o["type"] == kind)
    return found


def _with(shared: Shareable, **changes: Any) -> Shareable:
    """The one campaign, changed."""
    (campaign,) = shared.campaigns
    return shared._replace(campaigns=(msgspec.structs.replace(campaign, **changes),))


def _without(shared: Shareable, kind: str) -> Shareable:
    (name,) = shared.fingerprints
    kept = tuple(f for f in shared.fingerprints[name] if f.kind != kind)
    return shared._replace(fingerprints={name: kept})


def test_nothing_new_is_the_same_bundle(shared: Shareable, producer: Producer, earlier: Bundle) -> None:
    later = producer._replace(as_of=producer.as_of + timedelta(days=3))
    assert _after(shared, later, earlier) == earlier.objects


def test_a_campaign_that_grew_is_a_later_version_of_itself(
    shared: Shareable, producer: Producer, earlier: Bundle
) -> None:
    grown = _with(shared, accounts=shared.campaigns[0].accounts + 7)
    later = producer._replace(as_of=producer.as_of + timedelta(days=1))
    after = _after(grown, later, earlier)
    before, now = _of(earlier.objects, "campaign"), _of(after, "campaign")
    assert now["id"] == before["id"] and now["created"] == before["created"] and now["modified"] > before["modified"]
    changed = {after[n]["type"] for n in after if after[n] != earlier.objects.get(n)}
    assert changed == {"campaign", "note", "report", "sighting"}


def test_a_change_at_the_same_moment_is_still_a_later_version(
    shared: Shareable, producer: Producer, earlier: Bundle
) -> None:
    after = _after(_with(shared, accounts=5_000), producer, earlier)
    assert _of(after, "campaign")["modified"] > _of(earlier.objects, "campaign")["modified"]


def test_it_goes_on_by_what_it_shares_though_it_began_earlier_than_was_known(
    shared: Shareable, producer: Producer, earlier: Bundle
) -> None:
    other = _with(shared, first_seen="2026-06-14T10:00:00Z", id="c-another")
    (prints,) = shared.fingerprints.values()
    after = _after(other._replace(fingerprints={"c-another": prints}), producer, earlier)
    assert _of(after, "campaign")["id"] == _of(earlier.objects, "campaign")["id"]
    assert not [o for o in after.values() if o.get("revoked")]


def test_an_indicator_that_no_longer_holds_is_revoked_with_its_link(
    shared: Shareable, producer: Producer, earlier: Bundle
) -> None:
    after = _after(_without(shared, "stack"), producer, earlier)
    gone = {n for n, o in earlier.objects.items() if "kind:stack" in o.get("labels", ())}
    revoked = {n for n, o in after.items() if o.get("revoked")}
    assert gone and gone <= revoked
    assert {after[n]["type"] for n in revoked} == {"indicator", "relationship"}
    assert all(o["source_ref"] in gone for n in revoked if (o := after[n])["type"] == "relationship")


def test_what_the_case_did_not_look_at_is_left_to_run_out(
    shared: Shareable, producer: Producer, earlier: Bundle
) -> None:
    elsewhere = shared.span._replace(first=shared.span.last)
    after = _after(_without(shared, "stack")._replace(span=elsewhere), producer, earlier)
    assert not [o for o in after.values() if o.get("revoked")]


def test_a_campaign_that_is_not_one_any_more_is_revoked_whole_and_a_new_one_has_a_new_id(
    shared: Shareable, producer: Producer, earlier: Bundle
) -> None:
    nothing = shared._replace(campaigns=(), fingerprints={})
    fallen = share_stix(nothing, producer, since=earlier)
    objects = {o["id"]: o for o in json.loads(fallen)["objects"]}
    own = {n for n, o in earlier.objects.items() if o.get("created_by_ref") == producer.id != n}
    assert own == {n for n, o in objects.items() if o.get("revoked")}
    again = _after(shared, producer, load_bundle(fallen, "fallen"))
    campaign = _of({n: o for n, o in again.items() if not o.get("revoked")}, "campaign")
    assert campaign["id"] not in own
    assert not {n for n, o in again.items() if not o.get("revoked")} & own


def test_objects_of_others_are_left_out(shared: Shareable, producer: Producer, earlier: Bundle) -> None:
    after = _after(shared, producer._replace(name="Provider C"), earlier)
    assert not [o for o in after.values() if o.get("revoked")]
    assert _of(after, "campaign")["id"] != _of(earlier.objects, "campaign")["id"]


def test_nothing_is_revoked_by_leaving_something_out(providers: tuple[Provider, Provider], tmp_path: Path) -> None:
    a = providers[0]
    stillwatch("share", "stix", a.case, *a.options, "--out", tmp_path / "a.json")
    again = ["share", "stix", a.case, "--since", tmp_path / "a.json"]
    assert "continued whole" in refused(*again)
    (campaign,) = json.loads((a.case / "campaigns.json").read_bytes())["campaigns"]
    assert "continued whole" in refused(*again, *a.options, "--campaign", campaign["id"])
    assert stillwatch(*again, *a.options).encode() == (tmp_path / "a.json").read_bytes()
