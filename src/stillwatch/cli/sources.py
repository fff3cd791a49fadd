"""`stillwatch sources`: the formats, and what each can and cannot carry."""

from __future__ import annotations

import json as jsonlib

import typer
from rich.console import Console
from rich.table import Table

from stillwatch.sources import FORMATS


def sources(json: bool = typer.Option(False, "--json", help="As JSON.")) -> None:
    """List the log formats that can be read, with what each can and cannot carry."""
    if json:
        rows = [
            {"name": f.name, "title": f.title, "carries": f.carries, "cannot_carry": f.cannot_carry} for f in FORMATS
        ]
        typer.echo(jsonlib.dumps(rows, indent=2))
        return
    table = Table("name", "format", "carries", "cannot carry")
    for f in FORMATS:
        table.add_row(f.name, f.title, ", ".join(f.carries), ", ".join(f.cannot_carry) or "–", end_section=True)
    Console().print(table)
    typer.echo("All else: --source FILE.yaml with `columns: {ts: {path: time.ms, unit: ms}, account_id: user.id, …}`")
