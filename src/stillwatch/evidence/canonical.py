"""The bytes that are hashed and signed: RFC 8785 (JSON Canonicalization Scheme)."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785

SAFE_INTEGER = (1 << 53) - 1
"""Beyond it JSON numbers lose digits: such integers are written as strings."""


def canonical(value: Any) -> bytes:
    """One value, one sequence of bytes, without a line end.

    >>> canonical({"b": 1.0, "a": [1 << 60]})
    b'{"a":["1152921504606846976"],"b":1}'
    """
    return rfc8785.dumps(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else str(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def sha256(data: bytes) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(data).hexdigest()
