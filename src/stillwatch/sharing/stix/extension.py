"""The one extension of STIX that Stillwatch uses. What must survive is said again where tools that drop it look."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from stillwatch.sharing.stix.catalogue import load
from stillwatch.sharing.stix.ids import MAKER, canonical, object_id

EXTENSION = object_id("extension-definition", "stillwatch", "1")


@cache
def schema() -> dict[str, Any]:
    """The JSON schema of the extension's properties."""
    text = files(__package__).joinpath("extension.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def definition() -> list[dict[str, Any]]:
    """The maker's identity and the extension definition, which holds its schema."""
    made = load().version
    common = {"spec_version": "2.1", "created": made, "modified": made}
    return [
        {
            **common,
            "type": "identity",
            "id": MAKER,
            "created_by_ref": MAKER,
            "name": "Stillwatch",
            "identity_class": "system",
            "description": "The program that finds campaigns and writes these objects; no provider.",
        },
        {
            **common,
            "type": "extension-definition",
            "id": EXTENSION,
            "created_by_ref": MAKER,
            "name": "Stillwatch: adversarial distillation",
            "description": "Size and statistics of a campaign, fingerprints to compare, and the observable "
            "x-stillwatch-request that patterns over model-API requests speak of.",
            "schema": canonical(schema()),
            "version": "1.0.0",
            "extension_types": ["property-extension", "new-sco"],
        },
    ]


def extended(about: str, **properties: Any) -> dict[str, dict[str, Any]]:
    """The ``extensions`` of one object; properties that are None are left out."""
    given = {name: value for name, value in properties.items() if value is not None}
    return {EXTENSION: {"extension_type": "property-extension", "about": about, **given}}


def extension_of(item: dict[str, Any]) -> dict[str, Any]:
    """What an object carries of the extension; empty where it carries nothing."""
    found = (item.get("extensions") or {}).get(EXTENSION)
    return found if isinstance(found, dict) else {}
