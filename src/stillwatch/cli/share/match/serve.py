"""`stillwatch share match serve`: answer peers' questions from our set."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

import typer

from stillwatch.cli.share.common import extra, say
from stillwatch.cli.share.match.common import (
    CONSENT_BY,
    EPOCH,
    KEY,
    KIND,
    OPENING,
    PURPOSE,
    RECORD,
    REVEAL_FROM,
    SET,
    consent,
    party,
    recorder,
)


def serve(
    given: Path = SET,
    kind: str = KIND,
    epoch: str = EPOCH,
    key: Path = KEY,
    peers: Path = typer.Option(..., "--peers", help="Who may ask, and how much (YAML)."),
    ledger: Path = typer.Option(..., "--ledger", help="What was asked: keeps budgets over restarts."),
    tls_cert: Path = typer.Option(..., "--tls-cert", help="Certificate chain (PEM)."),
    tls_key: Path = typer.Option(..., "--tls-key", help="Its private key (PEM)."),
    purpose: str = PURPOSE,
    largest: int = typer.Option(100_000, "--largest", min=100, max=1_000_000, help="Identifiers of one question."),
    host: str = typer.Option("127.0.0.1", "--host"),
    port: int = typer.Option(8443, "--port", min=0, max=65_535, help="0 takes any that is free."),
    consent_by: str | None = CONSENT_BY,
    reveal_from: int | None = REVEAL_FROM,
    record: Path | None = RECORD,
    opening: Path | None = OPENING,
) -> None:
    """Answer over HTTPS until stopped. Peers learn how many identifiers are common; which, only by consent of both."""
    with extra():
        from stillwatch.sharing.match.answering import Answerer, Effects
        from stillwatch.sharing.match.peers import Ledger, read_peers
        from stillwatch.sharing.match.psi import Answering
        from stillwatch.sharing.match.service import service
        from stillwatch.sharing.taxii.serve import Tls, make_server, open_socket
    tls = Tls(tls_cert, tls_key)
    tls.context()  # before minutes are spent on the set
    known = read_peers(peers)
    ours = party(given, kind, purpose, epoch, key, consent(consent_by, reveal_from), opening)
    say(f"encrypting {ours.commitment.size:,} identifiers")
    answering = Answering(sorted(ours.identifiers), largest)
    effects = Effects(lambda: datetime.now(UTC), lambda: secrets.token_urlsafe(24), recorder(record))
    answerer = Answerer(ours, answering, known, Ledger(ledger), largest, effects)
    server = make_server(service(answerer, largest), tls)
    with open_socket(host, port) as sock:
        sock.listen()
        say(f"answering {len(known):,} peer(s) on https://{host}:{sock.getsockname()[1]} as {ours.signer}")
        server.run(sockets=[sock])
