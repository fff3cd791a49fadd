"""Timestamps: TAXII's have microseconds (2.), STIX's any precision (STIX 2.1, 3.2); both are UTC with a Z."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z", re.ASCII)


def taxii_stamp(us: int) -> str:
    """Microseconds since the epoch as a TAXII timestamp."""
    return (_EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def micros(text: str) -> int | None:
    """A timestamp in microseconds since the epoch, finer digits cut off; None when it is none."""
    key = version_key(text)
    if key is None:
        return None
    whole = datetime.strptime(key[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return (whole - _EPOCH) // timedelta(microseconds=1) + int(key[20:26])


def version_key(text: str) -> str | None:
    """A timestamp with nine digits of a second: equal times have equal keys, and keys sort as times do."""
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    try:
        datetime.strptime(found[1], "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None
    return f"{found[1]}.{(found[2] or '').ljust(9, '0')}Z"
