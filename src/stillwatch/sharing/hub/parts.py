"""Campaigns as members published them: what the hub reads out of STIX objects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from stillwatch.domain.errors import InputError
from stillwatch.sharing.fingerprints.kinds import ALGORITHM, PLACE, STACK, WORK
from stillwatch.sharing.inbound.conditions import Atom, NotEvaluated, alternatives
from stillwatch.sharing.inbound.pattern import parse
from stillwatch.sharing.inbound.tokens import PatternSyntaxError
from stillwatch.sharing.inbound.wanted import group_of
from stillwatch.sharing.stix.extension import extension_of
from stillwatch.sharing.stix.times import moment
from stillwatch.sharing.stix.tlp import narrower


class Fact(NamedTuple):
    """What one object says, as far as joining goes. ``kind`` is its STIX type."""

    kind: str
    name: str = ""
    start: datetime | None = None
    end: datetime | None = None
    source: str = ""
    """Of a relationship (``indicates``) …"""
    target: str = ""
    """… and of a sighting."""
    values: frozenset[Atom] = frozenset()
    group: str = ""
    """Of an indicator: ``place``, ``stack`` or ``work``."""


class Seen(NamedTuple):
    """One object that a viewer may see."""

    org: str
    id: str
    tlp: str
    fact: Fact


class Part(NamedTuple):
    """One member's campaign."""

    org: str
    id: str
    tlp: str
    """The narrowest label of the campaign and of every indicator that counts for it."""
    name: str
    start: datetime
    end: datetime
    place: frozenset[Atom]
    stack: frozenset[Atom]
    work: frozenset[Atom]


TYPES = ("campaign", "indicator", "relationship", "sighting")
MOST_VALUES = 256
"""Of one indicator; a template has 64 marks. A longer list would only be there to match everybody."""
MOST_CAMPAIGNS = 100
"""Of one organisation, the latest: every campaign is compared with every other, and one member must not make that
unaffordable for all."""


def read_fact(item: dict[str, Any]) -> Fact | None:
    """None for what plays no part: revoked objects, other relationships, patterns that cannot be compared; and STIX
    2.0, whose objects are stored without the checks that everything here relies on."""
    kind = item["type"]
    if item.get("spec_version") != "2.1" or item.get("revoked") or kind not in TYPES:
        return None
    if kind == "relationship":
        if item.get("relationship_type") != "indicates":
            return None
        return Fact(kind, source=str(item.get("source_ref")), target=str(item.get("target_ref")))
    try:
        if kind == "indicator":
            return _indicator(item)
        start = moment(str(item.get("first_seen") or item["created"]))
        end = moment(str(item.get("last_seen") or item["modified"]))
    except (InputError, KeyError, ValueError):
        return None
    if kind == "sighting":
        return Fact(kind, start=start, end=end, target=str(item.get("sighting_of_ref")))
    return Fact(kind, str(item.get("name", "")), start, max(start, end))


def _indicator(item: dict[str, Any]) -> Fact | None:
    """All values that a pattern asks for. Of a template these are its marks: templates agree by how many they share."""
    if item.get("pattern_type") != "stix":
        return None
    more = extension_of(item)
    if more.get("algorithm", ALGORITHM) != ALGORITHM:
        return None
    try:
        read = parse(str(item.get("pattern")))
        if read.observation is None:
            return None
        found = alternatives(read.observation, tuple(more.get("marks", ())), float(more.get("coverage", 1.0)))
    except (NotEvaluated, PatternSyntaxError):
        return None
    atoms = frozenset(atom for alternative in found for condition in alternative for atom in condition.atoms)
    return Fact("indicator", values=atoms, group=group_of(found)) if len(atoms) <= MOST_VALUES else None


def parts(seen: Iterable[Seen]) -> list[Part]:
    """The latest campaigns of all members, in the order of organisation and id."""
    campaigns: dict[tuple[str, str], Seen] = {}
    indicators: dict[tuple[str, str], Seen] = {}
    links: list[Seen] = []
    for one in seen:
        if one.fact.kind == "campaign":
            campaigns[one.org, one.id] = one
        elif one.fact.kind == "indicator":
            indicators[one.org, one.id] = one
        elif one.fact.kind == "relationship":
            links.append(one)
    about: dict[tuple[str, str], set[tuple[str, str]]] = {key: set() for key in campaigns}
    for link in links:
        campaign, indicator = (link.org, link.fact.target), (link.org, link.fact.source)
        if campaign in campaigns and indicator in indicators:
            about[campaign].add(indicator)
    return [_part(campaigns[key], [indicators[i] for i in sorted(about[key])]) for key in sorted(_latest(campaigns))]


def _latest(campaigns: dict[tuple[str, str], Seen]) -> list[tuple[str, str]]:
    """Of each organisation, those that went on longest; of equals, any in a fixed order."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for (org, name), one in campaigns.items():
        assert one.fact.end is not None
        found.setdefault(org, []).append((one.fact.end, name))
    return [(org, name) for org, ones in found.items() for _, name in sorted(ones, reverse=True)[:MOST_CAMPAIGNS]]


def _part(campaign: Seen, indicators: list[Seen]) -> Part:
    values: dict[str, set[Atom]] = {PLACE: set(), STACK: set(), WORK: set()}
    tlp = campaign.tlp
    for one in indicators:
        values[one.fact.group] |= one.fact.values
        tlp = narrower(tlp, one.tlp)
    fact = campaign.fact
    assert fact.start is not None
    assert fact.end is not None
    place, stack, work = (frozenset(values[group]) for group in (PLACE, STACK, WORK))
    return Part(campaign.org, campaign.id, tlp, fact.name, fact.start, fact.end, place, stack, work)
