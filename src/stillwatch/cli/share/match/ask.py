"""`stillwatch share match ask`: ask a peer how much we have in common."""

from __future__ import annotations

import secrets
from pathlib import Path

import typer

from stillwatch.cli.share.common import JSON, extra, print_json, progress
from stillwatch.cli.share.match.common import (
    CONSENT_BY,
    EPOCH,
    KEY,
    KIND,
    OPENING,
    PURPOSE,
    RECORD,
    REVEAL_FROM,
    SET,
    consent,
    party,
    recorder,
)


def ask(
    given: Path = SET,
    url: str = typer.Option(..., "--url", help="The peer, https://…"),
    peer_key: str = typer.Option(..., "--peer-key", help="Its public key: `share match key` shows it there."),
    kind: str = KIND,
    epoch: str = EPOCH,
    key: Path = KEY,
    purpose: str = PURPOSE,
    ca: Path | None = typer.Option(None, "--ca", help="Certificates (PEM) to believe instead of the system's."),
    consent_by: str | None = CONSENT_BY,
    reveal_from: int | None = REVEAL_FROM,
    out: Path | None = typer.Option(None, "--out", help="File for the common identifiers, if they are revealed."),
    record: Path | None = RECORD,
    opening: Path | None = OPENING,
    json: bool = JSON,
) -> None:
    """Learn how many identifiers are common; which ones, only if both sides consented to at least so many."""
    with extra():
        from stillwatch.sharing.match.asking import ask as question
        from stillwatch.sharing.match.sets import write_private
        from stillwatch.sharing.match.wire import Wire
    ours = party(given, kind, purpose, epoch, key, consent(consent_by, reveal_from), opening)
    with Wire(url, ca) as wire:
        found = question(
            ours, peer_key, wire.post, nonce=secrets.token_urlsafe(24), step=progress,
            record=recorder(record),
        )  # fmt: skip
    if out is not None and found.revealed:
        write_private(out, "".join(f"{x}\n" for x in found.common).encode("utf-8"))
    if json:
        print_json(
            {
                "asked": ours.commitment.size,
                "theirs": found.theirs,
                "common": found.size,
                "revealed": found.revealed,
                "why_not": found.why,
                "their_commitment": found.their_commitment,
            }
        )
        return
    typer.echo(f"{found.size:,} of our {ours.commitment.size:,} identifiers are among their {found.theirs:,}")
    if not found.revealed:
        typer.echo(f"which ones was not revealed: {found.why}")
    elif out is None:
        typer.echo("which ones was revealed to both; name --out to keep them")
    else:
        typer.echo(f"which ones was revealed to both: {out}")
