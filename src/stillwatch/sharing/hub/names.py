"""Members that did not agree to be named: what stands instead of them where others read what they published."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

from stillwatch.sharing.hub.objects import MEMBER
from stillwatch.sharing.stix.ids import MAKER
from stillwatch.sharing.taxii.filters import Filters
from stillwatch.sharing.taxii.settings import Member
from stillwatch.sharing.taxii.store import Row, Store, Viewer

_MAKER_OF = re.compile(rb'"created_by_ref":"(identity--[0-9a-f-]{36})"')


class Names:
    """Replaces the identities of unnamed members. Thread-safe."""

    def __init__(self, unnamed: frozenset[str]) -> None:
        self.unnamed = unnamed
        self._known: dict[str, frozenset[bytes]] = {}
        self._lock = threading.Lock()

    def learn(self, store: Store, feeds: Sequence[str]) -> None:
        """Note which identities each unnamed organisation published."""
        found: dict[str, set[bytes]] = {}
        for feed in feeds:
            for key in store.keys(feed, Viewer(""), Filters(types=("identity",), keywords=("all",))):
                if key.org in self.unnamed and key.id != MAKER:
                    found.setdefault(key.org, set()).add(key.id.encode("ascii"))
        with self._lock:
            self._known = {org: frozenset(ids) for org, ids in found.items()}

    def shown(self, row: Row, reader: Member) -> bytes:
        """The body of a row for a reader: wherever an unnamed member's identity stands, the one for all unnamed."""
        if row.org == reader.org or row.org not in self.unnamed:
            return row.body
        with self._lock:
            ids = self._known.get(row.org, frozenset())
        body = row.body
        for name in ids | {m for m in _MAKER_OF.findall(body) if m != MAKER.encode("ascii")}:
            body = body.replace(name, MEMBER.encode("ascii"))
        return body
