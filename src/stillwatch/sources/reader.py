"""Opening a log: files, formats, batches, bad rows. Bounded in memory: one block or row group at a time."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES, REQUIRED
from stillwatch.sources.canonical import canonical
from stillwatch.sources.formats import Format, by_name, detect, getter
from stillwatch.sources.values import MOST_BYTES

BATCH_ROWS = 65_536
BLOCK_ROWS = 8_192
BLOCK_BYTES = 32 * 1024 * 1024
MOST_LINE = 4 * MOST_BYTES
_ENDINGS = (".parquet", ".ndjson", ".jsonl", ".json", ".csv")
_DECODER = msgspec.json.Decoder()

Quarantined = tuple[str, int, str, str]


def _expand(inputs: Sequence[str | Path]) -> tuple[Path, ...]:
    out: list[Path] = []
    for given in map(str, inputs):
        path = Path(given)
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and _kind(p) is not None)
        elif path.is_file():
            found = [path]
        else:
            found = sorted(Path(p) for p in glob(given, recursive=True) if Path(p).is_file())  # noqa: PTH207 (absolute globs)
        if not found:
            raise InputError(
                "no log file there", where=given, remedy="name a file, a glob or a directory of Parquet, NDJSON or CSV"
            )
        out += found
    return tuple(dict.fromkeys(out))


def _kind(path: Path) -> str | None:
    name = path.name.lower()
    for packed in (".gz", ".zst"):
        name = name.removesuffix(packed)
    return next((e for e in _ENDINGS if name.endswith(e)), None)


class Share(NamedTuple):
    """A part of a log that can be read by itself: a file, or one row group of a Parquet file."""

    file: int
    group: int | None = None
    first: int = 0
    """Number of its first row in the file."""


class LogReader:
    """An opened log. ``batches`` may be called once per scan; ``quarantine`` fills while it runs.

    Other processes that see the same files may read it by shares (an :class:`engine.SharedLog`).
    """

    def __init__(self, files: tuple[Path, ...], layout: Format, on_bad_row: Literal["fail", "quarantine"]) -> None:
        self.files = files
        self.format = layout.name
        self._layout = layout
        self._fail = on_bad_row == "fail"
        self.quarantine: list[Quarantined] = []
        self.bytes_total = sum(p.stat().st_size for p in files)
        self.on_bytes: Callable[[int], None] | None = None
        self.columns_present = frozenset(self._present())

    def _present(self) -> set[str]:
        if self._layout.columns:
            return set(self._layout.columns)
        seen: set[str] = set()
        for path in self.files:
            if _kind(path) == ".parquet":
                try:
                    seen |= set(pq.read_schema(path).names)
                except (pa.ArrowInvalid, OSError):
                    continue
            else:
                return set(EXCHANGES.names)
        return seen & set(EXCHANGES.names)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Record batches of the canonical columns (absent ones null) with ``source_file`` and ``source_row``."""
        fields = [f for f in EXCHANGES if columns is None or f.name in columns]
        rows = 0
        for number, path in enumerate(self.files):
            for batch in self._share(Share(number), fields):
                rows += batch.num_rows
                yield batch
            if self.on_bytes is not None:
                self.on_bytes(path.stat().st_size)
        self._need_rows(rows)

    def shares(self) -> list[Share]:
        """Row groups of Parquet files, other files whole, in the order of ``batches``."""
        out: list[Share] = []
        for number, path in enumerate(self.files):
            out += _row_groups(path, number) or [Share(number)]
        return out

    def read(self, share: Share) -> Iterator[pa.RecordBatch]:
        """The batches of one share; what is set aside is kept for ``take_problems``."""
        path = self.files[share.file]
        if not path.is_file():
            raise InputError(
                "cannot be seen where it is to be read",
                where=path.name,
                remedy="put the log where every worker sees it under the same path, or name a URI or a table",
            )
        yield from self._share(share, list(EXCHANGES))

    def take_problems(self) -> list[Quarantined]:
        """Rows set aside since the last call."""
        taken, self.quarantine = self.quarantine, []
        return taken

    def settle(self, problems: list[Quarantined], rows: int) -> None:
        """What the shares set aside becomes what ``batches`` would have. Raises :class:`InputError` for no rows."""
        self.quarantine += problems
        self._need_rows(rows)

    def _need_rows(self, rows: int) -> None:
        if rows == 0:
            why = f" ({len(self.quarantine):,} rows could not be read)" if self.quarantine else ""
            raise InputError(
                f"no exchanges{why}",
                where=", ".join(p.name for p in self.files[:3]),
                remedy="name a log with at least one readable row",
            )

    def quarantine_table(self) -> pa.Table:
        """Rows that could not be read: file, row (−1: the rest of the file), column, error."""
        names = ("file", "row", "column", "error")
        types = (pa.string(), pa.int64(), pa.string(), pa.string())
        columns = list(zip(*self.quarantine, strict=True)) or [()] * 4
        return pa.table({n: pa.array(list(c), t) for n, c, t in zip(names, columns, types, strict=True)})

    def fetch_rows(self, wanted: Mapping[int, Sequence[int]], columns: Sequence[str]) -> pa.Table:
        """A few rows again, by file and row number, in file order; rows that cannot be read are left out."""
        parts: list[pa.RecordBatch] = []
        silent = LogReader(self.files, self._layout, "quarantine")
        fields = [f for f in EXCHANGES if f.name in columns]
        for number in sorted(wanted):
            rows = np.array(sorted(wanted[number]), np.int64)
            for batch in silent._share(Share(number), fields, rows):
                keep = np.flatnonzero(np.isin(batch.column("source_row").to_numpy(), rows))
                if len(keep):
                    parts.append(batch.take(pa.array(keep)))
        if parts:
            return pa.Table.from_batches(parts).select([f.name for f in fields])
        return pa.table({f.name: pa.nulls(0, f.type) for f in fields})

    # -- one file --------------------------------------------------------------------------------------------------

    def _share(self, share: Share, fields: list[pa.Field], only: Any = None) -> Iterator[pa.RecordBatch]:
        """Canonical batches of at least one row; ``only`` some rows of a Parquet file, and perhaps others."""
        path = self.files[share.file]
        for raw, first, numbers in self._tables(path, share, fields, only):
            rows = np.arange(first, first + raw.num_rows, dtype=np.int64) if numbers is None else numbers
            batch, bad = canonical(raw, fields, np.full(raw.num_rows, share.file, np.int32), rows)
            for item in bad:
                self._reject(path, int(rows[item.row]), item.column, item.error)
            if batch.num_rows:
                yield batch

    def _tables(
        self, path: Path, share: Share, fields: list[pa.Field], only: Any
    ) -> Iterator[tuple[pa.RecordBatch, int, Any]]:
        """Raw batches with the number of their first row, or the numbers of all their rows."""
        kind = _kind(path) or _sniff(path)
        try:
            if kind == ".parquet":
                yield from self._parquet(path, share, fields, only)
            elif kind == ".csv":
                yield from self._csv(path)
            else:
                yield from self._json(path)
        except (pa.ArrowException, OSError, EOFError, zlib.error) as exc:
            self._lost(path, f"cannot be read to its end ({type(exc).__name__}): truncated or damaged", exc)

    def _lost(self, path: Path, error: str, exc: BaseException | None) -> None:
        if self._fail:
            raise InputError(error, where=path.name, remedy="repair the file, or use --on-bad-row quarantine") from exc
        self.quarantine.append((path.name, -1, "", error))

    def _parquet(
        self, path: Path, share: Share, fields: list[pa.Field], only: Any
    ) -> Iterator[tuple[pa.RecordBatch, int, Any]]:
        with pq.ParquetFile(path) as file:
            names = set(file.schema_arrow.names)
            have = [f.name for f in fields if f.name in names]
            self._need(path, names)
            first = share.first
            for group in range(file.num_row_groups) if share.group is None else (share.group,):
                size = file.metadata.row_group(group).num_rows
                if only is None or ((only >= first) & (only < first + size)).any():
                    try:
                        at = first
                        for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=have):
                            if only is None:
                                yield batch, at, None
                            else:
                                inside = only[(only >= at) & (only < at + batch.num_rows)]
                                yield batch.take(pa.array(inside - at)), 0, inside
                            at += batch.num_rows
                    except (pa.ArrowException, OSError) as exc:  # the next row group stands by itself
                        why = f"row group {group} cannot be read to its end ({type(exc).__name__}): damaged"
                        self._lost(path, why, exc)
                first += size

    def _need(self, path: Path, names: set[str]) -> None:
        missing = [name for name in REQUIRED if name not in names]
        if missing:
            raise InputError(
                f"required column {missing[0]} is missing",
                where=path.name,
                remedy="rename it, or describe the log in a mapping file (--source FILE.yaml)",
            )

    def _csv(self, path: Path) -> Iterator[tuple[pa.RecordBatch, int, Any]]:
        names: list[str] = []
        columns: dict[str, list[Any]] = {}
        numbers: list[int] = []
        size = 0
        for row, fields in enumerate(_csv_rows(path), start=-1):
            if row < 0:
                names = fields
                self._need(path, set(names))
                columns = {n: [] for n in names}
                continue
            if len(fields) != len(names):
                if fields:
                    self._reject(path, row, "", "has another number of fields than the header")
                continue
            for name, value in zip(names, fields, strict=True):
                columns[name].append(value or None)
            numbers.append(row)
            size += sum(map(len, fields))
            if len(numbers) >= BLOCK_ROWS or size >= BLOCK_BYTES:
                yield _raw_batch(columns), 0, np.array(numbers, np.int64)
                columns, numbers, size = {n: [] for n in names}, [], 0
        if numbers:
            yield _raw_batch(columns), 0, np.array(numbers, np.int64)

    def _json(self, path: Path) -> Iterator[tuple[pa.RecordBatch, int, Any]]:
        layout = self._layout
        names = [f.name for f in EXCHANGES]
        getters = {name: getter(rule) for name, rule in layout.columns.items()}
        columns: dict[str, list[Any]] = {name: [] for name in names}
        numbers: list[int] = []
        size = 0
        seen_required: set[str] = set()
        for row, line in enumerate(_lines(path)):
            if not line.strip():
                continue
            size += len(line)
            if len(line) > MOST_LINE:
                self._reject(path, row, "", "is longer than 64 MiB")
                continue
            try:
                record = _DECODER.decode(line)
                if not isinstance(record, dict):
                    raise ValueError("not an object")
                found = [record] if not layout.columns else list(layout.records(record))
            except (ValueError, UnicodeDecodeError, RecursionError, AttributeError, TypeError, KeyError):
                self._reject(path, row, "", "is not a JSON object of this format")
                continue
            for item in found:
                if not layout.columns:
                    seen_required |= {n for n in REQUIRED if n in item}
                    for name in names:
                        columns[name].append(item.get(name))
                    numbers.append(row)
                    continue
                values = self._extract(path, row, item, getters)
                if values is not None:
                    for name in names:
                        columns[name].append(values.get(name))
                    numbers.append(row)
            if len(numbers) >= BLOCK_ROWS or size >= BLOCK_BYTES:
                yield _raw_batch(columns), 0, np.array(numbers, np.int64)
                columns, numbers, size = {name: [] for name in names}, [], 0
        if numbers:
            yield _raw_batch(columns), 0, np.array(numbers, np.int64)
        if not layout.columns and seen_required != set(REQUIRED) and self._fail:
            self._need(path, seen_required)

    def _extract(self, path: Path, row: int, item: dict[str, Any], getters: Mapping[str, Any]) -> dict[str, Any] | None:
        out: dict[str, Any] = {}
        for name, get in getters.items():
            try:
                out[name] = get(item)
            except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
                self._reject(path, row, name, "cannot be read")
                return None
        return out

    def _reject(self, path: Path, row: int, column: str, error: str) -> None:
        if self._fail:
            where = ", ".join(
                p for p in (path.name, f"row {row}" if row >= 0 else "", f"column {column}" if column else "") if p
            )
            raise InputError(error, where=where, remedy="correct the row, or use --on-bad-row quarantine")
        self.quarantine.append((path.name, row, column, error))


