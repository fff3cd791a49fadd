"""`stillwatch evidence keygen` and `reidentify`: keys, and what they open."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from stillwatch.cli.evidence.common import extra
from stillwatch.domain.errors import InputError


def keygen(
    out: Path = typer.Option(..., "--out", help="PLACE: writes PLACE.key (0600) and PLACE.pub."),
    for_: str = typer.Option("signing", "--for", help="signing (Ed25519) or custodian (X25519)."),
) -> None:
    """Make a pair of keys: one that signs bags, or one to which re-identification is sealed."""
    if for_ not in ("signing", "custodian"):
        raise InputError("--for is neither signing nor custodian")
    with extra():
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        from stillwatch.evidence.keys import write_pair
    pair = write_pair(Ed25519PrivateKey.generate() if for_ == "signing" else X25519PrivateKey.generate(), out)
    typer.echo(f"secret: {pair[0]} (not encrypted: keep it)   public: {pair[1]}")


def reidentify(
    sealed: Path = typer.Argument(..., help="The .reidentify file that was written beside a bag."),
    key: Path = typer.Option(..., "--key", help="The custodian's or, without one, the signer's secret key (PEM)."),
    name: list[str] = typer.Option([], "--name", help="Pseudonym to lead back; all of the members' when absent."),
) -> None:
    """Lead pseudonyms back to values, as JSON on standard output. Exit status 1: one of them is unknown."""
    with extra():
        from stillwatch.evidence.keys import any_private
        from stillwatch.evidence.reidentify import open_names
    try:
        data = sealed.read_bytes()
    except OSError as exc:
        raise InputError("cannot be opened", where=str(sealed)) from exc
    names = open_names(data, any_private(key), str(sealed))
    found = {n: names.original(n) for n in name} if name else names.all()
    typer.echo(json.dumps(found, indent=1))
    if None in found.values():
        raise typer.Exit(1)
