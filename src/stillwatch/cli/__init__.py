"""The command: one file per subcommand, thin."""

from __future__ import annotations

import os
import sys

import typer

from stillwatch import __version__
from stillwatch.cli.demo import demo
from stillwatch.cli.evidence import app as evidence
from stillwatch.cli.lab import app as lab
from stillwatch.cli.scan import scan
from stillwatch.cli.share import app as share
from stillwatch.cli.sketch import sketch
from stillwatch.cli.sources import sources
from stillwatch.domain.errors import InputError

app = typer.Typer(
    name="stillwatch",
    help="Finds adversarial-distillation campaigns in model-API logs, and shows why.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(scan)
app.command()(sketch)
app.command()(sources)
app.command()(demo)
app.add_typer(evidence, name="evidence", help="Sealed evidence: bags that show every change.")
app.add_typer(share, name="share", help="Share what was learnt, take in what others learnt.")
app.add_typer(lab, name="lab", help="Worlds in which a detector can be measured.")


def _version(show: bool) -> None:
    if show:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Finds adversarial-distillation campaigns in model-API logs, and shows why."""


def main() -> None:
    """Exit status: 0 no campaign, 3 campaigns found, 2 bad input or usage, 1 failure."""
    try:
        app()
    except InputError as exc:
        typer.echo(f"stillwatch: {exc}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
