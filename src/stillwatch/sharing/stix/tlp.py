"""Traffic Light Protocol 2.0 (FIRST): who may see what, as the marking objects that OASIS publishes for STIX 2.1."""

from __future__ import annotations

from typing import Any

from stillwatch.domain.errors import InputError

EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
LEVELS = ("clear", "green", "amber", "amber+strict", "red")
"""From the widest audience to the narrowest."""
_IDS = {
    "clear": "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "green": "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
    "amber+strict": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}
_BY_ID = {name: level for level, name in _IDS.items()} | {  # TLP 1.0, as STIX 2.1 (7.2.1.4) has it
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "clear",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
}


def level(text: str) -> str:
    """One of ``LEVELS``. :class:`InputError` for anything else."""
    name = text.lower().removeprefix("tlp:")
    if name not in LEVELS:
        raise InputError(f"--tlp {text!r} is no level of TLP 2.0", remedy="clear, green, amber, amber+strict or red")
    return name


def marking_id(level: str) -> str:
    return _IDS[level]


def marking(level: str) -> dict[str, Any]:
    """The marking object of a level."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": _IDS[level],
        "created": "2022-10-01T00:00:00.000Z",
        "name": f"TLP:{level.upper()}",
        "extensions": {EXTENSION: {"extension_type": "property-extension", "tlp_2_0": level}},
    }


def level_of(item: dict[str, Any], default: str) -> str:
    """The narrowest level among an object's markings; ``default`` where it carries none."""
    found = [_BY_ID[ref] for ref in item.get("object_marking_refs") or () if ref in _BY_ID]
    return max(found, key=LEVELS.index, default=default)


def narrower(one: str, other: str) -> str:
    """The narrower of two levels.

    >>> narrower("green", "amber")
    'amber'
    """
    return max(one, other, key=LEVELS.index)
