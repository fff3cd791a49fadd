"""What runs on the executors: read a share, run the kernel, pack what it yields. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple, Protocol

import msgspec
import pyarrow as pa

from stillwatch.domain.errors import InputError
from stillwatch.engine.protocol import Kernel, SharedLog
from stillwatch.engine.spark import wire

Task = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


class Report(msgspec.Struct, frozen=True):
    """How one share went: its place in the log, rows read, what was set aside, and the error that ended it."""

    place: int
    rows: int
    problems: list[Any]
    error: tuple[str, str, str] | None


class Decoder(Protocol):
    """Makes canonical batches of what Spark's own readers give; it can be pickled."""

    def runs(self, raw: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
        """One batch in the contract's types, in pieces of consecutive rows, each with its place in the log."""
        ...

    def take_problems(self) -> list[Any]:
        """What has been set aside since the last call."""
        ...


class ShareTask(NamedTuple):
    """A task whose rows are numbers of shares."""

    log: SharedLog
    shares: Sequence[Any]
    kernel: Kernel
    turn: int
    """No two tasks are alike: Spark takes two that are for one, and gives the rows it has kept of the first."""

    def run(self, numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for place in batch.column(0).to_pylist():
                read = ((place, batch) for batch in self.log.read(self.shares[place]))
                yield from _done(place, read, self.log.take_problems, self.kernel)


class TableTask(NamedTuple):
    """A task whose rows are those of a table that Spark reads."""

    decoder: Decoder
    kernel: Kernel
    turn: int

    def run(self, raw: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        read = (run for batch in raw for run in self.decoder.runs(batch))
        yield from _done(0, read, self.decoder.take_problems, self.kernel)


def _done(
    place: int,
    batches: Iterator[tuple[int, pa.RecordBatch]],
    problems: Callable[[], list[Any]],
    kernel: Kernel,
) -> Iterator[pa.RecordBatch]:
    rows, error, numbers = 0, None, count()
    try:
        for at, batch in batches:
            rows += batch.num_rows
            for relation, table in kernel(batch).items():
                yield from wire.pack(relation, at, numbers, table)
    except InputError as exc:  # bad input is a result; raised here, Spark would try it four times and hide it
        error = (exc.what, exc.where, exc.remedy)
    yield wire.row(wire.REPORT, place, next(numbers), msgspec.json.encode(Report(place, rows, problems(), error)))


def read_reports(table: pa.Table) -> list[Report]:
    """The reports of all shares, in order."""
    found = [msgspec.json.decode(packet, type=Report) for packet in table["packet"].to_pylist()]
    return sorted(found, key=lambda r: r.place)
