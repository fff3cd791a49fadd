"""Objects in collections: adding, reading in the order of addition, deleting.

Every addition gets a ``date_added`` that is later than all before it in the collection, in microseconds, under a
lock that is held until the addition is committed. So what a reader has seen up to some time never grows behind it:
paging by ``next`` or by ``added_after`` loses nothing while others add.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, exists, func, insert, not_, or_, select, update
from sqlalchemy.sql.selectable import FromClause

from stillwatch.sharing.stix.ids import MAKER
from stillwatch.sharing.taxii.content import Stored
from stillwatch.sharing.taxii.database import reading, writing
from stillwatch.sharing.taxii.filters import Filters
from stillwatch.sharing.taxii.tables import COLLECTIONS, OBJECTS, RECIPIENTS
from stillwatch.sharing.taxii.times import taxii_stamp, version_key

MOST_PAGE_BYTES = 8 << 20
_CHUNK = 500
_APART_US = 1000


OPEN = ("clear", "green", "amber")
"""TLP 2.0 labels that every member of an exchange may see; amber+strict stays in its own house, red with the named."""


class Viewer(NamedTuple):
    """For whom a collection is read."""

    org: str
    open: tuple[str, ...] | None = None
    """Labels under which it sees what others published; None: TLP hides nothing."""
    unnamed: frozenset[str] = frozenset()
    """Organisations whose identity objects are for themselves only."""


class Key(NamedTuple):
    """One version of an object without its body. ``digest``: SHA-256 of its canonical form."""

    id: str
    org: str
    tlp: str
    digest: bytes


class Row(NamedTuple):
    """One version of an object as it was stored."""

    id: str
    version: str
    spec_version: str
    date_added: int
    org: str
    digest: bytes
    body: bytes


class Page(NamedTuple):
    """Rows in the order of their addition, and whether more would follow."""

    rows: tuple[Row, ...]
    more: bool


class Outcome(NamedTuple):
    """What became of one object: ``problem`` is "" when it is in the collection now."""

    id: str
    version: str
    problem: str


class Addition(NamedTuple):
    """An object to be added, by whom, and who may see it."""

    found: Stored
    org: str
    tlp: str
    recipients: tuple[str, ...] = ()


class Store:
    """The collections of one server. ``clock`` gives microseconds since the epoch."""

    def __init__(self, engine: Engine, collections: Iterable[str], clock: Callable[[], int]) -> None:
        self.engine, self._clock = engine, clock
        with writing(engine) as db:
            known = set(db.scalars(select(COLLECTIONS.c.id)))
            new = [{"id": c, "last_added": 0, "deletions": 0, "stored": 0} for c in collections if c not in known]
            if new:
                db.execute(insert(COLLECTIONS), new)

    def add(self, collection: str, additions: Sequence[Addition], quota: int | None = None) -> list[Outcome]:
        """Add objects; in one transaction, so that a failure leaves nothing half done.

        An exact duplicate is no error (5.5). A new version of an object comes from the organisation that published
        the first one: nobody can revoke or rewrite what another member said. Objects for other eyes than the ones
        before them begin at another millisecond: else the times of what somebody sees would count what it does not.
        ``quota``: bytes that the collection may hold.
        """
        if not additions:
            return []
        outcomes: dict[int, Outcome] = {}
        with writing(self.engine) as db:
            c = COLLECTIONS.c
            last, stored = db.execute(select(c.last_added, c.stored).where(c.id == collection).with_for_update()).one()
            added = max(self._clock(), last + 1)
            known = _known(db, collection, {a.found.id for a in additions})
            rows: list[dict[str, object]] = []
            recipients: list[dict[str, str]] = []
            eyes: tuple[object, ...] | None = None
            for place, a in sorted(enumerate(additions), key=lambda item: _eyes(item[1])):
                found = a.found
                versions = known.setdefault(found.id, {})
                key = _key(found, added, versions)
                version = found.version or taxii_stamp(added)
                held = versions.get(key)
                if held is not None:
                    problem = _repeated(db, collection, key, a, held[0])
                    outcomes[place] = Outcome(found.id, version if problem else held[2], problem)
                    continue
                if any(org != a.org for _, org, _ in versions.values()):
                    outcomes[place] = Outcome(found.id, version, "the object was published by another member")
                    continue
                if quota is not None and stored + len(found.body) > quota:
                    outcomes[place] = Outcome(found.id, version, "the collection is full")
                    continue
                stored += len(found.body)
                if rows and _eyes(a) != eyes:
                    added += -added % _APART_US
                eyes = _eyes(a)
                versions[key] = (found.digest, a.org, version)
                rows.append(
                    {
                        "collection": collection, "id": found.id, "version_key": key, "version": version,
                        "type": found.type, "spec_version": found.spec_version, "date_added": added, "org": a.org,
                        "tlp": a.tlp, "size": len(found.body), "digest": found.digest, "body": found.body,
                    }
                )  # fmt: skip
                recipients += [
                    {"collection": collection, "id": found.id, "version_key": key, "org": org} for org in a.recipients
                ]
                outcomes[place] = Outcome(found.id, version, "")
                added += 1
            if rows:
                db.execute(insert(OBJECTS), rows)
                if recipients:
                    db.execute(insert(RECIPIENTS), recipients)
                db.execute(update(COLLECTIONS).where(c.id == collection).values(last_added=added - 1, stored=stored))
        return [outcomes[place] for place in range(len(additions))]

    def page(self, collection: str, viewer: Viewer, filters: Filters, most: int) -> Page:
        """The rows that match, oldest first: at most ``most``, the request's limit, and some megabytes."""
        most = min(most, filters.limit or most)
        o = OBJECTS.c
        wanted = [*_matching(OBJECTS, collection, viewer, filters), o.date_added > filters.after]
        with reading(self.engine) as db:
            sizes = db.execute(select(o.date_added, o.size).where(*wanted).order_by(o.date_added).limit(most + 1)).all()
            dates = [date for date, _ in sizes[: _fitting([size for _, size in sizes[:most]])]]
            found = db.execute(
                select(o.id, o.version, o.spec_version, o.date_added, o.org, o.digest, o.body)
                .where(o.collection == collection, o.date_added.in_(dates))
                .order_by(o.date_added)
            )
            return Page(tuple(Row(*row) for row in found), len(sizes) > len(dates))

    def keys(self, collection: str, viewer: Viewer, filters: Filters) -> list[Key]:
        """Everything that matches, without bodies, in the order of addition."""
        o = OBJECTS.c
        query = select(o.id, o.org, o.tlp, o.digest).where(*_matching(OBJECTS, collection, viewer, filters))
        with reading(self.engine) as db:
            return [Key(*row) for row in db.execute(query.order_by(o.date_added))]

    def bodies(self, collection: str, viewer: Viewer, filters: Filters) -> Iterator[Row]:
        """Everything that matches and was added later than ``filters.after``, in the order of addition."""
        while True:
            page = self.page(collection, viewer, filters, _CHUNK)
            yield from page.rows
            if not page.more:
                return
            filters = filters._replace(after=page.rows[-1].date_added)

    def state(self, collection: str) -> tuple[int, int]:
        """Changes whenever the collection does: when something was last added, and how often something was deleted."""
        c = COLLECTIONS.c
        with reading(self.engine) as db:
            last, deletions = db.execute(select(c.last_added, c.deletions).where(c.id == collection)).one()
        return int(last), int(deletions)

    def holds(self, collection: str, viewer: Viewer, filters: Filters) -> bool:
        """Whether anything matches, whenever it was added."""
        with reading(self.engine) as db:
            return bool(db.scalar(select(exists().where(*_matching(OBJECTS, collection, viewer, filters)))))

    def delete(self, collection: str, viewer: Viewer, filters: Filters) -> tuple[int, int]:
        """Delete the versions that match; (how many were deleted, how many of them belong to others and stay)."""
        with writing(self.engine) as db:
            db.execute(select(COLLECTIONS.c.id).where(COLLECTIONS.c.id == collection).with_for_update())
            keys = db.execute(
                select(OBJECTS.c.id, OBJECTS.c.version_key, OBJECTS.c.org, OBJECTS.c.size).where(
                    *_matching(OBJECTS, collection, viewer, filters)
                )
            ).all()
            mine = [(name, key) for name, key, org, _ in keys if org == viewer.org]
            freed = sum(size for _, _, org, size in keys if org == viewer.org)
            for name, key in mine:
                for table in (RECIPIENTS, OBJECTS):
                    t = table.c
                    db.execute(delete(table).where(t.collection == collection, t.id == name, t.version_key == key))
            c = COLLECTIONS.c
            if mine:
                db.execute(
                    update(COLLECTIONS)
                    .where(c.id == collection)
                    .values(deletions=c.deletions + 1, stored=c.stored - freed)
                )
        return len(mine), len(keys) - len(mine)


