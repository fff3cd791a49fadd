"""`stillwatch share misp`: the campaigns of a case as MISP events."""

from __future__ import annotations

from pathlib import Path

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
    extra,
    say,
    share_of_case,
    write,
)
from stillwatch.sharing.stix.bundle import names
from stillwatch.sharing.stix.producer import Producer
from stillwatch.sharing.stix.times import moment
from stillwatch.sharing.stix.tlp import level


def misp(
    case: Path = CASE,
    tlp: str = TLP,
    out: Path | None = OUT,
    log: list[str] = LOG,
    accounts: Path | None = ACCOUNTS,
    source: str | None = SOURCE,
    producer: str = PRODUCER,
    campaign: list[str] = CAMPAIGN,
    least_accounts: int = LEAST,
    as_of: str | None = AS_OF,
    threads: int = THREADS,
) -> None:
    """Write campaigns as MISP events (JSON, as MISP's interface takes and gives them)."""
    with extra():
        from stillwatch.sharing.misp import misp_events, write_misp
    marked = level(tlp)
    shared = share_of_case(case, log, accounts, source, campaign, least_accounts, threads)
    who = Producer(producer, marked, moment(as_of, "--as-of") if as_of else shared.span.last)
    called = names(who, shared.campaigns, {})
    events = misp_events(who, {called[c.id]: c for c in shared.campaigns}, shared.fingerprints)
    write(write_misp(events), out)
    say(f"{len(events):,} event(s), TLP:{marked.upper()}" + (f": {out}" if out else ""))
