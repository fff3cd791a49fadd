"""The records of a JSON text, as bytes: lines, or the values of an array or of pretty-printed objects. Streamed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import IO

import numpy as np

from stillwatch.kernels.json_values import IN_ARRAY, START, find_values, new_state
from stillwatch.sources.values import MOST_BYTES

MOST_LINE = 4 * MOST_BYTES
_CHUNK = 1 << 20
_BOM = b"\xef\xbb\xbf"

Piece = bytes | None
"""One record's bytes; None: longer than 64 MiB."""


def pieces(stream: IO[bytes]) -> Iterator[Piece]:
    """Every record that is not blank, in order.

    A text that begins with ``[``, or with ``{`` alone on its line, is taken as a sequence of values; all else as lines.
    """
    first = stream.read(_CHUNK).removeprefix(_BOM)
    head = first.lstrip().split(b"\n", 1)[0].strip()
    chunks = chain([first], iter(lambda: stream.read(_CHUNK), b""))
    found = _values(chunks) if head == b"{" or head[:1] == b"[" else _lines(chunks)
    yield from (piece for piece in found if piece is None or piece.strip())


def _lines(chunks: Iterator[bytes]) -> Iterator[Piece]:
    rest: list[bytes] = []
    size = 0
    for chunk in chunks:
        first, *more = chunk.split(b"\n")
        size += len(first)
        if size <= MOST_LINE:
            rest.append(first)
        if more:
            yield b"".join(rest) if size <= MOST_LINE else None
            yield from more[:-1]
            rest, size = [more[-1]], len(more[-1])
    yield b"".join(rest) if size <= MOST_LINE else None


def _values(chunks: Iterator[bytes]) -> Iterator[Piece]:
    state, rest, dropped = new_state(), b"", False
    for chunk in chunks:
        data = np.frombuffer(rest + chunk, np.uint8)
        if len(rest):
            state[START] = 0
        bounds = np.empty((len(chunk) + 1, 2), np.int64)
        found = find_values(data, len(rest), state, bounds)
        for begin, end in bounds[:found].tolist():
            yield None if dropped else data[begin:end].tobytes()
            dropped = False
        rest = data[state[START] :].tobytes() if state[START] >= 0 else b""
        if len(rest) > MOST_LINE:
            rest, dropped = rest[:1], True  # one byte keeps the value open
    if rest:
        yield None if dropped else rest
    if state[IN_ARRAY]:
        raise EOFError("the array has no end")
