"""What the templates print: a case, counted, ordered, bounded and put in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from stillwatch.domain.verdict import Campaign, CaseResult, TacticFinding
from stillwatch.report import charts, story, words
from stillwatch.report.census import Census, census
from stillwatch.report.charts.axis import TimeAxis
from stillwatch.report.strength import Strength, strength

MOST_CAMPAIGNS = 60
"""Campaigns with a section of their own; further ones are rows of the first table."""
MOST_ROWS = 24
MOST_OTHERS = 200
_DOTS, _EDGES, _ROUNDS = 36_000, 36_000, 900
"""Bounds over the whole report, shared by its campaigns: dots in rasters, edges and rounds of layout in graphs."""


class Figures(NamedTuple):
    """The charts of one campaign; None where the case has nothing to draw."""

    strength: Markup | None
    volume: Markup | None
    raster: Markup | None
    graph: Markup | None


class Section(NamedTuple):
    """One group with a section of its own."""

    group: Campaign
    families: list[Strength]
    headline: str
    short: str
    tactics: list[TacticFinding]
    what: str
    sure: str
    remembered: str
    figures: Figures
    shares: tuple[tuple[str, list[tuple[str, int, float]]], ...]
    standing: list[str]


class View(NamedTuple):
    """The whole report."""

    case: CaseResult
    census: Census
    campaigns: list[Campaign]
    sections: list[Section]
    watch: list[Section]
    licensed: list[Campaign]
    lookalikes: list[Campaign]
    unlisted: int
    quiet: int
    """Campaigns that only earlier scans saw."""
    overview: Markup | None
    unavailable: list[str]
    silent_families: list[str]
    unknown_tactics: list[str]
    capped: list[tuple[str, int]]
    licences: list[dict[str, Any]]
    quarantined: int | None
    rate: float
    tokens_known: dict[str, bool]
    price: str
    """What all campaigns took at list price; empty where no price table was given."""
    prices: Mapping[str, Any]


def view(case: CaseResult) -> View:
    """Count, order and bound everything once."""
    run = case.run
    campaigns = [c for c in case.campaigns if c.verdict == "campaign"]
    others = [c for c in case.campaigns if c.verdict != "campaign"]
    by_kind = {kind: [c for c in others if words.kind_of(c.verdict) == kind] for kind in ("watch", "licensed")}
    rest = [c for c in others if words.kind_of(c.verdict) not in by_kind]
    columns = run.get("columns")
    seen = census(case)
    return View(
        case=case,
        census=seen,
        campaigns=campaigns[:MOST_OTHERS],
        sections=[_section(c, len(campaigns), seen.first_seen) for c in campaigns[:MOST_CAMPAIGNS]],
        watch=[_section(c, 0, seen.first_seen) for c in by_kind["watch"][:MOST_OTHERS]],
        licensed=by_kind["licensed"][:MOST_OTHERS],
        lookalikes=rest[:MOST_OTHERS],
        unlisted=sum(max(len(g) - MOST_OTHERS, 0) for g in (campaigns, *by_kind.values(), rest)),
        quiet=sum(c.quiet for c in campaigns),
        overview=charts.overview_chart(campaigns),
        unavailable=[words.MEASUREMENTS.get(name, name) for name in strings(run.get("unavailable"))],
        silent_families=strings(run.get("unavailable_families")),
        unknown_tactics=strings(run.get("unknown_tactics")),
        capped=[(str(k), int(v)) for k, v in sorted(dict(run.get("capped") or {}).items()) if int(v)][:MOST_ROWS],
        licences=[x for x in run.get("licences") or [] if isinstance(x, dict)][:MOST_OTHERS],
        quarantined=None if case.quarantine is None else int(case.quarantine.num_rows),
        rate=settings_rate(run),
        tokens_known={
            name: columns is None or f"{name}_tokens" in columns for name in ("input", "output", "reasoning")
        },
        price=_price(campaigns),
        prices=run.get("prices") or {},
    )


def _price(campaigns: list[Campaign]) -> str:
    known = [(c.impact.list_price, c.impact.currency or "") for c in campaigns if c.impact.list_price is not None]
    if not known:
        return ""
    rest = "" if len(known) == len(campaigns) else f", {len(campaigns) - len(known)} of the campaigns without a price"
    return f"{sum(price for price, _ in known):,.0f} {known[0][1][:12]} at list price{rest}"


def settings_rate(run: Mapping[str, Any]) -> float:
    """The false-discovery rate that the scan ran with; the contract's default where the run does not say."""
    rate = dict(run.get("settings") or {}).get("rate")
    return float(rate) if isinstance(rate, int | float) else 0.01


def strings(value: Any) -> list[str]:
    """A list of names out of provenance, readable."""
    return [str(x).replace("_", " ") for x in value][:60] if isinstance(value, list | tuple) else []


def _section(group: Campaign, campaigns: int, log_start: str) -> Section:
    """``campaigns`` share the bounds on dots and rounds; 0 draws the strength of evidence only."""
    families = [strength(f) for f in group.families]
    figures = Figures(charts.strength_chart(families), None, None, None)
    if campaigns:
        axis = TimeAxis.of(group.charts)
        figures = figures._replace(
            volume=charts.volume_chart(group.charts, axis=axis),
            raster=charts.raster_chart(group.charts, axis=axis, most=max(min(4_000, _DOTS // campaigns), 400)),
            graph=charts.graph_chart(
                group.charts,
                rounds=max(min(80, _ROUNDS // campaigns), 14),
                most=max(min(2_000, _EDGES // campaigns), 400),
            ),
        )
    return Section(
        group=group,
        families=families,
        headline=story.headline(group),
        short=story.headline(group, most=2),
        tactics=sorted(group.tactics, key=lambda t: t.id not in words.AIMS),
        what=story.what_it_did(group, log_start),
        sure=story.how_sure(group, families),
        remembered=story.remembered(group),
        figures=figures,
        shares=(
            ("Models", _largest(group.models, group.harvest_exchanges)),
            ("Capabilities", _largest(group.capabilities, group.harvest_exchanges)),
            ("Channels", _largest(group.channels, group.harvest_exchanges)),
        ),
        standing=[words.lookalike(a.kind) for a in group.alternatives if not a.rejected][:MOST_ROWS],
    )


def _largest(counts: Mapping[str, int], total: int) -> list[tuple[str, int, float]]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:6]
    return [(name, n, min(n / total, 1.0) if total else 0.0) for name, n in ordered]
