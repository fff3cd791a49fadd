"""`stillwatch share match audit`: was a commitment to this set?"""

from __future__ import annotations

import json
from pathlib import Path

import typer

from stillwatch.cli.share.common import extra
from stillwatch.cli.share.match.common import SET
from stillwatch.domain.errors import InputError
from stillwatch.sharing.match.commitment import commit
from stillwatch.sharing.match.sets import read_set
from stillwatch.sharing.match.tokens import scope, tokens


def audit(
    given: Path = SET,
    opening: Path = typer.Option(..., "--opening", help="What the committed side kept."),
    commitment: str = typer.Option(..., "--commitment", help="The commitment as the other side recorded it."),
    record: Path | None = typer.Option(None, "--record", help="Our record, with the other side's signed word …"),
    peer_key: str | None = typer.Option(None, "--peer-key", help="… and its public key: check the signature too."),
) -> None:
    """Check a commitment that is opened to us. Exit status 0: it was to this set; 1: it was not, or unsigned."""
    if (record is None) != (peer_key is None):
        raise InputError("--record and --peer-key belong together")
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
    signed = record is None or _signed(record, commitment, str(peer_key))
    if record is not None:
        typer.echo(f"it {'was' if signed else 'was NOT'} signed with that key")
    if not (same and signed):
        raise typer.Exit(1)


def _signed(record: Path, commitment: str, signer: str) -> bool:
    """Whether the record holds this commitment in words that the key signed."""
    with extra():
        from stillwatch.sharing.match.envelope import is_word_of
    try:
        words = [json.loads(line).get("word") for line in record.read_bytes().splitlines()]
    except (OSError, ValueError, AttributeError) as exc:
        raise InputError("is not a record of ours", where=str(record)) from exc
    said = [w for w in words if isinstance(w, dict) and dict(w.get("body") or {}).get("commitment") == commitment]
    return any(is_word_of(word, signer) for word in said)
