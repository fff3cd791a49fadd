"""`stillwatch evidence seal`: a case and its records in a bag."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import typer

from stillwatch.case import price_table
from stillwatch.cli.caselog import accounts_as_scanned, open_as_scanned
from stillwatch.cli.evidence.common import JSON, extra, moment, print_json
from stillwatch.sources import read_licences


def seal(
    case: Path = typer.Argument(..., help="The case directory."),
    log: list[str] = typer.Option(..., "--log", help="The logs that were scanned: paths, globs, directories."),
    key: Path = typer.Option(..., "--key", help="The signing key (PEM)."),
    out: Path = typer.Option(..., "--out", help="The bag to write; OUT.reidentify is written beside it."),
    accounts: Path | None = typer.Option(None, "--accounts", help="The accounts table that was scanned."),
    licences: Path | None = typer.Option(None, "--licences", help="The licences file that was scanned."),
    source: str | None = typer.Option(None, "--source", help="Log format or mapping file, as it was scanned."),
    campaign: list[str] = typer.Option([], "--campaign", help="Group to seal; all campaigns when absent."),
    reveal: list[str] = typer.Option([], "--reveal", help="Column to seal as it is, e.g. user_agent."),
    with_population: bool = typer.Option(False, "--with-population", help="Seal the whole log, minimised: for replay."),
    custodian: Path | None = typer.Option(
        None, "--custodian", help="Whose key opens OUT.reidentify; the signer's if absent."
    ),
    tsa: str | None = typer.Option(None, "--tsa", help="Address of an RFC 3161 timestamping authority."),
    actor: str = typer.Option("not named", "--actor", help="Who seals, for the custody log and the dossier."),
    note: str = typer.Option("", "--note", help="Why, for the custody log."),
    stix: Path | None = typer.Option(None, "--stix", help="A STIX bundle to seal with it, as it is."),
    decisions: list[Path] = typer.Option([], "--decisions", help="A record of decisions to seal with it, as it is."),
    prices: Path | None = typer.Option(None, "--prices", help="Price table (YAML) for the impact in money."),
    market: Path | None = typer.Option(None, "--market", help="What a training set costs (YAML), for the impact."),
    detected_at: str | None = typer.Option(None, "--detected-at", help="When it was first detected (ISO 8601)."),
    threads: int = typer.Option(2, "--threads", min=1, help="Threads; results do not depend on it."),
    json: bool = JSON,
) -> None:
    """Seal a case with the records it rests on: minimised, pseudonymised, signed."""
    with extra():
        from stillwatch.evidence.contents import Log, Options
        from stillwatch.evidence.impact import read_market
        from stillwatch.evidence.keys import custodian_public, signing_key
        from stillwatch.evidence.rerun import as_facts
        from stillwatch.evidence.seal import Effects
        from stillwatch.evidence.seal import seal as make
        from stillwatch.evidence.stamp import request_stamp
    reader = open_as_scanned(case, log, source)
    opened = Log(
        reader=reader,
        files=reader.files,
        accounts=accounts_as_scanned(case, accounts) if accounts else None,
        accounts_file=accounts,
        licences=read_licences(licences) if licences else (),
        licences_file=licences,
    )
    options = Options(
        campaigns=tuple(campaign),
        reveal=tuple(reveal),
        everybody=with_population,
        actor=actor,
        note=note,
        prices=price_table(prices) if prices else None,
        market=read_market(market) if market else None,
        detected_at=moment(detected_at, "--detected-at"),
        stix=stix,
        decisions=tuple(decisions),
        threads=threads,
    )
    effects = Effects(
        now=datetime.now(UTC),
        randomness=os.urandom(64),
        key=signing_key(key),
        custodian=custodian_public(custodian) if custodian else None,
        stamp=(lambda data: request_stamp(tsa, data)) if tsa else None,
    )
    made = make(case, opened, out, options, effects, _progress)
    replay = None if made.replay is None else as_facts(made.replay)
    if json:
        print_json({**made._asdict(), "bag": str(made.bag), "names": str(made.names), "replay": replay})
        return
    typer.echo(f"bag: {made.bag}   {made.records:,} records under root {made.root[:16]}…")
    typer.echo(f"custody head (note it down elsewhere): {made.custody_head}")
    typer.echo(f"re-identification, encrypted, to be kept apart: {made.names}")
    if made.replay is not None:
        same = made.replay
        typer.echo(
            f"the detector on what is sealed: {same.accounts_same:,} of {same.accounts:,} accounts and "
            f"{same.groups_same:,} of {len(same.groups):,} groups as in the case"
        )


def _progress(step: str) -> None:
    """At a terminal, what is being done."""
    if sys.stderr.isatty():
        typer.echo(f"{step} …", err=True)
