"""`stillwatch share serve` and `hub`: the TAXII 2.1 server, and what a hub sees."""

from __future__ import annotations

import json as jsonlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from stillwatch.cli.share.common import JSON, extra
from stillwatch.cli.share.exchange.common import DATABASE, SERVER, database, effects
from stillwatch.domain.errors import InputError

if TYPE_CHECKING:
    from stillwatch.sharing.hub.picture import Joined


def serve(
    server: Path = SERVER,
    db: str | None = DATABASE,
    hub: bool = typer.Option(False, "--hub", help="Join what members publish, and show each what its labels allow."),
    host: str = typer.Option("127.0.0.1", "--host"),
    port: int = typer.Option(0, "--port", min=0, max=65_535, help="0 takes any that is free."),
    tls_cert: Path | None = typer.Option(None, "--tls-cert", help="Certificate chain (PEM)."),
    tls_key: Path | None = typer.Option(None, "--tls-key", help="Its private key (PEM)."),
    client_ca: Path | None = typer.Option(None, "--client-ca", help="Authorities of client certificates (PEM)."),
    require_client_cert: bool = typer.Option(False, "--require-client-cert", help="Turn others away."),
    behind_proxy: bool = typer.Option(False, "--behind-proxy", help="A proxy in front of us ends TLS."),
    quiet: bool = typer.Option(False, "--quiet", help="Log errors only."),
) -> None:
    """Serve TAXII 2.1 until stopped (SIGTERM, Ctrl-C). Prints the discovery address; logs to standard error."""
    with extra():
        from stillwatch.sharing.hub.serving import build_hub
        from stillwatch.sharing.taxii.database import open_database
        from stillwatch.sharing.taxii.serve import LOOPBACK, Tls, build, make_server, open_socket, open_store, url_of
        from stillwatch.sharing.taxii.settings import read_settings
    settings = read_settings(server)
    if hub != (settings.hub is not None):
        what = "has no hub" if hub else "describes a hub, whose labels only --hub heeds"
        raise InputError(f"the server file {what}", where=str(server))
    if (tls_cert is None) != (tls_key is None) or ((client_ca or require_client_cert) and tls_cert is None):
        raise InputError("--tls-cert and --tls-key belong together, and --client-ca to them")
    if tls_cert is None and host not in LOOPBACK and not behind_proxy:
        raise InputError("outside this machine only over TLS", remedy="--tls-cert and --tls-key, or --behind-proxy")
    tls = Tls(tls_cert, tls_key, client_ca, require_client_cert) if tls_cert and tls_key else None
    logging.basicConfig(
        stream=sys.stderr, level=logging.ERROR if quiet else logging.INFO, format="%(asctime)s %(message)s"
    )
    engine = open_database(database(server, db))
    app = (
        build_hub(settings, engine, effects())[0]
        if hub
        else build(settings, open_store(settings, engine, effects()), effects())
    )
    running = make_server(app, tls)
    with open_socket(host, port) as sock:
        typer.echo(f"serving {url_of(sock, tls)}")
        sys.stdout.flush()
        running.run(sockets=[sock])
    engine.dispose()


def hub(server: Path = SERVER, db: str | None = DATABASE, json: bool = JSON) -> None:
    """Show the joined campaigns as the hub sees them: for whoever runs it."""
    with extra():
        from stillwatch.sharing.hub.serving import build_hub
        from stillwatch.sharing.taxii.database import open_database
        from stillwatch.sharing.taxii.settings import read_settings
    settings = read_settings(server)
    engine = open_database(database(server, db))
    found = build_hub(settings, engine, effects())[2].overview()
    engine.dispose()
    if json:
        typer.echo(jsonlib.dumps({"joined": [_facts(j) for j in found]}, sort_keys=True))
        return
    for joined in found:
        facts = _facts(joined)
        typer.echo(
            f"{facts['providers']:,} providers, {len(joined.parts):,} parts, confirmed by {facts['confirmed']:,}, "
            f"{joined.start:%Y-%m-%d %H:%M} to {joined.end:%Y-%m-%d %H:%M} UTC, TLP:{joined.tlp.upper()}"
        )
        for part in joined.parts:
            typer.echo(f"    {part.id}  {len(part.work)} of what they send, {len(part.place)} networks")
        for match in facts["matches"]:
            typer.echo(f"    in common: {match['work']} of what they send, {match['place']} networks")
    typer.echo(f"{len(found):,} joined campaign(s)")


def _facts(joined: Joined) -> dict[str, Any]:
    return {
        "campaigns": [p.id for p in joined.parts],
        "providers": len(joined.orgs),
        "confirmed": len({s.org for s in joined.sighted}),
        "matches": [m._asdict() for _, _, m in joined.matches],
        "tlp": joined.tlp,
        "first_seen": joined.start.isoformat(),
        "last_seen": joined.end.isoformat(),
    }
