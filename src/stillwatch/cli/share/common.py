"""What the commands of sharing have in common."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from stillwatch.case import read_case
from stillwatch.cli.caselog import accounts_as_scanned, open_as_scanned
from stillwatch.domain.errors import InputError
from stillwatch.engine import DuckEngine
from stillwatch.sharing.case import Shareable, shareable
from stillwatch.sharing.fingerprints import Limits
from stillwatch.sharing.stix.producer import UNNAMED

CASE = typer.Argument(..., help="The case directory.")
LOG = typer.Option([], "--log", help="The logs that were scanned; without them no fingerprints are shared.")
ACCOUNTS = typer.Option(None, "--accounts", help="The accounts table that was scanned.")
SOURCE = typer.Option(None, "--source", help="Log format or mapping file, as it was scanned.")
CAMPAIGN = typer.Option([], "--campaign", help="Campaign to share; all of them when absent.")
LEAST = typer.Option(5, "--least-accounts", min=3, help="Members, of different customers, behind whatever is shown.")
PRODUCER = typer.Option(UNNAMED, "--producer", help="Who shares; ids of objects follow from it.")
TLP = typer.Option("amber", "--tlp", help="clear, green, amber, amber+strict or red (TLP 2.0).")
AS_OF = typer.Option(None, "--as-of", help="Time of the objects (ISO 8601); the end of the log when absent.")
OUT = typer.Option(None, "--out", help="File to write; standard output when absent.")
THREADS = typer.Option(2, "--threads", min=1, help="Threads; results do not depend on it.")
JSON = typer.Option(False, "--json", help="JSON on standard output.")
PACKAGES = {
    "pymisp": "sharing",
    "httpx": "sharing",
    "cryptography": "sharing",
    "private_set_intersection": "sharing",
} | {
    "starlette": "serve",
    "uvicorn": "serve",
}


@contextmanager
def extra() -> Iterator[None]:
    """What an extra brings is imported inside; without it, a message instead of a traceback."""
    try:
        yield
    except ModuleNotFoundError as exc:
        name = (exc.name or "").partition(".")[0]
        if name not in PACKAGES:
            raise
        raise InputError(
            f"this needs the package {name}", remedy=f"pip install 'stillwatch[{PACKAGES[name]}]'"
        ) from exc


def share_of_case(
    case: Path,
    log: list[str],
    accounts: Path | None,
    source: str | None,
    campaign: list[str],
    least: int,
    threads: int,
) -> Shareable:
    """What may be shared of a case."""
    found = read_case(case)
    reader = open_as_scanned(case, log, source) if log else None
    table = accounts_as_scanned(case, accounts) if accounts else None
    if reader is None:
        say("without --log a case shares behaviour and figures, no indicators")
    with DuckEngine(threads=threads) as engine:
        return shareable(found, campaign, engine, reader, table, Limits(accounts=least))


def write(data: bytes, out: Path | None) -> None:
    """To a new file, or to standard output."""
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    write_new(out, data)


def write_new(path: Path, data: bytes) -> None:
    """Whole or not at all; nothing is overwritten."""
    if path.exists():
        raise InputError("the file exists already", where=str(path), remedy="name a new file")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(data)
        fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)


def say(text: str) -> None:
    """To a person at the terminal; standard output is for results."""
    typer.echo(text, err=True)


def progress(step: str) -> None:
    """At a terminal, what is being done."""
    if sys.stderr.isatty():
        typer.echo(f"{step} …", err=True)


def print_json(value: dict[str, Any]) -> None:
    """One line on standard output."""
    typer.echo(json.dumps(value, sort_keys=True))
