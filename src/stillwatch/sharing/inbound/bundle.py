"""A bundle from somebody else: size, depth, shape, references and patterns, checked in this order."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.check import problem
from stillwatch.sharing.inbound.limits import DEFAULT, Limits
from stillwatch.sharing.inbound.references import cycle
from stillwatch.sharing.inbound.shapes import in_order

Object = dict[str, Any]
_PULLED = re.compile(r"pull-[0-9TZ-]+-([0-9a-zA-Z]+)-[0-9a-f]+\.json")


class Bundle(NamedTuple):
    """What was accepted: the latest version of each object, by id, in the order of the file."""

    objects: dict[str, Object]
    versions: int
    """Objects of the file, earlier versions and repeats included."""
    source: str = ""
    """Where it came from: a file, or a server's collection. Bundles of one source go on from one another; what one
    source says takes nothing back that another said."""

    def of(self, kind: str) -> Iterator[Object]:
        """Objects of one type that are not revoked."""
        return (o for o in self.objects.values() if o["type"] == kind and not o.get("revoked"))


def read_bundle(path: Path, limits: Limits = DEFAULT) -> Bundle:
    """A bundle in a file; no more than ``limits.bytes`` are read, whatever the file claims to hold."""
    try:
        with path.open("rb") as file:
            data = file.read(limits.bytes + 1)
    except OSError as exc:
        raise InputError("cannot be opened", where=str(path)) from exc
    return load_bundle(data, path.name, limits)


def pulled_name(at: str, collection: str, end: str) -> str:
    """Name of the file in which a collection's new objects are kept: names sort as the objects were added."""
    return f"pull-{at}-{collection}-{end}.json"


def source_of(path: Path) -> str:
    """Where a bundle in a file comes from: for files that ``share pull`` wrote, directory and collection; else the file
    itself."""
    found = _PULLED.fullmatch(path.name)
    return str(path.parent / found[1]) if found else str(path)


def load_bundle(data: bytes, where: str, limits: Limits = DEFAULT) -> Bundle:
    """A bundle in memory. :class:`InputError` names ``where``, the object and what is wrong; never what it says."""
    found = load_json(data, where, limits)
    if not isinstance(found, dict) or found.get("type") != "bundle":
        raise InputError("is not a STIX bundle", where=where, remedy="a JSON object of type bundle")
    listed = found.get("objects", [])
    if not isinstance(listed, list):
        raise InputError("objects is not a list", where=where)
    return check_objects(listed, where, limits)


def load_json(data: bytes, where: str, limits: Limits = DEFAULT) -> Any:
    """JSON within bounds: bytes, then brackets and commas, then depth and strings; no name twice in one object."""
    if len(data) > limits.bytes:
        raise InputError(f"is larger than {limits.bytes:,} bytes", where=where, remedy="send it in parts")
    if sum(map(data.count, (b"{", b"[", b","))) > limits.values:
        raise InputError(f"holds more than {limits.values:,} values", where=where, remedy="send it in parts")
    try:
        found = json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer
        )
    except UnicodeDecodeError as exc:
        raise InputError("is not UTF-8", where=where) from exc
    except RecursionError as exc:
        raise InputError(f"is nested deeper than {limits.depth}", where=where) from exc
    except _RefusedError as exc:
        raise InputError(str(exc), where=where) from exc
    except ValueError as exc:
        raise InputError("is not JSON", where=where) from exc
    _bounded(found, where, limits)
    return found


def check_objects(listed: Iterable[Any], where: str, limits: Limits = DEFAULT) -> Bundle:
    """Objects as a bundle or an envelope of TAXII lists them."""
    latest: dict[str, Object] = {}
    number = 0
    for number, item in enumerate(listed, start=1):
        if number > limits.objects:
            raise InputError(f"holds more than {limits.objects:,} objects", where=where, remedy="send it in parts")
        wrong = problem(item, limits)
        if wrong is not None:
            raise InputError(wrong, where=_where(where, number, item))
        known = latest.get(item["id"])
        if known is None:
            latest[item["id"]] = item
        elif known.get("modified", "") == item.get("modified", ""):
            if known != item:
                raise InputError("another object has the same id and version", where=_where(where, number, item))
        elif version_of(item) > version_of(known):
            latest[item["id"]] = item
    if ring := cycle(latest):
        raise InputError(f"references lead back to themselves: {' → '.join(ring)}", where=where)
    return Bundle(latest, number)


def version_of(item: Object) -> tuple[str, str]:
    """Comparable: the later of two versions is the larger."""
    return in_order(str(item.get("modified", "")))


def _where(where: str, number: int, item: Any) -> str:
    name = item.get("id") if isinstance(item, dict) else None
    shown = f" ({name})" if isinstance(name, str) and len(name) < 120 and name.isascii() and name.isprintable() else ""
    return f"{where}, object {number:,}{shown}"


class _RefusedError(ValueError):
    """JSON that we do not read, with the reason."""


def _object(pairs: list[tuple[str, Any]]) -> Object:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RefusedError("an object names a property twice")
    return found


def _no_constant(text: str) -> Any:
    raise _RefusedError("holds a number that JSON does not know")


def _integer(text: str) -> int:
    if len(text) > 20:
        raise _RefusedError("holds an integer of more than 20 characters")
    return int(text)


def _bounded(value: Any, where: str, limits: Limits) -> None:
    """Depth and length of strings, without recursion."""
    level: list[Any] = [value]
    depth = 0
    while level:
        depth += 1
        if depth > limits.depth:
            raise InputError(f"is nested deeper than {limits.depth}", where=where)
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                if any(len(name) > limits.name for name in item):
                    raise InputError(f"names a property with more than {limits.name:,} characters", where=where)
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                if len(item) > limits.text:
                    raise InputError(f"holds a text of more than {limits.text:,} characters", where=where)
            elif isinstance(item, float) and not math.isfinite(item):
                raise InputError("holds a number that is too large", where=where)
        level = below