def _eyes(a: Addition) -> tuple[object, ...]:
    """For whom an object is; what is open to all comes first."""
    return a.tlp not in OPEN, "" if a.tlp in OPEN else a.tlp, tuple(sorted(a.recipients))


def _repeated(db: Connection, collection: str, key: str, a: Addition, digest: bytes) -> str:
    """What is wrong with adding an object once more; "" where it is the one that is here, for those it is here for.

    Nobody can be let in later: who has read past the time of its addition would not be given it.
    """
    if digest != a.found.digest:
        return "another object with this id and version is here already"
    r = RECIPIENTS.c
    query = select(r.org).where(r.collection == collection, r.id == a.found.id, r.version_key == key)
    if a.recipients and not set(a.recipients) <= set(db.scalars(query)):
        return "the object is here already, for other recipients: publish a later version of it"
    return ""


def _key(found: Stored, added: int, versions: dict[str, tuple[bytes, str, str]]) -> str:
    """The key of this version. An object without versions has one, whatever is sent under its id later."""
    if found.version is not None:
        return version_key(found.version) or ""
    return next(iter(versions), None) or version_key(taxii_stamp(added)) or ""


def _known(db: Connection, collection: str, ids: set[str]) -> dict[str, dict[str, tuple[bytes, str, str]]]:
    """What is stored under these ids: id → version key → (digest, organisation, version)."""
    out: dict[str, dict[str, tuple[bytes, str, str]]] = {}
    ordered, o = sorted(ids), OBJECTS.c
    for start in range(0, len(ordered), _CHUNK):
        query = select(o.id, o.version_key, o.digest, o.org, o.version).where(
            o.collection == collection, o.id.in_(ordered[start : start + _CHUNK])
        )
        for name, key, digest, org, version in db.execute(query):
            out.setdefault(name, {})[key] = (digest, org, version)
    return out


