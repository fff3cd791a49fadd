"""Whatever one member publishes, the others go on reading what is joined, and what is joined stays readable."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from stillwatch.sharing.hub.objects import MOST_SAID, objects
from stillwatch.sharing.hub.parts import MOST_CAMPAIGNS, MOST_VALUES, Seen, parts, read_fact
from stillwatch.sharing.hub.picture import picture
from stillwatch.sharing.inbound.limits import DEFAULT
from stillwatch.sharing.stix.tlp import level_of
from tests.sharing.hub.campaigns import campaign_id, published, sighting
from tests.sharing.hub.conftest import FEEDS, JOINED, HubExchange, make_hub
from tests.sharing.taxii.exchange import Clock

STRANGE: list[Any] = [
    None, True, -1, 1e300, "", "x", [], {}, [1], [[]], {"x": []}, "9999-12-31T23:59:59Z", "2026-06-15T23:59:60Z",
    "[a:b = 1] FOLLOWEDBY [a:b = 2]", {"extension-definition--x": 1},
]  # fmt: skip


def seen(org: str, published_objects: list[dict[str, Any]]) -> list[Seen]:
    out = []
    for item in published_objects:
        fact = read_fact(item)
        if fact is not None:
            out.append(Seen(org, item["id"], level_of(item, "amber"), fact))
    return out


@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_no_property_of_no_object_keeps_the_joined_collection_from_the_others(tmp_path: Path, version: str) -> None:
    """Objects of STIX 2.0 are stored with fewer checks: nothing may rely on what was not checked."""
    chance = random.Random(5)
    hub = make_hub(tmp_path / "hub.sqlite", Clock())
    hub.publish("ann", published("Ann", networks=range(4), marks=range(3)))
    hub.publish("ben", published("Ben", networks=range(4), marks=range(3)))
    base = [*published("Cat", networks=[7], marks=[8], clients=[9]), *sighting("Cat", "campaign--x")]
    odd = []
    for number in range(400):
        item = dict(chance.choice(base))
        item["id"] = f"{item['type']}--00000000-0000-4000-8000-{number:012x}"
        for name in chance.sample([*item, "extensions", "revoked", "pattern", "object_marking_refs"], 2):
            if name not in ("id", "type", "spec_version"):
                item[name] = chance.choice(STRANGE)
        if version == "2.0":
            item.pop("spec_version", None)
        odd.append(item)
    done = hub.post(FEEDS["cat"], odd, who="cat")
    assert done.status_code == 202
    assert done.json().get("success_count", 0) > 20
    for who in ("ann", "ben"):
        assert hub.get(f"/exchange/collections/{JOINED}/objects/", who=who).status_code == 200
        (joined,) = hub.joined(who)
        assert "2 published" in joined["description"]
        assert hub.get(f"/exchange/collections/{FEEDS['cat']}/objects/", who=who).status_code == 200
    assert len(hub.hub.overview()) == 1
    hub.engine.dispose()


def test_what_many_members_saw_is_told_in_texts_that_every_reader_takes() -> None:
    everything = [
        one for n in range(40) for one in seen(f"m{n}", published(f"M{n}", networks=range(4), marks=range(3)))
    ]
    (joined,) = picture(everything)
    told = objects(joined, "m0", {})
    assert len(joined.matches) == 40 * 39 // 2
    assert max(len(text) for item in told for text in item.values() if isinstance(text, str)) < DEFAULT.text / 8
    assert len(json.dumps(told)) < 2_000_000
    (campaign,) = [o for o in told if o["type"] == "campaign"]
    assert campaign["description"].count(" share ") == MOST_SAID + 1
    assert f"{40 * 39 // 2 - MOST_SAID} more pairs" in campaign["description"]


def test_of_a_member_with_very_many_campaigns_the_latest_are_compared() -> None:
    honest = seen("ann", published("Ann", networks=range(4), marks=range(3)))
    honest += seen("ben", published("Ben", networks=range(4), marks=range(3)))
    flood = [item for n in range(3_000) for item in seen("cat", published("Cat", n, day=-(n % 300)))]
    found = parts([*honest, *flood])
    assert sum(p.org == "cat" for p in found) == MOST_CAMPAIGNS
    assert min(p.end for p in found if p.org == "cat") > min(s.fact.end for s in flood if s.fact.end)
    assert [j.orgs for j in picture([*honest, *flood])] == [{"ann", "ben"}]


def test_an_indicator_of_everything_indicates_nothing() -> None:
    """One pattern with thousands of values would match whatever others publish."""
    bundle = published("Cat", networks=range(4), marks=range(3))
    marks = ", ".join(f"'{n:016x}'" for n in range(MOST_VALUES + 1))
    for item in bundle:
        if item["type"] == "indicator" and "prompt" in item["pattern"]:
            item["pattern"] = f"[x-stillwatch-request:prompt_skeleton IN ({marks})]"
    (part,) = parts(seen("cat", bundle))
    assert part.work == frozenset()
    assert len(part.place) == 4


def test_a_sighting_of_what_nobody_published_joins_nothing(hub: HubExchange) -> None:
    a = published("Ann", networks=range(4), marks=range(3))
    hub.publish("cat", sighting("Cat", campaign_id(a)))
    assert hub.joined("cat") == []
