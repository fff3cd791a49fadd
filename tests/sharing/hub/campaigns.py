"""Campaigns as members publish them, made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.stix.indicators import pattern
from stillwatch.sharing.stix.producer import Producer
from stillwatch.sharing.stix.times import stamp
from stillwatch.sharing.stix.tlp import marking_id

DAY0 = datetime(2026, 6, 15, tzinfo=UTC)


def published(
    who: str,
    number: int = 1,
    *,
    networks: Iterable[int] = (),
    marks: Iterable[int] = (),
    clients: Iterable[int] = (),
    tlp: str = "amber",
    day: int = 0,
    days: int = 2,
) -> list[dict[str, Any]]:
    """A campaign, its indicators and the links between them, as `share stix` shapes them."""
    producer = Producer(who, tlp, DAY0 + timedelta(days=day + days))
    start = DAY0 + timedelta(days=day)
    campaign = {
        **producer.common("campaign", number),
        "name": f"Adversarial distillation {number}",
        "first_seen": stamp(start),
        "last_seen": stamp(start + timedelta(days=days)),
    }
    prints = [("network", f"198.{n // 256}.{n % 256}.0/24") for n in networks]
    prints += [("prompt", f"{mark:016x}") for mark in marks]
    prints += [("client", f"tool/{n}") for n in clients]
    out = [producer.identity(), campaign]
    for kind, value in prints:
        found = Fingerprint(kind, value, 9, 0, 90, 0, 0)
        made = {
            **producer.common("indicator", campaign["id"], kind, value),
            "name": value,
            "pattern": pattern(found),
            "pattern_type": "stix",
            "valid_from": stamp(start),
        }
        out += [made, producer.relationship(made["id"], "indicates", campaign["id"])]
    return out


def sighting(who: str, campaign: str, *, tlp: str = "amber") -> list[dict[str, Any]]:
    """A member's word that it saw a campaign."""
    producer = Producer(who, tlp, DAY0 + timedelta(days=5))
    return [
        producer.identity(),
        {
            **producer.common("sighting", campaign),
            "first_seen": stamp(DAY0),
            "last_seen": stamp(DAY0 + timedelta(days=1)),
            "sighting_of_ref": campaign,
            "where_sighted_refs": [producer.id],
        },
    ]


def campaign_id(objects: list[dict[str, Any]]) -> str:
    return next(str(o["id"]) for o in objects if o["type"] == "campaign")


def marked(objects: list[dict[str, Any]], tlp: str) -> list[dict[str, Any]]:
    """The same objects under another label."""
    return [o | ({"object_marking_refs": [marking_id(tlp)]} if "object_marking_refs" in o else {}) for o in objects]
