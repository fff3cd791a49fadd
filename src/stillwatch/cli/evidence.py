"""`stillwatch evidence`: seal a case, check a seal, run the detector again, show one record, keep the custody log."""

from __future__ import annotations

import json as jsonlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from stillwatch.case import price_table
from stillwatch.domain.errors import InputError
from stillwatch.sources import open_log, read_accounts, read_licences

app = typer.Typer(help="Sealed evidence: bags that show every change.", no_args_is_help=True)

EXTRA = {"cryptography", "rfc8785", "rfc3161_client"}
BAG = typer.Argument(..., help="The directory that was sealed.")
PUBLIC = typer.Option(..., "--key", help="The signer's public key (PEM).")
JSON = typer.Option(False, "--json", help="JSON on standard output.")


@contextmanager
def _extra() -> Iterator[None]:
    """What the extra brings is imported inside; without it, a message instead of a traceback."""
    try:
        yield
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0] not in EXTRA:
            raise
        raise InputError(f"evidence needs the package {exc.name}", remedy="pip install 'stillwatch[evidence]'") from exc


def _print(value: dict[str, Any]) -> None:
    typer.echo(jsonlib.dumps(value, sort_keys=True))


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InputError(f"{option} is not a time", remedy="e.g. 2026-11-23T14:00:00Z") from exc
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@app.command()
def keygen(
    out: Path = typer.Option(..., "--out", help="PLACE: writes PLACE.key (0600) and PLACE.pub."),
    for_: str = typer.Option("signing", "--for", help="signing (Ed25519) or custodian (X25519)."),
) -> None:
    """Make a pair of keys: one that signs bags, or one to which re-identification is sealed."""
    if for_ not in ("signing", "custodian"):
        raise InputError("--for is neither signing nor custodian")
    with _extra():
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        from stillwatch.evidence.keys import write_pair
    pair = write_pair(Ed25519PrivateKey.generate() if for_ == "signing" else X25519PrivateKey.generate(), out)
    typer.echo(f"secret: {pair[0]} (not encrypted: keep it)   public: {pair[1]}")


