"""TLP 2.0 (FIRST, 2022): which label an object carries, and how strict it is."""

from __future__ import annotations

from typing import Any

LABELS = ("clear", "green", "amber", "amber+strict", "red")
"""From the most open to the strictest."""
_MARKINGS = {
    # TLP 2.0 marking definitions of the OASIS CTI TC
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "clear",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "green",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "amber",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "amber+strict",
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "red",
    # TLP 1.0, as STIX 2.1 defines them (7.2.1.4)
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "clear",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "green",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "amber",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "red",
}


def strictest(labels: list[str]) -> str:
    """The label that satisfies all."""
    return max(labels, key=LABELS.index)


def label_of(found: dict[str, Any], unmarked: str) -> str:
    """The strictest TLP label of an object and of any part of it; ``unmarked`` when it has none.

    The definitions of the labels themselves are open to all.
    """
    if found.get("id") in _MARKINGS:
        return "clear"
    refs = found.get("object_marking_refs")
    parts = found.get("granular_markings")
    marks = list(refs) if isinstance(refs, list) else []
    marks += [part.get("marking_ref") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    labels = [_MARKINGS[mark] for mark in marks if isinstance(mark, str) and mark in _MARKINGS]
    return strictest(labels) if labels else unmarked


def marking_of(label: str) -> str:
    """The id of a label's TLP 2.0 marking definition."""
    return next(mark for mark, name in _MARKINGS.items() if name == label)
