"""A case as a bundle."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from stillwatch.domain.verdict import Campaign
from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.stix.campaign import Draft
from stillwatch.sharing.stix.extension import definition
from stillwatch.sharing.stix.ids import object_id
from stillwatch.sharing.stix.producer import Attribution, Producer
from stillwatch.sharing.stix.tlp import marking

_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_ORDER = ("marking-definition", "extension-definition", "identity", "report", "campaign")


def names(producer: Producer, campaigns: Sequence[Campaign], going_on: Mapping[str, str]) -> dict[str, str]:
    """Campaign id of the case → id of the shared object: that of the earlier object that it goes on from, or one that
    follows from when it began, and its tactics where that is not enough.

    Not from the case's own id, which follows from a member's account id and could confirm it.
    """
    began = Counter(c.first_seen for c in campaigns)
    out = dict(going_on)
    for c in campaigns:
        key = (c.first_seen,) if began[c.first_seen] == 1 else (c.first_seen, *sorted(t.id for t in c.tactics))
        again = 1
        while c.id not in out:
            name = producer.object_id("campaign", *key, *([again] if again > 1 else []))
            if name not in out.values():
                out[c.id] = name
            again += 1
    return out


def bundle_objects(
    producer: Producer,
    campaigns: Sequence[Campaign],
    found: Mapping[str, tuple[Fingerprint, ...]],
    *,
    going_on: Mapping[str, str] | None = None,
    attribution: Attribution | None = None,
) -> dict[str, dict[str, Any]]:
    """All objects by id. ``found``: campaign id → fingerprints; ``going_on``: campaign id → id of an earlier object."""
    called = names(producer, campaigns, going_on or {})
    objects = {item["id"]: item for item in (marking(producer.tlp), *definition(), producer.identity())}
    for campaign in campaigns:
        prints = found.get(campaign.id, ())
        objects |= Draft(producer, campaign, called[campaign.id], prints, attribution).objects
    return objects


def write_bundle(objects: Mapping[str, dict[str, Any]]) -> bytes:
    """The bundle as JSON, its objects in a fixed order: the same objects, the same bytes."""
    ordered = sorted(objects.values(), key=lambda o: (_rank(o["type"]), o["type"], o["id"]))
    named = object_id("bundle", *((o["id"], o.get("modified", "")) for o in ordered))
    return to_bytes({"type": "bundle", "id": named, "objects": ordered})


def to_bytes(value: dict[str, Any]) -> bytes:
    """A bundle as JSON: ASCII, so that a terminal obeys nothing that it shows; one object a line."""
    head = _ENCODER.encode({k: v for k, v in value.items() if k != "objects"})
    body = ",\n".join(map(_ENCODER.encode, value["objects"]))
    return f'{head[:-1]},"objects":[\n{body}\n]}}\n'.encode("ascii")


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
