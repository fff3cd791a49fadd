"""The state directory: opened by one at a time, changed by whole steps, each of which is there or is not."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec.structs import replace

from stillwatch.domain.errors import InputError
from stillwatch.engine import Columns, as_columns
from stillwatch.kernels.sorted import among, distinct, times_held
from stillwatch.state import manifest as manifests
from stillwatch.state.manifest import File, Manifest, Segment, described, durable
from stillwatch.state.segment import Index, joined, read_index, read_keys, read_runs, write_segment

Bools = npt.NDArray[np.bool_]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
DATA, LOCK = "data", "LOCK"
PLACE = 1 << 62
"""Rows of the state have numbers from here on: no file of a log has such a row."""
NO_HASHES: U64 = np.zeros(0, np.uint64)
NAMES = pa.schema([("kind", pa.string()), ("hash", pa.uint64()), ("name", pa.string())])


class Staged(NamedTuple):
    """Exchanges of a log that are written but do not count before :meth:`State.commit`."""

    new: Bools
    """Which rows of the log are not in the state yet, …"""
    held: Bools
    """… and which it has already; neither are those too old and those left out."""
    segment: Segment | None
    too_old: int
    """Rows from before the time up to which everything is forgotten."""


class State:
    """A state directory, locked. Everything in it comes from the text pass: numbers and hashes, and the names of
    accounts, models and channels; no text of anybody.

    An exchange counts once however often it is read: by its id, or, where the log gives none, by its content, as often
    as the log that holds it most often.
    """

    def __init__(self, folder: Path, manifest: Manifest, lock: IO[bytes], *, recovered: bool) -> None:
        self.folder, self.manifest, self._lock = folder, manifest, lock
        self.recovered = recovered
        """The newest manifest was damaged: this is the state before its scan, which can be made again."""
        self._made = 0

    @classmethod
    def open(cls, folder: Path, *, features: int, create: bool = False) -> State:
        """Open a state, or make one where ``create`` allows. ``features`` is the version of the text pass in use.

        Raises :class:`InputError` for a directory that is none, that another process has open, or whose columns another
        version of the text pass made.
        """
        folder = folder.resolve()
        there = (folder / manifests.NAME).exists() or (folder / manifests.BEFORE).exists() or (folder / LOCK).exists()
        if not there:
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise InputError(
                    "holds something that is not a state", where=str(folder), remedy="name another --state"
                )
            if not create:
                raise InputError("there is no state", where=str(folder), remedy="scan with --state makes one")
        try:
            (folder / DATA).mkdir(parents=True, exist_ok=True)
            lock = (folder / LOCK).open("ab")
        except OSError as exc:
            raise InputError(f"cannot be written: {exc.strerror}", where=str(folder)) from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            lock.close()
            raise InputError("is in use by another process", where=str(folder), remedy="wait for it") from exc
        try:
            found, recovered = manifests.in_force(folder)
            if found is None or recovered:
                found = found or Manifest(features=features)
                manifests.write(folder, found)
            if found.features != features:
                raise InputError(
                    f"was written by text pass {found.features}, this version's is {features}",
                    where=str(folder),
                    remedy="begin a new state; the logs of the last days can be scanned into it again",
                )
            opened = cls(folder, found, lock, recovered=recovered)
            opened._sweep()
        except BaseException:
            lock.close()
            raise
        return opened

    def __enter__(self) -> State:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._sweep()
        self._lock.close()

    def blob(self, name: str) -> bytes | None:
        """What a room above has kept; None where it has not. Raises :class:`InputError` where it is damaged."""
        file = self.manifest.blobs.get(name)
        if file is None:
            return None
        path = self.folder / DATA / file.name
        try:
            body = path.read_bytes()
        except OSError as exc:
            raise InputError("cannot be read", where=str(path), remedy="see state check") from exc
        if described(path) != file:
            raise InputError("is damaged", where=str(path), remedy="see state check")
        return body

    def names(self) -> pa.Table:
        """Names by hash: kind (account, model, channel), hash, name."""
        parts = [pq.read_table(self.folder / DATA / file.name) for file in self.manifest.names]
        return pa.concat_tables([NAMES.empty_table(), *parts])

    def stage(self, columns: Columns, *, threads: int) -> Staged:
        """Write those exchanges of a text pass that the state does not hold yet; they count from the commit on."""
        ts = columns.read("ts", 0, columns.rows)
        kept = ts >= self.manifest.forgotten_before_us
        too_old = int((~kept).sum())
        if "left_out" in columns:
            kept &= ~columns.read("left_out", 0, columns.rows)
        unknown = self._unknown(columns.read("key", 0, columns.rows))
        new, held = kept & unknown, kept & ~unknown
        segment = write_segment(self.folder / DATA, self._stem("s"), columns, new, threads) if new.any() else None
        return Staged(new, held, segment, too_old)

    def _unknown(self, key: U64) -> Bools:
        """Which exchanges are beyond what the state has of their key."""
        if not self.manifest.segments:
            return np.ones(len(key), np.bool_)
        order = np.argsort(key, kind="stable")
        ascending = key[order]
        begins = np.ones(len(key), np.bool_)
        begins[1:] = ascending[1:] != ascending[:-1]
        first = np.flatnonzero(begins)
        held = np.zeros(len(first), np.int32)
        for segment in self.manifest.segments:
            times_held(ascending[first], read_keys(self.folder / DATA, segment), held)
        times = np.diff(np.append(first, len(key)))
        out = np.empty(len(key), np.bool_)
        out[order] = np.arange(len(key)) >= np.repeat(first + held, times)  # beyond the first so many of its key
        return out

    def history(self, accounts: U64 | None, today: U64, *, most: int, at_hand: U64 = NO_HASHES) -> Iterator[pa.Table]:
        """Rows of earlier scans as the text pass yields them: whole accounts of those asked for (hashes; None: all),
        the ones with the fewest rows first, up to ``most`` rows in all. ``today`` are keys that are at hand already;
        ``at_hand`` is the account of each row that is so and in the state too."""
        data = self.folder / DATA
        indexes = [read_index(data, segment) for segment in self.manifest.segments]
        if not indexes:
            return
        chosen = _fewest_first(joined(indexes), accounts, at_hand, most)
        today, row = np.sort(today), PLACE
        for segment, index in zip(self.manifest.segments, indexes, strict=True):
            mine = among(index.account, chosen)
            runs = index.only(mine)
            for _, table in read_runs(data, segment, runs):
                table = table.filter(pa.array(~among(table["key"].to_numpy(), today)))
                rid = np.arange(row, row + table.num_rows, dtype=np.int64)
                row += table.num_rows
                yield as_columns(table.add_column(0, "rid", pa.array(rid)))

    def rows_of(self, segment: Segment, accounts: U64, columns: Collection[str]) -> Iterator[tuple[Index, pa.Table]]:
        """Some columns of some accounts' rows, shard by shard, with each account's run in the table."""
        index = read_index(self.folder / DATA, segment)
        mine = among(index.account, np.sort(accounts))
        yield from read_runs(self.folder / DATA, segment, index.only(mine), sorted(columns))

    def accounts_of(self, segment: Segment) -> U64:
        """Hashes of the accounts of a segment, ascending."""
        return distinct(read_index(self.folder / DATA, segment).account)

    def commit(self, staged: Staged, names: pa.Table, blobs: Mapping[str, bytes], columns: Collection[str]) -> None:
        """What was staged counts from here on, with the names in it and what rooms above keep; all of it or nothing."""
        known = self.names()
        unknown = names.cast(NAMES).filter(pc.invert(pc.is_in(names["hash"], value_set=known["hash"].combine_chunks())))
        now = self.manifest
        files = now.names
        if unknown.num_rows:
            files = (*files, self._write_names(unknown))
        segments = now.segments if staged.segment is None else (*now.segments, staged.segment)
        self._replace(
            replace(
                now,
                segments=segments,
                names=files,
                blobs=self._keep(blobs),
                columns=tuple(sorted({*now.columns, *columns})),
            )
        )

    def keys_of(self, *, accounts: U64 | None = None, before_us: int | None = None) -> U64:
        """Keys of the exchanges that :meth:`forget` would erase."""
        accounts = None if accounts is None else np.sort(accounts)
        data, out = self.folder / DATA, [NO_HASHES]
        for segment in self.manifest.segments:
            for _, table in read_runs(data, segment, read_index(data, segment), ("account", "key", "ts")):
                out.append(table["key"].to_numpy()[_forgotten(table, accounts, before_us)])
        return np.concatenate(out)

    def forget(
        self, *, accounts: U64 | None = None, before_us: int | None = None, blobs: Mapping[str, bytes] | None = None
    ) -> int:
        """Erase accounts (hashes), or all exchanges from before a time; returns the number of rows erased.

        Afterwards no file holds them, the manifest before this one included; ``blobs`` replaces what rooms above keep.
        """
        accounts = None if accounts is None else np.sort(accounts)
        gone = 0
        segments: list[Segment] = []
        for segment in self.manifest.segments:
            kept = self._rewritten([segment], accounts, before_us)
            gone += segment.rows - (kept.rows if kept else 0)
            if kept is not None:
                segments.append(kept)
        now = replace(self.manifest, segments=tuple(segments), blobs=self._keep(blobs or {}))
        if before_us is not None:
            now = replace(now, forgotten_before_us=max(before_us, now.forgotten_before_us))
        alive = [read_index(self.folder / DATA, s).account for s in segments]
        names = self.names()
        here = pc.is_in(names["hash"], value_set=pa.array(distinct(np.concatenate([*alive, NO_HASHES]))))
        names = names.filter(pc.or_(here, pc.not_equal(names["kind"], "account")))
        now = replace(now, names=(self._write_names(names),) if names.num_rows else ())
        self._replace(now)
        self._replace(self.manifest)  # the manifest before must not name what is forgotten
        self._sweep()
        return gone

    def compact(self) -> int:
        """All segments as one, which a scan reads faster; returns how many there were."""
        before = len(self.manifest.segments)
        if before > 1:
            one = self._rewritten(list(self.manifest.segments), None, None)
            self._replace(replace(self.manifest, segments=(one,) if one else ()))
        self._replace(replace(self.manifest, names=self._one_names()))
        self._sweep()
        return before

    def check(self) -> list[str]:
        """What is wrong with the files, a line each: every byte is read, every row is counted."""
        problems = []
        for file in self.manifest.files:
            path = self.folder / DATA / file.name
            if not path.exists():
                problems.append(f"{file.name}: is missing")
            elif described(path) != file:
                problems.append(f"{file.name}: is not what was written")
        if problems:
            return problems
        for number, segment in enumerate(self.manifest.segments, 1):
            index = read_index(self.folder / DATA, segment)
            shards = [pq.read_metadata(self.folder / DATA / s.name).num_rows for s in segment.shards]
            keys = read_keys(self.folder / DATA, segment)
            if not segment.rows == int(index.rows.sum()) == sum(shards) == len(keys):
                problems.append(f"segment {number}: rows, index and keys do not agree")
            if (keys[1:] < keys[:-1]).any():
                problems.append(f"segment {number}: keys are not in order")
        return problems

    def _rewritten(self, segments: list[Segment], accounts: U64 | None, before_us: int | None) -> Segment | None:
        """Segments as one, without what is to be forgotten; the same one where nothing changes, None where nothing is
        left."""
        data = self.folder / DATA
        scratch = data / self._stem("r")
        scratch.mkdir()
        columns = Columns(scratch, keep_bytes=0)
        try:
            total = 0
            for segment in segments:
                for _, table in read_runs(data, segment, read_index(data, segment)):
                    keep = ~_forgotten(table, accounts, before_us)
                    total += int(keep.sum())
                    if keep.any():
                        columns.append(table.filter(pa.array(keep)))
            if len(segments) == 1 and total == segments[0].rows:
                return segments[0]
            if not total:
                return None
            return write_segment(data, self._stem("s"), columns, np.ones(total, np.bool_), threads=1)
        finally:
            columns.close()
            shutil.rmtree(scratch)

    def _one_names(self) -> tuple[File, ...]:
        names = self.names()
        return (self._write_names(names),) if names.num_rows else ()

    def _write_names(self, names: pa.Table) -> File:
        path = self.folder / DATA / f"{self._stem('n')}.parquet"
        pq.write_table(names.combine_chunks(), path, compression="zstd")
        manifests.settle(path)
        return described(path)

    def _keep(self, blobs: Mapping[str, bytes]) -> dict[str, File]:
        written = {
            name: durable(self.folder / DATA / f"{self._stem('b')}-{name}", blobs[name]) for name in sorted(blobs)
        }
        return {**self.manifest.blobs, **written}

    def _stem(self, kind: str) -> str:
        """A name that no file of the state has."""
        self._made += 1
        return f"{kind}{self.manifest.generation + 1:08d}-{self._made:02d}"

    def _replace(self, manifest: Manifest) -> None:
        manifests.settle(self.folder / DATA)
        new = replace(manifest, generation=self.manifest.generation + 1)
        manifests.write(self.folder, new)
        self.manifest = new

    def _sweep(self) -> None:
        """Remove what no manifest names: what is left of a scan that died, and of what was replaced."""
        named = {f.name for f in self.manifest.files}
        before = manifests.read(self.folder / manifests.BEFORE)
        if before is not None:
            named |= {f.name for f in before.files}
        for entry in (self.folder / DATA).iterdir():
            if entry.name not in named:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def _forgotten(table: pa.Table, accounts: U64 | None, before_us: int | None) -> Bools:
    """Which rows are of these accounts (ascending), or from before that time."""
    gone = np.zeros(table.num_rows, np.bool_)
    if accounts is not None:
        gone |= among(table["account"].to_numpy(), accounts)
    if before_us is not None:
        gone |= table["ts"].to_numpy() < before_us
    return gone


def _fewest_first(index: Index, accounts: U64 | None, at_hand: U64, most: int) -> U64:
    """Accounts whose rows that are not at hand are at most so many in all, those with the fewest first."""
    names, code = np.unique(index.account, return_inverse=True)
    rows = np.bincount(code, weights=index.rows, minlength=len(names)).astype(np.int64)
    here, times = np.unique(at_hand, return_counts=True)
    there = among(here, names)
    rows[np.searchsorted(names, here[there])] -= times[there]
    if accounts is not None:
        asked = among(names, np.sort(accounts))
        names, rows = names[asked], rows[asked]
    order = np.lexsort((names, rows))
    return np.sort(names[order[np.cumsum(rows[order]) <= most]])
