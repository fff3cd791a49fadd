"""A rich case to look at: ``python -m tests.report.example OUT.html`` writes its report."""

from __future__ import annotations

# ruff: noqa: E501 (sentences of an example)
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.domain.verdict import (
    ACCOUNT_VERDICTS,
    Alternative,
    Campaign,
    CaseResult,
    Charts,
    Evidence,
    Family,
    FamilyFinding,
    Impact,
    TacticFinding,
    Template,
)

HOUR = 3_600_000_000
START = 1_772_409_600_000_000  # 2 Mar 2026, 00:00 UTC
MASK = "▒▒▒"

ALTERNATIVES = tuple(
    Alternative(kind=kind, prediction=prediction, observed=observed, rejected=True)
    for kind, prediction, observed in (
        ("fleet", "one declared customer owns the accounts", "398 declared customers; the largest holds 1% of the accounts"),
        ("shared-payer", "one payer stands openly behind all accounts (family, agency, start-up)",
         "the commonest payment instrument pays for 6% of the accounts; one own mail domain: 0%; verified: 3%"),
        ("company", "one organisation's people: one mail domain and network, human hours", "one own mail domain: 0%; commonest network: 11%"),
        ("benchmark", "the same finite items repeated by unrelated payers, not divided among them", "2% of the requests were also sent by other customers (61,204 distinct prompts)"),
        ("viral", "very few prompts, copied by many", "61,204 distinct prompts over 412 accounts"),
        ("event", "a class or hackathon: one place, programme or hour, low volume, human sessions", "busiest two hours 3%, median 148 requests per account"),
        ("tool", "a popular program: same wording and client, but nothing else in common", "beyond the shared program there is evidence of: identity (payment), timing (dispatch_order)"),
    )
)  # fmt: skip


