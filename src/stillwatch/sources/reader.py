"""Opening a log: files, formats, batches, bad rows. Bounded in memory: one block or row group at a time."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES, REQUIRED
from stillwatch.sources.canonical import Quarantined, bad_row, canonical, quarantined
from stillwatch.sources.formats import Format, by_name, detect, getter
from stillwatch.sources.lines import DECODER, MOST_LINE, csv_rows, kind_by_content, kind_by_name, raw_batch, text_lines

BATCH_ROWS = 65_536
BLOCK_ROWS = 8_192
BLOCK_BYTES = 32 * 1024 * 1024

I64 = npt.NDArray[np.int64]


def _expand(inputs: Sequence[str | Path]) -> tuple[Path, ...]:
    out: list[Path] = []
    for given in map(str, inputs):
        path = Path(given)
        if path.is_dir():
            found = sorted(p for p in path.rglob("*") if p.is_file() and kind_by_name(p) is not None)
        elif path.is_file():
            found = [path]
        else:
            found = sorted(Path(p) for p in glob(given, recursive=True) if Path(p).is_file())  # noqa: PTH207 (absolute globs)
        if not found:
            raise InputError(
                "no log file there", where=given, remedy="name a file, a glob or a directory of Parquet, NDJSON or CSV"
            )
        out += found
    return tuple(dict.fromkeys(path.absolute() for path in out))  # workers stand elsewhere


class Share(NamedTuple):
    """A part of a log that can be read by itself: a file, or one row group of a Parquet file."""

    file: int
    group: int | None = None
    first: int = 0
    """Number of its first row in the file."""


class _Raw(NamedTuple):
    """Values as a file has them."""

    batch: pa.RecordBatch
    rows: I64
    """Each exchange's number in its file, from 0: the line where lines hold one each."""
    lines: I64
    """What an error calls it: the number of its line."""


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
            if kind_by_name(path) == ".parquet":
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
        """Rows that could not be read: file, row (−1: the rest of the file or row group), column, error."""
        return quarantined(self.quarantine)

    def inputs(self) -> list[dict[str, object]]:
        """Name, size and BLAKE2b (128 bits) of every file."""
        out: list[dict[str, object]] = []
        for path in self.files:
            digest = hashlib.blake2b(digest_size=16)
            with path.open("rb") as handle:
                while block := handle.read(1 << 22):
                    digest.update(block)
            out.append({"file": path.name, "bytes": path.stat().st_size, "blake2b": digest.hexdigest()})
        return out

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
        for raw in self._raw(path, share, fields, only):
            batch, bad = canonical(raw.batch, fields, np.full(len(raw.rows), share.file, np.int32), raw.rows)
            for item in bad:
                self._reject(path, int(raw.lines[item.row]), item.column, item.error)
            if batch.num_rows:
                yield batch

    def _raw(self, path: Path, share: Share, fields: list[pa.Field], only: Any) -> Iterator[_Raw]:
        kind = _kind(path)
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

    def _parquet(self, path: Path, share: Share, fields: list[pa.Field], only: Any) -> Iterator[_Raw]:
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
                            size_read = batch.num_rows
                            rows = np.arange(at, at + size_read, dtype=np.int64)
                            if only is not None:
                                rows = np.intersect1d(rows, only)
                                batch = batch.take(pa.array(rows - at))
                            yield _Raw(batch, rows, rows)
                            at += size_read
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

    def _csv(self, path: Path) -> Iterator[_Raw]:
        names: list[str] = []
        columns: dict[str, list[Any]] = {}
        numbers: list[int] = []
        size = 0
        for row, fields in enumerate(csv_rows(path), start=-1):
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
                yield _named(columns, numbers, numbers)
                columns, numbers, size = {n: [] for n in names}, [], 0
        if numbers:
            yield _named(columns, numbers, numbers)

    def _json(self, path: Path) -> Iterator[_Raw]:
        layout = self._layout
        names = [f.name for f in EXCHANGES]
        getters = {name: getter(rule) for name, rule in layout.columns.items()}
        columns: dict[str, list[Any]] = {name: [] for name in names}
        numbers: list[int] = []
        lines: list[int] = []
        following = size = 0
        seen_required: set[str] = set()
        for row, line in enumerate(text_lines(path)):
            following = max(following, row)  # a line of several exchanges moves those after it
            if not line.strip():
                continue
            size += len(line)
            if len(line) > MOST_LINE:
                self._reject(path, row, "", "is longer than 64 MiB")
                continue
            try:
                record = DECODER.decode(line)
                if not isinstance(record, dict):
                    raise ValueError("not an object")
                found = [record] if not layout.columns else list(layout.records(record))
            except (ValueError, UnicodeDecodeError, RecursionError, AttributeError, TypeError, KeyError):
                self._reject(path, row, "", "is not a JSON object of this format")
                continue
            for number, item in enumerate(found, start=following):
                if not layout.columns:
                    seen_required |= {n for n in REQUIRED if n in item}
                values = self._extract(path, row, item, getters) if layout.columns else item
                if values is not None:
                    for name in names:
                        columns[name].append(values.get(name))
                    numbers.append(number)
                    lines.append(row)
            following += len(found)
            if len(numbers) >= BLOCK_ROWS or size >= BLOCK_BYTES:
                yield _named(columns, numbers, lines)
                columns, numbers, lines, size = {name: [] for name in names}, [], [], 0
        if numbers:
            yield _named(columns, numbers, lines)
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
            raise bad_row(path.name, row, column, error)
        self.quarantine.append((path.name, row, column, error))


def _kind(path: Path) -> str:
    return kind_by_name(path) or kind_by_content(path)


def _named(columns: dict[str, list[Any]], rows: list[int], lines: list[int]) -> _Raw:
    return _Raw(raw_batch(columns), np.array(rows, np.int64), np.array(lines, np.int64))


def _row_groups(path: Path, number: int) -> list[Share]:
    """A Parquet file's row groups; none where the file is of another kind, empty or cannot be opened."""
    out: list[Share] = []
    try:
        if (_kind(path)) == ".parquet":
            metadata = pq.read_metadata(path)
            first = 0
            for group in range(metadata.num_row_groups):
                out.append(Share(number, group, first))
                first += metadata.row_group(group).num_rows
    except (pa.ArrowException, OSError):
        return []
    return out


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
    kind = kind_by_name(path)
    if kind in (".parquet", ".csv"):
        return by_name("canonical")
    try:
        for number, line in enumerate(text_lines(path)):
            if number >= 50:
                break
            try:
                record = DECODER.decode(line)
            except (ValueError, UnicodeDecodeError, RecursionError):
                continue
            if isinstance(record, dict):
                return detect(record)
    except (OSError, EOFError, zlib.error, pa.ArrowException):
        return None
    return None
