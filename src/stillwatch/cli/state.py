"""`stillwatch state`: what earlier scans left, and how to be rid of it."""

from __future__ import annotations

import json as jsonlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import typer
from rich.table import Table

from stillwatch.campaigns.build import iso
from stillwatch.campaigns.registry import ACCOUNTS, CAMPAIGNS, Registry
from stillwatch.cli.runs import screen
from stillwatch.domain.errors import InputError
from stillwatch.kernels.hashing import hash_strings
from stillwatch.signals.features import FEATURES
from stillwatch.state import State

app = typer.Typer(no_args_is_help=True)
STATE = typer.Argument(..., help="The state directory.")
JSON = typer.Option(False, "--json", help="The same as JSON on standard output.")


@app.command()
def show(state: Path = STATE, json: bool = JSON) -> None:
    """What a state holds: scans, exchanges, accounts, campaigns."""
    with State.open(state, features=FEATURES) as opened:
        now = opened.manifest
        registry = Registry.read(opened.blob(ACCOUNTS), opened.blob(CAMPAIGNS))
    facts = {
        "generation": now.generation,
        "segments": [
            {
                "exchanges": s.rows,
                "first": iso(s.first_us),
                "last": iso(s.last_us),
                "bytes": sum(f.bytes for f in s.shards),
            }
            for s in now.segments
        ],
        "exchanges": now.rows,
        "bytes": sum(f.bytes for f in now.files),
        "accounts": registry.accounts.num_rows,
        "forgotten_before": iso(now.forgotten_before_us) if now.forgotten_before_us else None,
        "campaigns": [
            {
                "id": c.record.id,
                "accounts": c.record.accounts,
                "known_since": c.record.known_since,
                "last_seen": c.record.last_seen,
                "quiet": c.record.quiet,
                "joined_later": c.record.joined_later,
                "also_known_as": list(c.record.also_known_as),
                "marks": len(c.signature.marks),
            }
            for c in registry.campaigns
        ],
    }
    if json:
        typer.echo(jsonlib.dumps(facts, sort_keys=True))
        return
    console = screen()
    console.print(
        f"{now.rows:,} exchanges of {registry.accounts.num_rows:,} accounts in {len(now.segments):,} segments, "
        f"{sum(f.bytes for f in now.files) / 2**20:,.1f} MiB, generation {now.generation}"
    )
    if now.segments:
        first, last = min(s.first_us for s in now.segments), max(s.last_us for s in now.segments)
        console.print(f"from {iso(first)} to {iso(last)}")
    if now.forgotten_before_us:
        console.print(f"everything from before {iso(now.forgotten_before_us)} is forgotten")
    if registry.campaigns:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for name in ("campaign", "accounts", "known since", "last seen", "this time", "joined later"):
            table.add_column(name, justify="right" if name in ("accounts", "joined later") else "left")
        for c in registry.campaigns:
            r = c.record
            seen = "quiet" if r.quiet else "active"
            table.add_row(r.id, f"{r.accounts:,}", r.known_since or "", r.last_seen, seen, f"{r.joined_later:,}")
        console.print(table)


@app.command()
def check(state: Path = STATE, json: bool = JSON) -> None:
    """Read every byte and count every row. Exit status 0: whole, 1: damaged."""
    with State.open(state, features=FEATURES) as opened:
        problems = opened.check()
        if opened.recovered:
            problems.insert(0, "the newest manifest was damaged: this is the state before the last scan")
        Registry.read(opened.blob(ACCOUNTS), opened.blob(CAMPAIGNS))
        rows = opened.manifest.rows
    if json:
        typer.echo(jsonlib.dumps({"exchanges": rows, "problems": problems}))
    else:
        typer.echo("\n".join(problems) or f"whole: {rows:,} exchanges")
    if problems:
        raise typer.Exit(1)


@app.command()
def compact(state: Path = STATE) -> None:
    """Put all segments together, which later scans read faster."""
    with State.open(state, features=FEATURES) as opened:
        typer.echo(f"{opened.compact():,} segments are one")


@app.command()
def forget(
    state: Path = STATE,
    before: str | None = typer.Option(None, "--before", help="Forget what is older than a date (2026-09-01)."),
    account: list[str] = typer.Option([], "--account", help="Erase an account; may be repeated."),
    accounts_file: Path | None = typer.Option(
        None, "--accounts-file", help="Erase the accounts in a file, one a line."
    ),
) -> None:
    """Erase for good: everything before a date, or accounts on request. Campaigns stay known by their work alone."""
    names = [*account, *(_lines(accounts_file) if accounts_file else [])]
    if before is None and not names:
        raise InputError("nothing to forget", remedy="give --before, --account or --accounts-file")
    limit = _moment(before) if before else None
    with State.open(state, features=FEATURES) as opened:
        registry = Registry.read(opened.blob(ACCOUNTS), opened.blob(CAMPAIGNS))
        hashes = hash_strings(pa.array(names, pa.string())) if names else np.zeros(0, np.uint64)
        kept = registry.without(names, limit, opened.keys_of(accounts=hashes, before_us=limit))
        gone = opened.forget(accounts=hashes, before_us=limit, blobs=kept.blobs())
    forgotten = registry.accounts.num_rows - kept.accounts.num_rows
    typer.echo(f"{gone:,} exchanges and {forgotten:,} accounts are forgotten")


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text("utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError("cannot be read as lines of text", where=str(path)) from exc


def _moment(given: str) -> int:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as exc:
        raise InputError(f"--before {given[:40]!r} is no date", remedy="write it like 2026-09-01") from exc
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000_000)
