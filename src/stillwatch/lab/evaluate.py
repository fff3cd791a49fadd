"""What a case found of what was there: accounts, campaigns, collateral.

Only ``accounts.parquet`` and ``campaigns.json`` of the case are read (contract, section 3), so that any detector that
writes them can be measured; without the latter, the groups are the ``campaign_id`` of the flagged accounts. An account
is flagged when its disposition is ``campaign``. Accounts that the log never shows count for nobody. A licensee who
outgrew the licence may be reported as ``licensed`` or ``campaign``: counted apart.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain.errors import InputError
from stillwatch.lab.agreement import adjusted_rand, average_precision, b_cubed, roc_auc
from stillwatch.lab.calibration import discoveries, reliability
from stillwatch.lab.shares import share

BUDGETS = (100, 1_000, 5_000)
RATES = (1e-3, 1e-4, 1e-5)
OUTGROWN = "honest:outgrown"
FOUND = 0.5
"""Share of a campaign's accounts in its best group from which the campaign counts as found."""
PURE = 0.5
"""Share of hostile accounts below which a reported campaign is a false one."""
Mask = np.ndarray[Any, np.dtype[np.bool_]]


def evaluate(case_dir: Path, truth: Path) -> dict[str, Any]:
    """All figures as a plain dictionary."""
    seen = _seen(case_dir)
    known = [r for r in pq.read_table(truth).to_pylist() if r["account_id"] in seen]
    rows = [r | {k: seen[r["account_id"]][k] for k in ("campaign_id", "disposition", "score")} for r in known]
    groups = _campaigns(case_dir, rows)
    hostile = np.array([r["role"] == "hostile" for r in rows], dtype=bool)
    breach = np.array([r["role"] == OUTGROWN for r in rows], dtype=bool)
    flagged = np.array([r["disposition"] == "campaign" for r in rows], dtype=bool)
    score = np.array([float(r["score"]) for r in rows])
    honest = ~hostile & ~breach
    return {
        "accounts": _accounts(hostile, honest, flagged),
        "ranking": _ranking(hostile, honest, score),
        "campaigns": (campaigns := _groups(rows, list(groups))),
        "agreement": _agreement(rows, hostile, flagged),
        "calibration": {
            "scores": reliability(score[hostile | honest], hostile[hostile | honest]),
            "discoveries": discoveries((groups[g], g in campaigns["false"]) for g in campaigns["judged"]),
        },
        "collateral": _collateral(rows, honest, flagged),
        "outgrown": {"accounts": int(breach.sum()), "flagged": int((breach & flagged).sum())},
        "unknown_accounts": len(seen) - len(known),
    }


def _seen(case_dir: Path) -> dict[str, dict[str, Any]]:
    path = case_dir / "accounts.parquet"
    try:
        rows = pq.ParquetFile(path).read().to_pylist()
    except (OSError, pa.ArrowException) as exc:
        raise InputError("cannot be read as Parquet", where=str(path), remedy="is this a case directory?") from exc
    for column in ("account_id", "disposition"):
        if rows and column not in rows[0]:
            raise InputError(f"column {column} is missing", where=str(path))
    plain = {"campaign_id": None}
    return {r["account_id"]: plain | {"score": float(r["disposition"] == "campaign")} | r for r in rows}


def _campaigns(case_dir: Path, rows: list[dict[str, Any]]) -> dict[str, float]:
    """Reported groups with their q-values; a group without one counts as just under every rate."""
    path = case_dir / "campaigns.json"
    if not path.exists():
        return {r["campaign_id"]: 0.0 for r in rows if r["disposition"] == "campaign" and r["campaign_id"]}
    data = json.loads(path.read_text("utf-8"))
    found: list[dict[str, Any]] = data["campaigns"] if isinstance(data, dict) else data
    return {c["id"]: float(c.get("q_value", 0.0)) for c in found if c.get("verdict", "campaign") == "campaign"}


def _agreement(rows: list[dict[str, Any]], hostile: Mask, flagged: Mask) -> dict[str, Any]:
    """Groups against campaigns over all accounts that are hostile or flagged; whoever is in neither stands alone."""
    of = [r for r, h, f in zip(rows, hostile, flagged, strict=True) if h or f]
    truth = [r["campaign"] or r["account_id"] for r in of]
    found = [(r["campaign_id"] if r["disposition"] == "campaign" else None) or r["account_id"] for r in of]
    precision, recall = b_cubed(truth, found)
    return {"adjusted_rand": adjusted_rand(truth, found), "b_cubed": {"precision": precision, "recall": recall}}


def _accounts(hostile: Mask, honest: Mask, flagged: Mask) -> dict[str, Any]:
    true, false = int((hostile & flagged).sum()), int((honest & flagged).sum())
    return {
        "precision": share(true, true + false),
        "recall": share(true, int(hostile.sum())),
        "false_positive_rate": share(false, int(honest.sum())),
    }


