"""The raw files behind a case: whether a log is the one that was scanned, and all that it rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stillwatch.domain.errors import InputError

_BLOCK = 1 << 22


def file_entry(path: Path, role: str) -> dict[str, Any]:
    """Name, role, bytes and SHA-256 of a file; BLAKE2b too, which a case's ``run.json`` records."""
    sha, blake = hashlib.sha256(), hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                sha.update(block)
                blake.update(block)
    except OSError as exc:
        raise InputError("cannot be opened", where=str(path)) from exc
    return {
        "file": path.name,
        "role": role,
        "bytes": path.stat().st_size,
        "sha256": sha.hexdigest(),
        "blake2b": blake.hexdigest(),
    }


def same_log(case_inputs: Iterable[dict[str, Any]], raw: Iterable[dict[str, Any]]) -> None:
    """:class:`InputError` unless the log is, byte for byte, the one that the case was made from."""
    wanted = sorted(str(x.get("blake2b")) for x in case_inputs)
    given = sorted(str(x["blake2b"]) for x in raw)
    if wanted != given:
        raise InputError(
            f"the log is not the one that the case was made from: {len(set(given) - set(wanted))} of its "
            f"{len(given)} files are others, {len(set(wanted) - set(given))} are missing",
            remedy="name the files that were scanned (run.json lists them), or scan again",
        )


def at_once(run: dict[str, Any]) -> None:
    """:class:`InputError` where the case (its ``run.json``) rests on earlier scans, whose logs are not at hand."""
    if run.get("state"):
        raise InputError(
            "the case was made on top of earlier scans (--state): its figures rest on more than one log",
            remedy="scan the logs of the days in question together, without --state, and use that case",
        )
