"""`stillwatch share match key` and `set`: what each side brings."""

from __future__ import annotations

from pathlib import Path

import typer

from stillwatch.case import read_case
from stillwatch.cli.caselog import accounts_as_scanned, open_as_scanned
from stillwatch.cli.share.common import ACCOUNTS, CAMPAIGN, CASE, LEAST, LOG, SOURCE, THREADS, extra, say
from stillwatch.cli.share.match.common import KIND
from stillwatch.domain.errors import InputError
from stillwatch.engine import DuckEngine
from stillwatch.sharing.case import chosen, members, shareable
from stillwatch.sharing.fingerprints import Limits
from stillwatch.sharing.match import sets
from stillwatch.sharing.match.tokens import scope, tokens


def key(key: Path = typer.Option(..., "--key", help="A signing key (PEM), of `stillwatch evidence keygen`.")) -> None:
    """Print the public key by which peers know us."""
    with extra():
        from stillwatch.evidence.keys import signing_key
    typer.echo(signing_key(key).public_key().public_bytes_raw().hex())


def make_set(
    case: Path = CASE,
    kind: str = KIND,
    out: Path = typer.Option(..., "--out", help="File to write; only its owner can read it."),
    log: list[str] = LOG,
    accounts: Path | None = ACCOUNTS,
    source: str | None = SOURCE,
    campaign: list[str] = CAMPAIGN,
    least_accounts: int = LEAST,
    threads: int = THREADS,
) -> None:
    """Write identifiers of campaign members, one a line: nobody else's."""
    about = scope("set", "2026-01", kind)
    found = read_case(case)
    who = members(found, chosen(found, campaign))
    if kind in sets.COLUMNS:
        if accounts is None:
            raise InputError(f"identifiers of kind {kind} stand in the accounts table", remedy="--accounts FILE")
        listed = sets.of_accounts(kind, accounts_as_scanned(case, accounts), who)
    elif kind == "email":
        raise InputError("a case holds no mail address", remedy="write the set yourself, one address a line")
    elif not log:
        raise InputError(f"identifiers of kind {kind} stand in the log", remedy="--log FILE")
    elif kind == "access":
        listed = sets.of_access(open_as_scanned(case, log, source), who)
    else:
        table = accounts_as_scanned(case, accounts) if accounts else None
        reader = open_as_scanned(case, log, source)
        with DuckEngine(threads=threads) as engine:
            shared = shareable(found, campaign, engine, reader, table, Limits(accounts=least_accounts))
        listed = sets.of_templates(shared.fingerprints)
    tokens(listed, about)
    sets.write_private(out, "".join(f"{x}\n" for x in listed).encode("utf-8"))
    say(f"{len(listed):,} identifiers of kind {kind}: {out}")
