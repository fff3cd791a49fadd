"""The exchanges of a world on their way to disk: gathered as they are made, handed out in order of time.

What does not fit a bounded number of rows is sorted and set aside in runs (Arrow files), which are merged at the end:
an external merge sort, so that a world of any size takes the same memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

HELD_ROWS = 200_000
"""Rows in memory before they become a run."""
CHUNK_ROWS = 65_536
_BATCH_ROWS = 2_048
"""Rows that a run hands to the merge at a time."""

_INTS = {
    pa.int64(): ("ts", "session", "ip", "issued", "presented"),
    pa.int32(): (
        "acct", "system_prompt", "end_user_id", "org_id", "api_key_id", "message_count", "input_tokens",
        "output_tokens", "reasoning_tokens", "cached_input_tokens", "max_output_tokens", "tool_schema_hash",
        "tls_fingerprint",
    ),
    pa.int16(): ("channel", "tools_count", "status", "user_agent"),
    pa.int8(): (
        "model", "stream", "reasoning_effort", "response_format", "finish_reason", "refusal", "refusal_category",
    ),
}  # fmt: skip
COLUMNS = pa.schema(
    [pa.field(name, kind) for kind, names in _INTS.items() for name in names]
    + [pa.field(name, pa.float64()) for name in ("temperature", "top_p")]
    + [pa.field(name, pa.large_string()) for name in ("prompt", "response")]
)
"""Numbers that stand for values (codes of the world's coders, -1 for none), and the two texts."""


class Log:
    """Use as a context manager: what is set aside goes away with it."""

    def __init__(self, scratch: Path | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=scratch, prefix=".log-")
        self._held: list[pa.Table] = []
        self._held_rows = 0
        self._runs: list[Path] = []
        self.rows = 0

    def __enter__(self) -> Log:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._held.clear()
        self._folder.cleanup()

    def add(self, block: dict[str, Any]) -> None:
        """Append exchanges, in any order of time: one array per column of ``COLUMNS`` (others are passed over)."""
        table = pa.table({f.name: pa.array(block[f.name]).cast(f.type) for f in COLUMNS}, schema=COLUMNS)
        self._held.append(table)
        self._held_rows += table.num_rows
        self.rows += table.num_rows
        if self._held_rows >= HELD_ROWS:
            self._set_aside()

    def _take_held(self) -> pa.Table:
        table = pa.concat_tables([COLUMNS.empty_table(), *self._held]).combine_chunks()
        self._held, self._held_rows = [], 0
        return table

    def _set_aside(self) -> None:
        path = Path(self._folder.name) / f"{len(self._runs):05d}.arrow"
        table = self._take_held()
        order = np.argsort(table["ts"].to_numpy(), kind="stable")
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, COLUMNS, options=options) as writer:
            for low in range(0, len(order), _BATCH_ROWS):
                writer.write_table(table.take(pa.array(order[low : low + _BATCH_ROWS])).combine_chunks())
        self._runs.append(path)

    def chunks(self, rng: np.random.Generator) -> Iterator[pa.Table]:
        """All exchanges in order of time, ``CHUNK_ROWS`` at a time; those of one microsecond in a random order."""
        if self._runs and self._held_rows:
            self._set_aside()
        runs = [_Run(path) for path in self._runs]
        parts = _merged(runs, rng) if runs else iter([_sorted(self._take_held(), rng)])
        rest = COLUMNS.empty_table()
        for part in parts:
            rest = pa.concat_tables([rest, part])
            while rest.num_rows >= CHUNK_ROWS:
                yield rest.slice(0, CHUNK_ROWS).combine_chunks()
                rest = rest.slice(CHUNK_ROWS)
        if rest.num_rows:
            yield rest.combine_chunks()


def _sorted(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    whole = table.combine_chunks()
    return whole.take(pa.array(np.lexsort((rng.random(whole.num_rows), whole["ts"].to_numpy()))))


class _Run:
    """One sorted run, a batch of it in memory."""

    def __init__(self, path: Path) -> None:
        self._reader = pa.ipc.open_file(pa.OSFile(str(path), "rb"))
        self._next = 0
        self.refill()

    def refill(self) -> None:
        """The next batch; afterwards ``last`` is where it ends, infinite where nothing follows."""
        self.table = pa.Table.from_batches([self._reader.get_batch(self._next)])
        self._next += 1
        self._ts = self.table["ts"].to_numpy()
        self.last = int(self._ts[-1]) if self._next < self._reader.num_record_batches else None

    def before(self, limit: int | None) -> pa.Table:
        """Take the rows before a time out of the batch (all of them without a limit)."""
        cut = len(self._ts) if limit is None else int(np.searchsorted(self._ts, limit))
        taken, self.table = self.table.slice(0, cut), self.table.slice(cut)
        self._ts = self._ts[cut:]
        return taken

    def extend(self) -> None:
        """One batch more behind what is left."""
        left = self.table
        self.refill()
        self.table = pa.concat_tables([left, self.table]).combine_chunks()
        self._ts = self.table["ts"].to_numpy()


def _merged(runs: list[_Run], rng: np.random.Generator) -> Iterator[pa.Table]:
    parts: list[pa.Table] = []
    rows = 0
    while True:
        open_ends = [run.last for run in runs if run.last is not None]
        limit = min(open_ends, default=None)
        taken = [part for part in (run.before(limit) for run in runs) if part.num_rows]
        parts += taken
        rows += sum(part.num_rows for part in taken)
        if rows >= CHUNK_ROWS or limit is None:
            yield _sorted(pa.concat_tables([COLUMNS.empty_table(), *parts]), rng)
            parts, rows = [], 0
        if limit is None:
            return
        for run in runs:
            if run.last == limit:
                run.extend()
