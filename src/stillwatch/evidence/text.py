"""Other people's text, safe to show on a page or at a terminal."""

from __future__ import annotations

MOST_CHARS = 400


def visible(text: str) -> str:
    """Cut to length; characters that cannot be seen, or that turn the line or steer a terminal, by their number.

    >>> visible("a\\u202eb")
    'a⟨U+202E⟩b'
    """
    cut = text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}…"
    return "".join(c if c.isprintable() else f"⟨U+{ord(c):04X}⟩" for c in cut)
