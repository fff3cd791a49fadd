"""`stillwatch share match audit`: was a commitment to this set?"""

from __future__ import annotations

import json
from pathlib import Path

import typer

from stillwatch.cli.share.match.common import SET
from stillwatch.domain.errors import InputError
from stillwatch.sharing.match.commitment import commit
from stillwatch.sharing.match.sets import read_set
from stillwatch.sharing.match.tokens import scope, tokens


def audit(
    given: Path = SET,
    opening: Path = typer.Option(..., "--opening", help="What the committed side kept."),
    commitment: str = typer.Option(..., "--commitment", help="The commitment as the other side recorded it."),
) -> None:
    """Check a commitment that is opened to us. Exit status 0: it was to this set, 1: it was not."""
    try:
        found = json.loads(opening.read_bytes())
        about = scope(found["purpose"], found["epoch"], found["kind"])
        made = commit(tokens(read_set(given), about), bytes.fromhex(found["salt"]))
    except OSError as exc:
        raise InputError("cannot be opened", where=str(opening)) from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise InputError("does not open a commitment", where=str(opening)) from exc
    same = made.root == commitment
    typer.echo(f"the commitment {'was' if same else 'was NOT'} to this set of {made.size:,} identifiers")
    if not same:
        raise typer.Exit(1)
