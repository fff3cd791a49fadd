"""`stillwatch evidence impact`: what was taken, as intervals, written into the case."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stillwatch.case import price_table
from stillwatch.case.canonical import to_json
from stillwatch.cli.caselog import open_as_scanned
from stillwatch.cli.evidence.common import JSON, extra, moment, print_json
from stillwatch.domain.errors import InputError

if TYPE_CHECKING:
    from stillwatch.evidence.impact import ImpactRange


def impact(
    case: Path = typer.Argument(..., help="The case directory."),
    log: list[str] = typer.Option(..., "--log", help="The logs that were scanned: paths, globs, directories."),
    source: str | None = typer.Option(None, "--source", help="Log format or mapping file, as it was scanned."),
    campaign: list[str] = typer.Option([], "--campaign", help="Group to look at; all campaigns when absent."),
    prices: Path | None = typer.Option(None, "--prices", help="Price table (YAML) for the impact in money."),
    market: Path | None = typer.Option(None, "--market", help="What a training set costs (YAML)."),
    detected_at: str | None = typer.Option(None, "--detected-at", help="When it was first detected (ISO 8601)."),
    out: Path | None = typer.Option(None, "--out", help="File to write; impact.json in the case when absent."),
    json: bool = JSON,
) -> None:
    """Say what was taken, at least and at most: exchanges, tokens, capabilities, value, the share before detection."""
    with extra():
        from stillwatch.evidence.estimate import Figures, estimate
        from stillwatch.evidence.impact import as_json, read_market
        from stillwatch.evidence.pseudonyms import SECRET_BYTES
    place = out or case / "impact.json"
    if place.exists():
        raise InputError("the file exists already", where=str(place), remedy="name a new --out, or remove it")
    figures = Figures(
        price_table(prices) if prices else None,
        read_market(market) if market else None,
        moment(detected_at, "--detected-at"),
    )
    reader = open_as_scanned(case, log, source)
    found = estimate(case, reader, reader.files, tuple(campaign), figures, os.urandom(SECRET_BYTES))
    content = as_json(found)
    place.write_bytes(to_json(content))
    if json:
        print_json(content)
        return
    for one in found:
        _say(one)
    typer.echo(f"impact: {place}")


def _say(one: ImpactRange) -> None:
    from stillwatch.evidence.dossier import interval, shares

    typer.echo(f"{one.campaign_id}: {interval(one.exchanges)} exchanges, at least and at most")
    for name, tokens in one.tokens.items():
        typer.echo(f"    {name.replace('_', ' ')}: {interval(tokens)}")
    for part in one.by_capability:
        typer.echo(f"    aimed at {part.name}: {interval(part.exchanges)} exchanges")
    if one.currency:
        typer.echo(f"    at list price ({one.currency}): {interval(one.list_price, 'money')}")
    if one.before_detection is not None:
        typer.echo(f"    before {one.detected_at}: {shares(one.before_detection)}")
    if one.market_currency:
        typer.echo(f"    a comparable training set ({one.market_currency}): {interval(one.market_cost, 'money')}")
