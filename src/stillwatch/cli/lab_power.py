"""`stillwatch lab power`: how detection holds as a campaign's dials are turned."""

from __future__ import annotations

import json as jsonlib
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import typer
from rich.table import Table

from stillwatch.cli.runs import Run, detector_id, measured, run_all, screen
from stillwatch.domain.errors import InputError
from stillwatch.lab.power import COMBINE, Combine, Point, parse_axis, points, run_key
from stillwatch.lab.power_page import merge_places, pictures, render, summaries, to_table
from stillwatch.lab.scenario import dials, load
from stillwatch.lab.settings import parse_dials
from stillwatch.lab.store import Store


def power(
    scenario: str = typer.Argument(..., help="A shipped scenario's name or a YAML file."),
    axis: list[str] = typer.Option(
        [], "--axis", help="cover=0:0.9:0.1, accounts=640:20:x0.5, dispatch=a,b; easy to hard."
    ),
    out: Path = typer.Option(..., "--out", help="Directory of results; a rerun goes on there."),
    seeds: int = typer.Option(5, "--seeds", min=1, help="Worlds per point."),
    first_seed: int = typer.Option(1, "--first-seed", help="Seeds count from here."),
    combine: list[str] = typer.Option([], "--combine", help="Of several axes: pairs (hard ends), ladder, grid."),
    ablate: list[str] = typer.Option([], "--ablate", help="Columns to take away: all, text, only-payment, …"),
    cross: bool = typer.Option(False, "--cross", help="Ablations along every axis too."),
    set_: list[str] = typer.Option([], "--set", help="A dial of all points: campaigns.0.accounts=80"),
    jobs: int = typer.Option(os.cpu_count() or 1, "--jobs", min=1, help="Worlds at a time, one core each."),
    dry: bool = typer.Option(False, "--dry", help="Print the points and stop."),
) -> None:
    """Detection along axes and in worst cases: power.parquet, power.html, plots. Exit status 1: some runs failed."""
    base = dials(load(scenario), parse_dials(set_))
    chosen: list[Combine] = [c for c in COMBINE if c in combine]
    if unknown := set(combine) - set(COMBINE):
        raise InputError(f"--combine {', '.join(sorted(unknown))}: unknown", remedy=f"of {', '.join(COMBINE)}")
    axes = [parse_axis(text, base) for text in axis]
    plan = points(base, axes, combine=chosen, ablate=ablate, cross=cross)
    span = range(first_seed, first_seed + seeds)
    if dry:
        typer.echo("\n".join(f"{p.experiment}: {p.label}" for p in plan))
        return
    out.mkdir(parents=True, exist_ok=True)
    store = Store(out / "runs.ndjson")
    here = [(p, s, run_key(p, s, detector_id())) for s in span for p in plan]
    tasks = [Run(key, p.scenario, s, p.without) for p, s, key in here]
    failed = run_all(tasks, measured, store, jobs=jobs, title="power", key=lambda run: run.key)
    places = _places(out / "places.json", [_place(p, s, key) for p, s, key in here])
    result = to_table(places, store.records)
    pq.write_table(result, out / "power.parquet", compression="zstd")
    missing = sum(place["key"] not in store for place in places)
    worlds = [store.records[key] for key in sorted({place["key"] for place in places}) if key in store]
    (out / "power.html").write_text(render(result, missing, worlds), encoding="utf-8")
    (out / "plots").mkdir(exist_ok=True)
    for name, picture in pictures(result).items():
        (out / "plots" / f"{name}.svg").write_text(picture, encoding="utf-8")
    _print(result.to_pylist())
    typer.echo(f"{len(places):,} runs, {missing:,} missing   page: {out / 'power.html'}")
    if failed:
        raise typer.Exit(1)


def _place(point: Point, seed: int, key: str) -> dict[str, Any]:
    return {
        "scenario": point.scenario.name,
        "experiment": point.experiment,
        "position": point.position,
        "label": point.label,
        "dials": jsonlib.dumps(point.dials),
        "without": ",".join(point.without),
        "detector": detector_id(),
        "seed": seed,
        "key": key,
    }


def _places(path: Path, new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    places = merge_places(path.read_text("utf-8") if path.exists() else None, new)
    path.write_text(jsonlib.dumps(places, indent=0), encoding="utf-8")
    return places


def _print(lines: list[dict[str, Any]]) -> None:
    table = Table("experiment", "point", "worlds", "found", "95 %", "accounts named", "honest named", expand=False)
    for experiment in dict.fromkeys(r["experiment"] for r in lines):
        for p in summaries([r for r in lines if r["experiment"] == experiment]):
            span = f"{p.found.low:.0%} … {p.found.high:.0%}"
            share = f"{p.honest_named} of {p.honest:,}"
            table.add_row(
                experiment, p.label, f"{p.runs}", f"{p.found.value:.0%}", span, f"{p.recall.value:.1%}", share
            )
    screen().print(table)
