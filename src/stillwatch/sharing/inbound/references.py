"""References that lead back to themselves: whoever follows them never arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_LINKS = ("relationship", "sighting", "note", "opinion", "language-content")
"""Objects that are about others: what they point at may well be about them in turn."""


def cycle(objects: Mapping[str, dict[str, Any]]) -> list[str]:
    """Ids of one ring of embedded references, its first id again at the end; empty where there is none.

    That an identity names itself as its creator is common and harmless; it is no ring. Depth-first, without recursion.
    """
    done: set[str] = set()
    for start in objects:
        if start in done:
            continue
        path = [start]
        on_path = {start}
        open_refs = [_references(objects[start])]
        while path:
            following = next(open_refs[-1], None)
            if following is None:
                done.add(path[-1])
                on_path.discard(path.pop())
                open_refs.pop()
            elif following in on_path:
                return [*path[path.index(following) :], following]
            elif following in objects and following not in done:
                path.append(following)
                on_path.add(following)
                open_refs.append(_references(objects[following]))
    return []


def _references(item: dict[str, Any]) -> Iterator[str]:
    if item["type"] in _LINKS:
        return
    for name, value in item.items():
        if name.endswith("_ref") and isinstance(value, str):
            if not (name == "created_by_ref" and value == item["id"]):
                yield value
        elif name.endswith("_refs") and isinstance(value, list):
            yield from (v for v in value if isinstance(v, str))
