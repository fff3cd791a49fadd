"""`stillwatch share setup` and `token`: a server file with fresh secrets, and one more secret."""

from __future__ import annotations

import os
from pathlib import Path

import typer

from stillwatch.cli.share.common import extra, say, write_new
from stillwatch.cli.share.exchange.common import effects
from stillwatch.domain.errors import InputError


def setup(
    out: Path = typer.Argument(..., help="The directory to write."),
    member: list[str] = typer.Option(..., "--member", help="Name of a member; once for each."),
    title: str = typer.Option("Stillwatch exchange", "--title", help="What the server calls itself."),
    hub: bool = typer.Option(False, "--hub", help="With a collection of joined campaigns."),
) -> None:
    """Write a server file and a token for each member."""
    with extra():
        from stillwatch.sharing.taxii.setup import new_server
    made = new_server(title, member, hub, effects())
    if out.exists():
        raise InputError("exists already", where=str(out), remedy="name a new directory")
    out.mkdir(parents=True, mode=0o700)
    (out / "tokens").mkdir(mode=0o700)
    for name, token in made.tokens.items():
        _secret(out / "tokens" / f"{name}.token", token)
    write_new(out / "server.yaml", made.text.encode("utf-8"))
    say(f"server file: {out / 'server.yaml'}   tokens, to be handed over once: {out / 'tokens'}")


def token(
    name: str = typer.Argument(..., help="Name of the member."),
    out: Path = typer.Option(..., "--out", help="File for the token (0600)."),
) -> None:
    """Make a new secret; prints the line for the server file. The old secret ends when the line is replaced."""
    with extra():
        from stillwatch.sharing.taxii.secrets import hashed, new_secret
        from stillwatch.sharing.taxii.setup import token as shown
    random = effects().random
    secret = new_secret(random)
    _secret(out, shown(name, secret))
    typer.echo(f"secret: {hashed(secret, random)}")


def _secret(path: Path, text: str) -> None:
    """A new file that only its owner can read."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except FileExistsError as exc:
        raise InputError("the file exists already", where=str(path), remedy="name a new file") from exc
    except OSError as exc:
        raise InputError("cannot be written", where=str(path)) from exc
