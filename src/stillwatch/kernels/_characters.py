"""What every code point is to the tokeniser. Fixed ranges, not ``unicodedata``: hashes must not change with Python."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

SEPARATOR, RUN, OWN, DROPPED = 0, 1, 2, 3
"""Kinds: ends a token; belongs to a run of letters; is a token by itself; as if it were not there."""
KIND_BITS, DIGIT, QUOTE = 0b11, 0b100, 0b1000
"""Layout of an entry: kind in bits 0–1, then two flags, then the script from bit ``SCRIPT_SHIFT`` on."""
SCRIPT_SHIFT = 4
SCRIPTS = ("none", "latin", "cjk", "cyrillic", "arabic", "kana", "hangul", "devanagari", "other")
_NONE, _LATIN, _CJK, _CYRILLIC, _ARABIC, _KANA, _HANGUL, _DEVANAGARI, _OTHER = range(9)

# (first, last) of the Basic Multilingual Plane beyond ASCII, applied in order: later ones win.
_LETTERS = (
    (_OTHER, 0x00C0, 0xFFFF), (_LATIN, 0x00AA, 0x00AA), (_LATIN, 0x00B5, 0x00B5), (_LATIN, 0x00BA, 0x00BA),
    (_LATIN, 0x00C0, 0x024F), (_NONE, 0x0300, 0x036F), (_CYRILLIC, 0x0400, 0x052F), (_ARABIC, 0x0600, 0x06FF),
    (_ARABIC, 0x0750, 0x077F), (_ARABIC, 0x08A0, 0x08FF), (_DEVANAGARI, 0x0900, 0x097F), (_LATIN, 0x1E00, 0x1EFF),
    (_ARABIC, 0xFB50, 0xFDFF), (_ARABIC, 0xFE70, 0xFEFE), (_LATIN, 0xFF21, 0xFF3A), (_LATIN, 0xFF41, 0xFF5A),
)  # fmt: skip
_OWN_TOKENS = (
    (_HANGUL, 0x1100, 0x11FF), (_CJK, 0x2E80, 0x2FDF), (_KANA, 0x3040, 0x30FF), (_HANGUL, 0x3130, 0x318F),
    (_KANA, 0x31F0, 0x31FF), (_CJK, 0x3400, 0x4DBF), (_CJK, 0x4E00, 0x9FFF), (_HANGUL, 0xAC00, 0xD7A3),
    (_CJK, 0xF900, 0xFAFF), (_KANA, 0xFF66, 0xFF9F), (_HANGUL, 0xFFA0, 0xFFDC),
)  # fmt: skip
_DIGITS = ((0x0660, 0x0669), (0x06F0, 0x06F9), (0x0966, 0x096F), (0xFF10, 0xFF19))
_SEPARATORS = (
    (0x00D7, 0x00D7), (0x00F7, 0x00F7), (0x037E, 0x037E), (0x0387, 0x0387), (0x055A, 0x055F), (0x0589, 0x058A),
    (0x05BE, 0x05BE), (0x05C0, 0x05C0), (0x05C3, 0x05C3), (0x0600, 0x060F), (0x061B, 0x061F), (0x066A, 0x066D),
    (0x06D4, 0x06D4), (0x0964, 0x0965), (0x0E4F, 0x0E4F), (0x0E5A, 0x0E5B), (0x1680, 0x1680), (0x2000, 0x2BFF),
    (0x2E00, 0x2E7F), (0x2FE0, 0x303F), (0x30A0, 0x30A0), (0x30FB, 0x30FB), (0x3200, 0x33FF), (0x4DC0, 0x4DFF),
    (0xD800, 0xF8FF), (0xFD3E, 0xFD3F), (0xFE10, 0xFE6F), (0xFF00, 0xFF0F), (0xFF1A, 0xFF20), (0xFF3B, 0xFF40),
    (0xFF5B, 0xFF65), (0xFFE0, 0xFFFF),
)  # fmt: skip
# Apostrophes, and what has no width: joiners within Persian and Hindi words, and a cheap way to break up a phrase.
_DROPPED = (
    (0x0027, 0x0027), (0x00AD, 0x00AD), (0x0640, 0x0640), (0x200B, 0x200F), (0x2019, 0x2019), (0x202A, 0x202E),
    (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFF07, 0xFF07),
)  # fmt: skip
_QUOTES = (0x0022, 0x0060, 0x201C, 0x201D)
# (first, last, step, shift): capitals to small letters where one code point becomes one.
_CAPITALS = (
    (0x0041, 0x005A, 1, 32), (0x00C0, 0x00D6, 1, 32), (0x00D8, 0x00DE, 1, 32), (0x0100, 0x012E, 2, 1),
    (0x0132, 0x0136, 2, 1), (0x0139, 0x0147, 2, 1), (0x014A, 0x0176, 2, 1), (0x0179, 0x017D, 2, 1),
    (0x0391, 0x03A1, 1, 32), (0x03A3, 0x03A9, 1, 32), (0x0400, 0x040F, 1, 80), (0x0410, 0x042F, 1, 32),
)  # fmt: skip
_SINGLE_FOLDS = {0x0130: 0x69, 0x0178: 0xFF, 0x017F: 0x73}


def _build() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    info = np.zeros(0x10000, np.uint8)
    fold = np.arange(0x10000, dtype=np.uint16)
    for script, first, last in _LETTERS:
        info[first : last + 1] = RUN | script << SCRIPT_SHIFT
    for script, first, last in _OWN_TOKENS:
        info[first : last + 1] = OWN | script << SCRIPT_SHIFT
    info[0x41:0x5B] = info[0x61:0x7B] = RUN | _LATIN << SCRIPT_SHIFT
    info[0x5F] = RUN
    info[0x30:0x3A] = RUN | DIGIT
    for first, last in _DIGITS:
        info[first : last + 1] = RUN | DIGIT
    for first, last in _SEPARATORS:
        info[first : last + 1] = SEPARATOR
    for first, last in _DROPPED:
        info[first : last + 1] = DROPPED
    info[list(_QUOTES)] = QUOTE
    for first, last, step, shift in _CAPITALS:
        fold[first : last + 1 : step] += np.uint16(shift)
    for capital, small in _SINGLE_FOLDS.items():
        fold[capital] = small
    fold[0xFF01:0xFF5F] -= np.uint16(0xFEE0)  # fullwidth forms are ASCII in other clothes
    fold[0xFF21:0xFF3B] += np.uint16(32)
    return info, fold


INFO, FOLD = _build()
"""Entry and small form of each code point of the Basic Multilingual Plane, (65536,) each."""
ASCII_RUN = np.zeros(256, np.uint64)
"""By byte: 0 unless it belongs to a run; else its small form, bit 8 set for a letter, bit 40 for a digit."""
for _byte in range(128):
    if INFO[_byte] & KIND_BITS == RUN:
        _letter, _digit = int(INFO[_byte] >> SCRIPT_SHIFT == _LATIN), int(INFO[_byte] & DIGIT > 0)
        ASCII_RUN[_byte] = int(FOLD[_byte]) | _letter << 8 | _digit << 40


@njit(cache=True, nogil=True)
def astral(cp: np.int64) -> int:
    """The entry of a code point from U+10000 on."""
    if cp < 0x1F000:
        return RUN | (DIGIT if 0x1D7CE <= cp <= 0x1D7FF else _OTHER << SCRIPT_SHIFT)
    if 0x20000 <= cp < 0x40000:
        return OWN | _CJK << SCRIPT_SHIFT
    return DROPPED if cp >= 0xE0000 else SEPARATOR  # tags and variation selectors; emoji
