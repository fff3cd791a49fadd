"""Sizes as people write them."""

from __future__ import annotations

import re

from stillwatch.domain.errors import InputError

_UNITS = {"": 1, "B": 1} | {
    f"{prefix}{ending}": base**power
    for power, prefix in enumerate("KMGT", 1)
    for ending, base in (("", 1024), ("iB", 1024), ("B", 1000))
}
LEAST = 1 << 30


def memory_of(given: str | None) -> int | None:
    """Bytes of memory to keep to. Raises :class:`InputError` for what is no size, or too small to work in.

    >>> memory_of("2GiB"), memory_of("1.5 g"), memory_of(None)
    (2147483648, 1610612736, None)
    """
    if given is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*", given)
    units = {name.upper(): size for name, size in _UNITS.items()}
    if found is None or found[2].upper() not in units:
        raise InputError(f"--memory {given!r} is no size", remedy="write it like 4GiB or 3500MB")
    size = int(float(found[1]) * units[found[2].upper()])
    if size < LEAST:
        raise InputError(f"--memory {given} is too little to work in", remedy="give it 1GiB or more")
    return size
