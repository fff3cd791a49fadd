"""The command: one file per subcommand, thin."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import typer

from stillwatch import __version__
from stillwatch.cli.demo import demo
from stillwatch.cli.evidence import app as evidence
from stillwatch.cli.lab import app as lab
from stillwatch.cli.scan import scan
from stillwatch.cli.share import app as share
from stillwatch.cli.sketch import sketch
from stillwatch.cli.sources import sources
from stillwatch.cli.state import app as state
from stillwatch.domain.errors import InputError

TRACEBACK = "STILLWATCH_TRACEBACK"
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
app.add_typer(state, name="state", help="What `scan --state` remembers: show, check, compact, forget.")
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
    except Exception as exc:
        if TRACEBACK in os.environ:
            raise
        typer.echo(f"stillwatch: {_failure(exc)}", err=True)
        sys.exit(1)


def _failure(exc: Exception) -> str:
    """What went wrong that is nobody's input. Messages of libraries quote values, so only the place is told."""
    if isinstance(exc, OSError) and exc.strerror:
        return f"{exc.strerror}: {exc.filename}" if exc.filename else exc.strerror
    if isinstance(exc, MemoryError):
        return "out of memory"
    place = traceback.extract_tb(exc.__traceback__)[-1]
    return (
        f"internal failure: {type(exc).__name__} at {Path(place.filename).name}:{place.lineno} "
        f"(please report it; {TRACEBACK}=1 shows more, which may quote the log)"
    )
