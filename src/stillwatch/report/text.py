"""Other people's text, made harmless to the eye: nothing invisible, nothing endless, nothing that turns the line."""

from __future__ import annotations

import re

MOST_CHARS = 600

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\ue000-\uf8ff\U000e0000-\U000e0fff"
    "\U000f0000-\U0010ffff]"
)
"""Control, direction, zero-width, tag and private characters. The joiners U+200C and U+200D stay: scripts need them."""

_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_MARK}{{3}})({_MARK}+)")


def clean(text: str, most: int = MOST_CHARS) -> str:
    """Text that shows what it holds: invisible characters by their number, long text cut with what was left off.

    >>> clean("pay\\u202etxt.exe")
    'pay⟨U+202E⟩txt.exe'
    >>> clean("abcdef", most=4)
    'abcd… (2 more characters)'
    """
    rest = len(text) - most
    if rest > 0:
        text = text[:most]
    text = _INVISIBLE.sub(lambda m: f"⟨U+{ord(m[0]):04X}⟩", text)
    text = _STACKED.sub(lambda m: f"{m[1]}⟨+{len(m[2])}⟩", text)
    return f"{text}… ({rest:,} more characters)" if rest > 0 else text


def one_line(text: str, most: int = MOST_CHARS) -> str:
    """The same on one line."""
    return clean(" ".join(text[: 4 * most].split()) if len(text) <= most else text, most).replace("\n", " ")
