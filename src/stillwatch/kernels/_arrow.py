"""Arrow string columns as plain buffers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]


class Strings(NamedTuple):
    """n strings: value i is ``data[offsets[i]:offsets[i + 1]]`` (bytes), null where ``valid`` is false."""

    data: U8
    offsets: I64
    valid: Bool


def chunks(array: pa.Array | pa.ChunkedArray) -> list[pa.Array]:
    """The contiguous pieces of a column, in order: joining them would copy, and overflow 32-bit offsets at 2 GiB."""
    return list(array.chunks) if isinstance(array, pa.ChunkedArray) else [array]


def strings(array: pa.Array) -> Strings:
    """View one array. The bytes of (large) string and binary arrays are not copied; other types are cast first."""
    kind = array.type
    large = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
    if not (large or pa.types.is_string(kind) or pa.types.is_binary(kind)):
        array, large = array.cast(pa.large_string()), True
    _, offset_buffer, data_buffer = array.buffers()
    n = len(array)
    if n == 0 or offset_buffer is None:  # an empty array may come without offsets
        offsets = np.zeros(n + 1, np.int64)
    else:
        raw = np.frombuffer(offset_buffer, np.int64 if large else np.int32)
        offsets = raw[array.offset : array.offset + n + 1].astype(np.int64)
    has_bytes = data_buffer is not None and data_buffer.size > 0
    data = np.frombuffer(data_buffer, np.uint8) if has_bytes else np.zeros(0, np.uint8)
    return Strings(data, offsets, array.is_valid().to_numpy(zero_copy_only=False))
