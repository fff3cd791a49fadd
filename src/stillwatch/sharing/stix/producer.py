"""Who shares, and how narrowly: what every object of a bundle carries."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from stillwatch.sharing.stix.catalogue import load
from stillwatch.sharing.stix.ids import object_id
from stillwatch.sharing.stix.times import stamp
from stillwatch.sharing.stix.tlp import marking_id

UNNAMED = "Undisclosed model provider"


class Attribution(NamedTuple):
    """Who is behind a campaign, in the words of the user: the detector never says so."""

    name: str
    kind: str
    """``intrusion-set`` or ``threat-actor``."""
    confidence: int
    """0…100."""
    basis: str


@cache
def _identity(name: str) -> str:
    return object_id("identity", "producer", name)


class Producer(NamedTuple):
    """The provider that shares."""

    name: str
    tlp: str
    as_of: datetime
    revoked: frozenset[str] = frozenset()
    """Ids that have been revoked, and can never be used again (STIX 2.1, 3.6.2)."""

    @property
    def id(self) -> str:
        """The identity's id: it follows from the name."""
        return _identity(self.name)

    def object_id(self, kind: str, *parts: Any) -> str:
        """The id of an object that ``parts`` identify among the producer's; another one after it has been revoked."""
        return next(
            name
            for again in count()
            if (name := object_id(kind, self.id, *parts, *([again] if again else []))) not in self.revoked
        )

    def common(self, kind: str, *parts: Any) -> dict[str, Any]:
        """What all objects of this producer begin with."""
        made = stamp(self.as_of)
        return {
            "type": kind,
            "spec_version": "2.1",
            "id": self.object_id(kind, *parts),
            "created_by_ref": self.id,
            "created": made,
            "modified": made,
            "object_marking_refs": [marking_id(self.tlp)],
        }

    def identity(self) -> dict[str, Any]:
        """The provider itself. It carries no marking: everybody who has a bundle may know whose it is."""
        made = load().version
        return {
            "type": "identity",
            "spec_version": "2.1",
            "id": self.id,
            "created_by_ref": self.id,
            "created": made,
            "modified": made,
            "name": self.name,
            "identity_class": "organization",
            "sectors": ["technology"],
        }

    def relationship(self, source: str, kind: str, target: str, description: str = "") -> dict[str, Any]:
        """``source`` –kind→ ``target``."""
        out = {
            **self.common("relationship", source, kind, target),
            "relationship_type": kind,
            "source_ref": source,
            "target_ref": target,
        }
        return {**out, "description": description} if description else out
