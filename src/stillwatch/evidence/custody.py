"""Chain of custody: who held the bag, when, what was done. Each line is signed and holds the hash of the one before.

Lines can be added, not changed, removed from the middle, or put in another order. That the last ones were cut off shows
only against a later copy, or against the head (the hash of the last line) written down elsewhere: ``--custody-head``.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stillwatch.domain.errors import InputError
from stillwatch.evidence.canonical import canonical, sha256
from stillwatch.evidence.keys import key_id

START = "0" * 64
_TEXTS = ("time", "action", "actor", "note", "previous", "signer")
_CONTEXT = b"stillwatch-custody/1\n"
FIELDS = {"entry", "time", "action", "actor", "note", "binds", "previous", "signer", "public_key", "signature"}


class Chain(NamedTuple):
    """A custody log that was read."""

    entries: tuple[dict[str, Any], ...]
    heads: tuple[str, ...]
    """Hash of each line."""
    problems: tuple[tuple[str, str], ...]
    """(code, what is wrong)."""


def entry(
    number: int,
    previous: str,
    key: Ed25519PrivateKey,
    *,
    time: str,
    action: str,
    actor: str,
    note: str = "",
    binds: Mapping[str, str] | None = None,
) -> bytes:
    """One signed line. ``binds``: file → sha256 of what was there at that moment."""
    public = key.public_key()
    content: dict[str, Any] = {
        "entry": number,
        "time": time,
        "action": action,
        "actor": actor,
        "note": note,
        "binds": dict(binds or {}),
        "previous": previous,
        "signer": key_id(public),
        "public_key": base64.b64encode(public.public_bytes_raw()).decode(),
    }
    signature = base64.b64encode(key.sign(_CONTEXT + canonical(content))).decode()
    return canonical({**content, "signature": signature}) + b"\n"


def read_chain(data: bytes) -> Chain:
    """Every line, its signature against the key it names, and its place in the chain."""
    entries: list[dict[str, Any]] = []
    heads: list[str] = []
    problems: list[tuple[str, str]] = []
    lines = data.split(b"\n")
    if lines.pop():
        problems.append(("custody-truncated", f"line {len(lines) + 1} has no end: the log was truncated or added to"))
    for number, line in enumerate(lines):
        found = _read(line)
        if found is None:
            problems.append(("custody-changed", f"entry {number} is not as it was signed"))
            entries.append({})
        else:
            entries.append(found)
            expected = heads[-1] if heads else START
            if found["entry"] != number:
                problems.append(
                    (
                        "custody-order",
                        f"entry {found['entry']} stands at place {number}: removed, repeated or re-ordered",
                    )
                )
            elif found["previous"] != expected:
                problems.append(("custody-chain", f"entry {number} does not follow from the entry before it"))
        heads.append(sha256(line))
    if not lines:
        problems.append(("custody-empty", "holds no entry"))
    return Chain(tuple(entries), tuple(heads), tuple(problems))


def _read(line: bytes) -> dict[str, Any] | None:
    """The entry where it is written and signed as it must be."""
    try:
        content = json.loads(line)
        if not isinstance(content, dict) or set(content) != FIELDS or canonical(content) != line:
            return None
        raw = base64.b64decode(content["public_key"], validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw)
        signature = base64.b64decode(content["signature"], validate=True)
        if base64.b64encode(signature).decode() != content["signature"] or key_id(key) != content["signer"]:
            return None
        if base64.b64encode(raw).decode() != content["public_key"]:
            return None
        if not isinstance(content["binds"], dict) or not all(isinstance(content[name], str) for name in _TEXTS):
            return None
        unsigned = {name: value for name, value in content.items() if name != "signature"}
        key.verify(signature, _CONTEXT + canonical(unsigned))
    except (ValueError, TypeError, KeyError, RecursionError, InvalidSignature):
        return None
    return content


def append(place: Path, key: Ed25519PrivateKey, *, now: datetime, action: str, actor: str, note: str = "") -> None:
    """Add an entry. :class:`InputError` where there is no log, or the log is broken: nothing is built on that."""
    try:
        data = place.read_bytes()
    except OSError as exc:
        raise InputError("holds no custody log", where=str(place)) from exc
    chain = read_chain(data)
    if chain.problems:
        raise InputError(f"the custody log is broken: {chain.problems[0][1]}", where=str(place))
    line = entry(
        len(chain.entries),
        chain.heads[-1],
        key,
        time=now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        action=action,
        actor=actor,
        note=note,
    )
    with place.open("ab") as file:
        file.write(line)


def signers(chain: Chain, known: Iterable[str]) -> list[int]:
    """Numbers of entries whose signer is none of the known keys."""
    trusted = set(known)
    return [i for i, found in enumerate(chain.entries) if found and found["signer"] not in trusted]
