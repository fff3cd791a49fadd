"""`stillwatch lab`: build worlds, check their honesty, evaluate a case."""

from __future__ import annotations

from pathlib import Path

import typer
import yaml
from rich.console import Console

from stillwatch.domain.errors import InputError
from stillwatch.lab.generate import generate as build_world
from stillwatch.lab.scenario import dials, load

app = typer.Typer(help="Synthetic worlds and the evaluation of cases.", no_args_is_help=True)
console = Console()


@app.command()
def generate(
    scenario: str = typer.Argument(..., help="A shipped scenario's name or a YAML file."),
    out: Path = typer.Option(..., "--out", help="Directory to write."),
    seed: int = typer.Option(1, "--seed", help="The same seed gives the same world."),
    set_: list[str] = typer.Option([], "--set", help="A dial: campaigns.0.cover=0.5"),
    without: list[str] = typer.Option([], "--without", help="Columns to leave out, comma-separated."),
) -> None:
    """Write a world: exchanges, accounts, licences, truth."""
    overrides = {}
    for item in set_:
        key, sign, value = item.partition("=")
        if not sign:
            raise InputError(f"--set {item}: expected DIAL=VALUE")
        overrides[key] = yaml.safe_load(value)
    world = dials(load(scenario), overrides)
    counts = build_world(world, seed, out, without=[c for item in without for c in item.split(",")])
    console.print_json(data=counts)
