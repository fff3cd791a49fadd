"""Records gathered into blocks of columns, whatever their values' types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

I64 = npt.NDArray[np.int64]
BLOCK_ROWS = 8_192
BLOCK_BYTES = 32 * 1024 * 1024


class Raw(NamedTuple):
    """A batch as the file holds it: canonical names, the file's own types."""

    batch: pa.RecordBatch
    rows: I64
    """Number of each record in its file: unique, the same however the file is read."""
    lines: I64
    """Number shown to a person; several records share it where one line holds them."""
    position: int
    """Bytes of the file read so far."""


class Block:
    """Columns of Python values under way to become a :class:`Raw`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._clear()

    def _clear(self) -> None:
        self._columns: list[list[Any]] = [[] for _ in self._names]
        self._rows: list[int] = []
        self._lines: list[int] = []
        self._size = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def full(self) -> bool:
        """Whether it should become a batch."""
        return len(self._rows) >= BLOCK_ROWS or self._size >= BLOCK_BYTES

    def add(self, values: Sequence[Any], row: int, line: int, size: int) -> None:
        """One record: values in the order of the names; ``size`` is about its bytes."""
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)
        self._rows.append(row)
        self._lines.append(line)
        self._size += size

    def take(self, position: int) -> Raw:
        """The block as a batch; it is empty afterwards."""
        arrays = [as_array(column) for column in self._columns]
        raw = Raw(
            pa.RecordBatch.from_arrays(arrays, names=list(self._names)),
            np.array(self._rows, np.int64),
            np.array(self._lines, np.int64),
            position,
        )
        self._clear()
        return raw


def as_array(values: list[Any]) -> pa.Array:
    """Values in Arrow's own type where they have one, as bytes where they are of several."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError, ValueError, TypeError, UnicodeEncodeError):
        # mixed or nested values: the value-by-value path tells which
        return pa.array([_plain(v) for v in values], pa.large_binary())


def _plain(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        escaped = all(not 0xD800 <= ord(c) < 0xDC80 and not 0xDD00 <= ord(c) < 0xE000 for c in value)
        return value.encode("utf-8", "surrogateescape" if escaped else "surrogatepass")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value)).encode()
    if isinstance(value, bool | int | float):
        return str(value).lower().encode()
    return b"\xff"  # a list or an object: no column takes it
