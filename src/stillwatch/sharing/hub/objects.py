"""A joined campaign as STIX objects for one member."""

from __future__ import annotations

from collections.abc import Container, Mapping
from itertools import count
from typing import Any

from stillwatch.sharing.hub.correlate import Match
from stillwatch.sharing.hub.picture import Joined
from stillwatch.sharing.stix.ids import object_id
from stillwatch.sharing.stix.times import stamp
from stillwatch.sharing.stix.tlp import marking_id

HUB = object_id("identity", "hub")
MEMBER = object_id("identity", "hub", "member")
"""Stands for every member that is not named."""
HEURISTIC = (
    "Campaigns are joined by a rule over shared indicators, which is a heuristic: a lead for people, not a finding "
    "about an account."
)
MOST_SAID = 12
"""Pairs that are spelled out in the description: thirty members have 435, and readers bound the length of a text."""
MOST_LINKS = 1_000
"""Pairs that are told as relationships, those that share most."""
Object = dict[str, Any]


def identities(title: str, shown: Mapping[str, str]) -> list[Object]:
    """The hub, the member that stands for all unnamed ones, and the named ones. ``shown``: organisation → name."""
    system = {"identity_class": "system", "description": "A hub: it joins what its members publish."}
    return [
        {"type": "identity", "id": HUB, "name": title, **system},
        {"type": "identity", "id": MEMBER, "name": "A member of this exchange", "identity_class": "organization"},
        *(
            {"type": "identity", "id": named(org), "name": name, "identity_class": "organization"}
            for org, name in sorted(shown.items())
        ),
    ]


def named(org: str) -> str:
    """The id under which the hub names an organisation that agreed to it."""
    return object_id("identity", "hub", "member", org)


def objects(joined: Joined, viewer: str, shown: Mapping[str, str], revoked: Container[str] = ()) -> list[Object]:
    """All objects about one joined campaign, without times of creation.

    Their ids follow from the viewer too: what another member is told of the same campaign may be more or less. An id
    that was ``revoked`` is never used again (STIX 2.1, 3.6.2).
    """
    marks = [marking_id(joined.tlp)]
    first = min(p.id for p in joined.parts)
    campaign = next(
        name for again in count() if (name := object_id("campaign", "hub", viewer, first, again)) not in revoked
    )
    confirmed = sorted({s.org for s in joined.sighted})
    out: list[Object] = [
        {
            "type": "campaign",
            "id": campaign,
            "name": f"Joined campaign: {len(joined.orgs)} providers since {stamp(joined.start)[:10]}",
            "description": " ".join([*_facts(joined, shown), HEURISTIC]),
            "first_seen": stamp(joined.start),
            "last_seen": stamp(joined.end),
            "labels": [
                "joined-campaign",
                f"providers:{len(joined.orgs)}",
                f"parts:{len(joined.parts)}",
                f"confirmed-by:{len(confirmed)}",
            ],
        }
    ]
    out += [_link(campaign, "derived-from", p.id, "A part of it, as one provider saw it.") for p in joined.parts]
    for one, other, match in _strongest(joined)[:MOST_LINKS]:
        shared = f"In common: {match.work} of what they send, {match.place} networks, {match.stack} client stacks."
        out.append(_link(one, "related-to", other, shared, campaign))
    if confirmed:
        out.append(
            {
                "type": "sighting",
                "id": object_id("sighting", "hub", campaign),
                "description": f"{len(confirmed)} provider(s) found a part of it in their own logs and confirmed it.",
                "count": len(confirmed),
                "first_seen": stamp(joined.start),
                "last_seen": stamp(joined.end),
                "sighting_of_ref": campaign,
                "where_sighted_refs": sorted({named(o) if o in shown else MEMBER for o in confirmed}),
            }
        )
    members = sorted({*(p.id for p in joined.parts), *(o["id"] for o in out)})
    out.append(
        {
            "type": "grouping",
            "id": object_id("grouping", "hub", campaign),
            "name": f"What {len(joined.orgs)} providers saw of one campaign",
            "context": "suspicious-activity",
            "object_refs": members,
        }
    )
    return [{**item, "object_marking_refs": marks} for item in out]


def _facts(joined: Joined, shown: Mapping[str, str]) -> list[str]:
    orgs = sorted(joined.orgs)
    names = [shown[org] for org in orgs if org in shown]
    said = [
        f"{len(orgs)} providers saw parts of one campaign between {stamp(joined.start)} and {stamp(joined.end)}: "
        f"{len(joined.parts)} published, {len({s.org for s in joined.sighted})} confirmed in their own logs."
    ]
    if names:
        others = len(orgs) - len(names)
        said.append(f"Among them: {', '.join(names)}" + (f" and {others} unnamed." if others else "."))
    strongest = _strongest(joined)
    for one, other, match in strongest[:MOST_SAID]:
        said.append(
            f"{one} and {other} share {match.work} values of what they send, {match.place} networks and "
            f"{match.stack} client stacks that are not common among campaigns here."
        )
    if (more := len(strongest) - MOST_SAID) > 0:
        said.append(f"{more:,} more pairs of parts share as much or less.")
    return said


def _strongest(joined: Joined) -> list[tuple[str, str, Match]]:
    """Pairs of parts by how much they share."""
    return sorted(joined.matches, key=lambda m: (-m[2].work - m[2].place, m[0], m[1]))


def _link(source: str, kind: str, target: str, description: str, *more: str) -> Object:
    return {
        "type": "relationship",
        "id": object_id("relationship", "hub", source, kind, target, *more),
        "relationship_type": kind,
        "source_ref": source,
        "target_ref": target,
        "description": description,
    }
