"""The oracle of the text pass: plain Python, slow, written from the description and not from the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

M64 = (1 << 64) - 1
SEED = 0x9E3779B97F4A7C15
ODD = 0xD1342543DE82EF95
SLOT = 0x510751075107510F
SCRIPTS = ("none", "latin", "cjk", "cyrillic", "arabic", "kana", "hangul", "devanagari", "other")
QUOTES = {'"': '"', "`": "`", "“": "”"}


def mix(h: int) -> int:
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ h >> 33) * multiplier & M64
    return h ^ h >> 33


def chain(values: Sequence[int]) -> int:
    h = SEED
    for value in values:
        h = (h ^ value) * ODD & M64
        h ^= h >> 32
    return mix(h) or 1


def within(cp: int, *ranges: tuple[int, int]) -> bool:
    return any(first <= cp <= last for first, last in ranges)


def is_dropped(cp: int) -> bool:
    zero_width = within(cp, (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F))
    return cp in (0x27, 0x2019, 0xFF07, 0xAD, 0x640, 0xFEFF) or zero_width or cp >= 0xE0000


def is_separator(cp: int) -> bool:
    if cp < 0x80:
        return not (chr(cp).isalnum() or cp == 0x5F)
    if cp < 0xC0:
        return cp not in (0xAA, 0xB5, 0xBA)
    if cp in (0xD7, 0xF7, 0x37E, 0x387, 0x55A, 0x589, 0x58A, 0x5BE, 0x5C0, 0x5C3, 0x6D4, 0x964, 0x965):
        return True
    if cp in (0xE4F, 0xE5A, 0xE5B, 0x1680, 0x30A0, 0x30FB, 0xFD3E, 0xFD3F):
        return True
    fullwidth = within(cp, (0xFF00, 0xFF0F), (0xFF1A, 0xFF20), (0xFF3B, 0xFF40), (0xFF5B, 0xFF65), (0xFFE0, 0xFFFF))
    arabic = within(cp, (0x55A, 0x55F), (0x600, 0x60F), (0x61B, 0x61F), (0x66A, 0x66D))
    cjk = within(cp, (0x2FE0, 0x303F), (0x3200, 0x33FF), (0x4DC0, 0x4DFF), (0xFE10, 0xFE6F))
    symbols = within(cp, (0x2000, 0x2BFF), (0x2E00, 0x2E7F), (0xD800, 0xF8FF), (0x1F000, 0x1FFFF), (0x40000, 0xDFFFF))
    return fullwidth or arabic or cjk or symbols


def script_of(cp: int) -> int:
    """Script of a letter; 0 for digits, underscores and combining marks."""
    if is_digit(cp) or cp == 0x5F or within(cp, (0x300, 0x36F)):
        return 0
    table = {
        "latin": [(0x41, 0x24F), (0x1E00, 0x1EFF), (0xFF21, 0xFF5A)],
        "cjk": [(0x2E80, 0x2FDF), (0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF)],
        "cyrillic": [(0x400, 0x52F)],
        "arabic": [(0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)],
        "kana": [(0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)],
        "hangul": [(0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3), (0xFFA0, 0xFFDC)],
        "devanagari": [(0x900, 0x97F)],
    }
    for name, ranges in table.items():
        if within(cp, *ranges):
            return SCRIPTS.index(name)
    return SCRIPTS.index("other")


def is_own(cp: int) -> bool:
    return SCRIPTS[script_of(cp)] in ("cjk", "kana", "hangul")


def is_digit(cp: int) -> bool:
    return within(
        cp, (0x30, 0x39), (0x660, 0x669), (0x6F0, 0x6F9), (0x966, 0x96F), (0xFF10, 0xFF19), (0x1D7CE, 0x1D7FF)
    )


def small(cp: int) -> int:
    special = {0x130: 0x69, 0x178: 0xFF, 0x17F: 0x73}
    if cp in special:
        return special[cp]
    if within(cp, (0xFF01, 0xFF5E)):
        return small(cp - 0xFEE0)
    covered = within(cp, (0x41, 0x5A), (0xC0, 0xDE), (0x100, 0x17D), (0x391, 0x3A1), (0x3A3, 0x3A9), (0x400, 0x42F))
    lowered = chr(cp).lower()
    return ord(lowered) if covered and len(lowered) == 1 else cp


def token_hash(word: Sequence[tuple[int, int]]) -> int:
    """Hash of a token, given as (code point, bytes)."""
    h, size = SEED, 0
    for cp, width in word:
        if size < 256:
            h = (h + small(cp)) * ODD & M64
        size += width
    return mix(h if size <= 256 else h ^ size)


class Token(NamedTuple):
    hash: int
    has_digit: bool


class Mark(NamedTuple):
    char: str
    at: int
    """Byte of the mark."""
    after_letter: bool


def read(data: bytes) -> tuple[list[Token | Mark], list[int]]:
    """Tokens and quotation marks in order, and letters per script."""
    items: list[Token | Mark] = []
    letters = [0] * len(SCRIPTS)
    word: list[tuple[int, int]] = []
    at = 0

    def flush() -> None:
        if word:
            items.append(Token(token_hash(word), any(is_digit(cp) for cp, _ in word)))
            word.clear()

    for char in data.decode("utf-8", "surrogateescape"):
        cp = ord(char)
        width = len(char.encode("utf-8", "surrogateescape"))
        if is_dropped(cp):
            pass
        elif is_separator(cp):
            pending = bool(word)
            flush()
            if char in '"`“”':
                items.append(Mark(char, at, pending))
        elif is_own(cp):
            flush()
            items.append(Token(token_hash([(cp, 0)]), False))
            letters[script_of(cp)] += 1
        else:
            word.append((cp, width))
            letters[script_of(cp)] += 1
        at += width
    flush()
    return items, letters


def skeleton_of(items: Sequence[Token | Mark]) -> list[int]:
    """While a quotation is open, marks of another kind are part of it; one found too long is no quotation."""
    out: list[int] = []
    opening: tuple[str, int, int] | None = None  # the mark that closes it, its first byte, its place in the skeleton
    for item in items:
        if isinstance(item, Token):
            out.append(SLOT if item.has_digit else item.hash)
            continue
        if opening is not None and item.at - opening[1] > 200:
            opening = None
        if opening is not None:
            if item.char == opening[0]:
                out[opening[2] :] = [SLOT]
                opening = None
        elif item.char in QUOTES and not item.after_letter:
            opening = (QUOTES[item.char], item.at + len(item.char.encode()), len(out))
    return out


def winnow(tokens: Sequence[int], k: int, window: int) -> list[int]:
    """Fingerprints before the cap, distinct, by position."""
    if not tokens:
        return []
    k = min(k, len(tokens))
    grams = []
    for start in range(len(tokens) - k + 1):
        h = 0
        for token in tokens[start : start + k]:
            h = (h * ODD + token) & M64
        grams.append(mix(h))
    window = min(window, len(grams))
    chosen = {
        min(range(first, first + window), key=lambda g: (grams[g], -g)) for first in range(len(grams) - window + 1)
    }
    return list(dict.fromkeys(grams[g] for g in sorted(chosen)))


def capped(marks: Sequence[int], most: int) -> list[int]:
    kept = set(sorted(marks, key=lambda m: mix(m ^ 0xA5A5A5A5A5A5A5A5))[:most])
    return [m for m in marks if m in kept]


class Features(NamedTuple):
    hash: int
    skeleton: int
    head: int
    tail: int
    n_bytes: int
    n_tokens: int
    script: int
    cues: list[int]
    fingerprints: list[int]
    fp_total: int


def features(
    data: bytes | None,
    classes: Mapping[str, Sequence[str]],
    k: int = 4,
    window: int = 8,
    most: int = 24,
) -> Features:
    """Everything the kernel says about one text."""
    if data is None:
        return Features(0, 0, 0, 0, 0, 0, 0, [0] * len(classes), [], 0)
    items, letters = read(data)
    exact = [item.hash for item in items if isinstance(item, Token)]
    skeleton = skeleton_of(items)
    letters[0] = 0
    cues = []
    for phrases in classes.values():
        distinct = {tuple(t.hash for t in read(p.encode())[0] if isinstance(t, Token)) for p in phrases}
        found = sum(tuple(exact[i : i + len(p)]) == p for p in distinct for i in range(len(exact)))
        cues.append(min(found, 255))
    marks = winnow(skeleton, k, window)
    return Features(
        chain(exact),
        chain(skeleton),
        chain(skeleton[:8]),
        chain(skeleton[-8:]),
        len(data),
        len(exact),
        int(np.argmax(letters)),
        cues,
        capped(marks, most),
        len(marks),
    )
