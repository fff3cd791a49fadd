"""Query parameters: ``added_after``, ``limit``, ``next`` and ``match[…]`` (TAXII 2.1, 3.4)."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl

from stillwatch.sharing.inbound.shapes import ID
from stillwatch.sharing.taxii.errors import RefusedError
from stillwatch.sharing.taxii.times import micros, version_key

MOST_FIELDS = 50
MOST_VALUES = 500
_VALUES = {
    "id": ID,
    "type": re.compile(r"[a-z0-9-]{3,250}", re.ASCII),
    "spec_version": re.compile(r"\d\.\d", re.ASCII),
}
_TOKEN = re.compile(r"[1-9]\d{0,17}", re.ASCII)
KEYWORDS = ("first", "last", "all")


class Filters(NamedTuple):
    """What a request asks for. Times are microseconds since the epoch; empty tuples do not restrict."""

    after: int = 0
    """Only what was added later: ``added_after`` and ``next``, whichever is later."""
    added_after: int = 0
    limit: int | None = None
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    spec_versions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ("last",)
    """Of ``first``, ``last``, ``all``: which versions …"""
    versions: tuple[str, ...] = ()
    """… and the keys of versions that are named."""


def read_filters(query: bytes, *, match: tuple[str, ...], paged: bool = True, strict: bool = False) -> Filters:
    """The filters of a query string; 400 for what is malformed or given twice.

    ``match``: the fields that this endpoint filters on. Others are ignored, as 3.4 allows, unless ``strict``: a
    deletion must not go further than was meant.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query),
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError as exc:
        raise RefusedError(400, "The query string cannot be read.") from exc
    given = dict(pairs)
    if len(given) != len(pairs):
        raise RefusedError(400, "A query parameter occurs more than once; several values are separated by commas.")
    if strict and (unknown := [name for name in given if name not in {f"match[{field}]" for field in match}]):
        raise RefusedError(400, f"{_named(unknown[0])} is not known here.")
    fields = {name: _values(name, given[f"match[{name}]"]) for name in match if f"match[{name}]" in given}
    keywords, versions = _versions(fields["version"]) if "version" in fields else (("last",), ())
    added_after = _added_after(given["added_after"]) if paged and "added_after" in given else 0
    return Filters(
        after=max(added_after, _next(given["next"]) if paged and "next" in given else 0),
        added_after=added_after,
        limit=_limit(given["limit"]) if paged and "limit" in given else None,
        ids=fields.get("id", ()),
        types=fields.get("type", ()),
        spec_versions=fields.get("spec_version", ()),
        keywords=keywords,
        versions=versions,
    )


def _named(name: str) -> str:
    return f"The parameter {name}" if re.fullmatch(r"[a-z_\[\]]{1,40}", name) else "A parameter"


def _values(name: str, text: str) -> tuple[str, ...]:
    values = tuple(text.split(","))
    pattern = _VALUES.get(name)
    if len(values) > MOST_VALUES or (pattern and not all(pattern.fullmatch(v) for v in values)):
        raise RefusedError(400, f"match[{name}] is malformed: values separated by commas, at most {MOST_VALUES}.")
    return values


def _versions(values: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    keywords = tuple(v for v in values if v in KEYWORDS)
    keys = tuple(version_key(v) for v in values if v not in KEYWORDS)
    named = tuple(key for key in keys if key is not None)
    if len(named) != len(keys):
        raise RefusedError(400, "match[version] is malformed: first, last, all, or a version's timestamp.")
    if len(set(keywords)) + len(set(named)) != len(values):
        raise RefusedError(400, "match[version] names a version more than once.")
    if "all" in keywords and len(values) > 1:
        raise RefusedError(400, "match[version]=all cannot be combined with other versions.")
    return keywords, named


def _added_after(text: str) -> int:
    found = micros(text)
    if found is None:
        raise RefusedError(400, "added_after is not a timestamp like 2016-11-03T12:30:59.000000Z.")
    return found


def _limit(text: str) -> int:
    if not re.fullmatch(r"0*[1-9]\d{0,8}", text, re.ASCII):
        raise RefusedError(400, "limit is not a positive whole number.")
    return int(text)


def _next(text: str) -> int:
    # A position, not a promise: it only narrows the query it comes with, so that a made-up one shows nothing more
    # (TAXII 2.1, appendix B, on the next parameter).
    if not _TOKEN.fullmatch(text):
        raise RefusedError(400, "next is not a value that this server gave.")
    return int(text)
