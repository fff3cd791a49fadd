"""Which files a log is made of, and their bytes: names, kinds, compression told from content."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from collections.abc import Sequence
from glob import glob
from pathlib import Path
from typing import IO, Any, NamedTuple, TextIO, cast

import pyarrow as pa

from stillwatch.domain.errors import InputError

ENDINGS = (".parquet", ".ndjson", ".jsonl", ".json", ".csv", ".log", ".txt")
PACKED = (".gz", ".zst")
_BUFFER = 1 << 20
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Files(NamedTuple):
    """The files of a log in order, the shortest names that tell them apart, and what a directory held besides."""

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    ignored: tuple[str, ...]


def expand(inputs: Sequence[str | Path]) -> Files:
    """Paths, globs and directories as files. Raises :class:`InputError` where there is none."""
    found: list[Path] = []
    ignored: list[Path] = []
    for given in map(str, inputs):
        path = Path(given)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file())
            here = [p for p in inside if _is_log(p.relative_to(path))]
            ignored += [p for p in inside if not _is_log(p.relative_to(path))]
        elif path.is_file():
            here = [path]
        elif path.exists():
            raise InputError("is no regular file", where=given, remedy="a log is read twice: save it to a file first")
        else:
            here = sorted(Path(p) for p in glob(given, recursive=True) if Path(p).is_file())  # noqa: PTH207 (absolute globs)
        if not here:
            raise InputError(
                "no log file there", where=given, remedy="name a file, a glob or a directory of Parquet, NDJSON or CSV"
            )
        found += here
    paths = tuple(dict.fromkeys(path.absolute() for path in found))  # other processes stand elsewhere
    return Files(paths, names_of(paths), names_of(tuple(dict.fromkeys(ignored))))


def _is_log(inside: Path) -> bool:
    """Whether a file in a directory belongs to a log: hidden ones and markers of writers (``_SUCCESS``) do not."""
    return ending(inside) is not None and not any(part.startswith((".", "_")) for part in inside.parts)


def names_of(paths: tuple[Path, ...]) -> tuple[str, ...]:
    """The shortest names that tell files apart."""
    if not paths:
        return ()
    common = os.path.commonpath([p.absolute().parent for p in paths])
    names = (p.absolute().relative_to(common).as_posix() for p in paths)
    return tuple(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for name in names)


def ending(path: Path) -> str | None:
    """The known ending of a name, compression left out."""
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return next((e for e in ENDINGS if name.endswith(e)), None)


def kind(path: Path) -> str:
    """``parquet``, ``csv`` or ``json``: by its name where that is clear, by its first bytes otherwise."""
    known = ending(path)
    if known in (".parquet", ".csv"):
        return known[1:]
    if known in (".ndjson", ".jsonl", ".json"):
        return "json"
    with path.open("rb") as handle:
        if handle.read(4) == b"PAR1":
            return "parquet"
    with Opened(path) as opened:
        start = opened.stream.read(64)
    return "json" if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") else "csv"


def digest(path: Path, name: str) -> dict[str, Any]:
    """Name, size and BLAKE2b-128 of a file, for the record of a run."""
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as handle:
        while block := handle.read(1 << 22):
            found.update(block)
    return {"file": name, "bytes": path.stat().st_size, "blake2b": found.hexdigest()}


class Opened:
    """A text log's bytes, decompressed (gzip and zstd, told by their first bytes)."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("rb")
        try:
            self.stream: IO[bytes] = self._decompressed()
        except BaseException:
            self._raw.close()
            raise

    def _decompressed(self) -> IO[bytes]:
        start = self._raw.read(4)
        self._raw.seek(0)
        if start[:2] in _UTF16:
            raise InputError("is UTF-16 text", where=Path(self._raw.name).name, remedy="convert it to UTF-8")
        if start[:2] == b"\x1f\x8b":
            return io.BufferedReader(gzip.GzipFile(fileobj=self._raw), _BUFFER)
        if start == b"\x28\xb5\x2f\xfd":
            packed = pa.CompressedInputStream(pa.PythonFile(self._raw, "r"), "zstd")
            return io.BufferedReader(_Unpacked(packed), _BUFFER)
        return self._raw

    def text(self) -> TextIO:
        """The stream as UTF-8 text; bytes that are not UTF-8 survive as escapes."""
        self.stream = io.TextIOWrapper(self.stream, "utf-8-sig", "surrogateescape", newline="")  # type: ignore[assignment]
        return cast(TextIO, self.stream)

    def position(self) -> int:
        """Bytes of the file that have been read."""
        return self._raw.tell()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self._raw.close()


class _Unpacked(io.RawIOBase):
    """Arrow's decompressing stream as a Python one."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._inner.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
