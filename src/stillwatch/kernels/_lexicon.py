"""Cue phrases: compiled to a table of token n-grams, counted in one walk over a text's tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from stillwatch.kernels._arrow import U8
from stillwatch.kernels._mix import SEED, extend, finish
from stillwatch.kernels._tokens import tokenise

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]

MOST_CLASSES = 32
MOST_TOKENS = 10
_REACH_BITS = 14
# The position of a single bit by multiplication (Leiserson, Prokop & Randall 1998).
_DE_BRUIJN = np.uint32(0x077CB531)
_BIT = np.zeros(32, np.uint8)
_BIT[[(0x077CB531 << i & 0xFFFFFFFF) >> 27 for i in range(32)]] = np.arange(32)


class Lexicon(NamedTuple):
    """Cue classes, compiled by :func:`compile_lexicon`.

    ``keys`` (u64, 0: free) and ``masks`` (u32, one bit per class) are an open-addressing table of phrase hashes;
    ``reach`` (u8, 2^14) gives, by the low bits of a token's hash, the tokens of the longest phrase that such a token
    may begin: almost every token of a text is settled by that one byte.
    """

    keys: U64
    masks: U32
    reach: U8
    classes: tuple[str, ...]


@njit(cache=True, nogil=True)
def count_cues(tokens: U64, n: int, keys: U64, masks: U32, reach: U8, counts: U8) -> None:
    """Add every occurrence of every phrase (overlapping ones too) to ``counts`` (C,), which stop at 255."""
    reach_mask = np.uint64(len(reach) - 1)
    table_mask = np.int64(len(keys) - 1)
    for t in range(n):
        longest = np.int64(reach[tokens[t] & reach_mask])
        h = SEED
        for m in range(longest if t + longest <= n else n - t):
            h = extend(h, tokens[t + m])
            key = finish(h)
            slot = np.int64(key) & table_mask
            while keys[slot] != np.uint64(0):
                if keys[slot] == key:
                    mask = masks[slot]
                    while mask:
                        lowest = np.uint32(mask & (~mask + np.uint32(1)))
                        mask = np.uint32(mask ^ lowest)
                        c = _BIT[np.uint32(lowest * _DE_BRUIJN) >> np.uint32(27)]
                        counts[c] += counts[c] < 255
                    break
                slot = (slot + 1) & table_mask


@njit(cache=True)
def _phrase(data: U8) -> tuple[int, np.uint64, np.uint64]:
    """How many tokens a phrase has, its hash, and the hash of its first token."""
    tokens, skeleton = np.zeros(len(data) + 2, np.uint64), np.zeros(len(data) + 2, np.uint64)
    n, _ = tokenise(data, 0, len(data), tokens, skeleton, np.zeros(9, np.int64))
    h = SEED
    for i in range(n):
        h = extend(h, tokens[i])
    return n, finish(h), tokens[0]


def compile_lexicon(classes: Mapping[str, Sequence[str]]) -> Lexicon:
    """Compile at most 32 cue classes of phrases, each of 1 to 10 tokens; ValueError for what does not fit.

    Phrases are read by the tokeniser of the texts: case, punctuation and apostrophes do not matter, a CJK character
    is a token. A phrase may be in several classes; twice in one class it counts once.

    >>> compile_lexicon({"explain": ["step by step", "逐步"]}).classes
    ('explain',)
    """
    if len(classes) > MOST_CLASSES:
        raise ValueError(f"{len(classes)} cue classes: at most {MOST_CLASSES} are possible")
    masks_by_key: dict[int, int] = {}
    reach = np.zeros(1 << _REACH_BITS, np.uint8)
    for c, (name, phrases) in enumerate(classes.items()):
        for phrase in phrases:
            length, hashed, first = _phrase(np.frombuffer(phrase.encode(), np.uint8))
            if not 1 <= length <= MOST_TOKENS:
                raise ValueError(f"{phrase!r} in cue class {name!r} has {length} tokens: 1 to {MOST_TOKENS} fit")
            key = int(hashed)
            masks_by_key[key] = masks_by_key.get(key, 0) | 1 << c
            spot = int(first) & (len(reach) - 1)
            reach[spot] = max(int(reach[spot]), length)
    size = 1 << max(4, (2 * len(masks_by_key)).bit_length())
    keys, masks = np.zeros(size, np.uint64), np.zeros(size, np.uint32)
    for key in sorted(masks_by_key):
        slot = key & (size - 1)
        while keys[slot]:
            slot = (slot + 1) & (size - 1)
        keys[slot], masks[slot] = key, masks_by_key[key]
    return Lexicon(keys, masks, reach, tuple(classes))
