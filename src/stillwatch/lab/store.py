"""Results on disk as they come: one line of JSON per run, so that a stopped sweep goes on where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from stillwatch.domain.errors import InputError


class Store:
    """An append-only file of records, each with a ``key``. A record with ``error`` is not a result: it is run again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self._read()

    def _read(self) -> None:
        *lines, tail = self.path.read_bytes().split(b"\n")
        if tail:  # stopped in the middle of a line: cut it off
            with self.path.open("r+b") as file:
                file.truncate(sum(len(line) + 1 for line in lines))
        for number, line in enumerate(lines, 1):
            try:
                record = json.loads(line)
                self.records[record["key"]] = record
            except (ValueError, KeyError, TypeError) as exc:
                raise InputError("is not a record", where=f"{self.path}, line {number}") from exc

    def __contains__(self, key: str) -> bool:
        return key in self.records and not self.records[key].get("error")

    def add(self, record: dict[str, Any]) -> None:
        """Append one record and see it on disk."""
        line = json.dumps(record, sort_keys=True, ensure_ascii=False) + "\n"
        with self.path.open("ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        self.records[record["key"]] = record
