"""`stillwatch share leads`, `confirm` and `sightings`: what others send, a person's word on it, and an answer."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import typer

from stillwatch.case import read_case
from stillwatch.cli.caselog import open_as_scanned
from stillwatch.cli.share.common import JSON, OUT, PRODUCER, SOURCE, THREADS, TLP, print_json, say, write
from stillwatch.domain.errors import InputError
from stillwatch.engine import DuckEngine
from stillwatch.sharing.inbound.bundle import read_bundle, source_of
from stillwatch.sharing.inbound.folder import as_rows, confirmed, decide, decisions, write_leads
from stillwatch.sharing.inbound.leads import find_leads
from stillwatch.sharing.inbound.records import summary
from stillwatch.sharing.inbound.sightings import sightings as bundle_of
from stillwatch.sharing.stix.producer import Producer
from stillwatch.sharing.stix.tlp import level

FOLDER = typer.Argument(..., help="The directory that `share leads` wrote.")


def leads(
    bundles: list[Path] = typer.Argument(..., help="STIX bundles of others, the latest of each."),
    case: Path = typer.Option(..., "--case", help="Our own case."),
    log: list[str] = typer.Option(..., "--log", help="The logs that it was made from."),
    out: Path = typer.Option(..., "--out", help="The directory to write."),
    source: str | None = SOURCE,
    threads: int = THREADS,
    json: bool = JSON,
) -> None:
    """Look for others' indicators in our own log. Matches are leads: a person decides, nothing happens by itself."""
    read = [read_bundle(path)._replace(source=source_of(path)) for path in bundles]
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in bundles]
    reader = open_as_scanned(case, log, source)
    with DuckEngine(threads=threads) as engine:
        found = find_leads(engine, reader, read_case(case), read, digests)
    write_leads(found, out)
    if json:
        counts = {"indicators": found.file.indicators, "skipped": found.file.skipped}
        print_json({"leads": [{"id": x.id, "strength": x.strength} for x in found.file.leads], **counts})
        return
    for line in summary(found.file):
        typer.echo(line)
    skipped = sum(found.file.skipped.values())
    say(f"{found.file.indicators:,} indicators, {skipped:,} of them not looked for")
    for why, number in found.file.skipped.items():
        say(f"    {number:,}: {why}")
    say(f"{len(found.file.leads):,} lead(s): {out}")


def confirm(
    folder: Path = FOLDER,
    lead: str = typer.Option(..., "--lead", help="Id of the lead."),
    by: str = typer.Option(..., "--by", help="Who decides."),
    reason: str = typer.Option(..., "--reason", help="Why. It stays here."),
    dismiss: bool = typer.Option(False, "--dismiss", help="It is not so."),
    json: bool = JSON,
) -> None:
    """Note down a person's decision on a lead, for good. Nothing else happens."""
    word = "dismissed" if dismiss else "confirmed"
    decide(folder, lead, word, by=by, reason=reason, at=datetime.now(UTC))
    if json:
        print_json({"decisions": as_rows(decisions(folder))})
    else:
        typer.echo(f"{lead}: {word}")


def sightings(
    folder: Path = FOLDER,
    out: Path | None = OUT,
    producer: str = PRODUCER,
    tlp: str = TLP,
) -> None:
    """Write confirmed leads as STIX sightings to send back: no account, no text, no name of who confirmed."""
    found = confirmed(folder)
    if not found:
        raise InputError(
            "no lead is confirmed", remedy="stillwatch share confirm LEADS --lead ID --by WHO --reason WHY"
        )
    write(bundle_of(Producer(producer, level(tlp), datetime.now(UTC)), found), out)
    say(f"{len(found):,} sighting(s)" + (f": {out}" if out else ""))
