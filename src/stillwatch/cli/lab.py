"""`stillwatch lab`: build worlds, check their honesty, evaluate a case."""

from __future__ import annotations

from pathlib import Path

import typer

from stillwatch.cli.lab_economics import economics
from stillwatch.cli.lab_power import power
from stillwatch.cli.lab_replay import replay
from stillwatch.cli.runs import screen
from stillwatch.lab.evaluate import evaluate as measure
from stillwatch.lab.evaluate_page import render
from stillwatch.lab.generate import generate as build_world
from stillwatch.lab.honesty import check as find_leaks
from stillwatch.lab.scenario import dials, load, shipped
from stillwatch.lab.settings import parse_dials
from stillwatch.lab.tables import as_tables

app = typer.Typer(help="Synthetic worlds and the evaluation of cases.", no_args_is_help=True)
console = screen()


@app.command()
def generate(
    scenario: str = typer.Argument(..., help="A shipped scenario's name or a YAML file."),
    out: Path = typer.Option(..., "--out", help="Directory to write."),
    seed: int = typer.Option(1, "--seed", help="The same seed gives the same world."),
    set_: list[str] = typer.Option([], "--set", help="A dial: campaigns.0.cover=0.5"),
    corpus: Path | None = typer.Option(None, "--corpus", help="Folder of real prompts (A_*, B_*.parquet)."),
    without: list[str] = typer.Option([], "--without", help="Columns to leave out, comma-separated."),
) -> None:
    """Write a world: exchanges, accounts, licences, truth."""
    world = dials(load(scenario), parse_dials(set_))
    counts = build_world(world, seed, out, corpus=corpus, without=[c for item in without for c in item.split(",")])
    console.print_json(data=counts)


@app.command()
def check(world: Path = typer.Argument(..., help="A world's directory.")) -> None:
    """Look for rules that tell hostile from honest without evidence; exit status 1 when there are any."""
    leaks = find_leaks(world)
    for leak in leaks:
        console.print(str(leak), style="red", markup=False, highlight=False)
    if leaks:
        raise typer.Exit(1)
    console.print("No leak found.")


@app.command()
def evaluate(
    case: Path = typer.Argument(..., help="A case directory."),
    truth: Path = typer.Option(..., "--truth", help="The world's truth.parquet."),
    json: bool = typer.Option(False, "--json", help="Figures as JSON."),
    page: Path | None = typer.Option(None, "--page", help="Also write a page with the calibration plot (HTML)."),
) -> None:
    """Compare a case with the truth."""
    result = measure(case, truth)
    if page is not None:
        page.write_text(render(result, case.name), encoding="utf-8")
    if json:
        console.print_json(data=result)
    else:
        console.print(as_tables(result))


@app.command("list")
def list_() -> None:
    """Names of the shipped scenarios."""
    for name in shipped():
        console.print(name)


app.command()(power)
app.command()(economics)
app.command()(replay)
