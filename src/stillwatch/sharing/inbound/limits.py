"""How much of what others send is looked at, at most."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Bounds on one bundle. They hold before any library or any recursion sees it."""

    bytes: int = 64 * 1024 * 1024
    values: int = 4_000_000
    """Objects, lists and members together, as counted by their brackets and commas."""
    depth: int = 24
    objects: int = 100_000
    text: int = 65_536
    """Characters of one string."""
    name: int = 1_024
    """Characters of a name, a label or an id."""
    pattern: int = 32_768
    tokens: int = 4_096
    """Tokens of one pattern."""
    nesting: int = 16
    """Parentheses of one pattern within one another."""


DEFAULT = Limits()
