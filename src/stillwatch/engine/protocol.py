"""What an engine is: six calls and a declared record of what it can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec
import pyarrow as pa

Kernel = Callable[[pa.RecordBatch], dict[str, pa.Table]]
"""A compiled step: one batch of the log in, named tables of integers out."""


class Capabilities(msgspec.Struct, frozen=True):
    """Declared, never discovered by name."""

    name: str
    version: str
    distributed: bool
    threads: int


class Engine(Protocol):
    """One statement of each rule runs on any of these."""

    @property
    def capabilities(self) -> Capabilities:
        """Name, version and size of the engine."""
        ...

    def scan(self, name: str, table: pa.Table) -> None:
        """Make a table of the log known under a name."""
        ...

    def map_batches(self, batches: Iterable[pa.RecordBatch], kernel: Kernel) -> None:
        """Run a kernel over every batch, in parallel, and append what it yields to the named relations."""
        ...

    def sql(self, step: str, query: str) -> None:
        """Run one named step; the relation ``step`` is its result, materialised."""
        ...

    def collect(self, query: str) -> pa.Table:
        """A bounded result; an ORDER BY in the query is kept."""
        ...
