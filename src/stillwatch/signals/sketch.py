"""What leaves the edge instead of text: hashes and fingerprints of a prompt, no words.

Layout of ``prompt_sketch`` (little endian): magic ``SW1\\0``, system hash, system skeleton, prompt hash, skeleton,
head, tail (u64 each), tokens, bytes, fingerprints before the cap (u32 each), then the fingerprints (u64 each).
Fingerprints are unkeyed unless the edge is given a key; short prompts can be guessed from unkeyed ones.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.domain.errors import InputError
from stillwatch.domain.sketch import HEAD_BYTES, MAGIC
from stillwatch.kernels.text import TextFeatures

_MAGIC = np.frombuffer(MAGIC, np.uint8)
U64 = npt.NDArray[np.uint64]
T = TypeVar("T", bound=np.generic)


class EdgeFeatures(NamedTuple):
    """Decoded sketches; zeros where a row has none."""

    system_hash: U64
    system_skeleton: U64
    prompt: TextFeatures


def encode(system: TextFeatures, prompt: TextFeatures) -> pa.Array:
    """One binary sketch per exchange (null where neither a prompt nor a system prompt is known)."""
    n = len(prompt.hash)
    lengths = np.diff(prompt.fp_offsets)
    sizes = HEAD_BYTES + 8 * lengths
    known = (prompt.hash != 0) | (system.hash != 0)
    offsets = np.zeros(n + 1, np.int64)
    np.cumsum(np.where(known, sizes, 0), out=offsets[1:])
    data = np.zeros(int(offsets[-1]), np.uint8)
    rows = np.flatnonzero(known)
    start = offsets[:-1][rows]
    for i in range(4):
        data[start + i] = _MAGIC[i]
    words = np.column_stack(
        [f[rows] for f in (system.hash, system.skeleton, prompt.hash, prompt.skeleton, prompt.head, prompt.tail)]
    )
    counts = np.column_stack([f[rows].astype("<u4") for f in (prompt.n_tokens, prompt.n_bytes, prompt.fp_total)])
    head = np.concatenate([_bytes(words, "<u8"), _bytes(counts, "<u4")], axis=1)
    data[(start + 4)[:, None] + np.arange(HEAD_BYTES - 4)] = head
    owner = np.repeat(np.arange(n), lengths)
    at = offsets[:-1][owner] + HEAD_BYTES + 8 * (np.arange(len(owner)) - np.repeat(prompt.fp_offsets[:-1], lengths))
    data[at[:, None] + np.arange(8)] = _bytes(prompt.fp_values.reshape(-1, 1), "<u8")
    buffers = [pa.py_buffer(np.packbits(known, bitorder="little")), pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), n, buffers).cast(pa.binary())


def _bytes(values: npt.NDArray[np.generic], dtype: str) -> npt.NDArray[np.uint8]:
    plain = np.ascontiguousarray(values.astype(dtype))
    return plain.view(np.uint8).reshape(len(plain), plain.shape[1] * plain.itemsize)


def decode(column: pa.Array) -> EdgeFeatures:
    """The features of a sketch column; a sketch that is not one of ours is an :class:`InputError`."""
    array = pc.fill_null(column, b"").cast(pa.large_binary())
    n = len(array)
    offsets = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + n + 1].copy()
    raw = np.frombuffer(array.buffers()[2] or b"", np.uint8)
    sizes = np.diff(offsets)
    rows = np.flatnonzero(sizes)
    start = offsets[:-1][rows]
    bad = (sizes[rows] < HEAD_BYTES) | ((sizes[rows] - HEAD_BYTES) % 8 != 0)
    if not bad.any() and len(rows):
        bad = (raw[start[:, None] + np.arange(4)] != _MAGIC).any(axis=1)
    if bad.any():
        raise InputError(
            f"{int(bad.sum())} values are not sketches of this version",
            where="column prompt_sketch",
            remedy="write them with `stillwatch sketch`",
        )
    words = np.zeros((n, 6), np.uint64)
    counts = np.zeros((n, 3), np.uint32)
    if len(rows):
        words[rows] = np.ascontiguousarray(raw[(start + 4)[:, None] + np.arange(48)]).view("<u8")
        counts[rows] = np.ascontiguousarray(raw[(start + 52)[:, None] + np.arange(12)]).view("<u4")
    lengths = np.zeros(n, np.int64)
    lengths[rows] = (sizes[rows] - HEAD_BYTES) // 8
    fp_offsets = np.zeros(n + 1, np.int64)
    np.cumsum(lengths, out=fp_offsets[1:])
    owner = np.repeat(np.arange(n), lengths)
    at = offsets[:-1][owner] + HEAD_BYTES + 8 * (np.arange(len(owner)) - np.repeat(fp_offsets[:-1], lengths))
    values = (
        np.ascontiguousarray(raw[at[:, None] + np.arange(8)]).view("<u8").reshape(-1)
        if len(at)
        else np.zeros(0, np.uint64)
    )
    prompt = TextFeatures(
        hash=words[:, 2],
        skeleton=words[:, 3],
        head=words[:, 4],
        tail=words[:, 5],
        n_bytes=counts[:, 1].astype(np.int32),
        n_tokens=counts[:, 0].astype(np.int32),
        script=np.zeros(n, np.uint8),
        cues=np.zeros((n, 0), np.uint8),
        fp_offsets=fp_offsets,
        fp_values=values.astype(np.uint64),
        fp_total=counts[:, 2].astype(np.int32),
    )
    return EdgeFeatures(words[:, 0], words[:, 1], prompt)


def merge(text: TextFeatures, edge: EdgeFeatures | None) -> TextFeatures:
    """Text where there is text, the edge's sketch elsewhere."""
    if edge is None:
        return text
    here = text.hash != 0
    other = edge.prompt

    def pick(a: npt.NDArray[T], b: npt.NDArray[T]) -> npt.NDArray[T]:
        return np.where(here, a, b)

    lengths = np.where(here, np.diff(text.fp_offsets), np.diff(other.fp_offsets))
    offsets = np.zeros(len(here) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    owner = np.repeat(np.arange(len(here)), lengths)
    within = np.arange(len(owner)) - np.repeat(offsets[:-1], lengths)
    from_text = here[owner]
    values = np.empty(len(owner), np.uint64)
    values[from_text] = text.fp_values[(text.fp_offsets[:-1][owner] + within)[from_text]]
    values[~from_text] = other.fp_values[(other.fp_offsets[:-1][owner] + within)[~from_text]]
    return text._replace(
        hash=pick(text.hash, other.hash),
        skeleton=pick(text.skeleton, other.skeleton),
        head=pick(text.head, other.head),
        tail=pick(text.tail, other.tail),
        n_bytes=pick(text.n_bytes, other.n_bytes),
        n_tokens=pick(text.n_tokens, other.n_tokens),
        fp_offsets=offsets,
        fp_values=values,
        fp_total=pick(text.fp_total, other.fp_total),
    )
