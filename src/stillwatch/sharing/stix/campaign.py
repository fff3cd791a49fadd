"""One campaign as STIX objects."""

from __future__ import annotations

from typing import Any

from stillwatch.domain.verdict import Campaign
from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.fingerprints.kinds import ALGORITHM
from stillwatch.sharing.stix import words
from stillwatch.sharing.stix.catalogue import answers, attack_pattern
from stillwatch.sharing.stix.extension import extended
from stillwatch.sharing.stix.ids import observable_id
from stillwatch.sharing.stix.indicators import indicator, places
from stillwatch.sharing.stix.producer import Attribution, Producer
from stillwatch.sharing.stix.times import moment, stamp, stamp_us
from stillwatch.sharing.stix.tlp import marking_id

MOST_MARKS = 256
MOST_COUNT = 999_999_999
"""STIX 2.1 bounds ``count`` and ``number_observed`` so (4.14, 5.2)."""


class Draft:
    """The objects of one campaign, by id."""

    def __init__(
        self,
        producer: Producer,
        campaign: Campaign,
        name: str,
        found: tuple[Fingerprint, ...],
        attribution: Attribution | None,
    ) -> None:
        self.producer, self.campaign, self.found = producer, campaign, found
        self.objects: dict[str, dict[str, Any]] = {}
        self.id = name
        self._campaign()
        for finding in campaign.tactics:
            self._uses(self._add(attack_pattern(finding.id)))
        for action in answers([t.id for t in campaign.tactics]):
            self._add(action)
        observed = self._infrastructure()
        for one in found:
            made = self._add(indicator(producer, campaign, self.id, one))
            self._add(producer.relationship(made, "indicates", self.id))
        self._sighting(observed)
        if attribution is not None:
            self._attributed(attribution)
        self._note()
        self._report()

    def _add(self, item: dict[str, Any]) -> str:
        self.objects[item["id"]] = item
        name: str = item["id"]
        return name

    def _uses(self, target: str) -> None:
        self._add(self.producer.relationship(self.id, "uses", target))

    def _campaign(self) -> None:
        campaign = self.campaign
        took = campaign.impact
        tokens = {"input": took.input_tokens, "output": took.output_tokens, "reasoning": took.reasoning_tokens}
        aims = ", ".join(sorted(campaign.capabilities)) or "its outputs"
        self._add(
            {
                **self.producer.common("campaign"),
                "id": self.id,
                "name": words.title(campaign, self.id),
                "description": " ".join([*words.facts(campaign), words.HEURISTIC]),
                "objective": f"Requests of a kind that collects training data on a model's {aims}.",
                "first_seen": _time(campaign.first_seen),
                "last_seen": _time(campaign.last_seen),
                "confidence": round(100 * campaign.confidence),
                "labels": words.labels(campaign),
                "extensions": extended(
                    "campaign",
                    accounts=campaign.accounts,
                    exchanges=campaign.exchanges,
                    harvest_exchanges=campaign.harvest_exchanges,
                    tokens=tokens,
                    q_value=campaign.q_value,
                    families=[
                        {
                            "family": f.family.value,
                            "formed_group": f.formed_group,
                            "statistic": f.statistic,
                            "p_value": f.p_value,
                            "effect": f.effect,
                        }
                        for f in campaign.families
                        if f.available
                    ],
                    tactics=[
                        {"id": t.id, "accounts": t.accounts, "exchanges": t.exchanges, "share": t.share}
                        for t in campaign.tactics
                    ],
                    models=words.models(campaign),
                    channels=words.channels(campaign),
                    capabilities=campaign.capabilities,
                    activity={
                        "start": stamp_us(campaign.charts.bucket_start_us),
                        "bucket_seconds": campaign.charts.bucket_us // 1_000_000,
                        "counts": list(campaign.charts.volume_campaign),
                    },
                    sketch=self._sketch(),
                ),
            }
        )

    def _sketch(self) -> dict[str, Any] | None:
        marks = sorted({mark for f in self.found for mark in f.marks})[:MOST_MARKS]
        return {"algorithm": ALGORITHM, "marks": marks} if marks else None

    def _infrastructure(self) -> str | None:
        """Where the campaign comes from: observables, what was observed, the infrastructure that consists of them."""
        found = places(self.found)
        if not found:
            return None
        refs = [self._add(self._observable(f)) for f in found]
        first, last = min(f.first_us for f in found), max(f.last_us for f in found)
        networks, systems = (sum(f.kind == kind for f in found) for kind in ("network", "asn"))
        relays = any(t.id in ("T-RELAY", "T-LOADBAL") for t in self.campaign.tactics)
        owner = self._add(
            {
                **self.producer.common("infrastructure", self.id),
                "name": f"Access network: {networks} prefixes, {systems} autonomous systems",
                "description": "Networks from which several of the campaign's accounts came and hardly anybody else at "
                f"the producer: {networks} prefixes and {systems} autonomous systems. "
                "Single addresses are not shared.",
                "infrastructure_types": ["anonymization" if relays else "unknown"],
                "first_seen": stamp_us(first),
                "last_seen": stamp_us(last),
                "labels": [f"networks:{networks}", f"autonomous-systems:{systems}"],
            }
        )
        self._uses(owner)
        for ref in refs:
            self._add(self.producer.relationship(owner, "consists-of", ref))
        return self._add(
            {
                **self.producer.common("observed-data", self.id),
                "first_observed": stamp_us(first),
                "last_observed": stamp_us(last),
                "number_observed": min(max(f.exchanges for f in found), MOST_COUNT),
                "object_refs": sorted(refs),
                "labels": [f"networks:{networks}", f"autonomous-systems:{systems}"],
            }
        )

    def _observable(self, found: Fingerprint) -> dict[str, Any]:
        kind = "autonomous-system" if found.kind == "asn" else "ipv6-addr" if ":" in found.value else "ipv4-addr"
        value: dict[str, Any] = {"number": int(found.value)} if found.kind == "asn" else {"value": found.value}
        return {
            "type": kind,
            "spec_version": "2.1",
            "id": observable_id(kind, value),
            **value,
            "object_marking_refs": [marking_id(self.producer.tlp)],
        }

    def _sighting(self, observed: str | None) -> None:
        campaign = self.campaign
        seen = {
            **self.producer.common("sighting", self.id),
            "description": f"{campaign.harvest_exchanges:,} exchanges of {campaign.accounts:,} accounts.",
            "first_seen": _time(campaign.first_seen),
            "last_seen": _time(campaign.last_seen),
            "count": min(campaign.harvest_exchanges, MOST_COUNT),
            "sighting_of_ref": self.id,
            "where_sighted_refs": [self.producer.id],
            "confidence": round(100 * campaign.confidence),
        }
        self._add({**seen, "observed_data_refs": [observed]} if observed else seen)

    def _attributed(self, given: Attribution) -> None:
        actor = {
            **self.producer.common(given.kind, given.name),
            "name": given.name,
            "description": f"Stated by the producer, not found by the detector. Basis: {given.basis}",
            "confidence": given.confidence,
        }
        if given.kind == "threat-actor":
            actor["threat_actor_types"] = ["unknown"]
        target = self._add(actor)
        stated = self.producer.relationship(
            self.id, "attributed-to", target, f"Stated by the producer. Basis: {given.basis}"
        )
        self._add({**stated, "confidence": given.confidence})

    def _note(self) -> None:
        self._add(
            {
                **self.producer.common("note", self.id),
                "abstract": "Key facts, for tools that do not read extensions",
                "content": "\n".join([*words.facts(self.campaign), words.HEURISTIC]),
                "object_refs": [self.id],
            }
        )

    def _report(self) -> None:
        made = self.producer.common("report", self.id)
        self._add(
            {
                **made,
                "name": words.title(self.campaign, self.id),
                "description": " ".join(words.facts(self.campaign)),
                "report_types": ["campaign", "indicator", "attack-pattern"],
                "published": made["created"],
                "object_refs": sorted(self.objects),
            }
        )


def _time(text: str) -> str:
    return stamp(moment(text))
