"""What an object of each type must have (STIX 2.1, 4 to 6), as far as anything here relies on it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

ID = re.compile(
    r"[a-z0-9][a-z0-9-]{1,248}[a-z0-9]--[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
TIME = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z"
)
REQUIRED: dict[str, tuple[str, ...]] = {
    "attack-pattern": ("name",),
    "campaign": ("name",),
    "course-of-action": ("name",),
    "grouping": ("context", "object_refs"),
    "identity": ("name",),
    "indicator": ("pattern", "pattern_type", "valid_from"),
    "infrastructure": ("name",),
    "intrusion-set": ("name",),
    "location": (),
    "malware": ("is_family",),
    "malware-analysis": ("product",),
    "note": ("content", "object_refs"),
    "observed-data": ("first_observed", "last_observed", "number_observed"),
    "opinion": ("opinion", "object_refs"),
    "report": ("name", "published", "object_refs"),
    "threat-actor": ("name",),
    "tool": ("name",),
    "vulnerability": ("name",),
    "relationship": ("relationship_type", "source_ref", "target_ref"),
    "sighting": ("sighting_of_ref",),
    "extension-definition": ("created_by_ref", "name", "schema", "version", "extension_types"),
    "language-content": ("object_ref", "contents"),
}
"""Objects with versions: they must also have ``created`` and ``modified``."""
OBSERVABLES: dict[str, tuple[str, ...]] = {
    "artifact": (),
    "autonomous-system": ("number",),
    "directory": ("path",),
    "domain-name": ("value",),
    "email-addr": ("value",),
    "email-message": ("is_multipart",),
    "file": (),
    "ipv4-addr": ("value",),
    "ipv6-addr": ("value",),
    "mac-addr": ("value",),
    "mutex": ("name",),
    "network-traffic": ("protocols",),
    "process": (),
    "software": ("name",),
    "url": ("value",),
    "user-account": (),
    "windows-registry-key": (),
    "x509-certificate": (),
}
TIMES = frozenset(
    {
        "created", "modified", "valid_from", "valid_until", "first_seen", "last_seen", "first_observed",
        "last_observed", "published",
    }
)  # fmt: skip
COUNTS = {"confidence": (0, 100), "count": (0, 999_999_999), "number_observed": (1, 999_999_999)}
FLAGS = ("revoked", "summary", "is_family", "is_multipart")
TEXTS = frozenset(
    {
        "name", "description", "pattern", "pattern_type", "pattern_version", "relationship_type", "content",
        "abstract", "objective", "schema", "version", "context", "opinion", "spec_version", "lang", "source_name",
        "identity_class", "definition_type",
    }
)  # fmt: skip
LISTS = frozenset(
    {
        "labels", "aliases", "indicator_types", "infrastructure_types", "report_types", "sectors", "extension_types",
        "protocols",
    }
)  # fmt: skip
ORDERED = (
    ("created", "modified", False),
    ("valid_from", "valid_until", True),
    ("first_seen", "last_seen", False),
    ("first_observed", "last_observed", False),
)
"""(earlier, later, whether they must differ)."""
_MARKUP = re.compile(r"<[a-zA-Z/!?]")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def wrong_name(text: str) -> str | None:
    """What is wrong with a name, a label or an alias: these are shown next to one's own."""
    if _MARKUP.search(text):
        return "holds markup"
    if _UNSEEN.search(text):
        return "holds characters that cannot be seen or steer a terminal"
    return None


def wrong_text(text: str) -> str | None:
    """What is wrong with a longer text; line ends and markup are the reader's to escape."""
    return "holds control characters" if _CONTROL.search(text) else None


def is_time(value: Any) -> bool:
    """A moment that there was: no 30th of February, no leap second."""
    if not isinstance(value, str) or TIME.fullmatch(value) is None:
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return True


def in_order(time: str) -> tuple[str, str]:
    """What sorts as times do, however many digits their seconds have.

    >>> in_order("2026-06-15T00:00:00Z") == in_order("2026-06-15T00:00:00.000Z") < in_order("2026-06-15T00:00:00.5Z")
    True
    """
    whole, _, part = time.removesuffix("Z").partition(".")
    return whole, part.ljust(9, "0")


def is_id(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 300 and ID.fullmatch(value) is not None
