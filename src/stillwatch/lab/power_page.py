"""A sweep's results: rows for Parquet, shares with exact intervals, one page with figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby, takewhile
from typing import Any, NamedTuple

import pyarrow as pa
from markupsafe import Markup

from stillwatch.lab.calibration import pooled
from stillwatch.lab.evaluate_page import bearers, calibration, pooled_collateral
from stillwatch.lab.intervals import clopper_pearson
from stillwatch.lab.page import figure, heading, html, paragraph, table
from stillwatch.lab.plot import Mark, Series, curves, rows, standalone

ROWS = pa.schema(
    [
        *(pa.field(n, pa.string()) for n in ("scenario", "experiment")),
        pa.field("position", pa.int64()),
        *(pa.field(n, pa.string()) for n in ("label", "dials", "without", "detector", "key")),
        pa.field("seed", pa.int64()),
        pa.field("campaign", pa.string()),
        pa.field("accounts", pa.int64()),
        pa.field("recall", pa.float64()),
        pa.field("best_group_recall", pa.float64()),
        pa.field("purity", pa.float64()),
        pa.field("fragments", pa.int64()),
        pa.field("found", pa.bool_()),
        *(pa.field(n, pa.int64()) for n in ("honest", "honest_named", "reported", "false_campaigns")),
        *(pa.field(n, pa.int64()) for n in ("exchanges", "input_tokens", "output_tokens")),
        *(pa.field(n, pa.int64()) for n in ("addresses", "payments", "devices")),
        pa.field("seconds", pa.float64()),
    ]
)
"""``power.parquet``: one row per experiment, point, seed and campaign."""
WORDS = {
    "base": "The scenario as it stands",
    "pairs": "Worst cases: hard ends together",
    "ladder": "All dials turned together, from easy to hard",
    "grid": "Every combination",
    "ablation": "With columns taken away",
}

DIALS = {
    "requests_per_account_day": "requests per account and day",
    "volume_dispersion": "unevenness of the accounts' volumes",
    "accounts": "accounts in the campaign",
    "cover": "share of cover traffic",
    "paraphrase": "share of instructions composed anew",
    "dispatch": "how work is dealt out",
    "jitter": "disorder of the dispatch, in rounds",
    "infrastructure": "addresses",
    "payment_sharing": "accounts per payment instrument",
    "device_sharing": "accounts per device",
    "client_uniformity": "share of accounts on one client",
    "ban_rate": "share of accounts banned per day",
    "templates": "templates",
    "drift": "days until templates change",
    "signup": "sign-up",
}
"""Dials in words; another one goes by its name."""
HOLDS, LOST = 0.95, 0.5
"""Shares of worlds in which the campaign is found: from the first on detection holds, below the second it is lost."""

SAME_PEOPLE = (
    "Points of one seed share their honest accounts, which go through another scan each. The tables below count them "
    "once per point, so their intervals are narrower than the number of different people allows."
)


class Summary(NamedTuple):
    """All seeds of one point: campaigns found, and honest worlds kept clean."""

    label: str
    runs: int
    found: Mark
    """Share of campaigns found (half of the accounts in one group), Clopper–Pearson 95 %."""
    recall: Mark
    """Mean share of accounts named; low and high are the extremes over seeds."""
    stained: Mark
    """Share of worlds in which an honest account is named, Clopper–Pearson 95 %."""
    honest_named: int
    honest: int
    false_campaigns: int
    purity: float | None


def to_table(places: Sequence[Mapping[str, Any]], records: Mapping[str, Mapping[str, Any]]) -> pa.Table:
    """Places of the sweep joined with what was measured there; failed and missing runs have no row."""
    found = []
    for place in places:
        record = records.get(place["key"])
        if record is None or record.get("error"):
            continue
        shared = {k: record.get(k) for k in ("honest", "honest_named", "reported", "false_campaigns", "seconds")}
        for campaign in record["campaigns"]:
            row = {**place, **shared, **campaign, "campaign": campaign["name"]}
            found.append({name: row.get(name) for name in ROWS.names})
    return pa.Table.from_pylist(found, schema=ROWS)


def summaries(lines: Sequence[Mapping[str, Any]]) -> list[Summary]:
    """One summary per point of one experiment, in the order of its axis."""
    ordered = sorted(lines, key=lambda r: (r["position"], r["label"]))
    return [
        _summary(label, list(group)) for (_, label), group in groupby(ordered, lambda r: (r["position"], r["label"]))
    ]


def _summary(label: str, lines: list[Mapping[str, Any]]) -> Summary:
    hits = sum(bool(r["found"]) for r in lines)
    worlds = {r["key"]: r for r in lines}
    stained = sum(r["honest_named"] > 0 for r in worlds.values())
    recall = [float(r["recall"]) for r in lines]
    pure = [float(r["purity"]) for r in lines if r["purity"] is not None]
    return Summary(
        label=label,
        runs=len(worlds),
        found=Mark(label, hits / len(lines), *clopper_pearson(hits, len(lines))),
        recall=Mark(label, sum(recall) / len(recall), min(recall), max(recall)),
        stained=Mark(label, stained / len(worlds), *clopper_pearson(stained, len(worlds))),
        honest_named=sum(r["honest_named"] for r in worlds.values()),
        honest=sum(r["honest"] for r in worlds.values()),
        false_campaigns=sum(r["false_campaigns"] for r in worlds.values()),
        purity=sum(pure) / len(pure) if pure else None,
    )


class Floor(NamedTuple):
    """How far one dial can be turned."""

    scenario: str
    dial: str
    easy: str
    hard: str
    holds: str | None
    """The last value, counted from the easy end, up to which the campaign is found in 95 % of the worlds."""
    lost: str | None
    """The first value at which it is found in less than half of them."""
    worlds: int


def floors(lines: Sequence[Mapping[str, Any]]) -> list[Floor]:
    """One line per scenario and axis, in the order of the sweep."""
    out = []
    for scenario, experiment in dict.fromkeys((r["scenario"], r["experiment"]) for r in lines):
        points = summaries([r for r in lines if (r["scenario"], r["experiment"]) == (scenario, experiment)])
        if experiment in WORDS or " " in experiment or len(points) < 2:
            continue
        good = list(takewhile(lambda p: p.found.value >= HOLDS, points))
        bad = [p for p in points if p.found.value < LOST]
        least = min(p.runs for p in points)
        holds, lost = (good[-1].label if good else None), (bad[0].label if bad else None)
        out.append(Floor(scenario, experiment, points[0].label, points[-1].label, holds, lost, least))
    return out


def _floor(lines: Sequence[Mapping[str, Any]]) -> list[Markup]:
    found = floors(lines)
    if not found:
        return []
    words = (
        "One dial at a time, from the value that is easy for the detector to the hard one. Detection holds as long as "
        "the campaign is found in at least 95 % of the worlds; it is lost where it is found in less than half."
    )
    head = ("dial", "scenario", "from … to", "holds up to", "lost from", "worlds per value")
    body = [
        (
            DIALS.get(f.dial, f.dial),
            f.scenario,
            f"{f.easy} … {f.hard}",
            "the hard end" if f.holds == f.hard else f.holds or "nowhere",
            f.lost or "not lost",
            f"{f.worlds}",
        )
        for f in found
    ]
    return [heading("The floor"), paragraph(words), table(head, body)]


def render(result: pa.Table, missing: int, worlds: Sequence[Mapping[str, Any]] = ()) -> str:
    """The page: a figure and a table per experiment; calibration and collateral over all ``worlds`` (their records);
    ``missing`` runs are named, not hidden."""
    lines = result.to_pylist()
    seeds = sorted({r["seed"] for r in lines})
    names = ", ".join(sorted({r["scenario"] for r in lines}))
    detectors = ", ".join(sorted({r["detector"] for r in lines}))
    intro = (
        f"Scenarios: {names}. Seeds: {_seeds(seeds)}. Detector: {detectors}. A campaign is found when half of its "
        "accounts are named in one group. Intervals are Clopper–Pearson, 95 %, over worlds; accounts within a world "
        "are not independent, so their mean is shown with its extremes instead."
    )
    body = [paragraph(intro)]
    if missing:
        body.append(paragraph(f"{missing:,} runs of the sweep failed or are still to come; they are not counted."))
    body += _floor(lines)
    order = list(dict.fromkeys((r["scenario"], r["experiment"]) for r in lines))
    for scenario, experiment in order:
        mine = [r for r in lines if (r["scenario"], r["experiment"]) == (scenario, experiment)]
        body += _section(scenario, experiment, summaries(mine))
    if worlds:
        body += [heading("All worlds together"), paragraph(SAME_PEOPLE)]
        body += calibration(pooled([w["calibration"] for w in worlds]))
        body += bearers(pooled_collateral(w["collateral"] for w in worlds))
    return html("How strong is the detection?", body)


def pictures(result: pa.Table) -> dict[str, str]:
    """Every figure of the page as a file of its own, by name (scenario-experiment)."""
    out = {}
    lines = result.to_pylist()
    for scenario, experiment in dict.fromkeys((r["scenario"], r["experiment"]) for r in lines):
        if experiment != "base":
            mine = [r for r in lines if (r["scenario"], r["experiment"]) == (scenario, experiment)]
            name = f"{scenario}-{experiment}".replace(" ", "-").replace("/", "-")
            out[name] = standalone(_picture(_title(scenario, experiment), experiment, summaries(mine)))
    return out


def _named(experiment: str) -> str:
    dial, _, rest = experiment.partition(" ")
    return WORDS.get(experiment) or f"{DIALS.get(dial, dial)} {rest}".strip()


def _title(scenario: str, experiment: str) -> str:
    named = _named(experiment)
    return f"{named[:1].upper()}{named[1:]} ({scenario})"


def _picture(title: str, experiment: str, points: Sequence[Summary]) -> Markup:
    if experiment in WORDS:
        return rows(title, [p.found for p in points])
    series = (
        Series("campaigns found", [p.found for p in points]),
        Series("accounts named, mean", [p.recall for p in points], bars=False),
        Series("worlds with honest named", [p.stained for p in points]),
    )
    return curves(title, [p.label for p in points], series, below=_named(experiment))


def _section(scenario: str, experiment: str, points: Sequence[Summary]) -> list[Markup]:
    title = _title(scenario, experiment)
    picture = _picture(title, experiment, points)
    head = (
        "point",
        "worlds",
        "found",
        "95 %",
        "accounts named",
        "least … most",
        "purity",
        "honest named",
        "false groups",
    )
    body = [
        (
            p.label,
            f"{p.runs}",
            f"{p.found.value:.0%}",
            f"{p.found.low:.0%} … {p.found.high:.0%}",
            f"{p.recall.value:.1%}",
            f"{p.recall.low:.0%} … {p.recall.high:.0%}",
            "–" if p.purity is None else f"{p.purity:.1%}",
            f"{p.honest_named} of {p.honest:,}",
            f"{p.false_campaigns}",
        )
        for p in points
    ]
    shown = [] if experiment == "base" else [figure(picture)]
    return [heading(title), *shown, table(head, body)]


def _seeds(seeds: Sequence[int]) -> str:
    whole = list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))) if seeds else False
    return f"{seeds[0]}–{seeds[-1]}" if whole and len(seeds) > 1 else ", ".join(map(str, seeds))


def merge_places(old: str | None, new: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Places of earlier calls (their JSON) and of this one; a place measured anew by another detector is replaced."""
    kept: dict[tuple[Any, ...], dict[str, Any]] = {}
    for place in [*(json.loads(old) if old else []), *new]:
        kept[tuple(place[k] for k in ("scenario", "experiment", "label", "seed"))] = dict(place)
    return list(kept.values())
