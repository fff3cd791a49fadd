"""Fingerprints as indicators, each with what it indicates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from stillwatch.domain.verdict import Campaign
from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.fingerprints.kinds import ALGORITHM, BY_NAME, PLACE
from stillwatch.sharing.stix.extension import extended
from stillwatch.sharing.stix.patterns import pattern
from stillwatch.sharing.stix.producer import Producer
from stillwatch.sharing.stix.times import moment_us, stamp, stamp_us
from stillwatch.signals.templates import COVERAGE

_PLAIN = ("network", "asn", "client", "tls", "schema")
"""Kinds whose values mean something outside Stillwatch."""


def indicator(producer: Producer, campaign: Campaign, campaign_id: str, found: Fingerprint) -> dict[str, Any]:
    """One fingerprint. Valid from when it was first seen until it is no longer worth looking for."""
    kind = BY_NAME[found.kind]
    holders = found.accounts + found.others
    purity = round(found.accounts / holders, 4)
    until = moment_us(found.last_us) + timedelta(days=kind.days)
    value = f"{len(found.marks)} marks" if found.kind == "template" else found.value
    last = stamp_us(found.last_us)
    return {
        **producer.common("indicator", campaign_id, found.kind, found.value),
        "name": f"{kind.label[0].upper()}{kind.label[1:]} {found.value}",
        "description": f"{kind.label} {value}: {found.accounts:,} accounts of the campaign ({found.exchanges:,} "
        f"exchanges, last {last}), {purity:.0%} of its holders at the producer. A match is a lead, not a finding.",
        "indicator_types": ["anomalous-activity"],
        "pattern": pattern(found),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": stamp_us(found.first_us),
        "valid_until": stamp(until),
        "confidence": round(100 * campaign.confidence * purity),
        "labels": [f"kind:{found.kind}", f"class:{kind.group}"],
        "extensions": extended(
            "indicator",
            kind=found.kind,
            accounts=found.accounts,
            exchanges=found.exchanges,
            purity=purity,
            last_seen=last,
            algorithm=None if found.kind in _PLAIN else ALGORITHM,
            marks=list(found.marks) or None,
            coverage=COVERAGE if found.marks else None,
        ),
    }


def places(found: tuple[Fingerprint, ...]) -> list[Fingerprint]:
    """Those that say where a campaign comes from."""
    return [f for f in found if BY_NAME[f.kind].group == PLACE]
