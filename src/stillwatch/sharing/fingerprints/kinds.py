"""The kinds of fingerprint that may be shared: declared here, nowhere else.

A *class* groups kinds that follow from one another (``place``, ``stack``, ``work``): two matches count as two kinds of
evidence only when they are of different classes, and a stack follows from the program that does the work.
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One kind of fingerprint."""

    name: str
    group: str
    """Its class."""
    label: str
    """For people: "network prefix"."""
    column: str
    """What the text pass calls it in ``exchanges``; empty for templates, which are made of several marks."""
    days: int
    """For how long after it was last seen it is worth looking for: addresses change hands within weeks, clients within
    a quarter, the wording of a harvest lives for as long as it is not found."""


KINDS = (
    Kind("network", "place", "network prefix", "area", 30),
    Kind("asn", "place", "autonomous system", "asn", 30),
    Kind("client", "stack", "client program", "client", 90),
    Kind("tls", "stack", "TLS fingerprint", "tls", 90),
    Kind("parameters", "stack", "request parameters", "parameters", 90),
    Kind("stack", "stack", "client stack", "stack", 90),
    Kind("schema", "work", "tool schema", "schema", 180),
    Kind("system", "work", "system prompt", "system_skeleton", 180),
    Kind("prompt", "work", "whole prompt", "skeleton", 180),
    Kind("template", "work", "template", "", 180),
)
BY_NAME = {kind.name: kind for kind in KINDS}
PLACE, STACK, WORK = "place", "stack", "work"

ALGORITHM = "stillwatch-text-1"
"""Names how texts, parameters and stacks become 64-bit hashes (`stillwatch.kernels`): only equal names compare."""