def _fitting(sizes: list[int]) -> int:
    """How many rows fit in one answer; at least one, so that a reader always gets on."""
    total = 0
    for count, size in enumerate(sizes):
        total += size
        if total > MOST_PAGE_BYTES and count:
            return count
    return len(sizes)


def _visible(t: FromClause, collection: str, viewer: Viewer) -> list[ColumnElement[bool]]:
    """In the collection, and for these eyes."""
    c, r = t.c, RECIPIENTS.c
    if viewer.open is None:
        return [c.collection == collection]
    named = exists().where(
        r.collection == c.collection, r.id == c.id, r.version_key == c.version_key, r.org == viewer.org
    )
    allowed = or_(c.tlp.in_(viewer.open), and_(c.tlp == "red", named))
    if viewer.unnamed:
        naming = and_(c.type == "identity", c.id != MAKER, c.org.in_(sorted(viewer.unnamed)))
        allowed = and_(allowed, not_(naming))
    return [c.collection == collection, or_(c.org == viewer.org, allowed)]


def _matching(t: FromClause, collection: str, viewer: Viewer, filters: Filters) -> list[ColumnElement[bool]]:
    """What a request asks for, the time of addition apart (3.4.1)."""
    c = t.c
    wanted = _visible(t, collection, viewer)
    if filters.ids:
        wanted.append(c.id.in_(filters.ids))
    if filters.types:
        wanted.append(c.type.in_(filters.types))
    if filters.spec_versions:
        wanted.append(c.spec_version.in_(filters.spec_versions))
    else:
        wanted.append(c.spec_version == _extreme(func.max, "spec_version", t, collection, viewer, None))
    if "all" in filters.keywords:
        return wanted
    versions: list[ColumnElement[bool]] = []
    for keyword, function in (("first", func.min), ("last", func.max)):
        if keyword in filters.keywords:
            versions.append(c.version_key == _extreme(function, "version_key", t, collection, viewer, filters))
    if filters.versions:
        versions.append(c.version_key.in_(filters.versions))
    return [*wanted, or_(*versions)]


def _extreme(
    function: Callable[..., ColumnElement[str]],
    column: str,
    t: FromClause,
    collection: str,
    viewer: Viewer,
    filters: Filters | None,
) -> ColumnElement[str]:
    """The first or last version of the row's object among those that the viewer may see."""
    other = OBJECTS.alias()
    query = select(function(other.c[column])).where(other.c.id == t.c.id, *_visible(other, collection, viewer))
    if filters is not None and filters.spec_versions:
        query = query.where(other.c.spec_version.in_(filters.spec_versions))
    elif filters is not None:
        query = query.where(other.c.spec_version == t.c.spec_version)
    return query.correlate(t).scalar_subquery()
