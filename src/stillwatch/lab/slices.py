"""A large world on its way to the log: exchanges by slice of time, in files, so that memory holds one slice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.lab.clock import HOUR

Block = dict[str, Any]
_PACKED = pa.ipc.IpcWriteOptions(compression="lz4")


class Slices:
    """Blocks of exchanges by slice of ``hours``; written once, then read slice by slice, each once."""

    def __init__(self, folder: Path, hours: float) -> None:
        self._folder = folder
        self._width = int(hours * HOUR)
        self._parts: dict[int, int] = {}

    def add(self, block: Block) -> None:
        """Take a block to its slices."""
        where = block["ts"] // self._width
        order = np.argsort(where, kind="stable")
        names, first = np.unique(where[order], return_index=True)
        for name, rows in zip(names.tolist(), np.split(order, first[1:]), strict=True):
            table = pa.table(
                {k: v[rows] if isinstance(v, np.ndarray) else v.take(pa.array(rows)) for k, v in block.items()}
            )
            number = self._parts.get(name, 0)
            self._parts[name] = number + 1
            with pa.ipc.new_file(self._path(name, number), table.schema, options=_PACKED) as file:
                file.write_table(table)

    def __len__(self) -> int:
        return max(self._parts, default=-1) + 1

    def take(self, name: int) -> list[Block]:
        """The blocks of one slice, in the order in which they came; their files go."""
        out = []
        for number in range(self._parts.pop(name, 0)):
            path = self._path(name, number)
            with pa.OSFile(str(path)) as source:
                table = pa.ipc.open_file(source).read_all()
            path.unlink()
            out.append(
                {
                    k: c.combine_chunks() if _text(c.type) else c.to_numpy()
                    for k, c in zip(table.column_names, table.columns, strict=True)
                }
            )
        return out

    def _path(self, name: int, number: int) -> Path:
        return self._folder / f"{name:05d}-{number:05d}.arrow"


def _text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_string(kind))
