"""The endpoints of TAXII 2.1, sections 4 and 5. Each function answers one; refusals are raised."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import anyio
import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from stillwatch.sharing.inbound.shapes import is_id
from stillwatch.sharing.taxii.access import Access
from stillwatch.sharing.taxii.body import Bodies
from stillwatch.sharing.taxii.content import Bad, label_of, read_envelope, read_object
from stillwatch.sharing.taxii.errors import RefusedError, not_found
from stillwatch.sharing.taxii.filters import Filters, read_filters
from stillwatch.sharing.taxii.media import HEEDS_TLP, MINE, STIX, TAXII, check_content_type
from stillwatch.sharing.taxii.settings import Collection, Member, Settings
from stillwatch.sharing.taxii.statuses import Statuses
from stillwatch.sharing.taxii.store import OPEN, Addition, Outcome, Page, Row, Store, Viewer
from stillwatch.sharing.taxii.times import taxii_stamp
from stillwatch.sharing.taxii.turns import Turns

T = TypeVar("T")
MATCH_ALL = ("id", "type", "version", "spec_version")
UNMARKED = "amber"
MOST_LOGINS = 256
"""Logins at the same time: two threads compute hashes, the others wait."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class Hooks(NamedTuple):
    """What a hub adds to a server."""

    tlp: bool = False
    """Whether TLP hides objects from members."""
    unnamed: frozenset[str] = frozenset()
    """Organisations that are not named to others."""
    unmarked: str = UNMARKED
    before_read: Mapping[str, Callable[[Member], None]] = {}
    """By collection id: what must be done before a member reads it."""
    shown: Callable[[Row, Member], bytes] | None = None
    """The body of a row for a reader."""


