"""What an engine is: seven calls and a declared record of what it can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec
import pyarrow as pa

from stillwatch.engine.columns import Columns

Kernel = Callable[[pa.RecordBatch], dict[str, pa.Table]]
"""A compiled step: one batch of the log in, named tables of integers out."""


class StepError(RuntimeError):
    """A step failed: carries its name and the SQL that was run."""


class Log(Protocol):
    """An open log, read from its first row to its last."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Batches of the canonical table with ``source_file`` and ``source_row``."""
        ...


@runtime_checkable
class SharedLog(Log, Protocol):
    """A log that several processes read, each its share; it can be pickled, and so can a share."""

    def shares(self) -> Sequence[Any]:
        """The shares in the order of the log: read one after the other they are ``batches``."""
        ...

    def read(self, share: Any) -> Iterator[pa.RecordBatch]:
        """The batches of one share."""
        ...

    def take_problems(self) -> list[Any]:
        """What reading has set aside since the last call: plain values that can be pickled."""
        ...

    def settle(self, problems: list[Any], rows: int) -> None:
        """Put together, in the order of the shares, what they set aside; ``rows`` were read in all of them."""
        ...


class Capabilities(msgspec.Struct, frozen=True):
    """Declared, never discovered by name."""

    name: str
    version: str
    distributed: bool
    threads: int
    """Of this process, which works on columns; an engine that is distributed has its own besides."""


class Engine(Protocol):
    """One statement of each rule runs on any of these."""

    @property
    def capabilities(self) -> Capabilities:
        """Name, version and size of the engine."""
        ...

    def scan(self, name: str, table: pa.Table) -> None:
        """Make a table of the log known under a name."""
        ...

    def map_batches(self, log: Log, kernel: Kernel) -> None:
        """Run a kernel over every batch of a log, in parallel; what it yields becomes the named relations."""
        ...

    def sql(self, step: str, query: str) -> None:
        """Run one named step; the relation ``step`` is its result, materialised."""
        ...

    def columns(self, relation: str) -> Columns:
        """A relation without text as columns on the driver's disk, in the order of ``rid``; the same ones every time.

        Such relations are what the text pass yields in bulk; whatever is numbered by row is worked on there.
        """
        ...

    def collect(self, query: str) -> pa.Table:
        """A bounded result; an ORDER BY in the query is kept."""
        ...
