"""The server file: who may do what, in one place that can be read and reviewed. Secrets in it are hashed."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import msgspec
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.sharing.stix.tlp import LEVELS
from stillwatch.sharing.taxii.secrets import is_hash

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
RESERVED = frozenset({"hub", "taxii2"})


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who may connect."""

    name: str
    """Also the user name of HTTP Basic."""
    organisation: str = ""
    """Whose member it is; its own name when absent. TLP counts organisations, not members."""
    secret: str = ""
    """What ``share token`` printed: a salted hash."""
    certificate: str = ""
    """SHA-256 of the client certificate (DER), in hex: for mutual TLS."""
    shown_as: str = ""
    """The name under which others may see it. Absent: it is counted, never named."""

    @property
    def org(self) -> str:
        return self.organisation or self.name


class Collection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One collection (TAXII 2.1, 5.2.1) and the members who may use it."""

    id: str
    title: str
    alias: str = ""
    description: str = ""
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    listed: bool = False
    """Whether members without any right to it see that it exists."""


class Hub(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which collections a hub works on, by id or alias."""

    feeds: tuple[str, ...]
    """What members publish: a collection for each organisation. In a common one the ids of one would stand against
    those of another, and a refusal would tell of objects that the label hides."""
    joined: str
    """What the hub makes of it."""
    unmarked: str = "amber"
    """The TLP label that counts for an object without one."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole server file."""

    title: str
    members: tuple[Member, ...]
    collections: tuple[Collection, ...]
    description: str = ""
    contact: str = ""
    api_root: str = "exchange"
    max_content_length: int = 32 << 20
    """Bytes of a request's body that are accepted (TAXII 2.1, 4.2.1)."""
    quota: int = 4 << 30
    """Bytes of objects that a collection may hold: what members send is kept, and a disk is not endless."""
    page: int = 1000
    """Objects of an answer at most."""
    hub: Hub | None = None

    def collection(self, key: str) -> Collection | None:
        """By id or alias."""
        return next((c for c in self.collections if key in (c.id, c.alias) and key), None)


def read_settings(path: Path) -> Settings:
    """Read and check the server file; :class:`InputError` says what is wrong with which entry."""
    where = str(path)
    try:
        data = yaml.safe_load(path.read_bytes())
    except OSError as exc:
        raise InputError("the server file cannot be opened", where=where, remedy="make one: share setup") from exc
    except yaml.YAMLError as exc:
        raise InputError("is not YAML", where=where) from exc
    try:
        found = msgspec.convert(data, Settings)
    except msgspec.ValidationError as exc:
        raise InputError(str(exc), where=where) from exc
    if problem := problem_of(found):
        raise InputError(problem, where=where)
    return found


def problem_of(s: Settings) -> str:
    """The first thing that is wrong, in words; "" when nothing is."""
    names = [m.name for m in s.members]
    for m in s.members:
        if not _NAME.fullmatch(m.name) or not _NAME.fullmatch(m.org) or {m.name, m.org} & RESERVED:
            return f"member {m.name!r}: names are a-z, 0-9, _ and -, and not {' or '.join(sorted(RESERVED))}"
        if m.secret and not is_hash(m.secret):
            return f"member {m.name}: secret is not what `share token` prints"
        if m.certificate and not re.fullmatch(r"[0-9a-f]{64}", m.certificate):
            return f"member {m.name}: certificate is not a SHA-256 in hex"
    if len(set(names)) != len(names):
        return "two members have one name"
    if len(certificates := [m.certificate for m in s.members if m.certificate]) != len(set(certificates)):
        return "two members have one certificate"
    keys = [key for c in s.collections for key in (c.id, c.alias) if key]
    if len(set(keys)) != len(keys):
        return "two collections have one id or alias"
    for c in s.collections:
        if not _is_uuid4(c.id):
            return f"collection {c.title!r}: id is not a version 4 UUID"
        if c.alias and not _NAME.fullmatch(c.alias):
            return f"collection {c.title!r}: the alias is not a-z, 0-9, _ and -"
        if unknown := [n for n in (*c.read, *c.write) if n not in names]:
            return f"collection {c.title!r}: {unknown[0]!r} is not a member"
    if not _NAME.fullmatch(s.api_root) or s.api_root == "taxii2":
        return "api_root is not a name like exchange"
    if min(s.max_content_length, s.page, s.quota) < 1:
        return "max_content_length, page and quota are at least 1"
    return _hub_problem(s)


def _hub_problem(s: Settings) -> str:
    if s.hub is None:
        return ""
    feeds, joined = [s.collection(key) for key in s.hub.feeds], s.collection(s.hub.joined)
    if joined is None or not feeds or None in feeds or joined in feeds:
        return "hub: feeds and joined must be different collections of this server"
    if joined.write:
        return "hub: nobody but the hub writes to the joined collection"
    org = {m.name: m.org for m in s.members}
    for feed in feeds:
        if feed is not None and len({org[name] for name in feed.write}) != 1:
            return f"hub: feed {feed.title!r} is written by members of one organisation, and of one only"
    if s.hub.unmarked not in LEVELS:
        return "hub: unmarked is not a TLP 2.0 label"
    return ""


def _is_uuid4(text: str) -> bool:
    try:
        return str(found := uuid.UUID(text)) == text and found.version == 4
    except ValueError:
        return False
