"""What became of an earlier bundle: ids that go on, new versions of what changed, revocations of what does not hold.

An object is revoked when the case looked at the time that the object speaks of and does not find it any more. What lies
before or after the case's log is left as it was, to run out by ``valid_until``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from stillwatch.domain.verdict import Campaign
from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.inbound.bundle import Bundle
from stillwatch.sharing.inbound.shapes import is_time
from stillwatch.sharing.stix.extension import extension_of
from stillwatch.sharing.stix.patterns import pattern
from stillwatch.sharing.stix.producer import Producer
from stillwatch.sharing.stix.times import moment, stamp

Object = dict[str, Any]
SAME = 1 / 3
"""A campaign goes on when it shares at least this part of the smaller list of patterns, and two of them."""
_OF_ITS_TIME = ("created", "modified")


class Span(NamedTuple):
    """The time that a case looked at."""

    first: datetime
    last: datetime

    def covers(self, start: str, end: str) -> bool:
        """Whether all of some time was looked at; cases and bundles cut times to seconds and milliseconds."""
        return self.first.replace(microsecond=0) <= moment(start) and moment(end) <= self.last


class Earlier:
    """Campaigns of an earlier bundle of the same producer."""

    def __init__(self, producer: Producer, bundle: Bundle) -> None:
        self.own = {name: o for name, o in bundle.objects.items() if o.get("created_by_ref") == producer.id}
        self.patterns: dict[str, set[str]] = {
            name: set() for name, o in self.own.items() if o["type"] == "campaign" and not o.get("revoked")
        }
        for link in self.own.values():
            if link["type"] == "relationship" and link["relationship_type"] == "indicates":
                source = bundle.objects.get(link["source_ref"])
                if source is not None and link["target_ref"] in self.patterns:
                    self.patterns[link["target_ref"]].add(source["pattern"])

    def continued(self, campaigns: Sequence[Campaign], found: Mapping[str, tuple[Fingerprint, ...]]) -> dict[str, str]:
        """Campaign id → id of the object that it goes on from; the closest pairs first, each at most once."""
        pairs = []
        for c in campaigns:
            mine = {pattern(f) for f in found.get(c.id, ())}
            for name, theirs in self.patterns.items():
                shared = len(mine & theirs)
                if shared >= 2 and shared >= SAME * min(len(mine), len(theirs)):
                    pairs.append((-shared / len(mine | theirs), c.id, name))
        out: dict[str, str] = {}
        for _, mine_id, name in sorted(pairs):
            if mine_id not in out and name not in out.values():
                out[mine_id] = name
        return out


def superseding(objects: Mapping[str, Object], earlier: Earlier, span: Span, as_of: datetime) -> dict[str, Object]:
    """The objects with the history of the earlier bundle: unchanged ones as they were, changed ones as new versions."""
    out: dict[str, Object] = {}
    for name, item in objects.items():
        known = earlier.own.get(name)
        out[name] = item if known is None else _following(item, known, as_of)
    gone = {name for name, item in earlier.own.items() if name not in out and not item.get("revoked")}
    for name in gone & _refuted(earlier.own, gone, span):
        out[name] = {**earlier.own[name], "modified": _after(earlier.own[name], as_of), "revoked": True}
    return out


def _following(item: Object, known: Object, as_of: datetime) -> Object:
    if "published" in item:
        item = {**item, "published": known["published"]}
    same = {k: v for k, v in item.items() if k not in _OF_ITS_TIME} == {
        k: v for k, v in known.items() if k not in _OF_ITS_TIME
    }
    if same:
        return known
    return {**item, "created": known["created"], "modified": _after(known, as_of)}


def _after(known: Object, as_of: datetime) -> str:
    """The case's time, or just after the earlier version where that is later."""
    return stamp(max(as_of, moment(known["modified"]) + timedelta(milliseconds=1)))


def _refuted(own: Mapping[str, Object], gone: set[str], span: Span) -> set[str]:
    """Campaigns and indicators whose time was looked at again; with a campaign its whole report, and all links."""
    out: set[str] = set()
    for name in gone:
        item = own[name]
        if item["type"] == "campaign" and span.covers(item["first_seen"], item["last_seen"]):
            out.add(name)
        elif item["type"] == "indicator":
            last = str(extension_of(item).get("last_seen"))
            if span.covers(item["valid_from"], last if is_time(last) else item["valid_from"]):
                out.add(name)
    campaigns = {name for name in out if own[name]["type"] == "campaign"}
    for name in gone:
        if own[name]["type"] == "report" and campaigns & set(own[name]["object_refs"]):
            out |= {name} | (gone & set(own[name]["object_refs"]))
    return out | {
        name
        for name in gone
        if own[name]["type"] == "relationship" and out & {own[name]["source_ref"], own[name]["target_ref"]}
    }
