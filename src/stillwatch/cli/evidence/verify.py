"""`stillwatch evidence verify`: is a bag what was sealed?"""

from __future__ import annotations

from pathlib import Path

import typer

from stillwatch.cli.evidence.common import BAG, JSON, PUBLIC, extra, print_json


def verify(
    bag: Path = BAG,
    key: Path = PUBLIC,
    tsa_root: Path | None = typer.Option(None, "--tsa-root", help="Certificates (PEM) whose timestamps are believed."),
    custody_head: str | None = typer.Option(
        None, "--custody-head", help="A head of the custody log noted down earlier."
    ),
    json: bool = JSON,
) -> None:
    """Check everything offline and say what is broken. Exit status 0: sound, 1: broken, 2: bad usage."""
    with extra():
        from stillwatch.evidence.folder import Directory
        from stillwatch.evidence.keys import verifying_key
        from stillwatch.evidence.stamp import authorities
        from stillwatch.evidence.text import visible
        from stillwatch.evidence.verify import summary
        from stillwatch.evidence.verify import verify as check
    found = check(
        Directory(bag),
        verifying_key(key),
        roots=authorities(tsa_root) if tsa_root else (),
        custody_head=custody_head,
    )
    if json:
        problems = [p._asdict() for p in found.problems]
        print_json({"sound": found.sound, "problems": problems, "notes": list(found.notes), "facts": found.facts})
    else:
        for line in summary(found):
            typer.echo(line)
        state, when = "sound" if found.sound else "NOT SOUND", found.facts.get("sealed_at") or "at an unknown time"
        typer.echo(visible(f"{state}: {found.facts['files']:,} files, sealed {when}"))
    if not found.sound:
        raise typer.Exit(1)
