"""Who may ask, and how much: a file of peers, and a ledger of what each has asked."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.sharing.match.tokens import Scope
from stillwatch.sharing.stix.times import stamp


class Peer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One other provider."""

    name: str
    key: str
    """Public Ed25519 key, 64 hexadecimal digits: ``stillwatch share match key`` shows it."""
    questions: int = 3
    """How often it may ask in one epoch about one kind and purpose."""
    identifiers: int = 300_000
    """How many identifiers it may ask about in them, together."""


class _Peers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    peers: tuple[Peer, ...]


def read_peers(path: Path) -> dict[str, Peer]:
    """Public key → peer, of a YAML file ``{peers: [{name, key, questions, identifiers}]}``."""
    try:
        found = msgspec.convert(yaml.safe_load(path.read_text("utf-8")), _Peers).peers
    except OSError as exc:
        raise InputError("the peers file cannot be opened", where=str(path)) from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise InputError("the peers file is not YAML", where=str(path)) from exc
    except msgspec.ValidationError as exc:
        raise InputError(f"the peers file is not as expected: {exc}", where=str(path)) from exc
    out = {p.key.lower(): p for p in found}
    if len(out) != len(found) or not all(len(k) == 64 and set(k) <= set("0123456789abcdef") for k in out):
        raise InputError("a peer's key is not 64 hexadecimal digits, or stands there twice", where=str(path))
    return out


class Ledger:
    """What was asked, one line each, appended before it is answered: a crash cannot give a budget back."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def spend(self, peer: Peer, about: Scope, size: int, now: datetime) -> None:
        """Note down a question. :class:`InputError` where it is beyond the peer's budget; then nothing is noted."""
        asked = [
            line["size"]
            for line in self._lines()
            if line["peer"] == peer.key.lower() and (line["purpose"], line["epoch"], line["kind"]) == about
        ]
        if len(asked) >= peer.questions:
            raise InputError(f"the budget of {peer.questions} questions for this epoch is used up", where="budget")
        if sum(asked) + size > peer.identifiers:
            raise InputError(
                f"the budget of {peer.identifiers:,} identifiers for this epoch has "
                f"{max(peer.identifiers - sum(asked), 0):,} left",
                where="budget",
            )
        line = {"at": stamp(now), "peer": peer.key.lower(), "size": size, **about._asdict()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(json.dumps(line, sort_keys=True).encode("ascii") + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _lines(self) -> list[dict[str, Any]]:
        try:
            return [json.loads(line) for line in self.path.read_bytes().splitlines()]
        except FileNotFoundError:
            return []
        except ValueError as exc:
            raise InputError("the ledger of questions is damaged", where=str(self.path)) from exc
