"""Memory that is free goes back to the system between the steps of a scan: allocators would keep what a peak took."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def give_back() -> None:
    """Return free memory of Arrow's pool and of the C library (where it is glibc) to the system."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