def _sniff(path: Path) -> str:
    with path.open("rb") as handle:
        start = handle.read(64)
    if start.startswith(b"PAR1"):
        return ".parquet"
    return ".json" if start.lstrip()[:1] in (b"{", b"[") else ".csv"


def _row_groups(path: Path, number: int) -> list[Share]:
    """A Parquet file's row groups; none where the file is of another kind, empty or cannot be opened."""
    out: list[Share] = []
    try:
        if (_kind(path) or _sniff(path)) == ".parquet":
            metadata = pq.read_metadata(path)
            first = 0
            for group in range(metadata.num_row_groups):
                out.append(Share(number, group, first))
                first += metadata.row_group(group).num_rows
    except (pa.ArrowException, OSError):
        return []
    return out


def _raw_batch(columns: dict[str, list[Any]]) -> pa.RecordBatch:
    arrays: dict[str, pa.Array] = {}
    for name, values in columns.items():
        try:
            arrays[name] = pa.array(values)
        except (pa.ArrowException, OverflowError, ValueError, TypeError, UnicodeEncodeError):
            # mixed or nested values: let the value-by-value path tell which
            arrays[name] = pa.array([_plain(v) for v in values], pa.large_binary())
    return pa.RecordBatch.from_pydict(arrays)


def _csv_rows(path: Path) -> Iterator[list[str]]:
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


