"""What the commands of the exchange have in common: the world outside, and the options of client and server."""

from __future__ import annotations

import os
import secrets
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stillwatch.domain.errors import InputError

if TYPE_CHECKING:
    from stillwatch.sharing.taxii.client import Credentials
    from stillwatch.sharing.taxii.serve import Effects

SERVER = typer.Argument(..., help="The server file (YAML).")
DATABASE = typer.Option(
    None, "--db", help="sqlite:///FILE or postgresql://…; exchange.sqlite beside the server file when absent."
)
TOKEN = typer.Option(None, "--token-file", help="File with our token; with --user, with our password.")
USER = typer.Option(None, "--user", help="Our name, for HTTP Basic.")
AUTHORITY = typer.Option(None, "--ca", help="Certificates (PEM) to trust instead of the system's.")
CERTIFICATE = typer.Option(None, "--cert", help="Our client certificate (PEM), for mutual TLS.")
KEY = typer.Option(None, "--key", help="Its private key (PEM).")
ENVIRONMENT = "STILLWATCH_DATABASE_URL"


def effects() -> Effects:
    """Clock and randomness of this machine."""
    from stillwatch.sharing.taxii.serve import Effects

    return Effects(lambda: time.time_ns() // 1000, secrets.token_bytes, lambda: str(uuid.uuid4()))


def database(server: Path, given: str | None) -> str:
    """The address of the database: as given, from the environment, or a file beside the server file."""
    return given or os.environ.get(ENVIRONMENT) or f"sqlite:///{server.with_name('exchange.sqlite')}"


def credentials(
    token: Path | None, user: str | None, authority: Path | None, certificate: Path | None, key: Path | None
) -> Credentials:
    """Who we are, from files: a secret on the command line could be read by every other user of the machine."""
    from stillwatch.sharing.taxii.client import Credentials

    try:
        secret = token.read_text("utf-8").strip() if token else ""
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError("holds no token", where=str(token)) from exc
    if token and (not secret or len(secret) > 512 or not secret.isprintable() or not secret.isascii()):
        raise InputError("holds no token", where=str(token))
    return Credentials(secret, user or "", certificate, key, authority)
