"""The summary of a case as plain values, for ``--json``."""

from __future__ import annotations

from typing import Any

from stillwatch.case.canonical import finite
from stillwatch.domain.verdict import Campaign, CaseResult
from stillwatch.report.census import census
from stillwatch.report.strength import strength
from stillwatch.report.text import clean

SUMMARY_FORMAT = "stillwatch-summary/1"


def summary_json(case: CaseResult) -> dict[str, Any]:
    """The same as plain values: JSON without NaN, bounded texts that show what they hold, no names of accounts."""
    seen = census(case)
    shape: dict[str, Any] = _visible(
        {
            "format": SUMMARY_FORMAT,
            "accounts": seen.accounts,
            "exchanges": seen.exchanges,
            "campaigns": [_group(c) for c in case.campaigns if c.verdict == "campaign"],
            "other_groups": [_group(c) for c in case.campaigns if c.verdict != "campaign"],
            "dispositions": {s.disposition: s.accounts for s in seen.shares},
            "licence_breaches": breaches_of(case),
            "unavailable": list(case.run.get("unavailable") or []),
            "unavailable_families": list(case.run.get("unavailable_families") or []),
            "unknown_tactics": list(case.run.get("unknown_tactics") or []),
            "quarantined": 0 if case.quarantine is None else int(case.quarantine.num_rows),
        }
    )
    return shape


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): _visible(item) for key, item in value.items()}
    return [_visible(item) for item in value] if isinstance(value, list) else value


def _group(c: Campaign) -> dict[str, Any]:
    families = {s.family: {"state": s.state, "p_value": s.p_value} for s in map(strength, c.families)}
    shape: dict[str, Any] = finite(
        {
            "id": c.id,
            "verdict": c.verdict,
            "accounts": c.accounts,
            "exchanges": c.exchanges,
            "harvest_exchanges": c.harvest_exchanges,
            "first_seen": c.first_seen,
            "last_seen": c.last_seen,
            "tactics": [t.id for t in c.tactics],
            "families": families,
            "q_value": c.q_value,
            "confidence": c.confidence,
            "licence_breach": c.licence_breach,
            "tokens": {
                "input": c.impact.input_tokens,
                "output": c.impact.output_tokens,
                "reasoning": c.impact.reasoning_tokens,
            },
            "list_price": c.impact.list_price,
            "currency": c.impact.currency,
            "known_since": c.known_since,
            "quiet": c.quiet,
            "joined_later": c.joined_later,
            "also_known_as": list(c.also_known_as),
        }
    )
    return shape


def breaches_of(case: CaseResult) -> list[str]:
    """Breaches of groups, and of licences without a group."""
    known = [c.licence_breach for c in case.campaigns if c.licence_breach]
    for item in case.run.get("licences") or []:
        text = f"licence {item.get('id')}: {item['breach']}" if isinstance(item, dict) and item.get("breach") else ""
        if text and text not in known:
            known.append(text)
    return list(dict.fromkeys(known))
