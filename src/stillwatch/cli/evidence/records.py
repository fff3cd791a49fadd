"""`stillwatch evidence show-record` and `check-record`: one record without the others."""

from __future__ import annotations

from pathlib import Path

import typer

from stillwatch.cli.evidence.common import BAG, JSON, PUBLIC, extra, print_json
from stillwatch.domain.errors import InputError


def show_record(
    bag: Path = BAG,
    out: Path = typer.Option(..., "--out", help="The proof to write."),
    index: int | None = typer.Option(None, "--index", min=0, help="Place of the record, from 0."),
    exchange: str | None = typer.Option(None, "--exchange", help="Pseudonym of the exchange."),
) -> None:
    """Write one record with the proof that it was sealed; the others stay unseen."""
    if (index is None) == (exchange is None):
        raise InputError("name one record: --index or --exchange")
    with extra():
        from stillwatch.evidence.folder import Directory
        from stillwatch.evidence.show import show_record as make
    proof = make(Directory(bag), index=index, exchange=exchange)
    if out.exists():
        raise InputError("the file exists already", where=str(out), remedy="name a new file")
    out.write_bytes(proof)
    typer.echo(f"proof: {out}")


def check_record(
    proof: Path = typer.Argument(..., help="What show-record wrote."), key: Path = PUBLIC, json: bool = JSON
) -> None:
    """Check one shown record against the signed root. Exit status 0: it was sealed, 1: not so."""
    with extra():
        from stillwatch.evidence.keys import verifying_key
        from stillwatch.evidence.show import check_record as check
    try:
        data = proof.read_bytes()
    except OSError as exc:
        raise InputError("cannot be opened", where=str(proof)) from exc
    found = check(data, verifying_key(key), str(proof))
    if json:
        print_json({"sealed": not found.problem, "problem": found.problem, "sealed_at": found.sealed_at})
    else:
        typer.echo(f"BROKEN  {found.problem}" if found.problem else f"the record was sealed {found.sealed_at}")
    if found.problem:
        raise typer.Exit(1)
