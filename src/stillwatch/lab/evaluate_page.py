"""An evaluation as a page: calibration with its figure, campaigns, who bears the errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from stillwatch.lab.calibration import picture
from stillwatch.lab.page import figure, heading, html, paragraph, table
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
        heading("Who bears the errors"),
    ]
    for kind, values in result["collateral"].items():
        body.append(table((kind, "rate", "95 %", "flagged"), [(v, *_cells(s)) for v, s in values.items()]))
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


def _cells(share: Mapping[str, Any]) -> tuple[str, str, str]:
    return percent(share["value"]), _span(share), f"{share['hits']:,} of {share['of']:,}"


def _span(share: Mapping[str, Any]) -> str:
    return f"{percent(share['low'])} … {percent(share['high'])}"
