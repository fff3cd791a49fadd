"""Text logs as lines and rows: opening, unpacking, and columns of whatever values they hold. One block at a time."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa

from stillwatch.sources.values import MOST_BYTES

MOST_LINE = 4 * MOST_BYTES
DECODER = msgspec.json.Decoder()
_ENDINGS = (".parquet", ".ndjson", ".jsonl", ".json", ".csv")


def kind_by_name(path: Path) -> str | None:
    name = path.name.lower()
    for packed in (".gz", ".zst"):
        name = name.removesuffix(packed)
    return next((e for e in _ENDINGS if name.endswith(e)), None)


def kind_by_content(path: Path) -> str:
    with path.open("rb") as handle:
        start = handle.read(64)
    if start.startswith(b"PAR1"):
        return ".parquet"
    return ".json" if start.lstrip()[:1] in (b"{", b"[") else ".csv"


def raw_batch(columns: dict[str, list[Any]]) -> pa.RecordBatch:
    arrays: dict[str, pa.Array] = {}
    for name, values in columns.items():
        try:
            arrays[name] = pa.array(values)
        except (pa.ArrowException, OverflowError, ValueError, TypeError, UnicodeEncodeError):
            # mixed or nested values: let the value-by-value path tell which
            arrays[name] = pa.array([_plain(v) for v in values], pa.large_binary())
    return pa.RecordBatch.from_pydict(arrays)


def csv_rows(path: Path) -> Iterator[list[str]]:
    """Rows of a CSV file, the header first; bytes that are not UTF-8 survive as escapes until their value is read."""
    csv.field_size_limit(MOST_LINE)
    with _open(path) as handle, io.TextIOWrapper(_buffered(handle), "utf-8", "surrogateescape", newline="") as text:
        try:
            yield from csv.reader(text)
        except csv.Error as exc:
            raise OSError("not CSV") from exc


def _plain(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        escaped = all(not 0xD800 <= ord(c) < 0xDC80 and not 0xDD00 <= ord(c) < 0xE000 for c in value)
        return value.encode("utf-8", "surrogateescape" if escaped else "surrogatepass")
    if isinstance(value, bool | int | float):
        return str(value).lower().encode()
    return b"\xff"


def _open(path: Path) -> IO[bytes]:
    name = path.name.lower()
    if name.endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if name.endswith(".zst"):
        return pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd")  # type: ignore[no-any-return]
    return path.open("rb")


def _buffered(handle: Any) -> Any:
    return io.BufferedReader(_Raw(handle)) if isinstance(handle, pa.NativeFile) else handle


def text_lines(path: Path) -> Iterator[bytes]:
    """Lines of a text log; a file that is one JSON array or one pretty-printed object counts as its elements."""
    with _open(path) as handle:
        stream = _buffered(handle)
        first = stream.readline()
        head = first.strip()
        if head == b"{" or head[:1] == b"[":
            yield from _document(first + stream.read())
            return
        if head:
            yield first
        yield from stream


def _document(data: bytes) -> Iterator[bytes]:
    try:
        whole = DECODER.decode(data)
    except (ValueError, UnicodeDecodeError, RecursionError):
        yield from data.splitlines()
        return
    for item in whole if isinstance(whole, list) else [whole]:
        yield msgspec.json.encode(item)


class _Raw(io.RawIOBase):
    """Arrow's decompressing stream as a Python one."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
