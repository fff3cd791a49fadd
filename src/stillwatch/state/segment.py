"""Exchanges of one scan on disk: shards of columns, where each account's rows are, all keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain.errors import InputError
from stillwatch.engine import Columns, Threads
from stillwatch.state.manifest import Segment, described, settle

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
SHARD_ROWS = 1 << 20
GROUP_ROWS = 1 << 15
"""Rows that are read together: what is asked for are the few rows of many accounts, which come first."""
_RANDOM = ("key", "prompt", "session", "ref_issued", "ref_presented")
"""Columns of values that hardly repeat: a dictionary of them is wasted work."""


class Index(NamedTuple):
    """Runs of rows, one per account and shard."""

    account: U64
    shard: I32
    first: I32
    rows: I32

    def only(self, runs: npt.NDArray[np.bool_]) -> Index:
        """Some of the runs."""
        return Index(self.account[runs], self.shard[runs], self.first[runs], self.rows[runs])


def write_segment(folder: Path, stem: str, columns: Columns, keep: npt.NDArray[np.bool_], threads: int) -> Segment:
    """Write the rows that are to be kept (a mask over the columns), durably; ``stem`` is new in the folder."""
    account, ts = columns.read("account", 0, columns.rows), columns.read("ts", 0, columns.rows)
    names, code, count = np.unique(account[keep], return_inverse=True, return_counts=True)
    size = np.zeros(columns.rows, np.int64)
    size[keep] = count[code]
    del names, code, count
    plain = [name for name in columns if name not in ("rid", "left_out", "fingerprints")]

    def shard(number: int, low: int, offsets: I64, values: U64) -> tuple[Path, Index, U64] | None:
        rows = np.flatnonzero(keep[low : low + len(offsets) - 1])
        if not len(rows):
            return None
        at = low + rows
        key = columns.read("key", low, low + len(offsets) - 1)[rows]
        order = rows[np.lexsort((key, ts[at], account[at], size[at]))]
        lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values))
        table = {name: columns.read(name, low, low + len(offsets) - 1)[order] for name in plain}
        path = folder / f"{stem}-{number:04d}.parquet"
        whole = pa.table({**table, "fingerprints": lists.take(pa.array(order))})
        pq.write_table(
            whole,
            path,
            row_group_size=GROUP_ROWS,
            compression="zstd",
            compression_level=1,
            use_dictionary=[name for name in plain if name not in _RANDOM],
            write_statistics=False,
        )
        mine = table["account"]
        first = np.flatnonzero(np.concatenate([[True], mine[1:] != mine[:-1]])).astype(np.int32)
        runs = np.diff(np.append(first, len(mine))).astype(np.int32)
        return path, Index(mine[first], np.full(len(first), number, np.int32), first, runs), key

    with Threads(threads) as work:
        pieces = enumerate(columns.lists("fingerprints", SHARD_ROWS))
        done = [d for d in work.in_order(partial(shard, number, *piece) for number, piece in pieces) if d is not None]
    index = joined([i._replace(shard=np.full_like(i.shard, place)) for place, (_, i, _) in enumerate(done)])
    keys = np.sort(np.concatenate([key for _, _, key in done]))
    return settled(folder, stem, [path for path, _, _ in done], index, keys, ts[keep])


def joined(indexes: Sequence[Index]) -> Index:
    """The runs of all of them."""
    return Index(*(np.concatenate(column) for column in zip(*indexes, strict=True)))


def settled(folder: Path, stem: str, shards: Sequence[Path], index: Index, keys: U64, ts: I64) -> Segment:
    """The segment of shards that are written, with its index and keys, all on the disk."""
    where, known = folder / f"{stem}-index.parquet", folder / f"{stem}-keys.npy"
    pq.write_table(pa.table(index._asdict()), where, compression="zstd", compression_level=1)
    np.save(known, keys)
    for path in (*shards, where, known):
        settle(path)
    settle(folder)
    return Segment(
        rows=len(keys),
        first_us=int(ts.min()),
        last_us=int(ts.max()),
        shards=tuple(described(path) for path in shards),
        index=described(where),
        keys=described(known),
    )


def read_index(folder: Path, segment: Segment) -> Index:
    """Where each account's rows are. Raises :class:`InputError` where the file is damaged."""
    try:
        table = pq.read_table(folder / segment.index.name)
    except (OSError, pa.ArrowException) as exc:
        raise InputError("cannot be read", where=str(folder / segment.index.name), remedy="see state check") from exc
    return Index(*(table[name].to_numpy() for name in Index._fields))


def read_keys(folder: Path, segment: Segment) -> U64:
    """All keys, ascending, mapped into memory."""
    try:
        found: U64 = np.load(folder / segment.keys.name, mmap_mode="r")
    except (OSError, ValueError) as exc:
        raise InputError("cannot be read", where=str(folder / segment.keys.name), remedy="see state check") from exc
    return found


def read_runs(
    folder: Path, segment: Segment, runs: Index, columns: Sequence[str] | None = None
) -> Iterator[tuple[Index, pa.Table]]:
    """The rows of some runs, shard by shard, in their order there; with the runs as they lie in each table."""
    for number, file in enumerate(segment.shards):
        mine = np.flatnonzero(runs.shard == number)
        if not len(mine):
            continue
        mine = mine[np.argsort(runs.first[mine], kind="stable")]
        first, rows = runs.first[mine].astype(np.int64), runs.rows[mine].astype(np.int64)
        at = np.repeat(first - np.cumsum(rows) + rows, rows) + np.arange(int(rows.sum()))
        try:
            with pq.ParquetFile(folder / file.name) as shard:
                groups = np.unique(at // GROUP_ROWS)
                table = shard.read_row_groups(groups.tolist(), columns=list(columns) if columns else None)
        except (OSError, pa.ArrowException) as exc:
            raise InputError("cannot be read", where=str(folder / file.name), remedy="see state check") from exc
        place = np.full(int(groups[-1]) + 1, 0, np.int64)
        place[groups] = np.arange(len(groups))
        table = table.take(pa.array(at - (at // GROUP_ROWS - place[at // GROUP_ROWS]) * GROUP_ROWS))
        begins = (np.cumsum(rows) - rows).astype(np.int32)
        yield Index(runs.account[mine], runs.shard[mine], begins, runs.rows[mine]), table
