"""Patterns as conditions on the columns of a log: what can be looked for, and why the rest cannot."""

from __future__ import annotations

import ipaddress
import math
from typing import NamedTuple

import pyarrow as pa

from stillwatch.kernels.hashing import hash_strings
from stillwatch.sharing.fingerprints.kinds import ALGORITHM, BY_NAME
from stillwatch.sharing.inbound.pattern import Both, Comparison, Either, Expression
from stillwatch.sharing.stix.patterns import PATHS

MOST_ALTERNATIVES = 64
"""Alternatives of one pattern after its brackets are resolved."""
_ADDRESS = frozenset({"ipv4-addr:value", "ipv6-addr:value", "network-traffic:src_ref.value"})
_BY_PATH = {path.replace("'", ""): kind for kind, path in PATHS.items()}
_HASHED = {"client", "tls", "schema"}
"""Kinds whose values are strings of the log; the others are hashes already."""


class Atom(NamedTuple):
    """One value of one column: of the text pass, ``mark``, or ``prefix4`` and ``prefix6``, which have ``bits``."""

    column: str
    value: int
    bits: int = 0


class Condition(NamedTuple):
    """At least ``need`` of the atoms hold for a request."""

    need: int
    atoms: tuple[Atom, ...]


Alternative = tuple[Condition, ...]
"""All of these hold."""


class NotEvaluated(Exception):  # noqa: N818 (an answer, not an error)
    """Why a pattern cannot be looked for in a log, in words that repeat nothing of it."""


def alternatives(found: Expression, marks: tuple[str, ...], coverage: float) -> tuple[Alternative, ...]:
    """Any of these is a match. ``marks`` and ``coverage``: of a template, whose pattern alone asks for any mark.

    What is looked for must be what people and other tools read: the marks are those of the pattern.
    """
    read = tuple(_resolved(found))
    if not marks:
        return read
    atoms = tuple(Atom("mark", int(mark, 16)) for mark in dict.fromkeys(marks))
    if read != ((Condition(1, atoms),),):
        raise NotEvaluated("marks that are not those of its pattern")
    return ((Condition(max(1, math.ceil(coverage * len(atoms))), atoms),),)


def _resolved(found: Expression) -> list[Alternative]:
    if isinstance(found, Comparison):
        return [(_condition(found),)]
    parts = [_resolved(part) for part in found.parts]
    if isinstance(found, Either):
        out = [alternative for part in parts for alternative in part]
    else:
        assert isinstance(found, Both)
        out = [()]
        for part in parts:
            out = [one + other for one in out for other in part]
            if len(out) > MOST_ALTERNATIVES:
                break
    if len(out) > MOST_ALTERNATIVES:
        raise NotEvaluated(f"more than {MOST_ALTERNATIVES} alternatives")
    return out


def _condition(found: Comparison) -> Condition:
    if found.negated or found.operator not in ("=", "IN", "ISSUBSET"):
        raise NotEvaluated("a comparison other than =, IN and ISSUBSET")
    if not found.values:
        raise NotEvaluated("an empty list")
    return Condition(1, tuple(dict.fromkeys(_atom(found, value) for value in found.values)))


def _atom(found: Comparison, value: str | int | float | bool) -> Atom:
    if found.path in _ADDRESS:
        return _prefix(value)
    if found.operator == "ISSUBSET":
        raise NotEvaluated("ISSUBSET of something other than an address")
    if found.path == "autonomous-system:number":
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 32:
            raise NotEvaluated("a number that is no autonomous system")
        return Atom("asn", value)
    kind = _BY_PATH.get(found.path)
    if kind is None:
        raise NotEvaluated("a property that a log of requests does not have")
    if not isinstance(value, str) or not value:
        raise NotEvaluated("a value that is no text")
    column = BY_NAME[kind].column or "mark"
    if kind in _HASHED:
        return Atom(column, int(hash_strings(pa.array([value]))[0]))
    try:
        return Atom(column, int(value, 16) if len(value) == 16 else int(""))
    except ValueError as exc:
        raise NotEvaluated(f"a value that is no hash of {ALGORITHM}") from exc


def _prefix(value: str | int | float | bool) -> Atom:
    try:
        network = ipaddress.ip_network(str(value), strict=False)
    except ValueError as exc:
        raise NotEvaluated("a value that is no address") from exc
    if network.prefixlen < (8 if network.version == 4 else 16):
        raise NotEvaluated("a network as large as a continent")
    bits = network.prefixlen
    return Atom(f"prefix{network.version}", int(network.network_address) >> (network.max_prefixlen - bits), bits)