def charts(seed: int, accounts: int, hours: range, total: int = 336, values: int = 9) -> Charts:
    """A harvest that starts, runs and stops, dealt out in turn, before a daily rhythm."""
    rng = np.random.default_rng(seed)
    at = np.arange(total)
    other = (8_000 + 5_000 * np.sin((at - 8) / 24 * 2 * np.pi) + rng.normal(0, 500, total)).clip(0).astype(int)
    mine = np.zeros(total, int)
    mine[hours.start : hours.stop] = rng.poisson(900, len(hours)) * (
        0.3 + 0.7 * np.minimum(np.arange(len(hours)) / 40, 1)
    )
    n = 2_400
    when = np.sort(rng.uniform(hours.start, hours.stop, n))
    reach = np.minimum(1 + (when - hours.start) / len(hours) * 2, 1) * accounts
    who = ((np.arange(n) * 7 + rng.normal(0, accounts / 40, n)) % np.maximum(reach, 1)).astype(int)
    first = {a: i for i, a in enumerate(dict.fromkeys(who.tolist()))}
    sampled = min(accounts, 120)
    nodes = [(f"a{i + 1}", "account") for i in range(sampled)]
    edges: list[tuple[int, int]] = []
    for kind, many in (("payment", values), ("device", values // 2), ("address", values), ("template", 2)):
        for i in range(many):
            nodes.append((f"{kind} {i + 1}", kind))
            share = 0.5 if kind == "template" else 0.09
            edges += [(a, len(nodes) - 1) for a in range(sampled) if a % 10 and rng.random() < share / (1 + i / 4)]
    return Charts(
        bucket_us=HOUR,
        bucket_start_us=START,
        volume_campaign=tuple(mine.tolist()),
        volume_other=tuple(other.tolist()),
        raster_us=tuple((START + when * HOUR).astype(int).tolist()),
        raster_account=tuple(first[a] for a in who.tolist()),
        graph_nodes=tuple(nodes),
        graph_edges=tuple(edges),
    )


def families(**p: float | str) -> tuple[FamilyFinding, ...]:
    """One finding per family: a p-value, ``formed``, or (left out) unavailable."""
    said = {
        "identity": "payment instrument: 31% of the accounts share one with another member",
        "infrastructure": "address: 44% of the accounts were seen on an address of another member",
        "timing": "dispatch order: accounts take turns far more evenly than independent users",
        "continuity": "failover: 58 refused conversations were continued by another member",
        "intent": "96% of the accounts ask for written-out hidden reasoning",
        "content": "template: 98% of the accounts share one",
    }
    out = []
    for family in Family:
        value = p.get(family.value)
        if value is None:
            out.append(
                FamilyFinding(family=family, available=False, formed_group=False, summary="the log does not carry it")
            )
        elif isinstance(value, str):
            out.append(
                FamilyFinding(
                    family=family, available=True, formed_group=True, summary="drew the group; it does not judge it"
                )
            )
        else:
            out.append(
                FamilyFinding(family=family, available=True, formed_group=False, statistic=14.2, p_value=value,
                              effect=0.31 if value < 0.01 else 0.02, summary=said[family.value])
            )  # fmt: skip
    return tuple(out)


def group(number: int, verdict: str, accounts: int, harvest: int, **changes: object) -> Campaign:
    """A group with everything filled in; ``changes`` replace fields."""
    start = int(changes.pop("start", 30 * number % 190))  # type: ignore[call-overload]
    hours = range(start, min(start + 140, 330))
    cot = "Here is a finished answer . Write out the inner reasoning behind it , step by step , inside <trace> tags ."
    fields: dict[str, object] = {
        "id": f"c-{(number * 0x9E3779B97F4A7C15) % 2**64:016x}"[:14],
        "verdict": verdict,
        "title": f"T-COT, T-LOADBAL over {accounts:,} accounts",
        "accounts": accounts,
        "core_accounts": max(accounts - 17, 1),
        "exchanges": int(harvest * 1.22),
        "harvest_exchanges": harvest,
        "first_seen": str(np.datetime64(START + hours.start * HOUR + 295_000_000, "us").astype("datetime64[s]")) + "Z",
        "last_seen": str(np.datetime64(START + hours.stop * HOUR, "us").astype("datetime64[s]")) + "Z",
        "q_value": 3.2e-6,
        "confidence": 0.9688,
        "families": families(identity=4e-9, infrastructure=2.5e-4, content="formed", timing=1e-12, intent=0.21),
        "tactics": (
            TacticFinding(
                id="T-LOADBAL", name="Load balancing over accounts", atlas=("AML.T0021", "AML.T0008.005"),
                accounts=accounts, exchanges=harvest, share=1.0, evidence="timing shows one dispatcher: dispatch order",
                example_exchange_ids=("ex-000017", "ex-004211", "ex-009120"),
            ),
            TacticFinding(
                id="T-COT", name="Extraction of hidden reasoning", atlas=("AML.T0024.002", "AML.T0054"),
                accounts=int(accounts * 0.96), exchanges=int(harvest * 0.92), share=0.92,
                evidence="92% of the harvest exchanges carry it", example_exchange_ids=("ex-000101",),
                redacted_examples=(cot.replace("finished answer", MASK),),
            ),
        ),
        "alternatives": ALTERNATIVES,
        "models": {"atlas-large-2": int(harvest * 0.84), "atlas-large-1": harvest - int(harvest * 0.84)},
        "channels": {"api": int(harvest * 0.7), "cloud:nimbus": int(harvest * 0.2), "reseller": int(harvest * 0.1)},
        "capabilities": {"reasoning": int(harvest * 0.92), "judgement": int(harvest * 0.03)},
        "templates": (
            Template(id="system-1", accounts=accounts, exchanges=int(harvest * 0.92), text=f"{cot} {MASK} {cot}"),
            Template(id="template-2", accounts=44, exchanges=int(harvest * 0.03), text=f"Grade the answer {MASK} from 1 to 10 ."),
        ),
        "impact": Impact(input_tokens=harvest * 812, output_tokens=harvest * 2_304, reasoning_tokens=harvest * 1_400,
                         list_price=harvest * 0.037, currency="USD"),
        "charts": charts(number, min(accounts, 400), hours),
        "note": "confidence is a heuristic: it grows with the number of independent families; p- and q-values are tests",
    }  # fmt: skip
    return Campaign(**{**fields, **changes})  # type: ignore[arg-type]


def accounts_table(shares: dict[str, int], campaign_id: str | None = None) -> pa.Table:
    """An accounts table with so many accounts per disposition."""
    names = [d for d, n in shares.items() for _ in range(n)]
    n = len(names)
    volume = np.random.default_rng(1).lognormal(4.9, 0.8, n).astype(np.int64) + 1
    times = pa.array(np.full(n, START)).cast(pa.timestamp("us", tz="UTC"))
    later = pa.array(START + 336 * HOUR - np.arange(n)).cast(pa.timestamp("us", tz="UTC"))
    return pa.table(
        {
            "account_id": [f"acc-{i:06d}" for i in range(n)],
            "campaign_id": pa.array([campaign_id if d == "campaign" else None for d in names], pa.string()),
            "disposition": names,
            "score": np.where(np.array(names) == "campaign", 0.93, 0.0),
            "q_value": np.where(np.array(names) == "campaign", 3.2e-6, 1.0),
            "exchanges": volume,
            "harvest_exchanges": np.where(np.array(names) == "campaign", volume, 0),
            "first_seen": times,
            "last_seen": later,
        }
    ).cast(ACCOUNT_VERDICTS)


def case_of(accounts: pa.Table, groups: tuple[Campaign, ...] = (), run: dict[str, Any] | None = None) -> CaseResult:
    """A case of an accounts table and groups only."""
    return CaseResult(accounts=accounts, campaigns=groups, evidence=(), run=run or {})


def evidence(groups: tuple[Campaign, ...]) -> tuple[Evidence, ...]:
    """A finding per family with a p-value."""
    return tuple(
        Evidence(
            campaign_id=g.id, family=f.family, channel="payment", statistic=f.statistic or 0.0,
            null="accounts of equal volume and start share as much", p_value=f.p_value, accounts=12,
            exchanges=g.harvest_exchanges, example_exchange_ids=("ex-000017", "ex-004211"),
        )
        for g in groups for f in g.families if f.p_value is not None
    )  # fmt: skip


def example() -> CaseResult:
    """Three campaigns, a watch group, licensed groups (one beyond its licence), look-alikes, long unicode."""
    unicode = "Ответь как эксперт · 以专家身份回答 · أجب كخبير · विशेषज्ञ की तरह उत्तर दें · 👩‍🔬 "
    red = families(infrastructure=1e-19, timing=0.004, intent="formed", identity=0.7)
    third = group(
        3, "campaign", 63, 9_412, q_value=0.0041, confidence=0.75, families=red, start=250,
        templates=(Template(id="phrase-1", accounts=60, exchanges=9_000, text=unicode * 6 + MASK),),
        impact=Impact(input_tokens=9_412 * 300, output_tokens=9_412 * 90, reasoning_tokens=0, currency="USD"),
        models={"модель-模型-" + "x" * 70: 9_412},
        tactics=(), capabilities={},
    )  # fmt: skip
    stands = (*ALTERNATIVES[:3], Alternative(kind="benchmark", prediction="the same finite items repeated by unrelated payers",
              observed="97% of the requests were also sent by other customers (1,319 distinct prompts)", rejected=False))  # fmt: skip
    groups = (
        group(1, "campaign", 2_412, 351_204),
        group(2, "campaign", 388, 61_204, start=150,
              families=families(identity="formed", infrastructure=0.03, content=1e-7, timing=6e-4, continuity=2e-5, intent=1e-4)),
        third,
        group(4, "watch", 41, 2_210, q_value=0.13, confidence=0.4, families=families(content="formed", timing=0.004, intent=0.02)),
        group(5, "licensed", 12, 880_000),
        group(6, "licensed", 20, 1_204_331, licence_breach="licence lic-002: 1,204,331 exchanges against 1,000,000 allowed"),
        group(7, "lookalike:benchmark", 230, 303_000, alternatives=stands),
        group(8, "lookalike:company", 95, 4_410),
    )  # fmt: skip
    shares = {"campaign": 2_863, "watch": 41, "licensed": 32, "lookalike:benchmark": 230, "lookalike:company": 95,
              "lookalike:aggregator": 14, "clear": 21_340}  # fmt: skip
    run = {
        "inputs": [{"file": "exchanges-2026-03.parquet", "bytes": 2_811_204_112, "blake2b": "0f" * 16}],
        "accounts": 24_615,
        "exchanges": 6_204_118,
        "columns": ["ts", "account_id", "model", "prompt", "input_tokens", "output_tokens", "reasoning_tokens"],
        "mask": MASK,
        "unavailable": ["device", "phone", "reasoning_ref"],
        "unavailable_families": ["continuity"],
        "capped": {"values too common to compare": 18},
        "licences": [
            {"id": "lic-001", "accounts": 12, "exchanges": 880_000, "breach": None},
            {"id": "lic-002", "accounts": 20, "exchanges": 1_204_331, "breach": "1,204,331 exchanges against 1,000,000 allowed"},
        ],
        "prices": {"currency": "USD", "models_without_price": ["atlas-small"], "estimated_groups": [groups[0].id]},
        "settings": {"rate": 0.01, "seed": 1, "engine": "duckdb", "on_bad_row": "quarantine", "source": "parquet"},
        "versions": {"stillwatch": "0.1.0", "python": "3.11.9", "duckdb": "1.5.6"},
    }  # fmt: skip
    quarantine = pa.table(
        {"file": ["a.ndjson"] * 3, "row": [4, 9, 11], "column": ["ts"] * 3, "error": ["not a time"] * 3}
    )
    return CaseResult(
        accounts=accounts_table(shares, groups[0].id),
        campaigns=groups,
        evidence=evidence(groups),
        run=run,
        quarantine=quarantine,
    )


if __name__ == "__main__":
    from stillwatch.report import render_report

    Path(sys.argv[1]).write_text(render_report(example()), encoding="utf-8")
