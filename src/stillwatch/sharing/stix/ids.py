"""Ids that follow from content: the same fact, the same id, whoever writes it and however often.

Observables: UUIDv5 in the namespace of STIX 2.1 (2.9) over their id-contributing properties in canonical JSON. All
other objects: UUIDv5 in a namespace of our own over what identifies them. Nothing that is not shared goes into an id:
whoever knows an account's name cannot confirm it.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid5

OBSERVABLES = UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
OWN = UUID("ff224814-1d1a-4fe8-a525-fe6b162f8213")
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> str:
    """RFC 8785 for what stands in ids: strings, integers, lists and objects with ASCII names.

    >>> canonical({"b": "é", "a": [1]})
    '{"a":[1],"b":"é"}'
    """
    return _ENCODER.encode(value)


def observable_id(kind: str, contributing: dict[str, Any]) -> str:
    """The id of a cyber observable.

    >>> observable_id("ipv4-addr", {"value": "198.51.100.3"})
    'ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4'
    """
    return f"{kind}--{uuid5(OBSERVABLES, canonical(contributing))}"


def object_id(kind: str, *parts: Any) -> str:
    """The id of any other object: its type and what identifies it."""
    return f"{kind}--{uuid5(OWN, canonical([kind, *parts]))}"


MAKER = object_id("identity", "stillwatch")
"""The program itself, the same everywhere: it defines the extension and the objects that all producers say alike."""
