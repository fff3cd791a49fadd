"""A relation as columns of numbers on disk: appended batch by batch, read whole or by ranges, forgotten when unused."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

KEEP_BYTES = 1 << 30
"""Columns kept in memory, unless something else is asked for."""
Array = npt.NDArray[Any]
I64 = npt.NDArray[np.int64]


_BULK = {b"stillwatch": b"columns"}


def as_columns(table: pa.Table) -> pa.Table:
    """A table, marked as one to be kept as columns: numbers, truths and lists of numbers only, none of them null."""
    kinds = [f.type.value_type if pa.types.is_list(f.type) else f.type for f in table.schema]
    if not all(pa.types.is_integer(k) or pa.types.is_floating(k) or pa.types.is_boolean(k) for k in kinds):
        raise TypeError(f"columns hold numbers, not {table.schema}")
    return table.replace_schema_metadata(_BULK)


def marked(schema: pa.Schema) -> bool:
    """Whether tables of a schema are to be kept as columns."""
    return bool(schema.metadata == _BULK)


class _Piece(NamedTuple):
    """Consecutive values of a column: bytes in its file from ``at`` on, or one value that all of them have."""

    first: int
    rows: int
    at: int
    constant: Any


class _File:
    """One column. Runs of one value (an absent column is nothing else) take no room."""

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self.path = path
        self.dtype = dtype
        self.count = 0
        self._pieces: list[_Piece] = []
        self._size = 0
        self._bytes: IO[bytes] | None = None

    def append(self, values: Array) -> None:
        if not len(values):
            return
        if (values == values[0]).all():
            self._add(_Piece(self.count, len(values), -1, values[0]))
            return
        if self._bytes is None:
            self._bytes = self.path.open("w+b", buffering=0)
        plain = np.ascontiguousarray(values, self.dtype)
        rest = plain.data.cast("B")
        while rest:
            rest = rest[self._bytes.write(rest) :]
        self._add(_Piece(self.count, len(values), self._size, None))
        self._size += plain.nbytes

    def _add(self, new: _Piece) -> None:
        last = self._pieces[-1] if self._pieces else None
        if last is not None and self._goes_on(last, new):
            self._pieces[-1] = last._replace(rows=last.rows + new.rows)
        else:
            self._pieces.append(new)
        self.count += new.rows

    def _goes_on(self, last: _Piece, new: _Piece) -> bool:
        if last.at < 0 or new.at < 0:
            return last.at == new.at and bool(last.constant == new.constant)
        return last.at + last.rows * self.dtype.itemsize == new.at

    def read(self, low: int, high: int) -> Array:
        out = np.empty(max(high - low, 0), self.dtype)
        for piece in self._pieces:
            start, stop = max(low, piece.first), min(high, piece.first + piece.rows)
            if start >= stop:
                continue
            if piece.at < 0:
                out[start - low : stop - low] = piece.constant
            elif self._bytes is not None:
                self._fill(out[start - low : stop - low], piece.at + (start - piece.first) * self.dtype.itemsize)
        return out

    def _fill(self, out: Array, at: int) -> None:
        assert self._bytes is not None
        wanted = memoryview(out.view(np.uint8))  # type: ignore[arg-type]
        while wanted:
            read = os.preadv(self._bytes.fileno(), [wanted], at)
            if not read:
                raise OSError(f"{self.path.name} is shorter than it was written")
            wanted, at = wanted[read:], at + read

    def close(self) -> None:
        if self._bytes is not None:
            self._bytes.close()

    def remove(self) -> None:
        self.close()
        self.path.unlink(missing_ok=True)


class Columns(Mapping[str, Array]):
    """Columns of equal length, by name. ``columns[name]`` is the whole column, kept in memory while ``keep_bytes``
    allow; :meth:`read` gives a range. A column of lists has its values in :meth:`lists`, and its lengths by name.
    """

    def __init__(self, folder: Path, *, keep_bytes: int) -> None:
        self._folder = folder
        self._keep_bytes = keep_bytes
        self._files: dict[str, _File] = {}
        self._lists: dict[str, _File] = {}
        self._made = 0
        self._kept: OrderedDict[str, Array] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    @property
    def rows(self) -> int:
        """Length of the columns."""
        return next(iter(self._files.values())).count if self._files else 0

    def append(self, table: pa.Table) -> None:
        """Add rows: numbers, truths and lists of numbers, none of them null."""
        with self._lock:
            self._kept.clear()
        for field, column in zip(table.schema, table.columns, strict=True):
            for chunk in column.chunks:
                if pa.types.is_list(field.type):
                    offsets = chunk.offsets.to_numpy()
                    self.extend_lists(field.name, np.diff(offsets), chunk.values.to_numpy()[offsets[0] : offsets[-1]])
                else:
                    values = chunk.to_numpy(zero_copy_only=False)
                    self._file(self._files, field.name, values.dtype).append(values)

    def put(self, name: str, values: Array) -> None:
        """Set a whole column, in the place of one of that name."""
        self.drop(name)
        self._file(self._files, name, values.dtype).append(values)

    def extend_lists(self, name: str, lengths: Array, values: Array) -> None:
        """Add rows to a column of lists."""
        self._file(self._lists, name, values.dtype).append(values)
        self._file(self._files, name, np.dtype(np.int32)).append(lengths.astype(np.int32, copy=False))

    def drop(self, *names: str) -> None:
        """Forget columns."""
        with self._lock:
            for name in names:
                self._kept.pop(name, None)
                for files in (self._files, self._lists):
                    if name in files:
                        files.pop(name).remove()

    def read(self, name: str, low: int, high: int) -> Array:
        """A range of a column, not kept."""
        return self._files[name].read(low, high)

    def __getitem__(self, name: str) -> Array:
        with self._lock:
            found = self._kept.pop(name, None)
            if found is None:
                file = self._files[name]
                found = file.read(0, file.count)
                found.flags.writeable = False
            self._kept[name] = found
            while len(self._kept) > 1 and sum(a.nbytes for a in self._kept.values()) > self._keep_bytes:
                self._kept.popitem(last=False)
            return found

    def close(self) -> None:
        """Let go of memory and files."""
        with self._lock:
            self._kept.clear()
            for file in (*self._files.values(), *self._lists.values()):
                file.close()

    def lists(self, name: str, rows: int) -> Iterator[tuple[int, I64, Array]]:
        """A column of lists, so many rows at a time: first row, offsets (rows+1), values."""
        at = 0
        lengths, values = self._files[name], self._lists[name]
        for low in range(0, lengths.count, rows):
            counts = lengths.read(low, min(low + rows, lengths.count))
            offsets = np.zeros(len(counts) + 1, np.int64)
            np.cumsum(counts, out=offsets[1:])
            yield low, offsets, values.read(at, at + int(offsets[-1]))
            at += int(offsets[-1])

    def list_values(self, name: str) -> int:
        """How many values a column of lists has in all."""
        return self._lists[name].count

    def _file(self, files: dict[str, _File], name: str, dtype: np.dtype[Any]) -> _File:
        if name not in files:
            self._made += 1
            files[name] = _File(self._folder / f"{self._made:04d}.bin", dtype)
        return files[name]
