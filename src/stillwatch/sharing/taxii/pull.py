"""Fetching what partners published: checked object by object, kept as bundles, remembering how far we came."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.bundle import check_objects, pulled_name
from stillwatch.sharing.inbound.check import problem
from stillwatch.sharing.inbound.limits import DEFAULT
from stillwatch.sharing.stix.bundle import to_bytes
from stillwatch.sharing.stix.ids import object_id
from stillwatch.sharing.taxii.client import Client, Feed
from stillwatch.sharing.taxii.times import micros, taxii_stamp

STATE = "state.json"
FORMAT = "stillwatch-pull/1"
MOST_BYTES = DEFAULT.bytes - (1 << 20)
"""Of the objects of a bundle; the frame around them takes the rest."""


class State(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """``state.json``: how far each collection was read."""

    format: str = FORMAT
    added_after: dict[str, str] = {}
    """Address of a collection → when the last object that we have was added."""


class Fetched(NamedTuple):
    """What one collection gave."""

    feed: Feed
    objects: int
    files: tuple[Path, ...]
    """The bundles that were written: one, unless there is more than fits; none when there was nothing new."""
    refused: dict[str, int]
    """What was wrong with objects that were left out → how many."""
    problem: str = ""
    """Why nothing more was taken of this collection; the next pull goes on from what was."""


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
        files: list[Path] = []
        refused = Counter[str]()
        objects, wrong = 0, ""
        try:
            for part in _parts(client, feed, since or state.added_after.get(feed.url)):
                refused += part.refused
                if part.objects:
                    files.append(_keep(folder, feed, part))
                    objects += len(part.objects)
                if part.last_added:
                    state.added_after[feed.url] = part.last_added
                    _write(folder / STATE, msgspec.json.format(msgspec.json.encode(state, order="sorted")) + b"\n")
        except InputError as exc:
            wrong = str(exc)
        out.append(Fetched(feed, objects, tuple(files), dict(refused), wrong))
    return out


def bundles(folder: Path) -> list[Path]:
    """All bundles of a folder, in the order of their names."""
    return sorted(folder.glob("pull-*.json"))


class _Part(NamedTuple):
    """As much of a collection as one bundle may hold."""

    objects: list[dict[str, Any]]
    refused: Counter[str]
    last_added: str


def _parts(client: Client, feed: Feed, after: str | None) -> Iterator[_Part]:
    """What is new in a collection, page by page; a bundle is closed before it would be more than we read again."""
    good: dict[tuple[str, str], dict[str, Any]] = {}
    refused = Counter[str]()
    last, size = "", 0
    for page in client.pages(feed, after):
        taken, bytes_taken = _checked(page.objects, refused)
        if good and (len(good) + len(taken) > DEFAULT.objects or size + bytes_taken > MOST_BYTES):
            yield _Part(list(good.values()), refused, last)
            good, refused, last, size = {}, Counter[str](), "", 0
        for key, item in taken.items():
            if good.setdefault(key, item) != item:
                refused["another object has the same id and version"] += 1
        size += bytes_taken
        if len(good) > DEFAULT.objects or size > MOST_BYTES:
            raise InputError("one answer holds more than a bundle may", where=feed.url)
        last = page.last_added if micros(page.last_added) is not None and page.objects else last
    yield _Part(list(good.values()), refused, last)


def _checked(items: list[Any], refused: Counter[str]) -> tuple[dict[tuple[str, str], dict[str, Any]], int]:
    """The objects of a page that pass, by id and version, and their bytes; what is wrong with others is counted."""
    out: dict[tuple[str, str], dict[str, Any]] = {}
    size = 0
    for item in items:
        wrong = problem(item)
        if wrong is None and out.setdefault((item["id"], item.get("modified", "")), item) != item:
            wrong = "another object has the same id and version"
        if wrong is not None:
            refused[wrong] += 1
            continue
        size += len(json.dumps(item, separators=(",", ":"))) + 2
    return out, size


def _keep(folder: Path, feed: Feed, part: _Part) -> Path:
    check_objects(part.objects, feed.url)
    named = object_id("bundle", *sorted((o["id"], o.get("modified", "")) for o in part.objects))
    at = taxii_stamp(micros(part.last_added) or 0).replace(":", "").replace(".", "")
    file = folder / pulled_name(at, feed.id.replace("-", "")[:16], named[-12:])
    _write(file, to_bytes({"type": "bundle", "id": named, "objects": part.objects}))
    return file


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
