"""What members are told: joined campaigns, counted members, versions that follow what is published."""

from __future__ import annotations

import json
from typing import Any

import pytest
from stix2 import parse as strict
from stix2.exceptions import STIXError

from stillwatch.sharing.hub.objects import MEMBER, named
from stillwatch.sharing.inbound.bundle import check_objects
from stillwatch.sharing.stix.producer import Producer
from tests.sharing.hub.campaigns import DAY0, campaign_id, published, sighting
from tests.sharing.hub.conftest import FEEDS, JOINED, NAMES, HubExchange

SAME: dict[str, Any] = {"networks": range(4), "marks": range(3)}


def of_type(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [o for o in objects if o["type"] == kind]


def test_two_parts_become_one_campaign_for_everybody(hub: HubExchange) -> None:
    a, b = published("Ann", **SAME), published("Ben", **SAME, day=1)
    hub.publish("ann", a)
    hub.publish("ben", b)
    hub.publish("cat", published("Cat", networks=[50], marks=[60]))
    for who in NAMES:
        told = hub.told(who)
        (joined,) = of_type(told, "campaign")
        assert joined["first_seen"] == "2026-06-15T00:00:00.000Z"
        assert joined["last_seen"] == "2026-06-18T00:00:00.000Z"
        links = {(r["relationship_type"], r["source_ref"], r["target_ref"]) for r in of_type(told, "relationship")}
        parts = sorted([campaign_id(a), campaign_id(b)])
        assert links == {
            ("derived-from", joined["id"], parts[0]),
            ("derived-from", joined["id"], parts[1]),
            ("related-to", campaign_id(a), campaign_id(b)),
        }
        (grouping,) = of_type(told, "grouping")
        assert {joined["id"], *parts} < set(grouping["object_refs"])
    assert "share 3 values of what they send, 4 networks" in joined["description"]


def test_members_are_counted_and_named_only_if_they_agreed(hub: HubExchange) -> None:
    hub.publish("ann", published("Ann", **SAME))
    hub.publish("ben", published("Ben", **SAME))
    hub.publish("cat", sighting("Cat", campaign_id(published("Ben", **SAME))))
    told = hub.told("ann")
    (joined,) = of_type(told, "campaign")
    assert joined["labels"] == ["joined-campaign", "providers:3", "parts:2", "confirmed-by:1"]
    assert "Among them: Ann's models and 2 unnamed." in joined["description"]
    (seen,) = of_type(told, "sighting")
    assert (seen["count"], seen["where_sighted_refs"]) == (1, [MEMBER])
    identities = hub.get(f"/exchange/collections/{JOINED}/objects/?match[type]=identity", who="ben").json()["objects"]
    assert {o["name"] for o in identities} == {"Test hub", "A member of this exchange", "Ann's models"}
    assert named("ann") in {o["id"] for o in identities}


@pytest.mark.parametrize("reader", ["ann", "cat"])
def test_nothing_of_an_unnamed_member_names_it(hub: HubExchange, reader: str) -> None:
    hub.publish("ben", published("Ben of Benland", **SAME))
    hub.publish("ben", sighting("Ben of Benland", campaign_id(published("Ann", **SAME))))
    name, identity = "Benland", Producer("Ben of Benland", "amber", DAY0).id
    pages = ("objects/", "manifest/", "objects/?match[version]=all")
    for feed in (FEEDS["ben"], JOINED):
        for page in pages:
            text = hub.get(f"/exchange/collections/{feed}/{page}", who=reader).text
            assert name not in text
            assert identity not in text
            assert "ben" not in text.lower()
    assert hub.get(f"/exchange/collections/{FEEDS['ben']}/objects/{identity}/", who=reader).status_code == 404
    (found,) = hub.feed("ben", reader, "?match[type]=sighting")
    assert (found["created_by_ref"], found["where_sighted_refs"]) == (MEMBER, [MEMBER])
    assert identity in json.dumps(hub.feed("ben", "ben"))


def test_a_member_that_agreed_is_shown_as_it_published(hub: HubExchange) -> None:
    objects = published("Ann", **SAME)
    hub.publish("ann", objects)
    assert hub.feed("ann", "ben") == objects


def test_a_sighting_joins_a_campaign_that_one_member_published(hub: HubExchange) -> None:
    a = published("Ann", **SAME)
    hub.publish("ann", a)
    hub.publish("ann", sighting("Ann", campaign_id(a)))
    assert hub.joined("cat") == []
    hub.publish("ben", sighting("Ben", campaign_id(a)))
    (joined,) = hub.joined("cat")
    assert joined["labels"][1:] == ["providers:2", "parts:1", "confirmed-by:1"]


def test_what_changed_gets_a_new_version_and_what_does_not_hold_is_revoked(hub: HubExchange) -> None:
    a, b = published("Ann", **SAME), published("Ben", **SAME)
    hub.publish("ann", a)
    hub.publish("ben", b)
    (first,) = hub.joined("ann")
    assert hub.joined("ann") == [first]
    hub.clock.now += 60_000_000
    hub.publish("cat", sighting("Cat", campaign_id(a)))
    (second,) = hub.joined("ann")
    assert (second["id"], second["created"]) == (first["id"], first["created"])
    assert second["modified"] > first["modified"]
    revoked = [o | {"revoked": True, "modified": "2027-01-01T00:00:00.000Z"} for o in b if o["type"] == "campaign"]
    hub.publish("ben", revoked)
    (third,) = hub.joined("ann")
    assert third["labels"][1:] == ["providers:2", "parts:1", "confirmed-by:1"]
    gone = hub.request("DELETE", f"/exchange/collections/{FEEDS['cat']}/objects/{_sighting_id(hub)}/", who="cat")
    assert gone.status_code == 200
    assert hub.joined("ann") == []
    everything = hub.get(f"/exchange/collections/{JOINED}/objects/?match[type]=campaign", who="ann").json()["objects"]
    assert [o["revoked"] for o in everything] == [True]
    hub.publish("cat", sighting("Cat", campaign_id(a)))
    (again,) = hub.joined("ann")
    assert again["id"] != first["id"]


def _sighting_id(hub: HubExchange) -> str:
    return str(hub.feed("cat", "cat", "?match[type]=sighting")[0]["id"])


def test_what_the_hub_writes_is_strict_stix_and_passes_our_own_checks(hub: HubExchange) -> None:
    hub.publish("ann", published("Ann", **SAME, clients=[1]))
    hub.publish("ben", published("Ben", **SAME, clients=[1]))
    hub.publish("cat", sighting("Cat", campaign_id(published("Ann", **SAME))))
    found = hub.get(f"/exchange/collections/{JOINED}/objects/", who="cat").json()["objects"]
    assert len(found) == 3 + 6
    check_objects(found, "joined")
    for item in found:
        try:
            strict(json.dumps(item), allow_custom=False, version="2.1")
        except STIXError as exc:
            pytest.fail(f"{item['type']}: {exc}")


def test_nobody_writes_to_the_joined_collection(hub: HubExchange) -> None:
    assert hub.post(JOINED, published("Ann", **SAME), who="ann").status_code == 403


def test_a_member_cannot_rewrite_or_delete_what_another_published(hub: HubExchange) -> None:
    a = published("Ann", **SAME)
    hub.publish("ann", a)
    assert hub.post(FEEDS["ann"], a, who="ben").status_code == 403
    path = f"/exchange/collections/{FEEDS['ann']}/objects/{campaign_id(a)}/"
    assert hub.request("DELETE", path, who="ben").status_code == 403
