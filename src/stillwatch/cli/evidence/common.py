"""What the commands of evidence have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
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


def moment(text: str | None, option: str) -> datetime | None:
    """A time that was given, UTC where it says no offset. :class:`InputError` for what is none."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InputError(f"{option} is not a time", remedy="e.g. 2026-11-23T14:00:00Z") from exc
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
