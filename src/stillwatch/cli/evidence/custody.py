"""`stillwatch evidence custody`: who held a bag."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from stillwatch.cli.evidence.common import BAG, JSON, extra, print_json
from stillwatch.domain.errors import InputError


def custody(
    bag: Path = BAG,
    add: str | None = typer.Option(None, "--add", help="What was done, e.g. 'handed over'."),
    actor: str | None = typer.Option(None, "--actor", help="By whom."),
    note: str = typer.Option("", "--note", help="Why."),
    key: Path | None = typer.Option(None, "--key", help="The key that signs the entry (PEM)."),
    json: bool = JSON,
) -> None:
    """Show the chain of custody, or add a signed entry to it."""
    with extra():
        from stillwatch.evidence.custody import append, read_chain
        from stillwatch.evidence.keys import signing_key
        from stillwatch.evidence.layout import CUSTODY
        from stillwatch.evidence.text import visible
    place = bag / CUSTODY
    if add is not None:
        if actor is None or key is None:
            raise InputError("--add needs --actor and --key")
        append(place, signing_key(key), now=datetime.now(UTC), action=add, actor=actor, note=note)
    try:
        chain = read_chain(place.read_bytes())
    except OSError as exc:
        raise InputError("holds no custody log", where=str(bag)) from exc
    if json:
        print_json(
            {"entries": list(chain.entries), "heads": list(chain.heads), "problems": list(map(list, chain.problems))}
        )
    else:
        for found, head in zip(chain.entries, chain.heads, strict=True):
            if found:
                line = f"{found['time']}  {found['action']} by {found['actor']}"
                typer.echo(visible(f"{head[:12]}  {line}" + (f": {found['note']}" if found["note"] else "")))
        for _, what in chain.problems:
            typer.echo(f"BROKEN  {what}")
    if chain.problems:
        raise typer.Exit(1)
