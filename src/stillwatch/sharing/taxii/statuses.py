"""Status resources (TAXII 2.1, 4.3): what became of a request to add objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine, delete, insert, or_, select

from stillwatch.sharing.taxii.database import reading, writing
from stillwatch.sharing.taxii.store import Outcome
from stillwatch.sharing.taxii.tables import STATUSES
from stillwatch.sharing.taxii.times import taxii_stamp

KEPT_US = 48 * 3600 * 1_000_000
"""Twice what 4.3 recommends."""
MOST_KEPT, MOST_LISTED = 1000, 1000
"""Statuses of a member, and objects that a kept one lists: its lists are optional (4.3.1), a disk is not endless."""


class Statuses:
    """Kept per member: nobody else can ask for them."""

    def __init__(self, engine: Engine, clock: Callable[[], int], new_id: Callable[[], str]) -> None:
        self._engine, self._clock, self._new_id = engine, clock, new_id

    def keep(self, member: str, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """The resource for a request that is complete, remembered for :meth:`find`."""
        now = self._clock()
        resource = _resource(self._new_id(), now, outcomes)
        row = {"id": resource["id"], "member": member, "created": now, "body": msgspec.json.encode(_short(resource))}
        s = STATUSES.c
        with writing(self._engine) as db:
            old = select(s.id).where(s.member == member).order_by(s.created.desc(), s.id).offset(MOST_KEPT - 1)
            db.execute(delete(STATUSES).where(or_(s.created < now - KEPT_US, s.id.in_(list(db.scalars(old))))))
            db.execute(insert(STATUSES), [row])
        return resource

    def find(self, member: str, status_id: str) -> bytes | None:
        """The resource in JSON, if this member's request has it."""
        with reading(self._engine) as db:
            return db.scalar(select(STATUSES.c.body).where(STATUSES.c.id == status_id, STATUSES.c.member == member))


def _resource(status_id: str, now: int, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    good = [{"id": o.id, "version": o.version} for o in outcomes if not o.problem]
    bad = [{"id": o.id, "version": o.version, "message": o.problem} for o in outcomes if o.problem]
    resource: dict[str, Any] = {
        "id": status_id,
        "status": "complete",
        "request_timestamp": taxii_stamp(now),
        "total_count": len(outcomes),
        "success_count": len(good),
        "failure_count": len(bad),
        "pending_count": 0,
    }
    # "Empty lists are prohibited" (2.)
    return resource | ({"successes": good} if good else {}) | ({"failures": bad} if bad else {})


def _short(resource: dict[str, Any]) -> dict[str, Any]:
    """What is kept: the counts, and the beginning of long lists. The answer itself lists everything."""
    return {k: v[:MOST_LISTED] if isinstance(v, list) else v for k, v in resource.items()}
