"""A case as events of MISP, made with pymisp's own objects: the facts of the STIX bundle, where MISP users look."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid5

from pymisp import MISPEvent, MISPObject, MISPOrganisation

from stillwatch.domain.verdict import Campaign
from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.fingerprints.kinds import BY_NAME
from stillwatch.sharing.stix import words
from stillwatch.sharing.stix.catalogue import answers, load, references
from stillwatch.sharing.stix.ids import OWN, canonical
from stillwatch.sharing.stix.patterns import pattern
from stillwatch.sharing.stix.producer import Producer

_DISTRIBUTION = {"clear": 3, "green": 2, "amber": 1, "amber+strict": 0, "red": 0}
"""Of an event, by TLP: 3 all communities, 2 connected communities, 1 this community only, 0 your organisation only."""
_TRAFFIC = "Network activity"


def _uuid(*parts: Any) -> str:
    return str(uuid5(OWN, canonical(["misp", *parts])))


class _Event:
    """One campaign as an event; all ids and times follow from the content."""

    def __init__(self, producer: Producer, campaign: Campaign, found: Sequence[Fingerprint], name: str) -> None:
        self.time = int(producer.as_of.timestamp())
        self.name = name
        event = self.event = MISPEvent()
        event.uuid = _uuid(name)
        event.info = words.title(campaign, name)
        event.set_date(campaign.first_seen[:10])
        event.timestamp = self.time
        event.analysis = 2  # completed
        event.threat_level_id = 2  # medium: harm to the provider, none to its users
        event.distribution = _DISTRIBUTION[producer.tlp]
        event.Orgc = MISPOrganisation()
        event.Orgc.from_dict(name=producer.name, uuid=producer.id.partition("--")[2])
        event.add_tag(f"tlp:{producer.tlp}")
        for label in words.labels(campaign):
            predicate, _, value = label.partition(":")
            event.add_tag(f'stillwatch:{predicate}="{value}"' if value else label)
        confidence = f"Confidence {campaign.confidence:.0%}. {words.HEURISTIC}"
        for sentence in (*words.facts(campaign), confidence):
            self._attribute("comment", sentence, "Internal reference")
        for tactic in campaign.tactics:
            self._tactic(tactic.id, tactic.name)
        for action in answers([t.id for t in campaign.tactics]):
            if action["type"] == "course-of-action":
                self._answer(action)
        for one in found:
            self._fingerprint(one)

    def _attribute(self, kind: str, value: str, category: str, comment: str = "") -> None:
        self.event.add_attribute(
            kind,
            value,
            category=category,
            comment=comment,
            to_ids=False,
            uuid=_uuid(self.name, kind, value),
            timestamp=self.time,
            distribution=5,
        )

    def _object(self, template: str, key: str, values: Mapping[str, Any], comment: str) -> None:
        made = MISPObject(template, strict=True)
        made.uuid = _uuid(self.name, template, key)
        made.timestamp = self.time
        made.comment = comment
        made.distribution = 5
        for relation, value in values.items():
            for item in value if isinstance(value, list) else [value]:
                made.add_attribute(
                    relation,
                    value=item,
                    to_ids=False,
                    uuid=_uuid(self.name, template, key, relation, item),
                    timestamp=self.time,
                    distribution=5,
                )
        self.event.add_object(made)

    def _tactic(self, tactic: str, name: str) -> None:
        elsewhere = references(tactic)
        for reference in elsewhere:
            self.event.add_tag(f'{reference["source_name"]}:technique="{reference["external_id"]}"')
        self._object(
            "attack-pattern",
            tactic,
            {
                "id": tactic,
                "name": name,
                "summary": load().tactics[tactic].says,
                "references": sorted({r["url"] for r in elsewhere}),
            },
            ", ".join(f"{r['external_id']} {r['description']}" for r in elsewhere),
        )

    def _answer(self, action: Mapping[str, Any]) -> None:
        self._object(
            "course-of-action",
            action["name"],
            {"name": action["name"], "type": "Policy Actions", "description": action["description"]},
            "",
        )

    def _fingerprint(self, found: Fingerprint) -> None:
        comment = (
            f"{BY_NAME[found.kind].label}; {found.accounts} accounts of the campaign, {found.others} others, "
            f"{found.exchanges} exchanges; a lead for a person, not a finding"
        )
        if found.kind == "network":
            self._attribute("ip-src", found.value, _TRAFFIC, comment)
        elif found.kind == "asn":
            self._attribute("AS", found.value, _TRAFFIC, comment)
        elif found.kind == "client":
            self._attribute("user-agent", found.value, _TRAFFIC, comment)
        elif found.kind == "tls" and len(found.value) == 32:
            self._attribute("ja3-fingerprint-md5", found.value, _TRAFFIC, comment)
        elif found.kind == "tls":
            self._object("ja4-plus", found.value, {"ja4-fingerprint": found.value, "ja4-type": "JA4"}, comment)
        else:
            self._object(
                "stix2-pattern",
                f"{found.kind} {found.value}",
                {"stix2-pattern": pattern(found), "version": "stix 2.1", "comment": comment},
                comment,
            )


def misp_events(
    producer: Producer, campaigns: Mapping[str, Campaign], found: Mapping[str, Sequence[Fingerprint]]
) -> list[MISPEvent]:
    """One event per campaign. ``campaigns``: shared object's id → campaign; ``found``: campaign id → fingerprints."""
    return [_Event(producer, c, found.get(c.id, ()), name).event for name, c in campaigns.items()]


def write_misp(events: Sequence[MISPEvent]) -> bytes:
    """As MISP's REST interface returns events: the same events, the same bytes."""
    listed = [{"Event": json.loads(event.to_json())} for event in events]
    return (json.dumps({"response": listed}, sort_keys=True, indent=1) + "\n").encode("ascii")