@app.command()
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
    with _extra():
        from stillwatch.evidence.impact import read_market
        from stillwatch.evidence.keys import custodian_public, signing_key
        from stillwatch.evidence.seal import Effects, Log, Options, as_facts
        from stillwatch.evidence.seal import seal as make
        from stillwatch.evidence.stamp import request_stamp
    settings = _settings(case)
    quarantined = settings.get("on_bad_row") == "quarantine"
    source = source or settings.get("source")
    reader = open_log(log, source=str(source) if source else None, on_bad_row="quarantine" if quarantined else "fail")
    opened = Log(
        reader=reader,
        files=reader.files,
        accounts=read_accounts(str(accounts)) if accounts else None,
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
        detected_at=_moment(detected_at, "--detected-at"),
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
        _print({**made._asdict(), "bag": str(made.bag), "names": str(made.names), "replay": replay})
        return
    typer.echo(f"bag: {made.bag}   {made.records:,} records under root {made.root[:16]}…")
    typer.echo(f"custody head (note it down elsewhere): {made.custody_head}")
    typer.echo(f"re-identification, encrypted, to be kept apart: {made.names}")
    if made.replay is not None:
        same = made.replay
        typer.echo(
            f"the detector on what is sealed: {same.accounts_same:,} of {same.accounts:,} accounts and "
            f"{sum(g.overlap == 1 and not g.differs for g in same.groups)} of {len(same.groups)} groups as in the case"
        )


def _progress(step: str) -> None:
    """At a terminal, what is being done."""
    if sys.stderr.isatty():
        typer.echo(f"{step} …", err=True)


def _settings(case: Path) -> dict[str, Any]:
    try:
        run = jsonlib.loads((case / "run.json").read_bytes())
    except (OSError, ValueError) as exc:
        raise InputError(
            "is not a case", where=str(case), remedy="name a directory that stillwatch scan wrote"
        ) from exc
    return dict(run.get("settings") or {}) if isinstance(run, dict) else {}


@app.command()
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
    with _extra():
        from stillwatch.evidence.folder import Directory
        from stillwatch.evidence.keys import verifying_key
        from stillwatch.evidence.stamp import authorities
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
        _print({"sound": found.sound, "problems": problems, "notes": list(found.notes), "facts": found.facts})
    else:
        for line in summary(found):
            typer.echo(line)
        typer.echo(
            f"{'sound' if found.sound else 'NOT SOUND'}: {found.facts['files']:,} files, sealed {_when(found.facts)}"
        )
    if not found.sound:
        raise typer.Exit(1)


def _when(facts: dict[str, Any]) -> str:
    return str(facts.get("sealed_at") or "at an unknown time")


@app.command()
def replay(
    bag: Path = BAG,
    threads: int = typer.Option(2, "--threads", min=1, help="Threads; results do not depend on it."),
    json: bool = JSON,
) -> None:
    """Run the detector on the sealed population. Exit status 0: the same findings, 1: others, 2: not possible."""
    with _extra():
        from stillwatch.evidence.replay import replay as again
        from stillwatch.evidence.seal import as_facts
    found = again(bag, threads=threads)
    if json:
        _print({"reproduced": found.reproduced, "same_detector": found.same_detector, "case": as_facts(found.case)})
    else:
        _print_replay(found)
    if not (found.reproduced and found.case.same):
        raise typer.Exit(1)


def _print_replay(found: Any) -> None:
    typer.echo(
        "the rerun gives what it gave when the bag was sealed, to the last digit"
        if found.reproduced
        else "the rerun does NOT give what it gave when the bag was sealed"
        + ("" if found.same_detector else " (detector or libraries are of other versions)")
    )
    same = found.case
    typer.echo(f"beside the case: {same.accounts_same:,} of {same.accounts:,} accounts have the same disposition")
    for g in same.groups:
        if g.overlap < 1 or g.differs:
            what = f"{g.overlap:.1%} of the members" + (f", differs in {', '.join(g.differs)}" if g.differs else "")
            typer.echo(f"  {g.id} ({g.verdict}): {what if g.found_as else 'not found again'}")
    moved = sum(g.statistics_differ for g in same.groups if g.overlap == 1 and not g.differs)
    if moved:
        typer.echo(f"  {moved} groups are the same with other test statistics: ties were drawn in another order")
    if same.unclear:
        typer.echo(f"  {same.unclear} groups share id and verdict with another: compared by their accounts only")
    typer.echo("same findings" if same.same else "NOT the same findings")


@app.command("show-record")
def show_record(
    bag: Path = BAG,
    out: Path = typer.Option(..., "--out", help="The proof to write."),
    index: int | None = typer.Option(None, "--index", min=0, help="Place of the record, from 0."),
    exchange: str | None = typer.Option(None, "--exchange", help="Pseudonym of the exchange."),
) -> None:
    """Write one record with the proof that it was sealed; the others stay unseen."""
    if (index is None) == (exchange is None):
        raise InputError("name one record: --index or --exchange")
    with _extra():
        from stillwatch.evidence.folder import Directory
        from stillwatch.evidence.show import show_record as make
    proof = make(Directory(bag), index=index, exchange=exchange)
    if out.exists():
        raise InputError("the file exists already", where=str(out), remedy="name a new file")
    out.write_bytes(proof)
    typer.echo(f"proof: {out}")


@app.command("check-record")
def check_record(
    proof: Path = typer.Argument(..., help="What show-record wrote."), key: Path = PUBLIC, json: bool = JSON
) -> None:
    """Check one shown record against the signed root. Exit status 0: it was sealed, 1: not so."""
    with _extra():
        from stillwatch.evidence.keys import verifying_key
        from stillwatch.evidence.show import check_record as check
    try:
        data = proof.read_bytes()
    except OSError as exc:
        raise InputError("cannot be opened", where=str(proof)) from exc
    found = check(data, verifying_key(key), str(proof))
    if json:
        _print({"sealed": not found.problem, "problem": found.problem, "sealed_at": found.sealed_at})
    else:
        typer.echo(f"BROKEN  {found.problem}" if found.problem else f"the record was sealed {found.sealed_at}")
    if found.problem:
        raise typer.Exit(1)


@app.command()
def custody(
    bag: Path = BAG,
    add: str | None = typer.Option(None, "--add", help="What was done, e.g. 'handed over'."),
    actor: str | None = typer.Option(None, "--actor", help="By whom."),
    note: str = typer.Option("", "--note", help="Why."),
    key: Path | None = typer.Option(None, "--key", help="The key that signs the entry (PEM)."),
    json: bool = JSON,
) -> None:
    """Show the chain of custody, or add a signed entry to it."""
    with _extra():
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
        _print(
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


@app.command("reidentify")
def reidentify_(
    sealed: Path = typer.Argument(..., help="The .reidentify file that was written beside a bag."),
    key: Path = typer.Option(..., "--key", help="The custodian's or, without one, the signer's secret key (PEM)."),
    name: list[str] = typer.Option([], "--name", help="Pseudonym to lead back; all of the members' when absent."),
) -> None:
    """Lead pseudonyms back to values, as JSON on standard output. Exit status 1: one of them is unknown."""
    with _extra():
        from stillwatch.evidence.keys import any_private
        from stillwatch.evidence.reidentify import open_names
    try:
        data = sealed.read_bytes()
    except OSError as exc:
        raise InputError("cannot be opened", where=str(sealed)) from exc
    names = open_names(data, any_private(key), str(sealed))
    found = {n: names.original(n) for n in name} if name else names.all()
    typer.echo(jsonlib.dumps(found, indent=1))
    if None in found.values():
        raise typer.Exit(1)
