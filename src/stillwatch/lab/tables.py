"""An evaluation for people."""

from __future__ import annotations

from typing import Any

from rich.console import Group
from rich.table import Table


def as_tables(result: dict[str, Any]) -> Group:
    """Accounts, campaigns and collateral as rich tables."""
    return Group(_accounts(result), _campaigns(result["campaigns"]), _collateral(result["collateral"]))


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.3g} %"


def _accounts(result: dict[str, Any]) -> Table:
    table = Table("measure", "value", "95 % interval", "count", title="Accounts")
    for name, share in result["accounts"].items():
        span = f"{_percent(share['low'])} … {_percent(share['high'])}"
        table.add_row(name.replace("_", " "), _percent(share["value"]), span, f"{share['hits']:,} of {share['of']:,}")
    for rate, recall in result["ranking"]["recall_at_false_positive_rate"].items():
        table.add_row(f"recall at false-positive rate {rate}", _percent(recall), "", "")
    for budget, share in result["ranking"]["review_budget"].items():
        table.add_row(
            f"review of {int(budget):,}: precision, recall",
            f"{_percent(share['precision'])}, {_percent(share['recall'])}",
            "",
            "",
        )
    return table


def _campaigns(groups: dict[str, Any]) -> Table:
    false, merged = len(groups["false"]), len(groups["merged"])
    title = f"Campaigns: {groups['reported']} reported, {false} false, {merged} merged"
    table = Table("campaign", "accounts", "recall", "best group", "purity", "fragments", title=title)
    for name, row in groups["each"].items():
        shares = (_percent(row[k]) for k in ("recall", "best_group_recall", "purity"))
        table.add_row(name, f"{row['accounts']:,}", *shares, str(row["fragments"]))
    return table


def _collateral(groups: dict[str, Any]) -> Table:
    table = Table("honest", "value", "flagged", "of", "rate", "ratio to others", title="Collateral")
    for name, values in groups.items():
        for value, share in values.items():
            ratio = "–" if share["ratio"] is None else f"{share['ratio']:.2f}"
            table.add_row(name, value, f"{share['hits']:,}", f"{share['of']:,}", _percent(share["value"]), ratio)
    return table
