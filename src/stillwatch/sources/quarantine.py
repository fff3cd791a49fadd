"""Rows that could not be read: an error at the first, or kept aside with file, row and column. Never the value."""

from __future__ import annotations

from array import array

import pyarrow as pa

from stillwatch.domain.errors import InputError

SCHEMA = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("column", pa.string()),
        pa.field("error", pa.string()),
    ]
)
"""``quarantine.parquet``. Rows count from 0, a CSV's header left out; −1 means the rest of the file."""


Aside = tuple[str, int, str, str]
"""One row set aside: file, row, column, error."""


class Quarantine:
    """Where bad rows go. With ``fail`` the first one is an :class:`InputError`."""

    def __init__(self, *, fail: bool) -> None:
        self._fail = fail
        self.passed_over = 0
        """Records of the log that are not model requests (spans of other operations)."""
        self._rows = array("q")
        self._reasons = array("l")
        self._known: dict[tuple[str, str, str], int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def reject(self, file: str, row: int, column: str, error: str) -> None:
        """One row that cannot be read."""
        if self._fail:
            where = [file, f"row {row}", f"column {column}" if column else ""]
            raise InputError(
                error, where=", ".join(filter(None, where)), remedy="correct the row, or use --on-bad-row quarantine"
            )
        self._keep(file, row, column, error)

    def lose(self, file: str, error: str, cause: BaseException | None = None) -> None:
        """The rest of a file that cannot be read."""
        if self._fail:
            raise InputError(error, where=file, remedy="repair the file, or use --on-bad-row quarantine") from cause
        self._keep(file, -1, "", error)

    def _keep(self, file: str, row: int, column: str, error: str) -> None:
        self._rows.append(row)
        self._reasons.append(self._known.setdefault((file, column, error), len(self._known)))

    def rows(self) -> list[Aside]:
        """All rows in the order in which they were met."""
        known = list(self._known)
        return [(known[why][0], row, *known[why][1:]) for row, why in zip(self._rows, self._reasons, strict=True)]

    def first(self) -> str:
        """Where and why the first row was set aside."""
        file, column, error = list(self._known)[self._reasons[0]]
        row = "" if self._rows[0] < 0 else f"row {self._rows[0]}"
        return ": ".join((", ".join(filter(None, (file, row, f"column {column}" if column else ""))), error))

    def table(self) -> pa.Table:
        """Rows of ``SCHEMA`` in the order in which they were met."""
        reasons = pa.array(self._reasons, pa.int64())
        files, columns, errors = zip(*self._known, strict=True) if self._known else ((), (), ())
        taken = {
            "file": pa.array(files, pa.string()).take(reasons),
            "row": pa.array(self._rows, pa.int64()),
            "column": pa.array(columns, pa.string()).take(reasons),
            "error": pa.array(errors, pa.string()).take(reasons),
        }
        return pa.table(taken, schema=SCHEMA)
