"""What a pass over a log finds out besides its rows, and how passes over its parts make one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from stillwatch.sources.quarantine import Quarantine


class Notes:
    """Rows set aside, records passed over, columns in which there was a value."""

    def __init__(self, *, fail: bool) -> None:
        self.quarantine = Quarantine(fail=fail)
        self.present: set[str] = set()

    def see(self, batch: pa.RecordBatch) -> None:
        """Columns of a batch of canonical rows."""
        if batch.num_rows:
            self.present |= {n for n, c in zip(batch.schema.names, batch, strict=True) if c.null_count < len(c)}

    def plain(self) -> list[Any]:
        """All of it as plain values, for :meth:`put` elsewhere."""
        return [[self.quarantine.passed_over, sorted(self.present), self.quarantine.rows()]]

    def put(self, noted: Iterable[Any]) -> None:
        """Add what others have noted, in their order."""
        for passed, present, aside in noted:
            self.quarantine.passed_over += passed
            self.present |= set(present)
            for row in aside:
                self.quarantine.reject(*row)