def _lines(path: Path) -> Iterator[bytes]:
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
        whole = _DECODER.decode(data)
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


def open_log(
    inputs: Sequence[str | Path], *, source: str | None = None, on_bad_row: Literal["fail", "quarantine"] = "fail"
) -> LogReader:
    """Open a log: paths, globs or directories; the format is detected from the first record unless named.

    Raises :class:`InputError` when nothing is there, files are of different formats, or a required column is missing.
    """
    files = _expand(inputs)
    if source is not None:
        return LogReader(files, by_name(source), on_bad_row)
    found: dict[str, Format] = {}
    where: dict[str, str] = {}
    for path in files:
        layout = _detect_file(path)
        if layout is not None:
            found.setdefault(layout.name, layout)
            where.setdefault(layout.name, path.name)
    if len(found) > 1:
        names = "; ".join(f"{where[n]} looks like {n}" for n in sorted(found))
        raise InputError(f"the files are of different formats: {names}", remedy="scan them apart, or name --source")
    return LogReader(files, next(iter(found.values())) if found else by_name("canonical"), on_bad_row)


def _detect_file(path: Path) -> Format | None:
    kind = _kind(path)
    if kind in (".parquet", ".csv"):
        return by_name("canonical")
    try:
        for number, line in enumerate(_lines(path)):
            if number >= 50:
                break
            try:
                record = _DECODER.decode(line)
            except (ValueError, UnicodeDecodeError, RecursionError):
                continue
            if isinstance(record, dict):
                return detect(record)
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        return None
    return None


