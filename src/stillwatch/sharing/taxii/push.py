"""Sending a bundle to a collection: in parts that fit, without sending what its label forbids."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.bundle import Bundle
from stillwatch.sharing.inbound.shapes import wrong_text
from stillwatch.sharing.taxii.client import Client, Feed, Root
from stillwatch.sharing.taxii.content import RECIPIENTS, label_of

MOST_OBJECTS = 1000
"""Objects in one request."""
POLLS = 30
UNMARKED = "amber"


class Pushed(NamedTuple):
    """What became of a bundle."""

    feed: Feed
    accepted: int
    failures: dict[str, int]
    """The server's reason → how many objects."""
    unheeded: bool
    """TLP:AMBER+STRICT went to a server that does not say that it heeds labels."""


def push(client: Client, bundle: Bundle, recipients: Sequence[str], pause: Callable[[], None]) -> Pushed:
    """Send all objects. It can be repeated: what is there already is no second object (TAXII 2.1, 5.5)."""
    root, feeds = client.feeds()
    feed = _writable(feeds, root)
    labels = {label_of(item, UNMARKED) for item in bundle.objects.values()}
    if "red" in labels and not (recipients and root.tlp):
        raise InputError(
            "TLP:RED goes to named recipients only, on a server that says it shows it to nobody else",
            where=root.url,
            remedy="name them with --recipient, on a Stillwatch hub",
        )
    accepted, failures = 0, Counter[str]()
    for envelope in _envelopes(list(bundle.objects.values()), root.most_bytes, recipients):
        status = _final(client, root, client.add(feed, envelope), pause)
        accepted += _number(status, "success_count", feed)
        failures += Counter(_reasons(status))
        missing = _number(status, "failure_count", feed) - len(_reasons(status))
        failures += Counter({"no reason given": missing} if missing > 0 else {})
    return Pushed(feed, accepted, dict(failures), "amber+strict" in labels and not root.tlp)


def _writable(feeds: list[Feed], root: Root) -> Feed:
    found = [feed for feed in feeds if feed.can_write]
    if len(found) != 1:
        what = "no collection that we may write to" if not found else "several collections that we may write to"
        raise InputError(what, where=root.url, remedy="name one: …/collections/ID/")
    return found[0]


def _envelopes(objects: list[dict[str, Any]], most_bytes: int, recipients: Sequence[str]) -> Iterator[bytes]:
    head = f'"{RECIPIENTS}":{json.dumps(list(recipients))},' if recipients else ""
    start, end = f'{{{head}"objects":['.encode("ascii"), b"]}"
    part: list[bytes] = []
    size = len(start) + len(end)
    for item in objects:
        body = json.dumps(item, separators=(",", ":"), allow_nan=False).encode("ascii")
        if len(start) + len(body) + len(end) > most_bytes:
            raise InputError(f"the server takes {most_bytes:,} bytes at most", where=str(item["id"]))
        if part and (size + len(body) + 1 > most_bytes or len(part) == MOST_OBJECTS):
            yield start + b",".join(part) + end
            part, size = [], len(start) + len(end)
        part.append(body)
        size += len(body) + 1
    if part:
        yield start + b",".join(part) + end


def _final(client: Client, root: Root, status: dict[str, Any], pause: Callable[[], None]) -> dict[str, Any]:
    """The status once the server has done its work (5.5)."""
    for _ in range(POLLS):
        if status.get("status") == "complete":
            return status
        name = status.get("id")
        if not isinstance(name, str) or not name.isascii() or not name.replace("-", "").isalnum():
            raise InputError("the server's status has no id", where=root.url)
        pause()
        status = client.status(root, name)
    raise InputError("the server has not done its work yet", where=root.url, remedy="push again later")


def _number(status: dict[str, Any], name: str, feed: Feed) -> int:
    found = status.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise InputError(f"the server's status has no {name}", where=feed.url)
    return found


def _reasons(status: dict[str, Any]) -> list[str]:
    listed = status.get("failures")
    messages = [f.get("message") for f in listed if isinstance(f, dict)] if isinstance(listed, list) else []
    return [m[:200] if isinstance(m, str) and m and not wrong_text(m) else "no reason given" for m in messages]
