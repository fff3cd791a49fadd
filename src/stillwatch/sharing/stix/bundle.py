"""A case as a bundle."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pyarrow.compute as pc

from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import Campaign, CaseResult
from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.stix.campaign import Draft
from stillwatch.sharing.stix.extension import definition
from stillwatch.sharing.stix.ids import object_id
from stillwatch.sharing.stix.producer import Attribution, Producer
from stillwatch.sharing.stix.tlp import marking

_ORDER = ("marking-definition", "extension-definition", "identity", "report", "campaign")


def chosen(case: CaseResult, wanted: Sequence[str]) -> tuple[Campaign, ...]:
    """The campaigns to share, those named or all. Groups with any other verdict are nobody else's business."""
    campaigns = {c.id: c for c in case.campaigns if c.verdict == "campaign"}
    if unknown := [name for name in wanted if name not in campaigns]:
        raise InputError(f"no campaign {unknown[0]!r} in the case", remedy="take an id from campaigns.json")
    found = tuple(campaigns[name] for name in wanted) if wanted else tuple(campaigns.values())
    if not found:
        raise InputError("the case holds no campaign to share", remedy="groups that are only watched stay at home")
    return found


def as_of(case: CaseResult) -> datetime:
    """The last moment that the case saw: what a bundle is true of, however often it is written."""
    last: datetime = pc.max(case.accounts["last_seen"]).as_py()
    return last


def members(case: CaseResult) -> dict[str, str]:
    """Account → campaign, for all accounts that are called members of one."""
    inside = case.accounts.filter(pc.equal(case.accounts["disposition"], "campaign"))
    return dict(zip(inside["account_id"].to_pylist(), inside["campaign_id"].to_pylist(), strict=True))


def keys(campaigns: Sequence[Campaign]) -> dict[str, tuple[str, ...]]:
    """What identifies each campaign among the producer's: when it began, and its tactics where that is not enough.

    Not the case's own id, which follows from a member's account id and could confirm it.
    """
    began = Counter(c.first_seen for c in campaigns)
    out: dict[str, tuple[str, ...]] = {}
    taken: Counter[tuple[str, ...]] = Counter()
    for c in campaigns:
        key = (c.first_seen,) if began[c.first_seen] == 1 else (c.first_seen, *sorted(t.id for t in c.tactics))
        taken[key] += 1
        out[c.id] = key if taken[key] == 1 else (*key, str(taken[key]))
    return out


def bundle_objects(
    producer: Producer,
    campaigns: Sequence[Campaign],
    found: Mapping[str, tuple[Fingerprint, ...]],
    *,
    identities: Mapping[str, tuple[str, ...]] | None = None,
    attribution: Attribution | None = None,
) -> dict[str, dict[str, Any]]:
    """All objects by id. ``found``: campaign id → fingerprints; ``identities``: what identifies a campaign."""
    identities = identities or keys(campaigns)
    objects = {item["id"]: item for item in (marking(producer.tlp), *definition(), producer.identity())}
    for campaign in campaigns:
        prints = found.get(campaign.id, ())
        objects |= Draft(producer, campaign, identities[campaign.id], prints, attribution).objects
    return objects


def write_bundle(objects: Mapping[str, dict[str, Any]]) -> bytes:
    """The bundle as JSON, its objects in a fixed order: the same objects, the same bytes."""
    ordered = sorted(objects.values(), key=lambda o: (_rank(o["type"]), o["type"], o["id"]))
    named = object_id("bundle", *((o["id"], o.get("modified", "")) for o in ordered))
    return to_bytes({"type": "bundle", "id": named, "objects": ordered})


def to_bytes(value: Any) -> bytes:
    """ASCII, so that a terminal obeys nothing that it shows; one object a line, so that people can look at it."""
    if isinstance(value, dict) and isinstance(value.get("objects"), list):
        head = {k: v for k, v in value.items() if k != "objects"}
        body = ",\n".join(json.dumps(o, separators=(",", ":"), allow_nan=False) for o in value["objects"])
        return f'{json.dumps(head, separators=(",", ":"))[:-1]},"objects":[\n{body}\n]}}\n'.encode("ascii")
    return (json.dumps(value, separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
