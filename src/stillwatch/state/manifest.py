"""What a state holds at a moment: one small file that is replaced whole, and the one before it."""

from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

import msgspec

from stillwatch.domain.errors import InputError

FORMAT = "stillwatch-state/1"
NAME, BEFORE = "MANIFEST", "MANIFEST.before"
_REMEDY = "put back a copy of the directory, or begin a new one"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file under ``data``, never changed once it is named here."""

    name: str
    bytes: int
    blake2b: str


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """The exchanges of one scan."""

    rows: int
    first_us: int
    last_us: int
    """Times of the first and the last exchange, microseconds since the epoch, UTC."""
    shards: tuple[File, ...]
    """The columns of the text pass; in a shard each account's rows come together, accounts with few rows first."""
    index: File
    """Where each account's rows are: account, shard, first, rows."""
    keys: File
    """Keys of all exchanges, ascending."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole state. A file that no manifest names is what a scan that died has left."""

    format: str = FORMAT
    features: int = 0
    """Version of the text pass: columns of different versions do not compare."""
    generation: int = 0
    """Number of changes made."""
    segments: tuple[Segment, ...] = ()
    names: tuple[File, ...] = ()
    """Names of accounts, models and channels by their hashes."""
    blobs: dict[str, File] = {}
    """What rooms above keep here."""
    columns: tuple[str, ...] = ()
    """Columns of the log in which any scan found a value."""
    forgotten_before_us: int = 0
    """Exchanges from before this time are not taken in any more."""

    @property
    def rows(self) -> int:
        """Exchanges held."""
        return sum(s.rows for s in self.segments)

    @property
    def files(self) -> tuple[File, ...]:
        """All files that it names."""
        of_segments = [f for s in self.segments for f in (*s.shards, s.index, s.keys)]
        return (*of_segments, *self.names, *self.blobs.values())


def sealed(body: bytes) -> bytes:
    """Content with its own digest in the first line."""
    return blake2b(body, digest_size=32).hexdigest().encode() + b"\n" + body


def opened(data: bytes) -> bytes | None:
    """The content, or None where it is not what was written."""
    digest, _, body = data.partition(b"\n")
    return body if digest == blake2b(body, digest_size=32).hexdigest().encode() else None


def read(path: Path) -> Manifest | None:
    """The manifest in a file; None where there is none, or not what was written.

    Raises :class:`InputError` for a format that this version does not know.
    """
    try:
        body = opened(path.read_bytes())
    except FileNotFoundError:
        return None
    if body is None:
        return None
    try:
        found = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as exc:
        raise InputError("is the manifest of another version", where=str(path)) from exc
    if found.format != FORMAT:
        raise InputError(f"holds format {found.format[:40]!r}, this version reads {FORMAT}", where=str(path))
    return found


def in_force(folder: Path) -> tuple[Manifest | None, bool]:
    """The manifest in force, None in a new state; and whether it is the one before the newest, which is damaged.

    Raises :class:`InputError` where both are.
    """
    newest, before = folder / NAME, folder / BEFORE
    found = read(newest)
    if found is not None:
        return found, False
    found = read(before)
    if found is None and (newest.exists() or before.exists()):
        raise InputError("the manifest is damaged, and so is the one before it", where=str(folder), remedy=_REMEDY)
    return found, found is not None


def write(folder: Path, manifest: Manifest) -> None:
    """Put a manifest in force, durably: before the rename the old one counts, after it the new one."""
    fresh, current = folder / f"{NAME}.new", folder / NAME
    durable(fresh, sealed(msgspec.json.format(msgspec.json.encode(manifest), indent=1)))
    before = folder / f"{BEFORE}.new"
    before.unlink(missing_ok=True)
    if read(current) is not None:
        os.link(current, before)
        before.replace(folder / BEFORE)
    fresh.replace(current)
    settle(folder)


def durable(path: Path, data: bytes) -> File:
    """Write a file and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return described(path)


def described(path: Path) -> File:
    """A file as the manifest names it."""
    digest = blake2b(digest_size=32)
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return File(name=path.name, bytes=path.stat().st_size, blake2b=digest.hexdigest())


def settle(path: Path) -> None:
    """Wait until a file, or the names in a directory, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
