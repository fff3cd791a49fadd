"""`stillwatch demo`: a realistic labelled day, a scan of it, and what was found against what was hidden."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.table import Table

from stillwatch.cli.runs import scan_world, screen
from stillwatch.lab.evaluate import evaluate
from stillwatch.lab.generate import generate
from stillwatch.lab.scenario import load
from stillwatch.lab.tables import brief


def demo(
    out: Path = typer.Option(Path("demo"), "--out", help="Directory for the world and the case."),
    seed: int = typer.Option(1, "--seed", help="The same seed gives the same world."),
    scenario: str = typer.Option("demo", "--scenario", help="A shipped scenario or a YAML file."),
) -> None:
    """Generate a labelled day, scan it, and compare. Exit status 0 when the campaigns were found."""
    console = screen()
    world, case = out / "world", out / "case"
    console.print(f"[bold]1[/] a labelled world: scenario {scenario}, seed {seed}")
    counts = generate(load(scenario), seed, world)
    table = Table.grid(padding=(0, 2))
    for name, value in counts.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    console.print(
        "[bold]2[/] stillwatch scan world/exchanges.parquet --accounts world/accounts.parquet "
        "--licences world/licences.yaml --out case"
    )
    found = scan_world(world, case) == 3
    console.print("[bold]3[/] what was found against what was hidden")
    console.print(brief(evaluate(case, world / "truth.parquet")))
    console.print(f"all figures: stillwatch lab evaluate {case} --truth {world / 'truth.parquet'}")
    console.print(f"open {case / 'report.html'}")
    if not found:
        raise typer.Exit(1)
