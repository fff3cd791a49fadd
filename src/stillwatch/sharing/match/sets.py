"""Sets of identifiers: of a case's campaign members, or from a file of one's own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.domain.errors import InputError
from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.fingerprints.areas import areas

COLUMNS = {"payment": "payment_fingerprint", "device": "device_fingerprint"}
"""Kinds that stand in the accounts table."""


class Reader(Protocol):
    """What a set of places needs of an open log."""

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of the canonical table."""
        ...


def of_accounts(kind: str, accounts: pa.Table, members: Iterable[str]) -> list[str]:
    """Identifiers of the members in the accounts table."""
    inside = accounts.filter(pc.is_in(accounts["account_id"], pa.array(sorted(members), pa.string())))
    return sorted(set(inside[COLUMNS[kind]].drop_null().to_pylist()))


def of_templates(found: Mapping[str, Sequence[Fingerprint]]) -> list[str]:
    """Marks of the campaigns' own templates."""
    return sorted({mark for prints in found.values() for f in prints for mark in f.marks})


def of_access(reader: Reader, members: Iterable[str]) -> list[str]:
    """Network, day and TLS fingerprint of the members' requests, together: a network alone could be guessed."""
    wanted = pa.array(sorted(members), pa.string())
    out: set[str] = set()
    for batch in reader.batches(["ts", "account_id", "client_ip", "tls_fingerprint"]):
        inside = batch.filter(pc.is_in(batch.column("account_id"), wanted))
        days = pc.strftime(inside.column("ts"), format="%Y-%m-%d")
        joined = pc.binary_join_element_wise(
            areas(inside.column("client_ip")), days, inside.column("tls_fingerprint"), " "
        )
        out |= set(pc.unique(joined).drop_null().to_pylist())
    return sorted(out)


def read_set(path: Path) -> list[str]:
    """One identifier a line, UTF-8."""
    try:
        return path.read_text("utf-8").splitlines()
    except OSError as exc:
        raise InputError("the set cannot be opened", where=str(path)) from exc
    except UnicodeDecodeError as exc:
        raise InputError("the set is not UTF-8", where=str(path)) from exc


def write_private(path: Path, data: bytes) -> None:
    """A new file that only its owner can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as exc:
        raise InputError("the file exists already", where=str(path), remedy="name a new file") from exc
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
