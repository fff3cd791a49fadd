"""What both sides of a match have in common."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from stillwatch.domain.errors import InputError

if TYPE_CHECKING:
    from stillwatch.sharing.match.party import Consent, Party

SET = typer.Argument(..., help="Identifiers, one a line: `share match set` writes them.")
KIND = typer.Option(..., "--kind", help="payment, email, device, template or access.")
PURPOSE = typer.Option("distillation-campaigns", "--purpose", help="What for; both sides name the same.")
EPOCH = typer.Option(..., "--epoch", help="A month or a day, e.g. 2026-11; both sides name the same.")
KEY = typer.Option(..., "--key", help="Our signing key (PEM), of `stillwatch evidence keygen`.")
CONSENT_BY = typer.Option(None, "--consent-by", help="Who consents to reveal; without it only the size is learnt.")
REVEAL_FROM = typer.Option(None, "--reveal-from", help="Reveal when at least so many are common.")
RECORD = typer.Option(None, "--record", help="File to which what was said is appended.")
OPENING = typer.Option(None, "--opening", help="File for what opens our commitment to an auditor; keep it secret.")


def consent(by: str | None, at_least: int | None) -> Consent | None:
    """Both or neither."""
    from stillwatch.sharing.match.party import LEAST_CONSENT, Consent

    if by is None and at_least is None:
        return None
    if not by or at_least is None or at_least < LEAST_CONSENT:
        raise InputError(
            "consent names a person and a number",
            remedy=f"--consent-by WHO --reveal-from N, N at least {LEAST_CONSENT}",
        )
    return Consent(by, at_least)


def party(
    given: Path, kind: str, purpose: str, epoch: str, key: Path, word: Consent | None, opening: Path | None
) -> Party:
    """One side from its files, and what opens its commitment."""
    from stillwatch.evidence.keys import signing_key
    from stillwatch.sharing.match.commitment import SALT_BYTES, commit
    from stillwatch.sharing.match.party import Party
    from stillwatch.sharing.match.sets import read_set, write_private
    from stillwatch.sharing.match.tokens import scope, tokens

    about = scope(purpose, epoch, kind)
    found = tokens(read_set(given), about)
    salt = os.urandom(SALT_BYTES)
    committed = commit(found, salt)
    if opening is not None:
        content = {**about._asdict(), "salt": salt.hex(), **committed._asdict()}
        write_private(opening, (json.dumps(content, sort_keys=True) + "\n").encode())
    return Party(signing_key(key), about, found, committed, word)


def recorder(path: Path | None) -> Callable[[Mapping[str, Any]], None]:
    """Appends to a file; each line says when."""
    from datetime import UTC, datetime

    from stillwatch.sharing.stix.times import stamp

    def record(line: Mapping[str, Any]) -> None:
        if path is not None:
            with path.open("ab") as file:
                file.write(json.dumps({"at": stamp(datetime.now(UTC)), **line}, sort_keys=True).encode() + b"\n")

    return record
