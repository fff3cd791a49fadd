"""Finding a value in a nested record."""

from __future__ import annotations

from typing import Any

import msgspec

_DECODER = msgspec.json.Decoder()
Record = dict[str, Any]


def split_path(path: str) -> tuple[str, ...]:
    """Steps of a path; a quoted path is one key, and OpenTelemetry attribute names keep their dots.

    >>> split_path("a.b"), split_path("'a.b'"), split_path("attributes.user.id")
    (('a', 'b'), ('a.b',), ('attributes', 'user.id'))
    """
    if path == ".":
        return ()
    if path.startswith("'"):
        return (path.strip("'"),)
    if path.startswith("attributes."):
        return ("attributes", path.removeprefix("attributes."))
    return tuple(path.split("."))


def walk(record: Any, steps: tuple[str, ...]) -> Any:
    """The value at a path, or None; strings that hold JSON are opened on the way."""
    for step in steps:
        if isinstance(record, str):
            record = opened(record)
        if isinstance(record, dict):
            record = record.get(step)
        elif isinstance(record, list) and step.isdecimal() and int(step) < len(record):
            record = record[int(step)]
        else:
            return None
    return record


def opened(value: Any) -> Any:
    """A JSON text as its value; anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return _DECODER.decode(value)
        except (ValueError, RecursionError):
            return value
    return value


def entries(value: Any) -> list[Any]:
    """A list, or a JSON text of one, as a list; anything else as an empty one."""
    value = opened(value)
    return value if isinstance(value, list) else []


def mapping(value: Any) -> Record:
    """An object, or a JSON text of one; anything else as an empty one."""
    value = opened(value)
    return value if isinstance(value, dict) else {}
