"""Confirmed leads as sightings to send back: that it was seen, when and how often; no account, no text, no name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stillwatch.sharing.inbound.folder import Decision
from stillwatch.sharing.inbound.records import Lead
from stillwatch.sharing.stix.bundle import write_bundle
from stillwatch.sharing.stix.campaign import MOST_COUNT
from stillwatch.sharing.stix.extension import definition, extended
from stillwatch.sharing.stix.producer import Producer
from stillwatch.sharing.stix.times import moment
from stillwatch.sharing.stix.tlp import marking, marking_id, narrower


def sightings(producer: Producer, found: Sequence[tuple[Lead, Decision]]) -> bytes:
    """A bundle with one sighting per confirmed lead, marked as narrowly as what it is a sighting of."""
    objects: dict[str, dict[str, Any]] = {}
    for item in (*definition(), producer.identity()):
        objects[item["id"]] = item
    for lead, decision in found:
        level = narrower(producer.tlp, lead.tlp)
        objects[marking_id(level)] = marking(level)
        made = _sighting(producer._replace(tlp=level, as_of=moment(decision.at)), lead)
        objects[made["id"]] = made
    return write_bundle(objects)


def _sighting(producer: Producer, lead: Lead) -> dict[str, Any]:
    telling = [m for m in lead.matches if not m.common]
    kinds = sorted({m.group for m in telling})
    seen = "networks and in what they send" if lead.strength == "two kinds" else "one kind of indicator"
    return {
        **producer.common("sighting", lead.about, lead.id),
        "description": f"Seen in our own log, and confirmed by a person: accounts that match in {seen}, "
        f"over {len(telling)} indicators.",
        "first_seen": lead.first_seen,
        "last_seen": lead.last_seen,
        "count": min(lead.exchanges, MOST_COUNT),
        "sighting_of_ref": lead.about,
        "where_sighted_refs": [producer.id],
        "labels": [f"class:{kind}" for kind in kinds] + (["two-kinds"] if lead.strength == "two kinds" else []),
        "extensions": extended("sighting", accounts=rounded(lead.accounts), kinds=kinds),
    }


def rounded(number: int) -> int:
    """To one figure: how large, not how many.

    >>> rounded(1234), rounded(7)
    (1000, 7)
    """
    return int(float(f"{number:.0e}"))
