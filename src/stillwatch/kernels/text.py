"""The text pass: one reading of a text column gives identities, fingerprints and cue counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from numba import njit

from stillwatch.kernels._arrow import Strings, chunks, strings
from stillwatch.kernels._characters import SCRIPTS
from stillwatch.kernels._lexicon import Lexicon, compile_lexicon, count_cues
from stillwatch.kernels._mix import SEED, extend, finish
from stillwatch.kernels._tokens import tokenise
from stillwatch.kernels._winnow import drop_repeats, k_grams, keep_smallest, window_minima

__all__ = ["HEAD", "SCRIPTS", "Lexicon", "TextFeatures", "compile_lexicon", "fingerprint_texts"]

U64 = npt.NDArray[np.uint64]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
U8 = npt.NDArray[np.uint8]

HEAD = 8
"""Skeleton tokens in a head and in a tail."""
_INT32_MOST = 2**31 - 1


class TextFeatures(NamedTuple):
    """What is kept of n texts. Hashes are 0 for a null text and only for it.

    Two texts have equal ``hash`` when they have the same words (case, spacing and punctuation aside), equal
    ``skeleton`` when they differ at most in numbers and quoted values, equal ``head`` or ``tail`` when that holds for
    their first or last eight skeleton tokens.
    """

    hash: U64
    skeleton: U64
    head: U64
    tail: U64
    n_bytes: I32
    """Bytes, clipped at the largest int32."""
    n_tokens: I32
    script: U8
    """Position in ``SCRIPTS`` of the script of most letters (the first of equals)."""
    cues: U8
    """(n, classes): occurrences of each cue class, at most 255."""
    fp_offsets: I64
    """(n+1,): the fingerprints of text i are ``fp_values[fp_offsets[i]:fp_offsets[i + 1]]``."""
    fp_values: U64
    fp_total: I32
    """Distinct fingerprints of each text before the cap."""


class _Tables(NamedTuple):
    keys: U64
    masks: U32
    reach: U8


_NO_LEXICON = Lexicon(np.zeros(1, np.uint64), np.zeros(1, np.uint32), np.zeros(1, np.uint8), ())


@njit(cache=True, nogil=True, inline="always")
def _hash_of(tokens: U64, first: int, last: int) -> np.uint64:
    h = SEED
    for i in range(first, last):
        h = extend(h, tokens[i])
    return finish(h)


@njit(cache=True, nogil=True)
def _read(texts: Strings, tables: _Tables, k: int, window: int, most: int, out: TextFeatures) -> None:
    """Fill ``out``; the fingerprints are packed at the front of ``out.fp_values``."""
    n = len(texts.valid)
    longest = 0
    for i in range(n):
        if texts.valid[i]:
            longest = max(longest, texts.offsets[i + 1] - texts.offsets[i])
    exact = np.empty(2 * longest // 3 + 2, np.uint64)
    skeleton = np.empty(2 * longest // 3 + 2, np.uint64)
    grams, marks = exact, skeleton  # each is read for the last time before it is written over
    letters = np.zeros(len(SCRIPTS), np.int64)
    seen, seen_in = np.zeros(512, np.uint64), np.full(512, -1, np.int64)
    smallest = np.empty(most, np.uint64)
    written = 0
    for i in range(n):
        out.fp_offsets[i] = written
        if not texts.valid[i]:
            continue
        start, end = texts.offsets[i], texts.offsets[i + 1]
        letters[:] = 0
        n_exact, n_skeleton = tokenise(texts.data, start, end, exact, skeleton, letters)
        out.hash[i] = _hash_of(exact, 0, n_exact)
        out.skeleton[i] = _hash_of(skeleton, 0, n_skeleton)
        out.head[i] = _hash_of(skeleton, 0, min(HEAD, n_skeleton))
        out.tail[i] = _hash_of(skeleton, max(0, n_skeleton - HEAD), n_skeleton)
        out.n_bytes[i] = min(end - start, _INT32_MOST)
        out.n_tokens[i] = min(n_exact, _INT32_MOST)
        letters[0] = 0
        out.script[i] = np.argmax(letters)
        if out.cues.shape[1] > 0:
            count_cues(exact, n_exact, tables.keys, tables.masks, tables.reach, out.cues[i])
        count = window_minima(grams, k_grams(skeleton, n_skeleton, k, grams), window, marks)
        while 2 * count > len(seen):
            seen, seen_in = np.zeros(2 * len(seen), np.uint64), np.full(2 * len(seen), -1, np.int64)
        count = drop_repeats(marks, count, seen, seen_in, i)
        out.fp_total[i] = min(count, _INT32_MOST)
        count = keep_smallest(marks, count, smallest)
        out.fp_values[written : written + count] = marks[:count]
        written += count
    out.fp_offsets[n] = written


def _read_chunk(array: pa.Array, lexicon: Lexicon, k: int, window: int, most: int) -> TextFeatures:
    texts = strings(array)
    n = len(texts.valid)
    room = int(np.minimum(most, np.diff(texts.offsets) * 2 // 3 + 2).sum())
    out = TextFeatures(
        hash=np.zeros(n, np.uint64),
        skeleton=np.zeros(n, np.uint64),
        head=np.zeros(n, np.uint64),
        tail=np.zeros(n, np.uint64),
        n_bytes=np.zeros(n, np.int32),
        n_tokens=np.zeros(n, np.int32),
        script=np.zeros(n, np.uint8),
        cues=np.zeros((n, len(lexicon.classes)), np.uint8),
        fp_offsets=np.zeros(n + 1, np.int64),
        fp_values=np.empty(room, np.uint64),
        fp_total=np.zeros(n, np.int32),
    )
    _read(texts, _Tables(lexicon.keys, lexicon.masks, lexicon.reach), k, window, most, out)
    return out._replace(fp_values=out.fp_values[: out.fp_offsets[n]].copy())


def fingerprint_texts(
    array: pa.Array | pa.ChunkedArray,
    lexicon: Lexicon | None,
    *,
    k: int = 4,
    window: int = 8,
    max_fingerprints: int = 24,
) -> TextFeatures:
    """Read n texts once; the interpreter lock is free meanwhile, so threads may each take a batch.

    Fingerprints are chosen by winnowing (Schleimer, Wilkerson & Aiken 2003) the hashes of ``k`` consecutive skeleton
    tokens: texts that share a run of ``k + window - 1`` skeleton tokens share a fingerprint. A text of fewer than
    ``k`` tokens has one, of all its tokens; one of fewer than ``window`` grams has their minimum. Fingerprints are
    distinct within a text and stand in order of position. A text with more than ``max_fingerprints`` keeps the
    smallest under a second hash (bottom-k), the same ones of a shared part in every text as far as they fit: the
    guarantee then holds for what was there before the cap (``fp_total``), and for what is kept only by chance.

    Invalid UTF-8 bytes separate tokens. Working memory: 11 bytes per byte of the longest text, and a table of its
    distinct fingerprints.

    >>> both = fingerprint_texts(pa.array(["Rate answer 7.", "rate  ANSWER 12"]), None)
    >>> bool(both.skeleton[0] == both.skeleton[1]), both.n_tokens.tolist()
    (True, [3, 3])
    """
    if k < 1 or window < 1 or max_fingerprints < 1:
        raise ValueError("k, window and max_fingerprints must be at least 1")
    pieces = chunks(array) or [pa.array([], pa.string())]
    parts = [_read_chunk(piece, lexicon or _NO_LEXICON, k, window, max_fingerprints) for piece in pieces]
    if len(parts) == 1:
        return parts[0]
    joined = TextFeatures(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    lengths = np.concatenate([np.diff(part.fp_offsets) for part in parts])
    return joined._replace(fp_offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
