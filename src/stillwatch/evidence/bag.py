"""BagIt 1.0 (RFC 8493): declaration, metadata and manifests around a payload, SHA-256 throughout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stillwatch.evidence import layout
from stillwatch.evidence.folder import Directory

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def close_bag(place: Path, info: Mapping[str, str]) -> dict[str, dict[str, int | str]]:
    """Write the tag files around ``place/data``. Returns sha256 and bytes of every file, tag files included.

    ``info`` goes to ``bag-info.txt``; a value may not span lines. Payload names are ours: no escapes are needed.
    """
    (place / layout.BAGIT).write_bytes(DECLARATION)
    bag = Directory(place)
    payload = {name: bag.sha256(name) for name in bag.names() if name.startswith("data/")}
    octets = sum(bag.size(name) for name in payload)
    lines = {**info, "Payload-Oxum": f"{octets}.{len(payload)}"}
    (place / layout.INFO).write_text("".join(f"{k}: {v}\n" for k, v in sorted(lines.items())), "utf-8")
    (place / layout.MANIFEST).write_text(_manifest(payload), "utf-8")
    tags = {name: bag.sha256(name) for name in (layout.INFO, layout.BAGIT, layout.MANIFEST)}
    (place / layout.TAGS).write_text(_manifest(tags), "utf-8")
    digests = {**payload, **tags, layout.TAGS: bag.sha256(layout.TAGS)}
    return {name: {"sha256": digest, "bytes": bag.size(name)} for name, digest in sorted(digests.items())}


def _manifest(digests: Mapping[str, str]) -> str:
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