def read_table(path: Path) -> pa.Table:
    """A whole small table (accounts) in any of the canonical file formats, values as they are."""
    if not path.is_file():
        raise InputError("no such file", where=str(path))
    kind = _kind(path)
    try:
        if kind == ".parquet":
            return pq.read_table(path)
        if kind == ".csv":
            names, *rows = list(_csv_rows(path)) or [[]]
            wrong = next((i for i, r in enumerate(rows) if r and len(r) != len(names)), None)
            if wrong is not None:
                raise InputError("has another number of fields than the header", where=f"{path.name}, row {wrong}")
            kept = [r for r in rows if r]
            return pa.Table.from_batches([_raw_batch({n: [r[i] or None for r in kept] for i, n in enumerate(names)})])
        records = [_DECODER.decode(line) for line in _lines(path) if line.strip()]
    except (pa.ArrowException, OSError, EOFError, ValueError, zlib.error) as exc:
        raise InputError("cannot be read: truncated, damaged or of another format", where=path.name) from exc
    if not all(isinstance(r, dict) for r in records):
        raise InputError("holds a line that is not a JSON object", where=path.name)
    names = sorted({name for r in records for name in r})
    return (
        pa.Table.from_batches([_raw_batch({n: [r.get(n) for r in records] for n in names})]) if names else pa.table({})
    )
