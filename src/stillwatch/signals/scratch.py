"""Columns that a thread uses again and again: fresh ones of megabytes cost more than what is counted in them."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

_kept = threading.local()


def scratch(purpose: str, n: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """A column (n,) of zeros that belongs to this thread until it takes one for the same purpose again.

    Whoever writes to it leaves zeros behind.
    """
    found: npt.NDArray[Any] | None = getattr(_kept, purpose, None)
    if found is None or len(found) < n:
        found = np.zeros(n, dtype)
        setattr(_kept, purpose, found)
    return found[:n]
