"""`stillwatch lab replay`: how much is harvested before a campaign is first named."""

from __future__ import annotations

import json as jsonlib
import os
import tempfile
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from stillwatch.cli.runs import detector_id, run_all, scan_world, screen
from stillwatch.lab.measure import measurement
from stillwatch.lab.replay import Cut, cuts, parse_span, render, timeline, write_cut
from stillwatch.lab.store import Store
from stillwatch.lab.tables import percent


def replay(
    world: Path = typer.Argument(..., help="A world's directory."),
    out: Path = typer.Option(..., "--out", help="Directory of results; a rerun goes on there."),
    every: str = typer.Option("6h", "--every", help="Time between cut-offs: hour, day, 30m, 6h."),
    jobs: int = typer.Option(os.cpu_count() or 1, "--jobs", min=1, help="Scans at a time, one core each."),
    json: bool = typer.Option(False, "--json", help="Figures as JSON."),
) -> None:
    """Scan a world as it stood at every cut-off: when was each campaign first found? Exit status 1: failures."""
    plan = cuts(world, parse_span(every), detector_id())
    out.mkdir(parents=True, exist_ok=True)
    store = Store(out / "cuts.ndjson")
    failed = run_all(plan, scanned, store, jobs=jobs, title="replay", key=lambda cut: cut.key)
    records = [store.records[cut.key] for cut in plan if cut.key in store]
    lines = timeline(world, records)
    (out / "replay.json").write_text(jsonlib.dumps(lines, indent=1), encoding="utf-8")
    if records:
        (out / "replay.html").write_text(render(world.name, records, lines), encoding="utf-8")
    if json:
        typer.echo(jsonlib.dumps(lines))
    else:
        table = Table("campaign", "found after", "exchanges by then", "of all", title=f"{len(records)} cut-offs")
        for x in lines:
            hours, taken = ("never", "–") if x["hours"] is None else (f"{x['hours']:.1f} h", f"{x['exchanges']:,}")
            table.add_row(x["campaign"], hours, taken, percent(x["share"]))
        screen().print(table)
    if failed:
        raise typer.Exit(1)


def scanned(cut: Cut, scratch: str) -> dict[str, Any]:
    """The record of one cut-off; what goes wrong is part of the record."""
    record: dict[str, Any] = {"key": cut.key, "until": cut.until}
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        part, case = Path(folder) / "world", Path(folder) / "case"
        try:
            write_cut(cut, part)
            scan_world(part, case, "--threads", "1", "--quiet")
            record |= measurement(part, case)
        except Exception as exc:  # the other cut-offs go on
            record["error"] = f"{type(exc).__name__}: {exc}"
    return record
