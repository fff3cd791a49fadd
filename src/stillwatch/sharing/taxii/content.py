"""What an object must be to be stored: a STIX object with an id, a type and a version, of bounded size and depth."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec

from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.bundle import load_json
from stillwatch.sharing.inbound.check import problem
from stillwatch.sharing.inbound.limits import DEFAULT
from stillwatch.sharing.inbound.shapes import is_id
from stillwatch.sharing.stix.tlp import level_of
from stillwatch.sharing.taxii.errors import RefusedError
from stillwatch.sharing.taxii.times import version_key

MOST_OBJECT_BYTES = 8 << 20
"""A report of 24,000 indicators names twice as many objects: 3 MB."""
NOT_OBJECTS = ("bundle",)
RECIPIENTS = "x_stillwatch_recipients"
"""Custom property of an envelope (7.1): organisations that its TLP:RED objects are for."""


class Stored(NamedTuple):
    """One version of an object, ready to be stored. ``version`` is None for an object that has none (an observable)."""

    id: str
    version: str | None
    type: str
    spec_version: str
    body: bytes
    digest: bytes
    content: dict[str, Any]


class Bad(NamedTuple):
    """An object that cannot be stored: what is known of it, and why."""

    id: str
    version: str
    message: str


def read_envelope(body: bytes) -> tuple[list[Any], tuple[str, ...]]:
    """The objects of an envelope (3.7) and the named recipients. 422 for a body that is no envelope."""
    try:
        found = load_json(body, "")
    except InputError as exc:
        raise RefusedError(422, f"The body {exc.what}.") from exc
    if not isinstance(found, dict) or not isinstance(objects := found.get("objects"), list) or not objects:
        raise RefusedError(422, 'The body is not a TAXII envelope: {"objects": [...]} with at least one object.')
    if len(objects) > DEFAULT.objects:
        raise RefusedError(422, f"The envelope holds more than {DEFAULT.objects:,} objects; send several.")
    recipients = found.get(RECIPIENTS, [])
    if not isinstance(recipients, list) or not all(isinstance(r, str) and len(r) <= 64 for r in recipients):
        raise RefusedError(422, f"{RECIPIENTS} is not a list of names.")
    return objects, tuple(dict.fromkeys(recipients))


def read_object(found: Any) -> Stored | Bad:
    """Check one object of an envelope: what STIX 2.1 demands of it, less of STIX 2.0."""
    if not isinstance(found, dict):
        return Bad("", "", "is not an object")
    name, kind = found.get("id"), found.get("type")
    if not is_id(name):
        return Bad("", "", "has no id of the form type--uuid")
    assert isinstance(name, str)
    if kind != name.partition("--")[0] or kind in NOT_OBJECTS:
        return Bad(name, "", "type is not that of its id, or is not a STIX object's")
    version = found.get("modified", found.get("created"))
    if version is not None and (not isinstance(version, str) or version_key(version) is None):
        return Bad(name, "", "modified or created is not a time")
    spec = found.get("spec_version", "2.1" if version is None else "2.0")  # 2.0 objects do not carry it (STIX 2.1, 3.2)
    if spec not in ("2.0", "2.1"):
        return Bad(name, version or "", "spec_version is neither 2.0 nor 2.1")
    if spec == "2.1" and (wrong := problem(found)) is not None:
        return Bad(name, version or "", wrong)
    canonical = msgspec.json.encode(found, order="sorted")
    if len(canonical) > MOST_OBJECT_BYTES:
        return Bad(name, version or "", f"is larger than {MOST_OBJECT_BYTES:,} bytes")
    return Stored(name, version, kind, spec, msgspec.json.encode(found), hashlib.sha256(canonical).digest(), found)


def label_of(found: dict[str, Any], unmarked: str) -> str:
    """The narrowest TLP label of an object and of any part of it (STIX 2.1, 7.2.3); ``unmarked`` when it has none.

    The definitions of the labels themselves are open to all.
    """
    if level_of({"object_marking_refs": [found.get("id")]}, ""):
        return "clear"
    refs, parts = found.get("object_marking_refs"), found.get("granular_markings")
    marks = list(refs) if isinstance(refs, list) else []
    marks += [part.get("marking_ref") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return level_of({"object_marking_refs": [mark for mark in marks if isinstance(mark, str)]}, unmarked)
