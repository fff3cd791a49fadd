"""What one viewer may know: the joined campaigns that follow from the objects it may see, and from no others."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from typing import NamedTuple

from stillwatch.sharing.hub.correlate import Match, correlate
from stillwatch.sharing.hub.parts import Part, Seen, parts
from stillwatch.sharing.stix.tlp import narrower


class Sighted(NamedTuple):
    """A member's word that it saw a campaign of somebody else's."""

    org: str
    id: str
    campaign: str


class Joined(NamedTuple):
    """One campaign as several members saw it."""

    parts: tuple[Part, ...]
    sighted: tuple[Sighted, ...]
    matches: tuple[tuple[str, str, Match], ...]
    """(campaign id, campaign id, what they share)"""
    tlp: str
    """The narrowest label of everything that went into it."""

    @property
    def orgs(self) -> frozenset[str]:
        """Organisations that published a part or sighted one."""
        return frozenset(p.org for p in self.parts) | frozenset(s.org for s in self.sighted)

    @property
    def start(self) -> datetime:
        return min(p.start for p in self.parts)

    @property
    def end(self) -> datetime:
        return max(p.end for p in self.parts)


def picture(seen: Iterable[Seen]) -> list[Joined]:
    """Campaigns that at least two organisations published or sighted. A function of what is seen, and of nothing else:
    objects that a viewer may not see can change nothing that it is told."""
    seen = list(seen)
    found = parts(seen)
    by_campaign: dict[str, list[tuple[Sighted, str]]] = {}
    for one in seen:
        if one.fact.kind == "sighting":
            sighted = Sighted(one.org, one.id, one.fact.target)
            by_campaign.setdefault(one.fact.target, []).append((sighted, one.tlp))
    correlation = correlate(found)
    grouped = {n for group in correlation.groups for n in group}
    groups = [*correlation.groups, *((n,) for n in range(len(found)) if n not in grouped)]
    out = []
    for group in groups:
        members = tuple(found[n] for n in group)
        whose = {p.id: p.org for p in members}
        # A member's sighting of its own campaign says nothing new.
        words = [w for p in members for w in by_campaign.get(p.id, ()) if w[0].org != whose[p.id]]
        joined = Joined(
            members,
            tuple(sorted(sighted for sighted, _ in words)),
            tuple((found[m.one].id, found[m.other].id, m) for m in correlation.matches if m.one in group),
            reduce(narrower, [p.tlp for p in members] + [tlp for _, tlp in words]),
        )
        if len(joined.orgs) > 1:
            out.append(joined)
    return sorted(out, key=lambda j: j.parts[0].id)
