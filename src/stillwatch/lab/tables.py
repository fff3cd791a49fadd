"""An evaluation for people."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table


def as_tables(result: dict[str, Any]) -> Group:
    """Accounts, campaigns, calibration and collateral as rich tables."""
    return Group(
        _accounts(result),
        _campaigns(result["campaigns"]),
        _calibration(result["calibration"]),
        _collateral(result["collateral"]),
    )


def brief(result: dict[str, Any]) -> Group:
    """What was found against what was hidden, on one screen."""
    table = Table("hidden campaign", "accounts", "named", "of the group named", "groups", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, row in result["campaigns"]["each"].items():
        named = "not found" if not row["fragments"] else percent(row["recall"])
        table.add_row(
            name, f"{row['accounts']:,}", named, f"{percent(row['purity'])} are its own", str(row["fragments"])
        )
    accounts, groups = result["accounts"], result["campaigns"]
    recall, honest = accounts["recall"], accounts["false_positive_rate"]
    kinds = result["collateral"]["kind"]
    hit = ", ".join(f"{kind} {share['hits']}" for kind, share in kinds.items() if share["hits"]) or "none"
    lines = (
        f"hostile accounts named: {recall['hits']:,} of {recall['of']:,} ({percent(recall['value'])})",
        f"honest accounts named: {honest['hits']:,} of {honest['of']:,}, of {len(kinds)} kinds: {hit}"
        f" (95 %: a rate under {percent(honest['high'])})",
        f"groups reported: {groups['reported']}, false: {len(groups['false'])}, "
        f"of several campaigns: {len(groups['merged'])}",
    )
    return Group(table, *lines)


def percent(value: float | None) -> str:
    """A share as people read it; – for none."""
    return "–" if value is None else f"{100 * value:.3g} %"


def _accounts(result: dict[str, Any]) -> Table:
    table = Table("measure", "value", "95 % interval", "count", title="Accounts")
    for name, share in result["accounts"].items():
        span = f"{percent(share['low'])} … {percent(share['high'])}"
        table.add_row(name.replace("_", " "), percent(share["value"]), span, f"{share['hits']:,} of {share['of']:,}")
    for rate, at in result["ranking"]["exact"].items():
        recall, realised = at["recall"], at["false_positive_rate"]
        span = f"{percent(recall['low'])} … {percent(recall['high'])}"
        note = f"{realised['hits']} of {realised['of']:,} honest let through: rate ≤ {percent(realised['high'])}"
        table.add_row(f"recall at false-positive rate {rate}", percent(recall["value"]), span, note)
    for budget, share in result["ranking"]["review_budget"].items():
        table.add_row(
            f"review of {int(budget):,}: precision, recall",
            f"{percent(share['precision'])}, {percent(share['recall'])}",
            "",
            "",
        )
    for name in ("average_precision", "roc_auc"):
        value = result["ranking"][name]
        table.add_row(name.replace("_", " "), "–" if value is None else f"{value:.3f}", "", "")
    agreement = result["agreement"]
    table.add_row("adjusted Rand index of groups", f"{agreement['adjusted_rand']:.3f}", "", "")
    cubed = agreement["b_cubed"]
    table.add_row("B-cubed precision, recall", f"{cubed['precision']:.3f}, {cubed['recall']:.3f}", "", "")
    return table


def _calibration(calibration: dict[str, Any]) -> Table:
    table = Table("stated", "accounts or groups", "observed", "95 % interval", title="Calibration")
    for row in calibration["scores"]:
        span = f"{percent(row['low'])} … {percent(row['high'])}"
        table.add_row(
            f"score {row['mean_score']:.2f}", f"{row['accounts']:,}", f"{percent(row['value'])} hostile", span
        )
    for row in calibration["discoveries"]:
        span = f"{percent(row['low'])} … {percent(row['high'])}"
        table.add_row(f"q ≤ {row['nominal']:g}", f"{row['groups']:,}", f"{percent(row['realised'])} false", span)
    return table


def _campaigns(groups: dict[str, Any]) -> Table:
    false, merged = len(groups["false"]), len(groups["merged"])
    title = f"Campaigns: {groups['reported']} reported, {false} false, {merged} merged"
    table = Table("campaign", "accounts", "recall", "best group", "purity", "fragments", title=title)
    for name, row in groups["each"].items():
        shares = (percent(row[k]) for k in ("recall", "best_group_recall", "purity"))
        table.add_row(name, f"{row['accounts']:,}", *shares, str(row["fragments"]))
    return table


def _collateral(groups: dict[str, Any]) -> Table:
    table = Table("honest", "value", "flagged", "of", "rate", "ratio to others", title="Collateral")
    for name, values in groups.items():
        for value, share in values.items():
            ratio = "–" if share["ratio"] is None else f"{share['ratio']:.2f}"
            table.add_row(name, value, f"{share['hits']:,}", f"{share['of']:,}", percent(share["value"]), ratio)
    return table
