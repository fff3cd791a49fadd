"""What the commands of evidence have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from stillwatch.domain.errors import InputError

PACKAGES = {"cryptography", "rfc8785", "rfc3161_client"}
BAG = typer.Argument(..., help="The directory that was sealed.")
PUBLIC = typer.Option(..., "--key", help="The signer's public key (PEM).")
JSON = typer.Option(False, "--json", help="JSON on standard output.")


@contextmanager
def extra() -> Iterator[None]:
    """What the extra brings is imported inside; without it, a message instead of a traceback."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] not in PACKAGES:
            raise
        raise InputError(f"evidence needs the package {exc.name}", remedy="pip install 'stillwatch[evidence]'") from exc


def print_json(value: dict[str, Any]) -> None:
    """One line on standard output."""
    typer.echo(json.dumps(value, sort_keys=True))
