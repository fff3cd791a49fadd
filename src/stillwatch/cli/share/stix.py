"""`stillwatch share stix`: the campaigns of a case as a STIX 2.1 bundle."""

from __future__ import annotations

from pathlib import Path

import typer

from stillwatch.cli.share.common import (
    ACCOUNTS,
    AS_OF,
    CAMPAIGN,
    CASE,
    LEAST,
    LOG,
    OUT,
    PRODUCER,
    SOURCE,
    THREADS,
    TLP,
    say,
    share_of_case,
    write,
)
from stillwatch.domain.errors import InputError
from stillwatch.sharing.case import share_stix
from stillwatch.sharing.inbound.bundle import read_bundle
from stillwatch.sharing.stix.producer import Attribution, Producer
from stillwatch.sharing.stix.times import moment
from stillwatch.sharing.stix.tlp import level


def stix(
    case: Path = CASE,
    tlp: str = TLP,
    out: Path | None = OUT,
    log: list[str] = LOG,
    accounts: Path | None = ACCOUNTS,
    source: str | None = SOURCE,
    producer: str = PRODUCER,
    campaign: list[str] = CAMPAIGN,
    least_accounts: int = LEAST,
    since: Path | None = typer.Option(None, "--since", help="An earlier bundle of this producer: its objects go on."),
    as_of: str | None = AS_OF,
    attributed_to: str | None = typer.Option(None, "--attributed-to", help="Who is behind it, in your own words."),
    attribution_confidence: int | None = typer.Option(None, "--attribution-confidence", min=0, max=100),
    attribution_basis: str | None = typer.Option(None, "--attribution-basis", help="What the attribution rests on."),
    actor_type: str = typer.Option("intrusion-set", "--actor-type", help="intrusion-set or threat-actor."),
    threads: int = THREADS,
) -> None:
    """Write campaigns as STIX 2.1: behaviour, fingerprints, prefixes; no account, no text, no single address."""
    stated = _attribution(attributed_to, attribution_confidence, attribution_basis, actor_type)
    marked = level(tlp)
    if since is not None and (campaign or not log):
        raise InputError(
            "an earlier bundle is continued whole: what is left out would be revoked",
            remedy="--since with --log and without --campaign",
        )
    earlier = read_bundle(since) if since else None
    shared = share_of_case(case, log, accounts, source, campaign, least_accounts, threads)
    time = moment(as_of, "--as-of") if as_of else shared.span.last
    write(share_stix(shared, Producer(producer, marked, time), since=earlier, attribution=stated), out)
    prints = sum(map(len, shared.fingerprints.values()))
    say(
        f"{len(shared.campaigns):,} campaign(s), {prints:,} indicators, TLP:{marked.upper()}"
        + (f": {out}" if out else "")
    )


def _attribution(name: str | None, confidence: int | None, basis: str | None, kind: str) -> Attribution | None:
    if kind not in ("intrusion-set", "threat-actor"):
        raise InputError("--actor-type is neither intrusion-set nor threat-actor")
    if name is None and confidence is None and basis is None:
        return None
    if name is None or confidence is None or not basis:
        raise InputError(
            "an attribution is stated with its confidence and its basis, or not at all",
            remedy="--attributed-to NAME --attribution-confidence 0…100 --attribution-basis TEXT",
        )
    return Attribution(name, kind, confidence, basis)
