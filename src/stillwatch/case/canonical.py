"""One way to write a value as JSON and a table as Parquet: the same value, the same bytes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def finite(value: Any) -> Any:
    """The value with every NaN and infinity replaced by None: JSON knows neither.

    >>> finite({"a": [1.5, float("nan")]})
    {'a': [1.5, None]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def to_json(value: Any) -> bytes:
    """Sorted keys, floats as ``repr`` writes them, ASCII only, a line per entry but not per number.

    ASCII, because a terminal that shows the file must not obey control or direction characters of a customer's text.
    """
    return (_lines(value, "") + "\n").encode("ascii")


def _lines(value: Any, indent: str) -> str:
    deeper = indent + " "
    if isinstance(value, dict) and value:
        entries = sorted((str(key), item) for key, item in value.items())
        body = (f"{deeper}{_compact(key)}: {_lines(item, deeper)}" for key, item in entries)
        return "{\n" + ",\n".join(body) + f"\n{indent}}}"
    if isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value):
        return "[\n" + ",\n".join(deeper + _lines(item, deeper) for item in value) + f"\n{indent}]"
    return _compact(value)


def _compact(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(finite(value), sort_keys=True, allow_nan=False, separators=(",", ":"))


def write_parquet(table: pa.Table, path: Path) -> None:
    """Fixed settings and one chunk, so that how a table came together does not show in the file."""
    pq.write_table(
        table.combine_chunks(),
        path,
        row_group_size=1 << 20,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        use_dictionary=True,
        write_statistics=True,
        store_schema=True,
    )
