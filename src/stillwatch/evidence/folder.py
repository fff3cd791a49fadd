"""Reading a bag: its files by name, as a checker sees them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

from stillwatch.domain.errors import InputError
from stillwatch.evidence import layout

_BLOCK = 1 << 20


class Folder(Protocol):
    """Files by their names in the bag, with ``/`` between folders."""

    def names(self) -> list[str]:
        """All files, sorted; what is neither file nor folder counts as a file that cannot be read."""
        ...

    def size(self, name: str) -> int:
        """Bytes."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """The content. ``OSError`` where there is none."""
        ...

    def sha256(self, name: str) -> str:
        """Hexadecimal digest of the content."""
        ...


class Directory:
    """A bag on disk. Links are never followed."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise InputError("is not a directory", where=str(path), remedy="name the directory that was sealed")
        if not (path / layout.BAGIT).is_file() and not (path / layout.STATEMENT).is_file():
            raise InputError("is not a bag", where=str(path), remedy="make one: stillwatch evidence seal")
        self.path = path

    def names(self) -> list[str]:
        return sorted(self._walk())

    def _walk(self) -> Iterator[str]:
        for path in self.path.rglob("*"):
            if path.is_symlink() or not path.is_dir() or not any(path.iterdir()):
                yield path.relative_to(self.path).as_posix()

    def size(self, name: str) -> int:
        return self._file(name).stat().st_size

    def open(self, name: str) -> IO[bytes]:
        return self._file(name).open("rb")

    def sha256(self, name: str) -> str:
        digest = hashlib.sha256()
        with self.open(name) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        return digest.hexdigest()

    def _file(self, name: str) -> Path:
        path = self.path / name
        if path.is_symlink() or not path.is_file():
            raise FileNotFoundError(name)
        return path


class Memory:
    """A bag held in memory: what a checker of one changed byte needs."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self._digests: dict[str, tuple[bytes, str]] = {}

    def names(self) -> list[str]:
        return sorted(self.files)

    def size(self, name: str) -> int:
        return len(self._content(name))

    def open(self, name: str) -> IO[bytes]:
        return io.BytesIO(self._content(name))

    def sha256(self, name: str) -> str:
        content = self._content(name)
        known = self._digests.get(name)
        if known is None or known[0] is not content:
            known = self._digests[name] = (content, hashlib.sha256(content).hexdigest())
        return known[1]

    def _content(self, name: str) -> bytes:
        try:
            return self.files[name]
        except KeyError:
            raise FileNotFoundError(name) from None


def read(folder: Folder, name: str) -> bytes:
    """The whole content of one file."""
    with folder.open(name) as file:
        return file.read()