class Endpoints:
    """Everything that an answer needs."""

    def __init__(
        self, settings: Settings, access: Access, store: Store, statuses: Statuses, bodies: Bodies, hooks: Hooks
    ) -> None:
        self.settings, self.access, self.store = settings, access, store
        self.statuses, self.bodies, self.hooks = statuses, bodies, hooks
        self._hashes, self._logins = anyio.CapacityLimiter(2), 0
        self._turns = Turns()

    # -- server information (4) -------------------------------------------------------------------------------------
    async def discovery(self, request: Request) -> Response:
        """4.1"""
        await self._member(request)
        s, root = self.settings, f"/{self.settings.api_root}/"
        texts = {"description": s.description, "contact": s.contact}
        return answer(
            {"title": s.title} | {k: v for k, v in texts.items() if v} | {"default": root, "api_roots": [root]}
        )

    async def api_root(self, request: Request) -> Response:
        """4.2"""
        await self._member(request)
        s = self.settings
        found: dict[str, Any] = {
            "title": s.title,
            "versions": [TAXII],
            "max_content_length": s.max_content_length,
            HEEDS_TLP: self.hooks.tlp,
        }
        return answer(found | ({"description": s.description} if s.description else {}))

    async def status(self, request: Request) -> Response:
        """4.3"""
        member = await self._member(request)
        wanted = request.path_params["status"]
        found = await _thread(lambda: self.statuses.find(member.name, wanted)) if _UUID.fullmatch(wanted) else None
        if found is None:
            raise not_found("status")
        return Response(found, media_type=TAXII)

    # -- collections (5.1, 5.2) -------------------------------------------------------------------------------------
    async def collections(self, request: Request) -> Response:
        """5.1: in the order of their ids, as the interoperability tests want it"""
        member = await self._member(request)
        seen = [c for c in self.settings.collections if _may_see(c, member)]
        listed = [self._resource(c, member) for c in sorted(seen, key=lambda c: c.id)]
        return answer({"collections": listed} if listed else {})

    async def collection(self, request: Request) -> Response:
        """5.2"""
        member = await self._member(request)
        return answer(self._resource(self._collection(request, member), member))

    # -- objects (5.3 to 5.8) ---------------------------------------------------------------------------------------
    async def manifest(self, request: Request) -> Response:
        """5.3"""

        def entries(page: Page, _: Member) -> bytes:
            listed = [
                {
                    "id": row.id, "date_added": taxii_stamp(row.date_added), "version": row.version,
                    "media_type": f"application/stix+json;version={row.spec_version}",
                }
                for row in page.rows
            ]  # fmt: skip
            return msgspec.json.encode(listed)

        return await self._page(request, MATCH_ALL, "objects", entries)

    async def objects(self, request: Request) -> Response:
        """5.4"""
        return await self._page(request, MATCH_ALL, "objects", self._bodies)

    async def one_object(self, request: Request) -> Response:
        """5.6"""
        return await self._page(request, ("version", "spec_version"), "objects", self._bodies, one=True)

    async def versions(self, request: Request) -> Response:
        """5.8"""

        def listed(page: Page, _: Member) -> bytes:
            return msgspec.json.encode([row.version for row in page.rows])

        return await self._page(request, ("spec_version",), "versions", listed, one=True, keywords=("all",))

    async def add(self, request: Request) -> Response:
        """5.5"""
        member = await self._member(request)
        collection = self._collection(request, member)
        if member.name not in collection.write:
            raise RefusedError(403, "You may not write to this collection.")
        check_content_type(request.headers.get("content-type"))
        with self.bodies.room_for(request) as size:
            body = await self.bodies.read(request, size)
            resource = await _thread(lambda: self._add(member, collection, body))
        return answer(resource, 202)

    async def delete(self, request: Request) -> Response:
        """5.7"""
        member = await self._member(request)
        collection = self._collection(request, member)
        rights = (member.name in collection.read, member.name in collection.write)
        if rights == (False, False):
            raise not_found("collection")
        if not all(rights):
            raise RefusedError(403, "You may not delete from this collection.")
        match = ("version", "spec_version")
        filters = read_filters(request.url.query.encode(), match=match, paged=False, strict=True)
        if "match[version]" not in request.query_params:
            filters = filters._replace(keywords=("all",))  # the object is meant, not one version of it
        filters = filters._replace(ids=(_object_id(request),))
        gone, kept = await _thread(lambda: self.store.delete(collection.id, self._viewer(member), filters))
        if kept and not gone:
            raise RefusedError(403, "The object was published by another member.")
        if not gone:
            raise not_found("object or version")
        return Response(b"", media_type=TAXII)

    # -- what they share --------------------------------------------------------------------------------------------
    async def _member(self, request: Request) -> Member:
        """Who asks. Guessing must take neither the machine nor the threads from those who are known."""
        header = request.headers.get("authorization")
        found = self.access.recall(header, request.scope.get("stillwatch.certificate"))
        if found is not None:
            return found
        if self._logins >= MOST_LOGINS:
            raise RefusedError(503, "The server is busy with other logins.", headers=(("retry-after", "5"),))
        self._logins += 1
        try:
            return await anyio.to_thread.run_sync(lambda: self.access.check(header), limiter=self._hashes)
        finally:
            self._logins -= 1

    def _viewer(self, member: Member) -> Viewer:
        return Viewer(member.org, OPEN if self.hooks.tlp else None, self.hooks.unnamed)

    def _collection(self, request: Request, member: Member) -> Collection:
        found = self.settings.collection(request.path_params["collection"])
        if found is None or not _may_see(found, member):
            raise not_found("collection")
        return found

    def _resource(self, collection: Collection, member: Member) -> dict[str, Any]:
        """5.2.1"""
        texts = {"description": collection.description, "alias": collection.alias}
        orgs = {m.org for m in self.settings.members if m.name in collection.write}
        return {
            "id": collection.id,
            "title": collection.title,
            **{k: v for k, v in texts.items() if v},
            "can_read": member.name in collection.read,
            "can_write": member.name in collection.write,
            "media_types": [STIX, "application/stix+json;version=2.0"],
            MINE: orgs == {member.org},
        }

    async def _page(
        self,
        request: Request,
        match: tuple[str, ...],
        key: str,
        items: Callable[[Page, Member], bytes],
        *,
        one: bool = False,
        keywords: tuple[str, ...] = (),
    ) -> Response:
        """A page of a collection: ``items`` writes it, under ``key``."""
        member = await self._member(request)
        collection = self._collection(request, member)
        if member.name not in collection.read:
            raise RefusedError(403, "You may not read this collection.")
        filters = read_filters(request.url.query.encode(), match=match)
        if keywords:
            filters = filters._replace(keywords=keywords)
        if one:
            filters = filters._replace(ids=(_object_id(request),))

        async def make() -> Response:
            page = await _thread(lambda: self._read(collection, member, filters, one))
            return _listed(key, items(page, member), page, filters)

        return await self._turns.answer(member.name, make)

    def _read(self, collection: Collection, member: Member, filters: Filters, one: bool) -> Page:
        prepare = self.hooks.before_read.get(collection.id)
        if prepare is not None:
            prepare(member)
        page = self.store.page(collection.id, self._viewer(member), filters, self.settings.page)
        if one and not page.rows and not self.store.holds(collection.id, self._viewer(member), filters):
            raise not_found("object or version")
        return page

    def _bodies(self, page: Page, member: Member) -> bytes:
        shown = self.hooks.shown
        bodies = (shown(row, member) if shown else row.body for row in page.rows)
        return b"[" + b",".join(bodies) + b"]"

    def _add(self, member: Member, collection: Collection, body: bytes) -> dict[str, Any]:
        objects, recipients = read_envelope(body)
        read = [read_object(found) for found in objects]
        good = [r for r in read if not isinstance(r, Bad)]
        additions = [
            Addition(f, member.org, tlp := label_of(f.content, self.hooks.unmarked), recipients if tlp == "red" else ())
            for f in good
        ]
        stored = iter(self.store.add(collection.id, additions, self.settings.quota))
        outcomes = [
            Outcome(r.id or f"objects[{n}]", r.version or "unknown", r.message) if isinstance(r, Bad) else next(stored)
            for n, r in enumerate(read)
        ]
        return self.statuses.keep(member.name, outcomes)


def _may_see(collection: Collection, member: Member) -> bool:
    return collection.listed or member.name in collection.read or member.name in collection.write


def _object_id(request: Request) -> str:
    name: str = request.path_params["object"]
    if not is_id(name):
        raise not_found("object or version")
    return name


def _listed(key: str, items: bytes, page: Page, filters: Filters) -> Response:
    """An answer with a page of something, and the two headers of 3.2.

    An answer without objects has no times of its own; its headers then repeat the time that was asked about.
    """
    parts = [b'"more":true,"next":"%d"' % page.rows[-1].date_added] if page.more else []
    if items != b"[]":
        parts.append(b'"%s":%s' % (key.encode(), items))
    first, last = (page.rows[0].date_added, page.rows[-1].date_added) if page.rows else (filters.after, filters.after)
    return Response(
        b"{" + b",".join(parts) + b"}",
        media_type=TAXII,
        headers={"X-TAXII-Date-Added-First": taxii_stamp(first), "X-TAXII-Date-Added-Last": taxii_stamp(last)},
    )


def answer(resource: dict[str, Any], status: int = 200) -> Response:
    """A TAXII resource in JSON."""
    return Response(msgspec.json.encode(resource), status, media_type=TAXII)


async def _thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)
