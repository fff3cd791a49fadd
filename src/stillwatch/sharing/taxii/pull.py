"""Fetching what partners published: checked object by object, kept as bundles, remembering how far we came."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.bundle import check_objects
from stillwatch.sharing.inbound.check import problem
from stillwatch.sharing.inbound.limits import DEFAULT
from stillwatch.sharing.stix.bundle import to_bytes
from stillwatch.sharing.stix.ids import object_id
from stillwatch.sharing.taxii.client import Client, Feed
from stillwatch.sharing.taxii.times import micros, taxii_stamp

STATE = "state.json"
FORMAT = "stillwatch-pull/1"


class State(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``state.json``: how far each collection was read."""

    format: str = FORMAT
    added_after: dict[str, str] = {}
    """Address of a collection → when the last object that we have was added."""


class Fetched(NamedTuple):
    """What one collection gave."""

    feed: Feed
    objects: int
    file: Path | None
    """The bundle that was written; None when there was nothing new."""
    refused: dict[str, int]
    """What was wrong with objects that were left out → how many."""
    problem: str = ""
    """Why nothing was taken of this collection; the next pull tries again."""


def pull(client: Client, folder: Path, since: str | None) -> list[Fetched]:
    """Read every collection that we may read and others write. A folder holds one server's bundles, and the state.

    ``since``: a time to start from instead of where the last pull ended. An object that fails the checks is left out
    and counted, and a collection that fails as a whole is told: what one member publishes must not keep another's
    from us.
    """
    if since is not None and micros(since) is None:
        raise InputError("--since is not a time", remedy="e.g. 2026-11-23T14:00:00Z")
    state = _read_state(folder)
    _, feeds = client.feeds()
    out = []
    for feed in (f for f in feeds if f.can_read and not f.mine):
        try:
            fetched, last = _fetch(client, feed, folder, since or state.added_after.get(feed.url))
        except InputError as exc:
            fetched, last = Fetched(feed, 0, None, {}, str(exc)), ""
        out.append(fetched)
        if last:
            state.added_after[feed.url] = last
            _write(folder / STATE, msgspec.json.format(msgspec.json.encode(state, order="sorted")) + b"\n")
    return out


def bundles(folder: Path) -> list[Path]:
    """All bundles of a folder, in the order of their names."""
    return sorted(folder.glob("pull-*.json"))


def _fetch(client: Client, feed: Feed, folder: Path, after: str | None) -> tuple[Fetched, str]:
    good: dict[tuple[str, str], dict[str, Any]] = {}
    refused = Counter[str]()
    last, total, size = "", 0, 0
    for page in client.pages(feed, after):
        for item in page.objects:
            total += 1
            wrong = problem(item)
            key = (item["id"], item.get("modified", "")) if wrong is None else ("", "")
            if wrong is None and good.get(key, item) != item:
                wrong = "another object has the same id and version"
            if wrong is not None:
                refused[wrong] += 1
                continue
            good[key] = item
            size += len(json.dumps(item, separators=(",", ":")))
        if total > DEFAULT.objects or size > DEFAULT.bytes:
            raise InputError(
                f"more than {DEFAULT.objects:,} objects or {DEFAULT.bytes:,} bytes are new",
                where=feed.url,
                remedy="pull a part of it: --since",
            )
        last = page.last_added if micros(page.last_added) is not None and page.objects else last
    if not good:
        return Fetched(feed, 0, None, dict(refused)), last
    check_objects(good.values(), feed.url)
    named = object_id("bundle", *sorted(good))
    at = taxii_stamp(micros(last) or 0).replace(":", "").replace(".", "")
    file = folder / f"pull-{at}-{feed.id[:8]}-{named[-12:]}.json"
    _write(file, to_bytes({"type": "bundle", "id": named, "objects": list(good.values())}))
    return Fetched(feed, len(good), file, dict(refused)), last


def _read_state(folder: Path) -> State:
    try:
        found = msgspec.json.decode((folder / STATE).read_bytes(), type=State)
    except FileNotFoundError:
        return State(added_after={})
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise InputError("is not a state of ours", where=str(folder / STATE), remedy="remove it to start anew") from exc
    if found.format != FORMAT:
        raise InputError(f"is not of format {FORMAT}", where=str(folder / STATE))
    return found


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        fresh.write_bytes(data)
        fresh.rename(path)
    finally:
        fresh.unlink(missing_ok=True)
