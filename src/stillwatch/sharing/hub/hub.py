"""The hub at work: what it adds to a TAXII server, and what it keeps up to date.

Nothing runs in the background. Before a member reads the joined collection, what that member may be told is computed
from what it may see, and written where it differs from what it was told before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from stillwatch.domain.errors import InputError
from stillwatch.sharing.hub.names import Names
from stillwatch.sharing.hub.objects import HUB, identities, objects
from stillwatch.sharing.hub.parts import TYPES, Fact, Seen, read_fact
from stillwatch.sharing.hub.picture import Joined, picture
from stillwatch.sharing.stix.times import moment_us, stamp, stamp_us
from stillwatch.sharing.stix.tlp import LEVELS
from stillwatch.sharing.taxii.content import Bad, read_object
from stillwatch.sharing.taxii.endpoints import Hooks
from stillwatch.sharing.taxii.filters import Filters
from stillwatch.sharing.taxii.settings import Member, Settings
from stillwatch.sharing.taxii.store import OPEN, Addition, Store, Viewer
from stillwatch.sharing.taxii.times import micros

OPERATOR = "hub"
"""Name of the hub among organisations; no member can have it."""
_ALL = Filters(types=TYPES, keywords=("all",))
_LATEST = Filters(types=TYPES, spec_versions=("2.1",))
Object = dict[str, Any]


class HubOfMembers:
    """The hub of one server. Thread-safe. ``clock`` gives microseconds since the epoch."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], int]) -> None:
        if settings.hub is None:
            raise InputError("the server file has no hub", remedy="make one: share setup --hub")
        found = [settings.collection(key) for key in settings.hub.feeds]
        joined = settings.collection(settings.hub.joined)
        assert joined is not None
        self._feeds = tuple(c.id for c in found if c is not None)
        self._joined, self._title, self._unmarked = joined.id, settings.title, settings.hub.unmarked
        self._store, self._clock = store, clock
        self.shown = {m.org: m.shown_as for m in settings.members if m.shown_as}
        self._names = Names(frozenset(m.org for m in settings.members) - self.shown.keys())
        self._facts: dict[bytes, Fact | None] = {}
        self._read: dict[str, int] = {}
        self._told: dict[str, object] = {}
        self._lock = threading.Lock()

    def hooks(self) -> Hooks:
        """What the server calls."""
        feeds = dict.fromkeys(self._feeds, self._before_feed)
        return Hooks(
            tlp=True,
            unnamed=self._names.unnamed,
            unmarked=self._unmarked,
            before_read={**feeds, self._joined: self.tell},
            shown=self._names.shown,
        )

    def tell(self, member: Member) -> None:
        """Bring what this member's organisation is told up to date."""
        with self._lock:
            state = tuple(self._store.state(feed) for feed in self._feeds)
            if self._told.get(member.org) == state:
                return
            self._introduce()
            self._write(member.org, picture(self._seen(Viewer(member.org, OPEN))))
            self._told[member.org] = state

    def overview(self) -> list[Joined]:
        """What the hub itself sees: everything but TLP:RED that does not name it."""
        with self._lock:
            return picture(self._seen(Viewer(OPERATOR, (*OPEN, LEVELS[3]))))

    def _before_feed(self, member: Member) -> None:
        with self._lock:
            state = tuple(self._store.state(feed) for feed in self._feeds)
            if self._told.get("") != state:
                self._names.learn(self._store, self._feeds)
                self._told[""] = state

    # -- reading ----------------------------------------------------------------------------------------------------
    def _seen(self, viewer: Viewer) -> Iterator[Seen]:
        for feed in self._feeds:
            for row in self._store.bodies(feed, Viewer(OPERATOR), _ALL._replace(after=self._read.get(feed, 0))):
                self._facts[row.digest] = read_fact(msgspec.json.decode(row.body))
                self._read[feed] = row.date_added
            for key in self._store.keys(feed, viewer, _LATEST):
                fact = self._facts.get(key.digest)
                if fact is not None:
                    yield Seen(key.org, key.id, key.tlp, fact)

    # -- writing ----------------------------------------------------------------------------------------------------
    def _introduce(self) -> None:
        """The identities that joined campaigns speak of: for everybody."""
        held = {k.id for k in self._store.keys(self._joined, Viewer(OPERATOR), Filters(types=("identity",)))}
        now = stamp_us(self._clock())
        new = [
            self._addition({**item, "created": now, "modified": now}, "clear", ())
            for item in identities(self._title, self.shown)
            if item["id"] not in held
        ]
        self._store.add(self._joined, new)

    def _write(self, org: str, joined: list[Joined]) -> None:
        """New versions of what changed, revocations of what does not hold any more."""
        told = {
            found["id"]: found
            for row in self._store.bodies(self._joined, Viewer(org, ()), Filters())
            if (found := msgspec.json.decode(row.body))["type"] != "identity"
        }
        revoked = {name for name, found in told.items() if found.get("revoked")}
        wanted = {o["id"]: o for j in joined for o in objects(j, org, self.shown, revoked)}
        now = self._clock()
        additions = []
        for name, item in wanted.items():
            known = told.get(name)
            if known is None:
                made = {**item, "created": stamp_us(now), "modified": stamp_us(now)}
            elif _content(known) != _content(self._common(item)):
                made = {**item, "created": known["created"], "modified": _later(known, now)}
            else:
                continue
            additions.append(self._addition(made, "red", (org,)))
        for name in sorted(told.keys() - wanted.keys() - revoked):
            gone = {**told[name], "modified": _later(told[name], now), "revoked": True}
            additions.append(self._addition(gone, "red", (org,)))
        self._store.add(self._joined, additions)

    def _common(self, item: Object) -> Object:
        return {"spec_version": "2.1", "created_by_ref": HUB, **item}

    def _addition(self, item: Object, tlp: str, recipients: tuple[str, ...]) -> Addition:
        """``tlp`` is who may fetch it here; its own marking says how far it may go from there."""
        found = read_object(self._common(item))
        assert not isinstance(found, Bad), found.message
        return Addition(found, OPERATOR, tlp, recipients)


def _content(item: Object) -> Object:
    return {k: v for k, v in item.items() if k not in ("created", "modified")}


def _later(known: Object, now: int) -> str:
    """Now, or just after the earlier version where the clock stands still."""
    return stamp(moment_us(max(now, (micros(known["modified"]) or 0) + 1000)))
