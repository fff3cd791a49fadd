"""TLP 2.0 at the hub, in the feeds and in what the hub makes of them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.sharing.inbound.bundle import check_objects
from stillwatch.sharing.stix.tlp import LEVELS, level_of
from stillwatch.sharing.taxii.client import Client, Credentials
from stillwatch.sharing.taxii.pull import pull
from stillwatch.sharing.taxii.push import push
from tests.sharing.hub.campaigns import campaign_id, published, sighting
from tests.sharing.hub.conftest import FEEDS, NAMES, HubExchange, make_hub
from tests.sharing.taxii.exchange import Clock, on_loopback, secret_of

SAME: dict[str, Any] = {"networks": range(4), "marks": range(3)}


@pytest.mark.parametrize("tlp", ["clear", "green", "amber"])
def test_clear_green_and_amber_are_for_all_members(hub: HubExchange, tlp: str) -> None:
    hub.publish("ann", published("Ann", **SAME, tlp=tlp))
    assert len(hub.feed("ann", "ben")) == len(hub.feed("ann", "ann")) == 16


def test_amber_strict_stays_in_its_own_house(hub: HubExchange) -> None:
    hub.publish("ann", published("Ann", **SAME, tlp="amber+strict"))
    hub.publish("ben", published("Ben", **SAME))
    assert [o["type"] for o in hub.feed("ann", "ben")] == ["identity"]
    assert len(hub.feed("ann", "ann")) == 16
    for page in ("manifest/", f"objects/{campaign_id(published('Ann', **SAME))}/"):
        found = hub.get(f"/exchange/collections/{FEEDS['ann']}/{page}", who="ben").json()
        assert [o["id"].partition("--")[0] for o in found.get("objects", [])] in (["identity"], [])
    assert hub.joined("ben") == []
    assert [level_of(o, "") for o in hub.joined("ann")] == ["amber+strict"]
    assert [j.tlp for j in hub.hub.overview()] == ["amber+strict"]


def test_red_is_for_the_named_only(hub: HubExchange) -> None:
    hub.publish("ann", published("Ann", **SAME, tlp="red"), "ben")
    hub.publish("ben", published("Ben", **SAME))
    hub.publish("cat", published("Cat", **SAME))
    assert len(hub.feed("ann", "ben")) == 16
    assert [o["type"] for o in hub.feed("ann", "cat")] == ["identity"]
    told = {who: [o["labels"][1] for o in hub.joined(who)] for who in NAMES}
    assert told == {"ann": ["providers:3"], "ben": ["providers:3"], "cat": ["providers:2"]}
    assert [len(j.orgs) for j in hub.hub.overview()] == [2]
    assert {level_of(o, "") for o in hub.told("ben")} == {"red"}
    assert {level_of(o, "") for o in hub.told("cat")} == {"amber"}


def test_red_goes_by_push_and_pull_to_the_named_only(hub: HubExchange, tmp_path: Path) -> None:
    objects = published("Ann", **SAME, tlp="red")
    with on_loopback(hub.app) as url:

        def client(who: str) -> Client:
            return Client(url, Credentials(f"{who}.{secret_of(who)}"))

        with client("ann") as ann:
            sent = push(ann, check_objects(objects, "test"), ["ben"], lambda: None)
        assert (sent.accepted, sent.failures) == (16, {})
        got = {}
        for who in ("ben", "cat"):
            with client(who) as reader:
                got[who] = sum(f.objects for f in pull(reader, tmp_path / who, None) if f.feed.id == FEEDS["ann"])
    assert got == {"ben": 16, "cat": 1}


def test_a_narrower_part_of_an_object_narrows_all_of_it(hub: HubExchange) -> None:
    objects = published("Ann", **SAME, tlp="green")
    red = published("Ann", **SAME, tlp="red")[1]["object_marking_refs"][0]
    objects[1] = objects[1] | {"granular_markings": [{"marking_ref": red, "selectors": ["name"]}]}
    hub.publish("ann", objects)
    assert campaign_id(objects) not in [o["id"] for o in hub.feed("ann", "ben")]


def test_what_carries_no_label_is_for_members(hub: HubExchange) -> None:
    plain = [{k: v for k, v in o.items() if k != "object_marking_refs"} for o in published("Ann", **SAME)]
    hub.publish("ann", plain)
    assert len(hub.feed("ann", "ben")) == 16


def test_a_narrower_later_version_hides_itself_and_not_the_earlier_one(hub: HubExchange) -> None:
    objects = published("Ann", **SAME)
    hub.publish("ann", objects)
    later = published("Ann", **SAME, tlp="red")[1] | {"modified": "2027-01-01T00:00:00.000Z", "name": "secret"}
    hub.publish("ann", [later])
    assert [o["name"] for o in hub.feed("ann", "ben", "?match[type]=campaign")] == ["Adversarial distillation 1"]
    assert [o["name"] for o in hub.feed("ann", "ann", "?match[type]=campaign")] == ["secret"]


_CAMPAIGN = st.tuples(
    st.sampled_from(NAMES),
    st.integers(1, 3),
    st.sets(st.integers(0, 5), max_size=4),
    st.sets(st.integers(0, 5), max_size=4),
    st.sampled_from(LEVELS),
    st.sets(st.sampled_from(NAMES), max_size=2),
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(_CAMPAIGN, min_size=1, max_size=6, unique_by=lambda c: (c[0], c[1])), st.sampled_from(NAMES))
def test_what_a_member_may_not_see_changes_nothing_that_it_is_told(made: list[Any], reader: str) -> None:
    """Non-interference: a hub with and one without the hidden campaigns answer alike, byte for byte."""
    answers = []
    for hidden_too in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            hub = make_hub(Path(folder) / "hub.sqlite", Clock())
            for who, number, networks, marks, tlp, recipients in made:
                hub.clock.now += 5_000_000
                seen = who == reader or tlp in LEVELS[:3] or (tlp == "red" and reader in recipients)
                if seen or hidden_too:
                    objects = published(who.title(), number, networks=networks, marks=marks, tlp=tlp)
                    hub.publish(who, objects[1:], *sorted(recipients))
            pages = [hub.page(feed, reader, what) for feed in NAMES for what in ("manifest/", "objects/")]
            answers.append((pages, hub.told(reader)))
            hub.engine.dispose()
    assert answers[0] == answers[1]


@pytest.mark.parametrize("tlp", ["amber+strict", "red"])
def test_times_of_addition_do_not_count_what_is_hidden(hub: HubExchange, tlp: str) -> None:
    """In one push, objects for all and objects for few, mixed."""
    dates = []
    for hidden in (3, 30):
        hub.clock.now += 5_000_000
        number = 100 + hidden
        strict = published("Ann", number, networks=range(hidden), marks=(), tlp=tlp)[1:]
        wide = published("Ann", number + 1, networks=range(4), marks=(), tlp="green")[1:]
        mixed = [*strict[:2], *wide[:5], *strict[2:], *wide[5:]]
        hub.publish("ann", mixed, "cat")
        seen = hub.get(f"/exchange/collections/{FEEDS['ann']}/manifest/", who="ben").json()["objects"]
        assert len(seen) == len(wide) * (1 + len(dates))
        dates.append([int(o["date_added"][20:26]) for o in seen[-len(wide) :]])
    assert dates[0] == dates[1]
    assert len(hub.feed("ann", "cat")) == (2 * len(wide) if tlp == "amber+strict" else len(hub.feed("ann", "ann")))


def test_red_cannot_be_opened_to_more_without_a_new_version(hub: HubExchange) -> None:
    """Whoever has read past it would never be given it: that must not look like success."""
    red = published("Ann", **SAME, tlp="red")[1:]
    hub.publish("ann", red, "ben")
    for recipients, says in ((["ben"], ""), (["cat"], "publish a later version"), (["ben", "cat"], "later version")):
        done = hub.post(FEEDS["ann"], red, who="ann", envelope={"x_stillwatch_recipients": recipients}).json()
        assert done["failure_count"] == (len(red) if says else 0)
        assert all(says in failure["message"] for failure in done.get("failures", []))
    assert hub.feed("ann", "cat") == []
    hub.publish("ann", [o | {"modified": "2027-01-01T00:00:00.000Z"} for o in red], "ben", "cat")
    assert len(hub.feed("ann", "cat")) == len(red)


def test_a_sighting_counts_for_whom_it_may_be_seen_by(hub: HubExchange) -> None:
    objects = published("Ann", **SAME)
    hub.publish("ann", objects)
    hub.publish("ben", sighting("Ben", campaign_id(objects), tlp="amber+strict"))
    assert hub.joined("cat") == hub.joined("ann") == []
    assert [o["labels"][1] for o in hub.joined("ben")] == ["providers:2"]
