"""Where a bag comes from: raw files, case files, detector, and what was left out and why."""

from __future__ import annotations

import hashlib
import io
import platform
import tarfile
from collections.abc import Iterable, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

import cryptography
import duckdb
import numpy as np
import pyarrow as pa

from stillwatch import __version__

DETECTOR = ("domain", "kernels", "engine", "sources", "signals", "links", "campaigns", "case")


def detector() -> dict[str, str]:
    """Versions, and one SHA-256 over every source and data file of the detector."""
    return {
        "stillwatch": __version__,
        "detector_sha256": digest(_all_sources()),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "pyarrow": pa.__version__,
        "numpy": np.__version__,
        "cryptography": cryptography.__version__,
    }


def digest(sources: Iterable[tuple[str, bytes]]) -> str:
    """SHA-256 over names, lengths and contents, in the order given."""
    found = hashlib.sha256()
    for name, data in sources:
        found.update(f"{name}\n{len(data)}\n".encode() + data)
    return found.hexdigest()


def source_archive() -> bytes:
    """The detector itself as a tar file, the same bytes for the same sources: every query that it asks of a log, every
    statistic and every rule, readable when this version can no longer be had."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in _all_sources():
            entry = tarfile.TarInfo(f"stillwatch/{name}")
            entry.size, entry.mode = len(data), 0o644
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def _all_sources() -> Iterator[tuple[str, bytes]]:
    for room in DETECTOR:
        yield from _sources(files("stillwatch").joinpath(room), room)


def _sources(place: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    for item in sorted(place.iterdir(), key=lambda x: x.name):
        if item.is_dir() and item.name != "__pycache__":
            yield from _sources(item, f"{name}/{item.name}")
        elif item.name.endswith((".py", ".yaml", ".txt")):
            yield f"{name}/{item.name}", item.read_bytes()


CHECKED = (
    "The log is, byte for byte, the one whose hashes the case records. Accounts and licences are as given when the bag "
    "was sealed: the case does not record which were scanned."
)
MINIMISED = (
    "Prompts, system prompts and answers are left out; equal texts can be told by keyed marks in prompt_sketch.",
    "Names of accounts, organisations, keys, sessions, payment, device, phone, mail and client programs are pseudonyms "
    "(HMAC-SHA256 under a key that is not in the bag).",
    "Addresses are prefix-preserving pseudonyms (Crypto-PAn): whoever knows the true address of some learns the "
    "leading bits of their neighbours.",
    "Kept as they are: times, token counts, request parameters, status, model, channel, network number (asn) and TLS "
    "fingerprint, licence ids. Times and counts can be matched by whoever holds the log, or requests of their own.",
    "Campaign ids are derived from a hash of one member's account id: whoever guesses that id can confirm it.",
)
WITHOUT_POPULATION = (
    "Everybody who is not a member of a sealed campaign is left out, counted under left_out. The findings compare the "
    "members with these others: without them the detector cannot be run again on the bag, and p-values are the "
    "case's word, to be checked against the raw files named here by their hashes."
)
WITH_POPULATION = (
    "The whole log is sealed, minimised in the same way, so that the detector can be run again. Sealed with it are the "
    "order of accounts by their true ids (draws at random depend on it; it tells where in the alphabet an id stands) "
    "and which tactics each request shows, for everybody."
)