def _ranking(hostile: Mask, honest: Mask, score: Any) -> dict[str, Any]:
    """Recall where the threshold lets through at most the given share of honest accounts, and within review budgets.

    ``exact`` has the intervals: with few honest accounts a small rate is met by letting none through, and the upper end
    of the realised rate says how little that proves. Ties are resolved against the detector: a threshold takes all
    accounts of a score; a budget reads honest ones first.
    """
    bad = np.sort(score[honest])[::-1]
    total = max(int(hostile.sum()), 1)
    at_rate, exact = {}, {}
    for rate in RATES:
        allowed = int(rate * len(bad))
        threshold = bad[allowed] if allowed < len(bad) else -np.inf
        hits = int((score[hostile] > threshold).sum())
        at_rate[f"{rate:g}"] = hits / total
        realised = share(int((bad > threshold).sum()), len(bad))
        exact[f"{rate:g}"] = {"recall": share(hits, int(hostile.sum())), "false_positive_rate": realised}
    keep = hostile | honest
    order = np.lexsort((hostile[keep], -score[keep]))
    ranked = hostile[keep][order] & (score[keep][order] > 0)
    budgets = {}
    for budget in BUDGETS:
        hits = int(ranked[:budget].sum())
        budgets[str(budget)] = {"precision": hits / max(min(budget, len(ranked)), 1), "recall": hits / total}
    both = hostile | honest
    return {
        "recall_at_false_positive_rate": at_rate,
        "exact": exact,
        "review_budget": budgets,
        "average_precision": average_precision(hostile[both], score[both]),
        "roc_auc": roc_auc(hostile[both], score[both]),
    }


def _groups(rows: list[dict[str, Any]], reported: list[str]) -> dict[str, Any]:
    """Campaigns against reported groups: recall, purity, fragmentation, merges, false campaigns, realised FDR."""
    size: Counter[str] = Counter(r["campaign"] for r in rows if r["campaign"])
    inside: dict[str, Counter[str]] = {group: Counter() for group in reported}
    for r in rows:
        if r["campaign_id"] in inside and r["disposition"] == "campaign":
            inside[r["campaign_id"]][r["campaign"] or (OUTGROWN if r["role"] == OUTGROWN else "")] += 1
    each = {}
    for name in sorted(size):
        parts = {g: c[name] for g, c in inside.items() if c[name]}
        best = max(parts, key=lambda g: (parts[g], g), default=None)
        each[name] = {
            "accounts": size[name],
            "recall": sum(parts.values()) / size[name],
            "best_group_recall": parts[best] / size[name] if best else 0.0,
            "purity": parts[best] / sum(inside[best].values()) if best else None,
            "fragments": len(parts),
            "found": bool(best and parts[best] / size[name] >= FOUND),
        }
    hostile = {g: sum(n for name, n in c.items() if name in size) for g, c in inside.items()}
    counted = {g: sum(c.values()) - c[OUTGROWN] for g, c in inside.items()}
    licensed_only = {g for g, c in inside.items() if c[OUTGROWN] and not counted[g]}
    judged = [g for g in reported if g not in licensed_only]
    false = [g for g in judged if not counted[g] or hostile[g] / counted[g] < PURE]
    merges = [
        g for g, c in inside.items() if sum(n >= 0.05 * sum(c.values()) for name, n in c.items() if name in size) > 1
    ]
    return {
        "each": each,
        "recall": share(sum(bool(c["found"]) for c in each.values()), len(each)),
        "reported": len(reported),
        "judged": judged,
        "false": sorted(false),
        "merged": sorted(merges),
        "realised_fdr": len(false) / len(judged) if judged else 0.0,
    }


def _collateral(rows: list[dict[str, Any]], honest: Mask, flagged: Mask) -> dict[str, Any]:
    """False positives by kind, language, VPN and age, each as a ratio to the rate of all other honest accounts."""
    result: dict[str, Any] = {}
    for name, of in (
        ("kind", lambda r: r["role"].removeprefix("honest:")),
        ("language", lambda r: r["language"]),
        ("vpn", lambda r: "vpn" if r["vpn"] else "no vpn"),
        ("new", lambda r: "new" if r["new"] else "older"),
    ):
        label = np.array([str(of(r)) for r in rows])
        result[name] = {}
        for value in np.unique(label[honest]).tolist():
            here, rest = honest & (label == value), honest & (label != value)
            rate = share(int((here & flagged).sum()), int(here.sum()))
            other = float((rest & flagged).sum() / rest.sum()) if rest.any() else 0.0
            result[name][value] = rate | {"ratio": rate["value"] / other if other > 0 else None}
    return result
