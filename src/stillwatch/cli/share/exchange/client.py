"""`stillwatch share push` and `pull`: bundles to a TAXII 2.1 server, and others' bundles from it."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from stillwatch.cli.share.common import JSON, SOURCE, THREADS, extra, print_json, say
from stillwatch.cli.share.exchange.common import AUTHORITY, CERTIFICATE, KEY, TOKEN, USER, credentials
from stillwatch.cli.share.leads import leads as look
from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.bundle import read_bundle


def push(
    bundle: Path = typer.Argument(..., help="The STIX bundle to send."),
    to: str = typer.Option(..., "--to", help="The server, or one of its collections: https://HOST/…/collections/ID/"),
    token_file: Path | None = TOKEN,
    recipient: list[str] = typer.Option([], "--recipient", help="Who may see TLP:RED; once for each."),
    user: str | None = USER,
    ca: Path | None = AUTHORITY,
    cert: Path | None = CERTIFICATE,
    key: Path | None = KEY,
    json: bool = JSON,
) -> None:
    """Send a bundle to a TAXII 2.1 collection. Exit status 1: the server did not take all of it."""
    with extra():
        from stillwatch.sharing.taxii.client import Client
        from stillwatch.sharing.taxii.push import push as send
    found = read_bundle(bundle)
    with Client(to, credentials(token_file, user, ca, cert, key)) as client:
        done = send(client, found, recipient, lambda: time.sleep(1))
    refused = sum(done.failures.values())
    if json:
        print_json({"collection": done.feed.url, "accepted": done.accepted, "refused": done.failures})
    else:
        typer.echo(f"{done.accepted:,} objects are in {done.feed.title}, {refused:,} were refused")
        for reason, number in sorted(done.failures.items()):
            say(f"    {number:,}: {reason}")
    if done.unheeded:
        say("note: TLP:AMBER+STRICT went to a server that does not say that it heeds labels")
    if refused:
        raise typer.Exit(1)


def pull(
    from_: str = typer.Option(..., "--from", help="The server, or one of its collections."),
    out: Path = typer.Option(..., "--out", help="Directory of this server's bundles; state.json remembers how far."),
    since: str | None = typer.Option(None, "--since", help="Start here (ISO 8601, UTC) instead of where we were."),
    token_file: Path | None = TOKEN,
    user: str | None = USER,
    ca: Path | None = AUTHORITY,
    cert: Path | None = CERTIFICATE,
    key: Path | None = KEY,
    case: Path | None = typer.Option(None, "--case", help="Our own case: look for leads at once …"),
    log: list[str] = typer.Option([], "--log", help="… in the logs that it was made from …"),
    leads: Path | None = typer.Option(None, "--leads", help="… and write them to this directory."),
    source: str | None = SOURCE,
    threads: int = THREADS,
    json: bool = JSON,
) -> None:
    """Fetch what partners published, check it, and turn it into leads. Nothing is acted upon by itself.

    Exit status 1: a collection could not be taken.
    """
    if (case is None) != (leads is None) or (case is None) != (not log):
        raise InputError("--case, --log and --leads belong together")
    with extra():
        from stillwatch.sharing.taxii.client import Client
        from stillwatch.sharing.taxii.pull import bundles
        from stillwatch.sharing.taxii.pull import pull as fetch
    with Client(from_, credentials(token_file, user, ca, cert, key)) as client:
        done = fetch(client, out, since)
    if json:
        rows = [
            {
                "collection": d.feed.url,
                "objects": d.objects,
                "files": [str(f) for f in d.files],
                "refused": d.refused,
                "problem": d.problem,
            }
            for d in done
        ]
        print_json({"collections": rows})
    for d in done:
        if not json:
            typer.echo(f"{d.objects:,} new objects in {d.feed.title}" + "".join(f": {f}" for f in d.files))
        for reason, number in sorted(d.refused.items()):
            say(f"    {number:,} left out: {reason}")
        if d.problem:
            say(f"    the rest was not taken: {d.problem}")
    kept = bundles(out)
    if case is not None and leads is not None and kept:
        look(bundles=kept, case=case, log=log, out=leads, source=source, threads=threads, json=json)
    elif not json:
        say("nothing is looked for without --case, --log and --leads" if kept else "nothing was published yet")
    if any(d.problem for d in done):
        raise typer.Exit(1)
