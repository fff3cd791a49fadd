"""An evaluation as a page: calibration with its figure, campaigns, who bears the errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from stillwatch.lab.calibration import picture
from stillwatch.lab.page import figure, heading, html, paragraph, table
from stillwatch.lab.shares import share
from stillwatch.lab.tables import percent

_SHARES = ("recall", "best_group_recall", "purity")


def render(result: Mapping[str, Any], name: str) -> str:
    """The page of one case."""
    accounts, campaigns = result["accounts"], result["campaigns"]
    body = [
        paragraph(f"Case {name}. Intervals are Clopper–Pearson, 95 %."),
        table(("measure", "value", "95 %", "count"), [(n.replace("_", " "), *_cells(s)) for n, s in accounts.items()]),
        heading("Campaigns"),
        table(
            ("campaign", "accounts", "recall", "best group", "purity", "fragments"),
            [
                (n, str(c["accounts"]), *(percent(c[k]) for k in _SHARES), str(c["fragments"]))
                for n, c in campaigns["each"].items()
            ],
        ),
        *calibration(result["calibration"]),
        *bearers(result["collateral"]),
    ]
    return html("What was found of what was there?", body)


def calibration(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Markup]:
    """The calibration section: scores, then q-values."""
    rows = [
        (f"{r['nominal']:g}", str(r["groups"]), str(r["false"]), percent(r["realised"]), _span(r))
        for r in found["discoveries"]
    ]
    return [
        heading("Does the score mean what it says?"),
        figure(picture(found["scores"])),
        paragraph("The score is a heuristic; the line is where a probability would lie.", note=True),
        table(
            ("mean score", "accounts", "hostile", "share", "95 %"),
            [
                (f"{r['mean_score']:.3f}", f"{r['accounts']:,}", f"{r['hostile']:,}", percent(r["value"]), _span(r))
                for r in found["scores"]
            ],
        ),
        heading("Stated and realised false discoveries"),
        table(("q at most", "campaigns named", "false", "realised", "95 %"), rows),
    ]


def bearers(collateral: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Markup]:
    """Who bears the errors: honest accounts named, by kind, language, VPN and age."""
    found = [heading("Who bears the errors")]
    for kind, values in collateral.items():
        found.append(table((kind, "rate", "95 %", "named"), [(v, *_cells(s)) for v, s in values.items()]))
    return found


def pooled_collateral(parts: Iterable[Mapping[str, Mapping[str, Sequence[int]]]]) -> dict[str, dict[str, Any]]:
    """Counts of many worlds, as (named, accounts) pairs, added up, each with its share and interval."""
    sums: dict[str, dict[str, tuple[int, int]]] = {}
    for part in parts:
        for kind, values in part.items():
            into = sums.setdefault(kind, {})
            for value, (hits, total) in values.items():
                before = into.get(value, (0, 0))
                into[value] = (before[0] + hits, before[1] + total)
    return {kind: {v: share(*n) for v, n in sorted(values.items())} for kind, values in sums.items()}


def _cells(share: Mapping[str, Any]) -> tuple[str, str, str]:
    return percent(share["value"]), _span(share), f"{share['hits']:,} of {share['of']:,}"


def _span(share: Mapping[str, Any]) -> str:
    return f"{percent(share['low'])} … {percent(share['high'])}"
